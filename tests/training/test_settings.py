"""What fit takes from config and from compile: limits, logging, tracebacks, modes, weights."""

import io
import traceback

import numpy as np
import pytest
from feeding import Recorder, X, Y, classifier, forever

from kerasish import config, layers, models
from kerasish.callbacks import Callback


def test_limits_shorten_any_training():
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    recorder = Recorder()
    model = classifier()
    for data in ((X, Y, 8), (forever(X, Y),)):
        recorder.steps.clear()
        model.fit(*data, epochs=9, callbacks=[recorder], verbose=0)
        assert recorder.steps == [3, 3]
    assert len(model.predict(X, batch_size=8, verbose=0)) == 24
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)
    model.fit(X, Y, 8, epochs=3, callbacks=[recorder], verbose=0)
    assert recorder.steps[2:] == [9, 9, 9]
    for wrong in (0, -1, 1.5, "x", True):
        with pytest.raises(ValueError, match="max_epochs must be"):
            config.set_max_epochs(wrong)


def test_limits_from_the_environment(monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "4")
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "5")
    monkeypatch.setattr(config, "_state", None)
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (4, 5)
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "many")
    monkeypatch.setattr(config, "_state", None)
    with pytest.raises(ValueError, match="KERAS_MAX_EPOCHS"):
        config.max_epochs()


def test_tracebacks_show_the_users_lines():
    def noisy():
        yield X[:4], Y[:4]
        raise OSError("the disk is gone")

    model = classifier()
    package = config.__file__.rpartition("config.py")[0]
    for enabled in (True, False):
        (config.enable_traceback_filtering if enabled else config.disable_traceback_filtering)()
        assert config.is_traceback_filtering_enabled() is enabled
        with pytest.raises(OSError, match="disk") as error:
            model.fit(noisy(), verbose=0)
        frames = traceback.extract_tb(error.value.__traceback__)
        inside = [f for f in frames if f.filename.startswith(package)]
        assert [f.name for f in frames if f.name == "noisy"] == ["noisy"]
        assert len(inside) <= 1 if enabled else len(inside) > 3


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_interactive_logging(monkeypatch):
    texts = []
    for change in (config.enable_interactive_logging, config.disable_interactive_logging):
        change()
        terminal = Terminal()
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.setenv("TERM", "xterm")
        classifier().fit(X, Y)
        texts.append(terminal.getvalue())
    assert "\r" in texts[0]
    assert "\r" not in texts[1]
    assert texts[1].count("\n") == 1
    assert not config.is_interactive_logging_enabled()


def test_metrics_and_loss_weights_come_in_both_orders():
    """By position: Keras 2 has the metrics first, Keras 3 the weights."""
    logs = []
    for more in ((["mae"], [0.5]), ([0.5], ["mae"]), (None, ["mae"]), ({"out": 0.5}, None)):
        model = models.Sequential([layers.Input((4,)), layers.Dense(1, "relu", name="out")])
        model.compile("sgd", "mse", *more)
        model.set_weights([np.zeros((4, 1)), np.zeros(1)])
        logs.append(model.evaluate(X, np.ones(len(X)), verbose=0, return_dict=True))
    assert logs == [
        {"loss": 0.5, "mae": 1.0},
        {"loss": 0.5, "mae": 1.0},
        {"loss": 1.0, "mae": 1.0},
        {"loss": 0.5},
    ]


# --- Keras 2's ways ----------------------------------------------------------------------


class Validating(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.seen = self.validation_data


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({"validation_data": (X[:5], Y[:5])}, np.ones(5)),
        ({"validation_data": (X[:5], Y[:5], np.arange(5.0))}, np.arange(5.0)),
        ({"validation_split": 0.2}, np.ones(14)),
    ],
)
def test_callbacks_have_the_validation_data(options, weights):
    callback = Validating()
    classifier().fit(X, Y, callbacks=[callback], verbose=0, **options)
    x, y, found = callback.seen
    wanted = X[:5] if "validation_data" in options else X[-14:]
    np.testing.assert_array_equal(x, wanted)
    assert len(y) == len(wanted)
    np.testing.assert_array_equal(found, weights)
    batches = forever(X, Y)
    options = {"validation_data": batches, "validation_steps": 1, "verbose": 0}
    classifier().fit(X, Y, callbacks=[callback], **options)
    assert callback.seen is None


@pytest.mark.parametrize("mode", ["temporal", {"out": "temporal"}, ["temporal"]])
def test_weights_of_time_steps(mode):
    model = models.Sequential([layers.Input((5, 4)), layers.Dense(1, name="out")])
    model.compile("sgd", "mse", sample_weight_mode=mode, weighted_metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(6, 5, 4)).astype("float32")
    y, weights = np.zeros((6, 5, 1)), np.eye(6, 5, dtype="float32")
    errors = model.predict(x, verbose=0)[..., 0]
    loss, mae = model.evaluate(x, y, sample_weight=weights, verbose=0)
    assert loss == pytest.approx(np.mean(errors**2 * weights), rel=1e-4)
    assert mae == pytest.approx(np.abs(errors)[weights == 1].mean(), rel=1e-4)
    assert model.train_on_batch(x, y, sample_weight=weights)[0] == pytest.approx(loss, rel=1e-4)


def test_the_batch_size_of_build_is_that_of_stateful_layers():
    model = models.Sequential([layers.SimpleRNN(1, stateful=True)])
    model.build((4, 5, 2))
    assert model.input_shape == (4, 5, 2)
    free = models.Sequential([layers.SimpleRNN(1)])
    free.build((4, 5, 2))
    assert free.input_shape == (None, 5, 2)


def test_stateful_models_start_anew():
    inputs = layers.Input(batch_shape=(4, 5, 2))
    model = models.Model(inputs, layers.LSTM(3, stateful=True)(inputs))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 5, 2)).astype("float32")
    first = model.predict(x, verbose=0)  # the batch size is that of the inputs
    again = model.predict(x, verbose=0)
    model.reset_states()
    np.testing.assert_allclose(model.predict(x, verbose=0), first, rtol=1e-5)
    assert not np.allclose(first, again)
    long = np.concatenate([x[:4], x[4:]], axis=1)
    free = layers.Input((None, 2))
    plain = models.Model(free, layers.LSTM(3)(free))
    plain.set_weights(model.get_weights())
    np.testing.assert_allclose(first[4:], plain.predict(long, verbose=0), rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*no gradient with respect to the weights b/")
def test_outputs_without_a_loss_need_no_targets():
    inputs = layers.Input((4,))
    a, b = layers.Dense(1, name="a")(inputs), layers.Dense(1, name="b")(inputs)
    model = models.Model(inputs, [a, b])
    for loss in ({"a": "mse"}, ["mse", None]):
        for y in ({"a": X[:, :1]}, [X[:, :1]]):
            model.compile("sgd", loss)
            assert list(model.fit(X, y, verbose=0).history) == ["a_loss", "loss"]
    model.compile("sgd", "mse")
    weights = {"a": np.zeros(len(X))}
    logs = model.evaluate(X, [X[:, :1]] * 2, sample_weight=weights, return_dict=True, verbose=0)
    assert logs["a_loss"] == 0
    assert logs["b_loss"] > 0
    model.compile("sgd", {"a": "mse"}, metrics={"b": ["mae"]})
    with pytest.raises(ValueError, match=r"Output b has metrics .* no targets"):
        model.fit(X, {"a": X[:, :1]}, verbose=0)


@pytest.mark.parametrize("units", [1, 3])
def test_classes_and_probabilities_of_keras_2(units):
    model = models.Sequential([layers.Input((4,)), layers.Dense(units, "sigmoid")])
    probabilities = model.predict_proba(X)
    classes = model.predict_classes(X, batch_size=8)
    wanted = probabilities.argmax(axis=-1) if units > 1 else probabilities > 0.5
    np.testing.assert_array_equal(classes, wanted)
