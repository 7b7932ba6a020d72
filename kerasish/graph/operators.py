"""Python's operators on tensors: each is the operation of its name in `kerasish.ops`.

This is the one place where the graph looks up to what is built on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasish.graph.tensor import Tensor


def operations() -> Any:
    """The module `kerasish.ops`, for operators and for the graphs of gradients."""
    # Operations are built on tensors, so they can only be looked up once both exist.
    from kerasish import ops

    return ops


def _check_out(name: str, out: None) -> None:
    if out is not None:
        raise TypeError(f"{name}: tensors cannot be written to, so out must be None.")


class Operators:
    """What Tensor inherits its operators from."""

    def __add__(self, other: Any) -> Tensor:
        return operations().add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return operations().add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return operations().subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return operations().subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return operations().multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return operations().multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return operations().divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return operations().divide(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return operations().floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return operations().floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return operations().mod(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return operations().mod(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return operations().power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return operations().power(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return operations().matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return operations().matmul(other, self)

    def __and__(self, other: Any) -> Tensor:
        return operations().logical_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return operations().logical_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return operations().logical_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return operations().logical_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        return operations().logical_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return operations().logical_xor(other, self)

    def __lt__(self, other: Any) -> Tensor:
        return operations().less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return operations().less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return operations().greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return operations().greater_equal(self, other)

    # Element by element, as in NumPy; tensors are told apart by `is`.
    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return operations().equal(self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return operations().not_equal(self, other)

    __hash__ = object.__hash__

    def __neg__(self) -> Tensor:
        return operations().negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Tensor:
        return operations().abs(self)

    def __invert__(self) -> Tensor:
        return operations().logical_not(self)

    def __round__(self, decimals: int = 0) -> Tensor:
        return operations().round(self, decimals)

    def __getitem__(self, key: Any) -> Tensor:
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
