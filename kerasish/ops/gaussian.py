"""The error function's complement and inverse."""

from __future__ import annotations

import math
from typing import Any

from kerasish.graph.erf import MIDDLE, TAIL
from kerasish.graph.primitive import composite
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import maximum, minimum, where
from kerasish.ops.elementwise import abs, erf, exp, log, sign, sqrt, square
from kerasish.ops.promotion import as_float, cast, widened

# M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
# Statistics 37 (1988): around the middle, towards the ends, and at the ends. Highest power first.
_CENTRE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_SIDES = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_ENDS = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Tensor) -> Tensor:
    """One polynomial over another, by Horner's rule."""
    above: Any = coefficients[0][0]
    below: Any = coefficients[1][0]
    for a, b in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
        above, below = above * x + a, below * x + b
    return above / below


@composite
def erfc_p(x: Tensor) -> Tensor:
    size = minimum(abs(x), 28.0)  # where it is 0 in double precision; the square may be infinite
    far = maximum(size, 4.0)
    inverse = 1 / square(far)
    tail = (1 / math.sqrt(math.pi) - inverse * _ratio(TAIL, inverse)) / far
    beyond = exp(-square(size)) * where(size > 4, tail, _ratio(MIDDLE, where(size > 4, 4.0, size)))
    return where(size < 0.46875, 1 - erf(x), where(x < 0, 2 - beyond, beyond))


@erfc_p.vjp
def _(g, x):
    return g * (-2 / math.sqrt(math.pi)) * exp(-square(x))


@composite
def erfinv_p(x: Tensor) -> Tensor:
    size = abs(x)
    middle = where(size <= 0.85, x, 0.0)
    centre = middle / 2 * _ratio(_CENTRE, 0.180625 - square(middle / 2))
    # The distance from the end, in which the logarithm is exact.
    end = sqrt(-log(where(size <= 0.85, 0.5, (1 - size) / 2)))
    near, far = where(end <= 5, end, 5.0), where(end <= 5, 5.0, end)
    outside = where(end <= 5, _ratio(_SIDES, near - 1.6), _ratio(_ENDS, far - 5))
    edge = where(size < 1, outside, where(size > 1, math.nan, math.inf))
    return where(size <= 0.85, centre, sign(x) * edge) / math.sqrt(2)


@erfinv_p.vjp
def _(g, x):
    return g * (math.sqrt(math.pi) / 2) * exp(square(erfinv_p(x)))


def erfc(x: Any) -> Tensor:
    """1 - erf(x), exact where that is small too.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(erfc(0.0))
    1.0
    """
    x = as_float(x)
    # The coefficients are too large for 16 bits.
    return cast(erfc_p(widened(x)), x.dtype)


def erfinv(x: Any) -> Tensor:
    """The number whose error function is x: the inverse of `erf`, infinite at -1 and 1, NaN beyond.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(erfinv(0.0))
    0.0
    """
    x = as_float(x)
    return cast(erfinv_p(widened(x)), x.dtype)
