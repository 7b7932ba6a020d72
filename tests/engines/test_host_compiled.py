"""What Theano compiles: elsewhere in the tests programs run too seldom for it to do so."""

import numpy as np
import pytest

from kerasish import Function, config, ops
from kerasish.engines import registry
from kerasish.graph.tensor import Placeholder
from kerasish.graph.variable import Variable


def steps(name: str, jit: bool | None) -> list[np.ndarray]:
    """The losses and the weights of a few training steps with convolution and pooling."""
    rng = np.random.default_rng(0)
    with config.backend_scope(name):
        x = Placeholder((4, 8, 8, 2), "float32")
        kernel = Variable(rng.normal(size=(3, 3, 2, 3)) * 0.3)
        average, weights = Variable(np.zeros((3, 3, 2, 3))), Variable(rng.normal(size=(27, 2)))
        y = ops.relu(ops.conv(x, kernel, padding="same"))
        y = ops.max_pool(y, 2, strides=1) + ops.average_pool(y, 2, strides=1)
        y = ops.reshape(y[:, ::3, ::3], (4, 27)) @ weights
        loss = ops.mean(ops.square(ops.softmax(y) - 0.3))
        in_kernel, in_weights = ops.gradients(loss, [kernel, weights])
        new = 0.9 * average + 0.1 * ops.square(in_kernel)
        updates = {
            kernel: kernel - 0.1 * in_kernel / ops.sqrt(new + 1e-3),
            average: new,
            weights: weights - 0.1 * in_weights,
        }
        step = Function([x], [loss], updates)
        step.jit = jit
        data = rng.normal(size=(4, 8, 8, 2)).astype("float32")
        losses = [step(data)[0] for _ in range(3)]
        return [np.array(losses), kernel.numpy(), average.numpy(), weights.numpy()]


@pytest.mark.skipif(not registry.installed("theano")[0], reason="Theano is not installed")
@pytest.mark.parametrize("jit", [True, False])
def test_compiled_and_interpreted_steps_agree_with_the_reference(jit):
    for found, right in zip(steps("theano", jit), steps("numpy", None), strict=True):
        np.testing.assert_allclose(found, right, rtol=2e-4, atol=1e-6)


def conventions(name: str, jit: bool | None) -> list[np.ndarray]:
    """What C++ and NumPy could see differently, and sums and loops that Theano does not do."""
    with config.backend_scope(name):
        ints = Placeholder((4, 4), "int32"), Placeholder((4, 4), "int32")
        floats, many = Placeholder((4, 4), "float32"), Placeholder((3, 8, 8, 64), "float32")
        state = ops.mean(many, axis=(0, 1))
        images = [ops.reshape(x, (1, 4, 4, 1)) for x in (*ints, ops.cast(ints[1], "uint8"), floats)]
        function = Function(
            [*ints, floats, many],
            [
                ops.floor_divide(*ints),
                ops.mod(*ints),
                ops.maximum(*ints),
                ops.min(ints[0], axis=1),
                ops.power(ints[0], 3),
                ops.floor_divide(floats, 0.1),
                ops.relu(floats),
                *(ops.sum(many, axis=axis) for axis in (0, (0, 1, 2), (1, 2, 3), (0, 3), None)),
                *ops.scan(lambda c, x: (ops.tanh(c + x), c[0]), state, many[:, 0], reverse=True),
                ops.sort(floats, axis=0),
                *(ops.max_pool(x, 2, 1, padding) for x in images for padding in ("same", "valid")),
            ],
        )
        function.jit = jit
        x = np.array([7, -7, 0, 2**31 - 1], "int32")[:, None] + np.zeros(4, "int32")
        y = np.array([2, -2, 0, 5], "int32") + np.zeros((4, 1), "int32")
        odd = np.array([1, -1, np.nan, np.inf], "float32")[:, None] * np.ones(4, "float32")
        return function(x, y, odd, np.random.default_rng(0).random((3, 8, 8, 64), "float32"))


@pytest.mark.skipif(not registry.installed("theano")[0], reason="Theano is not installed")
@pytest.mark.parametrize("jit", [True, False])
def test_conventions_are_those_of_the_reference(jit):
    for found, right in zip(conventions("theano", jit), conventions("numpy", None), strict=True):
        assert found.dtype == right.dtype
        np.testing.assert_allclose(found, right, rtol=1e-5)
