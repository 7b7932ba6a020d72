"""Arrays: shape, order, selection, and making new ones."""

from __future__ import annotations

import builtins
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import (
    Dim,
    broadcast_shapes,
    canonical_axes,
    canonical_axis,
    canonical_shape,
    known,
    same_size,
    size_of,
)
from kerasish.graph.spec import Shape, Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.elementwise import cast, equal, promoted, sum_to

# --- shape -------------------------------------------------------------------------------


@primitive
def reshape_p(x: Spec, *, shape: tuple[Any, ...]) -> Spec:
    target = tuple(map(known, shape))
    old, new = size_of(x.shape), size_of(target)
    if old is not None and new is not None and old != new:
        raise ValueError(
            f"cannot reshape {format_shape(x.shape)} ({old} elements) to "
            f"{format_shape(target)} ({new} elements)."
        )
    return Spec(target, x.dtype)


@primitive
def transpose_p(x: Spec, *, axes: tuple[int, ...]) -> Spec:
    return Spec(tuple(x.shape[i] for i in axes), x.dtype)


@primitive
def broadcast_to_p(x: Spec, *, shape: tuple[Any, ...]) -> Spec:
    target = tuple(map(known, shape))
    if len(target) < x.rank:
        raise ValueError(
            f"cannot broadcast {format_shape(x.shape)} to {format_shape(target)}, which has "
            "fewer axes."
        )
    result = broadcast_shapes(x.shape, target)
    if any(t is not None and r != t for r, t in zip(result, target, strict=True)):
        raise ValueError(f"cannot broadcast {format_shape(x.shape)} to {format_shape(target)}.")
    return Spec(target, x.dtype)


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of `x`: ints, and `Dim`s where they are known only at run time.

    A Dim may be used in shapes and in ops like an int.

    >>> shape(np.zeros((2, 3)))
    (2, 3)
    """
    x = as_tensor(x)
    return tuple(Dim.of(x, i) for i in range(x.rank))


def ndim(x: Any) -> int:
    """The number of axes."""
    return as_tensor(x).rank


def size(x: Any) -> Any:
    """The number of elements: an int, or a Dim where it is known only at run time."""
    return math.prod(shape(x))


def reshape(x: Any, newshape: Any) -> Tensor:
    """The elements of `x`, in their order, in another shape; one size may be -1.

    >>> reshape(np.arange(6), (2, -1)).shape
    (2, 3)
    """
    x = as_tensor(x)
    target = [-1 if s is None else s for s in canonical_shape(newshape)]
    unknown = [i for i, s in enumerate(target) if not isinstance(s, Dim) and s == -1]
    if len(unknown) > 1:
        raise ValueError(f"reshape: only one size may be -1, but got {tuple(target)}.")
    if unknown:
        target[unknown[0]] = _remaining(x, target, unknown[0])
    if tuple(target) == x.shape:
        return x
    return reshape_p(x, shape=tuple(target))


def _remaining(x: Tensor, target: list[Any], position: int) -> Any:
    """The size that -1 stands for."""
    mine: list[Any] = [Dim.of(x, i) for i in range(x.rank)]
    theirs = []
    # Sizes that are the same on both sides cancel; often that leaves ints only.
    for size in (s for i, s in enumerate(target) if i != position):
        twin = next((i for i, m in enumerate(mine) if same_size(m, size)), None)
        if twin is None:
            theirs.append(size)
        else:
            del mine[twin]
    total, rest = math.prod(mine), math.prod(theirs)
    if not theirs:
        return total
    fixed = not isinstance(total, Dim) and not isinstance(rest, Dim)
    if fixed and (rest == 0 or total % rest):
        raise ValueError(
            f"reshape: {format_shape(x.shape)} cannot become "
            f"{format_shape(tuple(map(known, target)))}: {total} is not a multiple of {rest}."
        )
    return total // rest


def flatten(x: Any) -> Tensor:
    """All elements on one axis."""
    return reshape(x, (-1,))


ravel = flatten


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order; reversed if `axes` is None.

    >>> transpose(np.zeros((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    x = as_tensor(x)
    order = tuple(reversed(range(x.rank))) if axes is None else tuple(axes)
    order = tuple(canonical_axis(a, x.rank) for a in order)
    if sorted(order) != list(range(x.rank)):
        raise ValueError(f"transpose: axes {order} are not an order of {x.rank} axes.")
    return x if order == tuple(range(x.rank)) else transpose_p(x, axes=order)


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Axes moved from `source` to `destination`, the others kept in order."""
    x = as_tensor(x)
    sources = [canonical_axis(a, x.rank) for a in np.atleast_1d(source)]
    targets = [canonical_axis(a, x.rank) for a in np.atleast_1d(destination)]
    if len(sources) != len(targets):
        raise ValueError(f"moveaxis: {len(sources)} sources but {len(targets)} destinations.")
    order = [i for i in range(x.rank) if i not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return transpose(x, order)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    x = as_tensor(x)
    order = list(range(x.rank))
    a, b = canonical_axis(axis1, x.rank), canonical_axis(axis2, x.rank)
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def expand_dims(x: Any, axis: Any) -> Tensor:
    """A new axis of size 1 at `axis` (or several).

    >>> expand_dims(np.zeros((2, 3)), -1).shape
    (2, 3, 1)
    """
    x = as_tensor(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = canonical_axes(axis, x.rank + count)
    sizes = iter(shape(x))
    return reshape(x, tuple(1 if i in new else next(sizes) for i in range(x.rank + count)))


def squeeze(x: Any, axis: Any = None) -> Tensor:
    """`x` without axes of size 1: those in `axis`, or all."""
    x = as_tensor(x)
    if axis is None:
        gone = tuple(i for i, s in enumerate(x.shape) if s == 1)
    else:
        gone = canonical_axes(axis, x.rank)
    wrong = [i for i in gone if x.shape[i] not in (1, None)]
    if wrong:
        raise ValueError(
            f"squeeze: axis {wrong[0]} of {format_shape(x.shape)} has size "
            f"{x.shape[wrong[0]]}, not 1."
        )
    return reshape(x, tuple(s for i, s in enumerate(shape(x)) if i not in gone))


def broadcast_to(x: Any, shape: Any) -> Tensor:
    """`x` stretched to `shape` as NumPy broadcasts."""
    x, target = as_tensor(x), canonical_shape(shape)
    return x if target == x.shape else broadcast_to_p(x, shape=target)


@reshape_p.vjp
def _(g, x, *, shape):
    return reshape(g, x.shape)


@transpose_p.vjp
def _(g, x, *, axes):
    return transpose(g, tuple(np.argsort(axes)))


@broadcast_to_p.vjp
def _(g, x, *, shape):
    return sum_to(g, x)


# --- joining and repeating ---------------------------------------------------------------


@primitive
def concatenate_p(*xs: Spec, axis: int) -> Spec:
    first = xs[0]
    for other in xs[1:]:
        fits = first.rank == other.rank and first.dtype == other.dtype
        if not fits or any(
            a != b and None not in (a, b) and i != axis
            for i, (a, b) in enumerate(zip(first.shape, other.shape, strict=True))
        ):
            raise ValueError(
                f"all inputs must agree in dtype and in every axis but axis {axis}; got "
                f"{', '.join(map(str, xs))}."
            )
    sizes = [x.shape[axis] for x in xs]
    total = None if None in sizes else builtins.sum(sizes)  # type: ignore[arg-type]
    joined = tuple(
        total if i == axis else next((x.shape[i] for x in xs if x.shape[i] is not None), None)
        for i in range(first.rank)
    )
    return Spec(joined, first.dtype)


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors joined along an axis that they have.

    >>> concatenate([np.zeros((2, 1)), np.zeros((2, 3))], axis=1).shape
    (2, 4)
    """
    if not xs:
        raise ValueError("concatenate: expected at least one tensor, but got none.")
    tensors = promoted(*xs)
    if len(tensors) == 1:
        return tensors[0]
    return concatenate_p(*tensors, axis=canonical_axis(axis, tensors[0].rank))


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    return concatenate([expand_dims(one, axis) for one in x], axis=axis)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Cuts `x` along `axis`: into n equal parts, or before each of the given positions."""
    x = as_tensor(x)
    axis = canonical_axis(axis, x.rank)
    length = x.shape[axis]
    if isinstance(indices_or_sections, int):
        parts = indices_or_sections
        if length is None:
            raise ValueError("split: the axis must have a known size to be cut in equal parts.")
        if length % parts:
            raise ValueError(f"split: axis {axis} of size {length} has no {parts} equal parts.")
        cuts = [i * (length // parts) for i in range(1, parts)]
    else:
        cuts = [operator.index(i) for i in indices_or_sections]
    where = [0, *cuts, None]
    return [_along(x, axis, builtins.slice(a, b)) for a, b in itertools.pairwise(where)]


def _along(x: Tensor, axis: int, key: Any) -> Tensor:
    """`x` indexed on one axis."""
    return getitem(x, (builtins.slice(None),) * axis + (key,))


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along `axis`, each without it."""
    x = as_tensor(x)
    axis = canonical_axis(axis, x.rank)
    count = num if num is not None else x.shape[axis]
    if count is None:
        raise ValueError("unstack: the axis has no known size; give num.")
    return [_along(x, axis, i) for i in range(count)]


def tile(x: Any, repeats: Any) -> Tensor:
    """`x` laid out `repeats` times along each axis."""
    x = as_tensor(x)
    counts = canonical_shape(repeats)
    rank = builtins.max(x.rank, len(counts))
    counts = (1,) * (rank - len(counts)) + counts
    sizes = (1,) * (rank - x.rank) + shape(x)
    apart = reshape(x, tuple(s for size in sizes for s in (1, size)))
    wide = broadcast_to(apart, tuple(s for n, m in zip(counts, sizes, strict=True) for s in (n, m)))
    return reshape(wide, tuple(n * m for n, m in zip(counts, sizes, strict=True)))


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element along `axis` repeated in place.

    Args:
        x: a tensor.
        repeats: how often: an int, or one for each element along `axis`.
        axis: an axis; if None the elements of the flattened input are repeated.
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = flatten(x), 0
    axis = canonical_axis(axis, x.rank)
    sizes = shape(x)
    if np.size(repeats) > 1:
        places = np.repeat(np.arange(np.size(repeats), dtype="int32"), np.asarray(repeats))
        if sizes[axis] != np.size(repeats):
            raise ValueError(
                f"repeat: {np.size(repeats)} counts do not fit axis {axis} of "
                f"{format_shape(x.shape)}."
            )
        return take(x, places, axis)
    repeats = repeats if isinstance(repeats, Dim) else int(np.asarray(repeats).reshape(()))
    wide = (*sizes[: axis + 1], repeats, *sizes[axis + 1 :])
    stretched = broadcast_to(expand_dims(x, axis + 1), wide)
    return reshape(stretched, (*sizes[:axis], sizes[axis] * repeats, *sizes[axis + 1 :]))


@concatenate_p.vjp
def _(g, *xs, axis):
    ends = np.cumsum([x.shape[axis] for x in xs])[:-1]
    return tuple(split(g, [int(e) for e in ends], axis))


# --- selection ---------------------------------------------------------------------------


@primitive
def slice_p(
    x: Spec, *, start: tuple[Any, ...], stop: tuple[Any, ...], step: tuple[int, ...]
) -> Spec:
    """Bounds as of `range`, within the axis; stop -1 with a negative step means "to 0"."""
    bounds = list(zip(start, stop, step, strict=True))
    for n, (a, b, _) in zip(x.shape, bounds, strict=True):
        # Only an index into an axis of once unknown size can turn out to lie outside.
        if n is not None and not isinstance(a, Dim) and b == a + 1 and not 0 <= a < n:
            raise ValueError(f"index {a} is out of range for an axis of size {n}.")
    return Spec(
        tuple(
            None if isinstance(a, Dim) or isinstance(b, Dim) else len(range(a, b, s))
            for a, b, s in bounds
        ),
        x.dtype,
    )


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
    An int beside arrays is taken first, as if it stood in an index of its own.

    >>> getitem(np.arange(6).reshape(2, 3), (0, slice(None, None, -1))).numpy()
    array([2, 1, 0])
    """
    x = as_tensor(x)
    given = key if isinstance(key, tuple) else (key,)
    keys = _one_per_axis(tuple(part for k in given for part in _without_masks(k)), x.rank)
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
        return key.rank > 0 or key.is_symbolic
    return isinstance(key, (np.ndarray, list)) and np.ndim(key) > 0


def _without_masks(key: Any) -> Sequence[Any]:
    """The key itself, or of a boolean array the positions of what is true along each axis."""
    if not _is_array(key) or as_tensor(key).dtype != "bool":
        return (key,)
    mask = as_tensor(key)
    if mask.is_symbolic:
        raise IndexError(
            "the size of x[mask] would depend on values that are known only when the graph runs. "
            "Use ops.where(mask, x, ...) instead."
        )
    return [positions.astype("int32") for positions in np.nonzero(mask.numpy())]


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
        return builtins.slice(s.start, s.stop, step).indices(n)
    if s.start is None and s.stop is None and step == 1:
        return 0, n, 1

    def bound(which: int) -> Dim:
        return Dim(lambda n, a, b: builtins.slice(a, b, step).indices(n)[which], n, s.start, s.stop)

    return bound(0), bound(1), step


def _position(index: Any, n: Any, axis: int) -> Any:
    """An index along an axis of size `n`, counted from the front."""
    if isinstance(index, Dim):
        return index
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

    Negative indices count from the end. Indices outside of the axis are an error of the
    caller; engines differ in what they return for them.

    >>> take([10, 20, 30], [2, 0]).numpy()
    array([30, 10], dtype=int32)
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        x, axis = flatten(x), 0
    axis = canonical_axis(axis, x.rank)
    if indices.dtype not in dtypes.UNSIGNED:
        indices = indices + cast(indices < 0, indices.dtype) * as_tensor(
            Dim.of(x, axis), indices.dtype
        )
    return take_p(x, indices, axis=axis)


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


# --- padding and flipping ----------------------------------------------------------------


@primitive
def pad_p(x: Spec, *, widths: tuple[tuple[Any, Any], ...], value: float) -> Spec:
    return Spec(
        tuple(
            None if n is None or isinstance(lo, Dim) or isinstance(hi, Dim) else n + lo + hi
            for n, (lo, hi) in zip(x.shape, widths, strict=True)
        ),
        x.dtype,
    )


@primitive
def flip_p(x: Spec, *, axes: tuple[int, ...]) -> Spec:
    return x


def pad(
    x: Any, pad_width: Any, mode: str = "constant", constant_values: float | None = None
) -> Tensor:
    """`x` with a margin.

    Args:
        x: a tensor.
        pad_width: (before, after) per axis; one pair or one int for all.
        mode: "constant", "reflect" (without the edge) or "symmetric" (with it).
        constant_values: what the margin holds in mode "constant", 0 if None.

    >>> pad([1.0, 2.0], (1, 2)).numpy()
    array([0., 1., 2., 0., 0.], dtype=float32)
    """
    x = as_tensor(x)
    widths = _pad_widths(pad_width, x.rank)
    if mode == "constant":
        return pad_p(x, widths=widths, value=constant_values or 0)
    if constant_values is not None:
        raise ValueError(f'pad: constant_values is for mode="constant", but mode={mode!r}.')
    if mode not in ("reflect", "symmetric"):
        raise ValueError(f'pad: mode must be "constant", "reflect" or "symmetric", not {mode!r}.')
    for axis, (lo, hi) in ((a, w) for a, w in enumerate(widths) if any(w)):
        x = _pad_mirrored(x, axis, lo, hi, skip=1 if mode == "reflect" else 0)
    return x


def _pad_widths(pad_width: Any, rank: int) -> tuple[tuple[int, int], ...]:
    try:
        array = np.broadcast_to(np.asarray(pad_width, "int64"), (rank, 2))
    except ValueError:
        raise ValueError(
            f"pad: pad_width must be one (before, after) pair per axis ({rank}), one pair, or "
            f"an int, but got {pad_width!r}."
        ) from None
    if (array < 0).any():
        raise ValueError(f"pad: pad_width must not be negative, but got {pad_width!r}.")
    return tuple((int(lo), int(hi)) for lo, hi in array)


def _pad_mirrored(x: Tensor, axis: int, lo: int, hi: int, skip: int) -> Tensor:
    n = x.shape[axis]
    if n is None or builtins.max(lo, hi) > n - skip:
        raise ValueError(f"pad: axis {axis} of size {n} is too short to mirror {max(lo, hi)}.")
    head = flip(_along(x, axis, builtins.slice(skip, skip + lo)), axis)
    tail = flip(_along(x, axis, builtins.slice(n - skip - hi, n - skip)), axis)
    return concatenate([head, x, tail], axis)


def flip(x: Any, axis: Any = None) -> Tensor:
    """The elements along `axis` in reverse order."""
    x = as_tensor(x)
    axes = canonical_axes(axis, x.rank)
    return flip_p(x, axes=axes) if axes else x


@pad_p.vjp
def _(g, x, *, widths, value):
    return slice_p(
        g,
        start=tuple(lo for lo, _ in widths),
        stop=tuple(lo + n for (lo, _), n in zip(widths, x.shape, strict=True)),
        step=(1,) * x.rank,
    )


@flip_p.vjp
def _(g, x, *, axes):
    return flip_p(g, axes=axes)


# --- new arrays --------------------------------------------------------------------------


@primitive
def full_p(*, shape: tuple[Any, ...], value: float, dtype: str) -> Spec:
    return Spec(tuple(map(known, shape)), dtype)


@primitive
def iota_p(*, size: Any, dtype: str) -> Spec:
    """0, 1, 2, ... size - 1."""
    return Spec((known(size),), dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """An array of `shape` filled with one value."""
    shape = canonical_shape(shape)
    if isinstance(fill_value, (int, float)):
        name = dtypes.standardize(dtype)
        return full_p(shape=shape, value=fill_value, dtype=name)
    value = as_tensor(fill_value)
    return broadcast_to(value if dtype is None else cast(value, dtype), shape)


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros of `shape`.

    >>> zeros(2).numpy()
    array([0., 0.], dtype=float32)
    """
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones of `shape`."""
    return full(shape, 1, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """An array of x's shape (and dtype, unless given) filled with one value."""
    x = as_tensor(x)
    return full(shape(x), fill_value, dtype or x.dtype)


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of x's shape."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of x's shape."""
    return full_like(x, 1, dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to `stop`, without it; 1 or `step` apart.

    >>> arange(3).numpy()
    array([0, 1, 2], dtype=int32)
    """
    step = 1 if step is None else step
    if stop is None:
        start, stop = 0, start
    if isinstance(stop, Dim) or isinstance(start, Dim):
        length: Any = -((start - stop) // step)  # rounded up
        name = dtypes.standardize(dtype or "int32")
    else:
        length = builtins.max(0, math.ceil((stop - start) / step))
        whole = builtins.all(isinstance(v, (int, np.integer)) for v in (start, stop, step))
        name = dtypes.standardize(dtype or ("int32" if whole else None))
    count = iota_p(size=length, dtype=name)
    scaled = count if step == 1 else count * as_tensor(step, name)
    return scaled if start == 0 else scaled + as_tensor(start, name)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the k-th diagonal of an N x M matrix of zeros."""
    rows, columns = arange(N), arange(N if M is None else M)
    return cast(equal(expand_dims(rows, 1) + k, columns), dtype)


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """A new axis of size `num_classes`: 1 at the position that x names, else 0.

    >>> one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    if sparse:
        raise ValueError("one_hot: sparse=True is not supported; there are no sparse tensors.")
    x = as_tensor(x)
    axis = canonical_axis(axis, x.rank + 1)
    classes = arange(num_classes, dtype=x.dtype)
    beside = reshape(classes, tuple(-1 if i == axis else 1 for i in range(x.rank + 1)))
    return cast(equal(expand_dims(x, axis), beside), dtype)


def _no_gradient(g, *inputs, **attrs):
    return (None,) * len(inputs)


full_p.vjp(_no_gradient)
iota_p.vjp(_no_gradient)
