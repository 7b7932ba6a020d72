"""`kerasish.backend`: older Keras's names do in NumPy's terms what they say."""

import inspect
import re

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasish import backend as K
from kerasish import config, layers, models
from kerasish.graph.trace import Trace

rng = np.random.default_rng(0)
X = rng.standard_normal((2, 3, 4)).astype("float32")
IMAGE = rng.standard_normal((1, 4, 4, 2)).astype("float32")
KERNEL = rng.standard_normal((2, 2, 2, 3)).astype("float32")
FIRST = np.moveaxis(IMAGE, -1, 1)


def scaled(x, mean, var, beta, gamma):
    return (x - mean) / np.sqrt(var + 1e-3) * gamma + beta


V = np.arange(1, 5, dtype="float32")
STEPS = rng.standard_normal((2, 5, 2)).astype("float32")
VOLUME = rng.standard_normal((1, 2, 3, 2, 2)).astype("float32")
DEPTHWISE = rng.standard_normal((2, 2, 2, 3)).astype("float32")
POINTWISE = rng.standard_normal((1, 1, 6, 4)).astype("float32")
LOCAL = rng.standard_normal((2, 6, 4)).astype("float32")  # 2 places, windows of 3 by 2 channels
LOCAL_2D = rng.standard_normal((9, 8, 3)).astype("float32")
STRIDED = {"strides": (2, 2), "padding": "same"}


def convolved(x, kernel, stride=1):
    """A "valid" convolution of images, by its definition."""
    height, width = kernel.shape[:2]
    rows = range(0, x.shape[1] - height + 1, stride)
    columns = range(0, x.shape[2] - width + 1, stride)
    windows = [[x[:, i : i + height, j : j + width] for j in columns] for i in rows]
    return np.einsum("ijbhwc,hwcf->bijf", windows, kernel)


def transposed(y, kernel, stride, shape):
    """What `convolved` does backwards: each output adds the kernel to the place it came from."""
    x = np.zeros(shape)
    for i, j in np.ndindex(y.shape[1:3]):
        rows, columns = (slice(stride * n, stride * n + len(kernel)) for n in (i, j))
        x[:, rows, columns] += np.einsum("bf,hwcf->bhwc", y[:, i, j], kernel)
    return x


def by_channel(x, kernel):
    """A depthwise convolution: each channel with its own kernels."""
    each = [convolved(x[..., [c]], kernel[:, :, [c]]) for c in range(x.shape[-1])]
    return np.concatenate(each, -1)


def local(x, kernel, window, stride):
    """Each window with a kernel of its own."""
    parts = [x[:, i * stride : i * stride + window] for i in range(len(kernel))]
    return np.stack([p.reshape(len(x), -1) @ k for p, k in zip(parts, kernel, strict=True)], 1)


def local_2d(x, kernel):
    """Channels first: windows of 2 by 2, whose elements have the channels first too."""
    places = [x[:, :, i : i + 2, j : j + 2] for i in range(3) for j in range(3)]
    each = [p.reshape(len(x), -1) @ k for p, k in zip(places, kernel, strict=True)]
    return np.stack(each, -1).reshape(len(x), -1, 3, 3)


CASES = {
    "batch_dot": (K.batch_dot(X, X, axes=2), np.einsum("bij,bkj->bik", X, X)),
    "batch_dot vectors": (K.batch_dot(X[0], X[1]), (X[0] * X[1]).sum(-1, keepdims=True)),
    "batch_dot default": (K.batch_dot(X, STEPS[:, :4]), X @ STEPS[:, :4]),
    "batch_dot matrix, vector": (
        K.batch_dot(X, X[:, 0], (2, 1)),
        np.einsum("bij,bj->bi", X, X[:, 0]),
    ),
    "cumprod": (K.cumprod(X, axis=1), X.cumprod(1)),
    "in_top_k": (K.in_top_k([[0.1, 0.7, 0.2]] * 2, [0, 2], 2), [False, True]),
    "in_top_k of no class": (K.in_top_k([[0.1, 0.7]] * 3, [2, -1, 0], 2), [False, False, True]),
    "sqrt": (K.sqrt([4.0, -1.0]), [2, 0]),
    "relu below 0": (K.relu(X, max_value=1, threshold=-1), np.where(X > -1, X.clip(0, 1), 0)),
    "clip backwards": (K.clip(X, 1, -1), np.full(X.shape, 1)),
    "clip below": (K.clip(X, 0, None), X.clip(0)),
    "switch tensors": (K.switch(X > 0, X, 0 * X), np.maximum(X, 0)),
    "switch functions": (K.switch(K.constant(1), lambda: X, lambda: -X), X),
    "flatten": (K.flatten(X), X.ravel()),
    "tile": (K.tile(X, (1, 2, 1)), np.tile(X, (1, 2, 1))),
    "stack": (K.stack([X, X], axis=1), np.stack([X, X], 1)),
    "unpack": (K.unpack(X, axis=1)[2], X[:, 2]),
    "gather floats": (K.gather(X, [1.0]), X[[1]]),
    "eye of a shape": (K.eye((2, 3)), np.eye(2, 3)),
    "bias_add per place": (K.bias_add(IMAGE, IMAGE[0]), IMAGE + IMAGE[0]),
    "bias_add per place first": (  # the elements keep their order
        K.bias_add(FIRST, IMAGE[0], "channels_first"),
        FIRST + IMAGE[0].reshape(2, 4, 4),
    ),
    "batch_normalization axis": (
        K.batch_normalization(X, V[:3], V[:3], V[:3], None, axis=1),
        scaled(X, *[V[:3, None]] * 3, 1),
    ),
    "normalize_batch_in_training": (
        K.normalize_batch_in_training(X, V, V, [0, 1])[0],
        scaled(X, X.mean((0, 1)), X.var((0, 1)), V, V),
    ),
    "normalize_batch_in_training variance": (
        K.normalize_batch_in_training(X, None, None, [0, 2])[2],
        X.var((0, 2)),
    ),
    "conv2d_transpose": (
        K.conv2d_transpose(IMAGE[:, :2, :2], DEPTHWISE.swapaxes(2, 3), (1, 5, 4, 3), (2, 2)),
        transposed(IMAGE[:, :2, :2], DEPTHWISE.swapaxes(2, 3), 2, (1, 5, 4, 3)),
    ),
    "conv2d_transpose first": (
        K.conv2d_transpose(
            FIRST[:, :, :2, :2],
            DEPTHWISE.swapaxes(2, 3),
            (1, 3, 4, 4),
            **STRIDED,
            data_format="channels_first",
        ),
        np.moveaxis(transposed(IMAGE[:, :2, :2], DEPTHWISE.swapaxes(2, 3), 2, (1, 4, 4, 3)), -1, 1),
    ),
    "depthwise_conv2d": (K.depthwise_conv2d(IMAGE, DEPTHWISE), by_channel(IMAGE, DEPTHWISE)),
    "separable_conv2d": (
        K.separable_conv2d(IMAGE, DEPTHWISE, POINTWISE),
        by_channel(IMAGE, DEPTHWISE) @ POINTWISE[0, 0],
    ),
    "separable_conv1d": (
        K.separable_conv1d(STEPS, DEPTHWISE[0], POINTWISE[0]),
        by_channel(STEPS[:, None], DEPTHWISE[:1])[:, 0] @ POINTWISE[0, 0],
    ),
    "local_conv1d": (K.local_conv1d(STEPS, LOCAL, (3,), (2,)), local(STEPS, LOCAL, 3, 2)),
    "local_conv2d": (
        K.local_conv2d(FIRST, LOCAL_2D, (2, 2), (1, 1), (3, 3), "channels_first"),
        local_2d(FIRST, LOCAL_2D),
    ),
    "resize_images": (
        K.resize_images(IMAGE, 2, 3, "channels_last"),
        IMAGE.repeat(2, 1).repeat(3, 2),
    ),
    "resize_images bilinear": (  # the second half of the way from the last pixel leads nowhere
        K.resize_images(IMAGE[:, :2], 2, 1, "channels_last", "bilinear")[0],
        [IMAGE[0, 0], (IMAGE[0, 0] + IMAGE[0, 1]) / 2, IMAGE[0, 1], IMAGE[0, 1]],
    ),
    "resize_volumes": (
        K.resize_volumes(VOLUME, 2, 1, 2, "channels_first"),
        VOLUME.repeat(2, 2).repeat(2, 4),
    ),
    "map_fn": (K.map_fn(lambda x: K.sum(x), X), X.sum((1, 2))),
    "map_fn several": (
        K.map_fn(lambda x: x[0] > x[1], (X, -X), dtype="float32"),
        (X > 0).astype("float32"),
    ),
    "foldl": (K.foldl(lambda a, x: a / 2 + x, V), ((1 / 2 + 2) / 2 + 3) / 2 + 4),
    "foldr": (K.foldr(lambda a, x: a / 2 + x, V, 8.0), (((8 / 2 + 4) / 2 + 3) / 2 + 2) / 2 + 1),
    "ctc_batch_cost": (  # the ways to say 0 in two steps: 0 0, 0 blank, blank 0
        K.ctc_batch_cost([[0, 1]], [[[0.5, 0.2, 0.3], [0.4, 0.5, 0.1]]], [[2]], [[1]]),
        [[-np.log(0.5 * 0.4 + 0.5 * 0.1 + 0.3 * 0.4)]],
    ),
    "ctc_decode": (
        K.ctc_decode([[[0.9, 0.0, 0.1], [0.9, 0.0, 0.1], [0.1, 0.8, 0.1]]], [3])[0][0],
        [[0, 1, -1]],
    ),
    "ctc_decode by search": (  # more ways lead to 0 than the likeliest one, to nothing
        K.ctc_decode([[[0.4, 0.0, 0.6]] * 2], [2], greedy=False, top_paths=2)[0][0],
        [[0, -1]],
    ),
    "ctc_decode without repeats": (
        K.ctc_decode(np.eye(3)[None, [0, 2, 0, 1]], [4], greedy=False, merge_repeated=True)[0][0],
        [[0, 1, -1, -1]],
    ),
    "ctc_decode with repeats": (
        K.ctc_decode(np.eye(3)[None, [0, 2, 0, 1]], [4], greedy=False)[0][0],
        [[0, 0, 1, -1]],
    ),
    "ctc_decode score": (
        K.ctc_decode([[[0.9, 0.1], [0.2, 0.8]]], [2])[1],
        [[-np.log(0.9 * 0.8)]],
    ),
    "to_dense": (K.to_dense(scipy.sparse.eye(3)), np.eye(3)),
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


# ---------------------------------------------------------------- products


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_dot_is_numpys(shape, data):
    other = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    other[-2 if len(other) > 1 else 0] = shape[-1]
    x, y = rng.standard_normal(shape), rng.standard_normal(other)
    np.testing.assert_allclose(K.eval(K.dot(x, y)), np.dot(x, y), rtol=1e-12, atol=1e-12)
    unknown = K.placeholder((None, *shape[1:]), dtype="float64")
    if len(shape) > 1:
        got = K.function([unknown], [K.dot(unknown, y)])([x])[0]
        np.testing.assert_allclose(got, np.dot(x, y), rtol=1e-12, atol=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_batch_dot_is_a_product_per_sample(data):
    sizes = st.lists(st.integers(1, 3), min_size=1, max_size=3)
    left, right = data.draw(sizes), data.draw(sizes)
    a, b = (data.draw(st.integers(0, len(s) - 1)) for s in (left, right))
    right[b] = left[a]
    x, y = rng.standard_normal((2, *left)), rng.standard_normal((2, *right))
    expected = np.stack([np.tensordot(x[i], y[i], (a, b)) for i in range(2)])
    expected = expected.reshape(2, 1) if expected.ndim == 1 else expected
    inputs = [K.placeholder((None, *v.shape[1:]), dtype="float64") for v in (x, y)]
    for axes in ((a + 1, b + 1), (a - len(left), b - len(right))):
        symbolic = K.batch_dot(*inputs, axes=axes)
        assert K.int_shape(symbolic) == (None, *expected.shape[1:])
        np.testing.assert_allclose(
            K.function(inputs, symbolic)([x, y]), expected, rtol=1e-12, atol=1e-12
        )


# ---------------------------------------------------------------- recurrence


def steps_of(x, mask, backwards, zero):
    """What `rnn` computes: a decaying sum along time with a constant, sample by sample."""
    outputs, state = [], np.zeros((len(x), x.shape[2]))
    previous = np.zeros_like(state)
    for t in range(x.shape[1])[:: -1 if backwards else 1]:
        counts = mask[:, t, None]
        output = 3 * (new := x[:, t] + 0.5 * state)
        state = np.where(counts, new, state)
        previous = np.where(counts, output, 0 if zero else previous)
        outputs.append(previous)
    return outputs[-1], np.stack(outputs, 1), state


def decay(x, states):
    new = x + 0.5 * states[0]
    return new * states[1], [new]


MASK = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], bool)
ALL = np.ones((2, 5), bool)


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("mask", "zero"), [(None, False), (MASK, False), (MASK[..., None], False), (MASK, True)]
)
def test_rnn(unroll, backwards, mask, zero):
    x = K.placeholder((None, 5, 2))
    options = {"go_backwards": backwards, "mask": mask, "unroll": unroll, "constants": [3.0]}
    last, outputs, states = K.rnn(
        decay, x, [K.zeros_like(x[:, 0])], **options, zero_output_for_mask=zero
    )
    assert K.int_shape(outputs) == (None if mask is None else 2, 5, 2)
    got = K.function([x], [last, outputs, *states])([STEPS])
    expected = steps_of(STEPS, ALL if mask is None else mask.reshape(2, 5), backwards, zero)
    for value, right in zip(got, expected, strict=True):
        np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-6)


def test_rnn_of_other_shapes():
    zeros = [np.zeros((2, 2), "float32")]
    options = {"constants": [3.0]}
    plain = K.rnn(decay, STEPS, zeros, **options)[1].numpy()
    major = K.rnn(decay, STEPS.swapaxes(0, 1), zeros, time_major=True, **options)[1]
    np.testing.assert_allclose(K.eval(major).swapaxes(0, 1), plain)
    only = K.rnn(decay, STEPS, zeros, return_all_outputs=False, **options)[1]
    np.testing.assert_allclose(K.eval(only), plain[:, -1:])
    short = K.rnn(decay, STEPS, zeros, input_length=[5, 2], **options)[0]
    np.testing.assert_allclose(K.eval(short), [plain[0, 4], plain[1, 1]])
    assert K.rnn(lambda x, states: (x * 2, []), STEPS, [])[1].shape == STEPS.shape


def test_gradients_through_rnn():
    w = K.variable(0.5)
    last = K.rnn(lambda x, s: (x + w * s[0], [x + w * s[0]]), STEPS, [np.zeros((2, 2), "f4")])[0]
    (gradient,) = K.gradients(K.sum(last), w)
    expected = sum(t * 0.5 ** (t - 1) * STEPS[:, 4 - t].sum() for t in range(1, 5))
    assert float(gradient) == pytest.approx(expected, rel=1e-5)


# ---------------------------------------------------------------- the learning phase


@pytest.fixture
def open_phase():
    yield
    K.clear_session()


def test_learning_phase_as_an_input(open_phase):
    x = layers.Input((3,))
    model = models.Model(x, layers.Dropout(0.5)(x * 1))
    f = K.function([model.input, K.learning_phase()], [model.output])
    ones = np.ones((4, 3))
    assert (f([ones, 0])[0] == 1).all()
    assert set(np.unique(f([ones, 1])[0])) <= {0.0, 2.0}
    assert (K.function([model.input], [model.output])([ones])[0] == 1).all()
    assert K.eval(K.switch(K.learning_phase(), 1.0, 2.0)) == 2.0
    run = K.get_session().run
    assert run(K.in_train_phase(1.0, 2.0, K.learning_phase()), {K.learning_phase(): 1}) == 1.0


def test_learning_phase_that_was_set_stays_with_layers(open_phase):
    data = np.ones((64, 3))
    x = layers.Input((3,))
    K.set_learning_phase(0)
    assert K.learning_phase() == 0
    still = layers.Dropout(0.9)(x)
    f = K.function([x, K.learning_phase()], [still])
    K.set_learning_phase(1)
    model = models.Model(x, [still, layers.Dropout(0.9)(x)])
    K.clear_session()
    assert K.learning_phase() is K.learning_phase()
    off, on = model.predict(data, verbose=0)
    assert (off == 1).all()
    assert (on == 0).any()
    assert (K.function([x, K.learning_phase()], [still])([data, 1])[0] == 1).all()
    with pytest.raises(ValueError, match="learning phase was set to 0"):
        f([data, 1])
    with pytest.raises(ValueError, match="0 \\(test\\) or 1"):
        K.set_learning_phase(2)


# ---------------------------------------------------------------- functions and variables


def test_function_computes_then_updates():
    x, count = K.placeholder(ndim=2), K.variable(1.0)
    f = K.function([x], [K.sum(x) * count], updates=[(count, count + 1)])
    assert f([np.ones((2, 2))]) == [4.0]
    assert f([np.ones((2, 2))]) == [8.0]
    assert K.get_value(count) == 3.0
    assert K.function([x], K.max(x))([np.eye(2)]) == 1.0


def test_function_with_values_of_its_own():
    x, y, v = K.placeholder((2,)), K.placeholder((2,)), K.variable(1.0)
    given = {y: [10.0, 20.0], K.learning_phase(): 1}
    outputs = [K.in_train_phase(x + y, x)]
    f = K.function([x], outputs, feed_dict=given, fetches=[K.update_add(v, 1.0)])
    assert f([[1, 2]])[0].tolist() == [11, 22]
    assert (f([[3, 4]])[0].tolist(), K.get_value(v)) == ([13, 24], 3)
    with pytest.raises(TypeError, match="takes a list of 1 values, but got ndarray"):
        f(np.ones(2))
    with pytest.raises(TypeError, match="inputs must be a list"):
        K.function(x, outputs)
    with pytest.raises(TypeError, match="pairs, but one is"):
        K.function([x], outputs, fetches=[x])


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


def test_updates_of_a_function_happen_with_it_only():
    v, x = K.variable([1.0, 2.0]), K.placeholder((2,))
    f = K.function([x], [], updates=[K.update_add(v, [1.0, 1.0])])
    assert K.get_value(v).tolist() == [1.0, 2.0]
    assert (f([[0, 0]]), f([[0, 0]]), K.get_value(v).tolist()) == ([], [], [3.0, 4.0])
    K.function([x], [], updates=[K.update(v, x), (v, x)][:1])([[5, 6]])
    assert K.get_value(v).tolist() == [5.0, 6.0]
    assert K.eval(K.update_sub(v, 1.0)).tolist() == [4.0, 5.0]
    with pytest.raises(TypeError, match="\\(variable, new value\\) pairs"):
        K.function([x], [], updates=[v])


def test_gradients_are_a_list():
    x = K.placeholder((3,))
    gradients = K.gradients(K.sum(x * x), x)
    assert isinstance(gradients, list)
    assert K.function([x], gradients)([[1, 2, 3]])[0].tolist() == [2, 4, 6]
    stopped = K.gradients(K.sum(x * K.stop_gradient([x])[0]), [x])
    assert K.function([x], stopped)([[1, 2, 3]])[0].tolist() == [1, 2, 3]


def test_dtypes_are_floatx():
    made = [K.variable(3), K.constant([1, 2]), K.zeros(2), K.eye(2), K.placeholder((1,))]
    assert {K.dtype(x) for x in made} == {"float32"}
    assert K.dtype(K.variable(3, dtype="int32")) == "int32"


def test_dtypes_of_results():
    counts = np.arange(3)
    assert K.dtype(K.argmax(X)) == K.dtype(K.argmin(X)) == "int64"
    assert K.dtype(K.zeros_like(counts)) == K.dtype(K.ones_like(np.ones(2))) == "float32"
    assert K.dtype(K.ones_like(counts, "int8")) == "int8"
    assert K.dtype(K.shape(1.0)) == "int32"
    assert K.dtype(K.ctc_decode(np.eye(3)[None], [3])[0][0]) == "int64"


def test_sparse_matrices_become_dense():
    sparse = scipy.sparse.csr_matrix(np.eye(3))
    x = K.placeholder((None, 3), sparse=True)
    assert K.function([x], [K.sum(x, axis=1)])([sparse])[0].tolist() == [1, 1, 1]
    v = K.variable(sparse)
    K.set_value(v, 2 * sparse)
    assert K.eval(K.dot(v, v)).tolist() == (4 * np.eye(3)).tolist()
    assert not K.is_sparse(v)
    indices, values, shape = K.ctc_label_dense_to_sparse([[1, 2], [3, 0]], [2, 1])
    assert scipy.sparse.coo_matrix((values, indices.T), shape).toarray().tolist() == [
        [1, 2],
        [3, 0],
    ]


SHAPED = K.placeholder((None, 5, 3))
BATCH, *_ = K.shape(SHAPED)

# What programs do with sizes that are not known yet, and what it is for (2, 5, 3).
SIZES = {
    "shape": (K.shape(SHAPED), [2, 5, 3]),
    "stack": (K.stack([BATCH, K.shape(SHAPED)[1]]), [2, 5]),
    "product": (K.prod(K.shape(SHAPED)), 30),
    "product of known ones": (K.prod(K.shape(SHAPED)[1:]), 15),
    "arithmetic": (2 * K.shape(SHAPED)[:2] + (1, 1), [5, 11]),
    "difference": (7 - K.shape(SHAPED)[1:] // 2, [5, 6]),
    "cast": (K.cast(K.shape(SHAPED), "float32") / 2, [1, 2.5, 1.5]),
    "cast one": (K.cast(BATCH, "float32"), 2),
    "reshape": (K.shape(K.reshape(SHAPED, K.stack([BATCH, -1]))), [2, 15]),
    "concatenate": (
        K.shape(K.reshape(SHAPED, K.concatenate([K.shape(SHAPED)[:1], [15]]))),
        [2, 15],
    ),
    "tile": (K.sum(K.tile([[1.0, 2.0]], [BATCH, 1])), 6),
    "zeros": (K.sum(K.zeros((BATCH, 3)) + 1), 6),
    "arange": (K.arange(BATCH), [0, 1]),
    "size": (K.size(SHAPED), 30),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_known_at_run_time(name):
    got, expected = SIZES[name]
    value = K.function([SHAPED], got)([np.ones((2, 5, 3))])
    assert value.tolist() == expected


def test_transposed_convolution_of_unknown_sizes():
    x = K.placeholder((None, None, None, 2))
    shape = (None, 2 * K.shape(x)[1], 2 * K.shape(x)[2], 3)
    y = K.conv2d_transpose(x, DEPTHWISE.swapaxes(2, 3), shape, **STRIDED)
    assert K.function([x], [y])([IMAGE])[0].shape == (1, 8, 8, 3)
    # Sizes of x follow from those that are asked for.
    y = K.conv2d_transpose(x, DEPTHWISE.swapaxes(2, 3), (1, 7, 8, 3), **STRIDED)
    assert K.int_shape(y) == (1, 7, 8, 3)
    known = K.conv2d_transpose(IMAGE, DEPTHWISE.swapaxes(2, 3), (1, 7, 8, 3), **STRIDED)
    np.testing.assert_allclose(K.function([x], y)([IMAGE]), K.eval(known), rtol=1e-5, atol=1e-6)
    volume = K.conv3d_transpose(VOLUME, np.ones((2, 2, 2, 4, 2)), (1, 4, 6, 4, 4), (2, 2, 2))
    assert K.int_shape(volume) == (1, 4, 6, 4, 4)


def test_images_of_unknown_sizes():
    x = K.placeholder((None, None, None, 2))
    for interpolation in ("nearest", "bilinear"):
        y = K.resize_images(x, 2, 3, "channels_last", interpolation)
        known = K.resize_images(IMAGE, 2, 3, "channels_last", interpolation)
        np.testing.assert_allclose(K.function([x], y)([IMAGE]), K.eval(known), rtol=1e-6)
    y = K.local_conv2d(FIRST, LOCAL_2D, (2, 2), (1, 1), (3, 3), "channels_first")
    x = K.placeholder(ndim=4)
    unknown = K.local_conv2d(x, LOCAL_2D, (2, 2), (1, 1), (3, 3), "channels_first")
    np.testing.assert_allclose(K.function([x], unknown)([FIRST]), K.eval(y), rtol=1e-6)
    assert K.int_shape(K.slice(x, (0, 1, 0, 0), (1, 2, 3, -1))) == (1, 2, 3, None)


def test_speech_of_unknown_sizes():
    speech = np.exp(rng.standard_normal((2, 6, 4))).astype("float32")
    y, labels, sizes = K.placeholder(ndim=3), np.array([[0, 1], [2, 0]]), np.array([[6], [5]])
    unknown = [K.ctc_batch_cost(labels, y, sizes, sizes // 3), *K.ctc_decode(y, sizes)[0]]
    known = [K.ctc_batch_cost(labels, speech, sizes, sizes // 3), *K.ctc_decode(speech, sizes)[0]]
    for how in ({}, {"merge_repeated": True}):
        search = {"greedy": False, "beam_width": 9, **how}
        unknown += K.ctc_decode(y, sizes, **search)[0]
        known += K.ctc_decode(speech, sizes, **search)[0]
    for found, tensor in zip(K.function([y], unknown)([speech]), known, strict=True):
        np.testing.assert_allclose(found, K.eval(tensor), rtol=1e-5)


def test_mistakes_with_loops_and_values():
    with pytest.raises(ValueError, match=r"foldl.*first axis"):
        K.foldl(lambda total, x: total + x, 1.0)
    with pytest.raises(TypeError, match="set_value: x must be a variable"):
        K.set_value(X, 1)


def test_what_a_tensor_is():
    x, v = layers.Input((3,)), K.variable(1.0)
    y = layers.Dense(2)(x)
    made = [K.concatenate([x, x]), x + x, K.placeholder((2,))]
    assert [K.is_keras_tensor(t) for t in (x, y, v)] == [True, True, False]
    assert not any(K.is_keras_tensor(t) for t in made)
    with pytest.raises(ValueError, match=r"x must be a tensor, but is 1\.0"):
        K.is_keras_tensor(1.0)
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
    coins = K.eval(K.random_binomial((4000,), p=0.3, seed=1))
    assert (set(coins), coins.dtype) == ({0.0, 1.0}, "float32")
    assert coins.mean() == pytest.approx(0.3, abs=0.03)
    truncated = K.eval(K.truncated_normal((4000,), mean=1.0, stddev=2.0, seed=1))
    assert -3 <= truncated.min() < -2.8
    assert truncated.std() == pytest.approx(2 * 0.8796, abs=0.05)
    dropped = K.eval(K.dropout(np.ones(1000, "float32"), 0.25, seed=1))
    assert set(np.unique(dropped.round(3))) == {0.0, np.float32(1.333)}


@pytest.mark.parametrize("name", ["elu", "hard_sigmoid", "relu", "sigmoid", "softmax", "tanh"])
def test_functions_in_models_are_saved_by_name(name):
    dense = layers.Dense(3, activation=getattr(K, name))
    model = models.Sequential([layers.Input((4,)), dense])
    copy = models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(K.eval(copy(X[0])), K.eval(model(X[0])))


def test_numbers_without_axes_are_numbers():
    count = K.variable(1.234)
    values = [K.get_value(count), K.eval(count * 1), K.function([], count * 1)([])]
    assert [round(value, 1) for value in values] == [np.float32(1.2)] * 3


def test_settings():
    assert K.floatx() == config.floatx()
    assert K.cast_to_floatx([1, 2]).dtype == "float32"
    config.set_floatx("bfloat16")
    assert K.cast_to_floatx([1, 2]).dtype.name == "bfloat16"
    config.set_floatx("float32")
    assert K.normalize_data_format(None) == "channels_last"
    assert K.standardize_dtype("int") == "int32"


def test_shapes_that_are_known():
    assert K.prod(K.shape(X)[1:]) == 12
    assert isinstance(K.prod(K.shape(X)), int)
    assert K.eval(K.constant(1.0, shape=3)).tolist() == [1, 1, 1]


def test_older_names():
    K.set_image_dim_ordering("th")
    assert (K.image_dim_ordering(), K.image_data_format()) == ("th", "channels_first")
    assert K.get_variable_shape(K.zeros((2, 3))) == (2, 3)


def test_there_are_no_sessions(capsys):
    K.set_session(K.get_session())
    K.manual_variable_initialization(False)
    with pytest.warns(UserWarning, match="there are no sessions"):
        K.set_session(object())
    with K.control_dependencies([K.variable(1.0)]):
        K.print_tensor(K.constant([1.0]), "x = ")
        K.print_tensor(K.placeholder((2,), name="given"))
    assert capsys.readouterr().out == "x = [1.]\n<Tensor given shape=(2,) dtype=float32>\n"


UNKNOWN = K.placeholder((None, None, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: K.batch_dot(X, V), "at least two axes"),
        (lambda: K.batch_dot(X, X, axes=0), "not the first"),
        (lambda: K.batch_dot(X, X, axes=(1, 3)), "an axis of x and one of y"),
        (lambda: K.batch_dot(X, X, axes=[[1], [2]]), "an int or two of them"),
        (lambda: K.batch_dot(X, X, axes=(1, 2)), "Sizes 3 and 4 must be equal"),
        (lambda: K.bias_add(X, np.ones((1, 1, 1))), "must have 1 or 2 axes"),
        (lambda: K.switch(X > 0, X[0], X[0]), "has more axes than"),
        (lambda: K.repeat(X, 2), "K.repeat: x must be .samples, features."),
        (lambda: K.conv2d_transpose(IMAGE, KERNEL[..., :2], (1, 9, 9, 2)), "from 5 to 5"),
        (lambda: K.resize_images(IMAGE, 2, 2, "channels_last", "cubic"), "nearest"),
        (lambda: K.rnn(decay, V, []), "one of time"),
        (lambda: K.rnn(decay, UNKNOWN, [], unroll=True), "known number"),
        (lambda: K.rnn(decay, STEPS, [], input_length=4), "there are 5 steps"),
        (lambda: K.rnn(decay, STEPS, [], mask=X), "a mask is"),
        (lambda: K.rnn(lambda x, s: (x, []), STEPS, [X[:, 0]]), "returned 0"),
        (lambda: K.ctc_batch_cost([[1]], X[0], [[1]], [[1]]), "y_pred must have shape"),
        (lambda: K.manual_variable_initialization(True), "always have values"),
        (lambda: K.set_image_dim_ordering("first"), "tf"),
        (lambda: K.placeholder(), "needs a shape or a number of axes"),
        (lambda: K.normalize_data_format("last"), "data_format must be one of"),
        (lambda: K.pool2d(IMAGE, 2, pool_mode="sum"), "K.pool2d: pool_mode must be"),
        (lambda: K.pool2d(IMAGE, 2, padding="full"), "K.pool2d: max_pool.*: padding must be"),
        (lambda: K.pool3d(IMAGE, 2), "K.pool3d: x must have 5 axes"),
        (lambda: K.conv1d(IMAGE, KERNEL), "K.conv1d: Inputs and kernel must have 3 axes"),
        (lambda: K.conv2d_transpose(IMAGE, KERNEL, (1, 4, 4)), "must have 4 sizes"),
        (lambda: K.slice(X, (0, 1), (1, 1)), "must have 3 numbers each"),
        (lambda: K.slice(X, (0, 1, 0), (1, 3, 1)), "1 to 4 is not within axis 1"),
        (lambda: K.batch_flatten(3.0), "K.batch_flatten: x has no axis of samples"),
        (lambda: K.spatial_2d_padding(IMAGE, ((1, 1),)), "K.spatial_2d_padding: padding must"),
        (lambda: K.temporal_padding(X, (1,)), "K.temporal_padding: padding must"),
        (lambda: K.dot(X, X), r"K.dot\(\(2, 3, 4\), \(2, 3, 4\)\): the axes"),
        (lambda: K.function([], [], updates=[(K.ones(2), K.ones(3))]), "The update of"),
        (lambda: K.update(V, V), "K.update: x must be a variable"),
        (lambda: K.shape(X)[:1] + (1, 2), "K.shape: arithmetic is size by size"),
        (lambda: K.foldr(lambda a, b: a + b, 3.0), "K.foldr: elems need a first axis"),
        (lambda: K.local_conv1d(STEPS, LOCAL, (3,), (3,)), "K.local_conv1d: .* too small along"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


OWN = {f for f in (getattr(K, name) for name in K.__all__) if "backend." in f.__module__}


@pytest.mark.parametrize("function", sorted(OWN, key=lambda f: f.__name__))
def test_documentation_is_complete(function):
    text, names = inspect.getdoc(function), list(inspect.signature(function).parameters)
    assert ">>> " in text
    described = text.partition("Args:")[2].partition("\n\n")[0]
    assert [name for name in names if not re.search(rf"\b{name}\b", described)] == []
    assert "Returns:" in text or function.__annotations__["return"] == "None"


def test_what_is_gone_says_what_to_do():
    with pytest.raises(AttributeError, match="import the engine itself"):
        _ = K.tf
    with pytest.raises(AttributeError, match="there are no sessions here"):
        _ = K.get_session().graph
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = K.nothing
