"""What programs of Keras 2 ask tensors for, beside Keras's own names; and what it let pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerasish.graph.shapes import compatible
from kerasish.graph.spec import format_shape
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


def get_shape(self: Tensor) -> StaticShape:
    """The shape, with None where a size is not known."""
    return StaticShape(self.shape)


def _said(self: Tensor, shape: Any) -> None:
    """Checks a shape that a program says of a tensor; what it is has been found out already."""
    if not compatible(tuple(shape), self.shape):
        raise ValueError(
            f"_keras_shape is set to {format_shape(tuple(shape))}, but the tensor {self.name} has "
            f"shape {format_shape(self.shape)}."
        )


_as_keras_2 = False


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


@contextmanager
def of_keras_2() -> Iterator[None]:
    """Within, tensors are as those of Keras 2 on TensorFlow, which have `_keras_shape` and
    `get_shape()`, and which models take in other shapes than those of their inputs; and one
    optimizer may train several models.

    >>> with of_keras_2():
    ...     Placeholder((None, 3), "float32").get_shape().as_list()
    [None, 3]
    """
    older = {"_keras_shape": property(lambda self: self.shape, _said), "get_shape": get_shape}
    added = [name for name in older if not hasattr(Tensor, name)]
    for name in added:
        setattr(Tensor, name, older[name])
    global _as_keras_2
    before, _as_keras_2 = _as_keras_2, True
    try:
        yield
    finally:
        _as_keras_2 = before
        for name in added:
            delattr(Tensor, name)
