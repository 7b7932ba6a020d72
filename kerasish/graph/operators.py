"""Python's operators on tensors: each is the operation of its name in `kerasish.ops`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasish.graph.tensor import Tensor


def _ops() -> Any:
    # Operations are built on tensors, so they can only be looked up once both exist.
    from kerasish import ops

    return ops


class Operators:
    """What Tensor inherits its operators from."""

    def __add__(self, other: Any) -> Tensor:
        return _ops().add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return _ops().add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return _ops().subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return _ops().subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return _ops().multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return _ops().multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return _ops().divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return _ops().divide(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return _ops().floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return _ops().floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return _ops().mod(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return _ops().mod(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return _ops().power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return _ops().power(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return _ops().matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return _ops().matmul(other, self)

    def __and__(self, other: Any) -> Tensor:
        return _ops().logical_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return _ops().logical_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return _ops().logical_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return _ops().logical_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        return _ops().logical_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return _ops().logical_xor(other, self)

    def __lt__(self, other: Any) -> Tensor:
        return _ops().less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return _ops().less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return _ops().greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _ops().greater_equal(self, other)

    # Element by element, as in NumPy; tensors are told apart by `is`.
    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return _ops().equal(self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return _ops().not_equal(self, other)

    __hash__ = object.__hash__

    def __neg__(self) -> Tensor:
        return _ops().negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Tensor:
        return _ops().abs(self)

    def __invert__(self) -> Tensor:
        return _ops().logical_not(self)

    def __round__(self, decimals: int = 0) -> Tensor:
        return _ops().round(self, decimals)

    def __getitem__(self, key: Any) -> Tensor:
        return _ops().getitem(self, key)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """`ops.sum` of this tensor."""
        return _ops().sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """`ops.mean` of this tensor."""
        return _ops().mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """`ops.max` of this tensor."""
        return _ops().max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """`ops.min` of this tensor."""
        return _ops().min(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Tensor:
        """`ops.reshape` of this tensor; the sizes may come one by one."""
        return _ops().reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """`ops.transpose` of this tensor; the axes may come one by one."""
        order = axes[0] if len(axes) == 1 else axes or None
        return _ops().transpose(self, order)

    def astype(self, dtype: Any) -> Tensor:
        """`ops.cast` of this tensor."""
        return _ops().cast(self, dtype)

    def flatten(self) -> Tensor:
        """`ops.flatten` of this tensor."""
        return _ops().flatten(self)

    @property
    def T(self) -> Tensor:
        """This tensor with its axes reversed."""
        return _ops().transpose(self)
