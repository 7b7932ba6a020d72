"""Tensors in NumPy's hands: its functions take them for arrays."""

import numpy as np
import pytest

from kerasish import ops, random
from kerasish.graph import trace
from kerasish.graph.dtypes import numpy_dtype
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder
from kerasish.graph.variable import Variable

X = np.arange(6, dtype="float32").reshape(2, 3)
UNARY = """
    sum mean max min std var argmax argmin any all prod cumsum sort argsort sqrt exp transpose ravel
    round squeeze nonzero unique
""".split()
CALLS = [
    *((name, lambda f, x: f(x)) for name in UNARY),
    ("sum", lambda f, x: f(x, axis=0, keepdims=True)),
    ("mean", lambda f, x: f(x, 1, "float64")),
    ("max", lambda f, x: f(x, axis=-1)),
    ("reshape", lambda f, x: f(x, (3, 2))),
    ("clip", lambda f, x: f(x, 1, 3)),
    ("concatenate", lambda f, x: f([x, x], 1)),
    ("dot", lambda f, x: f(x, x.T)),
    ("where", lambda f, x: f(x > 2, x, 0)),
    ("allclose", lambda f, x: f(x, X)),
]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
def test_numpys_functions(name, call):
    function = getattr(np, name)
    found, right = call(function, ops.convert_to_tensor(X)), call(function, X)
    np.testing.assert_allclose(np.asarray(found), np.asarray(right), rtol=1e-6)


PLACES = {
    "getitem": (lambda x, i: x[i], lambda x, i: x[i]),
    "slice": (lambda x, i: ops.slice(x, [i + 1], [2]), lambda x, i: x[i + 1 : i + 3]),
    "slice_update": (
        lambda x, i: ops.slice_update(x, [i], [7.0]),
        lambda x, i: np.where(np.arange(6) == i, 7, x),
    ),
    "roll": (ops.roll, np.roll),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_follow_the_variable_that_names_them(name):
    function, right = PLACES[name]
    x, place = X.ravel(), Variable(1, dtype="int32")
    run = Function([], [function(ops.convert_to_tensor(x), place)])
    for i in (1, 3):
        place.assign(i)
        np.testing.assert_array_equal(run()[0], right(x, i))


# What Python's and NumPy's users write, on an array or on a tensor: of floats, ints and booleans.
CUBE = np.arange(1, 25, dtype="float32").reshape(2, 3, 4)
EXPRESSIONS = """
    x + 1 | 2 - x | x * x | 1 / x | x // 2 | 7 % x | x ** 2 | 2 ** (x / 8) | -x | +x | abs(x - 9)
    divmod(x, 5)[0] | divmod(x, 5)[1] | divmod(50, x)[1]
    x @ x.transpose((0, 2, 1)) | x[0] @ x[0].T
    x > 3 | x <= x[0] | x == 3 | 3 != x | np.add(x, 1) | np.exp(x) | np.mean(x, 1) | x * np.sqrt(2)
    np.float64(2) * x | np.float32(2) * x | np.ones(4, "float32") - x | [1, 2, 3, 4] + x
    i & 3 | i.__or__(4) | i ^ 1 | ~i | i << 2 | 2 << i % 4 | i >> 1 | 40 >> i % 4 | i % 3 | i // 2
    b & ~b[::-1] | b ^ True | b.__ror__(True) | ~b | b & b[0]
    x[..., None] | x[::-1] | x[0, 1, 2] | x[:, ::-2] | x[-1, ..., 1:] | x[None, :, None] | x[()]
    x[[1, 0]] | x[:, [0, 2]] | x[[0, 1], [2, 0]] | x[[0, 1], :, [2, 0]] | x[0, :, [1, 3]]
    x[:, 0, [1]] | x[[[1, 0]], :, 0] | x[0, None, [1, 2]] | x[..., [0, 1], None]
    x[np.int64(1)] | x[np.array(1)] | x[:, [True, False, True]] | x[0, [True, False, True]]
    x[CUBE > 5] | x[CUBE[..., 0] > 3]
    x[range(2)] | x[[]] | x[[-1, -2]] | x[5:1] | x[-9:9] | x[:, -1:0:-1]
"""
OF_NUMBERS = """
    len(x) | float(x[0, 0, 0]) | int(x[1, 1, 1]) | complex(x[0, 0, 0]) | bool(x[0, 0, 0] > 1)
    5 in x | 500 in x | [float(a.sum()) for a in x] | round(x[0, 0, 0], 1) | f"{x[0, 0, 0]:.2f}"
    [7, 8, 9][i[0, 0, 1]] | np.asarray(x).sum() | np.asarray(x, "float64").dtype.name
    sorted(map(float, x[0, 0])) | x[0, 1, 2].item() | i[:1, 0, 0].item() | b[0, 0, 0].item()
    x[1].tolist() | b[0, 0].tolist() | i[1, 1, 1].tolist()
    f"{i[0, 0, 2]:03d}" | f"{x[0]}, {i[0, 1, 2]}"
"""


def expressions(table):
    return [e.strip() for line in table.strip().splitlines() for e in line.split(" | ")]


def evaluated(expression, x):
    names = {"x": x, "i": x.astype("int32"), "b": x > 5, "np": np, "CUBE": CUBE}
    return eval(expression, names)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("expression", expressions(EXPRESSIONS))
def test_expressions(expression):
    right = np.asarray(evaluated(expression, CUBE))
    found = evaluated(expression, ops.convert_to_tensor(CUBE))
    if "np." not in expression or "(x" not in expression:  # NumPy's functions give arrays
        sizes = (None, 3, 4) if "CUBE" not in expression else CUBE.shape
        x = Placeholder(sizes, "float32")
        y = evaluated(expression, x)
        assert all(n in (None, m) for n, m in zip(y.shape, right.shape, strict=True))
        np.testing.assert_allclose(Function([x], [y])(CUBE)[0], right, rtol=1e-5)
    assert np.shape(found) == right.shape
    assert str(found.dtype) in (right.dtype.name, right.dtype.name.replace("64", "32"))
    np.testing.assert_allclose(np.asarray(found), right, rtol=1e-5)


@pytest.mark.parametrize("expression", expressions(OF_NUMBERS))
def test_expressions_of_numbers(expression):
    right = evaluated(expression, CUBE)
    np.testing.assert_array_equal(evaluated(expression, ops.convert_to_tensor(CUBE)), right)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "bool", "float64"])
@pytest.mark.parametrize("kind", ["constant", "result", "variable", "value"])
def test_values_without_axes_are_numbers(kind, dtype):
    """As of TensorFlow's tensors and Keras's variables: they can be rounded and formatted."""
    variable = Variable(1, dtype=dtype)
    constant = ops.convert_to_tensor(1, dtype)
    x = {
        "constant": constant,
        "result": ops.stack([constant, constant])[0],
        "variable": variable,
        "value": variable.value,
    }[kind]
    value = x.numpy()
    assert isinstance(value, np.generic)
    assert value.dtype == numpy_dtype(dtype)
    assert type(x.item()) is type(x.tolist()) is type(value.item())
    assert f"{value:.2f}" == f"{x:.2f}" == "1.00"
    if dtype not in ("bfloat16", "bool"):  # of which NumPy rounds none
        assert round(value, 2) == 1
    for array in (np.asarray(x), ops.convert_to_numpy(x)):
        assert isinstance(array, np.ndarray)
        array[...] = 0  # the caller's own
    assert x.item() == 1


def test_mistakes_with_scalar_tensors():
    x = ops.convert_to_tensor(1.5)
    for function, message in [
        (len, "len.. of a scalar tensor: it has no axes"),
        (list, "Cannot iterate over a scalar tensor: it has no axes"),
        ([1, 2].__getitem__, "integer"),
    ]:
        with pytest.raises(TypeError, match=message):
            function(x)
    with pytest.raises(ValueError, match="size 1"):
        ops.ones(2).item()


# Python's ints that a narrow dtype does not hold: compared rightly, bounds like others, or errors.
BEYOND = """
    u == 256 | 256 != u | u < 256 | u <= -1 | u > -1 | 300 >= u | s > -129 | s == 128 | w < 2**40
    np.clip(u, -1, 2) | np.clip(u, 0, 300) | np.clip(s, -300, 300)
    u + 300 | -1 - s + 200 | u * -1 | u // 300 | 300 % u | u ** 300 | u & 256 | u | w + 2**31
    np.maximum(u, -1) | np.minimum(u, 300) | np.max(u, initial=256)
    np.full_like(u, 300) | s + 127
"""


@pytest.mark.skipif(np.__version__ < "2", reason="NumPy 1 widens instead")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("expression", expressions(BEYOND))
def test_numbers_that_a_dtype_does_not_hold(expression):
    def value(function, convert):
        names = {"u": [0, 1, 255], "s": [-128, 1, 127], "w": [0, 5]}
        kinds = {"u": "uint8", "s": "int8", "w": "int32"}
        arrays = {n: convert(np.array(values, kinds[n])) for n, values in names.items()}
        return eval(expression, {"np": function, **arrays})

    try:
        right = value(np, np.asarray)
    except OverflowError:
        with pytest.raises(OverflowError, match=r"does not fit (u?int8|int32), which holds "):
            value(ops, ops.convert_to_tensor)
    else:
        found = value(ops, ops.convert_to_tensor).numpy()
        assert found.dtype == right.dtype
        np.testing.assert_array_equal(found, right)


NUMBERS = {
    "celu": (0.5,),
    "elu": (0.5,),
    "hard_shrink": (1,),
    "leaky_relu": (0.5,),
    "soft_shrink": (0.5,),
    "squareplus": (4,),
    "threshold": (1, 2),
    "l2_normalize": (-1, 0.1),
    "normalize": (-1, 2, 0.1),
    "rms_normalization": (None, -1, 0.1),
}


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_numpy_are_numbers(name, kind):
    """As hyperparameters they leave the dtype as it is."""
    function, x = getattr(ops, name), X.astype("float16")
    given = [
        a if a in (None, -1) else kind(np.ceil(a) if kind is np.int64 else a) for a in NUMBERS[name]
    ]
    plain = [a.item() if isinstance(a, np.generic) else a for a in given]
    found, right = function(x, *given), function(x, *plain)
    assert found.dtype == right.dtype == "float16"
    np.testing.assert_array_equal(found.numpy(), right.numpy())


@pytest.mark.parametrize("operator", ["+=", "-=", "*=", "/=", "//=", "%=", "**=", "@="])
def test_operators_in_place(operator):
    """They make another tensor, as those of numbers do."""
    square = CUBE[0, :, :3]
    names = {"right": square.copy(), "other": square, "x": ops.convert_to_tensor(square)}
    first = names["x"]
    exec(f"x {operator} other; right {operator} other", names)
    np.testing.assert_allclose(names["x"].numpy(), names["right"], rtol=1e-6)
    np.testing.assert_array_equal(first.numpy(), square)


# What makes a size, a bound or a Python number of a value. In a graph that runs later it would
# be the value of today for ever.
FROZEN = {
    "slice": lambda x, v: x[v : v + 2],
    "repeat": ops.repeat,
    "arange": lambda x, v: ops.arange(v),
    "top_k": ops.top_k,
    "one_hot": lambda x, v: ops.one_hot(ops.cast(x, "int32"), v),
    "reshape": lambda x, v: ops.reshape(x, (v, -1)),
    "full": lambda x, v: ops.full((v,), 1.0),
    "tile": ops.tile,
    "split": lambda x, v: ops.split(x, v),
    "unstack": lambda x, v: ops.unstack(ops.reshape(x, (2, -1)), v),
    "pad": ops.pad,
    "segment_sum": lambda x, v: ops.segment_sum(x, [0, 0, 1, 1, 2, 2], v),
    "segments": lambda x, v: ops.segment_sum(x, v + np.arange(6)),
    "bincount": lambda x, v: ops.bincount(v + np.arange(3)),
    "nonzero": lambda x, v: ops.nonzero(x > ops.cast(v, "float32")),
    "mask": lambda x, v: x[x > ops.cast(v, "float32")],
    "float": lambda x, v: x * float(v),
    "if": lambda x, v: x if v > 1 else -x,
    "index": lambda x, v: [x, x, -x][v],
    "numpy": lambda x, v: x + np.sqrt(v),
    "sampled": lambda x, v: x * float(random.uniform(())),
}


@pytest.mark.parametrize("name", FROZEN)
def test_no_value_is_frozen_in_a_graph(name):
    x, v = ops.convert_to_tensor(X.ravel()), Variable(2, dtype="int32", name="count")
    FROZEN[name](x, v)  # is fine at once
    with trace.Trace(at_once=True):
        FROZEN[name](x, v)
    # Mistakes of a kind that the operation has other words for are ValueErrors.
    message = "may be another one in each run|values of|depends on values|values that are known"
    with trace.Trace(), pytest.raises((TypeError, ValueError, IndexError), match=message):
        FROZEN[name](x, v)


def test_no_value_is_frozen_beside_an_input():
    """The functional API opens no trace; what has an Input behind it runs later as well."""
    x, v = Placeholder((None, 6), "float32"), Variable(2, dtype="int32", name="count")
    with pytest.raises(TypeError, match="The value of count may be another one"):
        x[:, v : v + 2]
    assert Function([x], [ops.slice(x[0], [v], [2])])(X.reshape(1, 6))[0].tolist() == [2, 3]


def test_what_is_assigned_in_a_trace_is_what_is_read_there():
    v = Variable(2.0)
    with trace.Trace(at_once=True):
        v.assign_add(1.0)
        assert float(v) == 3
    assert float(v) == 2


def test_lists_of_tensors():
    v = Variable(2.0)
    run = Function([], [ops.convert_to_tensor([1.0, v, 3 * v]), ops.sum([[v, 1], [2, v]])])
    for value in (2.0, 5.0):
        v.assign(value)
        found = run()
        assert found[0].tolist() == [1, value, 3 * value]
        assert found[1] == 2 * value + 3


UNKNOWN = {
    "split": lambda x: ops.split(x, 3, axis=1)[2],
    "glu": lambda x: ops.glu(x, axis=0),
    "diagonal": lambda x: ops.diagonal(x, -1),
    "trace": lambda x: ops.trace(x, 2),
    "corrcoef": ops.corrcoef,
    "pad": lambda x: ops.pad(x, ((1, 0), (0, 2)), "reflect"),
    "top_k": lambda x: ops.top_k(x, 2)[0],
    "softmax": lambda x: ops.softmax(x, (0, 1)),
    "rfft": lambda x: ops.rfft(x, 4)[1],
    "extract_sequences": lambda x: ops.extract_sequences(x, 2, 1),
    "resize": lambda x: ops.image.resize(x[..., None], (4, 2)),
    "array_split": lambda x: ops.array_split(x, 2, axis=1)[1],
    "solve": lambda x: ops.solve(x @ ops.transpose(x) + 2 * np.eye(2, dtype="float32"), x),
    "cross": lambda x: ops.cross(x, x[..., ::-1] * 2),
    "vectorized_map": lambda x: ops.vectorized_map(ops.logsumexp, x),
    "depthwise_conv": lambda x: ops.depthwise_conv(x[None], np.ones((2, 3, 1)), padding="same"),
}


@pytest.mark.parametrize("shape", [(None, 3), (2, None), (None, None)], ids=str)
@pytest.mark.parametrize("name", UNKNOWN)
def test_sizes_may_be_unknown(name, shape):
    x = Placeholder(shape, "float32")
    y = UNKNOWN[name](x)
    value, right = Function([x], [y])(X)[0], UNKNOWN[name](ops.convert_to_tensor(X)).numpy()
    assert all(n in (None, m) for n, m in zip(y.shape, right.shape, strict=True))
    np.testing.assert_allclose(value, right, rtol=1e-6)


OF_SQUARES = "cholesky cholesky_inverse det eigh inv logdet lu_factor slogdet".split()


@pytest.mark.parametrize("shape", [(None, 2), (2, None)], ids=str)
@pytest.mark.parametrize("name", OF_SQUARES)
def test_one_side_of_a_square_is_the_other(name, shape):
    function, square = getattr(ops, name), np.float32([[4, 1], [1, 3]])
    x, right = Placeholder(shape, "float32"), function(square)
    several = isinstance(right, tuple)
    found = function(x) if several else (function(x),)
    values = Function([x], list(found))(square)
    for y, value, wanted in zip(found, values, right if several else (right,), strict=True):
        assert y.spec == wanted.spec
        np.testing.assert_allclose(value, wanted.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        Function([x], list(found))(np.ones((2, 3) if shape[0] else (3, 2), "float32"))


EMPTY = {
    "vdot": lambda x: ops.vdot(x, x),
    "inner": lambda x: ops.inner(x, x),
    "tensordot": lambda x: ops.tensordot(x, ops.transpose(x), 1),
    "logsumexp": lambda x: ops.logsumexp(x, 1),
    "max": lambda x: ops.max(x, 1, initial=3.0),
    "nansum": lambda x: ops.nansum(x, 1),
    "nanmax": lambda x: ops.nanmax(x, 1),
    "nanquantile": lambda x: ops.nanquantile(x, [0.1, 0.5], 1),
    "softmax": ops.softmax,
    "multi_hot": lambda x: ops.multi_hot(ops.cast(x, "int32"), 3),
    "matrix_rank": ops.matrix_rank,
    "associative_scan": lambda x: ops.associative_scan(ops.add, x, axis=1),
    "log_softmax": lambda x: ops.log_softmax(x, (0, 1)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_unknown_sizes_may_be_0(name):
    x, value = Placeholder((None, None), "float32"), np.zeros((2, 0), "float32")
    right = EMPTY[name](ops.convert_to_tensor(value)).numpy()
    np.testing.assert_array_equal(Function([x], [EMPTY[name](x)])(value)[0], right)


MISFITS = {
    "split": (lambda x: ops.split(x, 2, axis=1)[0], "size 3 has no 2 equal parts"),
    "pad": (lambda x: ops.pad(x, 2, "reflect"), "size 2 is too short to mirror 2"),
    "cross": (lambda x: ops.cross(x[:, :2], x[:, 1:]), "unknown size count as ones of 3 elements"),
    "top_k": (lambda x: ops.top_k(x, 4)[0], r"k is 4, but the last axis of \(2, 3\)"),
    "slice": (lambda x: ops.slice(x, (0, 1), (3, 1)), "0 to 2 are out of range .* of size 2"),
    "slice_update": (lambda x: ops.slice_update(x, (1, 0), X), "1 to 3 is not within axis 0"),
    "unstack": (lambda x: ops.unstack(x, 1)[0], r"cannot reshape \(2, 3\)"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_unknown_sizes_that_do_not_fit(name):
    function, message = MISFITS[name]
    x = Placeholder((None, None), "float32")
    run = Function([x], [function(x)])
    with pytest.raises(ValueError, match=message):
        run(X)


def test_tensors_cannot_be_written_to():
    x, total = ops.convert_to_tensor(X), np.zeros(())
    assert np.sum(x, out=total) is total
    np.testing.assert_allclose(total, X.sum(), rtol=1e-6)
    with pytest.raises(TypeError, match="sum: tensors cannot be written to"):
        np.sum(X, out=ops.zeros(()))
    with pytest.raises(TypeError, match="copyto: tensors cannot be written to"):
        np.copyto(x, X + 1)


def test_complex_numbers():
    """What is not an operation: their arithmetic with numbers and arrays, and their looks."""
    z = ops.view_as_complex(X[:, :2])
    exact = X[:, 0] + 1j * X[:, 1]
    assert (z.shape, z.ndim, z.dtype) == ((2,), 1, "complex64")
    for found, right in [
        (2 + z, 2 + exact),
        (1j - z, 1j - exact),
        (exact * z, exact * exact),
        (-z / 2, -exact / 2),
        (2 / z, 2 / exact),
        (z[1], exact[1]),
        (z.conjugate(), exact.conj()),
        (abs(z), abs(exact)),
    ]:
        np.testing.assert_allclose(np.asarray(found), right, rtol=1e-6)
    for found, right in [
        (z - np.uint8(3), exact - 3),  # as small ints, 0 - 3 would be 253
        (z / 50000, exact / 50000),  # whose square no int32 holds
        (z / 1e30, exact / 1e30),
        (1e-30 * z / (1e-30 * z), exact / exact),
        (z == exact, [True, True]),
        (z != z.conjugate(), exact.imag != 0),
    ]:
        np.testing.assert_allclose(np.asarray(found), right, rtol=1e-6)
    precise = ops.view_as_complex(np.float64([1, 2]))
    for number in (0.1, 0.1j):
        np.testing.assert_array_equal(np.asarray(precise * number), (1 + 2j) * number)
    assert np.asarray(z).dtype == "complex64"
    assert "shape=(2,)" in repr(z)
    real, imaginary = z
    assert real is z.real
    assert imaginary is z.imag
