"""Reductions over segments: the rows that have the same number."""

from __future__ import annotations

from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import Dim, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.values import has_value
from kerasish.ops.array import expand_dims, reshape, shape
from kerasish.ops.binary import maximum, where
from kerasish.ops.comparisons import equal, greater_equal, less, logical_or
from kerasish.ops.filling import arange
from kerasish.ops.promotion import cast
from kerasish.ops.reduce import max as max_
from kerasish.ops.reduce import min as min_
from kerasish.ops.reduce import prod as prod_
from kerasish.ops.selection import added_at, take_grad_p, take_p


def _in_segments(data: Tensor, ids: Tensor, count: Any, otherwise: Any) -> Tensor:
    """(count, *data.shape): `data` where it belongs to the segment, else `otherwise`."""
    member = equal(expand_dims(cast(ids, "int32"), 0), expand_dims(arange(count), 1))
    member = reshape(member, (*shape(member), *(1,) * (data.rank - 1)))
    return where(member, expand_dims(data, 0), as_tensor(otherwise, data.dtype))


@composite
def segment_max_p(data: Tensor, ids: Tensor, *, count: Any) -> Tensor:
    least = dtypes.lowest(data.dtype)
    return max_(_in_segments(data, ids, count, least), axis=1, initial=least)


@composite
def segment_min_p(data: Tensor, ids: Tensor, *, count: Any) -> Tensor:
    most = dtypes.highest(data.dtype)
    return min_(_in_segments(data, ids, count, most), axis=1, initial=most)


@composite
def segment_prod_p(data: Tensor, ids: Tensor, *, count: Any) -> Tensor:
    return cast(prod_(_in_segments(data, ids, count, 1), axis=1), data.dtype)


def _segments(name: str, data: Any, segment_ids: Any, num_segments: Any) -> tuple[Any, ...]:
    """(data, ids, count); ids outside of the range belong to segment `count`."""
    data, ids = as_tensor(data), as_tensor(segment_ids)
    if ids.rank != 1 or not dtypes.is_int(ids.dtype):
        raise ValueError(
            f"{name}: segment_ids must be integers with one axis, but got {ids.dtype} of shape "
            f"{format_shape(ids.shape)}."
        )
    if not data.rank or not compatible(data.shape[:1], ids.shape):
        raise ValueError(
            f"{name}: expected one segment id per row, but data has the shape "
            f"{format_shape(data.shape)} and segment_ids {format_shape(ids.shape)}."
        )
    if num_segments is None:
        if not has_value(ids):
            raise ValueError(
                f"{name}: the number of segments depends on values that are known only when the "
                "graph runs; give num_segments."
            )
        num_segments = int(ids.numpy().max(initial=-1)) + 1
    if not isinstance(num_segments, Dim) and num_segments < 0:
        raise ValueError(f"{name}: num_segments must not be negative, but it is {num_segments}.")
    outside = logical_or(less(ids, 0), greater_equal(ids, num_segments))
    return data, where(outside, num_segments, cast(ids, "int32")), num_segments


def _but_outside(name: str, data: Any, segment_ids: Any, num_segments: Any, reduce: Any) -> Tensor:
    data, ids, count = _segments(name, data, segment_ids, num_segments)
    return reduce(data, ids, count + 1)[:count]


def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sums of the rows of `data` that have the same number.

    Args:
        data: a tensor of shape (rows, ...).
        segment_ids: integers of shape (rows,); rows with numbers outside of the range are
            left out.
        num_segments: the size of the first axis of the result; needed where the numbers
            are known only when the graph runs.
        sorted: a promise that the numbers ascend. It makes no difference.

    Returns:
        A tensor of shape (num_segments, ...) and the dtype of data; 0 where no row is.

    Raises:
        ValueError: if segment_ids are no integers with one axis, there is not one per row,
            num_segments is negative, or it is None where the numbers have no values yet.
        TypeError: if data holds no numbers, or num_segments is no int.

    >>> segment_sum([1.0, 2.0, 4.0], [0, 2, 0], 3).numpy()
    array([5., 0., 2.], dtype=float32)
    """

    def total(data: Tensor, ids: Tensor, count: Any) -> Tensor:
        return added_at(data, ids, (count, *shape(data)[1:]))

    return _but_outside("segment_sum", data, segment_ids, num_segments, total)


def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The maxima of the rows that have the same number; the arguments of `segment_sum`.

    The maximum of no row is the lowest number of the dtype.

    Args:
        data: a tensor; the segments lie on its first axis.
        segment_ids: for each of its elements the number of its segment.
        num_segments: how many there are; if None one more than the largest number.
        sorted: whether the numbers ascend, which makes no difference.

    Returns:
        A tensor of shape (num_segments, ...) and the dtype of data.

    Raises:
        ValueError: if segment_ids are no integers with one axis, there is not one per row,
            num_segments is negative, or it is None where the numbers have no values yet.
        TypeError: if data holds no numbers, or num_segments is no int.

    >>> segment_max([1, 5, 2], [0, 0, 1]).numpy()
    array([5, 2], dtype=int32)
    """

    def largest(data: Tensor, ids: Tensor, count: Any) -> Tensor:
        return segment_max_p(data, ids, count=count)

    return _but_outside("segment_max", data, segment_ids, num_segments, largest)


def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The minima of the rows that have the same number; the arguments of `segment_sum`.

    The minimum of no row is the largest number of the dtype.

    Args:
        data: a tensor; the segments lie on its first axis.
        segment_ids: for each of its elements the number of its segment.
        num_segments: how many there are; if None one more than the largest number.
        sorted: whether the numbers ascend, which makes no difference.

    Returns:
        A tensor of shape (num_segments, ...) and the dtype of data.

    Raises:
        ValueError: if segment_ids are no integers with one axis, there is not one per row,
            num_segments is negative, or it is None where the numbers have no values yet.
        TypeError: if data holds no numbers, or num_segments is no int.

    >>> segment_min([1, 5, 2], [0, 0, 1]).numpy()
    array([1, 2], dtype=int32)
    """

    def least(data: Tensor, ids: Tensor, count: Any) -> Tensor:
        return segment_min_p(data, ids, count=count)

    return _but_outside("segment_min", data, segment_ids, num_segments, least)


def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The products of the rows that have the same number; the arguments of `segment_sum`.

    Args:
        data: a tensor; the segments lie on its first axis.
        segment_ids: for each of its elements the number of its segment.
        num_segments: how many there are; if None one more than the largest number.
        sorted: whether the numbers ascend, which makes no difference.

    Returns:
        A tensor of shape (num_segments, ...) and the dtype of data; 1 where no row is.

    Raises:
        ValueError: if segment_ids are no integers with one axis, there is not one per row,
            num_segments is negative, or it is None where the numbers have no values yet.
        TypeError: if data holds no numbers, or num_segments is no int.

    >>> segment_prod([1, 5, 2], [0, 0, 1]).numpy()
    array([5, 2], dtype=int32)
    """

    def product(data: Tensor, ids: Tensor, count: Any) -> Tensor:
        return segment_prod_p(data, ids, count=count)

    return _but_outside("segment_prod", data, segment_ids, num_segments, product)


def _extreme_vjp(g: Tensor, data: Tensor, ids: Tensor, y: Tensor, count: Any) -> Any:
    """Rows that share the extreme share the gradient."""
    hits = cast(equal(data, take_p(y, ids, axis=0)), data.dtype)
    counts = take_grad_p(hits, ids, shape=(count, *shape(data)[1:]), axis=0)
    return hits * take_p(g / maximum(counts, 1), ids, axis=0), None


@segment_max_p.vjp
def _(g, data, ids, *, count):
    return _extreme_vjp(g, data, ids, segment_max_p(data, ids, count=count), count)


@segment_min_p.vjp
def _(g, data, ids, *, count):
    return _extreme_vjp(g, data, ids, segment_min_p(data, ids, count=count), count)
