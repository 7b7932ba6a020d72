"""Callbacks in a real fit: averages, servers, names, counts; and what optimizers do there."""

import json
import socket
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from kerasish import callbacks, layers, losses, metrics, models, optimizers

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X @ np.ones((3, 1), "float32")


def _model(optimizer="sgd", **options):
    model = models.Sequential([layers.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizer, "mse", **options)
    return model


class Weights(callbacks.Callback):
    """Notes the kernel whenever something begins or ends."""

    def __init__(self):
        self.seen = {}

    def _note(self, hook):
        self.seen.setdefault(hook, []).append(self.model.layers[-1].kernel.numpy())

    def on_epoch_begin(self, epoch, logs=None):
        self._note("epoch begin")

    def on_epoch_end(self, epoch, logs=None):
        self._note("epoch end")

    def on_test_begin(self, logs=None):
        self._note("test")


def _ema():
    return optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)


def test_swap_only_for_evaluation():
    model, weights = _model(_ema()), Weights()
    swap = callbacks.SwapEMAWeights()
    model.fit(X, 2 * Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[swap, weights])
    average = model.optimizer.average_of(model.layers[-1].kernel).numpy()
    np.testing.assert_array_equal(weights.seen["test"][-1], average)
    assert not np.allclose(weights.seen["epoch end"][-1], average)
    # As always with averages, they are what training ends with.
    np.testing.assert_array_equal(model.layers[-1].kernel.numpy(), average)


def test_swap_at_the_end_of_epochs():
    model, weights, plain = _model(_ema()), Weights(), _model(_ema())
    swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
    options = {"batch_size": 4, "epochs": 2, "verbose": 0, "shuffle": False}
    model.fit(X, 2 * Y, **options, callbacks=[swap, weights])
    plain.fit(X, 2 * Y, **options)
    begins, ends = weights.seen["epoch begin"], weights.seen["epoch end"]
    assert not np.allclose(begins[1], ends[0])
    np.testing.assert_array_equal(ends[1], model.get_weights()[0])
    np.testing.assert_allclose(model.get_weights()[0], plain.get_weights()[0], rtol=1e-6)


def test_validation_sees_averages_in_either_case():
    wanted = None
    for at_epochs in (False, True):
        model, weights = _model(_ema()), Weights()
        swap = callbacks.SwapEMAWeights(at_epochs)
        options = {"batch_size": 4, "epochs": 3, "verbose": 0, "shuffle": False}
        history = model.fit(
            X, 2 * Y, **options, validation_data=(X, Y), callbacks=[swap, weights]
        ).history
        kernels = [np.ravel(kernel)[0] for kernel in weights.seen["test"]]
        found = [*history["val_loss"], *kernels, *np.ravel(model.get_weights()[0])]
        wanted = wanted or found
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    # Averages that an epoch's end has put there outlast an evaluation.
    swap.on_epoch_end(3)
    kept = model.get_weights()[0]
    model.evaluate(X, Y, verbose=0, callbacks=swap)
    np.testing.assert_array_equal(model.get_weights()[0], kept)


def test_swap_what_has_averages_among_several_optimizers():
    table = optimizers.OptimizerMap(optimizers.SGD(0.1), {".*kernel": _ema()})
    model, weights = _model(optimizers.MultiOptimizer(table)), Weights()
    swap = callbacks.SwapEMAWeights()
    model.fit(X, 2 * Y, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[swap, weights])
    average = model.optimizer.average_of(model.layers[-1].kernel).numpy()
    np.testing.assert_array_equal(weights.seen["test"][-1], average)


@pytest.mark.parametrize("after", ["evaluate", "fit"])
def test_weights_come_back_after_an_evaluation_that_failed(after):
    """At the next hook of the same callback: before that nothing calls it."""
    model, swap = _model(_ema()), callbacks.SwapEMAWeights()
    model.fit(X, 2 * Y, epochs=2, verbose=0, callbacks=swap)
    model.fit(X, 3 * Y, epochs=1, verbose=0)
    kernel = model.layers[-1].kernel
    trained, average = kernel.numpy() + 1, model.optimizer.average_of(kernel).numpy()
    kernel.assign(trained)

    def fail(batch, logs):
        raise OSError

    fails = callbacks.LambdaCallback(on_test_batch_end=fail)
    with pytest.raises(OSError):  # noqa: PT011  (raised here, with no words)
        model.evaluate(X, Y, verbose=0, callbacks=[swap, fails])
    np.testing.assert_array_equal(kernel.numpy(), average)
    if after == "evaluate":
        model.evaluate(X, Y, verbose=0, callbacks=swap)
    else:
        weights = Weights()
        model.fit(X, Y, verbose=0, callbacks=[swap, weights])
        found = weights.seen["epoch begin"][0]
    np.testing.assert_array_equal(kernel.numpy() if after == "evaluate" else found, trained)


def test_swap_needs_averages():
    with pytest.raises(ValueError, match="use_ema=True"):
        _model().fit(X, Y, verbose=0, callbacks=callbacks.SwapEMAWeights(True))


@pytest.fixture
def server():
    """A local server that keeps what is posted to it."""
    posts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            posts.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", posts
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor(server, as_json):
    root, posts = server
    monitor = callbacks.RemoteMonitor(
        root, "/here", field="log", headers={"Token": "x"}, send_as_json=as_json
    )
    history = _model().fit(X, Y, epochs=2, verbose=0, callbacks=monitor).history
    assert len(posts) == 2
    path, headers, body = posts[1]
    assert (path, headers["Token"]) == ("/here", "x")
    if not as_json:
        body = urllib.parse.parse_qs(body)["log"][0]
    assert json.loads(body) == {"epoch": 1, "loss": pytest.approx(history["loss"][1])}


@pytest.fixture
def babbler():
    """The address of a server that doesn't speak HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"what?\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join()
    listener.close()


@pytest.mark.parametrize("root", ["http://127.0.0.1:9", "nowhere", "babbler"])
def test_remote_monitor_warns_of_a_server_that_is_none(root, request):
    root = request.getfixturevalue(root) if root == "babbler" else root
    with pytest.warns(UserWarning, match="could not be told of epoch 1"):
        callbacks.RemoteMonitor(root).on_epoch_end(0, {"loss": 1.0})


def test_a_fit_inside_of_a_callback(tmp_path):
    """Of the same model: the outer one goes on where it was, with a history of its own."""

    class Inner(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept = self.model.fit_position
            self.model.fit(X[:8], Y[:8], batch_size=8, verbose=0)
            assert self.model.fit_position is kept

    model = _model()
    hooks = [Inner(), callbacks.BackupAndRestore(tmp_path / "b", save_freq=1)]
    history = model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=hooks)
    assert history is model.history
    assert history.epoch == [0, 1, 2]
    assert model.optimizer.iterations == 3 * (2 + 1)


def test_callbacks_that_are_added_later():
    """What comes last stays last, and a backup knows all others."""
    backup, early = callbacks.BackupAndRestore("backup"), callbacks.EarlyStopping()
    hooks = callbacks.CallbackList([backup])
    hooks.append(early)
    assert list(hooks) == [early, backup]
    assert backup.others == [early]


def test_values_have_the_names_of_each_keras():
    seen = []

    class Old(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((logs["lr"], logs.get("acc"), logs.get("val_acc", "none")))

    # Its name is what matters: real accuracy of numbers gets a warning.
    model = _model(metrics=[metrics.MeanAbsoluteError("accuracy")])
    plateau = callbacks.ReduceLROnPlateau("loss")
    history = model.fit(X, Y, verbose=0, callbacks=[plateau, Old()]).history
    assert seen == [(pytest.approx(0.01), history["accuracy"][0], "none")]
    assert history["lr"] == history["learning_rate"]
    assert "val_acc" not in history
    with pytest.raises(KeyError, match="val_acc"):
        history["val_acc"]


def test_progress_in_samples(capsys):
    model = _model()
    bars = [callbacks.ProgbarLogger("samples"), callbacks.BaseLogger(["mae"])]
    model.fit(X, Y, batch_size=5, verbose=2, callbacks=bars)
    assert "16/16" in capsys.readouterr().out
    with pytest.raises(ValueError, match="'steps' or 'samples', got 'epochs'"):
        callbacks.ProgbarLogger("epochs")


# --- optimizers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: optimizers.SGD(0.1, loss_scale_factor=64.0),
        lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.1), initial_scale=64.0),
        lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD(0.1)), 64.0),
    ],
)
def test_scaling_the_loss_changes_nothing(optimizer):
    scaled, plain = _model(optimizer()), _model(optimizers.SGD(0.1))
    for model in (scaled, plain):
        model.fit(X, 2 * Y, epochs=3, shuffle=False, verbose=0)
    for mine, wanted in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-6)


def test_tf_optimizer_names_what_to_use():
    with pytest.raises(NotImplementedError, match=r"kerasish\.optimizers has one"):
        optimizers.TFOptimizer(object())


# --- losses and metrics of older Keras ---------------------------------------------------


def test_is_categorical_crossentropy():
    yes = ["categorical_crossentropy", losses.categorical_crossentropy]
    assert all(map(losses.is_categorical_crossentropy, [*yes, losses.CategoricalCrossentropy()]))
    assert not any(map(losses.is_categorical_crossentropy, ["mse", losses.mse, None]))


@pytest.mark.parametrize(
    ("reduction", "value"),
    [("sum", 5.0), ("sum_over_batch_size", 2.5), ("weighted_mean", 5 / 3)],
)
def test_reduce(reduction, value):
    metric = metrics.Reduce(reduction, "m")
    assert float(metric([1.0, 3.0], sample_weight=[2.0, 1.0])) == pytest.approx(value)
    with pytest.raises(ValueError, match="must be one of"):
        metrics.Reduce("mean", "m")
