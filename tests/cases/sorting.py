"""Cases of kerasish.ops.sorting, indexing and statistics."""

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
    positive,
    scalar,
)

from kerasish import ops


def _with(name, *args, **kwargs):
    function = getattr(ops, name)
    return lambda *xs: function(*xs, *args, **kwargs)


def _numpy(name, *args, **kwargs):
    function = getattr(np, name)
    return lambda *xs: function(*xs, *args, **kwargs)


HOLES = f32([np.nan, 1.0, -2.0], [np.nan, 0.25, 3.0], [4.0, 0.5, np.nan])
AXES = [("all", {}), ("first", {"axis": 0}), ("last kept", {"axis": -1, "keepdims": True})]
QUANTILES = [
    (method, q, axis)
    for method in ("linear", "lower", "higher", "midpoint", "nearest")
    for q, axis in ((0.3, None), ((0.1, 0.8), 1))
]
NAN = ["nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanstd", "nanvar", "nanmedian"]


def _not_nan(w, x):
    return [w * ~np.isnan(x)]


def descending(x, k):
    order = np.argsort(-x.astype("float64"), -1, "stable")[..., :k]
    return np.take_along_axis(x, order, -1), order.astype("int32")


def segments(ufunc, empty):
    def reduce(data, ids):
        out = np.full((4, *data.shape[1:]), empty, data.dtype)
        for row, i in zip(data, ids, strict=True):
            if 0 <= i < 4:
                out[i] = ufunc(out[i], row)
        return out

    return reduce


def scattered(shape, ufunc=None):
    def update(x, indices, values):
        out = x.copy()
        for i, v in zip(indices.reshape(-1, indices.shape[-1]), values, strict=True):
            out[tuple(i)] = v if ufunc is None else ufunc(out[tuple(i)], v)
        return out

    return update


def taken(x, i, axis=0):
    """Rows; -1 where there is none."""
    n = x.shape[axis]
    rows = np.moveaxis(np.take(x, np.clip(np.where(i < 0, i + n, i), 0, n - 1), axis), axis, 0)
    return np.moveaxis(np.where((i >= -n) & (i < n), rows.T, np.int32(-1)).T, 0, axis)


def marked(x):
    """-1 in the place of NaN, of which no gradient could be checked."""
    return ops.nan_to_num(x, nan=-1.0)


LARGEST = float(np.finfo("float32").max)
SEGMENTS = [
    ("segment_sum", np.add, 0),
    ("segment_max", np.maximum, -LARGEST),
    ("segment_min", np.minimum, LARGEST),
    ("segment_prod", np.multiply, 1),
]
REDUCTIONS = [(None, None), ("add", np.add), ("max", np.maximum), ("min", np.minimum)]

CASES = [
    Case("sort", ops.sort, (distinct(3, 4),), np.sort),
    Case("sort first", _with("sort", axis=0), (distinct(3, 4),), _numpy("sort", axis=0)),
    Case("sort flat", _with("sort", axis=None), (distinct(3, 4),), _numpy("sort", axis=None)),
    Case("sort of ints", ops.sort, (integers(-9, 9, 3, 4),), np.sort),
    Case("sort of bools", ops.sort, (booleans(3, 4),), np.sort),
    Case("sort of NaN", ops.sort, (HOLES,), np.sort, grad=False),
    Case("argsort", ops.argsort, (distinct(3, 4),), np.argsort),
    Case(
        "argsort inside", _with("argsort", axis=1), (distinct(2, 3, 4),), _numpy("argsort", axis=1)
    ),
    Case(
        "argsort of ties", ops.argsort, (i32(2, 1, 2, 1, 1, 0),), _numpy("argsort", kind="stable")
    ),
    Case(
        "argsort of NaN",
        ops.argsort,
        (f32(np.nan, np.inf, 1, np.nan, -np.inf),),
        _numpy("argsort", kind="stable"),
    ),
    Case("argpartition", _with("argpartition", 1), (distinct(3, 4),), np.argsort),
    Case("top_k", _with("top_k", 2), (distinct(3, 4),), lambda x: descending(x, 2)),
    Case("top_k of bools", _with("top_k", 3), (booleans(3, 4),), lambda x: descending(x, 3)),
    Case(
        "top_k of ties",
        _with("top_k", 3),
        (i32([1, 3, 3, 2], [5, 5, 5, 5]),),
        lambda x: descending(x, 3),
    ),
    Case(
        "in_top_k",
        _with("in_top_k", 2),
        (i32(0, 1, 2), f32([1, 2, 3], [3, 2, 2], [1, 0, np.inf])),
        lambda t, p: np.array([False, True, False]),
        batch=(0, 1),
    ),
    Case(
        "searchsorted",
        ops.searchsorted,
        (f32(-1, 0, 2, 2, 3), f32([0, 2], [-5, 9])),
        np.searchsorted,
        batch=(),
    ),
    Case(
        "searchsorted right",
        _with("searchsorted", side="right"),
        (i32(1, 2, 2, 3), i32(2, 0, 3)),
        _numpy("searchsorted", side="right"),
        batch=(1,),
    ),
    Case("digitize", ops.digitize, (f32(0.5, 1, 9, -1), f32(0, 1, 2)), np.digitize),
    Case(
        "unique",
        lambda: ops.unique(i32(3, 1, 3), return_counts=True),
        (),
        lambda: (i32(1, 3), i32(1, 2)),
    ),
    Case(
        "unique of a size",
        lambda: ops.unique(i32(3, 1, 3), size=4, fill_value=9),
        (),
        lambda: i32(1, 3, 9, 9),
    ),
    Case(
        "unique of nothing",
        lambda: ops.unique(f32(), size=2, return_index=True),
        (),
        lambda: (f32(0, 0), i32(0, 0)),
    ),
    Case("nonzero", lambda: ops.nonzero(i32([0, 3], [5, 0])), (), lambda: (i32(0, 1), i32(1, 0))),
    # Positions.
    Case(
        "take_along_axis",
        _with("take_along_axis", axis=1),
        (normal(2, 3, 2), integers(-3, 3, 2, 4, 2)),
        _numpy("take_along_axis", axis=1),
        batch=(0, 1),
    ),
    Case(
        "take_along_axis broadcast",
        _with("take_along_axis", axis=0),
        (normal(3, 4), integers(0, 3, 2, 1)),
        lambda x, i: x[i[:, 0]],
        batch=(),
    ),
    Case(
        "take_along_axis flat",
        ops.take_along_axis,
        (normal(2, 3), i32(5, 0, -1)),
        lambda x, i: x.ravel()[i],
    ),
    Case(
        "unravel_index", _with("unravel_index", (3, 4)), (i32(0, 7, 11),), lambda i: (i // 4, i % 4)
    ),
    *(
        Case(f"unravel_index of {dtype} in {n}", _with("unravel_index", (n, 20)), (index,), places)
        for dtype, index in (("int8", np.array([3, -1], "int8")), ("int32", i32(3, -1)))
        for n, places in (
            (20, lambda i: (np.array([0, 19], i.dtype), np.array([3, 19], i.dtype))),
            (200, lambda i: (i32(0, 199), i32(3, 19))),
        )
    ),
    Case("unravel_index of a scalar", lambda: ops.unravel_index(0, ()), (), lambda: ()),
    *(
        Case(
            name,
            _with(name, 4),
            (distinct(7, 2), i32(0, 2, 0, -1, 3, 1, 4)),
            segments(ufunc, empty),
            batch=(),
        )
        for name, ufunc, empty in SEGMENTS
    ),
    *(
        Case(
            f"{name} of ints",
            _with(name, 4),
            (integers(1, 9, 4), i32(1, 1, 0, 3)),
            segments(ufunc, {-LARGEST: -(2**31), LARGEST: 2**31 - 1}.get(empty, empty)),
            batch=(),
        )
        for name, ufunc, empty in SEGMENTS
    ),
    Case(
        "segment_max of ties",
        _with("segment_max", 4),
        (f32(1, 1, 2, 5), i32(0, 0, 1, 1)),
        segments(np.maximum, -LARGEST),
        gradient=lambda w, x, i: [f32(w[0] / 2, w[0] / 2, 0, w[1]), i],
        batch=(),
    ),
    Case(
        "segment_sum of many",
        lambda x: ops.segment_sum(x, np.arange(70_000) % 2, 2),
        (np.full(70_000, 0.5, "float32"),),
        lambda x: f32(17_500, 17_500),
        gradient=lambda w, x: [np.tile(w, 35_000)],
        batch=(),
    ),
    Case(
        "segment_sum of bools",
        lambda x: ops.segment_sum(x, [0, 2, 0], 3),
        (booleans(3, 4),),
        lambda x: np.stack([x[0] | x[2], x[1] & False, x[1]]),
        batch=(),
    ),
    Case(
        "scatter_update of bools",
        lambda x, y: ops.scatter_update(x, [[0], [2], [0]], y, "add"),
        (booleans(3, 4), booleans(3, 4)),
        lambda x, y: np.stack([x[0] | y[0] | y[2], x[1], x[2] | y[1]]),
        batch=(),
    ),
    Case(
        "segment_sum of a batch",
        _with("segment_sum", 4),
        (normal(4, 2), i32(1, 1, 0, 3)),
        segments(np.add, 0),
        batch=(0, 1),
    ),
    Case(
        "scatter",
        _with("scatter", (3, 2)),
        (i32([0, 1], [2, 0], [0, 1]), normal(3)),
        lambda i, v: scattered(None, np.add)(np.zeros((3, 2), "float32"), i, v),
        batch=(),
    ),
    Case(
        "scatter rows",
        _with("scatter", (4, 3)),
        (i32([2], [0]), normal(2, 3)),
        lambda i, v: scattered(None, np.add)(np.zeros((4, 3), "float32"), i, v),
        batch=(0, 1),
    ),
    *(
        Case(
            f"scatter_update {name}",
            _with("scatter_update", reduction=name),
            (distinct(3, 4), i32([0, 1], [2, 3], [1, 1]), distinct(3)),
            scattered(None, ufunc),
            batch=(),
        )
        for name, ufunc in [*REDUCTIONS, ("mul", np.multiply)]
    ),
    Case(
        "scatter_update rows",
        ops.scatter_update,
        (normal(3, 4), i32([2], [0]), normal(2, 4)),
        scattered(None),
    ),
    Case(
        "scatter_update twice",
        ops.scatter_update,
        (i32(1, 2, 3), i32([0], [0]), i32(7, 8)),
        scattered(None),
    ),
    *(
        Case(
            f"{name} of {dtype}",
            call,
            (np.array([1, 0, 2, 100, 3], dtype),),
            lambda x: np.array([x[0] * x[1] * x[2], x[3] * x[4]], x.dtype),
        )
        for dtype in ("bool", "int8", "uint8")
        for name, call in (
            ("segment_prod", _with("segment_prod", np.array([0, 0, 0, 1, 1]))),
            (
                "scatter_update mul",
                lambda x: ops.scatter_update(
                    x[::3], np.array([[0], [0], [1]]), ops.take(x, [1, 2, 4]), "mul"
                ),
            ),
        )
    ),
    # Indices that turn out to lie outside of their axes.
    Case(
        "take outside",
        lambda x, i: marked(ops.take(x, i, axis=1)),
        (normal(2, 3), i32(0, 3, -3, -4, 100)),
        lambda x, i: taken(x, i, 1),
    ),
    Case(
        "take ints outside",
        lambda x, i: ops.take(x, i, axis=0) - ops.cast(i > 2, "int32") - ops.cast(i < -3, "int32"),
        (i32(5, 6, 7), i32(0, 3, -3, -4)),
        taken,
    ),
    Case(
        "take_along_axis outside",
        lambda x, i: marked(ops.take_along_axis(x, i, axis=1)),
        (normal(2, 3), i32([3, -3], [-4, 2])),
        lambda x, i: np.stack([taken(row, at) for row, at in zip(x, i, strict=True)]),
    ),
    Case(
        "take by arrays outside",
        lambda x, i, j: marked(x[i, j]),
        (normal(2, 3), i32(0, 1, 2, -1), i32(3, 2, 0, -4)),
        lambda x, i, j: f32(-1, x[1, 2], -1, -1),
        batch=(),
    ),
    Case(
        "scatter outside",
        _with("scatter", (2, 3)),
        (i32([0, 3], [1, -1], [2, 0], [-3, 0]), normal(4)),
        lambda i, v: f32([0, 0, 0], [0, 0, v[1]]),
        batch=(),
    ),
    *(
        Case(
            f"scatter_update {name} outside",
            _with("scatter_update", reduction=name),
            (distinct(2, 3), i32([0, 3], [1, -1], [2, 0], [-3, 0]), distinct(4)),
            lambda x, i, v, ufunc=ufunc: scattered(None, ufunc)(x, i[1:2], v[1:2]),
            batch=(),
        )
        for name, ufunc in [*REDUCTIONS, ("mul", np.multiply)]
    ),
    Case("slice", _with("slice", (1, 0), (2, 3)), (normal(4, 4),), lambda x: x[1:3, :3], batch=()),
    Case(
        "slice at a tensor",
        lambda x, i: ops.slice(x, (i, 1), (2, 2)),
        (normal(4, 4), scalar(1, "int32")),
        lambda x, i: x[1:3, 1:3],
    ),
    Case(
        "roll by tensors",
        lambda x, by: ops.roll(x, (by, 1), (0, 1)),
        (normal(3, 4), i32(-2)[0]),
        lambda x, by: np.roll(x, (by, 1), (0, 1)),
        batch=(),
    ),
    Case(
        "slice_update",
        lambda x, y: ops.slice_update(x, (0, 2), y),
        (normal(3, 4), normal(3, 2)),
        lambda x, y: np.concatenate([x[:, :2], y], 1),
        batch=(),
    ),
    Case(
        "slice_update at a tensor",
        lambda x, y, i: ops.slice_update(x, (i,), y),
        (normal(4), normal(2), scalar(1, "int32")),
        lambda x, y, i: np.concatenate([x[:1], y, x[3:]]),
    ),
    Case(
        "get_item", lambda x: ops.get_item(x, (slice(None), 1)), (normal(2, 3),), lambda x: x[:, 1]
    ),
    # Statistics.
    Case("average", ops.average, (normal(2, 3),), np.average),
    Case(
        "average weighted",
        lambda x, w: ops.average(x, np.int64(1), w),
        (normal(2, 3), positive(3)),
        lambda x, w: np.average(x, 1, w),
    ),
    Case("ptp", _with("ptp", axis=1), (distinct(3, 4),), _numpy("ptp", axis=1)),
    Case(
        "count_nonzero",
        _with("count_nonzero", axis=0),
        (integers(-1, 2, 4, 3),),
        _numpy("count_nonzero", axis=0),
    ),
    Case("corrcoef", ops.corrcoef, (normal(3, 6),), np.corrcoef, batch=()),
    *(
        Case(
            f"{name} {method} {axis}",
            lambda x, n=name, m=method, q=q, a=axis, s=s: getattr(ops, n)(
                x, np.multiply(q, s), a, m
            ),
            (distinct(3, 5),),
            lambda x, m=method, q=q, a=axis: np.quantile(x, q, a, method=m),
            batch=(),
        )
        for name, s in (("quantile", 1), ("percentile", 100))
        for method, q, axis in QUANTILES
    ),
    Case(
        "quantile kept",
        lambda x: ops.quantile(x, [0.2, 0.5], (0, 2), keepdims=True),
        (distinct(2, 3, 4),),
        lambda x: np.quantile(x, [0.2, 0.5], (0, 2), keepdims=True),
        batch=(),
    ),
    Case(
        "quantile of NaN",
        _with("quantile", 0.5, axis=1),
        (HOLES,),
        _numpy("quantile", 0.5, axis=1),
        grad=False,
    ),
    *(
        Case(f"median {what}", _with("median", **k), (distinct(3, 4),), _numpy("median", **k))
        for what, k in AXES
    ),
    Case(
        "nanquantile",
        _with("nanquantile", 0.3, axis=1),
        (HOLES,),
        _numpy("nanquantile", 0.3, axis=1),
        batch=(),
        grad=False,
    ),
    Case(
        "nanpercentile",
        _with("nanpercentile", 30),
        (HOLES,),
        _numpy("nanpercentile", 30),
        batch=(),
        grad=False,
    ),
    *(
        Case(f"{name} {what}", _with(name, **k), (HOLES,), _numpy(name, **k), grad=False)
        for name in NAN
        for what, k in AXES
    ),
    *(
        Case(f"{name} without NaN", _with(name, axis=1), (distinct(3, 4),), _numpy(name, axis=1))
        for name in NAN
    ),
    Case("nansum gradient", ops.nansum, (HOLES,), np.nansum, gradient=_not_nan),
    *(
        Case(
            name, _with(name, axis=1), (f32([np.nan, 3, 1], [2, np.nan, 5]),), _numpy(name, axis=1)
        )
        for name in ("nanargmax", "nanargmin")
    ),
    Case(
        "nanargmax of none",
        _with("nanargmax", axis=1),
        (f32([np.nan, np.nan], [1, 2]),),
        lambda x: i32(-1, 1),
    ),
    *(
        Case(name, _with(name, axis=1), (HOLES,), _numpy(name, axis=1), grad=False)
        for name in ("nancumsum", "nancumprod")
    ),
    Case(
        "bincount",
        lambda x: ops.bincount(x, minlength=4),
        (i32(0, 2, 2, 3),),
        _numpy("bincount", minlength=4),
    ),
    Case(
        "bincount weighted",
        lambda x, w: ops.bincount(x, w, 3),
        (i32(0, 2, 2), normal(3)),
        lambda x, w: np.bincount(x, w, 3),
        batch=(),
    ),
    Case(
        "bincount weighted by small ints",
        lambda x, w: ops.bincount(x, w, 3),
        (i32(0, 2, 2), np.int8([100, 100, 100])),
        lambda x, w: i32(100, 0, 200),
        batch=(),
    ),
    Case(
        "bincount of rows",
        lambda x: ops.bincount(x, minlength=3),
        (i32([0, 2, 2], [1, 1, 1]),),
        lambda x: i32([1, 0, 2], [0, 3, 0]),
    ),
    Case(
        "histogram",
        _with("histogram", 4),
        (f32(0, 1, 2.2, 2.7, 4, 3),),
        _numpy("histogram", 4),
        dtype="float32",
        grad=False,
    ),
    Case(
        "histogram of small ints",
        _with("histogram", 2, (0, 2)),
        (np.ones(200, "int8"),),
        lambda x: (i32(0, 200), f32(0, 1, 2)),
        grad=False,
    ),
    Case(
        "histogram in a range",
        _with("histogram", 3, (1, 4)),
        (f32(0, 1, 2.2, 2.7, 4, 5),),
        _numpy("histogram", 3, (1, 4)),
        dtype="float32",
        grad=False,
    ),
    Case("diff", _with("diff", 2), (normal(2, 5),), _numpy("diff", 2)),
    Case("diff over the batch", _with("diff", axis=0), (normal(3, 2),), _numpy("diff", axis=0)),
    Case("trapezoid", ops.trapezoid, (normal(2, 4),), lambda y: (y[:, 1:] + y[:, :-1]).sum(1) / 2),
    Case(
        "trapezoid at points",
        lambda y, x: ops.trapezoid(y, x, axis=0),
        (normal(3, 2), f32(0, 1, 3)),
        lambda y, x: y[0] * 0.5 + y[1] * 1.5 + y[2],
        batch=(),
    ),
    *(
        Case(
            f"correlate {mode}",
            _with("correlate", mode),
            (normal(5), normal(3)),
            _numpy("correlate", mode),
            batch=(),
        )
        for mode in ("valid", "same", "full")
    ),
    Case(
        "correlate by a longer one",
        _with("correlate", "full"),
        (normal(2), normal(5)),
        _numpy("correlate", "full"),
        batch=(),
    ),
    # Extremes and products.
    Case("amax", _with("amax", axis=1), (distinct(3, 4),), _numpy("amax", axis=1)),
    Case("amin", _with("amin", axis=1), (distinct(3, 4),), _numpy("amin", axis=1)),
    Case(
        "max from an initial value",
        _with("max", axis=1, initial=0.2),
        (distinct(3, 4),),
        _numpy("max", axis=1, initial=0.2),
    ),
    Case(
        "min of nothing",
        _with("min", axis=1, initial=7),
        (np.zeros((2, 0), "float32"),),
        _numpy("min", axis=1, initial=7),
        batch=(),
    ),
    Case("cumprod", _with("cumprod", axis=1), (nonzero(2, 5),), _numpy("cumprod", axis=1)),
    Case(
        "cumprod with zeros",
        _with("cumprod", axis=0),
        (f32(2, 0, 3, 0, 4),),
        _numpy("cumprod", axis=0),
    ),
    Case(
        "cumprod of ints",
        _with("cumprod", axis=-1),
        (integers(-3, 4, 2, 3),),
        _numpy("cumprod", axis=-1),
    ),
    Case(
        "cumsum as floats",
        _with("cumsum", axis=0, dtype="float32"),
        (integers(0, 5, 4),),
        _numpy("cumsum", axis=0),
        dtype="float32",
    ),
    Case(
        "prod as floats",
        _with("prod", dtype="float32"),
        (integers(1, 5, 4),),
        np.prod,
        dtype="float32",
    ),
]
