"""Layers: configs, shapes, data formats, masks, phases, messages. Numbers: oracle/."""

import json

import numpy as np
import pytest
from cases.layers import CASES, data

from kerasish import layers, models, ops
from kerasish.graph.function import Function, run_counter
from kerasish.graph.gradients import gradients
from kerasish.graph.shapes import compatible
from kerasish.graph.trace import Trace
from kerasish.saving import custom_object_scope

L = layers


def ids(cases):
    return [f"{case[0]}-{i}" for i, case in enumerate(cases)]


def listed(x):
    return x if isinstance(x, list) else [x]


# --- all layers --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=ids(CASES))
def test_gradients_are_the_slopes_of_outputs(name, arguments, shape):
    layer = getattr(L, name)(**arguments, dtype="float64")
    values = [v.astype("float64") for v in listed(data(shape))]
    tensors = [L.Input(batch_shape=v.shape, dtype="float64") for v in values]
    y = layer(tensors if isinstance(shape, list) else tensors[0])
    loss = ops.sum(y * data(y.shape, 1)) + ops.sum(y * y)
    sources = [*tensors, *layer.trainable_weights]
    training = name == "BatchNormalization"
    f = Function(tensors, [loss, *gradients(loss, sources)], training=training)
    _, *grads = f(*values)
    weights = layer.get_weights()
    directions = [data(s.shape, i) for i, s in enumerate(sources)]
    ends = []
    for step in (1e-6, -1e-6):
        moved = [v + step * d for v, d in zip([*values, *weights], directions, strict=False)]
        rest = weights[len(layer.trainable_weights) :]
        layer.set_weights([*moved[len(values) :], *rest])
        ends.append(f(*moved[: len(values)])[0])
    slope = sum((g * d).sum() for g, d in zip(grads, directions, strict=True))
    np.testing.assert_allclose((ends[0] - ends[1]) / 2e-6, slope, rtol=1e-5, atol=1e-6)


# Layers that leave open what the Input leaves open, beside the batch size.
OPEN = [
    ("Dense", {"units": 3}, (None, None, 5)),
    ("Flatten", {}, (None, None, 5)),
    ("Reshape", {"target_shape": (-1, 2)}, (None, None, 4)),
    ("Permute", {"dims": (2, 1)}, (None, None, 5)),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, (None, None, 5)),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, (None, None, None, 5)),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same"}, (None, None, 7, 5)),
    ("Conv2D", {"filters": 3, "kernel_size": 2, "strides": 2}, (None, None, None, 5)),
    ("MaxPooling2D", {"padding": "same"}, (None, None, None, 5)),
    ("AveragePooling2D", {}, (None, None, None, 5)),
    ("GlobalAveragePooling2D", {}, (None, None, None, 5)),
    ("BatchNormalization", {}, (None, None, 5)),
    ("LayerNormalization", {}, (None, None, 5)),
    ("UpSampling1D", {}, (None, None, 5)),
    ("ZeroPadding2D", {}, (None, None, None, 5)),
    ("Cropping2D", {"cropping": 1}, (None, None, None, 5)),
    ("SpatialDropout1D", {"rate": 0.5}, (None, None, 5)),
    ("RepeatVector", {"n": 2}, (None, 5)),
]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("name", "arguments", "shape"), OPEN, ids=ids(OPEN))
def test_sizes_known_only_at_run_time(name, arguments, shape, training):
    layer = getattr(L, name)(**arguments)
    x = L.Input(batch_shape=shape)
    f = Function([x], [layer(x)], training=training)
    for batch, other in ((2, 6), (3, 8)):
        value = data(tuple(batch if i == 0 else n or other for i, n in enumerate(shape)))
        (result,) = f(value)
        assert compatible(result.shape, f.outputs[0].shape)
        np.testing.assert_allclose(result.shape, layer(value).shape)


FIRST = [case for case in CASES if case[0] not in ("Flatten", "UpSampling1D", "Cropping1D")]
FIRST = [c for c in FIRST if "data_format" in layers.registry.find(c[0])(**c[1]).get_config()]
FIRST = [c for c in FIRST if "data_format" not in c[1] and c[1].get("padding") != "causal"]
FIRST = [c for c in FIRST if not c[0].startswith("ConvLSTM")]  # they have a time axis before it


@pytest.mark.parametrize(("name", "arguments", "shape"), FIRST, ids=ids(FIRST))
def test_channels_first_is_channels_last_transposed(name, arguments, shape):
    last = getattr(L, name)(**arguments, data_format="channels_last")
    first = getattr(L, name)(**arguments, data_format="channels_first")
    x = data(shape)
    moved = np.moveaxis(x, -1, 1)
    expected = last(x).numpy()
    first(moved)
    first.set_weights(last.get_weights())
    if len(expected.shape) > 2:
        expected = np.moveaxis(expected, -1, 1)
    np.testing.assert_allclose(first(moved), expected, 1e-5, 1e-5)
    assert first(L.Input(batch_shape=moved.shape)).shape == expected.shape


# --- what goes wrong ---------------------------------------------------------------------

X = np.ones((2, 3), "float32")
IMAGE = np.ones((1, 4, 4, 3), "float32")
MISTAKES = [
    (lambda: L.Dense(0), "Dense: units must be a positive int, but got 0"),
    (lambda: L.Dense(2.5), "Dense: units must be a positive int, but got 2.5"),
    (lambda: L.Dense(3, activation="rely"), "Did you mean 'relu'"),
    (lambda: L.Dense(3, unitz=4), "unexpected argument 'unitz'. Did you mean 'units'"),
    (lambda: L.Dense(3, kernel_initializer="glorot"), "Unknown initializer 'glorot'"),
    (lambda: L.Dense(3, name="d")(np.ones(3)), "Layer d expects an input of rank at least 2"),
    (lambda: L.Dense(3, name="d")(L.Input((None,))), "Layer d: the last axis .* known size"),
    (lambda: changed(L.Dense(3, name="d"), (2, 3), (2, 4)), "d was built for .* size 3 on axis -1"),
    (lambda: L.Conv2D(-1, 3), "Conv2D: filters must be a positive int, but got -1"),
    (lambda: L.Conv2D(3, (3, 3, 3)), "Conv2D: kernel_size must be a positive int or 2 of them"),
    (lambda: L.Conv2D(3, 3, padding="full"), "Conv2D: padding must be 'valid' or 'same'"),
    (lambda: L.Conv2D(3, 3, padding="causal"), "Conv2D: padding must be 'valid' or 'same'"),
    (lambda: L.Conv2D(3, 3, data_format="nhwc"), "Conv2D: data_format must be"),
    (lambda: L.Conv2D(3, 3, strides=2, dilation_rate=2), "exclude each other"),
    (lambda: L.Conv2D(3, 3, groups=2), "filters must be a multiple of groups"),
    (lambda: L.Conv2D(4, 3, groups=2, name="c")(IMAGE), "c: 3 channels cannot be divided into 2"),
    (lambda: L.Conv2D(3, 3, name="c")(X), "Layer c expects an input of rank 4"),
    (lambda: L.Conv2D(3, 5, name="c")(IMAGE), r"(?s)c.*\(5, 5\) does not fit into \(1, 4, 4, 3\)"),
    (lambda: L.Conv2D(3, 3, name="c")(L.Input((4, 4, None))), "Layer c: the number of channels"),
    (lambda: L.MaxPooling2D(0), "MaxPooling2D: pool_size must be a positive int"),
    (lambda: L.MaxPooling2D(5, name="p")(IMAGE), r"in p: .*\(5, 5\) does not fit"),
    (lambda: L.Dropout(1.5), "Dropout: rate must be a number from 0 to 1, but got 1.5"),
    (lambda: L.Dropout(0.5, (1,), name="d")(X, training=True), r"Layer d: noise_shape \(1,\)"),
    (lambda: L.Reshape((-1, -1)), "at most one -1"),
    (lambda: L.Reshape((2, 2), name="r")(X), r"Layer r cannot .* shape \(3,\) \(3 elements\)"),
    (lambda: L.Reshape((-1, 2), name="r")(X), r"Layer r cannot reshape samples of shape \(3,\)"),
    (lambda: L.Permute((1, 3)), "dims must be an order of the axes 1 to 2"),
    (lambda: L.Permute((2, 1), name="p")(X), "Layer p expects an input of rank 3"),
    (lambda: L.Permute(2), "dims must be an order of the axes 1 to 1 .* but got 2"),
    (lambda: L.Dropout(0.5, 3), "Dropout: noise_shape must be a shape or None, but got 3"),
    (lambda: L.PReLU(shared_axes=3, name="p")(X), r"Layer p .* from 1 to 1 .* but got \[3\]"),
    (lambda: L.Embedding(5, 3, input_length=4, input_shape=(6,)), "=4 contradicts .* \\(6,\\)"),
    (lambda: L.ZeroPadding2D((1, 2, 3)), "ZeroPadding2D: padding must be an int, or"),
    (lambda: L.ZeroPadding2D(1.5), "ZeroPadding2D: padding must be an int, or .* but got 1.5"),
    (lambda: L.Cropping1D(None), "Cropping1D: cropping must be an int, or .* but got None"),
    (lambda: L.Dot(None), "Dot: axes must be an int or two of them, but got None"),
    (lambda: L.Cropping2D(2, name="c")(IMAGE), r"Layer c: cropping 2 \+ 2 leaves nothing"),
    (lambda: L.UpSampling2D(interpolation="cubic"), "interpolation must be 'nearest'"),
    (lambda: L.Add(name="a")(X), "Layer a .Add. takes a list of tensors"),
    (lambda: L.Add(name="a")([X, IMAGE[0]]), r"Layer a .*\(2, 3\), \(4, 4, 3\) do not fit"),
    (lambda: L.Subtract(name="s")([X, X, X]), "Layer s .Subtract. takes two tensors, but got 3"),
    (
        lambda: L.Concatenate(name="c")([X, X[:1]]),
        r"Layer c \(Concatenate, axis=-1\): .* \(2, 3\), \(1, 3\) must agree on .* but axis 1",
    ),
    (lambda: L.Dot(1, name="d")([X, X[:, :2]]), r"Layer d \(Dot, axes=1\).*\(2, 3\), \(2, 2\)"),
    (lambda: L.BatchNormalization(renorm_clipping={"r": 1}), "takes the keys .* got 'r'"),
    (lambda: L.BatchNormalization(renorm_clipping={"rmin": 2, "rmax": 1}), "rmax must be at least"),
    (lambda: L.Add(name="a")([X, X[:1]]), "Layer a .Add.: .* different batch sizes"),
    (lambda: L.Input((2,), batch_shape=(1, 2)), "Input: batch_shape stands in the place of shape"),
    (lambda: L.Dense(2, trainable="no", name="d"), "Layer d: trainable must be True or False"),
    (lambda: L.Input((2,), ragged=True), "ragged inputs are not supported"),
    (lambda: L.Input((2,), optional=True), "optional inputs are not supported"),
    (lambda: L.InputLayer((2,), sparse=True), "sparse inputs are not supported"),
    (lambda: L.InputLayer((2,), input_tensor=X), "input_tensor=.* is not supported"),
    (lambda: Fifth()(X), r"expects an input with an axis 4, .* shape \(2, 3\)"),
    (lambda: Demanding()([X[:, :2], None]), "input left, expects an input of rank 3"),
    (lambda: Demanding()([X, X[0]]), "expects an input of rank 2"),
    (lambda: L.ConvRNN2D([L.ConvLSTM2DCell(2, 3)]), "ConvRNN2D takes one cell"),
    (lambda: L.GroupNormalization(2, name="g")(X), "g: 3 channels cannot be divided into 2"),
    (lambda: L.PReLU(name="p")(L.Input((None, 3))), "Layer p: .* Name it in shared_axes"),
    (lambda: L.ReLU(max_value=-1), "ReLU: max_value must not be negative"),
    (lambda: L.Lambda(3), "Lambda takes a function of tensors, but got 3"),
    (lambda: L.Lambda(ops.sum, output_shape=3), "Lambda: output_shape must be a shape .* got 3"),
    (lambda: L.Lambda(ops.sum, output_shape=(3,), name="l")(X), r"Layer l: output_shape says"),
    (lambda: L.Lambda.from_config({"name": "l", "function": ["code"]}), "never run"),
    (lambda: L.Embedding(0, 3), "Embedding: input_dim must be a positive int"),
    (lambda: L.Dense.from_config({"units": 3, "lora_rank": 4}), "lora_rank=4, .* not supported"),
    (lambda: L.Dropout(p=0.5, rate=0.5), "'rate' twice"),
    (lambda: L.UnitNormalization(None), "UnitNormalization: axis must be an int or several"),
    (lambda: L.AlphaDropout(1.0), "AlphaDropout: rate must be a number from 0 to below 1"),
    (lambda: L.Softmax(name="s")(X, mask=np.ones((2, 5))), r"Layer s .* shape of their first axes"),
    (
        lambda: L.Dot(1, name="d")([X, X[:1]]),
        r"Layer d \(Dot\): inputs .* must have one batch size",
    ),
    # What operations say, with the layer in front.
    (
        lambda: L.Concatenate(axis=4, name="c")([X, X]),
        r"^Layer c \(Concatenate\): axis 4 is out of range for rank 2",
    ),
    (lambda: L.BatchNormalization(axis=4, name="b")(X), r"^Layer b \(BatchNormalization\): axis 4"),
    (lambda: models.Sequential([Around(Failing(name="f"))])(X), r"^Layer f \(Failing\): not now$"),
]


class Failing(L.Layer):
    def call(self, inputs):
        raise ValueError("not now")


def test_a_layer_that_was_never_initialized_says_so():
    class Forgetful(L.Layer):
        def __init__(self):
            self.units = 3

    for use in (lambda: Forgetful()(X), lambda: Forgetful().weights):
        with pytest.raises(AttributeError, match=r"forget to call super\(\).__init__"):
            use()


def changed(layer, first, second):
    layer(np.ones(first))
    layer(np.ones(second))


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_messages(mistake, message):
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=message):
        mistake()


# --- phases ------------------------------------------------------------------------------

NOISE = [
    (L.Dropout, {"rate": 0.25}, 1.0),
    (L.AlphaDropout, {"rate": 0.25}, None),
    (L.SpatialDropout1D, {"rate": 0.25}, 1.0),
    (L.GaussianNoise, {"stddev": 0.1}, 1.0),
    (L.GaussianDropout, {"rate": 0.1}, 1.0),
]


@pytest.mark.parametrize(("cls", "arguments", "mean"), NOISE)
def test_noise_only_while_training(cls, arguments, mean):
    x = np.ones((60, 5, 40), "float32")
    layer = cls(**arguments)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    one, two = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert (one != two).any()
    if mean is not None:
        assert abs(one.mean() - mean) < 0.03
    t = L.Input(batch_shape=x.shape)
    y = layer(t)
    np.testing.assert_array_equal(Function([t], [y])(x)[0], x)
    train = Function([t], [y], training=True)
    assert (train(x)[0] != train(x)[0]).any()


OF_FLOATS = [
    L.BatchNormalization(),
    L.GaussianNoise(0.5),
    L.GroupNormalization(1),
    L.LayerNormalization(),
    L.RMSNormalization(),
    L.SpatialDropout1D(0.5),
    L.UnitNormalization(),
]


@pytest.mark.parametrize("layer", OF_FLOATS, ids=lambda layer: type(layer).__name__)
def test_whole_numbers_count_as_floats(layer):
    x = np.arange(8).reshape(2, 1, 4)
    y = layer(x)
    assert y.dtype == "float32"
    np.testing.assert_array_equal(y, layer(x.astype("float32")))
    assert layer(x, **({"training": True} if hasattr(layer, "seed") else {})).dtype == "float32"


def test_dropout_scales_what_it_keeps():
    x = np.ones((50, 50), "float32")
    y = L.Dropout(0.2, seed=1)(x, training=True).numpy()
    np.testing.assert_allclose(np.unique(y), [0, 1.25])
    assert 0.15 < (y == 0).mean() < 0.25
    run_counter.next = 0  # as in another run of the program
    np.testing.assert_array_equal(L.Dropout(0.2, seed=1)(x, training=True), y)
    rows = L.Dropout(0.5, noise_shape=(None, 1), seed=1)(x, training=True).numpy()
    assert (rows == rows[:, :1]).all()
    channels = L.SpatialDropout2D(0.5, seed=1)(np.ones((2, 3, 3, 9)), training=True).numpy()
    assert (channels == channels[:, :1, :1]).all()
    assert 0 < (channels == 0).mean() < 1


def test_batch_normalization_moves_its_averages_while_training():
    x = data((8, 3))
    layer = L.BatchNormalization(momentum=0.9)
    layer(x)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), 0)
    y = layer(x, training=True).numpy()
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), 0.9 + 0.1 * x.var(0), rtol=1e-5)
    names = [w.name.split("/")[-1] for w in layer.weights]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert len(layer.trainable_weights) == 2


def test_batch_normalization_leaves_the_phase_to_the_function():
    x = data((8, 3))
    layer = L.BatchNormalization(momentum=0.9)
    t = L.Input((3,))
    y = layer(t)
    assert len(layer.updates) == 2
    (tested,) = Function([t], [y], layer.updates)(x)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), 0)
    np.testing.assert_allclose(tested, x / np.sqrt(1.001), rtol=1e-5)
    (trained,) = Function([t], [y], layer.updates, training=True)(x)
    np.testing.assert_allclose(trained.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.1 * x.mean(0), rtol=1e-5)
    layer.trainable = False
    frozen = layer(L.Input((3,)))
    assert len(layer.updates) == 2
    assert frozen.shape == (None, 3)


# --- masks -------------------------------------------------------------------------------


class Around(L.Layer):
    """A layer that says nothing of masks, around one that may hand them on."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


STEPS = np.array([[[0.0, 0], [1, 2], [0, 3]], [[4, 5], [0, 0], [0, 0]]], "float32")
MASK = np.array([[False, True, True], [True, False, False]])


def masked():
    return L.Masking()(STEPS)


MASKED = [
    (lambda: masked(), MASK),
    (lambda: L.Dense(3)(masked()), MASK),
    (lambda: L.Activation("relu")(L.Dropout(0.5)(masked())), MASK),
    (lambda: L.BatchNormalization()(masked()), MASK),
    (lambda: L.Add()([masked(), STEPS]), None),
    (lambda: L.Add()([masked(), L.Masking(1.0)(np.ones_like(STEPS))]), MASK),
    (lambda: L.Concatenate()([masked(), STEPS]), MASK | True),
    (lambda: L.Concatenate()([masked(), masked()]), MASK),
    (lambda: L.Concatenate(axis=1)([masked(), STEPS]), np.concatenate([MASK, MASK | True], 1)),
    (lambda: L.Lambda(lambda x: x, mask=lambda x, m: ops.logical_not(m))(masked()), ~MASK),
    (lambda: L.Embedding(9, 2, mask_zero=True)(STEPS[..., 0]), STEPS[..., 0] != 0),
    (lambda: L.Flatten()(masked()), None),
    (lambda: L.GlobalAveragePooling1D()(masked()), None),
    (lambda: L.Lambda(lambda x: x)(masked()), None),
    (lambda: models.Sequential([L.Dropout(0.5), L.Dense(3)])(masked()), MASK),
    (lambda: models.Sequential([L.Dense(3), L.Flatten()])(masked()), None),
    (lambda: Around(L.Dense(3))(masked()), MASK),
]


@pytest.mark.parametrize(("make", "expected"), MASKED)
def test_masks_go_with_their_tensors(make, expected):
    mask = getattr(make(), "mask", None)
    assert (mask is None) == (expected is None)
    if expected is not None:
        np.testing.assert_array_equal(mask, expected)


def test_masks_pass_through_models_within():
    x = L.Input((3, 2))
    inner = models.Model(x, L.Dense(2, activation="tanh")(x))
    gru = L.GRU(3)
    expected = gru(inner.layers[-1](masked()))
    for within in (inner, models.Sequential([inner]), Around(inner)):
        i = L.Input((3, 2))
        outer = models.Model(i, gru(within(L.Masking()(i))))
        np.testing.assert_allclose(outer(STEPS), expected, 1e-6)
    assert np.abs(gru(inner(STEPS)) - expected).max() > 0.01


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("steps", [None, 3])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_softmax_with_a_mask_of_steps(axis, steps, size):
    data = np.concatenate([STEPS, STEPS], axis=-1)[..., :size]
    x = L.Input((steps, size))
    y = L.Softmax(axis=axis)(L.Dense(size, kernel_initializer="identity")(L.Masking(0.0)(x)))
    assert y.shape == x.shape
    mask = np.any(data != 0, axis=-1, keepdims=True)
    powers = np.exp(data) * mask
    sums = powers.sum(axis=axis, keepdims=True)
    found = models.Model(x, y)(data)
    np.testing.assert_allclose(found, powers / np.where(sums == 0, 1, sums), 1e-5)


def test_masked_steps_do_not_count_in_a_mean():
    np.testing.assert_allclose(L.GlobalAveragePooling1D()(masked()), [[0.5, 2.5], [4, 5]])


class Demanding(L.Layer):
    input_spec = [  # noqa: RUF012
        L.InputSpec(shape=(None, 3, 1), allow_last_axis_squeeze=True, name="left"),
        L.InputSpec(ndim=2, optional=True),
    ]

    def call(self, inputs):
        return inputs[0]


class Fifth(L.Identity):
    input_spec = L.InputSpec(axes={4: 3})


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 1, 1)])
def test_inputs_may_differ_by_an_axis_of_one(shape):
    assert Demanding()([np.ones(shape), None]).shape == shape


@pytest.mark.parametrize("order", [("channels_first", 1), (1, "channels_first")])
def test_both_orders_of_a_transposed_convolution(order):
    layer = L.Conv3DTranspose(2, 2, 2, "valid", *order)
    assert (layer.data_format, layer.output_padding) == ("channels_first", (1, 1, 1))


# --- single layers -----------------------------------------------------------------------


def double(x):
    return x * 2


def test_lambda():
    assert L.Lambda(lambda x, n: x * n, arguments={"n": 3})(X).numpy()[0, 0] == 3
    both = L.Lambda(lambda xs: xs[0] + xs[1], output_shape=lambda shapes: shapes[0])
    np.testing.assert_array_equal(both([X, X]), 2 * X)
    phase = L.Lambda(lambda x, training: ops.in_train_phase(x + 1, x, training))
    np.testing.assert_array_equal(phase(X, training=True), X + 1)
    # A known output shape helps where the function leaves it open.
    t = L.Input((None,))
    assert L.Lambda(lambda x: x[:, :4], output_shape=(4,))(t).shape == (None, 4)
    config = json.loads(json.dumps(L.Lambda(double, name="twice").get_config()))
    with custom_object_scope({"double": double}):
        again = L.Lambda.from_config(config)
    assert again.function is double
    assert again.get_config()["output_shape"] is None
    old = {"name": "l", "function": "double", "function_type": "function", "arguments": {}}
    with custom_object_scope({"double": double}):
        np.testing.assert_array_equal(L.Lambda.from_config(old)(X), 2 * X)


def test_indices_beyond_an_embedding(engine):
    """On every engine what ops.take makes of them, while testing and while training."""
    table = np.arange(8.0).reshape(4, 2)
    layer = L.Embedding(4, 2, weights=[table])
    x = L.Input((3,), dtype="int32")
    model = models.Model(x, layer(x - 5))  # not straight into the layer
    found = model.predict(np.array([[4, 9, 5]]), verbose=0)[0]
    np.testing.assert_array_equal(found, [table[-1], [np.nan] * 2, table[0]])
    model.compile("sgd", lambda true, pred: ops.sum(ops.where(ops.isnan(pred), 0.0, pred)))
    model.train_on_batch(np.array([[4, 9, 5]]), np.zeros((1, 3, 2)))
    np.testing.assert_allclose(
        layer.get_weights()[0], table - 0.01 * np.eye(4)[[0, 3]].sum(0)[:, None]
    )


def test_embedding():
    table = data((5, 3))
    layer = L.Embedding(5, 3, weights=[table])
    np.testing.assert_array_equal(layer(np.array([[4, 0], [1, 1]])), table[[[4, 0], [1, 1]]])
    assert layer(L.Input((7,), dtype="int32")).shape == (None, 7, 3)
    assert L.Embedding(5, 3, input_length=4).batch_input_shape == (None, 4)
    again = L.Embedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert "weights" not in layer.get_config()


PENALTIES = [
    (lambda: L.ActivityRegularization(l1=0.5, l2=0.25), 3 * 0.5 * 2 + 3 * 0.25 * 4),
    (lambda: L.Activation("linear", activity_regularizer="l2"), 0.01 * 3 * 4),
]


@pytest.mark.parametrize(("make", "expected"), PENALTIES)
def test_penalties_on_outputs_are_means_over_the_batch(make, expected):
    layer = make()
    with Trace() as trace:
        layer(2 * X)
    assert len(trace.losses) == 1
    np.testing.assert_allclose(float(trace.losses[0][1]), expected, rtol=1e-6)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_penalties_on_outputs_in_16_bits():
    """Neither the sum nor the size of the batch would fit into them."""
    layer = L.Activation("linear", activity_regularizer="l2", dtype="mixed_float16")
    layer(np.ones((70_000, 2)))
    np.testing.assert_allclose(float(layer.losses[0]), 0.02, rtol=1e-4)


def test_penalties_and_projections_of_weights():
    layer = L.Dense(2, kernel_regularizer="l2", kernel_constraint="non_neg", bias_regularizer="l1")
    layer(X)
    assert len(layer.losses) == 2
    expected = 0.01 * (layer.kernel.numpy() ** 2).sum()
    np.testing.assert_allclose(float(layer.losses[0]), expected, rtol=1e-6)
    assert type(layer.kernel.constraint).__name__ == "NonNeg"


OLDER = [
    (lambda: L.Dense(output_dim=3, init="ones", bias=False), {"units": 3, "use_bias": False}),
    (lambda: L.Dropout(p=0.5), {"rate": 0.5}),
    (lambda: L.LeakyReLU(alpha=0.1), {"negative_slope": 0.1}),
    (
        lambda: L.Convolution2D(8, (3, 3), border_mode="same", subsample=2, dim_ordering="th"),
        {"padding": "same", "strides": (2, 2), "data_format": "channels_first"},
    ),
    (lambda: L.MaxPooling2D((2, 2), border_mode="same"), {"padding": "same"}),
    (lambda: L.GaussianNoise(sigma=0.5), {"stddev": 0.5}),
]


@pytest.mark.parametrize(("make", "expected"), OLDER)
def test_older_names_of_arguments(make, expected):
    config = make().get_config()
    assert {key: config[key] for key in expected} == expected


def test_functions_apply_layers():
    functions = [L.add, L.subtract, L.multiply, L.average, L.maximum, L.minimum]
    expected = [2 * X, 0 * X, X, X, X, X]
    for function, value in zip(functions, expected, strict=True):
        np.testing.assert_array_equal(function([X, X], name=f"f_{function.__name__}"), value)
    assert L.concatenate([X, X], axis=0).shape == (4, 3)
    assert L.dot([X, X], axes=1).shape == (2, 1)


def test_other_names_are_the_same_layers():
    assert L.MaxPool2D is L.MaxPooling2D
    assert L.GlobalAvgPool1D is L.GlobalAveragePooling1D


# --- in training, and not ----------------------------------------------------------------


@pytest.mark.parametrize("renorm", [False, True])
def test_averages_move_in_training_only(renorm):
    x = np.random.default_rng(0).normal(2, 3, (16, 4)).astype("float32")
    inputs = L.Input((4,))
    layer = L.BatchNormalization(momentum=0.5, renorm=renorm)
    model = models.Model(inputs, layer(inputs, training=True))
    model.compile("sgd", "mse")
    # The batch is normalised by itself, as the call said, but nothing is learnt of it.
    np.testing.assert_allclose(model.predict(x, verbose=0).mean(0) * (not renorm), 0, atol=1e-5)
    model.evaluate(x, x, verbose=0)
    np.testing.assert_array_equal(layer.moving_mean, 0)
    model.train_on_batch(x, x)
    np.testing.assert_allclose(layer.moving_mean, x.mean(0) / 2, rtol=1e-5)
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_mean, x.mean(0) * 0.75, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_a_functional_model_keeps_to_training(training):
    x = np.ones((2, 100), "float32")
    inputs = L.Input((100,))
    inner = models.Model(inputs, L.PReLU()(L.Dropout(0.5)(inputs, training=training)))
    again = models.Model.from_config(inner.get_config())
    nested = models.Model(inputs, inner(inputs))
    for model in (inner, again, nested):
        model.compile("sgd", "mse")
        assert (model.predict(x, verbose=0) == 0).any() == training
        assert (model.evaluate(x, x, verbose=0) > 0) == training
        assert (model.train_on_batch(x, x) > 0) == training


def test_time_distributed_statistics_are_those_of_all_steps():
    # As in Keras 2.3.1 for the same numbers.
    x = np.random.RandomState(0).normal(size=(8, 3, 4)).astype("float32") * 2 + 1
    layer = L.TimeDistributed(L.BatchNormalization(momentum=0.5))
    plain = L.BatchNormalization(momentum=0.5)
    expected = plain(x.reshape(24, 4), training=True)
    np.testing.assert_allclose(layer(x, training=True), np.reshape(expected, x.shape), 1e-5, 1e-6)
    for a, b in zip(layer.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)
    np.testing.assert_allclose(layer.get_weights()[2], [0.587, 0.458, 0.442, 0.665], atol=5e-4)


# --- what is given explicitly ------------------------------------------------------------


def test_a_given_mask_goes_on():
    x, mask = np.ones((2, 3, 4), "float32"), np.array([[True, False, True]] * 2)
    y = L.LSTM(5, return_sequences=True)(x, mask=mask)
    np.testing.assert_array_equal(y.mask, mask)
    assert L.LSTM(5)(x, mask=mask).mask is None


def test_a_mask_given_to_a_model():
    x, mask = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32"), np.eye(2, 3) == 0
    dense, gru = L.Dense(4), L.GRU(3)
    expected = gru(dense(x), mask=mask)
    a, b = L.Input((3, 4)), L.Input((3, 4))
    np.testing.assert_array_equal(models.Model(a, gru(dense(a)))(x, mask=mask), expected)
    np.testing.assert_array_equal(models.Sequential([dense, gru])(x, mask=mask), expected)
    pair = models.Model([a, b], [gru(a), gru(dense(b))])
    np.testing.assert_array_equal(pair([x, x], mask=[None, mask])[1], expected)
    np.testing.assert_array_equal(pair([x, x], mask=[None, mask])[0], gru(x))
    with pytest.raises(ValueError, match=r"None for each of 2 input\(s\), but holds 1"):
        pair([x, x], mask=mask)


def test_the_input_of_an_input_layer():
    x = L.Input((3,))
    first = models.Model(x, L.Dense(2)(x)).layers[0]
    assert first.input is first.output is first.get_input_at(0) is x
    assert first.input_shape == (None, 3)


def test_a_size_that_is_left_open():
    assert L.Reshape((None, 2))(np.ones((3, 4, 5))).shape == (3, 10, 2)


@pytest.mark.parametrize("policy", ["float64", "mixed_float16"])
def test_a_model_is_made_of_its_layers_alone(policy):
    x = L.Input((3, 4), name="x", dtype="float32")
    kinds = [L.LSTM(2, dtype=policy), L.Dense(2, dtype=policy), L.Flatten(dtype=policy)]
    for layer in kinds:  # the inputs are cast within
        assert models.Model(x, layer(x)).layers[1:] == [layer]
        assert layer.input is x


def test_shapes_of_several_inputs():
    layer = L.MultiHeadAttention(2, 3)
    assert layer.compute_output_shape((None, 4, 6), (None, 5, 6)) == (None, 4, 6)
    named = {"query_shape": (None, 4, 6), "value_shape": (None, 5, 6), "key_shape": None}
    assert layer.compute_output_shape(**named) == (None, 4, 6)
    assert L.Dense(3).compute_output_shape(input_shape=(None, 4)) == (None, 3)


def test_the_kernel_of_a_depthwise_convolution():
    layer = L.SpectralNormalization(L.DepthwiseConv2D(2))
    layer(np.ones((1, 4, 4, 3), "float32"))
    assert layer.layer.kernel is layer.layer.depthwise_kernel is layer.kernel


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_enlarging_images_of_any_size(interpolation):
    layer = L.UpSampling2D((2, 3), interpolation=interpolation)
    x = L.Input((None, None, 1))
    model = models.Model(x, layer(x))
    assert model.output_shape == (None, None, None, 1)
    for sizes in ((2, 3), (4, 2)):
        images = np.arange(np.prod(sizes), dtype="float32").reshape(1, *sizes, 1)
        np.testing.assert_allclose(model.predict(images, verbose=0), layer(images), 1e-5)
