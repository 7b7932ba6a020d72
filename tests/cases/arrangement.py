"""Cases of kerasish.ops.arrangement, creation, products and core."""

import numpy as np
from cases.case import Case, booleans, f32, i32, integers, nonzero, normal, positive

from kerasish import ops


def _with(name, *args, **kwargs):
    function = getattr(ops, name)
    return lambda *xs: function(*xs, *args, **kwargs)


def _of_list(name, **kwargs):
    return lambda *xs: getattr(ops, name)(xs, **kwargs)


def _stacked(ref):
    return lambda *xs: ref(xs)


# name, arguments after the tensor, shape of the tensor
LIKE_NUMPY = [
    ("roll", (1,), (3, 4)),
    ("roll", (-2, 1), (3, 4)),
    ("roll", (5, 0), (3, 4)),
    ("roll", ((1, 2), (0, 2)), (2, 3, 4)),
    ("rot90", (), (2, 3)),
    ("rot90", (2,), (2, 3)),
    ("rot90", (3, (2, 1)), (2, 3, 4)),
    ("fliplr", (), (2, 3)),
    ("flipud", (), (2, 3)),
    ("array_split", (3, 1), (2, 7)),
    ("hsplit", (2,), (2, 4)),
    ("vsplit", ([1],), (3, 2)),
    ("dsplit", (2,), (2, 3, 4)),
    ("tril", (), (3, 4)),
    ("tril", (1,), (2, 3, 3)),
    ("triu", (-1,), (3, 4)),
    ("diagonal", (), (3, 4)),
    ("diagonal", (1, 0, 2), (2, 3, 4)),
    ("diagonal", (-1, 1, 2), (2, 3, 4)),
    ("trace", (), (3, 4)),
    ("trace", (-1, 1, 2), (2, 3, 4)),
    ("diag", (), (3,)),
    ("diag", (-2,), (3,)),
    ("diag", (1,), (3, 4)),
    ("diagflat", (1,), (2, 2)),
    ("vander", (), (3,)),
    ("vander", (2, True), (3,)),
    ("copy", (), (2, 3)),
    ("empty_like", (), (2, 3)),
    ("array", (), (2, 3)),
]
KNOWN = ("diagonal", "trace", "diag", "vander", "diagflat")
PRODUCTS = [
    ("inner", np.inner, (2, 3), (4, 3)),
    ("inner", np.inner, (3,), (3,)),
    ("vdot", np.vdot, (2, 3), (2, 3)),
    ("kron", np.kron, (2, 3), (2, 2)),
    ("kron", np.kron, (2,), (3, 1, 2)),
    ("cross", np.cross, (4, 3), (4, 3)),
]
EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)),
    ("ij,j", (2, 3), (3,)),
    ("...ij,jk->...ik", (2, 1, 3, 4), (4, 2)),
    ("i,j->ji", (2,), (3,)),
    ("ii->i", (3, 3)),
    ("ij->", (2, 3)),
    ("ij->ji", (2, 3)),
    ("ij,ij->i", (2, 3), (2, 3)),
    ("ab,bc,cd->ad", (2, 3), (3, 2), (2, 4)),
    ("b...,b...->b...", (2, 3), (2, 1)),
    ("aij,jk", (2, 3, 4), (4, 2)),
]


def _numpy_case(i, name, args, shape):
    ref = getattr(np, name)
    return Case(
        f"{name} as in row {i}",
        _with(name, *args),
        (nonzero(*shape),),
        lambda x: ref(x, *args),
        batch=() if name in KNOWN else (0,),
        grad=name != "empty_like",
    )


CASES = [
    *(
        _numpy_case(i, *row)
        for i, row in enumerate(LIKE_NUMPY)
        if row[0] not in ("empty_like", "array")
    ),
    Case("empty_like", ops.empty_like, (normal(2, 3),), np.zeros_like),
    Case("empty", lambda: ops.empty((2, 3)), (), lambda: np.zeros((2, 3))),
    Case("array", _with("array", dtype="int32"), (f32(1.5, 2.0),), lambda x: x.astype("int32")),
    *(
        Case(f"{name} {a} and {b}", getattr(ops, name), (normal(*a), normal(*b)), ref, batch=())
        for name, ref, a, b in PRODUCTS
    ),
    Case(
        "cross in the plane",
        ops.cross,
        (normal(4, 2), normal(4, 2)),
        lambda a, b: a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
    ),
    Case(
        "cross on other axes",
        _with("cross", axisa=0, axisb=1, axisc=0),
        (normal(3, 4), normal(4, 3)),
        lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0),
        batch=(),
    ),
    Case(
        "cdist",
        ops.cdist,
        (normal(2, 3, 4), normal(2, 5, 4)),
        lambda x, y: np.linalg.norm(x[:, :, None] - y[:, None], axis=-1),
        batch=(0, 1),
    ),
    Case(
        "cdist of one point",
        ops.cdist,
        (normal(1, 2),) * 2,
        lambda x, y: np.zeros((1, 1)),
        grad=False,
        batch=(),
    ),
    Case("kron of ints", ops.kron, (i32(1, 2), i32(3, 4)), np.kron),
    *(
        Case(
            f"einsum {text} {i}",
            lambda *xs, t=text: ops.einsum(t, *xs),
            tuple(normal(*s) for s in shapes),
            lambda *xs, t=text: np.einsum(t, *xs),
            batch=(),
        )
        for i, (text, *shapes) in enumerate(EINSUMS)
    ),
    Case(
        "einsum over a batch",
        lambda x, y: ops.einsum("bij,jk->bik", x, y),
        (normal(2, 3, 4), normal(4, 5)),
        lambda x, y: x @ y,
    ),
    Case(
        "einsum of ints",
        lambda x, y: ops.einsum("ij,kj->ik", x, y),
        (integers(-3, 4, 2, 3),) * 2,
        lambda x, y: x @ y.T,
    ),
    *(
        Case(
            f"{name} {shape}",
            _of_list(name),
            (normal(*shape), normal(*shape)),
            _stacked(ref),
            batch=() if len(shape) == 1 else (0, 1),
        )
        for name, ref in (("hstack", np.hstack), ("vstack", np.vstack), ("dstack", np.dstack))
        for shape in ((3,), (2, 3))
    ),
    Case("append", ops.append, (normal(2, 3), normal(2)), np.append),
    Case(
        "append along",
        _with("append", axis=1),
        (normal(2, 3), normal(2, 1)),
        lambda x, y: np.append(x, y, 1),
        batch=(0, 1),
    ),
    Case("roll over the batch", _with("roll", 4, 0), (normal(3, 2),), lambda x: np.roll(x, 4, 0)),
    Case(
        "select",
        lambda a, b, x, y: ops.select([a, b], [x, y], 7.0),
        (booleans(6), booleans(6), normal(6), normal(6)),
        lambda a, b, x, y: np.select([a, b], [x, y], np.float32(7)),
        batch=(),
    ),
    Case("isin", ops.isin, (integers(0, 9, 3, 4), i32(1, 4, 7)), np.isin, batch=(0, 1)),
    Case(
        "isin beyond the dtype",
        lambda x: ops.isin(x, 300),
        (np.array([44, 1], "uint8"),),
        lambda x: np.array([False, False]),
    ),
    Case(
        "isin inverted",
        _with("isin", invert=True),
        (normal(2), normal(3)),
        lambda x, y: np.isin(x, y, invert=True),
    ),
    Case("view", _with("view", "int32"), (normal(2, 3),), lambda x: x.view("int32")),
    Case(
        "view as wider",
        _with("view", "int64"),
        (integers(0, 99, 2, 4),),
        lambda x: x.view("int64"),
        dtype="int64",
    ),
    Case(
        "view as bytes", _with("view", "uint8"), (integers(0, 99, 2, 2),), lambda x: x.view("uint8")
    ),
    Case(
        "rearrange",
        _with("rearrange", "b (h w) c -> (b w) c h", h=2),
        (normal(2, 6, 3),),
        lambda x: x.reshape(2, 2, 3, 3).transpose(0, 2, 3, 1).reshape(6, 3, 2),
    ),
    Case(
        "rearrange dots",
        _with("rearrange", "a ... b -> b 1 ... a"),
        (normal(2, 3, 4),),
        lambda x: x.transpose(2, 1, 0)[:, None],
        batch=(),
    ),
    Case(
        "repeat by counts",
        _with("repeat", [1, 0, 2], axis=1),
        (normal(2, 3),),
        lambda x: np.repeat(x, [1, 0, 2], 1),
    ),
    Case("identity", lambda: ops.identity(3), (), lambda: np.identity(3)),
    Case("tri", lambda: ops.tri(3, 4, -1), (), lambda: np.tri(3, 4, -1)),
    Case("linspace", lambda: ops.linspace(0, 3, 7), (), lambda: np.linspace(0, 3, 7)),
    Case(
        "linspace of tensors",
        _with("linspace", 4, endpoint=False, axis=1),
        (normal(3), normal(3)),
        lambda a, b: np.linspace(a, b, 4, endpoint=False, axis=1),
        batch=(),
    ),
    Case(
        "linspace with its step",
        lambda: ops.linspace(0.0, 1.0, 3, retstep=True),
        (),
        lambda: (f32(0, 0.5, 1), np.float32(0.5)),
    ),
    Case(
        "linspace of nothing with its step",
        lambda: ops.linspace(0.0, 1.0, 0, retstep=True),
        (),
        lambda: np.linspace(0.0, 1.0, 0, retstep=True),
    ),
    Case(
        "linspace of more than 16 bits can count",
        lambda: ops.linspace(0.0, 1.0, 70001, dtype="float16"),
        (),
        lambda: np.linspace(0.0, 1.0, 70001),
        tolerance=5e-4,
        dtype="float16",
    ),
    Case(
        "linspace of ints",
        lambda: ops.linspace(0, 7, 4, dtype="int32"),
        (),
        lambda: i32(0, 2, 4, 7),
    ),
    Case("logspace", lambda: ops.logspace(0, 2, 5), (), lambda: np.logspace(0, 2, 5)),
    Case(
        "geomspace",
        _with("geomspace", 4),
        (positive(3), positive(3)),
        lambda a, b: np.geomspace(a, b, 4),
        batch=(),
        tolerance=1e-4,
    ),
    Case(
        "geomspace of ints",
        lambda: ops.geomspace(3, 19, 2, dtype="int32"),
        (),
        lambda: i32(3, 19),
    ),
    Case(
        "geomspace below 0",
        lambda: ops.geomspace(-1.0, -16.0, 5),
        (),
        lambda: -(2.0 ** np.arange(5)),
    ),
    Case(
        "geomspace of signs that broadcast",
        lambda: ops.geomspace(f32(1, -1, 2), f32([4, -4, 8], [9, -9, 2], [1, -1, 18]), 3, axis=1),
        (),
        lambda: np.geomspace([1, -1, 2], [[4.0, -4, 8], [9, -9, 2], [1, -1, 18]], 3, axis=1),
    ),
    Case(
        "meshgrid",
        ops.meshgrid,
        (normal(3), normal(2)),
        lambda *xs: tuple(np.meshgrid(*xs)),
        batch=(),
    ),
    Case(
        "meshgrid ij",
        _with("meshgrid", indexing="ij"),
        (normal(3), normal(2)),
        lambda *xs: tuple(np.meshgrid(*xs, indexing="ij")),
        batch=(),
    ),
    *(
        Case(name, lambda n=name: getattr(ops, n)(6), (), lambda n=name: getattr(np, n)(6))
        for name in ("bartlett", "blackman", "hamming", "hanning")
    ),
    Case("kaiser", lambda: ops.kaiser(5, 3.0), (), lambda: np.kaiser(5, 3.0)),
    Case(
        "saturate_cast",
        _with("saturate_cast", "int8"),
        (f32(-300, -1.5, 1.5, 300),),
        lambda x: np.array([-128, -1, 1, 127], "int8"),
    ),
    Case(
        "saturate_cast to unsigned",
        _with("saturate_cast", "uint8"),
        (i32(-3, 7, 300),),
        lambda x: np.array([0, 7, 255], "uint8"),
    ),
    Case(
        "is_tensor",
        lambda x: x * (ops.is_tensor(x) and not ops.is_tensor(1.0)),
        (normal(2),),
        lambda x: x,
    ),
    Case("dtype", lambda x: ops.zeros(2, ops.dtype(x)), (i32(1, 2),), np.zeros_like),
    Case(
        "where one argument",
        lambda x: x * len(ops.where(np.array([1, 0, 2]))[0]),
        (normal(3),),
        lambda x: x * 2,
    ),
]
