"""Cases of kerasish.ops.trigonometry, special and integers."""

import math

import numpy as np
from cases.case import (
    Case,
    booleans,
    distinct,
    f32,
    i32,
    integers,
    nonzero,
    normal,
    off_grid,
    positive,
    unit,
)

from kerasish import ops


def bessel_i0(x):
    """By its integral: the mean of exp(x cos t) over half a turn."""
    t = (np.arange(400) + 0.5) * math.pi / 400
    return np.exp(x[..., None] * np.cos(t)).mean(-1)


def _numbers(x):
    return x[..., 0] + 1j * x[..., 1]


def _pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


def inside(*shape):
    return 2 * unit(*shape) - 1


def between(*shape):
    """Numbers apart from those of `distinct`."""
    return distinct(*shape) + np.float32(0.1)


def above_one(*shape):
    return 1 + positive(*shape)


ANGLES = [
    ("tan", np.tan, inside),
    ("arcsin", np.arcsin, inside),
    ("arccos", np.arccos, inside),
    ("arctan", np.arctan, normal),
    ("sinh", np.sinh, normal),
    ("cosh", np.cosh, normal),
    ("arcsinh", np.arcsinh, nonzero),
    ("arccosh", np.arccosh, above_one),
    ("arctanh", np.arctanh, inside),
    ("deg2rad", np.deg2rad, normal),
    ("rad2deg", np.rad2deg, normal),
    ("sinc", np.sinc, nonzero),
    ("log2", np.log2, positive),
    ("log10", np.log10, positive),
    ("exp2", np.exp2, normal),
    ("cbrt", np.cbrt, nonzero),
    ("i0", bessel_i0, normal),
    ("trunc", np.trunc, off_grid),
    ("fabs", np.fabs, nonzero),
    ("angle", np.angle, nonzero),
    ("signbit", np.signbit, nonzero),
    ("isreal", np.isreal, normal),
    ("real", np.real, normal),
    ("imag", np.imag, normal),
    ("conj", np.conj, normal),
    ("conjugate", np.conjugate, normal),
]
PAIRS = [
    ("arctan2", np.arctan2, nonzero, nonzero),
    ("hypot", np.hypot, nonzero, nonzero),
    ("logaddexp", np.logaddexp, normal, normal),
    ("logaddexp2", np.logaddexp2, normal, normal),
    ("fmax", np.fmax, distinct, between),
    ("fmin", np.fmin, distinct, between),
    ("heaviside", np.heaviside, nonzero, normal),
    ("fmod", np.fmod, lambda *s: f32(5.2, -5.3, 0.7), lambda *s: f32(2.0, 3.0, -1.5)),
]
BITS = [
    ("bitwise_and", np.bitwise_and),
    ("bitwise_or", np.bitwise_or),
    ("bitwise_xor", np.bitwise_xor),
]
SHIFTS = [
    ("left_shift", np.left_shift),
    ("right_shift", np.right_shift),
    ("bitwise_left_shift", np.left_shift),
    ("bitwise_right_shift", np.right_shift),
]
WHOLE = i32(-7, 0, 5, 12, -2147483648, 2147483647), i32(3, 6, -2, 8, 1, 255)
FACTORS = i32(-6, 0, 12, 0, 832040), i32(4, -5, 18, 0, 514229)
ODD = f32(np.nan, np.inf, -np.inf, 0.0, -1.5, 3.0)
OTHER = f32(1.0, np.inf, np.inf, np.nan, -1.5, 3.0001)


CASES = [
    *(Case(name, getattr(ops, name), (make(3, 4),), ref) for name, ref, make in ANGLES),
    *(Case(name, getattr(ops, name), (a(3), b(3)), ref) for name, ref, a, b in PAIRS),
    *(
        Case(f"{name} broadcast", getattr(ops, name), (a(2, 1, 3), b(4, 1)), ref)
        for name, ref, a, b in PAIRS[:6]
    ),
    *(Case(name, getattr(ops, name), WHOLE, ref) for name, ref in BITS),
    *(
        Case(f"{name} of bools", getattr(ops, name), (booleans(4), booleans(4)), ref)
        for name, ref in BITS
    ),
    Case("gcd", ops.gcd, FACTORS, np.gcd),
    Case("lcm", ops.lcm, (i32(-6, 0, 12, 0, 987), i32(4, -5, 18, 0, 610)), np.lcm),
    *(
        Case(name, getattr(ops, name), (i32(-7, 5, 100, -1), i32(1, 3, 0, 5)), ref)
        for name, ref in SHIFTS
    ),
    *(
        Case(f"{name} of bytes", getattr(ops, name), (integers(0, 255, 6, dtype="uint8"),) * 2, ref)
        for name, ref in BITS
    ),
    *(Case(n, getattr(ops, n), (WHOLE[0],), np.invert) for n in ("bitwise_not", "bitwise_invert")),
    Case("bitwise_not of bytes", ops.bitwise_not, (integers(0, 255, 6, dtype="uint8"),), np.invert),
    *(Case(n, getattr(ops, n), (ODD,), getattr(np, n)) for n in ("isposinf", "isneginf")),
    Case(
        "arcsinh far out",
        ops.arcsinh,
        (f32(-1e30, 0, 1e-6, 1e20),),
        np.arcsinh,
        gradient=lambda w, x: [w / np.hypot(x, 1)],
    ),
    Case(
        "arccosh far out", ops.arccosh, (f32(1.0001, 1e30),), np.arccosh, grad=False, tolerance=1e-4
    ),
    Case("arcsin at the ends", ops.arcsin, (f32(-1, 0, 1),), np.arcsin, grad=False),
    Case("arccos at the ends", ops.arccos, (f32(-1, 0, 1, 2),), np.arccos, grad=False),
    Case("sinc at 0", ops.sinc, (f32(0, 1, 0.5),), np.sinc),
    Case("i0 far out", ops.i0, (f32(-30, 15, 22, 60),), np.i0, grad=False),
    Case(
        "i0 near the switch",
        lambda x: ops.i0(x) / ops.exp(x),
        (f32(8, 19, 24, 40),),
        lambda x: bessel_i0(x.astype("float64")) / np.exp(x.astype("float64")),
        tolerance=2e-4,
    ),
    Case(
        "hypot of ties",
        ops.hypot,
        (f32(1, -2, 0), f32(1, 2, 0)),
        np.hypot,
        gradient=lambda w, x, y: [w * f32(1, -1, 0) * 0.5**0.5, w * f32(1, 1, 0) * 0.5**0.5],
    ),
    Case("hypot far out", ops.hypot, (f32(3e30, 0, np.inf), f32(4e30, 0, 1)), np.hypot, grad=False),
    Case(
        "logaddexp of infinities",
        ops.logaddexp,
        (f32(np.inf, -np.inf, -np.inf, 1000), f32(np.inf, -np.inf, 2, 1000)),
        np.logaddexp,
        grad=False,
    ),
    Case("logaddexp of ties", ops.logaddexp, (f32(1, 2), f32(1, 2)), np.logaddexp),
    Case("fmax of NaN", ops.fmax, (ODD, OTHER), np.fmax, grad=False),
    Case("fmin of NaN", ops.fmin, (ODD, OTHER), np.fmin, grad=False),
    Case("fmod of ints", ops.fmod, (i32(-7, 7, 5), i32(3, -3, 2)), np.fmod),
    Case("trunc of ints", ops.trunc, (i32(-7, 7),), lambda x: x),
    Case(
        "heaviside at 0",
        ops.heaviside,
        (f32(-1, 0, 2), f32(0.5, 0.5, 0.5)),
        np.heaviside,
        gradient=lambda w, x, y: [0 * x, w * f32(0, 1, 0)],
    ),
    Case("signbit of zeros", ops.signbit, (f32(-0.0, 0.0, -np.inf),), np.signbit),
    Case("ldexp", ops.ldexp, (normal(3), i32(-2, 0, 5)), np.ldexp),
    Case(
        "nextafter",
        ops.nextafter,
        (f32(1, -1, 0, 2), f32(2, -2, 1, 2)),
        np.nextafter,
        gradient=lambda w, x, y: [w, 0 * y],
        tolerance=0,
    ),
    Case("nan_to_num", ops.nan_to_num, (ODD,), np.nan_to_num, grad=False),
    Case(
        "nan_to_num by values",
        lambda x: ops.nan_to_num(x, 1.0, 2.0, -2.0),
        (ODD,),
        lambda x: np.nan_to_num(x, nan=1.0, posinf=2.0, neginf=-2.0),
        gradient=lambda w, x: [w * np.isfinite(x)],
    ),
    Case("isclose", ops.isclose, (ODD, OTHER), np.isclose),
    Case(
        "isclose with NaN",
        lambda x, y: ops.isclose(x, y, rtol=1e-3, equal_nan=True),
        (ODD, ODD * np.float32(1.0001)),
        lambda x, y: np.isclose(x, y, rtol=1e-3, equal_nan=True),
    ),
    Case("allclose", ops.allclose, (normal(3), normal(3)), np.allclose),
    Case(
        "view_as_complex",
        lambda x: tuple(ops.view_as_complex(x)),
        (normal(3, 2),),
        lambda x: (x[:, 0], x[:, 1]),
    ),
    Case(
        "view_as_real of a product",
        lambda x, y: ops.view_as_real(ops.view_as_complex(x) * ops.view_as_complex(y)),
        (normal(3, 2), normal(3, 2)),
        lambda x, y: _pairs(_numbers(x) * _numbers(y)),
        batch=(0, 1),
    ),
    Case(
        "view_as_real of a quotient",
        lambda x, y: ops.view_as_real(1 - ops.view_as_complex(x) / ops.view_as_complex(y)),
        (normal(3, 2), nonzero(3, 2)),
        lambda x, y: _pairs(1 - _numbers(x) / _numbers(y)),
        batch=(0, 1),
    ),
    Case(
        "polar",
        lambda a, b: tuple(ops.polar(a, b)),
        (positive(3), normal(3)),
        lambda a, b: (a * np.cos(b), a * np.sin(b)),
        batch=(0, 1),
    ),
    Case(
        "abs of complex numbers",
        lambda x: (ops.abs(ops.view_as_complex(x)), ops.angle(ops.view_as_complex(x))),
        (nonzero(4, 2),),
        lambda x: (np.abs(_numbers(x)), np.angle(_numbers(x))),
    ),
]
