"""What all losses share: matching of shapes, weights, masks, reduction."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from kerasish import config, ops
from kerasish.compat.arguments import is_text, older_order
from kerasish.graph import dtypes
from kerasish.graph.shapes import broadcast_shapes, size_of
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.saving.serialization import (
    Configurable,
    function_named,
    serialize_keras_object,
    snake_case,
)
from kerasish.utils.kinds import Checked, check_range

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


# --- shapes ------------------------------------------------------------------------------


def pair(y_true: Any, y_pred: Any, where: str) -> tuple[Tensor, Tensor]:
    """Targets and predictions as floats of shapes that broadcast.

    Args:
        y_true: targets.
        y_pred: predictions; their dtype is the one of both.
        where: the name of the loss or metric, for messages.

    Raises:
        ValueError: the shapes don't fit.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_pred = ops.cast(y_pred, dtypes.floating(y_pred.dtype))
    return comparable(ops.cast(y_true, y_pred.dtype), y_pred, where)


def comparable(y_true: Any, y_pred: Any, where: str) -> tuple[Tensor, Tensor]:
    """`same_rank` of targets and predictions, which must fit together.

    Raises:
        ValueError: the shapes don't broadcast, or only if the number of samples happened to be
            that of classes.
    """
    y_true, y_pred = same_rank(y_true, y_pred)
    fewer = min(y_true, y_pred, key=lambda y: y.rank)
    if y_true.rank != y_pred.rank and None in fewer.shape:
        hint = " For class numbers take a sparse loss or metric, or to_categorical(y_true)."
        raise ValueError(
            f"{where}: expected y_true with the axes of y_pred, whose shape is "
            f"{format_shape(y_pred.shape)}, but got shape {format_shape(y_true.shape)}."
            f"{hint if fewer is y_true else ''}"
        )
    broadcast_shapes(y_true.shape, y_pred.shape, where=f"{where}: y_true and y_pred")
    return y_true, y_pred


def same_rank(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """`x` and `y` with the same number of axes if one has a last axis of size 1 too many."""
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    if x.rank == y.rank + 1 and x.shape[-1] == 1:
        return (x, ops.expand_dims(y, -1)) if y.rank == 1 else (ops.squeeze(x, -1), y)
    if y.rank == x.rank + 1 and y.shape[-1] == 1:
        return (ops.expand_dims(x, -1), y) if x.rank == 1 else (x, ops.squeeze(y, -1))
    return x, y


def as_steps(y_true: Any, y_pred: Tensor, mask: Any) -> Tensor:
    """Targets (batch, steps) as (batch, steps, 1) where predictions of that shape have a mask.

    It says which steps count, so there must be a loss for each; without a mask, that of a sample
    is as good.
    """
    true = ops.convert_to_tensor(y_true)
    per_step = mask is not None and mask.ndim == true.rank == y_pred.rank - 1
    return ops.expand_dims(true, -1) if per_step and y_pred.shape[-1] == 1 else true


def class_pair(y_true: Any, y_pred: Any, where: str) -> tuple[Tensor, Tensor]:
    """Like `pair`, for targets that hold one number per class, as the predictions do."""
    true, pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    lacks_classes = true.rank == pred.rank - 1 or (
        true.rank == pred.rank and true.shape[-1] == 1 and pred.shape[-1] not in (1, None)
    )
    if pred.rank > 1 and lacks_classes:
        raise ValueError(
            f"{where}: expected y_true with one number per class, like y_pred of shape "
            f"{format_shape(pred.shape)}, but got shape {format_shape(true.shape)}, which looks "
            f"like class numbers. Use sparse_{where}, or kerasish.utils.to_categorical(y_true)."
        )
    return pair(true, pred, where)


def sparse_pair(y_true: Any, y_pred: Any, where: str) -> tuple[Tensor, Tensor]:
    """Targets as class numbers without an axis of classes, and the predictions as floats."""
    true, pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    pred = ops.cast(pred, dtypes.floating(pred.dtype))
    if true.rank == pred.rank and true.shape[-1] == 1:
        true = ops.squeeze(true, -1)
    if true.rank != pred.rank - 1:
        hint = f" Use {where.removeprefix('sparse_')}." if true.shape == pred.shape else ""
        raise ValueError(
            f"{where}: expected y_true to hold class numbers, with one axis less than y_pred of "
            f"shape {format_shape(pred.shape)}, but got shape {format_shape(true.shape)}.{hint}"
        )
    return true, pred


# --- weights and reduction ---------------------------------------------------------------


def weighted_mask(sample_weight: Any, mask: Any, dtype: str, rescale: bool) -> Tensor | None:
    """Sample weights and mask as one weight, None if there is neither.

    With `rescale`, the mean over all steps becomes that over the ones which the mask keeps.
    """
    if mask is None:
        return None if sample_weight is None else ops.cast(sample_weight, dtype)
    mask = ops.cast(mask, dtype)
    if rescale:
        # Mean, not sum over size: the size may be known only at run time.
        mask = mask / (ops.mean(mask) + config.epsilon() / (size_of(mask.shape) or 1))
    if sample_weight is None:
        return mask
    mask, weight = same_rank(mask, ops.cast(sample_weight, dtype))
    return aligned(weight, mask) * aligned(mask, weight)


def reduce_weighted(
    values: Tensor, sample_weight: Any = None, mask: Any = None, reduction: str | None = "mean"
) -> Tensor:
    """Losses, weighted and masked, as one number (or as they are for "none")."""
    averaged = reduction in ("mean", "sum_over_batch_size")
    weight = weighted_mask(sample_weight, mask, values.dtype, rescale=averaged)
    if weight is not None:
        values, weight = same_rank(values, weight)
        # The product would be no weighted loss. A mask may come from a layer that lost an axis.
        if mask is None and 0 < values.rank < weight.rank:
            raise ValueError(
                f"sample_weight of shape {format_shape(weight.shape)} has more axes than the "
                f"losses, which have the shape {format_shape(values.shape)}."
            )
        weight = aligned(weight, values)
        values = values * weight
    if reduction in ("none", None) or values.rank == 0:
        return values
    if averaged:
        return ops.mean(values)
    total = ops.sum(values)
    if reduction == "sum" or weight is None:
        return total if reduction == "sum" else ops.mean(values)
    return ops.divide_no_nan(total, ops.sum(weight))


def aligned(weight: Tensor, values: Tensor) -> Tensor:
    """One weight per sample, for values that have more axes."""
    missing = values.rank - weight.rank
    if missing <= 0 or weight.rank == 0:
        return weight
    return ops.reshape(weight, (*ops.shape(weight), *(1,) * missing))


# --- losses ------------------------------------------------------------------------------


def _is_reduction(name: Any) -> bool:
    """Whether the name of a loss is a reduction, which came first in Keras 2."""
    return name is not None and name in (*REDUCTIONS, "auto")


class Loss(Checked, Configurable):
    """Base class. A loss of one's own defines `call`.

    Args:
        name: defaults to the name of the class.
        reduction: "sum_over_batch_size" (the mean over all numbers that `call` returns), "mean"
            (the same), "sum", "mean_with_sample_weight" (divided by the sum of the weights; one
            that is for several losses is added once, as in Keras), or "none".
        dtype: the float that it is computed in, floatx if None.

    >>> class Bias(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean(y_pred - y_true, axis=-1)
    >>> float(Bias()([[1.0], [2.0]], [[2.0], [5.0]]))
    2.0
    """

    @older_order((0, _is_reduction, ("reduction", "name")))
    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ):
        reduction = "sum_over_batch_size" if reduction == "auto" else reduction
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: reduction must be one of {REDUCTIONS}, but got "
                f"{reduction!r}."
            )
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction
        self.dtype = dtypes.standardize(dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Any:
        """The losses, usually one per sample."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred).")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of predictions.

        Args:
            y_true: targets, shape (batch, ...).
            y_pred: predictions, shape (batch, ...); its attribute `mask`, if it has one, says
                which of the losses count.
            sample_weight: one weight per sample, or per loss.

        Returns:
            A scalar, or the weighted losses if `reduction` is "none".
        """
        y_pred = ops.convert_to_tensor(y_pred)
        mask = getattr(y_pred, "mask", None)
        y_true = as_steps(y_true, y_pred, mask)
        losses = self.call(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        if losses is None:
            raise TypeError(f"The loss {self.name} returned None. Did it forget `return`?")
        losses = ops.convert_to_tensor(losses)
        mask = _both(mask, getattr(losses, "mask", None))
        return reduce_weighted(losses, sample_weight, mask, self.reduction)


def _both(mask: Any, other: Any) -> Any:
    if mask is None or other is None:
        return other if mask is None else mask
    return ops.logical_and(*same_rank(mask, other))


class LossFunctionWrapper(Loss):
    """A loss made of a function.

    Args:
        fn: takes y_true, y_pred and `kwargs`, and returns losses; or the name of such a
            function, as files hold it.
        reduction: see `Loss`.
        name: defaults to the name of the function.
        dtype: see `Loss`.
        **kwargs: passed to the function.

    >>> loss = LossFunctionWrapper(lambda t, p: ops.abs(t - p), name="distance")
    >>> float(loss([1.0, 2.0], [2.0, 4.0]))
    1.5
    """

    def __init__(
        self,
        fn: Callable[..., Any] | str,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        fn = function_named(fn) if isinstance(fn, str) else fn
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Tensor, y_pred: Tensor) -> Any:
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **serialize_keras_object(self._fn_kwargs)}


def class_of(
    function: Callable[..., Any],
    class_name: str,
    base: type,
    defaults: dict[str, Any],
    module: str,
    order: Sequence[str] = (),
    older: Sequence[str] = (),
) -> Any:
    """The class behind which a function of (y_true, y_pred, options) stands.

    Its arguments are the function's options and those in `defaults`, in that order unless
    `order` says which come first. They become attributes, so the config follows.

    Args:
        function: the function; its docstring becomes that of the class.
        class_name: the name of the class.
        base: its base, whose `__init__` takes the function, the `defaults` and the options.
        defaults: arguments of the class with their defaults.
        module: the public module of the class.
        order: names of the arguments that come first, as in Keras.
        older: the names of all arguments in Keras 2, where "reduction" or "name" was in the
            place of another one.
    """
    parameters = list(inspect.signature(function).parameters.values())[2:]
    options = {p.name: p.default for p in parameters}
    annotations = {p.name: p.annotation for p in parameters}
    known = {**options, **defaults}
    merged = {name: known[name] for name in (*order, *(k for k in known if k not in order))}
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter("self", keyword)]
        + [
            inspect.Parameter(name, keyword, default=value, annotation=annotations.get(name, Any))
            for name, value in merged.items()
        ]
    )

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        arguments = dict(given.arguments)
        del arguments["self"]
        check_range(self, 0, 1, label_smoothing=arguments.get("label_smoothing"))
        check_range(self, 1, k=arguments.get("k"))
        base.__init__(self, function, **arguments)  # type: ignore[misc]
        vars(self).update((name, arguments[name]) for name in options)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    if older:
        place = next(i for i, name in enumerate(older) if name != list(merged)[i])
        __init__ = older_order((place, is_text, tuple(older)))(__init__)
    body = {"__init__": __init__, "__doc__": function.__doc__, "__module__": module}
    return type(class_name, (base,), body)
