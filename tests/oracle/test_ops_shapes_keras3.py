"""Operations on arrays of random shapes and dtypes, against keras.ops."""

import numpy as np
import pytest

from kerasish import ops

keras = pytest.importorskip("keras", minversion="3")
hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

few = hypothesis.settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
DTYPES = st.sampled_from(["float32", "float32", "float64", "int32", "uint8", "bool"])
SIZES = st.integers(0, 4)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)
FULL_SHAPES = st.lists(st.integers(1, 4), max_size=4).map(tuple)  # no axis of size 0
SEEDS = st.integers(0, 2**16)


def array(shape, dtype, seed):
    """Halves from -4 to 4 without zeros, so that little depends on the last bit."""
    x = np.random.default_rng(seed).integers(-8, 8, shape) / 2
    x = np.where(x == 0, 4.0, x)
    return (np.abs(x) if dtype == "uint8" else x > 0 if dtype == "bool" else x).astype(dtype)


def leaves(result):
    items = result if isinstance(result, (list, tuple)) else [result]
    return [np.asarray(x) for x in items]


def agree(name, *args, **kwargs):
    """The result equals that of Keras, where TensorFlow has one for the dtype."""
    with np.errstate(all="ignore"):
        try:
            right = leaves(getattr(keras.ops, name)(*args, **kwargs))
        except Exception:
            hypothesis.reject()
        mine = leaves(getattr(ops, name)(*args, **kwargs))
    assert [(x.shape, x.dtype) for x in mine] == [(x.shape, x.dtype) for x in right]
    for a, b in zip(mine, right, strict=True):
        np.testing.assert_allclose(a.astype("float64"), b.astype("float64"), 2e-4, 1e-5)


UNARY = """
    abs negative square sign floor ceil exp sin cos tanh isnan isfinite logical_not log1p sigmoid
    softplus relu round sqrt reciprocal expm1 erf arctan sinh trunc softsign silu gelu
""".split()
BINARY = """
    add subtract multiply divide maximum minimum mod floor_divide equal less greater_equal
    logical_and logical_xor power divide_no_nan arctan2 hypot logaddexp fmax fmod
""".split()


@few
@hypothesis.given(st.sampled_from(UNARY), SHAPES, DTYPES, SEEDS)
def test_of_one_array(name, shape, dtype, seed):
    agree(name, array(shape, dtype, seed))


@st.composite
def two_shapes(draw):
    """Two shapes that broadcast."""
    whole = draw(st.lists(st.integers(0, 4), max_size=4))
    pair = []
    for _ in range(2):
        kept = whole[draw(st.integers(0, len(whole))) :]
        pair.append(tuple(1 if draw(st.booleans()) else n for n in kept))
    return tuple(pair)


@few
@hypothesis.given(st.sampled_from(BINARY), two_shapes(), DTYPES, DTYPES, SEEDS)
def test_broadcasting(name, shapes, first, second, seed):
    agree(name, array(shapes[0], first, seed), array(shapes[1], second, seed + 1))


@st.composite
def reductions(draw):
    shape = draw(FULL_SHAPES)
    axes = st.integers(-len(shape), len(shape) - 1)
    some = st.lists(axes, unique_by=lambda a: a % len(shape), min_size=1).map(tuple)
    axis = draw(st.one_of(st.none(), *([axes, some] if shape else [])))
    return shape, axis, draw(st.booleans())


@few
@hypothesis.given(
    st.sampled_from("sum mean max min prod std var all any logsumexp amax median".split()),
    reductions(),
    DTYPES,
    SEEDS,
)
def test_reductions(name, how, dtype, seed):
    shape, axis, keepdims = how
    agree(name, array(shape, dtype, seed), axis=axis, keepdims=keepdims)


@few
@hypothesis.given(
    st.sampled_from("argmax argmin cumsum cumprod sort argsort softmax log_softmax flip".split()),
    FULL_SHAPES.filter(len),
    st.data(),
    SEEDS,
)
def test_along_an_axis(name, shape, data, seed):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape)
    agree(name, (x / 8).astype("float32"), axis=axis)


@st.composite
def keys(draw, shape):
    """What an array of the shape may be indexed with."""
    key = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        bounds = st.one_of(st.none(), st.integers(-n - 1, n + 1))
        step = st.sampled_from([None, 1, 2, -1, -2])
        choices = [st.builds(slice, bounds, bounds, step)]
        if n:
            choices.append(st.integers(-n, n - 1))
        key.append(draw(st.one_of(choices)))
        if draw(st.integers(0, 4)) == 0:
            key.append(None)
    if draw(st.booleans()):
        key.append(Ellipsis)
    return tuple(key)


@few
@hypothesis.given(SHAPES, DTYPES, st.data(), SEEDS)
def test_slicing(shape, dtype, data, seed):
    """Against NumPy: TensorFlow lacks some of it."""
    x = array(shape, dtype, seed)
    key = data.draw(keys(shape))
    found = ops.convert_to_tensor(x)[key]
    assert found.shape == x[key].shape
    np.testing.assert_array_equal(found.numpy(), x[key])


@few
@hypothesis.given(FULL_SHAPES, DTYPES, st.data(), SEEDS)
def test_reshaping_and_moving_axes(shape, dtype, data, seed):
    x = array(shape, dtype, seed)
    order = data.draw(st.permutations(range(len(shape))))
    agree("transpose", x, axes=list(order))
    sizes = list(data.draw(st.permutations(shape)))
    if sizes and data.draw(st.booleans()):
        sizes[data.draw(st.integers(0, len(sizes) - 1))] = -1
    agree("reshape", x, tuple(sizes))
    if shape:
        a, b = (data.draw(st.integers(-len(shape), len(shape) - 1)) for _ in range(2))
        agree("moveaxis", x, a, b)
        agree("swapaxes", x, a, b)
        agree("roll", x, data.draw(st.integers(-5, 5)), axis=a)
        agree("repeat", x, data.draw(st.integers(1, 3)), axis=a)
    agree("expand_dims", x, data.draw(st.integers(-len(shape) - 1, len(shape))))
    agree("tile", x, tuple(data.draw(st.lists(st.integers(1, 3), max_size=3))) or 1)
    agree("pad", x, [(data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in shape])


@few
@hypothesis.given(FULL_SHAPES.filter(len), DTYPES, st.data(), SEEDS)
def test_joining_and_cutting(shape, dtype, data, seed):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    other = list(shape)
    other[axis] = data.draw(st.integers(0, 3))
    x, y = array(shape, dtype, seed), array(other, dtype, seed + 1)
    agree("concatenate", [x, y], axis=axis)
    agree("append", x, y, axis=axis)
    cuts = sorted(data.draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
    agree("split", x, cuts, axis=axis)
    agree("array_split", x, data.draw(st.integers(1, 4)), axis=axis)
    places = np.random.default_rng(seed).integers(0, shape[axis], data.draw(FULL_SHAPES))
    agree("take", x, places, axis=axis)


@st.composite
def factors(draw):
    """Two shapes that matmul takes."""
    n, m, k = (draw(st.integers(1, 4)) for _ in range(3))
    first, second = draw(two_shapes().filter(lambda pair: all(0 not in s for s in pair)))
    if draw(st.booleans()):
        return (*first, n, m), (*second, m, k)
    return draw(st.sampled_from([((m,), (*second, m, k)), ((*first, n, m), (m,)), ((m,), (m,))]))


@few
@hypothesis.given(factors(), DTYPES, DTYPES, SEEDS)
def test_products(shapes, first, second, seed):
    x, y = array(shapes[0], first, seed), array(shapes[1], second, seed + 1)
    agree("matmul", x, y)
    agree("dot", x, y)
    agree("outer", x, y)


@few
@hypothesis.given(st.data(), st.sampled_from(["float32", "float64", "int32"]), SEEDS)
def test_einsum(data, dtype, seed):
    """Each letter has one size; the result is any choice of those that occur."""
    sizes = dict(zip("abcd", (2, 3, 1, 4), strict=True))
    names = st.lists(st.sampled_from("abcd"), unique=True, min_size=1, max_size=3).map("".join)
    terms = data.draw(st.lists(names, min_size=1, max_size=3))
    letters = sorted(set("".join(terms)))
    result = data.draw(st.lists(st.sampled_from(letters), unique=True)) if letters else []
    xs = [array([sizes[c] for c in term], dtype, seed + i) for i, term in enumerate(terms)]
    agree("einsum", f"{','.join(terms)}->{''.join(result)}", *xs)
