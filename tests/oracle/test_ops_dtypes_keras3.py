"""Result dtypes of `ops`, of every dtype and pair of dtypes, against keras.ops."""

import warnings

import numpy as np
import pytest

from kerasish import ops

keras = pytest.importorskip("keras", minversion="3")
ml_dtypes = pytest.importorskip("ml_dtypes")

DTYPES = """
    bool int8 int16 int32 int64 uint8 uint16 uint32 float16 bfloat16 float32 float64
""".split()
# Python's are weak but where Keras makes tensors of them at once; NumPy's count as arrays.
NUMBERS = [2, 2.5, True, np.float64(2.5), np.int64(2), np.float32(2.5)]
X = ((1, 2), (2, 1))

UNARY = """
    abs absolute negative square sign floor ceil exp expm1 sin cos tan sinh cosh tanh arcsin arccos
    arctan arcsinh arccosh arctanh cbrt exp2 fabs trunc deg2rad rad2deg sinc i0 isnan isfinite isinf
    isposinf isneginf isreal signbit logical_not angle conj conjugate real imag copy ravel ones_like
    zeros_like empty_like round flip fliplr flipud transpose nan_to_num argsort sort log log2 log10
    log1p sqrt rsqrt reciprocal bitwise_not bitwise_invert diff trapezoid tril triu trace diag
    diagonal diagflat unique relu relu6 sigmoid softplus softsign silu swish log_sigmoid leaky_relu
    hard_sigmoid hard_silu hard_swish hard_tanh hard_shrink tanh_shrink elu selu gelu celu glu
    squareplus sparse_plus sparse_sigmoid sparsemax softmax log_softmax normalize erf erfinv
    stop_gradient squeeze array logsumexp rot90 corrcoef det inv cholesky qr svd norm eigh lu_factor
    matrix_rank pinv slogdet logdet rms_normalization layer_normalization view isreal unstack
    convert_to_tensor sum mean max min amax amin prod std var all any argmax argmin median ptp
    average count_nonzero nansum nanmean nanmax nanmin nanprod nanstd nanvar nanargmax nanargmin
    cumsum cumprod nancumsum nancumprod mish
""".split()
# A name, and the arguments that follow the array (which "x" stands for).
MORE = [
    ("top_k", 1),
    ("one_hot", 3),
    ("multi_hot", 3),
    ("full_like", 2),
    ("full_like", 2.5),
    ("tile", 2),
    ("roll", 1),
    ("repeat", 2),
    ("solve", "x"),
    ("pad", 1),
    ("segment_sum", np.array([0, 1]), 2),
    ("segment_max", np.array([0, 1]), 2),
    ("quantile", 0.5),
    ("percentile", 50),
    ("nanquantile", 0.5),
    ("clip", 0, 1),
    ("clip", 0.5, 1.5),
    ("clip", "x", "x"),
    ("round", 1),
    ("nan_to_num", 1.0),
    ("take", np.array([0, 1])),
    ("take_along_axis", np.array([[0], [1]]), 1),
    ("threshold", 1, 0),
    ("threshold", 1.5, 0.5),
    ("linspace", "x", 3),
    ("logspace", "x", 3),
    ("slice", (0, 0), (1, 1)),
    ("slice_update", (0, 0), np.ones((1, 1), "float32")),
    ("expand_dims", 0),
    ("reshape", (-1,)),
    ("broadcast_to", (2, 2, 2)),
    ("swapaxes", 0, 1),
    ("moveaxis", 0, 1),
    ("split", 2),
    ("trapezoid", np.array([1.0, 2.0])),
]
BINARY = """
    add subtract multiply divide true_divide divide_no_nan maximum minimum fmax fmin mod fmod
    floor_divide power arctan2 hypot logaddexp logaddexp2 heaviside equal not_equal less less_equal
    greater greater_equal logical_and logical_or logical_xor isclose nextafter bitwise_and
    bitwise_or bitwise_xor gcd lcm
""".split()
# Of two arrays only.
PAIRS = """
    isin inner vdot kron outer append matmul dot left_shift right_shift bitwise_left_shift
    bitwise_right_shift allclose cross cdist
""".split()

INTS = np.array([1, 2, 4])
# Further results that are meant to differ from Keras's on TensorFlow, and why.
OTHERWISE = [
    ("the edges of intervals are seldom whole numbers", "histogram", INTS),
    ("means of whole numbers are seldom whole numbers", "moments", INTS, [0]),
    ("dtype has no effect", "prod", INTS, None, False, "int8"),
    ("stack makes int32 of other ints, concatenate does not", "stack", [INTS, INTS]),
    ("NumPy's promotion in the place of Keras's", "select", [INTS > 1], [INTS], np.float32(0)),
    ("16 and 64 bits become 32", "rfft", np.float64([1.0, 2.0])),
]


def made(dtype):
    return np.array(X).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def dtypes_of(result):
    if isinstance(result, (tuple, list)):
        return [name for item in result for name in dtypes_of(item)]
    dtype = getattr(result, "dtype", type(result).__name__)
    return [dtype if isinstance(dtype, str) else dtype.name]


def differs(name, *args):
    """What the operation gives here and in Keras, None if that is one or Keras has no result."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            right = dtypes_of(getattr(keras.ops, name)(*args))
        except Exception:  # TensorFlow has no kernel for the dtype
            return None
        mine = dtypes_of(getattr(ops, name)(*args))
    return None if mine == right else (name, mine, right)


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_one_array(dtype):
    x = made(dtype)
    found = [differs(name, x) for name in UNARY]
    for name, *args in MORE:
        found.append(differs(name, x, *(x if isinstance(a, str) else a for a in args)))
    assert not [f for f in found if f]


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_two_arrays(dtype):
    x = made(dtype)
    others = DTYPES[DTYPES.index(dtype) :]
    found = [
        (*wrong, other)
        for other in others
        for name in (*BINARY, *PAIRS)
        if (wrong := differs(name, x, made(other)))
    ]
    for other in others:
        y = made(other)
        found += [differs("where", x > 1, x, y), differs("einsum", "ij,jk->ik", x, y)]
        found += [differs("concatenate", [x, y]), differs("hstack", [x, y])]
        found += [differs("tensordot", x, y, 1), differs("correlate", x[0], y[0])]
    assert not [f for f in found if f]


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_an_array_and_a_number(dtype):
    x = made(dtype)
    found = [
        (*wrong, repr(number))
        for number in NUMBERS
        for name in (*BINARY, *PAIRS, "ldexp")
        for args in ((x, number), (number, x))
        if (wrong := differs(name, *args))
    ]
    for n in NUMBERS:
        more = [("where", x > 1, x, n), ("where", x > 1, n, n), ("clip", x, n, n)]
        more += [("tensordot", x, n, 0), ("average", x, None, n), ("full", (2,), n)]
        more += [(name, n, x, 3) for name in ("linspace", "logspace", "geomspace")]
        more += [("arange", n), ("arange", 0, n), ("arange", 0, 4, n), ("nan_to_num", x, n)]
        found += [(*wrong, repr(n)) for row in more if (wrong := differs(*row))]
    assert not found


def test_of_large_ints():
    large = (2**31 - 1, 2**31, -(2**31), -(2**31) - 1, [1, 2**40])
    assert not [wrong for n in large if (wrong := differs("convert_to_tensor", n))]


@pytest.mark.parametrize("dtype", DTYPES)
def test_as_asked_for(dtype):
    made_new = [
        ("full", (2,), 3, dtype),
        ("zeros", (2,), dtype),
        ("ones", (2,), dtype),
        ("empty", (2,), dtype),
        ("eye", 2, 2, 0, dtype),
        ("identity", 2, dtype),
        ("tri", 2, 2, 0, dtype),
        ("arange", 0, 3, 1, dtype),
        ("cast", np.array([1.5, -1.0]), dtype),
        ("convert_to_tensor", [1, 2], dtype),
        ("one_hot", np.array([0, 1]), 3, -1, dtype),
        ("cumsum", made("int32"), 0, dtype),
        ("cumprod", made("int32"), 0, dtype),
        ("saturate_cast", np.array([1.5, 300.0]), dtype),
    ]
    assert not [wrong for item in made_new if (wrong := differs(*item))]


@pytest.mark.parametrize("row", OTHERWISE, ids=lambda row: row[1])
def test_still_otherwise(row):
    assert differs(*row[1:]), "take it off the list"
