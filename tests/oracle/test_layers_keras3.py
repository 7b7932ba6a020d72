"""Layers give what those of Keras 3 give for equal weights and inputs."""

import numpy as np
import pytest
from cases.layers import CASES, data

import kerasish
from kerasish import config as kerasish_config
from kerasish import layers, models

keras = pytest.importorskip("keras", minversion="3")
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning",
    "ignore:.*input_shape.*:UserWarning",
)


def pair(name, arguments, shape):
    """The layer here and in Keras, built and with equal weights, none of them 0 or 1."""
    mine, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    mine(data(shape)), theirs(data(shape))
    weights = [np.abs(data(w.shape, i)) + 0.1 for i, w in enumerate(mine.get_weights())]
    theirs.set_weights(weights)
    mine.set_weights(weights)
    return mine, theirs


def close(actual, desired, tolerance=2e-5):
    np.testing.assert_allclose(np.asarray(actual), np.asarray(desired), tolerance, tolerance)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES)
def test_equal_outputs_for_equal_weights(name, arguments, shape):
    mine, theirs = pair(name, arguments, shape)
    x = data(shape, seed=9)
    close(mine(x), theirs(x))


LIMITS = {"rmin": 0.6, "rmax": 1.5, "dmax": 0.5}
RENORM = {"renorm": True, "renorm_momentum": 0.8}
OF_BATCHES = [{}, {"momentum": 0.5, "axis": 1}, RENORM, RENORM | {"renorm_clipping": LIMITS}]


@pytest.mark.parametrize("arguments", OF_BATCHES, ids=lambda a: "-".join(a) or "plain")
@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("mask", [None, data((4, 3)) > 0.5], ids=["whole", "masked"])
def test_batch_normalization_while_training(arguments, trainable, mask):
    mine, theirs = pair("BatchNormalization", arguments, (4, 3, 3))
    mine.trainable = theirs.trainable = trainable
    x = data((4, 3, 3), seed=9)
    for _ in range(2):
        found, wanted = (one(x, training=True, mask=mask) for one in (mine, theirs))
        close(found, wanted)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        close(a, b)


MERGES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]


@pytest.mark.parametrize(
    "masked", [(True, True), (True, False), (False, True)], ids=["both", "first", "second"]
)
@pytest.mark.parametrize("name", MERGES)
def test_masks_of_what_is_merged(name, masked):
    x = [np.array([[1, 2, 0, 0], [3, 0, 0, 4]]), np.array([[1, 0, 5, 0], [0, 2, 0, 3]])]

    def merged(L, M):
        tensors, tables = (
            [L.Input((4,)) for _ in x],
            [L.Embedding(6, 3, mask_zero=m) for m in masked],
        )
        y = getattr(L, name)()([table(t) for table, t in zip(tables, tensors, strict=True)])
        for seed, table in enumerate(tables):
            table.set_weights([data((6, 3), seed)])
        return M.Model(tensors, [y, L.GlobalAveragePooling1D()(y)])(x)

    for mine, theirs in zip(merged(layers, models), merged(keras.layers, keras), strict=True):
        close(mine, theirs)


def test_embedding_and_its_mask():
    x = np.array([[1, 0, 2], [3, 3, 0]])
    mine, theirs = layers.Embedding(4, 3, mask_zero=True), keras.layers.Embedding(4, 3)
    theirs(x)
    mine(x)
    mine.set_weights(theirs.get_weights())
    close(mine(x), theirs(x))
    pooled, reference = layers.GlobalAveragePooling1D(), keras.layers.GlobalAveragePooling1D()
    close(pooled(mine(x)), reference(theirs(x), mask=x != 0))


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES)
def test_keras_reads_the_config(name, arguments, shape):
    mine = getattr(layers, name)(**arguments, name="layer")
    theirs = getattr(keras.layers, name).from_config(mine.get_config())
    assert theirs.name == "layer"
    back = getattr(layers, name).from_config(theirs.get_config())
    assert back.get_config() == mine.get_config()


def build(L, M):
    """A model with a shared layer, two inputs, two outputs, a nested model and raw operations."""
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    shared = L.Dense(3, activation="relu", name="shared")
    u, v = shared(a), shared(b)
    inner = M.Sequential([L.Input((3,)), L.Dense(3), L.BatchNormalization()], name="inner")
    summed = L.Add(name="summed")([u, v])
    scaled = inner(summed) * 2.0 - u
    return M.Model([a, b], {"scaled": scaled, "summed": summed}, name="whole")


@pytest.mark.parametrize("source", ["ours", "theirs"])
def test_model_configs_of_keras_are_read(source):
    theirs = build(keras.layers, keras)
    mine = build(layers, models)
    if source == "theirs":
        mine = type(mine).from_config(theirs.get_config())
    x = data([(2, 4), (2, 4)])
    mine.set_weights(theirs.get_weights())
    expected, found = theirs(x), mine(x)
    for name in expected:
        close(found[name], expected[name])


def test_keras_reads_the_config_of_a_model():
    x = layers.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    inner = models.Sequential([layers.Input((4,)), layers.Dense(3)], name="inner")
    mine = models.Model(x, layers.Concatenate()([inner(shared(shared(x))), x]), name="m")
    theirs = keras.Model.from_config(mine.get_config())
    theirs.set_weights(mine.get_weights())
    close(mine(data((2, 4))), theirs(data((2, 4))))


# --- dtype policies ----------------------------------------------------------------------

POLICIES = ["float64", "float16", "mixed_float16", "mixed_bfloat16"]
UNDER = ["Dense", "Conv2D", "LSTM", "BatchNormalization", "LayerNormalization", "Softmax", "Add"]
UNDER += ["Attention", "GroupNormalization", "MaxPooling2D"]
FIRST_OF = [next(case for case in CASES if case[0] == name) for name in UNDER]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("name", "arguments", "shape"), FIRST_OF, ids=UNDER)
def test_policies_do_what_keras_does(name, arguments, shape, policy):
    mine, theirs = pair(name, {**arguments, "dtype": policy}, shape)
    assert [w.dtype for w in mine.weights] == [w.dtype for w in theirs.weights]
    assert mine.dtype_policy.name == theirs.dtype_policy.name
    x = data(shape, seed=9)
    a, b = mine(x), theirs(x)
    assert a.dtype == keras.backend.standardize_dtype(b.dtype)
    tolerance = {"float64": 1e-6, "mixed_bfloat16": 0.05}.get(policy, 5e-3)
    close(a.numpy().astype("float64"), np.asarray(keras.ops.cast(b, "float64")), tolerance)
    back = type(mine).from_config(theirs.get_config())
    assert back.dtype_policy == mine.dtype_policy
    assert type(theirs).from_config(mine.get_config()).dtype_policy == theirs.dtype_policy


def test_models_under_the_global_policy():
    losses = []
    for L, M, config in (
        (layers, models, kerasish_config),
        (keras.layers, keras, keras.config),
    ):
        before = config.dtype_policy()
        config.set_dtype_policy("mixed_float16")
        model = M.Sequential([L.Input((4,)), L.Dense(8, activation="tanh"), L.Dense(1)])
        config.set_dtype_policy(before)
        model.set_weights([0.5 * data(w.shape, i) for i, w in enumerate(model.get_weights())])
        model.compile("sgd", "mse")
        assert model.optimizer.name == "loss_scale_optimizer"
        x = data((64, 4))
        losses.append(model.fit(x, x[:, :1], epochs=3, shuffle=False, verbose=0).history["loss"])
    close(losses[0], losses[1], 5e-3)


@pytest.mark.parametrize("axis", [-1, (1, 2)])
def test_a_softmax_of_nothing_is_zero(axis):
    x = np.array([[[1, 2, 3], [1, 2, 3]], [[4, 5, 6], [4, 5, 6]]], "float32")
    mask = np.array([[[1, 0, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]], bool)
    ours = layers.Softmax(axis=axis)(x, mask=mask)
    theirs = keras.layers.Softmax(axis=axis)(x, mask=mask)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


# A mask must fit the outputs of a Softmax, and of each step of a ConvLSTM.
MASKED = [case for case in CASES if case[0] != "Softmax" and not isinstance(case[2], list)]
MASKED = [case for case in MASKED if len(case[2]) > 2]
MASKED = [c for c in MASKED if "ConvLSTM" not in c[0] or c[1].get("padding") == "same"]


@pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning")
@pytest.mark.parametrize(("name", "arguments", "shape"), MASKED)
def test_masks_go_as_far(name, arguments, shape):
    shapes = []
    for library in (kerasish, keras):
        layer = getattr(library.layers, name)(**arguments)
        y = layer(library.layers.Masking()(library.layers.Input(batch_shape=shape)))
        mask = getattr(y, "mask" if library is kerasish else "_keras_mask", None)
        shapes.append(None if mask is None else tuple(mask.shape))
    assert shapes[0] == shapes[1]
