"""Histories of `fit` and results of `evaluate`, against those of Keras 3 with equal weights."""

import numpy as np
import pytest

import kerasish

keras = pytest.importorskip("keras", minversion="3")
# Raised inside Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# Whole batches: of the losses of several outputs Keras on TensorFlow takes the mean over batches,
# whatever their size; on JAX and NumPy it is that over samples, as here.
COUNT = 48
rng = np.random.default_rng(0)
X = rng.normal(size=(COUNT, 6, 4)).astype("float32")
X[:, 4:] = 0  # masked where there is a mask
CLASSES = rng.integers(0, 3, (COUNT, 6)).astype("int32")
ONE_HOT = np.eye(3, dtype="float32")[CLASSES[:, 0]]
NUMBERS = rng.normal(size=(COUNT, 1)).astype("float32")
WEIGHTS = rng.uniform(0.2, 2, (COUNT, 6)).astype("float32")


def temporal(library):
    layers = library.layers
    inputs = layers.Input((6, 4))
    hidden = layers.SimpleRNN(4, return_sequences=True)(layers.Masking()(inputs))
    return library.Model(inputs, layers.Dense(3, "softmax")(hidden))


def two_outputs(library):
    layers = library.layers
    a, b = layers.Input((6, 4), name="a"), layers.Input((6, 4), name="b")
    joined = layers.Concatenate()([layers.Flatten()(a), layers.Flatten()(b)])
    hidden = layers.Dense(4, "tanh", kernel_regularizer="l2")(joined)
    outputs = {"p": layers.Dense(3, "softmax", name="p")(hidden), "q": layers.Dense(1)(hidden)}
    return library.Model({"a": a, "b": b}, outputs)


def nested(library):
    layers = library.layers
    inputs = layers.Input((6, 4))
    hidden = layers.Dense(4, "tanh")(layers.Flatten()(inputs))
    p, q = layers.Dense(3, "softmax", name="p")(hidden), layers.Dense(1, name="q")(hidden)
    return library.Model(inputs, {"both": [p, q], "one": layers.Dense(1, name="r")(hidden)})


def normalized(library):
    layers = library.layers
    stack = [layers.Input((6, 4)), layers.Flatten(), layers.Dense(5, activity_regularizer="l1")]
    return library.Sequential([*stack, layers.BatchNormalization(), layers.Dense(3, "softmax")])


SEQUENCES = {
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
    "weighted_metrics": ["sparse_categorical_crossentropy"],
}
BOTH = {
    "loss": {"p": "categorical_crossentropy", "q": "mse"},
    "loss_weights": {"p": 0.3, "q": 2.0},
    "metrics": {"p": ["accuracy"], "q": ["mae"]},
}
DEEP = {
    # Not "mae": its gradient jumps, and then a rounding error of Keras or ours grows.
    "loss": {"both": ["categorical_crossentropy", "mse"], "one": "huber"},
    "loss_weights": {"both": [1.0, 0.2], "one": 3.0},
    "metrics": {"both": [["accuracy"], ["mae", "mse"]], "one": ["mse"]},
    "weighted_metrics": {"both": ["accuracy", "mae"], "one": ["mse"]},
}
CLASSIFIES = {"loss": "categorical_crossentropy", "metrics": ["accuracy", "auc"]}


def forever(*arrays):
    while True:
        for start in range(0, COUNT, 8):
            yield tuple(array[start : start + 8] for array in arrays)


def stopping(library):
    stop = library.callbacks.EarlyStopping(
        "val_loss", patience=1, restore_best_weights=True, min_delta=0.2
    )
    slower = library.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1.0)
    return [stop, slower]


# Name -> the model, what `compile` is given, the data, what else `fit` is given.
CASES = {
    "temporal weights": (temporal, SEQUENCES, lambda: (X, CLASSES), {"sample_weight": WEIGHTS}),
    "several steps per call": (
        temporal,
        {**SEQUENCES, "steps_per_execution": 2},
        lambda: (X, CLASSES),
        {"validation_data": (X[:16], CLASSES[:16], WEIGHTS[:16]), "validation_freq": [1, 3]},
    ),
    "two outputs": (
        two_outputs,
        BOTH,
        lambda: ({"a": X, "b": X[::-1].copy()}, {"p": ONE_HOT, "q": NUMBERS}),
        {"sample_weight": {"p": WEIGHTS[:, 0], "q": WEIGHTS[:, 1]}},
    ),
    "outputs within each other, one weight for all": (
        nested,
        DEEP,
        lambda: (X, {"both": [ONE_HOT, NUMBERS], "one": NUMBERS}),
        {"sample_weight": WEIGHTS[:, 0]},
    ),
    "class weights": (
        normalized,
        CLASSIFIES,
        lambda: (X, ONE_HOT),
        {"class_weight": {0: 2.0, 1: 0.5}, "validation_split": 1 / 3, "initial_epoch": 1},
    ),
    "generator": (
        normalized,
        CLASSIFIES,
        lambda: (forever(X, ONE_HOT, WEIGHTS[:, 0]),),
        {"steps_per_epoch": 4, "batch_size": None, "validation_data": (X, ONE_HOT)},
    ),
    "stopped early": (
        normalized,
        CLASSIFIES,
        lambda: (X, ONE_HOT),
        {"validation_split": 1 / 3, "epochs": 8, "callbacks": stopping},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_histories_equal_those_of_keras(case):
    build, settings, data, more = CASES[case]
    found, weights = [], None
    for library in (keras, kerasish):
        given = {"epochs": 3, "batch_size": 8, "shuffle": False, "verbose": 0, **more}
        if "callbacks" in more:
            given["callbacks"] = more["callbacks"](library)
        model = build(library)
        weights = model.get_weights() if weights is None else weights
        model.set_weights(weights)
        model.compile(library.optimizers.SGD(0.05, momentum=0.9), **settings)
        history = model.fit(*data(), **given).history
        evaluated = {}
        if len(data()) == 2:
            evaluated = model.evaluate(*data(), batch_size=8, verbose=0, return_dict=True)
        found.append((history, evaluated, model.get_weights()))
    (history, evaluated, after), (ours, our_evaluated, our_after) = found
    assert list(ours) == list(history)
    assert set(our_evaluated) == set(evaluated)
    for name in history:
        np.testing.assert_allclose(ours[name], history[name], rtol=2e-3, atol=1e-4, err_msg=name)
    for name in evaluated:
        np.testing.assert_allclose(our_evaluated[name], evaluated[name], rtol=2e-3, atol=1e-4)
    for one, other in zip(our_after, after, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4)
