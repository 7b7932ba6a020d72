"""Angles and hyperbolic functions, element by element. Integers become floats."""

from __future__ import annotations

import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.complex import as_complex, is_complex
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import multiply, where
from kerasish.ops.comparisons import equal, isfinite, isnan, less, logical_and
from kerasish.ops.elementwise import abs, cos, exp, expm1, log, log1p, rsqrt, sin, sqrt, square
from kerasish.ops.promotion import as_float, as_wide_float, cast, joined, wide_floating
from kerasish.ops.rules import float_pair, named, sum_to

arctan2_p = named("arctan2", float_pair)


@arctan2_p.vjp
def _(g, y, x):
    share = g / (square(x) + square(y))
    return sum_to(share * x, y), sum_to(-share * y, x)


def tan(x: Any) -> Tensor:
    """The tangent of x in radians.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(tan([0.0]), 3)
    array([0.], dtype=float32)
    """
    x = as_float(x)
    return sin(x) / cos(x)


def arctan2(x1: Any, x2: Any) -> Tensor:
    """The angle of the point (x2, x1) in radians, from -pi to pi.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; floatx if that is no float.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> arctan2([1.0, -1.0], [0.0, -1.0]).numpy().round(4)
    array([ 1.5708, -2.3562], dtype=float32)
    """
    return arctan2_p(*joined(x1, x2, to=dtypes.floating))


def arctan(x: Any) -> Tensor:
    """The angle between -pi/2 and pi/2 whose tangent is x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(arctan([0.0]), 3)
    array([0.], dtype=float32)
    """
    x = as_float(x)
    return arctan2_p(x, as_tensor(1, x.dtype))


def arcsin(x: Any) -> Tensor:
    """The angle between -pi/2 and pi/2 whose sine is x; NaN beyond -1 and 1.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(arcsin([0.0]), 3)
    array([0.], dtype=float32)
    """
    x = as_float(x)
    return arctan2_p(x, _other_leg(x))


def arccos(x: Any) -> Tensor:
    """The angle between 0 and pi whose cosine is x; NaN beyond -1 and 1.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(arccos([1.0]), 3)
    array([0.], dtype=float32)
    """
    x = as_float(x)
    return arctan2_p(_other_leg(x), x)


def _other_leg(x: Tensor) -> Tensor:
    """sqrt(1 - x^2), exact near 1; of two roots, so that its gradient at 1 is infinite, not NaN."""
    return sqrt(1 - x) * sqrt(1 + x)


def sinh(x: Any) -> Tensor:
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(sinh([0.0]), 3)
    array([0.], dtype=float32)
    """
    x = as_float(x)
    return 0.5 * (expm1(x) - expm1(-x))


def cosh(x: Any) -> Tensor:
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(cosh([0.0]), 3)
    array([1.], dtype=float32)
    """
    x = as_float(x)
    return 0.5 * exp(x) + 0.5 * exp(-x)


# Beyond it, x^2 + 1 is x^2 to the last digit; the square itself must not overflow.
_FAR = {"float16": 100.0}


@composite
def arcsinh_p(x: Tensor) -> Tensor:
    side = 1 - 2 * cast(less(x, 0), x.dtype)  # not sign: at 0 the gradient must pass
    size = x * side
    far = size > _FAR.get(x.dtype, 1e15)
    near = where(far, 1.0, size)
    grown = near + square(near) / (1 + sqrt(1 + square(near)))
    beyond = log(where(far, size, 1.0)) + math.log(2)
    return side * where(far, beyond, log1p(grown))


@arcsinh_p.vjp
def _(g, x):
    return g / hypot(x, as_tensor(1, x.dtype))  # the square alone may be too large


def arcsinh(x: Any) -> Tensor:
    """The number whose hyperbolic sine is x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(arcsinh([0.0]), 3)
    array([0.], dtype=float32)
    """
    return arcsinh_p(as_float(x))


@composite
def arccosh_p(x: Tensor) -> Tensor:
    far = x > _FAR.get(x.dtype, 1e15)
    above = where(far, 1.0, x) - 1
    beyond = log(where(far, x, 1.0)) + math.log(2)
    return where(far, beyond, log1p(above + sqrt(above * (above + 2))))


@arccosh_p.vjp
def _(g, x):
    return g * rsqrt(x - 1) * rsqrt(x + 1)


def arccosh(x: Any) -> Tensor:
    """The number from 0 on whose hyperbolic cosine is x; NaN below 1.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(arccosh([1.0]), 3)
    array([0.], dtype=float32)
    """
    return arccosh_p(as_float(x))


def arctanh(x: Any) -> Tensor:
    """The number whose hyperbolic tangent is x; infinite at -1 and 1, NaN beyond.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(arctanh([0.0]), 3)
    array([0.], dtype=float32)
    """
    x = as_float(x)
    return 0.5 * (log1p(x) - log1p(-x))


def deg2rad(x: Any) -> Tensor:
    """Degrees as radians.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of its dtype if that is a float, of float64 for int64, else of
        floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(deg2rad(180.0))
    3.1415927410125732
    """
    return multiply(as_wide_float(x), math.pi / 180)


def rad2deg(x: Any) -> Tensor:
    """Radians as degrees.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of its dtype if that is a float, of float64 for int64, else of
        floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> rad2deg([np.pi]).numpy()
    array([180.], dtype=float32)
    """
    return multiply(as_wide_float(x), 180 / math.pi)


def hypot(x1: Any, x2: Any) -> Tensor:
    """sqrt(x1^2 + x2^2), without overflow on the way.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; if that is no float, float64 for
        int64, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> float(hypot(3.0, 4.0))
    5.0
    """
    x, y = joined(x1, x2, to=wide_floating)
    x, y = abs(x), abs(y)
    # Not maximum and minimum, whose gradients at a tie are not everywhere shared alike.
    longer, shorter = where(x >= y, x, y), where(x >= y, y, x)
    usual = logical_and(longer > 0, isfinite(longer))
    return longer * sqrt(1 + square(shorter / where(usual, longer, 1.0)))


def sinc(x: Any) -> Tensor:
    """sin(pi x) / (pi x), which is 1 at 0.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of x's shape, of x's dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(sinc([0.0]), 3)
    array([1.], dtype=float32)
    """
    x = as_float(x)
    zero = equal(x, 0)
    angle = where(zero, 1.0, x) * math.pi
    return where(zero, 1.0, sin(angle) / angle)


def angle(x: Any) -> Tensor:
    """The angle of a number in the complex plane: of a real one 0, or pi where it is negative.

    Args:
        x: a tensor, or what `view_as_complex` and `polar` return; any shape.

    Returns:
        A real tensor of x's shape, of x's dtype if that is a float, else of floatx; of complex
        numbers in the dtype of their parts.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(angle(np.complex64([1 + 1j, -2])), 4)
    array([0.7854, 3.1416], dtype=float32)
    """
    if is_complex(x):
        z = as_complex(x)
        return arctan2(z.imag, z.real)
    x = as_float(x)
    return where(isnan(x), x, cast(less(x, 0), x.dtype) * math.pi)
