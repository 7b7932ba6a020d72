"""Functions and models of an engine's own, among layers: they run there, and say so elsewhere."""

import json
import re

import numpy as np
import pytest

import kerasish
from kerasish import config, layers, models, ops, optimizers, saving
from kerasish.engines.base import MissingOperationError
from kerasish.graph.function import Function
from kerasish.graph.tensor import Placeholder
from kerasish.layers import Dense, Input, Lambda, Layer, TFSMLayer

# As the engine imports it: Keras stays out, for the tests that set it up to compare with.
tf = pytest.importorskip("kerasish.engines.tensorflow.library", exc_type=ImportError).tf

X = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(10, 2)).astype("float32")


@pytest.fixture(autouse=True)
def _tensorflow():
    config.set_backend("tensorflow")


def refused(function, *names):
    """Asserts that NumPy refuses to run it, says where it runs and names all of `names`."""
    config.set_backend("numpy")
    with pytest.raises(MissingOperationError) as caught:
        function()
    config.set_backend("tensorflow")
    for name in names:
        assert f"native_call: {name} is a function of tensorflow" in str(caught.value)
    assert "KERAS_BACKEND=tensorflow, or kerasish.config.set_backend" in str(caught.value)


# --- calls -------------------------------------------------------------------------------

w = np.ones((3, 2), "float32")
CALLS = {
    "relu": (lambda x: tf.nn.relu(x), lambda x: np.maximum(x, 0)),
    "mixed": (lambda x: ops.sum(tf.square(x) * 2, 0) + 1, lambda x: (2 * x**2).sum(0) + 1),
    "tensor first": (lambda x: tf.constant([1.0, 2.0]) + x @ w, lambda x: x @ w + [1, 2]),
    "keywords": (lambda x: tf.math.reduce_sum(input_tensor=x, axis=1), lambda x: x.sum(1)),
    "listed": (lambda x: tf.concat([x, X], axis=1), lambda x: np.concatenate([x, X], 1)),
    "several": (lambda x: tf.split(x, 3, axis=1)[2], lambda x: x[:, 2:]),
    "sizes": (
        lambda x: tf.reshape(x, [3, tf.shape(x)[0]]) + tf.zeros([1, ops.shape(x)[0]]),
        lambda x: x.reshape(3, -1),
    ),
    "dict": (
        lambda x: ops.native_call(lambda a, by: {"b": a[0], "a": a[1] * by}, (x, x), by=2)["a"],
        lambda x: x * 2,
    ),
    "traced": (lambda x: ops.native_call(tf.function(lambda a: a + 1), x), lambda x: x + 1),
    "hidden size": (
        lambda x: ops.native_call(lambda a: tf.gather(a, tf.where(tf.ones_like(a[:, 0]))[:, 0]), x),
        lambda x: x,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_functions(name):
    call, reference = CALLS[name]
    x = Placeholder((None, 3), "float32")
    function = Function([x], [call(x)])
    for _ in range(5):  # operation by operation first, then as TensorFlow's graph
        np.testing.assert_allclose(function(X)[0], reference(X), rtol=1e-5)
    refused(lambda: function(X))


def test_programs_with_calls_are_plain_data():
    x = Placeholder((4, 3), "float32")
    program = Function([x], [tf.nn.relu(x)]).program
    assert re.search(r"native_call\(%0, engine=tensorflow, function=relu#\d+", str(program))
    json.dumps(program.to_json()[0])


def cubed(x):
    return ops.native_call(lambda a: (a**3, tf.shape(a)), x)[0]


@pytest.mark.parametrize("by_rules", [False, True])
def test_gradients(by_rules):
    """Once and twice, by the engine itself and by the rule, which a loop needs."""
    x = Placeholder((3,), "float32")

    def total(x):
        if not by_rules:
            return ops.sum(cubed(x))
        return ops.scan(lambda c, i: (c + ops.sum(cubed(x)) / 2, c), ops.zeros(()), np.arange(2))[0]

    first = ops.gradients(total(x), x)
    second = ops.gradients(ops.sum(first), x)
    one, two = Function([x], [first, second])(X[0])
    np.testing.assert_allclose(one, 3 * X[0] ** 2, rtol=1e-5)
    np.testing.assert_allclose(two, 6 * X[0], rtol=1e-5)


def test_values_are_values():
    """Outside of a model TensorFlow gets the values of our tensors."""
    assert tf.is_tensor(tf.nn.relu(ops.convert_to_tensor(X)))
    assert float(tf.reduce_sum(kerasish.Variable(np.ones(3, "float32")))) == 3


def test_mistakes():
    x, weights = Placeholder((None, 3), "float32"), kerasish.Variable(w)
    with pytest.raises(TypeError, match=r"uses <Variable .* from outside\. Hand it over"):
        ops.native_call(lambda a: tf.matmul(a, weights), x)
    with pytest.raises(TypeError, match="must return its tensors, but returned None"):
        ops.native_call(lambda a: None, x)
    with pytest.raises(TypeError, match="dtype string: expected numbers"):
        ops.native_call(tf.strings.as_string, x)
    with pytest.raises(NotImplementedError, match="numpy engine calls no functions"):
        ops.native_call(np.tanh, x, engine="numpy")
    picked = Function([x], [tf.boolean_mask(x, x[:, 0] > 0)])
    with pytest.raises(ValueError, match=r"sizes of what boolean_mask\S* returns are not known"):
        picked(X)


# --- models ------------------------------------------------------------------------------


class Linear(Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 2), initializer="glorot_uniform")
        self.bias = self.add_weight(shape=(2,), initializer="zeros")

    def call(self, x):
        return tf.reshape(tf.matmul(x, self.kernel) + self.bias, [tf.shape(x)[0], 2])


def squares(labels, predictions):
    return tf.reduce_mean(tf.square(labels - predictions), axis=-1)


def fitted(layer, loss, epochs, **settings):
    kerasish.utils.set_random_seed(3)
    end = Lambda(lambda x: tf.tanh(x)) if loss is squares else Lambda(ops.tanh)
    model = models.Sequential([Input((3,)), layer, end])
    model.compile(optimizers.Adam(0.05), loss, **settings)
    history = model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0)  # the last batch is smaller
    return model, history.history["loss"]


@pytest.mark.parametrize(("epochs", "eagerly"), [(20, False), (2, True)])
def test_a_model_trains_through_tensorflows_functions(epochs, eagerly):
    """The layer, the activation and the loss are TensorFlow's; the same model is ours."""
    model, losses = fitted(Linear(), squares, epochs, run_eagerly=eagerly)
    same, expected = fitted(Dense(2), "mse", epochs, run_eagerly=eagerly)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(model.predict(X, verbose=0), same.predict(X, verbose=0), atol=1e-4)
    refused(lambda: model.predict(X, verbose=0), "matmul", "tanh")
    refused(lambda: model.fit(X, Y, verbose=0), "matmul", "square")


# --- SavedModels -------------------------------------------------------------------------


class Counting(tf.Module):  # type: ignore[name-defined]
    """Multiplies by its only weight, and counts how often it did so while training."""

    def __init__(self):
        super().__init__()
        self.factor = tf.Variable([2.0, 2.0, 2.0], name="factor")
        self.count = tf.Variable(0, trainable=False, name="count")

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def serve(self, x):
        return x * self.factor

    @tf.function(input_signature=[tf.TensorSpec([None, 3])])
    def train(self, x):
        self.count.assign_add(1)
        return x * self.factor + 1.0


@pytest.fixture
def counting(tmp_path):
    path = tmp_path / "counting"
    module = Counting()
    tf.saved_model.save(module, str(path), signatures=module.serve)
    return path


def test_a_saved_model_trains(counting):
    layer = TFSMLayer(counting, call_training_endpoint="train")
    assert [w.path.rpartition("/")[2] for w in layer.weights] == ["factor", "count"]
    assert len(layer.trainable_weights) == 1
    model = models.Sequential([Input((3,)), layer])
    np.testing.assert_allclose(model.predict(X, verbose=0), X * 2)
    model.compile(optimizers.SGD(0.3), "mse")
    model.fit(X, X * 3 + 1, batch_size=5, epochs=40, verbose=0)
    factor, count = layer.get_weights()
    np.testing.assert_allclose(factor, 3, atol=1e-2)
    assert count == 80
    np.testing.assert_allclose(model.predict(X, verbose=0), X * factor, rtol=1e-6)
    refused(lambda: model.predict(X, verbose=0), "serve")
    # A second one of the same files has weights of its own; one that is frozen keeps them.
    frozen = TFSMLayer(counting, trainable=False)
    assert frozen.trainable_weights == []
    np.testing.assert_array_equal(frozen(X).numpy(), X * 2)


def test_signatures_take_and_return_names(counting):
    layer = TFSMLayer(counting, call_endpoint="serving_default")
    (output,) = layer(X).values()
    np.testing.assert_array_equal(output.numpy(), X * 2)


def test_files_that_name_a_saved_model(counting, tmp_path, monkeypatch):
    model = models.Sequential([Input((3,)), TFSMLayer(counting)])
    model.layers[0].set_weights([np.array([1.0, 2.0, 3.0])])
    file = tmp_path / "model.keras"
    model.save(file)
    config_of_layer = json.loads(json.dumps(model.layers[0].get_config()))
    for load in (
        lambda: saving.load_model(file),
        lambda: models.model_from_json(model.to_json()),
        lambda: TFSMLayer.from_config(config_of_layer),
    ):
        with pytest.raises(ValueError, match=r"may hold any code\. .*safe_mode=False"):
            load()
    with monkeypatch.context() as patch:
        patch.setattr(config._settings(), "safe_mode", False)
        assert TFSMLayer.from_config(config_of_layer).call_endpoint == "serve"
        with pytest.raises(ValueError, match=r"may hold any code\. .*safe_mode=False"):
            saving.load_model(file, safe_mode=True)
    again = saving.load_model(file, safe_mode=False)
    np.testing.assert_array_equal(again.predict(X, verbose=0), X * np.array([1, 2, 3], "float32"))
    # The program itself named the path.
    assert models.clone_model(model).layers[0].filepath == str(counting)


def test_saved_models_that_are_not_there(counting, tmp_path):
    with pytest.raises(ValueError, match="is no SavedModel: a directory with the file"):
        TFSMLayer(tmp_path / "nowhere")
    known = re.escape("it has ['serve', 'serving_default', 'train']")
    with pytest.raises(ValueError, match=f"no endpoint 'forward'; {known}"):
        TFSMLayer(counting, call_endpoint="forward")


@pytest.mark.parametrize(
    ("name", "engine"),
    [("TorchModuleWrapper", "PyTorch"), ("JaxLayer", "JAX"), ("FlaxLayer", "JAX")],
)
def test_foreign_code_without_its_engine_is_refused_with_a_remedy(name, engine):
    words = rf"{name} runs .* Write .*needs the {engine} eng"
    entry = {"module": "keras.layers", "class_name": name, "config": {"name": "of_a_file"}}
    for make in (lambda: getattr(layers, name)("model"), lambda: layers.deserialize(entry)):
        with pytest.raises(NotImplementedError, match=words):
            make()
