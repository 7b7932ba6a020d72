"""How dtypes combine, and which ones things have by default."""

import itertools

import numpy as np
import pytest
from cases.graphs import placeholder

from kerasish import config, ops
from kerasish.graph import dtypes
from kerasish.graph.function import Function
from kerasish.graph.variable import Variable
from kerasish.ops import random

NUMBERS = (
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "int8",
    "int16",
    "int32",
    "float16",
    "bfloat16",
    "float32",
    "uint64",
    "int64",
    "float64",
)
# What some pairs combine to; the whole table is compared with JAX's where that is installed.
PAIRS = [
    ("bool", "int8", "int8"),
    ("uint8", "int8", "int16"),
    ("uint32", "int32", "int64"),
    ("uint16", "int64", "int64"),
    ("int64", "float16", "float16"),
    ("float16", "bfloat16", "float32"),
    ("float32", "float64", "float64"),
    ("int", "bool", "int32"),
    ("int", "uint8", "uint8"),
    ("int", "float16", "float16"),
    ("float", "int64", "float32"),
    ("float", "bool", "float32"),
    ("float", "bfloat16", "bfloat16"),
    ("float", "float64", "float64"),
    ("float", "int", "float32"),
    ("uint64", "int64", "float32"),
    (float, "float16", "float16"),
    (int, "uint8", "uint8"),
    (np.dtype("int64"), "int", "int64"),
    (None, np.int8, "float32"),
]


@pytest.mark.parametrize(("a", "b", "result"), PAIRS)
def test_dtypes_combine(a, b, result):
    assert dtypes.result_type(a, b) == dtypes.result_type(b, a) == result


def test_dtypes_combine_as_in_jax():
    jnp = pytest.importorskip("jax.numpy")
    weak = {"int": 1, "float": 1.0}
    differing = []
    for a, b in itertools.product((*NUMBERS, *weak), repeat=2):
        operands = [
            weak.get(name, getattr(jnp, "bool_" if name == "bool" else name, None))
            for name in (a, b)
        ]
        expected = _jax_result(operands)
        if dtypes.result_type(a, b) != expected:
            differing.append((a, b, dtypes.result_type(a, b), expected))
    assert differing == []


def _jax_result(operands):
    """What JAX combines them to in its 64-bit mode, its weak defaults taken as 32 bits."""
    import jax

    with jax.enable_x64(True):
        result = jax.dtypes.result_type(*operands, return_weak_type_flag=True)
    dtype, weak = result
    narrow = {"int64": "int32", "float64": "float32"}
    return narrow[dtype.name] if weak and dtype.name in narrow else dtype.name


def test_python_numbers_are_weak():
    for dtype in ("float16", "float32", "float64"):
        x = placeholder(2, dtype=dtype)
        assert {(x + 1).dtype, (2.5 * x).dtype, ops.maximum(x, 0).dtype} == {dtype}
    i = placeholder(2, dtype="uint8")
    assert ((i + 1).dtype, (i * 0.5).dtype, (i / 2).dtype) == ("uint8", "float32", "float32")
    assert (ops.convert_to_tensor(1).dtype, ops.convert_to_tensor(1.0).dtype) == (
        "int32",
        "float32",
    )
    assert ops.convert_to_tensor([1.0, 2]).dtype == "float32"
    assert ops.convert_to_tensor(np.zeros(2)).dtype == "float64"


def test_floatx_is_the_default():
    config.set_floatx("float16")
    assert {
        ops.ones(2).dtype,
        ops.convert_to_tensor(0.5).dtype,
        ops.mean([1, 2]).dtype,
        ops.exp(placeholder(2, dtype="int32")).dtype,
        random.normal((2,)).dtype,
        Variable([0.5]).dtype,
    } == {"float16"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "uint8", "int64"])
def test_other_dtypes_compute(dtype):
    """On the reference; other engines may have fewer dtypes."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    x = placeholder(3, dtype=dtype)
    total, larger, whole = Function([x], [ops.sum(x * 2), ops.maximum(x, 2), x / 2])([1, 2, 3])
    assert larger.dtype.name == dtype
    assert (float(total), larger.astype("float64").tolist()) == (12, [2, 2, 3])
    assert whole.astype("float64").tolist() == [0.5, 1, 1.5]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "float32"),
        (float, "float32"),
        (int, "int32"),
        (bool, "bool"),
        ("bool", "bool"),
        (np.float64, "float64"),
        (np.dtype("int8"), "int8"),
        (np.dtype("float64"), "float64"),  # which equals Python's float
        (np.dtype("int64"), "int64"),
        (np.zeros(1, "uint16").dtype, "uint16"),
    ],
)
def test_names_of_dtypes(given, name):
    assert dtypes.standardize(given) == name


@pytest.mark.parametrize("bad", ["float8", "complex64", "string", object])
def test_unknown_dtypes(bad):
    with pytest.raises(ValueError, match=r"Unknown dtype .* Expected one of: bool, uint8"):
        dtypes.standardize(bad)
    with pytest.raises(ValueError, match="Unknown dtype"):
        dtypes.result_type("float32", bad)


def test_no_dtypes_combine_to_floatx():
    assert dtypes.result_type() == "float32"


@pytest.mark.parametrize("bad", ["text", None, object(), [1, "a"], 1j])
def test_what_is_no_tensor(bad):
    with pytest.raises(TypeError, match=r"add\S* .*(numbers, an array of numbers|Cannot make)"):
        ops.add(bad, 1)
