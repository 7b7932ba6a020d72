"""Statistics of the elements that are not NaN."""

from __future__ import annotations

from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import canonical_axes
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import where
from kerasish.ops.comparisons import isnan, logical_not
from kerasish.ops.elementwise import sqrt, square
from kerasish.ops.promotion import as_float, cast, widened
from kerasish.ops.reduce import all, argmax, argmin, cumprod, cumsum, max, min, prod, sum

# --- averages ----------------------------------------------------------------------------


def _is_missing(x: Tensor) -> Tensor | None:
    """Where x is NaN, None if its dtype has no NaN."""
    return isnan(x) if dtypes.is_float(x.dtype) else None


def _filled(x: Any, value: Any) -> Tensor:
    """`x` with NaN replaced."""
    x = as_tensor(x)
    missing = _is_missing(x)
    return x if missing is None else where(missing, value, x)


def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis` of the elements that are not NaN.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x (int32 or uint32
        for smaller ints, int32 for booleans).

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(nansum([1.0, float("nan"), 2.0]))
    3.0
    """
    return sum(_filled(x, 0), axis, keepdims)


def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The product over `axis` of the elements that are not NaN.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x (int32 or uint32
        for smaller ints, int32 for booleans).

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(nanprod([np.nan, 1.0, 3.0]))
    3.0
    """
    return prod(_filled(x, 1), axis, keepdims)


def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """`cumsum` with NaN taken for 0.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        dtype: of the result; as `cumsum` if None.

    Returns:
        A tensor of x's shape, or flat if `axis` is None, of `dtype` or else of the dtype of x;
        int32 for booleans.

    Raises:
        ValueError: if x has no such axis, or the dtype is unknown.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> nancumsum([np.nan, 1.0, 3.0]).numpy()
    array([0., 1., 4.], dtype=float32)
    """
    return cumsum(_filled(x, 0), axis, dtype)


def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """`cumprod` with NaN taken for 1.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        dtype: of the result; as `cumprod` if None.

    Returns:
        A tensor of x's shape, or flat if `axis` is None, of `dtype` or else of the dtype of x;
        int32 for booleans.

    Raises:
        ValueError: if x has no such axis, or the dtype is unknown.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> nancumprod([np.nan, 1.0, 3.0]).numpy()
    array([1., 1., 3.], dtype=float32)
    """
    return cumprod(_filled(x, 1), axis, dtype)


def _count(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return sum(cast(logical_not(isnan(x)), x.dtype), axis, keepdims)


def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The mean over `axis` of the elements that are not NaN; NaN if there are none.

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

    >>> float(nanmean([np.nan, 1.0, 3.0]))
    2.0
    """
    x = as_float(x)
    return cast(_mean(widened(x), axis, keepdims), x.dtype)


def _mean(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return nansum(x, axis, keepdims) / _count(x, axis, keepdims)


def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The variance over `axis` of the elements that are not NaN; NaN if there are none.

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

    >>> float(nanvar([np.nan, 1.0, 3.0]))
    1.0
    """
    x = as_float(x)
    return cast(_variance(widened(x), axis, keepdims), x.dtype)


def _variance(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    # What is infinite leaves NaN behind, which counts.
    apart = where(isnan(x), 0, x - _mean(x, axis, keepdims=True))
    return sum(square(apart), axis, keepdims) / _count(x, axis, keepdims)


def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over `axis` of the elements that are not NaN; NaN if there are none.

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

    >>> float(nanstd([np.nan, 1.0, 3.0]))
    1.0
    """
    x = as_float(x)
    return cast(sqrt(_variance(widened(x), axis, keepdims)), x.dtype)


def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The maximum over `axis` of the elements that are not NaN; NaN if there are none.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x. Of no elements
        that is NaN, of ints the lowest number of the dtype.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(nanmax([np.nan, 1.0, 3.0]))
    3.0
    """
    return _extreme(max, dtypes.lowest, float("-inf"), x, axis, keepdims)


def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The minimum over `axis` of the elements that are not NaN; NaN if there are none.

    Args:
        x: a tensor.
        axis: an axis or several; all if None.
        keepdims: whether reduced axes stay, with size 1.

    Returns:
        A tensor without the reduced axes, or with size 1 there, of the dtype of x. Of no elements
        that is NaN, of ints the highest number of the dtype.

    Raises:
        ValueError: if x has no such axis.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(nanmin([np.nan, 1.0, 3.0]))
    1.0
    """
    return _extreme(min, dtypes.highest, float("inf"), x, axis, keepdims)


def _extreme(
    function: Any, bound: Any, instead: float, x: Any, axis: Any, keepdims: bool
) -> Tensor:
    x = as_tensor(x)
    start = instead if dtypes.is_float(x.dtype) else bound(x.dtype)
    sizes = [x.shape[i] for i in canonical_axes(axis, x.rank)]
    more = {"initial": start} if 0 in sizes or None in sizes else {}
    return _without_nan(function, instead, float("nan"), x, axis, keepdims, **more)


def _without_nan(
    function: Any, instead: float, of_none: float, x: Any, axis: Any, keepdims: bool, **more: Any
) -> Tensor:
    """The function with NaN replaced, and its result where there is nothing but NaN."""
    x = as_tensor(x)
    missing = _is_missing(x)
    if missing is None:
        return function(x, axis, keepdims, **more)
    found = function(where(missing, instead, x), axis, keepdims, **more)
    return where(all(missing, axis, keepdims), of_none, found)


def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the first maximum that is not NaN lies along `axis`; -1 if all are NaN.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        keepdims: whether the axis stays, with size 1.

    Returns:
        An int32 tensor of x's shape without the axis, or with size 1 there; for None a scalar, or
        with size 1 on every axis.

    Raises:
        ValueError: if x has no such axis, or it has the size 0.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> int(nanargmax([np.nan, 1.0, 3.0]))
    2
    """
    return _without_nan(argmax, float("-inf"), -1, x, axis, keepdims)


def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the first minimum that is not NaN lies along `axis`; -1 if all are NaN.

    Args:
        x: a tensor.
        axis: an axis; the flattened tensor if None.
        keepdims: whether the axis stays, with size 1.

    Returns:
        An int32 tensor of x's shape without the axis, or with size 1 there; for None a scalar, or
        with size 1 on every axis.

    Raises:
        ValueError: if x has no such axis, or it has the size 0.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> int(nanargmin([np.nan, 1.0, 3.0]))
    1
    """
    return _without_nan(argmin, float("inf"), -1, x, axis, keepdims)
