"""Constraints: what a weight is made to be after each step of the optimizer."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.graph.tensor import Tensor
from kerasish.saving.serialization import Configurable, Registry
from kerasish.utils.kinds import Checked, check_range


class Constraint(Checked, Configurable):
    """Base class: an object that is called with a weight and returns what it becomes.

    >>> class AtMostOne(Constraint):
    ...     def __call__(self, w):
    ...         return ops.minimum(w, 1.0)
    >>> AtMostOne()([0.5, 2.0]).numpy()
    array([0.5, 1. ], dtype=float32)
    """

    def __call__(self, w: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(w).")


class MaxNorm(Constraint):
    """Scales down what has a Euclidean norm above `max_value`.

    Source: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Args:
        max_value: the largest norm.
        axis: the axis, or axes, along which the norm is taken: 0 for the inputs of Dense,
            [0, 1, 2] for a window of Conv2D.

    >>> MaxNorm(1.0)([[3.0], [4.0]]).numpy().round(3)
    array([[0.6],
           [0.8]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: Any = 0):
        check_range(self, 0, max_value=max_value)
        self.max_value, self.axis = max_value, _checked_axis(self, axis)

    def __call__(self, w: Any) -> Tensor:
        w, norm = _with_norm(w, self.axis)
        return w * (ops.clip(norm, 0, self.max_value) / (config.epsilon() + norm))


class MinMaxNorm(Constraint):
    """Scales the Euclidean norm into a range.

    Args:
        min_value: the smallest norm.
        max_value: the largest norm.
        rate: how far to go at each step; 1 goes all the way.
        axis: the axis, or axes, along which the norm is taken.

    >>> MinMaxNorm(10.0, 20.0)([[3.0], [4.0]]).numpy().round(3)
    array([[6.],
           [8.]], dtype=float32)
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ):
        check_range(self, 0, min_value=min_value)
        check_range(self, min_value, max_value=max_value)
        check_range(self, 0, 1, rate=rate)
        self.min_value, self.max_value, self.rate = min_value, max_value, rate
        self.axis = _checked_axis(self, axis)

    def __call__(self, w: Any) -> Tensor:
        w, norm = _with_norm(w, self.axis)
        wanted = self.rate * ops.clip(norm, self.min_value, self.max_value)
        return w * ((wanted + (1 - self.rate) * norm) / (config.epsilon() + norm))


class NonNeg(Constraint):
    """Sets negative weights to 0.

    >>> NonNeg()([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> Tensor:
        return ops.maximum(w, 0)


class UnitNorm(Constraint):
    """Scales the Euclidean norm to 1.

    Args:
        axis: the axis, or axes, along which the norm is taken.

    >>> UnitNorm()([[3.0], [4.0]]).numpy().round(3)
    array([[0.6],
           [0.8]], dtype=float32)
    """

    def __init__(self, axis: Any = 0):
        self.axis = _checked_axis(self, axis)

    def __call__(self, w: Any) -> Tensor:
        w, norm = _with_norm(w, self.axis)
        return w / (config.epsilon() + norm)


def _checked_axis(owner: Constraint, axis: Any) -> Any:
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    if axis is not None and not all(hasattr(type(i), "__index__") for i in axes):
        raise TypeError(
            f"{type(owner).__name__}: axis must be a whole number or a list of them, but got "
            f"{axis!r}."
        )
    return axis


def _with_norm(w: Any, axis: Any) -> tuple[Tensor, Tensor]:
    w = ops.convert_to_tensor(w)
    return w, ops.norm(w, axis=axis, keepdims=True)


registry = Registry(
    "constraint",
    [MaxNorm, MinMaxNorm, NonNeg, UnitNorm],
    {"maxnorm": "MaxNorm", "nonneg": "NonNeg", "unitnorm": "UnitNorm"},
)
max_norm = maxnorm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
get = registry.get
serialize = registry.serialize
deserialize = registry.deserialize
