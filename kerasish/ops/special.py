"""Logarithms, roots, rounding, and what treats NaN and infinity specially, element by element."""

from __future__ import annotations

import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import floor_divide, maximum, minimum, mod, power, where
from kerasish.ops.comparisons import (
    equal,
    greater,
    isinf,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
)
from kerasish.ops.elementwise import abs, ceil, exp, floor, log, log1p, sqrt, square
from kerasish.ops.promotion import as_float, as_wide_float, cast, joined, promoted, wide_floating
from kerasish.ops.reduce import all
from kerasish.ops.rules import float_pair, named, number, sum_to

nextafter_p = named("nextafter", float_pair)


@nextafter_p.vjp
def _(g, x, y):
    return sum_to(g, x), None


# --- logarithms, powers and roots --------------------------------------------------------


def log2(x: Any) -> Tensor:
    """The logarithm to base 2.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A float tensor of the shape of x: of its dtype if that is a float, else floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> log2([8.0]).numpy()
    array([3.], dtype=float32)
    """
    return log(x) / math.log(2)


def log10(x: Any) -> Tensor:
    """The logarithm to base 10.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A float tensor of the shape of x: of its dtype if that is a float, else floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(log10([100.0]), 3)
    array([2.], dtype=float32)
    """
    return log(x) / math.log(10)


def exp2(x: Any) -> Tensor:
    """2 to the power of x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A float tensor of the shape of x: of its dtype if that is a float, else floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> exp2([3.0]).numpy()
    array([8.], dtype=float32)
    """
    x = as_float(x)
    return power(as_tensor(2, x.dtype), x)


def logaddexp(x1: Any, x2: Any) -> Tensor:
    """log(exp(x1) + exp(x2)), without overflow.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx.

    Returns:
        A float tensor of the broadcast shape: the promoted dtype if that is a float, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> float(logaddexp(1000.0, 1000.0))
    1000.6931762695312
    """
    x, y = joined(x1, x2, to=dtypes.floating)
    same = equal(x, y)  # so that two equal infinities have no difference
    apart = where(same, 0.0, x - y)
    top = where(same, 0.5 * x + 0.5 * y, maximum(x, y))
    return top + log1p(exp(-abs(apart)))


def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """log2(2^x1 + 2^x2), without overflow.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx.

    Returns:
        A float tensor of the broadcast shape: the promoted dtype if that is a float, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> logaddexp2([0.0], [0.0]).numpy()
    array([1.], dtype=float32)
    """
    x, y = joined(x1, x2, to=dtypes.floating)
    return logaddexp(x * math.log(2), y * math.log(2)) / math.log(2)


@composite
def cbrt_p(x: Tensor) -> Tensor:
    # Not sign(x) * abs(x) ** (1 / 3): the gradient at 0 would be 0 * inf.
    below = x < 0
    root = power(where(below, -x, x), 1 / 3)
    return where(below, -root, root)


@cbrt_p.vjp
def _(g, x):
    return g / (3 * square(cbrt_p(x)))


def cbrt(x: Any) -> Tensor:
    """The cube root.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A float tensor of the shape of x: of its dtype if that is a float, float64 of int64, else
        floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> cbrt([-8.0, 27.0]).numpy().round(4)
    array([-2.,  3.], dtype=float32)
    """
    return cbrt_p(as_wide_float(x))


def ldexp(x1: Any, x2: Any) -> Tensor:
    """x1 times 2 to the power of x2, which holds integers.

    Args:
        x1: a tensor.
        x2: ints. Shapes broadcast.

    Returns:
        A float tensor of the broadcast shape: of the dtype of x1 if that is a float, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x2 does not hold integers or booleans, or x1 is no array of numbers.

    >>> ldexp([1.0, 3.0], [2, 1]).numpy()
    array([4., 6.], dtype=float32)
    """
    exponent = as_tensor(x2)
    if not dtypes.is_int(exponent.dtype) and exponent.dtype != "bool":
        raise TypeError(f"ldexp: x2 must hold integers, but it is {exponent.dtype}.")
    (x, _) = promoted(x1, exponent, to=dtypes.floating)
    # In two steps: the power alone may be too large where the product is not.
    half = floor_divide(exponent, 2)
    return x * exp2(cast(half, x.dtype)) * exp2(cast(exponent - half, x.dtype))


# Where the series in 1 / x is as good as the one in x, and how many terms each then takes.
_I0_SWITCH, _I0_NEAR, _I0_FAR = 20.0, 60, 18


def _nested(x: Tensor, factors: list[float]) -> Tensor:
    """1 + f1 x (1 + f2 x (1 + ...)). Not one of its parts overflows before the sum does."""
    result: Any = 1.0
    for factor in reversed(factors):
        result = x * factor * result + 1
    return result


@composite
def i0_p(x: Tensor) -> Tensor:
    """Power series and asymptotic series: https://dlmf.nist.gov/10.25.E2 and 10.40.E1."""
    size = abs(x)
    far = size > _I0_SWITCH
    near = where(far, 0.0, size)
    beyond = where(far, size, _I0_SWITCH)
    # Two factors: exp alone overflows before I0 does.
    half = exp(0.5 * beyond)
    falling = _nested(1 / beyond, [(2 * k - 1) ** 2 / (8 * k) for k in range(1, _I0_FAR)])
    tail = half * (half / sqrt(2 * math.pi * beyond)) * falling
    rising = _nested(square(0.5 * near), [1 / k**2 for k in range(1, _I0_NEAR)])
    return where(far, tail, rising)


def i0(x: Any) -> Tensor:
    """The modified Bessel function of the first kind of order 0.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A float tensor of the shape of x: of its dtype if that is a float, float64 of int64, else
        floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(i0([0.0, 1.0]), 3)
    array([1.   , 1.266], dtype=float32)
    """
    return i0_p(as_wide_float(x))


# --- rounding and remainders -------------------------------------------------------------


def trunc(x: Any) -> Tensor:
    """x without its fraction. Integers are returned as they are.

    Args:
        x: a tensor of any shape.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> trunc([1.7, -1.7]).numpy()
    array([ 1., -1.], dtype=float32)
    """
    x = as_tensor(x)
    return where(x < 0, ceil(x), floor(x)) if dtypes.is_float(x.dtype) else x


def fmod(x1: Any, x2: Any) -> Tensor:
    """The remainder of x1 / x2 cut off; it has the sign of x1.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; of two booleans int32.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> fmod([7.0, -7.0], 3).numpy()
    array([ 1., -1.], dtype=float32)
    """
    x, y = joined(x1, x2, to=number)
    if x.dtype in dtypes.UNSIGNED:
        return mod(x, y)
    below = less(x, 0)
    # Not abs(x), which has no gradient at 0.
    rest = mod(where(below, -x, x), abs(y))
    return where(below, -rest, rest)


def fabs(x: Any) -> Tensor:
    """The absolute value.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A float tensor of the shape of x: of its dtype if that is a float, else floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> fabs([-1, 2]).numpy()
    array([1., 2.], dtype=float32)
    """
    return abs(as_float(x))


def heaviside(x1: Any, x2: Any) -> Tensor:
    """0 where x1 is negative, 1 where it is positive, x2 where it is 0.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx.

    Returns:
        A float tensor of the broadcast shape: the promoted dtype if that is a float, float64 of
        int64, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> heaviside([-1.0, 0.0, 1.0], 0.5).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    x, y = joined(x1, x2, to=wide_floating)
    step = where(equal(x, 0), y, cast(greater(x, 0), x.dtype))
    return where(isnan(x), x, step)


def nextafter(x1: Any, x2: Any) -> Tensor:
    """The float next to x1 in the direction of x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx.

    Returns:
        A float tensor of the broadcast shape: the promoted dtype if that is a float, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> bool(nextafter(np.float32(1), 2) > 1)
    True
    """
    return nextafter_p(*joined(x1, x2, to=dtypes.floating))


# --- NaN, infinity and signs -------------------------------------------------------------


def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger of x1 and x2; of a number and NaN, the number.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> fmax([1.0, np.nan], 0.5).numpy()
    array([1. , 0.5], dtype=float32)
    """
    return _but_nan(maximum, x1, x2)


def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller of x1 and x2; of a number and NaN, the number.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> fmin([1.0, np.nan], 0.5).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    return _but_nan(minimum, x1, x2)


def _but_nan(function: Any, x1: Any, x2: Any) -> Tensor:
    x, y = promoted(x1, x2)
    if not dtypes.is_float(x.dtype):
        return function(x, y)
    no_x, no_y = isnan(x), isnan(y)
    return function(where(no_x, y, x), where(no_y, x, y))


def isposinf(x: Any) -> Tensor:
    """Where x is positive infinity.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of the shape of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> isposinf([-np.inf, np.inf]).numpy()
    array([False,  True])
    """
    x = as_float(x)
    return logical_and(isinf(x), greater(x, 0))


def isneginf(x: Any) -> Tensor:
    """Where x is negative infinity.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of the shape of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> isneginf([-np.inf, np.inf]).numpy()
    array([ True, False])
    """
    x = as_float(x)
    return logical_and(isinf(x), less(x, 0))


def signbit(x: Any) -> Tensor:
    """Where x is negative or -0.0. NaN counts as positive.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of the shape of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> signbit([-0.0, 0.0, 1.0]).numpy()
    array([ True, False, False])
    """
    x = as_tensor(x)
    if x.dtype == "bool" or not dtypes.is_float(x.dtype):
        return less(x, as_tensor(0, x.dtype))
    zero = equal(x, 0)
    return less(where(zero, 1 / where(zero, x, 1.0), x), 0)


def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """x with NaN and infinities replaced.

    Args:
        x: a tensor; only floats can hold what is replaced.
        nan: what replaces NaN.
        posinf: what replaces infinity; if None the largest number of x's dtype.
        neginf: what replaces -infinity; if None the lowest number of x's dtype.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: if x, or of floats a replacement, is no array of numbers, such as a string.

    >>> nan_to_num([np.nan, 1.0, np.inf], posinf=9.0).numpy()
    array([0., 1., 9.], dtype=float32)
    """
    x = as_tensor(x)
    if not dtypes.is_float(x.dtype):
        return x
    largest = dtypes.highest(x.dtype)
    x = where(isnan(x), cast(nan, x.dtype), x)
    x = where(isposinf(x), cast(largest if posinf is None else posinf, x.dtype), x)
    return where(isneginf(x), cast(-largest if neginf is None else neginf, x.dtype), x)


def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Where |x1 - x2| <= atol + rtol * |x2|, or both are the same infinity.

    Args:
        x1: a tensor.
        x2: a tensor that broadcasts with it.
        rtol: relative tolerance.
        atol: absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1, x2 or a tolerance is no array of numbers, such as a string or None.

    >>> isclose([1.0, 1.0], [1.000001, 1.1]).numpy()
    array([ True, False])
    """
    x, y = promoted(x1, x2, to=dtypes.floating)
    near = less_equal(abs(x - y), abs(y) * rtol + atol)
    close = logical_or(equal(x, y), logical_and(near, logical_not(isinf(y))))
    return logical_or(close, logical_and(isnan(x), isnan(y))) if equal_nan else close


def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether `isclose` holds everywhere.

    Args:
        x1: a tensor.
        x2: another one.
        rtol: the difference allowed, as a share of x2.
        atol: the difference allowed besides.
        equal_nan: whether NaN equals NaN.

    Returns:
        A boolean scalar.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1, x2 or a tolerance is no array of numbers, such as a string or None.

    >>> bool(allclose([1.0, 2.0], [1.0, 2.0 + 1e-9]))
    True
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))
