"""What programs of Keras 2 ask tensors for, beside Keras's own names; and what it let pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kerasish.engines import foreign
from kerasish.engines.kerases import LIBRARY
from kerasish.graph import operators
from kerasish.graph.shapes import compatible, size_of
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Tensor


class StaticShape(tuple):
    """A shape with the names that it has in TensorFlow.

    >>> StaticShape((None, 3)).as_list()
    [None, 3]
    """

    def as_list(self) -> list[int | None]:
        """The sizes as a list."""
        return list(self)

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)

    rank = ndims

    def num_elements(self) -> int | None:
        """How many elements an array of this shape has; None if that is not known."""
        return size_of(tuple(self))

    def is_fully_defined(self) -> bool:
        """Whether all sizes are known."""
        return None not in self

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return StaticShape(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> StaticShape:
        return StaticShape((*self, *other))

    concatenate = __add__


def get_shape(self: Tensor) -> StaticShape:
    """The shape, with None where a size is not known.

    Raises:
        TypeError: TensorFlow asks, in a function that it composes of others. It then asks us what
            else to do, so that the whole function becomes one operation on its own tensors.
    """
    asking = sys._getframe(1).f_globals.get("__name__", "")
    # (AutoGraph runs what is not TensorFlow's.)
    if asking.startswith(f"{LIBRARY}.") and ".autograph." not in asking:
        raise TypeError(f"{self.name} is no tensor of {LIBRARY}.")
    return StaticShape(self.spec.shape)


def _said(self: Tensor, shape: Any) -> None:
    """Checks a shape that a program says of a tensor; what it is has been found out already."""
    if not compatible(tuple(shape), self.shape):
        raise ValueError(
            f"_keras_shape is set to {format_shape(tuple(shape))}, but the tensor {self.name} has "
            f"shape {format_shape(self.shape)}."
        )


def _mask(self: Tensor) -> Any:
    mask = getattr(self, "mask", None)
    if mask is None:
        raise AttributeError(f"{self.name} has no mask.")
    return mask


def _set_mask(self: Tensor, mask: Any = None) -> None:
    """`y._keras_mask = mask`, and `del y._keras_mask`, after which all steps count."""
    self.mask = mask  # type: ignore[attr-defined]


def _set_shape(self: Tensor, shape: Any) -> None:
    """What a program knows of the shape: sizes that are not known otherwise."""
    said = StaticShape(shape)
    if not compatible(said, self.spec.shape):
        raise ValueError(
            f"set_shape got {format_shape(said)}, but the tensor {self.name} has shape "
            f"{format_shape(self.spec.shape)}."
        )
    sizes = (a if b is None else b for a, b in zip(said, self.spec.shape, strict=True))
    self.spec = Spec(tuple(sizes), self.spec.dtype)


def _set_attribute(self: Any, name: str, value: Any) -> None:
    """Weights may be variables of the library that a program of tf.keras comes with."""
    object.__setattr__(self, name, foreign.with_our_variables(value))


def _set_param(self: Any, weight: Any) -> None:
    """Keras 1's way to regularize a weight."""
    weight.regularizer = self


def _set_layer(self: Any, layer: Any) -> None:
    """Keras 1's way to regularize what a layer returns."""
    layer.activity_regularizer = self


# What cells of tf.keras have for those that derive from them.
_MASKS = (
    "get_dropout_mask_for_cell",
    "get_recurrent_dropout_mask_for_cell",
    "reset_dropout_mask",
    "reset_recurrent_dropout_mask",
)


def _nodes() -> list[tuple[type, str, Any]]:
    from kerasish.compat import older_nodes
    from kerasish.compat.older_recurrent import DropoutRNNCellMixin
    from kerasish.layers.calls import Calls
    from kerasish.layers.holder import Holder
    from kerasish.layers.recurrent_cells import Cell
    from kerasish.regularizers import Regularizer

    def keep(self: Any, nodes: Any) -> None:
        """`layer.outbound_nodes = []` cuts nothing here: what a model computes says its outputs."""

    inbound = property(older_nodes.inbound_nodes, keep)
    outbound = property(older_nodes.outbound_nodes, keep)
    return [
        (Tensor, "_keras_history", older_nodes.keras_history),
        (Holder, "__setattr__", _set_attribute),
        (Regularizer, "set_param", _set_param),
        (Regularizer, "set_layer", _set_layer),
        (Holder, "_track_trackable", lambda self, trackable, name, overwrite=False: trackable),
        (Holder, "_compute_dtype", property(lambda self: self.compute_dtype)),
        (Holder, "_compute_dtype_object", property(lambda self: self.compute_dtype)),
        *((Cell, name, getattr(DropoutRNNCellMixin, name)) for name in _MASKS),
        *((Calls, name, inbound) for name in ("_inbound_nodes", "inbound_nodes")),
        *((Calls, name, outbound) for name in ("_outbound_nodes", "outbound_nodes")),
    ]


class _NoLengthError(TypeError, AttributeError):
    """What asking for a length raises that isn't known: `hasattr(x, "__len__")` is False."""


def _tensor_methods() -> list[tuple[type, str, Any]]:
    """What tensors of TensorFlow 1 do in another way.

    Two of them are equal if they are the same one, as far as Python asks: `x in tensors`.
    Those of which the length is not known have none.
    """
    equal: Any = Tensor.__eq__
    truth, length = Tensor.__bool__, Tensor.__len__

    def is_equal(self: Tensor, other: Any) -> Any:
        try:
            found = equal(self, other)
        except (TypeError, ValueError):
            return self is other
        if self.is_symbolic and isinstance(other, Tensor) and isinstance(found, Tensor):
            vars(found)["same"] = self is other
        return found

    def is_true(self: Tensor) -> bool:
        same = self.__dict__.get("same") if self.is_symbolic else None
        return truth(self) if same is None else same

    def known_length(self: Tensor) -> Any:
        if self.shape and self.shape[0] is None:
            raise _NoLengthError(f"len() of {self!r}: the size of its first axis is not known yet.")
        return lambda: length(self)

    return [
        (Tensor, "__eq__", is_equal),
        (Tensor, "__bool__", is_true),
        (Tensor, "__len__", property(known_length)),
    ]


_as_keras_2 = False


def is_program_of_keras() -> bool:
    """Whether a program runs in which Keras is this library."""
    return _as_keras_2


def models_check_tensors() -> bool:
    """Whether a model refuses tensors of another shape than its inputs have.

    Those of Keras 2 did not: where the layers could do with it, it was fine. Data they did check.
    """
    return not _as_keras_2


def optimizers_are_shared() -> bool:
    """Whether an optimizer takes variables that it was not built for.

    Those of Keras 2 did: programs compile the two models of a GAN with one.
    """
    return _as_keras_2


def single_ends_are_plain() -> bool:
    """Whether a model with one output in a list returns that output, not a list of it.

    So did those of Keras 1 and 2 and of tf.keras, and inputs likewise.
    """
    return _as_keras_2


def ignores_other_class_weights() -> bool:
    """Whether a class_weight that is no dict is ignored."""
    return _as_keras_2


_ABSENT = object()


@contextmanager
def _changed(changes: Sequence[tuple[type, str, Any]]) -> Iterator[None]:
    """Within, classes have these attributes: (class, name, value)."""
    before = [(cls, name, vars(cls).get(name, _ABSENT)) for cls, name, _ in changes]
    for cls, name, value in changes:
        setattr(cls, name, value)
    try:
        yield
    finally:
        for cls, name, value in reversed(before):
            if value is _ABSENT:
                delattr(cls, name)
            else:
                setattr(cls, name, value)


@contextmanager
def of_keras_2() -> Iterator[None]:
    """Within, tensors are as those of Keras 2 on TensorFlow, which have `_keras_shape`,
    `_keras_history`, `get_shape()` and more, whose operators take arrays of float64 as they are
    themselves, and which models take in other shapes than those of their inputs; and one
    optimizer may train several models.

    >>> with of_keras_2():
    ...     Placeholder((None, 3), "float32").get_shape().as_list()
    [None, 3]
    """
    from kerasish.compat import older_calls, older_models, older_recurrent, older_weights

    changes = [
        (Tensor, "shape", property(get_shape)),
        (Tensor, "_keras_shape", property(lambda self: self.shape, _said)),
        (Tensor, "get_shape", get_shape),
        (Tensor, "set_shape", _set_shape),
        (Tensor, "_keras_mask", property(_mask, _set_mask, _set_mask)),
        *_tensor_methods(),
        *_nodes(),
        *older_calls.methods(),
        *older_models.attributes(),
        *older_recurrent.methods(),
        *older_weights.attributes(),
    ]
    global _as_keras_2
    before = _as_keras_2
    with _changed(changes):
        _as_keras_2 = operators.arrays_follow = True
        try:
            yield
        finally:
            _as_keras_2 = operators.arrays_follow = before
