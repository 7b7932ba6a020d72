"""Python's operators on tensors: each is the operation of its name in `kerasish.ops`.

This is the one place where the graph looks up to what is built on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.graph import dtypes

if TYPE_CHECKING:
    from kerasish.graph.tensor import Tensor


def operations() -> Any:
    """The module `kerasish.ops`, for operators and for the graphs of gradients."""
    # Operations are built on tensors, so they can only be looked up once both exist.
    from kerasish import ops

    return ops


# Whether arrays of float64 are taken in the dtype of the tensor, as in all Kerases on TensorFlow.
arrays_follow = False


def _number(value: Any) -> Any:
    """NumPy's default scalars as Python's numbers: `x * np.sqrt(2)` keeps the dtype of x."""
    return value.item() if isinstance(value, (np.float64, np.int64)) else value


def _other(value: Any, tensor: Any) -> Any:
    if arrays_follow and isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype("float32") if tensor.dtype == "float32" else value
    return _number(value)


def _operator(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """An operator that is an operation, and its reflection."""

    def forward(self: Any, other: Any) -> Any:
        return getattr(operations(), name)(self, _other(other, self))

    def reflected(self: Any, other: Any) -> Any:
        return getattr(operations(), name)(_other(other, self), self)

    return forward, reflected


def _operator_of_bits(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """An operator of the bits of ints, and of the truth of all else; and its reflection."""

    def apply(x: Any, y: Any) -> Any:
        x, y = _promoted(x, y)
        kind = "bitwise" if dtypes.is_int(x.dtype) else "logical"
        return getattr(operations(), f"{kind}_{name}")(x, y)

    return apply, lambda self, other: apply(other, self)


def _promoted(x: Any, y: Any) -> tuple[Tensor, ...]:
    """Both in the dtype in which they combine, also where the operation would widen for numbers."""
    return operations().promotion.promoted(_number(x), _number(y))


def _check_out(name: str, out: None) -> None:
    if out is not None:
        raise TypeError(f"{name}: tensors cannot be written to, so out must be None.")


class Operators:
    """What Tensor inherits its operators from."""

    __add__, __radd__ = _operator("add")
    __sub__, __rsub__ = _operator("subtract")
    __mul__, __rmul__ = _operator("multiply")
    __truediv__, __rtruediv__ = _operator("divide")
    __floordiv__, __rfloordiv__ = _operator("floor_divide")
    __pow__, __rpow__ = _operator("power")
    __matmul__, __rmatmul__ = _operator("matmul")
    __and__, __rand__ = _operator_of_bits("and")
    __or__, __ror__ = _operator_of_bits("or")
    __xor__, __rxor__ = _operator_of_bits("xor")
    __lshift__, __rlshift__ = _operator("left_shift")
    __rshift__, __rrshift__ = _operator("right_shift")
    __lt__, _ = _operator("less")
    __le__, _ = _operator("less_equal")
    __gt__, _ = _operator("greater")
    __ge__, _ = _operator("greater_equal")
    # Element by element, as in NumPy; tensors are told apart by `is`.
    __eq__, _ = _operator("equal")
    __ne__, _ = _operator("not_equal")

    def __mod__(self, other: Any) -> Tensor:
        return operations().mod(*_promoted(self, other))

    def __rmod__(self, other: Any) -> Tensor:
        return operations().mod(*_promoted(other, self))

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return other // self, other % self

    __hash__ = object.__hash__

    def __neg__(self) -> Tensor:
        return operations().negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Tensor:
        return operations().abs(self)

    def __invert__(self: Any) -> Tensor:
        kind = "bitwise" if dtypes.is_int(self.dtype) else "logical"
        return getattr(operations(), f"{kind}_not")(self)

    def __round__(self, decimals: int = 0) -> Tensor:
        return operations().round(self, decimals)

    def __contains__(self, value: Any) -> bool:
        return bool(operations().any(self == value))

    def __getitem__(self, key: Any) -> Tensor:
        if isinstance(key, list) and any(isinstance(k, (slice, type(None))) for k in key):
            key = tuple(key)  # as TensorFlow takes it, and NumPy did
        return operations().getitem(self, key)

    def sum(
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Tensor:
        """`ops.sum` of this tensor, with NumPy's arguments; `out` must be None."""
        _check_out("sum", out)
        x = self if dtype is None else self.astype(dtype)
        return operations().sum(x, axis=axis, keepdims=keepdims)

    def mean(
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Tensor:
        """`ops.mean` of this tensor, with NumPy's arguments; `out` must be None."""
        _check_out("mean", out)
        x = self if dtype is None else self.astype(dtype)
        return operations().mean(x, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, out: None = None, keepdims: bool = False) -> Tensor:
        """`ops.max` of this tensor, with NumPy's arguments; `out` must be None."""
        _check_out("max", out)
        return operations().max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, out: None = None, keepdims: bool = False) -> Tensor:
        """`ops.min` of this tensor, with NumPy's arguments; `out` must be None."""
        _check_out("min", out)
        return operations().min(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Tensor:
        """`ops.reshape` of this tensor; the sizes may come one by one."""
        return operations().reshape(self, shape[0] if len(shape) == 1 else shape)

    def squeeze(self, axis: Any = None) -> Tensor:
        """`ops.squeeze` of this tensor."""
        return operations().squeeze(self, axis)

    def transpose(self, *axes: Any) -> Tensor:
        """`ops.transpose` of this tensor; the axes may come one by one."""
        order = axes[0] if len(axes) == 1 else axes or None
        return operations().transpose(self, order)

    def astype(self, dtype: Any) -> Tensor:
        """`ops.cast` of this tensor."""
        return operations().cast(self, dtype)

    def flatten(self) -> Tensor:
        """`ops.flatten` of this tensor."""
        return operations().flatten(self)

    @property
    def T(self) -> Tensor:
        """This tensor with its axes reversed."""
        return operations().transpose(self)
