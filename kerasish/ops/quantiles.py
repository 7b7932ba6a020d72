"""Quantiles: what lies at a fraction of the elements in order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, canonical_axes
from kerasish.graph.subgraph import varies
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import (
    broadcast_to,
    expand_dims,
    flatten,
    moveaxis,
    ndim,
    reshape,
    shape,
    transpose,
)
from kerasish.ops.binary import maximum, where
from kerasish.ops.comparisons import equal, isinf, isnan, logical_and, logical_not
from kerasish.ops.elementwise import ceil, floor, round
from kerasish.ops.indexing import picked
from kerasish.ops.joining import pad_p
from kerasish.ops.promotion import as_float, at_least_single, cast
from kerasish.ops.reduce import any, sum
from kerasish.ops.sorting import sort_p

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
    _check_how(q, 1, method)
    lines = _lines(x, axis)
    if lines.shape[-1] == 0:
        raise ValueError("there is no quantile of no elements: an axis has the size 0.")
    last = as_tensor(Dim.of(lines, -1)) - 1
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
    _check_how(q, 1, method)
    lines = _lines(x, axis)
    there = logical_not(isnan(lines))
    count = sum(cast(there, "int32"), axis=-1)
    # What is missing goes last, beyond the positions that are looked up.
    ordered = sort_p(where(there, lines, float("inf")), axis=lines.rank - 1)
    if not lines.shape[-1]:
        # Where there may be no element, one more to look up.
        ordered = pad_p(ordered, widths=(*((0, 0),) * (lines.rank - 1), (0, 1)), value=0)
    result = _between(ordered, q, maximum(count - 1, 0), method)
    return _placed(where(equal(count, 0), float("nan"), result), x, axis, keepdims, ndim(q))


def _check_how(q: Any, most: int, method: str) -> None:
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {method!r}.")
    share = as_tensor(q)
    if not varies(share) and not np.all((share.numpy() >= 0) & (share.numpy() <= most)):
        raise ValueError(f"q must lie between 0 and {most}, but got {q!r:.80}.")


def _lines(x: Tensor, axis: Any) -> Tensor:
    """The axes to reduce as one last axis."""
    axes = canonical_axes(axis, x.rank)
    kept = [i for i in range(x.rank) if i not in axes]
    moved = transpose(x, (*kept, *axes))
    sizes = shape(x)
    return reshape(moved, (*(sizes[i] for i in kept), math.prod(sizes[i] for i in axes)))


def _between(ordered: Tensor, q: Any, last: Tensor, method: str) -> Tensor:
    """(*q.shape, *lines): what lies at the fraction q of the positions 0 to `last`."""
    wide = at_least_single(ordered.dtype)  # in 16 bits there are too few positions
    fraction = cast(q, wide)
    lines = ordered.rank - 1
    # (*lines, number of fractions)
    last = cast(broadcast_to(last, shape(ordered)[:-1]), wide)
    place = expand_dims(last, -1) * flatten(fraction)
    below, above = floor(place), ceil(place)
    if method == "lower":
        result = _at(ordered, below)
    elif method == "higher":
        result = _at(ordered, above)
    elif method == "nearest":
        result = _at(ordered, round(place))
    else:
        low, high = _at(ordered, below), _at(ordered, above)
        part = cast(place - below, low.dtype) if method == "linear" else 0.5
        # Between infinities of one sign nothing is to be added.
        alike = logical_and(isinf(low), equal(low, high))
        result = where(alike, low, low + (high - low) * part)
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
    return quantile(x, _hundredths(x, q, method), axis, method, keepdims)


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
    return nanquantile(x, _hundredths(x, q, method), axis, method, keepdims)


def _hundredths(x: Any, q: Any, method: str) -> Tensor:
    _check_how(q, 100, method)
    return cast(q, at_least_single(dtypes.floating(as_tensor(x).dtype))) / 100


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
