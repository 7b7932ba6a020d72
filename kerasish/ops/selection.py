"""Parts of arrays: `x[...]`, and elements by their positions on one axis.

An index that lies outside of its axis never means another element, on no engine: where it stands
there as a number, it is an error; where it is found only when the graph runs, nothing is there.
Reading then gives NaN among floats and 0 elsewhere, writing writes nothing.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import Dim, canonical_axis, known
from kerasish.graph.spec import Shape, Spec
from kerasish.graph.subgraph import varies
from kerasish.graph.tensor import Constant, Tensor
from kerasish.graph.values import has_value
from kerasish.ops.array import flatten, reshape, shape
from kerasish.ops.binary import where
from kerasish.ops.comparisons import greater_equal, less, logical_and
from kerasish.ops.promotion import cast


@primitive
def slice_p(
    x: Spec, *, start: tuple[Any, ...], stop: tuple[Any, ...], step: tuple[int, ...]
) -> Spec:
    """Bounds as of `range`, within the axis; stop -1 with a negative step means "to 0"."""
    taken = [
        None if isinstance(a, Dim) or isinstance(b, Dim) else range(a, b, s)
        for a, b, s in zip(start, stop, step, strict=True)
    ]
    for n, places in zip(x.shape, taken, strict=True):
        # Only what stands for an axis of once unknown size can turn out to lie outside.
        if n is None or not places or (0 <= places[0] < n and 0 <= places[-1] < n):
            continue
        first, last = places[0], places[-1]
        what = f"index {first} is" if first == last else f"indices {first} to {last} are"
        raise ValueError(f"{what} out of range for an axis of size {n}.")
    return Spec(tuple(None if places is None else len(places) for places in taken), x.dtype)


@primitive
def slice_grad_p(
    g: Spec,
    *,
    shape: Shape,
    start: tuple[int, ...],
    stop: tuple[int, ...],
    step: tuple[int, ...],
) -> Spec:
    """Zeros of `shape` with the slice set to g."""
    return Spec(tuple(map(known, shape)), g.dtype)


@primitive
def take_p(x: Spec, indices: Spec, *, axis: int) -> Spec:
    if not dtypes.is_int(indices.dtype):
        raise TypeError(f"indices must be integers, but got {indices.dtype}.")
    return Spec(x.shape[:axis] + indices.shape + x.shape[axis + 1 :], x.dtype)


@primitive
def take_grad_p(g: Spec, indices: Spec, *, shape: Shape, axis: int) -> Spec:
    """Zeros of `shape` with g added at the indices, which may repeat."""
    return Spec(tuple(map(known, shape)), g.dtype)


def getitem(x: Any, key: Any) -> Tensor:
    """`x[key]` as in NumPy: ints, slices, None, Ellipsis, and arrays of integers or booleans.

    The values of boolean arrays must be known, for the shape of the result depends on them.

    Args:
        x: a tensor.
        key: ints, slices, None, Ellipsis, arrays, or a tuple of them.

    Returns:
        A tensor of the dtype of x. An int takes its axis away, None adds one of size 1, and arrays
        leave the shape to which they broadcast.

    Raises:
        IndexError: if there are more indices than axes, an int lies outside of its axis, an
            Ellipsis occurs twice, or a boolean array has no value yet or other sizes than x.
        ValueError: if a step is 0, or arrays do not broadcast.
        TypeError: if an index is none of these, or x no array of numbers.

    >>> getitem(np.arange(6).reshape(2, 3), (0, slice(None, None, -1))).numpy()
    array([2, 1, 0])
    """
    x = as_tensor(x)
    given = key if isinstance(key, tuple) else (key,)
    parts = tuple(part for k in given for part in _without_masks(_with_ints(k)))
    keys = _fitting(x.shape, _one_per_axis(parts, x.rank))
    if builtins.any(_is_array(k) for k in keys):
        from kerasish.ops.indexing import by_arrays

        return by_arrays(x, keys, [i for i, k in enumerate(keys) if _is_array(k)])
    bounds: list[tuple[Any, Any, int]] = []
    kept: list[int | None] = []  # per axis of the result: the axis of x, None for a new one
    for k in keys:
        axis = len(bounds)
        if k is None:
            kept.append(None)
        elif isinstance(k, builtins.slice):
            bounds.append(_bounds(k, Dim.of(x, axis)))
            kept.append(axis)
        else:
            position = _position(k, Dim.of(x, axis), axis)
            bounds.append((position, position + 1, 1))
    whole = [(0, Dim.of(x, i), 1) for i in range(x.rank)]
    if not builtins.all(_same_bounds(a, b) for a, b in zip(bounds, whole, strict=True)):
        start, stop, step = zip(*bounds, strict=True)
        x = slice_p(x, start=start, stop=stop, step=step)
    if kept == list(range(x.rank)):
        return x
    return reshape(x, tuple(1 if axis is None else Dim.of(x, axis) for axis in kept))


def _is_array(key: Any) -> bool:
    """Whether a key is a list or an array, or a scalar that is known only at run time."""
    if isinstance(key, Tensor):
        return key.rank > 0 or varies(key)
    return isinstance(key, (np.ndarray, list)) and np.ndim(key) > 0


def _with_ints(key: Any) -> Any:
    """Indices as they are, but for an empty list: it holds no ints rather than no floats."""
    key = list(key) if isinstance(key, range) else key
    if not isinstance(key, (list, tuple)):
        return key
    shape = as_tensor(key).shape
    return np.zeros(shape, "int32") if 0 in shape else key


class _OfMask(NamedTuple):
    """The positions along one axis of what is true in a boolean array, and its size there."""

    positions: np.ndarray
    size: int


def _without_masks(key: Any) -> Sequence[Any]:
    """The key itself, or of a boolean array the positions of what is true along each axis."""
    if not _is_array(key) or as_tensor(key).dtype != "bool":
        return (key,)
    mask = as_tensor(key)
    if not has_value(mask):
        raise IndexError(
            "the size of x[mask] would depend on values that are known only when the graph runs. "
            "Use ops.where(mask, x, ...) instead."
        )
    positions = np.nonzero(mask.numpy())
    return [_OfMask(p.astype("int32"), n) for p, n in zip(positions, mask.shape, strict=True)]  # type: ignore[arg-type]


def _fitting(shape: Shape, keys: Sequence[Any]) -> list[Any]:
    """The keys with the positions of boolean arrays, which must be as large as the axes."""
    found: list[Any] = []
    axis = 0
    for key in keys:
        if isinstance(key, _OfMask) and shape[axis] not in (None, key.size):
            raise IndexError(
                f"a boolean array must have the sizes of the axes that it stands for, but it has "
                f"{key.size} elements for axis {axis} of size {shape[axis]}."
            )
        found.append(key.positions if isinstance(key, _OfMask) else key)
        axis += key is not None
    return found


def _one_per_axis(keys: tuple[Any, ...], rank: int) -> list[Any]:
    """The key without Ellipsis, with an entry for each axis (and the Nones)."""
    given = builtins.sum(k is not None and k is not Ellipsis for k in keys)
    if given > rank:
        raise IndexError(f"too many indices: the tensor has {rank} axes, but got {given}.")
    fill = [builtins.slice(None)] * (rank - given)
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index may hold only one Ellipsis ('...').")
    at = dots[0] if dots else len(keys)
    return [*keys[:at], *fill, *keys[at + 1 :]]


def _bounds(s: builtins.slice, n: Any) -> tuple[Any, Any, int]:
    """The slice as the arguments of a range over an axis of size `n`."""
    step = 1 if s.step is None else operator.index(s.step)
    if not builtins.any(isinstance(v, Dim) for v in (n, s.start, s.stop)):
        return (*_range(n, s.start, s.stop, step), step)
    if s.start is None and s.stop is None and step == 1:
        return 0, n, 1

    def bound(which: int) -> Dim:
        return Dim(lambda n, a, b: _range(n, a, b, step)[which], n, s.start, s.stop)

    return bound(0), bound(1), step


def _range(n: int, start: int | None, stop: int | None, step: int) -> tuple[int, int]:
    """Start and stop of a slice, from 0 on; only stop may be -1, "before 0"."""
    first, last, _ = builtins.slice(start, stop, step).indices(n)
    return (first, last) if range(first, last, step) else (0, 0)


def _position(index: Any, n: Any, axis: int) -> Any:
    """An index along an axis of size `n`, counted from the front."""
    if isinstance(index, Dim):
        return index
    is_bool = isinstance(index, bool) or getattr(index, "dtype", None) == "bool"
    if is_bool or not hasattr(index, "__index__"):
        raise TypeError(f"an index must be an int, a slice, None, ... or an array, not {index!r}.")
    i = operator.index(index)
    if isinstance(n, Dim):
        return n + i if i < 0 else i
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of range for axis {axis} of size {n}.")
    return i % n


def _same_bounds(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether both mean the same; two Dims of one axis do."""
    if isinstance(a[1], Dim) and isinstance(b[1], Dim):
        return a[0] == 0 and a[2] == 1 and a[1].args == b[1].args
    return not isinstance(a[1], Dim) and not isinstance(b[1], Dim) and a == b


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The elements of `x` at `indices` along `axis` (of the flattened input if None).

    Negative indices count from the end. Where indices that are known only when the graph runs
    lie outside of the axis, the result is NaN, or 0 if x holds no floats.

    Args:
        x: a tensor.
        indices: ints of any shape, which take the place of the axis.
        axis: an axis; the flattened tensor if None.

    Returns:
        A tensor of the dtype of x, and of its shape with that of the indices in place of the axis.

    Raises:
        IndexError: if a number among the indices lies outside of the axis.
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, or the indices are no ints.

    >>> take([10, 20, 30], [2, 0]).numpy()
    array([30, 10], dtype=int32)
    """
    x, indices = as_tensor(x), as_tensor(_with_ints(indices))
    if axis is None:
        x, axis = flatten(x), 0
    axis = canonical_axis(axis, x.rank)
    return gathered(x, *placed("take", indices, Dim.of(x, axis), axis), axis)


def placed(name: str, indices: Tensor, size: Any, axis: int) -> tuple[Tensor, Tensor | None]:
    """Indices along an axis, counted from the front, and which of them lie on it.

    Those that do not are 0. If all are known to lie on it, the second result is None.
    """
    if not dtypes.is_int(indices.dtype):
        raise TypeError(f"{name}: indices must be integers, but got {indices.dtype}.")
    wide = "int64" if indices.dtype in ("int64", "uint32", "uint64") else "int32"
    if isinstance(indices, Constant) and not isinstance(size, Dim):
        value = indices.value.astype("int64")
        least = 0 if indices.dtype in dtypes.UNSIGNED else -size
        outside = indices.value[(value >= size) | (value < least)]
        if outside.size:
            raise IndexError(
                f"{name}: index {outside[0]} is out of range for axis {axis} of size {size}."
            )
        return as_tensor(np.where(value < 0, value + size, value), wide), None
    place = cast(indices, wide)
    if indices.dtype not in dtypes.UNSIGNED:
        place = where(less(place, 0), place + size, place)
    inside = logical_and(greater_equal(place, 0), less(place, size))
    return where(inside, place, 0), inside


def gathered(x: Tensor, place: Tensor, inside: Tensor | None, axis: int) -> Tensor:
    """The elements at places along an axis, NaN or 0 at those that are not `inside`."""
    found = take_p(x, place, axis=axis)
    if inside is None:
        return found
    mask = reshape(inside, (*shape(inside), *(1,) * (x.rank - axis - 1)))
    return where(mask, found, as_tensor(np.nan if dtypes.is_float(x.dtype) else 0, x.dtype))


def added_at(x: Tensor, places: Tensor, shape: Any) -> Tensor:
    """Zeros of `shape` with the rows of x added at places; booleans are true where one of them is.

    Engines differ in what they add: not all of them add booleans.
    """
    rows = cast(x, "int32") if x.dtype == "bool" else x
    return cast(take_grad_p(rows, places, shape=shape, axis=0), x.dtype)


@slice_p.vjp
def _(g, x, *, start, stop, step):
    return slice_grad_p(g, shape=x.shape, start=start, stop=stop, step=step)


@slice_grad_p.vjp
def _(g, x, *, shape, start, stop, step):
    return slice_p(g, start=start, stop=stop, step=step)


@take_p.vjp
def _(g, x, indices, *, axis):
    return take_grad_p(g, indices, shape=x.shape, axis=axis), None


@take_grad_p.vjp
def _(g, x, indices, *, shape, axis):
    return take_p(g, indices, axis=axis), None
