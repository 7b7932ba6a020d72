"""Cases of kerasish.ops.elementwise."""

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
    scalar,
)

from kerasish import ops

SPECIAL = f32(-np.inf, -1.5, 0.0, np.nan, 2.0, np.inf)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def _zeros(w, *inputs):
    return [np.zeros_like(x) for x in inputs]


UNARY = [
    ("negative", np.negative, normal),
    ("abs", np.abs, nonzero),
    ("absolute", np.abs, nonzero),
    ("sign", np.sign, nonzero),
    ("square", np.square, normal),
    ("floor", np.floor, off_grid),
    ("ceil", np.ceil, off_grid),
    ("round", np.round, off_grid),
    ("exp", np.exp, normal),
    ("expm1", np.expm1, normal),
    ("log", np.log, positive),
    ("log1p", np.log1p, positive),
    ("sqrt", np.sqrt, positive),
    ("rsqrt", lambda x: x**-0.5, positive),
    ("reciprocal", lambda x: 1 / x, nonzero),
    ("sin", np.sin, normal),
    ("cos", np.cos, normal),
    ("tanh", np.tanh, normal),
    ("erf", np.vectorize(math.erf), normal),
    ("sigmoid", logistic, normal),
    ("softplus", lambda x: np.logaddexp(0, x), normal),
    ("relu", lambda x: np.maximum(x, 0), nonzero),
    ("logical_not", np.logical_not, nonzero),
]
# Operations that take the integers as they are, and those that make floats of them.
INTEGER = [
    ("negative", np.negative),
    ("abs", np.abs),
    ("sign", np.sign),
    ("square", np.square),
    ("relu", lambda x: np.maximum(x, 0)),
    ("round", lambda x: x),
    ("floor", lambda x: x.astype("float32")),
    ("exp", np.exp),
    ("sigmoid", logistic),
    ("isnan", np.isnan),
    ("logical_not", np.logical_not),
]
BINARY = [
    ("add", np.add, normal, normal),
    ("subtract", np.subtract, normal, normal),
    ("multiply", np.multiply, normal, normal),
    ("divide", np.divide, normal, nonzero),
    ("true_divide", np.divide, normal, nonzero),
    ("divide_no_nan", np.divide, normal, nonzero),
    ("power", np.power, positive, normal),
    ("maximum", np.maximum, distinct, normal),
    ("minimum", np.minimum, distinct, normal),
    ("mod", np.mod, lambda *s: f32(0.3, 5.2, -4.1)[: s[-1]], lambda *s: f32(1.0, 2.0, -3.0)),
    ("floor_divide", np.floor_divide, lambda *s: f32(0.3, 5.2, -4.1), lambda *s: f32(1, 2, -3)),
]
COMPARISONS = [
    ("equal", np.equal),
    ("not_equal", np.not_equal),
    ("less", np.less),
    ("less_equal", np.less_equal),
    ("greater", np.greater),
    ("greater_equal", np.greater_equal),
]
LOGIC = [
    ("logical_and", np.logical_and),
    ("logical_or", np.logical_or),
    ("logical_xor", np.logical_xor),
]
INTEGER_PAIRS = [
    ("add", np.add),
    ("subtract", np.subtract),
    ("multiply", np.multiply),
    ("divide", np.divide),
    ("maximum", np.maximum),
    ("minimum", np.minimum),
    ("floor_divide", np.floor_divide),
    ("mod", np.mod),
]
CASTS = [
    ("to int cuts off", f32(1.7, -1.7, 0.2), "int32"),
    ("to bool", f32(0.0, 0.5, -2.0), "bool"),
    ("from bool", np.array([True, False]), "float32"),
    ("from int", i32(1, -2, 3), "float32"),
    ("between ints", i32(1, 2, 3), "int64"),
    ("int to bool", i32(0, 2, -1), "bool"),
]
SIGNED = i32(-7, -3, 5, 8), i32(3, -2, 4, -5)

CASES = [
    *(Case(name, getattr(ops, name), (make(3, 4),), ref) for name, ref, make in UNARY),
    *(
        Case(f"{name} of ints", getattr(ops, name), (i32(-2, 0, 3),), ref, grad=False)
        for name, ref in INTEGER
    ),
    *(
        Case(
            name,
            getattr(ops, name),
            (
                one(
                    3,
                ),
                other(
                    3,
                ),
            ),
            ref,
        )
        for name, ref, one, other in BINARY
    ),
    *(
        Case(f"{name} broadcast", getattr(ops, name), (one(2, 1, 3), other(4, 1)), ref)
        for name, ref, one, other in BINARY[:9]
    ),
    *(
        Case(f"{name} of ints", getattr(ops, name), SIGNED, ref, grad=False)
        for name, ref in INTEGER_PAIRS
    ),
    *(
        Case(name, getattr(ops, name), (integers(0, 3, 4, 3).astype("float32"), f32(0, 1, 2)), ref)
        for name, ref in COMPARISONS
    ),
    *(
        Case(f"{name} of ints", getattr(ops, name), (integers(0, 3, 4, 3), i32(0, 1, 2)), ref)
        for name, ref in COMPARISONS
    ),
    *(Case(name, getattr(ops, name), (booleans(4, 3), booleans(3)), ref) for name, ref in LOGIC),
    *(
        Case(f"{name} of numbers", getattr(ops, name), (f32(0, 0, 2, -1), i32(0, 3, 0, 1)), ref)
        for name, ref in LOGIC
    ),
    *(
        Case(
            f"cast {what}",
            lambda x, to=to: ops.cast(x, to),
            (x,),
            lambda x, to=to: x.astype(to),
            dtype=to,
        )
        for what, x, to in CASTS
    ),
    *(
        Case(name, getattr(ops, name), (SPECIAL,), getattr(np, name))
        for name in ("isnan", "isfinite", "isinf")
    ),
    Case("log of 0 and less", ops.log, (f32(0, -1),), np.log, grad=False),
    Case(
        "sigmoid far out",
        ops.sigmoid,
        (f32(-200, -30, 30, 200),),
        lambda x: f32(0, 9.3576e-14, 1, 1),
    ),
    Case("softplus far out", ops.softplus, (f32(-200, 30, 200),), lambda x: f32(0, 30, 200)),
    Case("tanh far out", ops.tanh, (f32(-100, 100),), np.tanh),
    Case(
        "relu at 0",
        ops.relu,
        (f32(-1, 0, 1),),
        lambda x: np.maximum(x, 0),
        gradient=lambda w, x: [w * (x > 0)],
    ),
    *(
        Case(
            f"{name} of equals",
            getattr(ops, name),
            (f32([1, 2, np.inf], [2, 2, 3]), f32(2, 2, np.inf)),
            reference,
            gradient=lambda w, x, y, first=first: [
                w * (first(x, y) + 0.5 * (x == y)),
                (w * (first(y, x) + 0.5 * (x == y))).sum(0),
            ],
        )
        for name, reference, first in [
            ("maximum", np.maximum, np.greater),
            ("minimum", np.minimum, np.less),
        ]
    ),
    Case("abs at 0", ops.abs, (f32(-1, 0, 1),), np.abs, gradient=lambda w, x: [w * np.sign(x)]),
    Case(
        "round half to even",
        ops.round,
        (f32(0.5, 1.5, 2.5, -0.5, -1.5),),
        np.round,
        gradient=_zeros,
    ),
    Case(
        "round decimals",
        lambda x: ops.round(x, 2),
        (f32(1.2345, -9.8765),),
        lambda x: np.round(x, 2),
        gradient=_zeros,
    ),
    Case(
        "round thousands",
        lambda x: ops.round(x, -3),
        (f32(1500, 2500, 1999123, -3499),),
        lambda x: f32(2000, 2000, 1999000, -3000),
        gradient=_zeros,
    ),
    Case(
        "round thousands of ints",
        lambda x: ops.round(x, -3),
        (i32(1500, 2500, 1999123, -3499, 499),),
        lambda x: np.round(x, -3),
    ),
    Case(
        "round tens of all small ints",
        lambda x: ops.round(x, -1),
        (np.arange(-124, 125, dtype="int8"),),
        lambda x: np.round(x, -1),
        batch=(),
    ),
    Case(
        "round thousands of small ints",
        lambda x: ops.round(x, -3),
        (np.array([0, 255], "uint8"),),
        np.zeros_like,
    ),
    Case("round tens", lambda x: ops.round(x, -1), (i32(14, 16, -26),), lambda x: np.round(x, -1)),
    Case(
        "stop_gradient",
        lambda x: x * ops.stop_gradient(x),
        (normal(3),),
        np.square,
        gradient=lambda w, x: [w * x],
    ),
    Case("square of bools", ops.square, (booleans(4),), lambda x: x.astype("int32")),
    Case("add of bools", ops.add, (booleans(4), booleans(4)), np.add),
    Case("add int to float", ops.add, (normal(3), i32(1, 2, 3)), np.add, dtype="float32"),
    Case("add int64", ops.add, (integers(0, 9, 3, dtype="int64"), i32(1, 2, 3)), np.add),
    Case("add a Python number", lambda x: 1 + x + 2.5, (normal(2, 3),), lambda x: x + 3.5),
    Case("add one tensor twice", lambda x: x + x, (normal(2, 3),), lambda x: 2 * x),
    Case(
        "subtract of bools",
        ops.subtract,
        (booleans(4), booleans(4)),
        lambda x, y: x.astype("int32") - y,
    ),
    Case("multiply of bools", ops.multiply, (booleans(4), booleans(4)), np.multiply),
    Case("multiply scalars", ops.multiply, (scalar(3.0), scalar(-2.0)), np.multiply),
    Case(
        "divide_no_nan by 0",
        ops.divide_no_nan,
        (f32(1, 0, 4), f32(0, 0, 2)),
        lambda x, y: f32(0, 0, 2),
        gradient=lambda w, x, y: [w * [0, 0, 0.5], w * [0, 0, -1]],
    ),
    Case("power of ints", ops.power, (i32(2, -3, 5), i32(3, 2, 0)), np.power, grad=False),
    Case("power of negatives", lambda x: ops.power(x, 3), (nonzero(3, 2),), lambda x: x**3),
    Case("power square root", lambda x: x**0.5, (positive(3, 2),), np.sqrt),
    Case("mod of floats", lambda x: x % 1.5, (f32(-4.0, -0.5, 1.0, 7.0),), lambda x: x % 1.5),
    Case("where", ops.where, (booleans(3, 1), normal(3, 2), normal(2)), np.where, batch=(0, 1)),
    Case(
        "where with numbers",
        lambda c, x: ops.where(c, x, 0.0),
        (booleans(4), normal(4)),
        lambda c, x: np.where(c, x, np.float32(0)),
    ),
    Case("where of ints", ops.where, (booleans(4), i32(1, 2, 3, 4), i32(5, 6, 7, 8)), np.where),
    Case(
        "clip",
        lambda x: ops.clip(x, -0.8, 0.6),
        (distinct(4, 4),),
        lambda x: np.clip(x, -0.8, 0.6),
        batch=(),
    ),
    Case(
        "clip of ints at fractions",
        lambda x: ops.clip(x, f32(-1.5), 2.5),
        (i32(-5, 0, 5),),
        lambda x: np.clip(x, -1.5, 2.5).astype("int32"),
    ),
    Case(
        "clip of ints", lambda x: ops.clip(x, -1, 2), (i32(-5, 0, 5),), lambda x: np.clip(x, -1, 2)
    ),
]
