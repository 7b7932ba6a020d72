"""Operations in the names of NumPy, against keras.ops: values, shapes, dtypes, and names."""

import inspect

import numpy as np
import pytest
import test_nn_ops_keras3
import test_ops_dtypes_keras3

from kerasish import config, ops
from kerasish import random as random_ops
from kerasish.engines import registry

keras = pytest.importorskip("keras", minversion="3")
# Raised inside Keras and TensorFlow, by values that these tests mean to hand over.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

random = np.random.default_rng(11)
FLOATS = ("float32", "float16")
INTS = ("int32", "uint8", "int64")
EACH = ("float32", "float16", "int32", "bool")
NUMBERS = ("float32", "float16", "int32")
TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-7}


class Row:
    """An operation with its arguments, the NumPy arrays among them made each of `dtypes`.

    Attributes:
        fixed: positions (and names) of arguments that keep their dtype.
        values: whether values are compared, and not only shapes and dtypes.
    """

    def __init__(self, name, *args, dtypes=EACH, fixed=(), values=True, **kwargs):
        self.name, self.args, self.kwargs = name, args, kwargs
        self.dtypes = [d for d in dtypes if d != "bool" or name not in NOT_OF_BOOLS]
        self.fixed, self.values = fixed, values

    def arguments(self, dtype):
        args = [a if i in self.fixed else made(a, dtype) for i, a in enumerate(self.args)]
        return args, {k: v if k in self.fixed else made(v, dtype) for k, v in self.kwargs.items()}

    def __repr__(self):
        return f"{self.name}{len(self.args)}{''.join(sorted(self.kwargs))}"


def made(value, dtype):
    if isinstance(value, np.ndarray):
        return (np.abs(value) if dtype.startswith("u") else value).astype(dtype)
    if isinstance(value, list) and any(isinstance(v, np.ndarray) for v in value):
        return [made(v, dtype) for v in value]
    return value


X = np.array([[-3.0, 0.0, 2.0, 5.0], [1.0, -1.0, 2.0, 0.5], [7.0, 4.0, -2.0, 1.5]])
Y = np.array([[2.0, 1.0, 2.0, -3.0], [1.0, -2.0, 4.0, 3.0], [1.0, 4.0, 3.0, -1.5]])
V = np.array([3.0, -1.0, 2.0, 2.0, 0.0])
CUBE = random.integers(-4, 5, (2, 3, 4)).astype("float64")
UNIT = np.array([-1.0, -0.5, 0.0, 0.25, 1.0])
LARGE = np.array([1.0, 1.5, 2.0, 30.0])
HOLES = np.array([[np.nan, 1.0, -2.0], [np.nan, np.nan, 3.0], [4.0, 0.5, np.nan]])
ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -1.5])
INDEX = np.array([[0, 3], [1, 1], [2, -1]])
IDS = np.array([0, 2, 0])
PLACES = np.array([[0, 1], [2, 2]])
VALID = np.array([0, 1, 2, 2, 5])

UNARY = """
    abs absolute negative square sign floor ceil exp expm1 sin cos tan sinh cosh tanh arcsinh
    arctan cbrt exp2 fabs trunc deg2rad rad2deg sinc i0 isnan isfinite isinf isposinf isneginf
    isreal signbit logical_not angle conj conjugate real imag copy ravel ones_like zeros_like ndim
    round flip fliplr flipud transpose nan_to_num argsort sort
"""
REDUCTIONS = """
    sum mean max min amax amin prod std var all any argmax argmin median ptp average count_nonzero
    nansum nanmean nanmax nanmin nanprod nanstd nanvar nanargmax nanargmin nanmedian cumsum cumprod
    nancumsum nancumprod
"""
# Over an axis, Keras on TensorFlow has it for floats alone.
DTYPES = {"nanmedian": FLOATS}
NO_KEEPDIMS = {"average", "count_nonzero", "cumsum", "cumprod", "nancumsum", "nancumprod"}
SCANS = {"cumsum", "cumprod", "nancumsum", "nancumprod"}
BINARY = """
    add subtract multiply divide true_divide divide_no_nan maximum minimum fmax fmin mod fmod
    floor_divide arctan2 hypot logaddexp logaddexp2 heaviside equal not_equal less less_equal
    greater greater_equal logical_and
    logical_or logical_xor isclose allclose isin inner vdot kron outer
    append nextafter
"""
BITS = """
    bitwise_and bitwise_or bitwise_xor gcd lcm
"""

# What Keras has on TensorFlow, but not for booleans.
NOT_OF_BOOLS = set(
    """
    negative sign reciprocal conj conjugate real round ptp nanmedian add subtract multiply maximum
    minimum fmax fmin floor_divide hypot heaviside less less_equal greater greater_equal kron einsum
    """.split()
)

ROWS = [
    *(Row(name, X) for name in UNARY.split()),
    *(Row(name, X) for name in REDUCTIONS.split()),
    *(Row(name, CUBE, axis=1, dtypes=DTYPES.get(name, EACH)) for name in REDUCTIONS.split()),
    *(
        Row(n, CUBE, axis=-1, keepdims=True, dtypes=DTYPES.get(n, EACH))
        for n in REDUCTIONS.split()
        if n not in NO_KEEPDIMS
    ),
    *(
        Row(n, CUBE, axis=(0, 2), dtypes=DTYPES.get(n, EACH))
        for n in REDUCTIONS.split()
        if n not in SCANS and "arg" not in n and n != "average"
    ),
    *(Row(n, HOLES, axis=1, dtypes=FLOATS) for n in REDUCTIONS.split() if n.startswith("nan")),
    *(Row(n, HOLES, dtypes=FLOATS) for n in REDUCTIONS.split() if n.startswith("nan")),
    *(Row(name, X, Y) for name in BINARY.split()),
    *(
        Row(name, X, 2, dtypes=NUMBERS)
        for name in BINARY.split()
        if name not in ("inner", "vdot", "append", "kron", "arctan2")
    ),
    *(Row(name, 2.5, X) for name in ("add", "subtract", "divide", "maximum", "less")),
    *(Row(name, X, Y, dtypes=INTS) for name in BITS.split()),
    *(Row(name, UNIT) for name in ("arcsin", "arccos", "arctanh")),
    *(Row(name, LARGE) for name in ("arccosh", "log", "log2", "log10", "log1p", "sqrt")),
    *(
        Row(name, ODD, dtypes=FLOATS)
        for name in (
            "isnan isinf isfinite isposinf isneginf nan_to_num trunc sign arctan arcsinh "
            "signbit sinc cbrt log2 abs"
        ).split()
    ),
    *(Row(n, ODD, ODD[::-1], dtypes=FLOATS) for n in "fmax fmin logaddexp".split()),
    # Scalars, and axes without elements.
    *(Row(name, np.array(3.0)) for name in ("argsort", "fliplr", "flipud", "cumsum", "ravel")),
    *(Row(n, X[:, :0], axis=1, dtypes=INTS) for n in "nanmax nanmin nansum".split()),
    *(Row(n, X[:, :0], axis=1, dtypes=FLOATS) for n in "logsumexp nanmedian nanmean".split()),
    Row("logsumexp", np.array([[np.inf, 1.0], [-np.inf, -np.inf]]), axis=1, dtypes=FLOATS),
    Row("nan_to_num", ODD, nan=1.0, posinf=7.0, neginf=-7.0, dtypes=FLOATS),
    *(Row(n, X, dtypes=INTS) for n in ("bitwise_not", "bitwise_invert")),
    *(
        Row(n, X, np.abs(Y).round(), dtypes=INTS)
        for n in "left_shift right_shift bitwise_left_shift bitwise_right_shift".split()
    ),
    Row("power", np.abs(X), Y, dtypes=FLOATS),
    Row("power", X, 2),
    Row("reciprocal", Y, dtypes=FLOATS),
    Row("ldexp", X, IDS[:, None], fixed=(1,)),
    Row("round", X * 1.37, 1, dtypes=FLOATS),
    Row("clip", X, -1, 2),
    Row("clip", X, -0.5, 2.5, dtypes=FLOATS),
    Row("where", X > 0, X, Y, fixed=(0,)),
    Row("where", X > 0, X, 1.5, fixed=(0,)),
    Row("where", X),
    Row("nonzero", X),
    Row("max", CUBE, axis=0, initial=3, dtypes=NUMBERS),
    Row("min", CUBE, initial=-9, dtypes=NUMBERS),
    Row("average", CUBE, axis=1, weights=np.array([1.0, 2.0, 1.0])),
    Row("average", CUBE, weights=np.abs(CUBE) + 1),
    *(
        Row(name, CUBE, q, axis=axis, method=method, keepdims=keep, dtypes=NUMBERS)
        for name, scale in (("quantile", 1), ("percentile", 100))
        for method in ("linear", "lower", "higher", "midpoint", "nearest")
        for q, axis, keep in ((0.3 * scale, None, False), ([0.1 * scale, scale], 1, True))
    ),
    Row("quantile", CUBE, 0.5, axis=(0, 2), dtypes=NUMBERS),
    *(
        Row("nanquantile", CUBE, 0.3, method=method, dtypes=NUMBERS)
        for method in ("linear", "lower", "higher", "midpoint", "nearest")
    ),
    Row("nanquantile", HOLES, [0.0, 0.5], axis=1, dtypes=FLOATS),
    Row("nanpercentile", HOLES, 30, dtypes=FLOATS),
    Row("corrcoef", X, dtypes=NUMBERS),
    Row("sort", CUBE, axis=1),
    Row("argsort", CUBE, axis=0),
    Row("argsort", CUBE, axis=None),
    Row("argpartition", X, 1, values=False, dtypes=NUMBERS),
    Row("top_k", X, 2, dtypes=NUMBERS),
    Row("in_top_k", np.array([1, 2, 0]), X, 2, fixed=(0,), dtypes=("float32",)),
    Row("searchsorted", np.array([-2.0, 0.0, 2.0, 3.0]), V, dtypes=NUMBERS),
    Row("searchsorted", np.array([-2.0, 0.0, 2.0, 3.0]), V, side="right", dtypes=NUMBERS),
    Row("digitize", X, np.array([-1.0, 0.0, 2.0]), dtypes=NUMBERS),
    Row("bincount", VALID, dtypes=("int32",)),
    Row("bincount", VALID, minlength=8, dtypes=("int32",)),
    Row("bincount", np.array([[0, 1, 1], [4, 2, 2]]), dtypes=("int32",)),
    Row("bincount", VALID, weights=V + 0.5, fixed=("weights",), dtypes=("int32",)),
    Row("histogram", X.ravel(), bins=4, dtypes=FLOATS),
    Row("histogram", X.ravel(), bins=3, range=(-1, 3), dtypes=FLOATS),
    Row("unique", V, dtypes=NUMBERS),
    Row("unique", V, return_index=True, return_inverse=True, return_counts=True, dtypes=NUMBERS),
    Row("diff", CUBE),
    Row("diff", CUBE, n=2, axis=1, dtypes=NUMBERS),
    Row("trapezoid", X),
    Row("trapezoid", X, dx=0.5, axis=0),
    Row("trapezoid", X, x=np.array([0.0, 1.0, 3.0, 4.0])),
    *(Row("correlate", V, V[:3], mode=m, dtypes=NUMBERS) for m in ("valid", "same", "full")),
    *(Row("correlate", V[:2], V, mode=m, dtypes=NUMBERS) for m in ("same", "full")),
    Row("cumsum", CUBE, axis=0, dtype="float32"),
    Row("cumprod", CUBE, axis=0, dtype="float32"),
    Row("prod", CUBE, axis=0, dtype="float32", dtypes=("float32",)),
    *(Row(name, X) for name in ("tril", "triu", "trace", "diag", "diagonal", "diagflat")),
    *(Row(name, CUBE, 1) for name in ("tril", "triu", "trace", "diagonal", "diagflat")),
    *(Row(name, CUBE, -1, 0, 2) for name in ("trace", "diagonal")),
    *(Row("diag", V, k) for k in (0, 2, -1)),
    *(Row("diag", X, k) for k in (2, -1)),
    Row("vander", V),
    Row("vander", V, N=3, increasing=True),
    Row("cross", X[:, :3], Y[:, :3], dtypes=NUMBERS),
    Row("cross", X[:, :2], Y[:, :2], dtypes=NUMBERS),
    Row("cross", X[:3], Y[:3], axis=0, dtypes=NUMBERS),
    Row("kron", V, X),
    Row("inner", CUBE, X),
    Row("matmul", X, Y.T),
    Row("dot", CUBE, Y.T),
    Row("tensordot", CUBE, X, axes=[[1, 2], [0, 1]]),
    Row("einsum", "ij,kj->ik", X, Y),
    Row("einsum", "bij,kj", CUBE, X),
    Row("einsum", "...ij,...kj->...ik", CUBE, X),
    Row("einsum", "ii->i", X[:, :3]),
    Row("einsum", "ij->", X),
    Row("einsum", "ij->j", X, dtypes=("int8",)),
    Row("einsum", "ij,ij,kj->k", X, Y, X),
    Row("einsum", "i,j->ji", V, V),
    Row("einsum", "bij,bjk->bki", CUBE, CUBE.transpose(0, 2, 1)),
    Row("roll", CUBE, 1),
    Row("roll", CUBE, -2, axis=1),
    Row("roll", CUBE, (1, 2), axis=(0, 2)),
    *(Row("rot90", CUBE, k) for k in (0, 1, 3)),
    *(Row(name, [X, Y]) for name in ("hstack", "vstack", "dstack", "stack", "concatenate")),
    *(Row(name, [V, V]) for name in ("hstack", "dstack")),
    Row("append", X, Y, axis=1),
    Row("split", X, 2, axis=1),
    Row("array_split", X, 3, axis=1),
    Row("hsplit", CUBE, 3),
    Row("hsplit", V, [1, 3]),
    Row("vsplit", CUBE, 2),
    Row("dsplit", CUBE, [1]),
    Row("unstack", X),
    Row("meshgrid", V, V[:3]),
    Row("meshgrid", V, V[:3], V[:2], indexing="ij"),
    Row("moveaxis", CUBE, 0, -1),
    Row("swapaxes", CUBE, 0, 1),
    Row("squeeze", X[None, ..., None]),
    Row("expand_dims", X, 1),
    Row("reshape", CUBE, (4, -1)),
    Row("repeat", X, 2, axis=1),
    Row("repeat", X, np.array([1, 0, 2]), axis=0, fixed=(1,)),
    Row("tile", X, (2, 1)),
    Row("pad", X, ((1, 2), (0, 1))),
    Row("pad", X[:, 1:], ((1, 1), (1, 1)), mode="reflect"),
    Row("broadcast_to", V, (2, 5)),
    Row("select", [X > 1, X < 0], [X, Y], fixed=(0,), dtypes=NUMBERS),
    Row("select", [X > 1, X < 0], [X, Y], 7, fixed=(0,), dtypes=NUMBERS),
    Row("isin", X, V, invert=True),
    Row("take", X, INDEX, axis=1, fixed=(1,)),
    Row("take", X, INDEX, fixed=(1,)),
    Row("take_along_axis", X, INDEX, axis=1, fixed=(1,)),
    Row("take_along_axis", CUBE, np.array([[[1], [0], [1]]]), axis=0, fixed=(1,)),
    Row("take_along_axis", X, np.array([3, 8, -1]), fixed=(1,)),
    Row("unravel_index", np.array([0, 5, 11, -1]), (3, 4), dtypes=("int32", "int64")),
    Row("get_item", CUBE, (0, slice(None, None, 2), -1)),
    Row("view", V[:4], dtype="int32", dtypes=("float32", "float16", "uint8", "int64")),
    Row("full_like", X, 2),
    Row("full_like", X, 2.5, dtype="float32"),
    Row("empty_like", X),
    Row("array", X),
    Row("linspace", 0, 10, 5),
    Row("linspace", 0.0, 1.0, num=4, endpoint=False),
    Row("linspace", V, 2 * V + 1, 4, dtypes=NUMBERS),
    Row("linspace", V, 2.0, 3, axis=-1, dtypes=NUMBERS),
    Row("linspace", 0, 7, 4, dtype="int32", dtypes=("float32",)),
    Row("linspace", 0.0, 1.0, 3, retstep=True, dtypes=("float32",)),
    Row("logspace", 0, 2, 4, dtypes=("float32",)),
    Row("logspace", 0, 3, 4, base=2, dtype="int32", dtypes=("float32",)),
    Row("logspace", V, 1.0, 3, dtypes=NUMBERS),
    Row("geomspace", 1, 1000, 4, dtypes=("float32",)),
    Row("geomspace", np.array([1.0, 2.0]), np.array([8.0, 16.0]), 4, dtypes=("float32", "int32")),
    Row("geomspace", -2.0, -32.0, 5, endpoint=False, dtypes=("float32",)),
    *(
        Row(name, n, dtypes=("int32",))
        for name in ("bartlett", "blackman", "hamming", "hanning")
        for n in (1, 2, 7)
    ),
    Row("kaiser", 6, 4.5, dtypes=("int32",)),
    Row("kaiser", 1, 4, dtypes=("int32",)),
    *(Row(name, (2, 3), dtypes=("int32",)) for name in ("zeros", "ones", "empty")),
    Row("full", (2, 3), 4, dtypes=("int32",)),
    Row("full", (2, 3), 4.5, dtypes=("int32",)),
    Row("eye", 3, 4, 1, dtypes=("int32",)),
    Row("identity", 3, dtypes=("int32",)),
    Row("tri", 3, 4, -1, dtypes=("int32",)),
    Row("tri", 3, dtype="int32", dtypes=("int32",)),
    Row("arange", 4, dtypes=("int32",)),
    Row("arange", 1, 3.0, 0.5, dtypes=("int32",)),
    Row("arange", 0, 6, 2, dtype="float16", dtypes=("int32",)),
    *(
        Row(n, CUBE.transpose(1, 0, 2), IDS, 4, fixed=(1,), dtypes=NUMBERS)
        for n in ("segment_sum", "segment_max", "segment_min", "segment_prod")
    ),
    *(
        Row(n, V, np.array([0, 1, -1, 1, 0]), 4, fixed=(1,), dtypes=("float32",))
        for n in ("segment_sum", "segment_max")
    ),
    Row("scatter", INDEX % 3, V[:3], (3, 3), fixed=(0,), dtypes=NUMBERS),
    Row("scatter", np.array([[1], [0], [1]]), X, (3, 4), fixed=(0,), dtypes=NUMBERS),
    *(
        Row("scatter_update", X, PLACES, V[:2], reduction=r, fixed=(1,), dtypes=NUMBERS)
        for r in (None, "add", "max", "min", "mul")
    ),
    Row("scatter_update", X, np.array([[0], [2]]), Y[:2], fixed=(1,)),
    Row("slice", CUBE, (0, 1, 1), (2, 1, 2)),
    Row("slice_update", CUBE, (0, 1, 1), CUBE[:, :2, :2]),
    Row("cast", X, "uint8", dtypes=("int32", "bool")),
    Row("saturate_cast", X * 100, "uint8", dtypes=NUMBERS),
    Row("saturate_cast", X * 100, "int8", dtypes=NUMBERS),
    Row("one_hot", VALID, 4, dtypes=("int32",)),
    Row("stop_gradient", X),
    Row("convert_to_tensor", X),
    Row("rearrange", CUBE, "a (b c) d -> (a c) d b", b=3),
    Row("cdist", X, Y, dtypes=FLOATS),
    Row("logsumexp", CUBE, axis=1, dtypes=FLOATS),
]


def arrays(result):
    """The arrays that a result consists of."""
    items = result if isinstance(result, (tuple, list)) else [result]
    return [
        np.asarray(keras.ops.convert_to_numpy(x) if keras.ops.is_tensor(x) else x) for x in items
    ]


def compare(row, dtype):
    args, kwargs = row.arguments(dtype)
    with np.errstate(all="ignore"):
        theirs = arrays(getattr(keras.ops, row.name)(*args, **kwargs))
        ours = arrays(getattr(ops, row.name)(*args, **kwargs))
    assert [x.dtype for x in ours] == [x.dtype for x in theirs], dtype
    assert [x.shape for x in ours] == [x.shape for x in theirs], dtype
    for mine, right in zip(ours, theirs, strict=True) if row.values else ():
        tolerance = TOLERANCE.get(mine.dtype.name, 0)
        if dtype == "float16" and tolerance:
            tolerance = TOLERANCE["float16"]
        np.testing.assert_allclose(
            mine.astype("float64"), right.astype("float64"), tolerance, tolerance, err_msg=dtype
        )


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_values_shapes_and_dtypes(row):
    for dtype in row.dtypes:
        compare(row, dtype)


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_on_tensorflow(row):
    """Keras's own engine, through our graph."""
    if not registry.installed("tensorflow")[0]:
        pytest.skip("TensorFlow is not installed.")
    config.set_backend("tensorflow")
    compare(row, row.dtypes[0])


# --- operations that take functions, or return no tensor ---------------------------------

F, G = X.astype("float32"), Y.astype("float32")
PAIRS = np.stack([F, G], axis=-1)


def _halved_gradient(K):
    return K.custom_gradient(lambda x: (x * 2, lambda upstream: upstream))(K.convert_to_tensor(F))


CALLS = [
    ("associative_scan", lambda K: K.associative_scan(lambda a, b: a * b, F)),
    ("associative_scan", lambda K: K.associative_scan(lambda a, b: a + b, F, True, axis=1)),
    ("cond", lambda K: [K.cond(K.sum(F) > s, lambda: F, lambda: -F) for s in (0, 100)]),
    ("convert_to_numpy", lambda K: K.convert_to_numpy(F)),
    ("custom_gradient", _halved_gradient),
    ("dtype", lambda K: [K.dtype(x) == "float32" for x in (F, K.ones((2,)))]),
    ("eig", lambda K: [K.sort(K.real(K.eig(PLANE)[0])), K.sort(K.imag(K.eig(PLANE)[0]))]),
    ("fori_loop", lambda K: K.fori_loop(1, 4, lambda i, x: x * K.cast(i, "float32"), F)),
    ("is_tensor", lambda K: [K.is_tensor(F), K.is_tensor(K.convert_to_tensor(F))]),
    ("map", lambda K: K.map(lambda row: K.sum(row) * row, F)),
    ("polar", lambda K: [f(K.polar(np.abs(F), G)) for f in (K.real, K.imag, K.abs, K.angle)]),
    ("scan", lambda K: K.scan(lambda c, x: (c + x, c * x), G[0], F)[1]),
    ("scan", lambda K: K.scan(lambda c, x: (c + x, c * x), G[0], F, reverse=True)[0]),
    ("shape", lambda K: list(K.shape(F))),
    ("size", lambda K: K.size(F)),
    ("switch", lambda K: [K.switch(i, [lambda x: x, lambda x: -x], F) for i in (0, 1, 5)]),
    ("vectorized_map", lambda K: K.vectorized_map(lambda row: K.softmax(row[::-1]), F)),
    ("vectorized_map", lambda K: K.vectorized_map(lambda p: p[0] * K.sum(p[1]), (F, G))),
    ("view_as_complex", lambda K: [f(K.view_as_complex(PAIRS)) for f in (K.real, K.imag, K.abs)]),
    ("view_as_complex", lambda K: np.asarray(K.conj(K.view_as_complex(PAIRS)))),
    ("view_as_real", lambda K: K.view_as_real(K.view_as_complex(PAIRS) * 2)),
    ("view_as_real", lambda K: K.view_as_real(K.convert_to_tensor(F))),
    ("while_loop", lambda K: K.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, F))),
]
PLANE = np.array([[0.0, -1.0], [4.0, 0.0]], "float32")


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
def test_calls(name, call):
    mine, right = arrays(call(ops)), arrays(call(keras.ops))
    assert [x.shape for x in mine] == [x.shape for x in right]
    for a, b in zip(mine, right, strict=True):
        np.testing.assert_allclose(a, b, 2e-5, 2e-5)


def test_jvp():
    """Keras's takes nothing but tensors of TensorFlow."""
    tf = pytest.importorskip("tensorflow")

    def function(K):
        return lambda x, y: (K.tanh(x) * y, K.sum(y))

    right = keras.ops.jvp(
        function(keras.ops), (tf.constant(F), tf.constant(G)), (tf.constant(G),) * 2
    )
    mine = ops.jvp(function(ops), (F, G), (G, G))
    for a, b in zip(mine, right, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(np.asarray(x), y.numpy(), 2e-5, 2e-5)


# --- names -------------------------------------------------------------------------------

# Submodules of keras.ops, whose names are all in keras.ops too.
MODULES = {"image", "linalg", "nn", "numpy"}
# Compared in tests of their own; `vectorize` in tests/cases, as Keras has none on TensorFlow.
ELSEWHERE = set(
    """
    conv conv_transpose depthwise_conv separable_conv max_pool average_pool adaptive_max_pool
    adaptive_average_pool jvp vectorize
    """.split()
)


def names(module):
    return {name for name in dir(module) if not name.startswith("_")}


def test_every_operation_of_keras_is_compared():
    compared = {row.name for row in ROWS} | {name for name, _ in CALLS} | ELSEWHERE
    compared |= {name for name, *_ in test_nn_ops_keras3.CASES}
    compared |= set(test_ops_dtypes_keras3.UNARY) | set(test_ops_dtypes_keras3.BINARY)
    compared |= {name for name, *_ in test_ops_dtypes_keras3.MORE}
    assert names(keras.ops) - MODULES - compared == set()
    images = {f"image.{name}" for name in names(keras.ops.image)}
    assert images - compared == {"image.elastic_transform"}  # its moves are random


def test_names():
    theirs = names(keras.ops) - MODULES
    assert theirs - set(dir(ops)) == set()
    assert not [name for name in theirs if not callable(getattr(ops, name))]
    for module in MODULES:
        here = getattr(ops, module)
        assert names(getattr(keras.ops, module)) - set(dir(here)) == set(), module
        assert not [n for n in names(getattr(keras.ops, module)) if not callable(getattr(here, n))]
    assert names(keras.random) - set(dir(random_ops)) == set()


# These have no further keywords, which are for older programs.
OTHER_PARAMETERS = {"layer_normalization", "multi_hot"}


def test_parameters():
    """Those of Keras come first, in its order, with their names; further ones have defaults."""
    wrong = set()
    pairs = [(n, getattr(keras.ops, n), getattr(ops, n)) for n in names(keras.ops) - MODULES]
    pairs += [(n, getattr(keras.random, n), getattr(random_ops, n)) for n in names(keras.random)]
    for name, theirs, ours in pairs:
        if not inspect.isfunction(theirs):
            continue
        right, mine = (inspect.signature(f).parameters for f in (theirs, ours))
        extra = [p for p in list(mine.values())[len(right) :] if p.default is p.empty]
        if list(mine)[: len(right)] != list(right) or extra:
            wrong.add(name)
    assert wrong == OTHER_PARAMETERS
