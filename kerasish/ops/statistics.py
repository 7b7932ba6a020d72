"""Statistics: averages, counts, differences, integrals and correlations."""

from __future__ import annotations

import builtins
import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, canonical_axis, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.values import has_value
from kerasish.ops.array import (
    broadcast_to,
    expand_dims,
    flatten,
    flip,
    reshape,
    shape,
    transpose,
)
from kerasish.ops.binary import clip, minimum, where
from kerasish.ops.comparisons import equal, greater_equal, less_equal, logical_and, not_equal
from kerasish.ops.creation import diagonal, linspace
from kerasish.ops.elementwise import sqrt, square
from kerasish.ops.filling import arange, full
from kerasish.ops.indexing import values_of
from kerasish.ops.joining import along, pad
from kerasish.ops.matrices import matmul
from kerasish.ops.promotion import (
    as_float,
    as_wide_float,
    cast,
    joined,
    promoted,
    wide_floating,
    widened,
)
from kerasish.ops.reduce import max, mean, min, sum
from kerasish.ops.selection import getitem, take_grad_p, take_p
from kerasish.ops.sorting import searchsorted

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
    weights = broadcast_to(widened(weights), shape(x))
    return cast(sum(x * weights, axis) / sum(weights, axis), x.dtype)


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
    wide = widened(x)
    if x.rank < 2:
        one = sum(square(wide - mean(wide)))
        return cast(one / one, x.dtype)
    apart = wide - mean(wide, axis=1, keepdims=True)
    products = matmul(apart, transpose(apart))
    size = sqrt(diagonal(products))
    return cast(clip(products / expand_dims(size, 1) / size, -1, 1), x.dtype)


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
        ValueError: if a number or minlength is negative, x has neither one nor two axes, the
            weights have another shape, `sparse` is True, or the numbers are not known yet and
            there is no `minlength`.
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
    size = _count_of_bins(x, operator.index(minlength))
    one = full(shape(x), 1, "int32") if weights is None else as_tensor(weights)
    if not compatible(one.shape, x.shape):
        raise ValueError(
            f"bincount: weights must have the shape of x, {format_shape(x.shape)}, but have "
            f"{format_shape(one.shape)}."
        )
    one = cast(one, dtypes.result_type(one.dtype, "int32"))
    # Numbers outside of the range go to a bin of their own.
    bins = where(logical_and(x >= 0, less_equal(x, size - 1)), x, size)
    if x.rank == 1:
        return take_grad_p(one, bins, shape=(size + 1,), axis=0)[:size]
    batch = Dim.of(x, 0)
    rows = bins + expand_dims(arange(batch), 1) * (size + 1)
    counts = take_grad_p(flatten(one), flatten(rows), shape=(batch * (size + 1),), axis=0)
    return getitem(reshape(counts, (batch, size + 1)), (slice(None), slice(0, size)))


def _count_of_bins(x: Tensor, minlength: int) -> int:
    if minlength < 0:
        raise ValueError(f"bincount: minlength must not be negative, but it is {minlength}.")
    if minlength and not has_value(x):
        return minlength
    values = values_of(x, "bincount")
    if values.min(initial=0) < 0:
        raise ValueError(f"bincount: the numbers must not be negative, but {values.min()} is.")
    return builtins.max(minlength, int(values.max(initial=-1)) + 1)


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
        ValueError: if bins is below 1, the range does not ascend or is not finite, or x is empty
            and there is no range.
        TypeError: if x is no array of numbers, bins no int, or the range not two numbers.

    >>> [t.numpy().tolist() for t in histogram([1, 2, 2, 3], bins=2)]
    [[1, 3], [1.0, 2.0, 3.0]]
    """
    dtype = as_tensor(x).dtype
    x = flatten(as_float(x))
    if not isinstance(bins, (int, np.integer)) or bins < 1:
        raise ValueError(f"histogram: bins must be a positive int, but got {bins!r}.")
    if range is not None and not -math.inf < range[0] <= range[1] < math.inf:
        raise ValueError(f"histogram: the range must ascend and be finite, but it is {range!r}.")
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
    return along(x, axis, slice(None, -1)), along(x, axis, slice(1, None))


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
        ValueError: if y has no such axis, x has another number of axes than y or one, or the
            distances do not broadcast.
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
        if x.rank != y.rank:
            raise ValueError(
                f"trapezoid: x must have the shape of y, {format_shape(y.shape)}, or one axis, but "
                f"has {format_shape(x.shape)}."
            )
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
