"""Whole trainings: every engine takes the same steps as the NumPy engine."""

import numpy as np
import pytest

from kerasish import config, layers, models, ops, optimizers
from kerasish.callbacks import Callback
from kerasish.engines import registry
from kerasish.utils import set_random_seed


class Losses(Callback):
    """The loss of each single batch, from the running means in the logs."""

    def __init__(self):
        super().__init__()
        self.means = []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])


def digits(n, seed=0):
    """Small made images (n, 8, 8, 1) of 4 classes: a bright bar at one of 4 places."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n).astype("int32")
    x = rng.random((n, 8, 8, 1)).astype("float32") * 0.5
    for i, place in enumerate(y):
        x[i, :, 2 * place : 2 * place + 2] += 0.5
    return x, y


def mlp():
    return models.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(32, "relu"),
            layers.Dense(4, "softmax"),
        ]
    )


def cnn():
    return models.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.Conv2D(6, 3, strides=2),
            layers.MaxPooling2D(2, strides=1),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(4, "softmax"),
        ]
    )


def rnn(layer):
    """Reads the rows of an image, top to bottom."""
    return models.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Reshape((8, 8)),
            layer(6),
            layers.Dense(4, "softmax"),
        ]
    )


def lstm():
    return rnn(layers.LSTM)


def gru():
    return rnn(layers.GRU)


def train(make, optimizer, steps, batch_size=16):
    """The losses of the single steps, and the weights after them."""
    set_random_seed(7)
    model = make()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = digits(steps * batch_size - 5)  # the last batch is smaller
    losses = Losses()
    model.fit(x, y, batch_size=batch_size, callbacks=[losses], verbose=0)
    return losses.means, model.get_weights()


def reference(make, optimizer, steps):
    with config.backend_scope("numpy"):
        return train(make, optimizer, steps)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
def test_the_first_50_losses_of_an_mlp_agree(engine, optimizer):
    expected, expected_weights = reference(mlp, optimizer, 50)
    losses, weights = train(mlp, optimizer, 50)
    assert len(losses) == 50
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    for a, b in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=2e-3)


def test_the_losses_of_a_cnn_agree(engine):
    expected, _ = reference(cnn, "sgd", 8)
    losses, _ = train(cnn, "sgd", 8)
    np.testing.assert_allclose(losses, expected, rtol=1e-3)


@pytest.mark.parametrize("make", [lstm, gru])
def test_the_losses_of_recurrent_networks_agree(engine, make):
    expected, _ = reference(make, "adam", 8)
    losses, _ = train(make, "adam", 8)
    np.testing.assert_allclose(losses, expected, rtol=1e-3)


@pytest.mark.parametrize("make", [mlp, cnn, lstm])
def test_histories_agree(engine, make):
    """Losses, metrics, regularisation, class weights and validation of whole epochs."""

    def history():
        set_random_seed(3)
        model = make()
        model.add_loss(lambda: 0.01 * ops.sum(model.layers[-1].kernel))
        model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
        x, y = digits(40)
        options = {"epochs": 2, "batch_size": 16, "validation_split": 0.25, "verbose": 0}
        return model.fit(x, y, class_weight={0: 2.0}, **options).history

    with config.backend_scope("numpy"):
        expected = history()
    found = history()
    assert list(found) == list(expected)
    for name, values in expected.items():
        # One sample more or less on the right side is 0.1 of 10 in validation.
        tolerance = {"atol": 0.11} if "accuracy" in name else {"rtol": 5e-3}
        np.testing.assert_allclose(found[name], values, **tolerance, err_msg=name)


@pytest.mark.parametrize("optimizer", ["adam", "nesterov"])
def test_a_training_goes_from_engine_to_engine(optimizer):
    """TensorFlow twice, CNTK, TensorFlow again, looked at on Theano: as on one engine."""
    wanted = ["tensorflow", "tensorflow", "cntk", "tensorflow"]
    for name in {*wanted, "theano"}:
        there, why = registry.installed(name)
        if not there:
            pytest.skip(f"{name}: {why}")
    x, y = digits(64)
    options = {"batch_size": 16, "shuffle": False, "verbose": 0}

    def compiled():
        set_random_seed(4)
        model = mlp()
        chosen = optimizers.SGD(0.05, 0.9, nesterov=True) if optimizer == "nesterov" else "adam"
        model.compile(chosen, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def trained(model, names):
        losses = []
        for epoch, name in enumerate(names):
            with config.backend_scope(name):
                found = model.fit(x, y, epochs=epoch + 1, initial_epoch=epoch, **options)
            losses += found.history["loss"]
        return losses

    one, travelled = compiled(), compiled()
    expected = trained(one, ["tensorflow"] * 4)
    losses = trained(travelled, wanted[:3])
    with config.backend_scope("theano"):
        seen = travelled.evaluate(x, y, verbose=0)
    with config.backend_scope("tensorflow"):
        assert seen == pytest.approx(travelled.evaluate(x, y, verbose=0), rel=1e-3)
        losses += travelled.fit(x, y, epochs=4, initial_epoch=3, **options).history["loss"]
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    for a, b in zip(travelled.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-3)
    # The state of the optimizer travelled along.
    assert int(travelled.optimizer.iterations) == 16
    for a, b in zip(travelled.optimizer.variables, one.optimizer.variables, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-2, atol=1e-4)


def test_bulk_steps_equal_single_steps(engine):
    x, y = digits(200)
    results = []
    for callbacks in ([], [Losses()]):
        set_random_seed(1)
        model = mlp()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=8, epochs=3, callbacks=callbacks, verbose=0).history
        results.append([history["loss"], history["accuracy"]])
    np.testing.assert_allclose(*results, rtol=1e-4)


def test_eager_steps_equal_compiled_ones(engine):
    x, y = digits(40)
    results = []
    for eagerly in (False, True):
        set_random_seed(1)
        model = mlp()
        model.add(layers.Dropout(0.2))
        model.compile("adam", "mse", metrics=["mae"], run_eagerly=eagerly)
        targets = np.eye(4)[y]
        history = model.fit(x, targets, 16, epochs=2, validation_split=0.2, verbose=0).history
        results.append([*history.values(), model.predict(x, verbose=0).ravel()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_dropout_trains(engine):
    set_random_seed(0)
    model = models.Sequential([layers.Input((64,)), layers.Dropout(0.5), layers.Dense(4)])
    model.compile("sgd", "mse")
    x = np.ones((8, 64), "float32")
    losses = {model.train_on_batch(x, np.zeros((8, 4))) for _ in range(3)}
    assert len(losses) == 3
    np.testing.assert_allclose(
        model.predict(x, verbose=0), np.asarray(model.layers[1](x)), rtol=1e-4, atol=1e-5
    )


def test_the_engine_may_change_in_the_middle(engine):
    """numpy -> engine -> numpy with the optimizer's state, against an uninterrupted run."""
    x, y = digits(64)

    def compiled():
        set_random_seed(2)
        model = mlp()
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    model = compiled()
    model.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0)
    expected = model.get_weights()
    model = compiled()
    for epoch, name in enumerate(["numpy", engine.name, engine.name, "numpy"]):
        with config.backend_scope(name):
            model.fit(x, y, 16, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0)
            loss = model.evaluate(x, y, verbose=0)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(loss, rel=1e-4)
    for a, b in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
