"""Shape arithmetic: axes, broadcasting, and sizes that are known only at run time."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from kerasish.graph.spec import Shape, format_shape


def _arithmetic(operation: Callable[..., int]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator of Dim and its reflection. Of sizes only: tensors have their own operators."""

    def forward(self: Dim, other: Any) -> Any:
        return Dim(operation, self, other) if _is_size(other) else NotImplemented

    def reflected(self: Dim, other: Any) -> Any:
        return Dim(operation, other, self) if _is_size(other) else NotImplemented

    return forward, reflected


class Dim:
    """A size that is known only when the graph runs: `ops.shape(x)[0]` of an unknown batch.

    A Dim may stand wherever a shape takes an int, and does integer arithmetic. It is
    resolved to an int when a Function specialises, so no Program ever holds one.
    """

    __slots__ = ("args", "operation")

    def __init__(self, operation: Callable[..., int] | None, *args: Any):
        self.operation = operation  # None: args are (tensor, axis)
        self.args = args

    @classmethod
    def of(cls, tensor: Any, axis: int) -> int | Dim:
        """The size of one axis: an int where it is known."""
        size = tensor.shape[axis]
        return cls(None, tensor, axis) if size is None else size

    def resolve(self, size_of: Callable[[Any, int], int]) -> int:
        """The int, given `size_of(tensor, axis)`."""
        if self.operation is None:
            return size_of(*self.args)
        args = [a.resolve(size_of) if isinstance(a, Dim) else a for a in self.args]
        if any(isinstance(a, Dim) for a in args):
            return Dim(self.operation, *args)  # type: ignore[return-value]  # still unknown
        if self.operation is operator.floordiv and args[1] == 0:
            return 0  # what is left of an array without elements
        return self.operation(*args)

    def tensors(self) -> list[Any]:
        """The tensors whose sizes this one is computed from."""
        if self.operation is None:
            return [self.args[0]]
        return [t for a in self.args if isinstance(a, Dim) for t in a.tensors()]

    __add__, __radd__ = _arithmetic(operator.add)
    __sub__, __rsub__ = _arithmetic(operator.sub)
    __mul__, __rmul__ = _arithmetic(operator.mul)
    __floordiv__, __rfloordiv__ = _arithmetic(operator.floordiv)
    __mod__, __rmod__ = _arithmetic(operator.mod)

    def __neg__(self) -> Dim:
        return Dim(operator.neg, self)

    def __index__(self) -> int:
        raise TypeError(
            "This size is known only when the graph runs, so it cannot become a Python int. "
            "Use it in shapes and in ops (they accept it), or give the Input a fixed shape."
        )

    def __repr__(self) -> str:
        if self.operation is None:
            return f"Dim({self.args[0].name}.shape[{self.args[1]}])"
        return f"Dim({self.operation.__name__}{self.args})"


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, Dim, np.integer))


def same_size(a: Any, b: Any) -> bool:
    """Whether two sizes are equal: ints, or Dims of one axis of one tensor."""
    if isinstance(a, Dim) and isinstance(b, Dim):
        axes = a.operation is None and b.operation is None
        return a is b or (axes and a.args[0] is b.args[0] and a.args[1] == b.args[1])
    return not isinstance(a, Dim) and not isinstance(b, Dim) and a == b


def known(size: Any) -> int | None:
    """What a Spec says of `size`: None for a Dim."""
    return None if size is None or isinstance(size, Dim) else operator.index(size)


def canonical_axis(axis: Any, rank: int) -> int:
    """`axis` counted from the front.

    >>> canonical_axis(-1, 3)
    2
    """
    try:
        index = operator.index(axis)
    except TypeError:
        raise TypeError(f"An axis must be an int, but got {axis!r}.") from None
    if not -rank <= index < rank:
        valid = f"{-rank} to {rank - 1}" if rank else "none (it is a scalar)"
        raise ValueError(f"axis {index} is out of range for rank {rank}; valid axes: {valid}.")
    return index % rank


def canonical_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """None (all axes), an int or a sequence of ints as a sorted tuple without repeats."""
    if axis is None:
        return tuple(range(rank))
    several = isinstance(axis, (tuple, list, range)) or getattr(axis, "ndim", 0) == 1
    axes = axis if several else (axis,)
    result = sorted(canonical_axis(a, rank) for a in axes)
    if len(set(result)) != len(result):
        raise ValueError(f"axis names an axis twice: {axis!r} (rank {rank}).")
    return tuple(result)


def canonical_shape(shape: Any) -> tuple[Any, ...]:
    """An int, a Dim or a sequence of them as a tuple."""
    several = isinstance(shape, Iterable) and getattr(shape, "ndim", 1) > 0
    return tuple(map(_canonical_size, tuple(shape) if several else (shape,)))


def _canonical_size(size: Any) -> Any:
    if size is None or isinstance(size, Dim):
        return size
    if getattr(size, "is_symbolic", False):  # a tensor, computed of sizes
        from kerasish.graph.sizes import size_behind

        return size_behind(size)
    return operator.index(size)


def broadcast_shapes(*shapes: Shape, where: str = "broadcast") -> Shape:
    """NumPy's broadcasting of shapes, where None fits anything.

    >>> broadcast_shapes((None, 3), (5, 1, 3))
    (5, None, 3)
    """
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    try:
        return tuple(_broadcast_sizes(sizes) for sizes in zip(*padded, strict=True))
    except ValueError:
        listed = " and ".join(format_shape(shape) for shape in shapes)
        raise ValueError(
            f"{where}: shapes {listed} do not fit together. Sizes are compared from the last "
            "axis on; each pair must be equal, or one of them 1."
        ) from None


def _broadcast_sizes(sizes: Sequence[int | None]) -> int | None:
    fixed = {size for size in sizes if size not in (None, 1)}
    if len(fixed) > 1:
        raise ValueError
    if fixed:
        return fixed.pop()
    return None if None in sizes else 1


def compatible(a: Shape, b: Shape) -> bool:
    """Whether a tensor of shape `a` can be one of shape `b` (None fits anything)."""
    return len(a) == len(b) and all(
        x is None or y is None or x == y for x, y in zip(a, b, strict=True)
    )


def need_sizes(operation: str, what: str, shape: Shape) -> None:
    """Raises ValueError if a size is unknown."""
    if None in shape:
        raise ValueError(
            f"{operation}: the sizes of {what} must be known, but they are {format_shape(shape)}."
        )


def size_of(shape: Shape) -> int | None:
    """The number of elements, None if unknown."""
    return None if None in shape else math.prod(shape)  # type: ignore[arg-type]


def window_output(size: int | None, window: int, stride: int, pads: tuple[int, int], dilation=1):
    """The number of windows that fit along one axis of a convolution or pooling."""
    if size is None:
        return None
    reach = (window - 1) * dilation + 1
    return (size + sum(pads) - reach) // stride + 1


def same_padding(size: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """The padding for which ceil(size / stride) windows fit, the odd one at the end."""
    reach = (window - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2
