"""Elements by their positions: gathering, scattering, and updates of a part.

All of it works on the flattened axes: there a position is one number.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import Dim, canonical_axis, canonical_shape, compatible, known
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.subgraph import varies
from kerasish.graph.tensor import Constant, Tensor
from kerasish.graph.values import has_value
from kerasish.ops.array import (
    broadcast_to,
    expand_dims,
    flatten,
    moveaxis,
    reshape,
    shape,
    whole_sizes,
)
from kerasish.ops.binary import clip, floor_divide, maximum, minimum, multiply, where
from kerasish.ops.comparisons import less, logical_and
from kerasish.ops.filling import arange
from kerasish.ops.promotion import cast
from kerasish.ops.segments import segment_max_p, segment_min_p, segment_prod_p
from kerasish.ops.selection import (
    added_at,
    gathered,
    getitem,
    placed,
    slice_p,
    take_p,
)

get_item = getitem


# --- gathering ---------------------------------------------------------------------------


def _strides(sizes: Sequence[Any]) -> list[Any]:
    """How far apart neighbours along each axis lie in the flattened array."""
    steps = [1]
    for size in reversed(sizes[1:]):
        steps.append(steps[-1] * size)
    return steps[::-1]


def _beside(size: Any, axis: int, rank: int) -> Tensor:
    """0, 1, ... along one of `rank` axes, the others of size 1."""
    return reshape(arange(size), tuple(size if i == axis else 1 for i in range(rank)))


def _flat_places(
    name: str, indices: Sequence[Tensor], sizes: Sequence[Any], axes: Sequence[int]
) -> tuple[Tensor, Tensor | None]:
    """Positions in the flattened array, of indices along each axis, and which of them exist."""
    found = [placed(name, *item) for item in zip(indices, sizes, axes, strict=True)]
    places = [place * step for (place, _), step in zip(found, _strides(sizes), strict=True)]
    inside = [i for _, i in found if i is not None]
    return builtins.sum(places[1:], start=places[0]), (
        reduce(logical_and, inside) if inside else None
    )


def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """For each line of `x` along `axis`, the elements that `indices` names in that line.

    Args:
        x: a tensor.
        indices: integers; as many axes as x, which broadcast but for `axis`. Negative ones
            count from the end. Where those that are known only when the graph runs lie outside
            of the axis, the result is NaN, or 0 if x holds no floats.
        axis: the axis along which the lines run; if None both are flattened.

    Returns:
        A tensor of the shape of indices, broadcast with that of x but for `axis`, or with
        one axis if that is None, and of the dtype of x.

    Raises:
        IndexError: if a number among the indices lies outside of the axis.
        ValueError: if `indices` has another number of axes than `x`, does not broadcast with
            it, or x has no such axis.
        TypeError: if x holds no numbers, or indices are no integers.

    >>> take_along_axis([[1, 2, 3], [4, 5, 6]], [[2], [0]], axis=1).numpy()
    array([[3],
           [4]], dtype=int32)
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        x, indices, axis = flatten(x), flatten(indices), 0
    if x.rank != indices.rank:
        raise ValueError(
            f"take_along_axis: indices must have as many axes as x, but their shapes are "
            f"{format_shape(indices.shape)} and {format_shape(x.shape)}."
        )
    axis = canonical_axis(axis, x.rank)
    place, inside = placed("take_along_axis", indices, Dim.of(x, axis), axis)
    return picked(x, place, axis, inside)


def picked(x: Tensor, place: Tensor, axis: int, inside: Tensor | None = None) -> Tensor:
    """`take_along_axis` of places counted from the front, NaN or 0 where they are not `inside`."""
    sizes = shape(x)
    steps = _strides(sizes)
    place = place * steps[axis]
    for i in range(x.rank):
        if i != axis and sizes[i] != 1:
            place = place + _beside(sizes[i], i, x.rank) * steps[i]
    if inside is not None:
        inside = broadcast_to(inside, shape(place))
    return gathered(flatten(x), place, inside, 0)


def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """The positions along each axis of an array of `shape` of flat `indices`.

    Args:
        indices: ints of any shape; negative ones count from the end.
        shape: the sizes of the array.

    Returns:
        A tuple of tensors, one per axis, of the shape and dtype of indices; int32 for booleans
        and where that dtype does not hold all positions, int64 where int32 does not.

    Raises:
        IndexError: if a number among the indices lies outside of the array.
        ValueError: if a size is negative.
        TypeError: if indices holds no ints, or a size is no int.

    >>> [int(i) for i in unravel_index(7, (2, 5))]
    [1, 2]
    """
    indices, sizes = as_tensor(indices), canonical_shape(shape)
    dtype = indices.dtype
    if dtypes.is_float(dtype):
        raise TypeError(f"unravel_index: indices must be integers, not {dtype}.")
    whole_sizes(sizes)
    if not sizes:
        return ()
    total = math.prod(sizes)
    if isinstance(indices, Constant) and known(total) is not None:
        values = indices.value.astype("int64")
        outside = indices.value[(values >= total) | (values < -total)]
        if outside.size:
            raise IndexError(
                f"unravel_index: index {outside[0]} is out of range for the {total} elements of "
                f"{format_shape(sizes)}."
            )
    if dtype not in ("int64", "uint32", "uint64"):
        # What counts from the end may be beyond what the dtype holds.
        indices = cast(
            indices, "int64" if (known(total) or 0) > dtypes.highest("int32") else "int32"
        )
    indices = where(less(indices, 0), indices + total, indices)
    places = [
        floor_divide(indices, step) % size
        for step, size in zip(_strides(sizes), sizes, strict=True)
    ]
    fits = all(known(size) is not None and size - 1 <= dtypes.highest(dtype) for size in sizes)
    return tuple(cast(i, dtype) if fits and dtype != "bool" else i for i in places)


def by_arrays(x: Tensor, keys: Sequence[Any], spots: Sequence[int]) -> Tensor:
    """`x[keys]`, one key per axis (and None), where those at `spots` are arrays of integers."""
    whole = builtins.slice(None)
    x = getitem(x, tuple(whole if i in spots else k for i, k in enumerate(keys)))
    stays = [k is None or isinstance(k, builtins.slice) or i in spots for i, k in enumerate(keys)]
    axes = [builtins.sum(stays[:i]) for i in spots]
    # The axes of arrays, among which ints count, come first if they are apart from each other.
    arrays = [i for i, k in enumerate(keys) if k is not None and not isinstance(k, builtins.slice)]
    apart = arrays[-1] - arrays[0] >= len(arrays)
    front = 0 if apart else builtins.sum(stays[: arrays[0]])
    indices = [as_tensor(keys[i]) for i in spots]
    old_axes = [i - builtins.sum(k is None for k in keys[:i]) for i in spots]
    if len(indices) == 1:
        at = axes[0]
        place, inside = placed("getitem", indices[0], Dim.of(x, at), old_axes[0])
        result = gathered(x, place, inside, at)
    else:
        at, x = 0, moveaxis(x, axes, range(len(axes)))
        sizes = shape(x)[: len(axes)]
        place, inside = _flat_places("getitem", indices, sizes, old_axes)
        result = gathered(reshape(x, (math.prod(sizes), *shape(x)[len(axes) :])), place, inside, 0)
    return moveaxis(result, range(at, at + place.rank), range(front, front + place.rank))


# --- scattering --------------------------------------------------------------------------


def _rows(name: str, indices: Tensor, values: Tensor, sizes: tuple[Any, ...]) -> tuple[Any, ...]:
    """(flat row numbers, the values as rows, the result's rows and their size, rows to fill).

    Those to fill may be one more, for the values that have no place.
    """
    depth = indices.shape[-1] if indices.rank else None
    if not depth or depth > len(sizes):
        raise ValueError(
            f"{name}: the last axis of indices must hold a position along the first axes of "
            f"{format_shape(tuple(map(known, sizes)))}, but indices has the shape "
            f"{format_shape(indices.shape)}."
        )
    fitting = indices.shape[:-1] + tuple(map(known, sizes[depth:]))
    if not compatible(values.shape, fitting):
        raise ValueError(
            f"{name}: values must have the shape {format_shape(fitting)}, the leading axes of "
            f"indices and then the other axes, but got {format_shape(values.shape)}."
        )
    columns = [_column(indices, i) for i in range(depth)]
    place, inside = _flat_places(name, columns, sizes[:depth], range(depth))
    count, width = math.prod(sizes[:depth]), math.prod(sizes[depth:])
    if inside is not None:
        place = where(inside, place, count)
    spare = inside is not None
    return flatten(place), reshape(values, (-1, width)), (count, width), count + spare


def _column(indices: Tensor, i: int) -> Tensor:
    """The positions along the i-th axis; numbers stay numbers."""
    if isinstance(indices, Constant):
        return as_tensor(indices.value[..., i])
    return indices[..., i]


def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros of `shape` to which `values` are added at `indices`, which may repeat.

    Args:
        indices: integers of shape (..., n): positions along the first n axes. Negative ones
            count from the end. What belongs to those that are known only when the graph runs
            and lie outside of their axes is left out.
        values: what is added there: the leading axes of indices, then the other axes.
        shape: that of the result.

    Returns:
        A tensor of that shape and the dtype of values.

    Raises:
        IndexError: if a number among the indices lies outside of its axis.
        ValueError: if the shapes of indices, values and the result do not belong together, or
            a size is negative.
        TypeError: if indices are no integers, values hold no numbers, or a size is no int.

    >>> scatter([[0], [2], [0]], [1.0, 2.0, 4.0], (3,)).numpy()
    array([5., 0., 2.], dtype=float32)
    """
    indices, values, sizes = as_tensor(indices), as_tensor(values), canonical_shape(shape)
    whole_sizes(sizes)
    if indices.rank and indices.shape[-1] is None:
        return scatter_of_some_p(indices, values, shape=sizes)
    flat, rows, (count, width), filled = _rows("scatter", indices, values, sizes)
    return reshape(added_at(rows, flat, (filled, width))[:count], sizes)


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """`inputs` with `updates` at `indices`.

    Args:
        inputs: a tensor.
        indices: integers of shape (..., n): positions along the first n axes of inputs.
            Negative ones count from the end. What belongs to those that are known only when
            the graph runs and lie outside of their axes is left out.
        updates: the leading axes of indices, then the other axes of inputs.
        reduction: None replaces (the last update of a position stays); "add", "max", "min"
            or "mul" combine with what is there.

    Returns:
        A tensor of the shape and dtype of inputs.

    Raises:
        IndexError: if a number among the indices lies outside of its axis.
        ValueError: for another reduction, or if the shapes do not belong together.
        TypeError: if indices are no integers, or another argument holds no numbers.

    >>> scatter_update([1, 2, 3], [[0], [2]], [10, 30]).numpy()
    array([10,  2, 30], dtype=int32)
    """
    if reduction not in (None, "add", "mul", *_EXTREMES):
        raise ValueError(
            'scatter_update: reduction must be None, "add", "max", "min" or "mul", not '
            f"{reduction!r}."
        )
    x, indices = as_tensor(inputs), as_tensor(indices)
    updates = cast(updates, x.dtype)
    if indices.rank and indices.shape[-1] is None:
        return scatter_update_of_some_p(x, indices, updates, reduction=reduction)
    flat, rows, (count, width), filled = _rows("scatter_update", indices, updates, shape(x))
    if flat.shape[0] == 0:
        return x
    old = reshape(x, (count, width))
    if reduction == "add":
        result = old + added_at(rows, flat, (filled, width))[:count]
    elif reduction == "mul":
        result = multiply(old, segment_prod_p(rows, flat, count=filled)[:count])
    else:
        last = segment_max_p(arange(Dim.of(flat, 0)), flat, count=filled)[:count]
        if reduction is None:
            new = take_p(rows, maximum(last, 0), axis=0)
        else:
            pair, extreme = _EXTREMES[reduction]
            new = pair(old, extreme(rows, flat, count=filled)[:count])
        # Not the extreme of no rows: that is finite, and the old value may be infinite.
        result = where(expand_dims(last >= 0, 1), new, old)
    return reshape(result, shape(x))


_EXTREMES = {"max": (maximum, segment_max_p), "min": (minimum, segment_min_p)}


def _scatter_of_some(indices: Tensor, values: Tensor, *, shape: tuple[Any, ...]) -> Tensor:
    """`scatter` along the first axes, once it is known how many of them."""
    return scatter(indices, values, shape)


def _scatter_of_some_rule(indices: Spec, values: Spec, *, shape: tuple[Any, ...]) -> Spec:
    return Spec(tuple(map(known, shape)), values.dtype)


def _scatter_update_of_some(
    x: Tensor, indices: Tensor, updates: Tensor, *, reduction: str | None
) -> Tensor:
    """`scatter_update` along the first axes, once it is known how many of them."""
    return scatter_update(x, indices, updates, reduction)


_scatter_of_some.__name__ = "scatter_of_some"
_scatter_update_of_some.__name__ = "scatter_update_of_some"
scatter_of_some_p = composite(_scatter_of_some, _scatter_of_some_rule)
scatter_update_of_some_p = composite(
    _scatter_update_of_some, lambda x, indices, updates, *, reduction: x
)


# --- a block -----------------------------------------------------------------------------


def _starts(start_indices: Any, rank: int, name: str) -> list[Any]:
    """One start per axis: an int, or a scalar tensor that is known only at run time."""
    starts = start_indices
    if isinstance(starts, Tensor):
        starts = [starts[i] for i in range(len(starts))] if varies(starts) else starts.numpy()
    if len(starts) != rank or builtins.any(np.ndim(s) for s in starts):
        raise ValueError(
            f"{name}: expected one start index per axis ({rank}), but got {start_indices!r}."
        )
    try:
        return [s if varies(s) else operator.index(s) for s in starts]
    except TypeError as error:
        raise TypeError(
            f"{name}: start indices must be ints, but got {start_indices!r}."
        ) from error


def _with_room(name: str, x: Tensor, axis: int, start: Any, size: Any) -> Any:
    """The size of an axis of x, on which a block of `size` elements must lie from `start` on.

    What is known only when the graph runs is checked then. A start that is a tensor fits somehow.
    """
    first = 0 if isinstance(start, Tensor) else start

    def checked(size: int, whole: Any) -> Any:
        if not 0 <= first <= first + size <= whole:
            raise ValueError(
                f"{name}: {first} to {first + size} is not within axis {axis} of "
                f"{format_shape(x.shape)}."
            )
        return whole

    whole = Dim.of(x, axis)
    checked(known(size) or 0, known(whole) if known(whole) is not None else math.inf)
    waits = isinstance(size, Dim) or isinstance(whole, Dim)
    return Dim(checked, size, whole) if waits else whole


def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """The block of `inputs` that begins at `start_indices` and has the given shape.

    Args:
        inputs: a tensor.
        start_indices: where the block begins on each axis: ints, or integer tensors. What is
            known only when the graph runs (an input, a variable, a draw) is moved so that the
            block lies inside.
        shape: the sizes of the block.

    Returns:
        A tensor of that shape and the dtype of inputs.

    Raises:
        ValueError: if there is not one start and one size per axis, or the block does not lie
            inside.
        TypeError: if inputs holds no numbers, or a start or a size is no int.

    >>> slice(np.arange(12).reshape(3, 4), (1, 1), (2, 2)).numpy()
    array([[ 5,  6],
           [ 9, 10]])
    """
    x, sizes = as_tensor(inputs), canonical_shape(shape)
    starts = _starts(start_indices, x.rank, "slice")
    if len(sizes) != x.rank:
        raise ValueError(f"slice: expected one size per axis ({x.rank}), got {len(sizes)}.")
    blocks = zip(starts, sizes, strict=True)
    wholes = [_with_room("slice", x, i, *block) for i, block in enumerate(blocks)]
    fixed = [0 if isinstance(s, Tensor) else s for s in starts]
    ends = [
        whole if isinstance(s, Tensor) else s + n
        for s, n, whole in zip(starts, sizes, wholes, strict=True)
    ]
    x = slice_p(x, start=tuple(fixed), stop=tuple(ends), step=(1,) * x.rank)
    for axis, (start, size, whole) in enumerate(zip(starts, sizes, wholes, strict=True)):
        if isinstance(start, Tensor):
            first = clip(cast(start, "int32"), 0, as_tensor(whole) - size)
            x = take_p(x, first + arange(size), axis=axis)
    return x


def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """`inputs` with `updates` in place of the block that begins at `start_indices`.

    Args:
        inputs: a tensor.
        start_indices: where the block begins on each axis: ints, or integer tensors. What is
            known only when the graph runs (an input, a variable, a draw) is moved so that the
            block lies inside.
        updates: the block.

    Returns:
        A tensor of the shape and dtype of inputs.

    Raises:
        ValueError: if updates has another number of axes than inputs, there is not one start
            per axis, or the block does not lie inside.
        TypeError: if inputs or updates hold no numbers, or a start is no int.

    >>> slice_update([1, 2, 3, 4], [1], [20, 30]).numpy()
    array([ 1, 20, 30,  4], dtype=int32)
    """
    x = as_tensor(inputs)
    new = cast(updates, x.dtype)
    if new.rank != x.rank:
        raise ValueError(
            f"slice_update: updates must have as many axes as inputs, but their shapes are "
            f"{format_shape(new.shape)} and {format_shape(x.shape)}."
        )
    starts = _starts(start_indices, x.rank, "slice_update")
    blocks = zip(starts, shape(new), strict=True)
    wholes = [_with_room("slice_update", x, i, *block) for i, block in enumerate(blocks)]
    if 0 in new.shape:
        return x
    inside: Any = None
    for axis, (start, whole) in enumerate(zip(starts, wholes, strict=True)):
        size = Dim.of(new, axis)
        if isinstance(start, Tensor):
            start = clip(cast(start, "int32"), 0, as_tensor(whole) - size)
        elif not isinstance(size, Dim) and size == whole:
            continue
        place = arange(whole) - start
        new = take_p(new, clip(place, 0, as_tensor(size) - 1), axis=axis)
        here = reshape(
            logical_and(place >= 0, less(place, size)),
            tuple(whole if i == axis else 1 for i in range(x.rank)),
        )
        inside = here if inside is None else logical_and(inside, here)
    return new if inside is None else where(inside, new, x)


# --- positions that depend on values -----------------------------------------------------


def values_of(x: Any, name: str) -> np.ndarray:
    """The value of `x`, for operations whose result's shape depends on it."""
    x = as_tensor(x)
    if not has_value(x):
        raise ValueError(
            f"{name}: the shape of the result depends on the values of {x!r}, which are known only "
            "when the graph runs. Call it on arrays, or use an operation of fixed shape."
        )
    return x.numpy()


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """The positions of what is not zero: one tensor per axis.

    Args:
        x: a tensor that has a value, with at least one axis.

    Returns:
        A tuple of int32 tensors of shape (count,), one per axis of x.

    Raises:
        ValueError: if x is a scalar, or has a value only when the graph runs.
        TypeError: for what holds no numbers.

    >>> [i.numpy().tolist() for i in nonzero([[0, 3], [5, 0]])]
    [[0, 1], [1, 0]]
    """
    x = as_tensor(x)
    if not x.rank:
        raise ValueError("nonzero: expected at least one axis, but got a scalar.")
    return tuple(as_tensor(i.astype("int32")) for i in np.nonzero(values_of(x, "nonzero")))
