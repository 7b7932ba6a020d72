"""Programs that CNTK computes with the help of NumPy: they change hands in the middle."""

import numpy as np
import pytest

from kerasish import config, ops
from kerasish.engines import reference, registry
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder
from kerasish.graph.variable import Variable

pytestmark = pytest.mark.skipif(not registry.installed("cntk")[0], reason="CNTK is not installed")

RNG = np.random.default_rng(5)
X = RNG.normal(size=(4, 6, 6, 2)).astype("float32")
ROWS = RNG.normal(size=(5, 4)).astype("float32")


def _integers_between_floats(x):
    """CNTK, NumPy, CNTK: the place of the maximum, arithmetic with it, the row there."""
    scores = ops.matmul(x, ops.transpose(x))
    place = (ops.argmax(scores, axis=1) * 3 + 1) % 5
    return [ops.matmul(ops.take(ops.tanh(scores), place, axis=0), x)]


def _ordered_products(x):
    """What CNTK cannot differentiate in the middle of what it can."""
    y = ops.sort(ops.matmul(x, ops.transpose(x)), axis=-1)
    return [ops.matmul(ops.tanh(y), x), ops.argsort(y[:, 0])]


def _decomposed(x):
    square = ops.matmul(ops.transpose(x), x) + 5 * ops.eye(4)
    return [ops.tanh(ops.cholesky(square)), ops.solve(square, ops.transpose(x))]


def _with_nothing(x):
    return [ops.concatenate([ops.tanh(x), x[:0]], 0), ops.sum(x[:0]), ops.sum(x[:0]) + x[0]]


def _convolving_loop(x):
    kernel = ops.ones((3, 3, 2, 2)) * 0.1
    last, _ = ops.scan(
        lambda c, v: (ops.tanh(ops.conv(c, kernel, padding="same") * v), None), x, ops.ones(3)
    )
    return [last]


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (_integers_between_floats, ROWS),
        (_ordered_products, ROWS),
        (_decomposed, ROWS),
        (_with_nothing, ROWS),
        (_convolving_loop, X),
    ],
)
def test_values_and_gradients_are_those_of_the_reference(make, data):
    results = []
    for name in ("numpy", "cntk"):
        with config.backend_scope(name):
            x = Placeholder(data.shape, "float32")
            outputs = make(x)
            loss = ops.sum(ops.square(outputs[0]))
            results.append(Function([x], [*outputs, ops.gradients(loss, x)])(data))
    for found, right in zip(results[1], results[0], strict=True):
        assert found.dtype == right.dtype
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


def test_integers_are_exact():
    large = np.array([2**24 + 1, 2**31 - 1, -(2**31) + 3], "int32")
    wide = np.array([2**53 + 1, 2**62 + 7, -5], "int64")
    with config.backend_scope("cntk"):
        x, y = Placeholder((3,), "int32"), Placeholder((3,), "int64")
        less, odd, shifted = Function([x, y], [x - 1, y % 2, ops.right_shift(y, 3)])(large, wide)
    np.testing.assert_array_equal(less, large - 1)
    np.testing.assert_array_equal(odd, wide % 2)
    np.testing.assert_array_equal(shifted, wide >> 3)


@pytest.mark.parametrize("name", ["numpy", "cntk"])
def test_updates_see_the_old_values(name):
    """Those of CNTK, of NumPy and of the gradients, made together at the end."""
    with config.backend_scope(name):
        a, b, steps = Variable([1.0, 2.0]), Variable([3.0, 5.0]), Variable(0, dtype="int32")
        slope = ops.gradients(ops.sum(a * ops.square(b)), b)
        swap = Function([], [steps], {a: b, b: a + slope, steps: steps + 1})
        assert [int(swap()[0]) for _ in range(2)] == [0, 1]
        # slope = 2 a b: first (6, 20), then with the new values 2 * (3 * 7, 5 * 22).
        np.testing.assert_allclose(a.numpy(), [7, 22])
        np.testing.assert_allclose(b.numpy(), [45, 225])
        assert int(steps.numpy()) == 2


@pytest.mark.parametrize("given", [False, True])
def test_large_variables_change_in_place_and_yet_together(given):
    """An optimizer's step in pieces, in the memory of the old values; those given out stay."""
    results = []
    for name in ("numpy", "cntk"):
        with config.backend_scope(name):
            x = Placeholder((2, 300), "float32")
            start = np.linspace(-1, 1, 300 * 300).reshape(300, 300)
            w, v, late = Variable(start), Variable(start[::-1]), Variable(0 * start)
            slope = ops.gradients(ops.mean(ops.square(x @ w - 1)), w)
            speed = 0.9 * v - 0.1 * slope
            updates = {v: speed, w: w + speed, late: w}
            step = Function([x], [ops.sum(speed), *([w, v] if given else [])], updates)
            data = np.linspace(0, 1, 600, dtype="float32").reshape(2, 300)
            outputs = [np.array(array) for _ in range(3) for array in step(data)]
            results.append([*outputs, w.numpy(), v.numpy(), late.numpy()])
    for found, right in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shared", [False, True])
def test_bias_and_relu_after_pooling_give_the_same(shared):
    results = []
    for name in ("numpy", "cntk"):
        with config.backend_scope(name):
            x = Placeholder(X.shape, "float32")
            kernel = Variable(np.linspace(-1, 1, 54).reshape(3, 3, 2, 3))
            bias = Variable([0.1, -2.0, 0.0])
            y = ops.relu(bias + ops.conv(x, kernel, padding="same"))
            pooled = ops.max_pool(y, 2, padding="same")
            loss = ops.sum(ops.square(pooled) + (ops.mean(y) if shared else 0.0))
            grads = ops.gradients(loss, [kernel, bias])
            results.append(Function([x], [pooled, *grads])(X))
    for found, right in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-4)


def test_convolutions_of_all_sizes_in_one_process():
    """MKL's divide by 0 in another number of threads than its first one had."""
    with config.backend_scope("cntk"):
        for window in (20, 10, 16, 3):
            x = Placeholder((4, 64, 64, 4), "float32")
            kernel = np.ones((window, window, 2, 4), "float32")
            (y,) = Function([x], [ops.conv(x, kernel)])(np.ones(x.shape, "float32"))
            np.testing.assert_allclose(y, 2 * window**2)


def test_what_numpy_computes_is_said():
    engine = registry.load("cntk")
    assert engine.lowers("svd")
    assert "matrices" in engine.by_numpy("svd")
    assert not engine.by_numpy("matmul")
    assert not reference().by_numpy("svd")
