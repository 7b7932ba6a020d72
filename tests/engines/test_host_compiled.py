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
