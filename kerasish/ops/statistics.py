"""Statistics: averages, quantiles, counts, differences and running products."""

from __future__ import annotations

import builtins
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.function import has_value
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, canonical_axes, canonical_axis, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.subgraph import varies
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import (
    broadcast_to,
    expand_dims,
    flatten,
    flip,
    moveaxis,
    ndim,
    reshape,
    shape,
    transpose,
)
from kerasish.ops.binary import (
    clip,
    equal,
    greater_equal,
    less_equal,
    logical_and,
    maximum,
    minimum,
    not_equal,
    where,
)
from kerasish.ops.creation import diagonal, linspace
from kerasish.ops.elementwise import ceil, floor, isnan, logical_not, round, sqrt, square
from kerasish.ops.filling import arange, full
from kerasish.ops.indexing import picked, values_of
from kerasish.ops.joining import pad
from kerasish.ops.matrices import matmul
from kerasish.ops.promotion import as_float, as_wide_float, cast, joined, promoted, wide_floating
from kerasish.ops.reduce import any, max, mean, min, sum
from kerasish.ops.selection import getitem, take_grad_p, take_p
from kerasish.ops.sorting import searchsorted, sort_p

# --- averages ----------------------------------------------------------------------------


def average(x: Any, axis: Any = None, weights: Any = None) -> Tensor:
    """The mean over `axis`, weighted.

    Args:
        x: a tensor.
        axis: the axis or axes to average over; None for all.
        weights: of x's shape, or one per element along the one axis; equal if None.

    Returns:
        A tensor without the reduced axes, of the dtype in which x and the weights combine if that
        is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis, the weights do not broadcast to x, or there is one per
            element of an axis and `axis` is no int.
        TypeError: if x or the weights are no array of numbers.

    >>> float(average([1.0, 4.0], weights=[2.0, 1.0]))
    2.0
    """
    x = as_tensor(x)
    if weights is None:
        return mean(x, axis)
    x, weights = joined(x, weights, to=dtypes.floating)
    if weights.rank == 1 and x.rank > 1:
        if not isinstance(axis, numbers.Integral):
            raise ValueError("average: weights of one axis need one axis to average over.")
        at = canonical_axis(axis, x.rank)
        weights = reshape(weights, tuple(-1 if i == at else 1 for i in range(x.rank)))
    total = sum(x * weights, axis)
    return total / sum(broadcast_to(weights, shape(x)), axis)


def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The maximum minus the minimum over `axis`.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x (int32 for
        booleans).

    Raises:
        ValueError: if x has no such axis, or a reduced one has the size 0.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> int(ptp([1, 5, 3]))
    4
    """
    return max(x, axis, keepdims) - min(x, axis, keepdims)


def count_nonzero(x: Any, axis: Any = None) -> Tensor:
    """How many elements over `axis` are not zero.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.

    Returns:
        An int32 tensor without the reduced axes.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> int(count_nonzero([0, 1, 2]))
    2
    """
    return sum(cast(cast(x, "bool"), "int32"), axis)


def corrcoef(x: Any) -> Tensor:
    """The correlation coefficients between the rows of `x`.

    Args:
        x: shape (rows, observations), or (observations,), whose result is 1.

    Returns:
        A tensor (rows, rows), or a scalar for a vector, of x's dtype if that is a float, of
        float64 for int64, else of floatx. NaN where a row is constant.

    Raises:
        ValueError: if x has more than two axes.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).numpy().round(4)
    array([[ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """
    x = as_wide_float(x)
    if x.rank > 2:
        raise ValueError(f"corrcoef: expected at most two axes, but got {format_shape(x.shape)}.")
    if x.rank < 2:
        one = sum(square(x - mean(x)))
        return one / one
    apart = x - mean(x, axis=1, keepdims=True)
    products = matmul(apart, transpose(apart))
    size = sqrt(diagonal(products))
    return clip(products / expand_dims(size, 1) / size, -1, 1)


# --- quantiles ---------------------------------------------------------------------------

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The values below which the fraction `q` of the elements over `axis` lies.

    Args:
        x: a tensor; as floats.
        q: a fraction from 0 to 1, or a tensor of them, whose axes come first in the result.
        axis: the axis or axes; None for all.
        method: what lies between two elements: "linear", "lower", "higher", "midpoint" or
            "nearest".
        keepdims: whether `axis` stays, with size 1.

    Returns:
        A tensor of the shape of q followed by that of x without the reduced axes, or with size 1
        there; of x's dtype if that is a float, else of floatx. NaN where an element is.

    Raises:
        ValueError: if q is not from 0 to 1, the method is unknown, x has no such axis, or a reduced
            one has the size 0.
        TypeError: if x or q is no array of numbers, such as a string or None.

    >>> float(quantile([1.0, 2.0, 4.0], 0.75))
    3.0
    """
    x = as_float(x)
    _check_share(q, 1)
    lines = _lines(x, axis)
    size = as_tensor(Dim.of(lines, -1), None)
    last = cast(size - 1, x.dtype)
    result = _between(sort_p(lines, axis=lines.rank - 1), q, last, method)
    missing = any(isnan(lines), axis=-1)
    return _placed(where(missing, float("nan"), result), x, axis, keepdims, ndim(q))


def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN if there are none.

    Args:
        x: a tensor.
        q: from 0 to 1, a number or several.
        axis: an axis or several; all if None.
        method: as in `quantile`.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor of the shape of q followed by that of x without the reduced axes, or with size 1
        there; of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if q is not from 0 to 1, the method is unknown, or x has no such axis.
        TypeError: if x or q is no array of numbers, such as a string or None.

    >>> float(nanquantile([np.nan, 1.0, 3.0], 0.5))
    2.0
    """
    x = as_float(x)
    _check_share(q, 1)
    if 0 in (x.shape[i] for i in canonical_axes(axis, x.rank)):
        nothing = max(x, axis, keepdims, initial=float("nan"))
        return broadcast_to(nothing, (*shape(q), *shape(nothing)))
    lines = _lines(x, axis)
    there = logical_not(isnan(lines))
    count = sum(cast(there, "int32"), axis=-1)
    # What is missing goes last, beyond the positions that are looked up.
    ordered = sort_p(where(there, lines, float("inf")), axis=lines.rank - 1)
    result = _between(ordered, q, cast(maximum(count - 1, 0), x.dtype), method)
    return _placed(where(equal(count, 0), float("nan"), result), x, axis, keepdims, ndim(q))


def _check_share(q: Any, most: int) -> None:
    share = as_tensor(q)
    if not varies(share) and not np.all((share.numpy() >= 0) & (share.numpy() <= most)):
        raise ValueError(f"q must lie between 0 and {most}, but got {q!r:.80}.")


def _lines(x: Tensor, axis: Any) -> Tensor:
    """The axes to reduce as one last axis."""
    axes = canonical_axes(axis, x.rank)
    kept = [i for i in range(x.rank) if i not in axes]
    moved = transpose(x, (*kept, *axes))
    size: Any = 1
    for i in axes:
        size = size * Dim.of(x, i)
    if isinstance(size, int) and size == 0:
        raise ValueError("there is no quantile of no elements: an axis has the size 0.")
    return reshape(moved, (*(Dim.of(x, i) for i in kept), size))


def _between(ordered: Tensor, q: Any, last: Tensor, method: str) -> Tensor:
    """(*q.shape, *lines): what lies at the fraction q of the positions 0 to `last`."""
    if method not in _METHODS:
        raise ValueError(f"quantile: method must be one of {_METHODS}, not {method!r}.")
    fraction = cast(q, ordered.dtype)
    lines = ordered.rank - 1
    # (*lines, number of fractions)
    place = expand_dims(broadcast_to(last, shape(ordered)[:-1]), -1) * flatten(fraction)
    below, above = floor(place), ceil(place)
    if method == "lower":
        result = _at(ordered, below)
    elif method == "higher":
        result = _at(ordered, above)
    elif method == "nearest":
        result = _at(ordered, round(place))
    else:
        low, high = _at(ordered, below), _at(ordered, above)
        part = place - below if method == "linear" else 0.5
        # Between infinities of one sign nothing is to be added.
        result = where(equal(low, high), low, low + (high - low) * part)
    result = moveaxis(result, -1, 0) if lines else result
    return reshape(result, (*shape(fraction), *shape(ordered)[:-1]))


def _at(ordered: Tensor, place: Tensor) -> Tensor:
    return picked(ordered, cast(place, "int32"), ordered.rank - 1)


def _placed(result: Tensor, x: Tensor, axis: Any, keepdims: bool, lead: int) -> Tensor:
    """`result` with the reduced axes back if they are to be kept."""
    if not keepdims:
        return result
    axes = canonical_axes(axis, x.rank)
    kept = tuple(1 if i in axes else Dim.of(x, i) for i in range(x.rank))
    return reshape(result, (*shape(result)[:lead], *kept))


def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with `q` from 0 to 100.

    Args:
        x: a tensor.
        q: from 0 to 100, a number or several.
        axis: an axis or several; all if None.
        method: as in `quantile`.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor of the shape of q followed by that of x without the reduced axes, or with size 1
        there; of x's dtype if that is a float, else of floatx. NaN where an element is.

    Raises:
        ValueError: if q is not from 0 to 100, the method is unknown, x has no such axis, or a
            reduced one has the size 0.
        TypeError: if x or q is no array of numbers, such as a string or None.

    >>> float(percentile([1.0, 2.0, 4.0], 50))
    2.0
    """
    return quantile(x, _hundredths(x, q), axis, method, keepdims)


def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`nanquantile` with `q` from 0 to 100.

    Args:
        x: a tensor.
        q: from 0 to 100, a number or several.
        axis: an axis or several; all if None.
        method: as in `quantile`.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor of the shape of q followed by that of x without the reduced axes, or with size 1
        there; of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if q is not from 0 to 100, the method is unknown, or x has no such axis.
        TypeError: if x or q is no array of numbers, such as a string or None.

    >>> float(nanpercentile([np.nan, 1.0, 3.0], 50))
    2.0
    """
    return nanquantile(x, _hundredths(x, q), axis, method, keepdims)


def _hundredths(x: Any, q: Any) -> Tensor:
    _check_share(q, 100)
    return cast(q, dtypes.floating(as_tensor(x).dtype)) / 100


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The middle element over `axis`, or the mean of the two in the middle.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of x's dtype if that is a float,
        else of floatx. NaN where an element is.

    Raises:
        ValueError: if x has no such axis, or a reduced one has the size 0.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(median([1.0, 5.0, 2.0]))
    2.0
    """
    return quantile(x, 0.5, axis, "midpoint", keepdims)


def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """`median` of the elements that are not NaN; NaN if there are none.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of x's dtype if that is a float,
        else of floatx.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(nanmedian([np.nan, 1.0, 3.0]))
    2.0
    """
    return nanquantile(x, 0.5, axis, "midpoint", keepdims)


# --- counts ------------------------------------------------------------------------------


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each number from 0 on is in `x`.

    Args:
        x: non-negative numbers of shape (n,) or (batch, n); floats are cut off to integers. If
            they are known only when the graph runs, larger ones than fit in `minlength` are left
            out.
        weights: of x's shape: what each element counts; 1 if None.
        minlength: the least size of the result.
        sparse: must be False; there are no sparse tensors.

    Returns:
        A tensor (size,) or (batch, size) of the dtype in which that of the weights and int32
        combine, int32 if there are none. The size is the largest of the numbers plus 1, at least
        `minlength`; it is `minlength` if they are known only when the graph runs.

    Raises:
        ValueError: if a number is negative, x has neither one nor two axes, the weights have
            another shape, `sparse` is True, or the numbers are not known yet and there is no
            `minlength`.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> bincount([0, 2, 2]).numpy()
    array([1, 0, 2], dtype=int32)
    """
    x = cast(x, "int32")
    if sparse:
        raise ValueError("bincount: sparse=True is not supported; there are no sparse tensors.")
    if x.rank not in (1, 2):
        raise ValueError(
            f"bincount: expected one or two axes, but got the shape {format_shape(x.shape)}."
        )
    size = _count_of_bins(x, minlength)
    one = full(shape(x), 1, "int32") if weights is None else as_tensor(weights)
    if not compatible(one.shape, x.shape):
        raise ValueError(
            f"bincount: weights must have the shape of x, {format_shape(x.shape)}, but have "
            f"{format_shape(one.shape)}."
        )
    one = cast(one, dtypes.result_type(one.dtype, "int32"))
    if x.rank == 1:
        return take_grad_p(*_within(x, one, size), shape=(size + 1,), axis=0)[:size]
    batch = Dim.of(x, 0)
    ids, one = _within(x, one, size)[::-1]
    rows = ids + expand_dims(arange(batch), 1) * (size + 1)
    counts = take_grad_p(flatten(one), flatten(rows), shape=(batch * (size + 1),), axis=0)
    return getitem(reshape(counts, (batch, size + 1)), (slice(None), slice(0, size)))


def _count_of_bins(x: Tensor, minlength: int) -> int:
    if minlength and not has_value(x):
        return minlength
    values = values_of(x, "bincount")
    if values.min(initial=0) < 0:
        raise ValueError(f"bincount: the numbers must not be negative, but {values.min()} is.")
    return builtins.max(minlength, int(values.max(initial=-1)) + 1)


def _within(x: Tensor, one: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(weights, numbers), where numbers outside of the range go to a bin of their own."""
    return one, where(logical_and(x >= 0, less_equal(x, size - 1)), x, size)


def histogram(
    x: Any, bins: int = 10, range: Sequence[float] | None = None
) -> tuple[Tensor, Tensor]:
    """How many elements fall in each of `bins` equal intervals.

    Args:
        x: a tensor.
        bins: how many intervals.
        range: from where to where they reach; if None over all of x. Elements outside of
            it are left out; the last interval holds its end.

    Returns:
        The counts (bins,) in the dtype in which that of x and int32 combine, and the edges
        (bins + 1,) in the dtype of x if that is a float, else in floatx.

    Raises:
        ValueError: if bins is below 1, the range does not ascend, or x is empty and there is no
            range.
        TypeError: if x is no array of numbers, bins no int, or the range not two numbers.

    >>> [t.numpy().tolist() for t in histogram([1, 2, 2, 3], bins=2)]
    [[1, 3], [1.0, 2.0, 3.0]]
    """
    dtype = as_tensor(x).dtype
    x = flatten(as_float(x))
    if not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ValueError(f"histogram: bins must be a positive int, but got {bins!r}.")
    if range is not None and not range[0] <= range[1]:
        raise ValueError(f"histogram: the range must ascend, but it is {range!r}.")
    low, high = (min(x), max(x)) if range is None else (cast(v, x.dtype) for v in range)
    flat = equal(low, high)  # of a single value: an interval around it
    low, high = where(flat, low - 0.5, low), where(flat, high + 0.5, high)
    edges = linspace(low, high, bins + 1)
    inside = logical_and(greater_equal(x, low), less_equal(x, high))
    bin_ = minimum(searchsorted(edges, x, side="right") - 1, bins - 1)
    counts = take_grad_p(
        full(shape(x), 1, "int32"), where(inside, bin_, bins), shape=(bins + 1,), axis=0
    )
    return cast(counts[:bins], dtypes.result_type(dtype, "int32")), edges


# --- along an axis -----------------------------------------------------------------------


def _parts(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """All but the last and all but the first along `axis`."""
    lead = (slice(None),) * axis
    return getitem(x, (*lead, slice(None, -1))), getitem(x, (*lead, slice(1, None)))


def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """The differences of neighbours along `axis`, n times.

    Args:
        a: a tensor.
        n: how often differences are taken.
        axis: the axis.

    Returns:
        A tensor of the dtype of a and of its shape, but n fewer along `axis` (at least 0). Of
        booleans it says where neighbours differ.

    Raises:
        ValueError: if n is negative, or a has no such axis.
        TypeError: if a is no array of numbers, or n no int.

    >>> diff([1, 4, 9]).numpy()
    array([3, 5], dtype=int32)
    """
    x = as_tensor(a)
    if n < 0:
        raise ValueError(f"diff: n must not be negative, but it is {n}.")
    axis = canonical_axis(axis, x.rank)
    for _ in range(n):
        before, after = _parts(x, axis)
        x = not_equal(after, before) if x.dtype == "bool" else after - before
    return x


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """The integral of `y` along `axis` by the trapezoidal rule.

    Args:
        y: the values.
        x: where they lie: of y's shape, or one per value; if None `dx` apart.
        dx: how far apart they lie.
        axis: along which to integrate.

    Returns:
        A tensor of y's shape without `axis`, and of its dtype; floatx for ints.

    Raises:
        ValueError: if y has no such axis, or the distances do not broadcast.
        TypeError: if y, x or dx is no array of numbers.

    >>> float(trapezoid([1.0, 2.0, 3.0]))
    4.0
    """
    y = as_float(y)
    axis = canonical_axis(axis, y.rank)
    if x is None:
        width: Any = dx
    else:
        x = cast(x, y.dtype)
        if x.rank == 1:
            x = reshape(x, tuple(-1 if i == axis else 1 for i in range(y.rank)))
        width = diff(x, axis=axis)
    before, after = _parts(y, axis)
    return sum(width * (before + after) * 0.5, axis)


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The cross-correlation of two vectors: sums of products at each shift.

    Args:
        x1: a vector.
        x2: a vector.
        mode: "valid" (where both overlap fully), "same" (the longer one's size) or "full".

    Returns:
        A vector of the promoted dtype; if that is no float, of float64 for int64, else floatx. Of
        a longer vector of n and a shorter one of m elements, "valid" gives n - m + 1, "same" n and
        "full" n + m - 1.

    Raises:
        ValueError: if x1 or x2 is no vector, or empty, or the mode is unknown.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0]).numpy()
    array([2., 3.], dtype=float32)
    """
    a, b = promoted(x1, x2, to=wide_floating)
    if a.rank != 1 or b.rank != 1 or None in (*a.shape, *b.shape) or not len(a) or not len(b):
        raise ValueError(
            "correlate: expected two vectors of known size, but got "
            f"{format_shape(a.shape)} and {format_shape(b.shape)}."
        )
    swapped = len(a) < len(b)
    a, b = (b, a) if swapped else (a, b)
    n, m = len(a), len(b)
    margins = {"valid": (0, 0), "same": (m // 2, (m - 1) // 2), "full": (m - 1, m - 1)}
    if mode not in margins:
        raise ValueError(f'correlate: mode must be "valid", "same" or "full", not {mode!r}.')
    before, after = margins[mode]
    if swapped and mode == "same":
        before, after = after, before
    padded = pad(a, (before, after))
    count = n + before + after - m + 1
    places = expand_dims(arange(count), 1) + arange(m)
    result = matmul(take_p(padded, places, axis=0), b)
    return flip(result) if swapped else result
