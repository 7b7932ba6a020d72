"""Names, configs, custom objects."""

import json

import numpy as np
import pytest

from kerasish import (
    activations,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    saving,
)
from kerasish.dtype_policies import DTypePolicy
from kerasish.graph.variable import Variable
from kerasish.saving.serialization import Configurable, config_of, snake_case


class Box(Configurable):
    def __init__(self, size, label="box", *, inner=None):
        self.size = size
        self.inner = inner


class Crate(Box):
    def __init__(self, weight=1, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight


def shout(x):
    return x


@pytest.mark.parametrize(
    ("get", "identifier", "expected"),
    [
        (activations.get, "relu", activations.relu),
        (activations.get, "swish", activations.silu),
        (activations.get, "LeakyReLU", activations.leaky_relu),
        (activations.get, None, activations.linear),
        (activations.get, shout, shout),
        (initializers.get, "glorot_uniform", initializers.GlorotUniform),
        (initializers.get, "zero", initializers.Zeros),
        (initializers.get, initializers.Ones, initializers.Ones),
        (initializers.get, np.ones(2), initializers.Constant),
        (regularizers.get, "l1_l2", regularizers.L1L2),
        (regularizers.get, None, None),
        (constraints.get, "MaxNorm", constraints.MaxNorm),
        (losses.get, "mse", losses.mean_squared_error),
        (losses.get, "MSE", losses.mean_squared_error),
        (losses.get, "categorical_crossentropy", losses.categorical_crossentropy),
        (losses.get, "CategoricalCrossentropy", losses.CategoricalCrossentropy),
        (losses.as_loss, "mse", losses.LossFunctionWrapper),
        (metrics.get, "mse", metrics.MeanSquaredError),
        (metrics.get, "binary_accuracy", metrics.BinaryAccuracy),
        (metrics.get, "AUC", metrics.AUC),
        (metrics.as_metric, shout, metrics.MeanMetricWrapper),
        (optimizers.get, "rmsprop", optimizers.RMSprop),
        (optimizers.get, "SGD", optimizers.SGD),
        (optimizers.get, {"class_name": "Adam", "config": {"lr": 0.5}}, optimizers.Adam),
    ],
)
def test_get(get, identifier, expected):
    found = get(identifier)
    assert type(found) is expected if isinstance(expected, type) else found is expected


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: activations.get("rleu"), ValueError, "Unknown activation 'rleu'.*'relu'"),
        (lambda: losses.get("catgorical_crossentropy"), ValueError, "'categorical_crossentropy'"),
        (lambda: optimizers.get("Addam"), ValueError, "Did you mean 'Adam'"),
        (lambda: optimizers.get(shout), TypeError, "Expected an optimizer"),
        (lambda: losses.get(3), TypeError, "Expected a loss"),
        (lambda: losses.deserialize({"config": {}}), ValueError, "class_name"),
        (lambda: saving.serialize_keras_object(object()), TypeError, "get_config"),
        (lambda: saving.serialize_keras_object(lambda x, y=Box: x), TypeError, "lambda"),
        (lambda: saving.register_keras_serializable()(object), ValueError, "get_config"),
        (
            lambda: saving.deserialize_keras_object(
                {"module": "os", "class_name": "system", "config": "true"}
            ),
            ValueError,
            "never imported",
        ),
        (
            lambda: saving.deserialize_keras_object(
                {"module": "builtins", "class_name": "function", "config": "eval"}
            ),
            ValueError,
            "Unknown function 'eval'",
        ),
        (
            lambda: saving.deserialize_keras_object(
                {"class_name": "__lambda__", "config": {"value": "code"}}
            ),
            ValueError,
            "byte code, which is not run",
        ),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("registry", [
    activations.registry, constraints.registry, initializers.registry, losses.registry,
    metrics.registry, optimizers.registry, optimizers.schedules.registry, regularizers.registry,
], ids=lambda registry: registry.home)  # fmt: skip
def test_everything_can_be_saved(registry):
    examples = {
        "IoU": (3, [0]), "MeanIoU": (3,), "OneHotIoU": (3, [0]), "OneHotMeanIoU": (3,),
        "MeanMetricWrapper": (losses.huber,), "PrecisionAtRecall": (0.5,),
        "RecallAtPrecision": (0.5,), "SensitivityAtSpecificity": (0.5,),
        "SpecificityAtSensitivity": (0.5,), "CosineDecay": (0.1, 9),
        "InverseTimeDecay": (0.1, 9, 1),
        "CosineDecayRestarts": (0.1, 9), "ExponentialDecay": (0.1, 9, 0.5),
        "LossScaleOptimizer": ("sgd",), "OptimizerMap": ("sgd", {"a": "adam"}),
        "MultiOptimizer": (optimizers.OptimizerMap("sgd", {"a": "adam"}),),
        "PiecewiseConstantDecay": ([1], [0.1, 0.2]), "PolynomialDecay": (0.1, 9),
    }  # fmt: skip
    assert registry.names
    for name, item in registry.names.items():
        obj = item(*examples.get(name, ())) if isinstance(item, type) else item
        data = json.loads(json.dumps(registry.serialize(obj)))
        again = registry.deserialize(data)
        if isinstance(item, type):
            assert type(again) is item
            assert again.get_config() == obj.get_config()
            assert data["module"] == f"keras.{registry.home}"
            assert type(saving.deserialize_keras_object(data)) is item
        else:
            assert again is item


def test_config_follows_the_signature():
    box = Crate(weight=3, size=np.float32(2), label="red", inner=initializers.Constant(5))
    box.weight = 4
    config = config_of(box)
    assert config["weight"] == 4  # the attribute counts
    assert config["label"] == "red"  # there is none: what __init__ was given
    assert config["size"] == 2.0
    assert config["inner"]["class_name"] == "Constant"
    again = Crate.from_config(json.loads(json.dumps(config)))
    assert again.inner.value == 5
    assert again.get_config() == config
    assert Box(Variable(3.0)).get_config() == {"size": 3.0, "label": "box", "inner": None}
    assert Box(activations.relu).get_config()["size"] == "relu"


def test_custom_objects():
    config = saving.serialize_keras_object(Box(shout))
    assert config["registered_name"] == "Box"
    with pytest.raises(ValueError, match=r"custom_objects=\{'Box': Box\}"):
        saving.deserialize_keras_object(config)
    both = {"Box": Box, "shout": shout}
    assert saving.deserialize_keras_object(config, custom_objects=both).size is shout
    with saving.custom_object_scope(both):
        assert saving.deserialize_keras_object(config).size is shout
        assert losses.get("shout") is shout
    with pytest.raises(ValueError, match="Unknown loss 'shout'"):
        losses.get("shout")


def test_registered_objects(monkeypatch):
    monkeypatch.setattr(saving.custom_objects, "_registered", {})
    saving.register_keras_serializable("tests", "Carton")(Box)
    config = saving.serialize_keras_object(Box(1))
    assert config["registered_name"] == saving.get_registered_name(Box) == "tests>Carton"
    assert type(saving.deserialize_keras_object(config)) is Box
    assert saving.get_registered_object("Carton") is Box
    saving.get_custom_objects()["shout"] = shout
    assert activations.get("shout") is shout


def test_a_class_of_keras_is_not_taken_for_a_registered_one(monkeypatch):
    monkeypatch.setattr(saving.custom_objects, "_registered", {})
    config = saving.serialize_keras_object(initializers.Zeros())
    saving.register_keras_serializable("tests", "Zeros")(Box)
    assert type(saving.deserialize_keras_object(config)) is initializers.Zeros
    del config["module"]  # as in files of Keras 2, whose names have no packages
    assert type(saving.deserialize_keras_object(config | {"config": {"size": 1}})) is Box


def test_data_of_other_kerases():
    for module in ("keras.src.initializers.random_initializers", "tensorflow.keras.initializers"):
        config = {"module": module, "class_name": "HeNormal", "config": {"seed": 1}}
        assert saving.deserialize_keras_object(config).seed == 1
    old = {"class_name": "VarianceScaling", "config": {"distribution": "normal", "scale": 2.0}}
    assert initializers.get(old).distribution == "truncated_normal"
    schedule = {"module": "keras.optimizers.schedules", "class_name": "ExponentialDecay"}
    schedule["config"] = {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5}
    sgd = {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": schedule}}
    assert float(saving.deserialize_keras_object(sgd).learning_rate) == pytest.approx(0.1)
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float16"}}
    assert saving.deserialize_keras_object([policy, 1]) == [DTypePolicy("float16"), 1]
    array = saving.serialize_keras_object(np.arange(3))
    assert saving.deserialize_keras_object(array).tolist() == [0, 1, 2]
    key = [slice(1, None, np.int64(2)), ..., slice(None)]
    config = saving.serialize_keras_object(key)
    assert config[0] == {
        "class_name": "__slice__",
        "config": {"start": 1, "stop": None, "step": 2},
    }
    assert saving.deserialize_keras_object(json.loads(json.dumps(config))) == key


@pytest.mark.parametrize("name", ["binary_accuracy", "top_k_categorical_accuracy", "huber"])
def test_functions_that_are_metrics(name):
    """Models compiled with the functions themselves hold them so; as Keras 3 and 2 write them."""
    function = getattr(metrics, name)
    config = {"module": "builtins", "class_name": "function", "config": name}
    assert saving.deserialize_keras_object(config) is function
    older = {"class_name": "MeanMetricWrapper", "config": {"fn": name, "name": "mine"}}
    for found in (metrics.get(older), metrics.MeanMetricWrapper(function, "mine")):
        again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(found))))
        assert (again.fn, again.name) == (function, "mine")


@pytest.mark.parametrize(("name", "expected"), [("SGD", "sgd"), ("HTTPServer2", "http_server2")])
def test_snake_case(name, expected):
    assert snake_case(name) == expected
