"""What all metrics share: state, and means of it over batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kerasish import initializers, losses, ops, tree
from kerasish.compat.arguments import by_name, older_order
from kerasish.graph import dtypes, trace
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable, holding
from kerasish.losses.loss import aligned, as_steps, same_rank, weighted_mask
from kerasish.saving.serialization import (
    Configurable,
    function_named,
    serialize_keras_object,
    snake_case,
)
from kerasish.utils.kinds import Checked


def _is_name(dtype: Any) -> bool:
    """Whether the dtype of a metric is its name, which came first in Keras 2."""
    return isinstance(dtype, str) and dtype not in (*dtypes.ALL, dtypes.WEAK_FLOAT)


class Metric(Checked, Configurable):
    """Base class: state that `update_state` changes and `result` sums up.

    Both are written in ops, so that training runs them inside its compiled step.

    Args:
        dtype: the float of the state, floatx if None.
        name: defaults to the name of the class.

    >>> class Count(Metric):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.seen = self.add_variable((), "zeros", name="seen")
    ...
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.seen.assign_add(ops.size(y_true))
    ...
    ...     def result(self):
    ...         return self.seen
    >>> count = Count()
    >>> float(count([1, 2, 3], [1, 2, 3]))
    3.0
    """

    # Which way is better, "up" or "down", for callbacks of mode "auto"; None lets its name decide.
    _direction: str | None = None

    @older_order((0, _is_name, ("name", "dtype")))
    def __init__(self, dtype: Any = None, name: str | None = None):
        self.name = name or snake_case(type(self).__name__)
        self.dtype = dtypes.standardize(dtype)
        self._variables: list[Variable] = []

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A new piece of state.

        Args:
            shape: its shape; () for a number.
            initializer: its first values; `reset_state` goes back to zeros.
            dtype: defaults to that of the metric.
            aggregation: how copies on several devices would be combined: "sum" or "mean".
            name: for messages and files.
        """
        initial = initializers.get(initializer or "zeros")
        variable = Variable(
            initial,
            tuple(shape),
            dtype or self.dtype,
            trainable=False,
            name=f"{self.name}/{name or f'variable_{len(self._variables)}'}",
        )
        self._variables.append(variable)
        return variable

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """`add_variable` under its older name.

        Args: (shape=(), initializer=None, dtype=None, name=None), or in the order of Keras 2
            (name, shape, initializer, dtype), where the name is a string in the first place.
        """
        order = ["shape", "initializer", "dtype"]
        order.insert(0 if args and isinstance(args[0], str) else len(order), "name")
        given = by_name(f"{self.name}.add_weight", order, args, kwargs)
        return self.add_variable(**{"shape": (), **given})

    @property
    def variables(self) -> list[Variable]:
        """The state: what `add_variable` made, then variables and metrics kept in attributes."""
        kept = [value for name, value in vars(self).items() if name != "_init_arguments"]
        return list(dict.fromkeys([*self._variables, *_state_of(kept)]))

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes in a batch: (y_true, y_pred, sample_weight=None) for most metrics."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state().")

    def result(self) -> Any:
        """The value for all batches since the last reset: a tensor, or a dict of them."""
        raise NotImplementedError(f"{type(self).__name__} must define result().")

    def reset_state(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, dtypes.numpy_dtype(variable.dtype)))

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Tensor]:
        """`update_state` from other values of `variables`; the new ones are returned.

        >>> mean = Mean()
        >>> state = mean.stateless_update_state([6.0, 3.0], [4.0])
        >>> float(mean.stateless_result(state)), float(mean.result())
        (2.5, 0.0)
        """
        variables = self.variables
        with holding(variables, metric_variables) as effects:
            self.update_state(*args, **kwargs)
        return [effects.updates[variable] for variable in variables]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """`result` for other values of `variables`."""
        with holding(self.variables, metric_variables):
            return tree.map_structure(ops.convert_to_tensor, self.result())

    def stateless_reset_state(self) -> list[Tensor]:
        """What `reset_state` sets `variables` to."""
        variables = self.variables
        with trace.Trace() as effects:
            self.reset_state()
        return [effects.updates.get(variable, variable) for variable in variables]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes in a batch, and returns the result so far, which knows its `metric`."""
        self.update_state(*args, **kwargs)
        result = self.result()
        if isinstance(result, Tensor):
            result.metric = self  # type: ignore[attr-defined]
        return result


def _state_of(value: Any) -> Iterator[Variable]:
    """The variables in an attribute: itself, a metric, or lists and dicts of such."""
    if isinstance(value, Variable):
        yield value
    elif isinstance(value, Metric):
        yield from value.variables
    elif isinstance(value, (list, tuple, Mapping)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _state_of(item)


def one_per_sample(values: Any, sample_weight: Any, dtype: str) -> tuple[Tensor, Tensor | None]:
    """Weighted values and their weights (None without any), one of each per sample.

    A sample of several steps counts as their mean weight, however many steps a batch has. A mask
    of the values (`ignore_class`) counts where there are weights, as in Keras.
    """
    mask = None if sample_weight is None else getattr(values, "mask", None)
    values = ops.cast(values, dtype)
    weight = weighted_mask(sample_weight, mask, dtype, rescale=False)
    if weight is None:
        return _mean_from(1, values), None
    values, weight = same_rank(values, weight)
    # Means of values are taken over the axes that weights don't have.
    values = _mean_from(max(1, weight.rank), values)
    weight = ops.broadcast_to(weight, ops.shape(values))
    return _mean_from(1, values * weight), _mean_from(1, weight)


def _mean_from(axis: int, x: Tensor) -> Tensor:
    """The mean over the axes from this one on."""
    return ops.mean(x, axis=list(range(axis, x.rank))) if x.rank > axis else x


class Mean(Metric):
    """The weighted mean of all values.

    Args:
        name: the metric's name.
        dtype: the float of the state.

    >>> mean = Mean()
    >>> mean.update_state([1, 3, 5, 7])
    >>> float(mean.result())
    4.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weight = one_per_sample(values, sample_weight, self.dtype)
        if weight is None:
            number = ops.cast(ops.convert_to_tensor(ops.size(values)), self.dtype)
        else:
            number = ops.sum(weight)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(number)

    def result(self) -> Tensor:
        return ops.divide_no_nan(self.total, self.count)


class Sum(Metric):
    """The weighted sum of all values.

    Args:
        name: the metric's name.
        dtype: the float of the state.

    >>> total = Sum()
    >>> total.update_state([1, 3, 5, 7])
    >>> float(total.result())
    16.0
    """

    def __init__(self, name: str = "sum", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = ops.cast(values, self.dtype)
        if sample_weight is not None:
            values, weight = same_rank(values, ops.cast(sample_weight, self.dtype))
            values = values * aligned(weight, values)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Tensor:
        return ops.convert_to_tensor(self.total)


class MeanMetricWrapper(Mean):
    """The mean of what a function returns for each batch.

    Args:
        fn: takes y_true, y_pred and `kwargs`, and returns one value per sample; or the name of
            such a function, as files hold it.
        name: defaults to the name of the function; "lambda" if it has none.
        dtype: the float of the state.
        **kwargs: passed to the function.

    >>> metric = MeanMetricWrapper(lambda t, p: ops.abs(t - p), name="distance")
    >>> float(metric([1.0, 2.0], [2.0, 4.0]))
    1.5
    """

    def __init__(
        self,
        fn: Callable[..., Any] | str,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        fn = function_named(fn) if isinstance(fn, str) else fn
        default = str(getattr(fn, "__name__", snake_case(type(self).__name__)))
        super().__init__(name or default.strip("<>"), dtype)  # "lambda", as in Keras 3
        if isinstance(fn, losses.Loss) or losses.registry.name_of(fn):
            self._direction = "down"
        self.fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_pred = ops.convert_to_tensor(y_pred)
        mask = getattr(y_pred, "mask", None)
        y_true = as_steps(y_true, y_pred, mask)
        values = self.fn(y_true, y_pred, **self._fn_kwargs)
        weight = weighted_mask(sample_weight, mask, self.dtype, rescale=False)
        super().update_state(values, weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **serialize_keras_object(self._fn_kwargs)}
