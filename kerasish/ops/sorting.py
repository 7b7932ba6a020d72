"""Order: sorting, ranks, the largest, positions in a sorted sequence, distinct values."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import Dim, canonical_axis
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, flatten, flip, moveaxis, shape
from kerasish.ops.binary import where
from kerasish.ops.comparisons import (
    equal,
    greater,
    isfinite,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
)
from kerasish.ops.filling import arange
from kerasish.ops.indexing import picked, values_of
from kerasish.ops.promotion import cast, joined
from kerasish.ops.reduce import no_gradient, sum
from kerasish.ops.selection import take_p


@composite
def argsort_p(x: Tensor, *, axis: int) -> Tensor:
    """Equal elements keep their order; NaN comes last."""
    # Every element is compared with every other one: for engines without an order of their own.
    x = cast(x, "int32") if x.dtype == "bool" else x
    lines = moveaxis(x, axis, -1)
    one, other = expand_dims(lines, -1), expand_dims(lines, -2)
    nan, others_nan = not_equal(one, one), not_equal(other, other)
    place = arange(Dim.of(lines, -1))
    before = logical_or(less(other, one), logical_and(nan, logical_not(others_nan)))
    same = logical_or(equal(other, one), logical_and(nan, others_nan))
    earlier = less(place, expand_dims(place, 1))
    rank = sum(cast(logical_or(before, logical_and(same, earlier)), "int32"), axis=-1)
    # Where the element of each rank is.
    found = cast(equal(expand_dims(rank, -2), expand_dims(place, 1)), "int32")
    return moveaxis(sum(found * place, axis=-1), -1, axis)


argsort_p.vjp(no_gradient)


@composite
def sort_p(x: Tensor, *, axis: int) -> Tensor:
    return picked(x, argsort_p(x, axis=axis), axis)


@composite
def top_k_p(x: Tensor, *, k: int) -> tuple[Tensor, Tensor]:
    # Reversed twice, so that of equal elements the first ones come first.
    n, last = x.shape[-1], x.rank - 1
    if n is not None and k > n:
        raise ValueError(
            f"top_k: k is {k}, but the last axis of {format_shape(x.shape)} is shorter."
        )
    order = flip(argsort_p(flip(x, last), axis=last), last)
    first = order[..., :k] if n is not None else take_p(order, np.arange(k), axis=last)
    indices = ((n or 0) - 1) - first
    return picked(x, indices, last), indices


@composite
def searchsorted_p(sorted_sequence: Tensor, values: Tensor, *, right: bool) -> Tensor:
    before = less_equal if right else less
    return sum(cast(before(sorted_sequence, expand_dims(values, -1)), "int32"), axis=-1)


searchsorted_p.vjp(no_gradient)


def _axis(x: Any, axis: int | None) -> tuple[Tensor, int]:
    x = as_tensor(x)
    if axis is None:
        return flatten(x), 0
    return x, canonical_axis(axis, x.rank)


def sort(x: Any, axis: int | None = -1) -> Tensor:
    """The elements in ascending order along `axis`.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.

    Returns:
        A tensor of x's dtype and shape; of one axis if `axis` is None.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> sort([3.0, 1.0, 2.0]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    x, axis = _axis(x, axis)
    return sort_p(x, axis=axis)


def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The positions, in ascending order of the elements; equal ones keep their order.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.

    Returns:
        int32, of x's shape; of one axis if `axis` is None, or x is a scalar.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> argsort([3.0, 1.0, 2.0]).numpy()
    array([1, 2, 0], dtype=int32)
    """
    x = as_tensor(x)
    x, axis = _axis(x, axis if x.rank else None)
    return argsort_p(x, axis=axis)


def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Positions such that no element before the kth is larger than it, and none after smaller.

    All elements are put in order; NumPy's order within both parts is another.

    Args:
        x: a tensor.
        kth: which place.
        axis: an axis; the flattened tensor if None.

    Returns:
        int32, of x's shape; of one axis if `axis` is None.

    Raises:
        ValueError: if x has no such axis, or that has no such place.
        TypeError: if x is no array of numbers, such as a string or None, or kth no int.

    >>> int(argpartition([3, 1, 2], 0)[0])
    1
    """
    x, axis = _axis(x, axis)
    size, kth = x.shape[axis], operator.index(kth)
    if size is not None and not -size <= kth < size:
        raise ValueError(f"argpartition: kth is {kth}, but axis {axis} has size {size}.")
    return argsort_p(x, axis=axis)


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest elements along the last axis, and where they are.

    Args:
        x: a tensor.
        k: how many; no more than the last axis has.
        sorted: whether they must be in descending order. They always are.

    Returns:
        The elements in descending order, of x's dtype, and their positions as int32: both of x's
        shape with a last axis of k.

    Raises:
        ValueError: if k is negative or more than the last axis has, or x is a scalar.
        TypeError: if k is no int, or x no array of numbers, such as a string or None.

    >>> [t.numpy().tolist() for t in top_k([1.0, 5.0, 3.0], 2)]
    [[5.0, 3.0], [1, 2]]
    """
    x = as_tensor(x)
    k = operator.index(k)
    if x.rank == 0 or not 0 <= k <= (k if x.shape[-1] is None else x.shape[-1]):
        raise ValueError(
            f"top_k: k is {k}, but the last axis of {format_shape(x.shape)} must be at "
            "least as long."
        )
    if x.dtype == "bool":  # not all engines order booleans
        found, places = top_k_p(cast(x, "int32"), k=k)
        return cast(found, "bool"), places
    return top_k_p(x, k=k)


def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether the target class is among the k classes with the largest predictions.

    Args:
        targets: class numbers of shape (batch,). One that is no class is not among them.
        predictions: floats of shape (batch, classes). Classes that tie with the kth count too.
        k: how many.

    Returns:
        Booleans of shape (batch,).

    Raises:
        ValueError: if the targets have not one axis, or the predictions not two.
        TypeError: if the targets or k are no ints, or the predictions no numbers.

    >>> in_top_k([0, 2], [[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]], 2).numpy()
    array([False,  True])
    """
    targets, predictions = as_tensor(targets), as_tensor(predictions)
    if targets.rank != 1 or predictions.rank != 2:
        raise ValueError(
            "in_top_k: expected targets of shape (batch,) and predictions of shape (batch, "
            f"classes), but got {format_shape(targets.shape)} and "
            f"{format_shape(predictions.shape)}."
        )
    if dtypes.is_float(as_tensor(k).dtype):
        raise TypeError(f"in_top_k: k must be an int, but got {k!r}.")
    if not dtypes.is_int(targets.dtype):
        raise TypeError(f"in_top_k: targets must be integers, but got {targets.dtype}.")
    known = logical_and(targets >= 0, targets < shape(predictions)[1])
    places = cast(where(known, targets, 0), "int32")
    own = picked(predictions, expand_dims(places, 1), 1)
    better = sum(cast(greater(predictions, own), "int32"), axis=1)
    return logical_and(known, logical_and(less(better, k), isfinite(own[:, 0])))


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Where `values` would be inserted to keep the sequence sorted.

    Args:
        sorted_sequence: an ascending sequence with one axis.
        values: a tensor of any shape.
        side: "left" of equal elements or "right" of them.

    Returns:
        int32, of the shape of `values`.

    Raises:
        ValueError: if `side` is neither, or the sequence has not one axis.
        TypeError: if the sequence or `values` is no array of numbers, such as a string or None.

    >>> searchsorted([1, 3, 5], [3, 4]).numpy()
    array([1, 2], dtype=int32)
    """
    if side not in ("left", "right"):
        raise ValueError(f'searchsorted: side must be "left" or "right", not {side!r}.')
    sequence, values = joined(sorted_sequence, values)
    if sequence.rank != 1:
        raise ValueError(
            "searchsorted: sorted_sequence must have one axis, but its shape is "
            f"{format_shape(sequence.shape)}."
        )
    return searchsorted_p(sequence, values, right=side == "right")


def digitize(x: Any, bins: Any) -> Tensor:
    """The number of the bin that each element of `x` falls in.

    Args:
        x: a tensor.
        bins: ascending edges; bin i reaches from edge i - 1 up to edge i, without it.

    Returns:
        int32, of x's shape.

    Raises:
        ValueError: if the edges have not one axis.
        TypeError: if x or `bins` is no array of numbers, such as a string or None.

    >>> digitize([0.5, 1.0, 9.0], [0.0, 1.0, 2.0]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    return searchsorted(bins, x, side="right")


def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct elements of `x` in ascending order. `x` must have a value.

    Args:
        x: a tensor.
        sorted: whether they must be in order. They always are.
        return_index: whether to return where each is first found.
        return_inverse: whether to return which of them each element of x is.
        return_counts: whether to return how often each is found.
        axis: compares slices along this axis; elements if None.
        size: the number to return: cut off or filled up.
        fill_value: what fills up; if None the least element, or 0 if there is none.

    Returns:
        The elements, of x's dtype and one axis (or x's shape, but for `axis`); or a tuple of them
        and what else was asked for, as int32.

    Raises:
        ValueError: if x has no value yet, or no such axis, or size is negative.
        TypeError: if x is no array of numbers, such as a string or None, or size no int.

    >>> unique([3, 1, 3]).numpy()
    array([1, 3], dtype=int32)
    """
    array = values_of(x, "unique")
    axis = axis if axis is None else canonical_axis(axis, array.ndim)
    found, *others = np.unique(array, True, True, True, axis=axis)
    index, inverse, counts = others
    # NumPy's versions differ in the shape of it.
    inverse = inverse.reshape(array.shape if axis is None else -1)
    if size is not None:
        size = operator.index(size)
        if size < 0:
            raise ValueError(f"unique: size must not be negative, but it is {size}.")
        lines = 0 if axis is None else axis
        found = _resized(np.moveaxis(found, lines, 0), size, fill_value)
        found = np.moveaxis(found, 0, lines)
        index, counts = _resized(index, size, None), _resized(counts, size, 0)
    wanted = (return_index, return_inverse, return_counts)
    extra = [a.astype("int32") for a, w in zip((index, inverse, counts), wanted, strict=True) if w]
    results = tuple(map(as_tensor, (found, *extra)))
    return results if extra else results[0]


def _resized(rows: np.ndarray, size: int, fill: Any) -> np.ndarray:
    """The first `size` rows, filled up with `fill` (if None the first row, or 0 without any)."""
    missing = size - len(rows)
    if missing <= 0:
        return rows[:size]
    if fill is None and len(rows):
        row = rows[:1]
    else:
        row = np.full((1, *rows.shape[1:]), 0 if fill is None else fill, rows.dtype)
    return np.concatenate([rows, np.repeat(row, missing, 0)])
