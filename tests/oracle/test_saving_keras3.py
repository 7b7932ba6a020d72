"""Files are exchanged with Keras 3, in both directions."""

import numpy as np
import pytest
from cases.layers import CASES, data

from kerasish import backend, layers, losses, metrics, models

keras = pytest.importorskip("keras", minversion="3")
pytest.importorskip("h5py")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _names_start_over():
    """Both libraries number layers without a name through the process: names depend on what ran."""
    backend.reset_uids()
    keras.utils.clear_session(free_memory=False)


def filled(model):
    """The model with weights that are neither 0 nor 1."""
    shapes = [np.shape(w) for w in model.get_weights()]
    model.set_weights([np.abs(data(s, i)) + 0.1 for i, s in enumerate(shapes)])
    return model


def close(actual, desired, tolerance=1e-5):
    for a, d in zip(listed(actual), listed(desired), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(d), tolerance, tolerance)


def listed(outputs):
    if isinstance(outputs, dict):
        return [outputs[key] for key in sorted(outputs)]
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


def around(L, M, name, arguments, shape):
    """A model around one layer."""
    shapes = shape if isinstance(shape, list) else [shape]
    inputs = [L.Input(s[1:], name=f"in{i}") for i, s in enumerate(shapes)]
    whole = inputs if isinstance(shape, list) else inputs[0]
    return M.Model(whole, getattr(L, name)(**arguments, name="layer")(whole))


def graph(L, M):
    """Shared and nested layers, two inputs, two outputs; layers that end at different depths."""
    a, b = L.Input((4,), name="a"), L.Input((4,), name="b")
    shared = L.Dense(3, activation="relu", name="shared")
    inner = M.Sequential(
        [L.Input((3,)), L.Dense(3), L.BatchNormalization(), L.Dense(3), L.BatchNormalization()],
        name="inner",
    )
    x = L.Input((3,))
    deep = M.Model(x, L.Dense(2, name="deepest")(inner(x)), name="deep")
    s = deep(L.Add(name="add")([shared(a), shared(b)]))
    short, long = L.Dense(1, name="short")(s), L.Dense(2, name="long")(L.Dropout(0.1)(s))
    return M.Model([a, b], [long, short], name="graph")


def twice(L, M):
    """An output that is one of the calls of a nested model, which itself ends in one."""
    x, z, i = L.Input((3,), name="x"), L.Input((3,), name="z"), L.Input((3,), name="i")
    deepest = M.Model(z, L.Dense(3, activation="tanh", name="d")(z), name="deepest")
    nested = M.Model(x, deepest(L.Dense(3, name="e")(x)), name="nested")
    first = nested(i)
    return M.Model(i, [nested(first), first, L.Dense(1, name="o")(first)], name="twice")


def chain(L, M):
    return M.Sequential(
        [L.Input((8, 8, 1)), L.Conv2D(2, 3, activation="relu"), L.BatchNormalization(),
         L.MaxPooling2D(), L.Flatten(), L.Dropout(0.5), L.Dense(3, activation="softmax")],
        name="chain",
    )  # fmt: skip


def inputs_of(model, n=5):
    return [data((n, *x.shape[1:]), i) for i, x in enumerate(model.inputs)]


def run(model, inputs):
    return model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)


# What Keras 3 cannot read from .h5 files, not even from its own or those of tf.keras: several axes
# (it keeps the last), Attention (a string that is a function's name too), models within models;
# nor can a model from one train on.
def keras_reads(suffix, name="", arguments=()):
    several = isinstance(dict(arguments).get("axis"), list)
    return suffix != ".h5" or not (several or name in ("Attention", "graph", "twice"))


def exchange(path, ours, theirs, both=True):
    """Ours read by Keras if it can, and Keras's by us, both with equal predictions."""
    x = inputs_of(ours)
    ours.save(path)
    if both:
        close(run(keras.models.load_model(path), x), run(ours, x))
    theirs.save(path)
    close(run(models.load_model(path), x), run(theirs, x))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(("name", "arguments", "shape"), CASES)
def test_each_layer(name, arguments, shape, suffix, tmp_path):
    ours = filled(around(layers, models, name, arguments, shape))
    theirs = filled(around(keras.layers, keras, name, arguments, shape))
    exchange(tmp_path / f"m{suffix}", ours, theirs, keras_reads(suffix, name, arguments))


# Layers that are called with several tensors, or have layers within.
CALLS = {
    "attention": lambda L, x: L.MultiHeadAttention(2, 3)(x, x),
    "attention in full": lambda L, x: L.MultiHeadAttention(
        2, 3, value_dim=4, output_shape=6, use_bias=False, dropout=0.1
    )(query=x, value=x, key=x),
    "grouped attention": lambda L, x: L.GroupQueryAttention(3, 4, 2)(x, x, key=x),
    "two directions": lambda L, x: L.Bidirectional(
        L.GRU(3), backward_layer=L.GRU(3, go_backwards=True), merge_mode="sum"
    )(x),
    "each step": lambda L, x: L.TimeDistributed(L.Dense(3))(x),
    "stacked cells": lambda L, x: L.RNN(L.StackedRNNCells([L.LSTMCell(3), L.GRUCell(2)]))(x),
    "spectral": lambda L, x: L.SpectralNormalization(L.Conv1D(3, 2))(x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_layers_that_are_called_otherwise(call, tmp_path):
    def made(L, M):
        x = L.Input((5, 3))
        return filled(M.Model(x, call(L, x)))

    ours, theirs = made(layers, models), made(keras.layers, keras)
    exchange(tmp_path / "m.keras", ours, theirs)
    ours.save_weights(tmp_path / "m.weights.h5")
    theirs.load_weights(tmp_path / "m.weights.h5")
    x = inputs_of(ours)
    close(run(theirs, x), run(ours, x))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", [graph, twice, chain])
def test_models(make, suffix, tmp_path):
    ours, theirs = filled(make(layers, models)), filled(make(keras.layers, keras))
    assert [x.name for x in ours.layers] == [x.name for x in theirs.layers] or make is chain
    exchange(tmp_path / f"m{suffix}", ours, theirs, keras_reads(suffix, make.__name__))


@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5"])
@pytest.mark.parametrize("make", [graph, chain])
def test_weights(make, name, tmp_path):
    ours, theirs = filled(make(layers, models)), make(keras.layers, keras)
    x, path = inputs_of(ours), tmp_path / name
    ours.save_weights(path)
    theirs.load_weights(path)
    close(run(theirs, x), run(ours, x))
    if name == "m.weights.h5":
        filled(theirs).save_weights(path)
    else:
        filled(theirs).save(path)
    fresh = make(layers, models)
    fresh.load_weights(path)
    close(run(fresh, x), run(theirs, x))


@pytest.mark.parametrize("make", [graph, chain])
def test_weights_in_several_files(make, tmp_path):
    ours, theirs = filled(make(layers, models)), make(keras.layers, keras)
    x, path = inputs_of(ours), tmp_path / "m.weights.json"
    ours.save_weights(path, max_shard_size=1e-7)
    theirs.load_weights(path)
    close(run(theirs, x), run(ours, x))
    filled(theirs).save_weights(tmp_path / "t.weights.json", max_shard_size=1e-6)
    fresh = make(layers, models)
    fresh.load_weights(tmp_path / "t.weights.json")
    close(run(fresh, x), run(theirs, x))


OPTIMIZERS = ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"]


@pytest.mark.parametrize(
    ("source", "suffix"), [("ours", ".keras"), ("theirs", ".keras"), ("theirs", ".h5")]
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on_alike(optimizer, source, suffix, tmp_path):
    def make(L, M):
        return M.Sequential([L.Input((4,)), L.Dense(5, "tanh"), L.Dense(2)])

    saved, loader = make(layers, models), keras.models.load_model
    if source == "theirs":
        saved, loader = make(keras.layers, keras), models.load_model
    x, y = data((20, 4)), data((20, 2), 1)
    filled(saved).compile(optimizer, "mse", metrics=["mean_absolute_error"])
    train = {"batch_size": 5, "shuffle": False, "verbose": 0}
    saved.fit(x, y, epochs=2, **train)
    saved.save(tmp_path / f"m{suffix}")
    loaded = loader(tmp_path / f"m{suffix}")
    for model in (saved, loaded):
        model.fit(x, y, epochs=2, **train)
    close(loaded.get_weights(), saved.get_weights(), 1e-4)
    close(loaded.evaluate(x, y, verbose=0), saved.evaluate(x, y, verbose=0), 1e-4)


@pytest.mark.parametrize("source", ["ours", "theirs"])
def test_what_compile_was_given(source, tmp_path):
    L, M, K, load = layers, models, (losses, metrics), keras.models.load_model
    if source == "theirs":
        L, M, K, load = keras.layers, keras, (keras.losses, keras.metrics), models.load_model
    model = graph(L, M)
    model.compile(
        "adam",
        loss={"long": K[0].Huber(), "short": "mae"},
        loss_weights={"long": 2.0, "short": 1.0},
        metrics={"long": [K[1].MeanSquaredError(name="error")], "short": ["mse"]},
    )
    x = [data((6, 4)), data((6, 4), 1)]
    y = {"long": data((6, 2)), "short": data((6, 1))}
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / "m.keras")
    found = load(tmp_path / "m.keras").evaluate(x, y, verbose=0, return_dict=True)
    assert sorted(found) == sorted(expected)
    close([found[key] for key in sorted(found)], [expected[key] for key in sorted(found)])


def test_operations_between_layers(tmp_path):
    """Keras's own classes of operations, slices and dots in their arguments."""
    x = keras.layers.Input((5, 3), name="x")
    y = x[:, 1:, :2] + x[..., 0][:, 1:, None] - x[:, -1:, 1:]
    normal = [keras.ops.rms_normalization(y), keras.ops.layer_normalization(y, axis=-1)]
    y = keras.ops.concatenate(normal, axis=-1)
    grey = keras.ops.image.rgb_to_grayscale(keras.ops.expand_dims(x, 1))[:, 0, 1:]
    y = keras.ops.where(y > 0.2, y, grey)
    theirs = keras.Model(x, keras.layers.Dense(2)(keras.ops.reshape(y, (-1, 16))))
    filled(theirs).save(tmp_path / "m.keras")
    ours = models.load_model(tmp_path / "m.keras")
    given = data((4, 5, 3))
    close(ours.predict(given, verbose=0), theirs.predict(given, verbose=0), 1e-4)


def test_json(tmp_path):
    ours, theirs = graph(layers, models), graph(keras.layers, keras)
    assert keras.models.model_from_json(ours.to_json()).count_params() == ours.count_params()
    assert models.model_from_json(theirs.to_json()).count_params() == theirs.count_params()
