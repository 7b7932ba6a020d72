"""Cases of kerasish.ops.reduce."""

import numpy as np
from cases.case import Case, booleans, distinct, f32, integers, nonzero, normal, scalar

from kerasish import ops

AXES = [
    ("all", {}),
    ("first", {"axis": 0}),
    ("last kept", {"axis": -1, "keepdims": True}),
    ("two", {"axis": (0, 2)}),
    ("two kept", {"axis": (-2, -1), "keepdims": True}),
    ("first two kept", {"axis": (1, 0), "keepdims": True}),
]
FLOATS = [
    ("sum", np.sum, normal),
    ("mean", np.mean, normal),
    ("prod", np.prod, nonzero),
    ("max", np.max, distinct),
    ("min", np.min, distinct),
    ("var", np.var, normal),
    ("std", np.std, normal),
    ("logsumexp", lambda x, **where: np.log(np.sum(np.exp(x), **where)), normal),
]
BOOLS = [("any", np.any), ("all", np.all)]
POSITIONS = [("argmax", np.argmax), ("argmin", np.argmin)]


def _with(function, where):
    return lambda x: function(x, **where)


CASES = [
    *(
        Case(
            f"{name} many halves",
            _with(getattr(ops, name), {"axis": 0}),
            (np.full((4096, 2), 0.1, "float16"),),
            lambda x, ref=ref: ref(x.astype("float64"), axis=0).astype("float16"),
            grad=False,
            tolerance=2e-3,
            dtype="float16",
        )
        for name, ref in (("sum", np.sum), ("mean", np.mean))
    ),
    *(
        Case(
            f"{name} {what}", _with(getattr(ops, name), where), (make(2, 3, 4),), _with(ref, where)
        )
        for name, ref, make in FLOATS
        for what, where in AXES
    ),
    *(
        Case(
            f"{name} {what}",
            _with(getattr(ops, name), where),
            (booleans(2, 3, 4),),
            _with(ref, where),
        )
        for name, ref in BOOLS
        for what, where in AXES
    ),
    *(
        Case(
            f"{name} {what}",
            _with(getattr(ops, name), where),
            (distinct(2, 3, 4),),
            _with(ref, where),
        )
        for name, ref in POSITIONS
        for what, where in [*AXES[:3], ("flat kept", {"keepdims": True})]
    ),
    *(
        Case(f"{name} of ints", getattr(ops, name), (integers(-3, 4, 2, 3),), ref)
        for name, ref in [*((n, r) for n, r, _ in FLOATS[:5]), *BOOLS, *POSITIONS]
    ),
    Case("sum of bools", lambda x: ops.sum(x, 1), (booleans(2, 5),), lambda x: x.sum(1)),
    Case("sum of bytes", ops.sum, (np.full(3, 200, "uint8"),), lambda x: np.uint32(600)),
    Case("sum of a scalar", ops.sum, (scalar(2.5),), np.sum),
    Case("sum over no axis", lambda x: ops.sum(x, ()), (normal(2, 3),), lambda x: x),
    Case("mean of bools", ops.mean, (booleans(6),), np.mean),
    Case(
        "prod with zeros",
        lambda x: ops.prod(x, 1),
        (f32([2, 0, 3], [0, 4, 0]),),
        lambda x: x.prod(1),
    ),
    Case(
        "argmax of ties",
        lambda x: ops.argmax(x, 1),
        (f32([1, 3, 3], [2, 2, 1]),),
        lambda x: np.argmax(x, 1),
    ),
    Case(
        "logsumexp of infinities",
        lambda x: ops.logsumexp(x, 1),
        (f32([np.inf, 1], [-np.inf, -np.inf], [-np.inf, 2]),),
        lambda x: f32(np.inf, -np.inf, 2),
        grad=False,
    ),
    Case(
        "logsumexp far out",
        lambda x: ops.logsumexp(x, 1),
        (f32([1000, 1000], [-1000, -1001]),),
        lambda x: f32(1000.6931, -999.68674),
    ),
    Case("cumsum", lambda x: ops.cumsum(x, 1), (normal(2, 4),), lambda x: np.cumsum(x, 1)),
    Case(
        "cumsum over the batch",
        lambda x: ops.cumsum(x, 0),
        (normal(3, 2),),
        lambda x: np.cumsum(x, 0),
    ),
    Case(
        "cumsum of many",
        ops.cumsum,
        (np.full(70_000, 0.5, "float32"),),
        np.cumsum,
        gradient=lambda w, x: [np.cumsum(w[::-1].astype("float64"))[::-1]],
        batch=(),
    ),
    Case("cumsum flat", ops.cumsum, (normal(2, 3),), np.cumsum),
    Case(
        "cumsum of ints",
        lambda x: ops.cumsum(x, -1),
        (integers(-3, 4, 2, 3),),
        lambda x: np.cumsum(x, -1),
    ),
    Case("cumsum of bools", lambda x: ops.cumsum(x, 0), (booleans(5),), np.cumsum),
]
