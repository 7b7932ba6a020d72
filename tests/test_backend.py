"""`kerasish.backend`: older Keras's names do in NumPy's terms what they say."""

import numpy as np
import pytest

from kerasish import backend as K
from kerasish import config, layers
from kerasish.graph.trace import Trace

rng = np.random.default_rng(0)
X = rng.standard_normal((2, 3, 4)).astype("float32")
IMAGE = rng.standard_normal((1, 4, 4, 2)).astype("float32")
KERNEL = rng.standard_normal((2, 2, 2, 3)).astype("float32")
FIRST = np.moveaxis(IMAGE, -1, 1)


def scaled(x, mean, var, beta, gamma):
    return (x - mean) / np.sqrt(var + 1e-3) * gamma + beta


V = np.arange(1, 5, dtype="float32")

CASES = {
    "sum": (K.sum(X, axis=1, keepdims=True), X.sum(1, keepdims=True)),
    "argmax": (K.argmax(X), X.argmax(-1)),
    "argmin": (K.argmin(X, axis=0), X.argmin(0)),
    "cumsum": (K.cumsum(X), X.cumsum(0)),
    "pow": (K.pow(X, 2), X**2),
    "clip": (K.clip(X, -0.5, 0.5), X.clip(-0.5, 0.5)),
    "relu": (K.relu(X, alpha=0.1, max_value=1), np.where(X > 0, np.minimum(X, 1), 0.1 * X)),
    "hard_sigmoid": (K.hard_sigmoid(X), np.clip(0.2 * X + 0.5, 0, 1)),
    "switch": (K.switch(X[:, 0, 0] > 0, X, lambda: -X), np.where(X[:, :1, :1] > 0, X, -X)),
    "dot": (K.dot(X, X[0].T), X @ X[0].T),
    "l2_normalize": (K.l2_normalize(X, -1), X / np.linalg.norm(X, axis=-1, keepdims=True)),
    "l2_normalize all": (K.l2_normalize(X), X / np.linalg.norm(X)),
    "concatenate": (K.concatenate([X, X]), np.concatenate([X, X], -1)),
    "expand_dims": (K.expand_dims(X), X[..., None]),
    "permute_dimensions": (K.permute_dimensions(X, (2, 0, 1)), X.transpose(2, 0, 1)),
    "reverse": (K.reverse(X, axes=1), X[:, ::-1]),
    "batch_flatten": (K.batch_flatten(X), X.reshape(2, 12)),
    "repeat": (K.repeat(X[0], 5), np.repeat(X[0][:, None], 5, 1)),
    "repeat_elements": (K.repeat_elements(X, 2, axis=1), X.repeat(2, 1)),
    "slice": (K.slice(X, (0, 1, 2), (-1, 2, 1)), X[:, 1:3, 2:3]),
    "gather": (K.gather(X, [1, 0, 1]), X[[1, 0, 1]]),
    "one_hot": (K.one_hot([0, 2], 3), np.eye(3)[[0, 2]]),
    "arange": (K.arange(2, 8, 3), np.array([2, 5])),
    "zeros_like": (K.zeros_like(X, "int32"), np.zeros_like(X)),
    "ones": (K.ones((2, 3)), np.ones((2, 3))),
    "zeros": (K.zeros((2, 3)), np.zeros((2, 3))),
    "eye": (K.eye(3), np.eye(3)),
    "constant": (K.constant(2, shape=(2, 2)), np.full((2, 2), 2)),
    "bias_add": (K.bias_add(IMAGE, [1.0, 2.0]), IMAGE + [1, 2]),
    "bias_add first": (
        K.bias_add(FIRST, [1.0, 2.0], "channels_first"),
        FIRST + np.reshape([1, 2], (2, 1, 1)),
    ),
    "conv2d": (K.conv2d(IMAGE, KERNEL)[0, 0, 0], np.tensordot(IMAGE[0, :2, :2], KERNEL, 3)),
    "pool2d": (K.pool2d(IMAGE, (4, 4), pool_mode="avg")[0, 0, 0], IMAGE.mean((0, 1, 2))),
    "temporal_padding": (K.temporal_padding(X, (1, 2)), np.pad(X, ((0, 0), (1, 2), (0, 0)))),
    "spatial_2d_padding": (
        K.spatial_2d_padding(IMAGE),
        np.pad(IMAGE, ((0, 0), (1, 1), (1, 1), (0, 0))),
    ),
    "spatial_2d_padding first": (
        K.spatial_2d_padding(FIRST, ((1, 2), (3, 4)), "channels_first"),
        np.pad(FIRST, ((0, 0), (0, 0), (1, 2), (3, 4))),
    ),
    "batch_normalization": (K.batch_normalization(X, V, V, V, V), scaled(X, V, V, V, V)),
    "in_test_phase": (K.in_test_phase(X, -X, training=False), X),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    got, expected = CASES[name]
    np.testing.assert_allclose(K.eval(got), expected, rtol=1e-5, atol=1e-6)


def test_function_computes_then_updates():
    x, count = K.placeholder(ndim=2), K.variable(1.0)
    f = K.function([x], [K.sum(x) * count], updates=[(count, count + 1)])
    assert f([np.ones((2, 2))]) == [4.0]
    assert f([np.ones((2, 2))]) == [8.0]
    assert K.get_value(count) == 3.0
    assert K.function([x], K.max(x))([np.eye(2)]) == 1.0


def test_updates_happen_now_or_with_the_function():
    v = K.variable([1.0, 2.0])
    K.update_add(v, [1.0, 1.0])
    K.update_sub(v, [0.5, 0.5])
    assert K.get_value(v).tolist() == [1.5, 2.5]
    with Trace() as effects:
        K.moving_average_update(v, np.zeros(2), 0.5)
    assert K.get_value(v).tolist() == [1.5, 2.5]
    assert K.eval(effects.updates[v]).tolist() == [0.75, 1.25]
    K.batch_set_value([(v, [0.0, 1.0])])
    assert K.batch_get_value([v])[0].tolist() == [0.0, 1.0]


def test_what_a_tensor_is():
    x, v = layers.Input((3,)), K.variable(1.0)
    y = layers.Dense(2)(x)
    assert [K.is_keras_tensor(t) for t in (x, y, v, 1.0)] == [True, True, False, False]
    assert [K.is_placeholder(t) for t in (x, y)] == [True, False]
    assert [K.is_tensor(t) for t in (x, v, np.ones(2))] == [True, True, False]
    assert [K.is_variable(t) for t in (x, v)] == [False, True]
    assert K.int_shape(y) == (None, 2)
    assert K.dtype(np.ones(2, "int8")) == "int8"
    assert K.count_params(X) == 24


def test_random_numbers():
    uniform = K.eval(K.random_uniform_variable((1000,), 2.0, 4.0, seed=1))
    assert uniform.min() >= 2
    assert uniform.max() < 4
    normal = K.eval(K.random_normal((4000,), mean=3.0, stddev=0.1, seed=1))
    assert normal.mean() == pytest.approx(3, abs=0.01)
    dropped = K.eval(K.dropout(np.ones(1000, "float32"), 0.25, seed=1))
    assert set(np.unique(dropped.round(3))) == {0.0, np.float32(1.333)}


def test_settings():
    assert K.floatx() == config.floatx()
    assert K.cast_to_floatx([1, 2]).dtype == "float32"
    assert K.normalize_data_format(None) == "channels_last"
    assert K.standardize_dtype("int") == "int32"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: K.placeholder(), "needs a shape or a number of axes"),
        (lambda: K.normalize_data_format("last"), "data_format must be one of"),
        (lambda: K.pool2d(IMAGE, 2, pool_mode="sum"), "pool_mode must be"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
