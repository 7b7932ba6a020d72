"""Keras under its other names, and what programs of tf.keras ask models and layers for."""

import importlib
import sys

import numpy as np
import pytest

import kerasish
from kerasish import backend, layers, metrics, models, ops, optimizers, utils
from kerasish.compat.run import keras_is_kerasish, run_script
from kerasish.engines import kerases
from kerasish.losses import MeanSquaredError


@pytest.fixture
def no_tensorflow(monkeypatch):
    """As if it were not installed."""
    find = kerases.PathFinder.find_spec
    hidden = lambda name, *args: None if name == "tensorflow" else find(name, *args)  # noqa: E731
    monkeypatch.setattr(kerases.PathFinder, "find_spec", hidden)
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorflow"]:
        monkeypatch.delitem(sys.modules, name)


def test_keras_inside_of_tensorflow_needs_no_tensorflow(no_tensorflow, tmp_path):
    path = tmp_path / "program.py"
    path.write_text("""
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.layers import Dense
import tensorflow.keras.backend as K

assert tf.keras is keras and layers.Dense is Dense
model = tf.keras.models.Sequential([layers.Flatten(input_shape=(2, 2)), Dense(1)])
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.1), loss='mse')
x = np.random.RandomState(0).rand(64, 2, 2)
losses = model.fit(x, x.sum((1, 2)), epochs=20, verbose=0).history['loss']
assert losses[-1] < losses[0] / 4, losses
assert K.int_shape(model.output) == (None, 1)
try:
    tf.data
except AttributeError as error:
    assert 'pip install' in str(error) and 'tensorflow.data' in str(error), error
else:
    raise AssertionError('tf.data')
""")
    run_script(str(path))
    assert "tensorflow" not in sys.modules


@pytest.mark.parametrize("package", ["keras_core", "tf_keras"])
def test_other_names_of_keras(package):
    with keras_is_kerasish():
        __import__(f"{package}.layers")
        assert sys.modules[package] is kerasish
        assert sys.modules[f"{package}.layers"] is layers
    assert package not in sys.modules


def test_names_that_numpy_has_dropped(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import numpy as np\n"
        "assert np.zeros(1, dtype=np.float).dtype == 'float64'\n"
        "assert np.asfarray([1, 2], 'int32').dtype == np.asfarray([1]).dtype == 'float64'\n"
        "assert np.in1d([[1, 2], [3, 4]], [2, 5]).tolist() == [False, True, False, False]\n"
        "assert np.asscalar(np.array([3])) == np.trapz([1, 2, 1]) == np.round_(2.6) == 3\n"
        "assert np.PINF == -np.NINF and np.alltrue([1, 2])\n"
    )
    run_script(str(path))
    assert "float" not in vars(np)


@pytest.mark.parametrize(("keras", "rates"), [(3, [0.001, 0.001]), (2, [1.0, 0.01])])
def test_defaults_of_the_generation(keras, rates, tmp_path, capsys):
    path = tmp_path / "program.py"
    path.write_text(f"""
import numpy as np
from keras import layers, optimizers
from keras.layers import GRU
from keras.models import Sequential

assert layers.Conv2D(8, 3, 2).strides == (({keras == 3}) + 1,) * 2
found = [optimizers.Adadelta().learning_rate, optimizers.get('adagrad').learning_rate]
np.testing.assert_allclose([float(rate) for rate in found], {rates})
assert GRU(2).get_config()['reset_after'] is {keras == 3}
Sequential([layers.Dense(2)]).predict(np.ones((1, 3)))
""")
    run_script(str(path), keras=keras)
    assert ("Predict" in capsys.readouterr().out) is (keras == 3)
    assert layers.GRU(2).get_config()["reset_after"]


def test_models_take_tensors_of_other_shapes_as_in_keras_2():
    inner = models.Sequential([layers.Dense(4, input_dim=3), layers.Reshape((2, 2))])
    other = layers.Input((1, 3))
    with pytest.raises(ValueError, match=r"must have shape \(None, 3\), but got \(None, 1, 3\)"):
        inner(other)
    with keras_is_kerasish():
        assert inner(other).shape == (None, 2, 2)
        with pytest.raises(ValueError, match="dense"):
            inner(layers.Input((5,)))


def test_last_axis_of_size_one_may_be_there_or_not():
    model = models.Sequential([layers.Input((4, 1)), layers.Conv1D(1, 3, padding="same")])
    model.compile("sgd", "mse")
    x = np.ones((2, 4))
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), model.predict(x[..., None], verbose=0)
    )
    assert model.evaluate(x, x, verbose=0) == model.evaluate(x, x[..., None], verbose=0)
    flat = models.Sequential([layers.Input((4,)), layers.Dense(2)])
    assert flat(np.ones((3, 4, 1))).shape == (3, 2)


def test_lambda_of_a_list_of_one():
    x = layers.Input((3,))
    slopes = layers.Lambda(lambda x: backend.gradients(backend.sum(x * x), [x]), output_shape=(3,))
    y = slopes(x)
    np.testing.assert_array_equal(
        models.Model(x, y).predict(np.ones((1, 3)), verbose=0), [[2.0] * 3]
    )


def test_input_with_a_value():
    held = backend.variable([[1.0, 2.0]])
    x = layers.Input(tensor=held * 2.0, name="held")
    model = models.Model(x, layers.Dense(1, kernel_initializer="ones")(x))
    assert model.layers[0].name == "held"
    (value,) = backend.function([], [model.output])([])
    np.testing.assert_array_equal(value, [[6.0]])
    np.testing.assert_array_equal(model.predict(np.ones((1, 2)), verbose=0), [[2.0]])
    again = layers.Input((2,))
    assert layers.Input(tensor=again) is again


def test_operations_between_layers_have_an_output():
    x = layers.Input((2,))
    model = models.Model(x, layers.Dense(1)(x * 2))
    assert [layer.output.shape for layer in model.layers] == [(None, 2), (None, 2), (None, 1)]


def test_steps_made_of_compiled_loss_and_metrics():
    class Trained(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1, kernel_regularizer="l2", kernel_initializer="ones")

        def call(self, x):
            return self.dense(x)

        def test_step(self, data):
            x, y = data
            outputs = self(x, training=False)
            self.compiled_loss(y, outputs, regularization_losses=self.losses)
            self.compiled_metrics.update_state(y, outputs)
            return {m.name: m.result() for m in self.metrics}

    x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
    model = Trained()
    model.compile("sgd", MeanSquaredError(), metrics=["mae"])
    assert model.evaluate(x, y, verbose=0) == pytest.approx([4.02, 2.0])


def test_add_metric_of_a_metric():
    class Endpoint(layers.Layer):
        def __init__(self):
            super().__init__()
            self.error = metrics.MeanAbsoluteError(name="error")

        def call(self, x, y):
            self.add_loss(MeanSquaredError()(y, x))
            self.add_metric(self.error(y, x))
            return x

    x, y = layers.Input((1,)), layers.Input((1,))
    model = models.Model([x, y], Endpoint()(layers.Dense(1, kernel_initializer="ones")(x), y))
    model.compile("sgd")
    data = [np.ones((4, 1)), np.full((4, 1), 3.0)]
    logs = model.evaluate(data, verbose=0, return_dict=True)
    assert logs == pytest.approx({"loss": 4.0, "error": 2.0})


def test_targets_that_nothing_compares():
    x = layers.Input((2,))
    y = layers.Dense(2, kernel_initializer="ones")(x)
    model = models.Model(x, y)
    model.add_loss(backend.mean(backend.square(y)))
    model.compile(optimizers.SGD(0.0), loss=None)
    data = np.ones((4, 2))
    history = model.fit(data, validation_data=(data, data), verbose=0).history
    assert history == {"loss": [4.0], "val_loss": [4.0]}


def test_a_convolution_of_ones_own():
    class Standardized(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel - backend.mean(kernel))

    layer = Standardized(1, 3, use_bias=False)
    np.testing.assert_allclose(layer(np.ones((1, 5, 5, 1))).numpy(), 0, atol=1e-5)


def test_arrays_of_other_libraries():
    class Array:
        shape, dtype = (2, 3), "their own"

        def __array__(self, *args, **kwargs):
            return np.ones((2, 3), "float32")

    assert layers.Dense(4)(Array()).shape == (2, 4)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [5, 6, 7]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [5, 6, 7]]),
        ({"truncating": "post", "value": 9}, [[9, 9, 1], [9, 2, 3], [4, 5, 6]]),
    ],
)
def test_pad_sequences(options, expected):
    with keras_is_kerasish():
        from keras.preprocessing import sequence
    padded = sequence.pad_sequences([[1], [2, 3], [4, 5, 6, 7]], maxlen=3, **options)
    np.testing.assert_array_equal(padded, expected)


def test_pad_sequences_of_steps_and_strings():
    assert utils.pad_sequences([np.ones((2, 5)), []], dtype="float32").shape == (2, 2, 5)
    assert utils.pad_sequences([["a"], []], dtype=object, value="").tolist() == [["a"], [""]]
    with pytest.raises(ValueError, match="dtype=object"):
        utils.pad_sequences([["a"]], value="")
    with pytest.raises(ValueError, match="it contains 3"):
        utils.pad_sequences([[1], 3])
    with pytest.raises(ValueError, match='"pre" or "post"'):
        utils.pad_sequences([[1]], padding="before")


def test_drawings(monkeypatch):
    inner = models.Sequential([layers.Input((4,)), layers.Dense(3)], name="inner")
    x = layers.Input((4,), name="x")
    model = models.Model(x, layers.Dense(1, activation="relu", name="last")(inner(x)))
    source = utils.model_to_dot(model, show_shapes=True, show_layer_activations=True).source
    assert source.count("->") == 2
    assert '"cluster' not in source
    assert r"last (Dense)\nactivation: relu\noutput: (None, 1)" in source
    source = utils.model_to_dot(model, expand_nested=True).source
    assert source.count("->") == 3
    assert 'label="inner"' in source
    odd = models.Sequential([layers.Input((2,)), layers.Dense(1, name='a"; b\\')], name='"m"')
    source = utils.model_to_dot(odd, splines="curved").source
    assert source.startswith("digraph \"'m'\" {\n  graph [rankdir=TB, dpi=200, splines=curved];")
    assert r"""[label="a'; b\\ (Dense)"];""" in source
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImportError, match="needs Graphviz"):
        utils.plot_model(model, "model.png")
    with pytest.raises(ImportError, match="program `neato`"):
        utils.model_to_dot(model).create(prog="neato", format="svg")
    with pytest.raises(ValueError, match="no graph of layers"):
        utils.model_to_dot(models.Sequential([layers.Dense(1)]))


# Where editors and tf.keras of several years have names -> one that is there.
PLACES = {
    "keras._tf_keras.keras.losses": "MeanSquaredError",
    "keras.api._v2.keras.layers": "Dense",
    "keras.api.optimizers": "Adam",
    "keras.src.callbacks": "EarlyStopping",
    "keras.src.engine.base_layer": "Layer",
    "tensorflow.keras.callbacks.experimental": "BackupAndRestore",
    "tensorflow.keras.experimental": "CosineDecay",
    "tensorflow.keras.layers.experimental.preprocessing": "RandomFlip",
    "tensorflow.keras.mixed_precision.experimental": "set_policy",
    "tensorflow.keras.optimizers.experimental": "AdamW",
}


@pytest.mark.parametrize("path", PLACES)
def test_places_of_tf_keras(path):
    with keras_is_kerasish():
        module = importlib.import_module(path)
        assert getattr(module, PLACES[path]).__module__.startswith("kerasish")


def test_attributes_of_tf_keras():
    assert optimizers.experimental.Adam is optimizers.Adam
    assert layers.experimental.preprocessing.Rescaling is layers.Rescaling
    assert layers.CategoryEncoding(max_tokens=3)([[2]]).shape == (1, 3)


def test_a_list_of_one_output():
    x = layers.Input((3,))
    model = models.Model([x], [layers.Dense(2)(x)])
    assert model(np.ones((1, 3))).shape == (1, 2)
    assert model.predict(np.ones((1, 3)), verbose=0).shape == (1, 2)


def test_masks_of_tf_keras():
    with keras_is_kerasish():
        y = layers.Embedding(3, 2, mask_zero=True)(np.array([[1, 0]]))
        assert y._keras_mask.tolist() == [[True, False]]
        del y._keras_mask
        assert not hasattr(y, "_keras_mask")


def test_a_model_that_hands_itself_over():
    class Own(models.Model):
        def __init__(self):
            super().__init__(self)

        def call(self, x):
            return x * 2

    assert Own()(np.ones(2)).tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "layer", [layers.Dense(2), layers.Conv1D(2, 1), layers.EinsumDense("abc,cd->abd", (None, 2))]
)
def test_activations_taken_away(layer):
    x = np.ones((1, 2, 3))
    expected = layer(x).numpy()
    layer.activation = None
    np.testing.assert_array_equal(layer(x), expected)


def test_numpy_functions_of_tensors():
    x = ops.convert_to_tensor([[1.0, 3.0]])
    for function in (np.squeeze, np.mean, np.sum, np.argmax, np.concatenate):
        found = function(x)
        assert isinstance(found, (np.ndarray, np.generic))
        np.testing.assert_array_equal(found, function(x.numpy()))
    assert np.mean(layers.Input((3,)), axis=-1).shape == (None,)


def test_normalize_of_tensors():
    x = np.array([[3.0, 4.0], [0.0, 0.0]], "float32")
    found = utils.normalize(ops.convert_to_tensor(x), axis=1)
    np.testing.assert_allclose(found.numpy(), utils.normalize(x, axis=1), rtol=1e-6)


def test_attention_in_16_bits():
    layer = layers.MultiHeadAttention(1, 2, dtype="mixed_bfloat16")
    assert layer(np.ones((1, 3, 2)), np.ones((1, 3, 2)), use_causal_mask=True).dtype == "bfloat16"


def test_batch_size_beside_batches():
    model = models.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = [(np.ones((4, 2)), np.ones((4, 1)))]
    with pytest.warns(UserWarning, match="batch_size=8 has no effect: the list_iterator"):
        model.fit(iter(batches), batch_size=8, verbose=0)


class _Pairs(models.Model):
    """Trains on labelled and on other data, of which there are more."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")

    def call(self, x):
        return self.dense(x)

    def test_step(self, data):
        (some, _), (others, labels) = data
        error = ops.mean(ops.square(self(others) - labels))
        return {"mean": ops.mean(self(some)), "error": error}


def test_steps_of_ones_own_take_uneven_batches():
    model = _Pairs()
    model.compile()
    batch = ((np.ones((6, 2)), np.ones(6)), (np.ones((3, 2)), np.zeros((3, 1))))
    found = model.evaluate(iter([batch, batch]), return_dict=True, verbose=0)
    assert found == pytest.approx({"mean": 2.0, "error": 4.0})


@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 3.0}])
def test_graphs_of_nodes_and_edges(class_weight):
    nodes, edges = layers.Input((1,)), layers.Input((2,), dtype="int32")
    ends = ops.take(nodes, edges[:, 1], axis=0)
    sums = ops.segment_sum(ends, edges[:, 0], num_segments=2)
    model = models.Model([nodes, edges], layers.Dense(1, kernel_initializer="ones")(sums))
    model.compile("sgd", "mse")
    x = np.ones((4, 1), "float32"), np.array([[0, 1], [0, 2], [1, 3]])
    logs = model.fit(
        iter([(x, np.array([[1.0], [0.0]]))]), class_weight=class_weight, verbose=0
    ).history
    expected = (1.0 + 1.0) / 2 if class_weight is None else (3.0 + 1.0) / 2
    assert logs["loss"] == pytest.approx([expected])
    assert model.predict(iter([(x,)]), verbose=0).shape == (2, 1)


def test_checkpoints_of_models_whose_layers_share_a_name(tmp_path):
    class Two(models.Model):
        def __init__(self):
            super().__init__()
            self.a = models.Sequential([layers.Input((3,)), layers.Dense(2)], name="net")
            self.b = models.clone_model(self.a)

        def call(self, x):
            return self.a(x) + self.b(x)

    model = Two()
    before, path = model(np.ones((1, 3))).numpy(), str(tmp_path / "cp.ckpt")
    model.save_weights(path)
    model.set_weights([w * 0 for w in model.get_weights()])
    model.load_weights(path)
    np.testing.assert_array_equal(model(np.ones((1, 3))), before)
