"""Tensors in NumPy's hands: its functions take them for arrays."""

import numpy as np
import pytest

from kerasish import ops

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


def test_tensors_cannot_be_written_to():
    with pytest.raises(TypeError, match="sum: tensors cannot be written to"):
        np.sum(ops.convert_to_tensor(X), out=np.zeros(()))


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
    assert np.asarray(z).dtype == "complex64"
    assert "shape=(2,)" in repr(z)
    real, imaginary = z
    assert real is z.real
    assert imaginary is z.imag
