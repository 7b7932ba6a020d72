"""BackupAndRestore: a training that is killed ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import callbacks, layers, models, optimizers, utils

PROGRAM = Path(__file__).with_name("backup_program.py")


def run(folder, result, kind, where, expected=(0,), engine="numpy"):
    root = str(PROGRAM.parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "KERAS_BACKEND": engine}
    command = [sys.executable, str(PROGRAM), str(folder), str(result), kind, where]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in expected, done.stderr


def values(path):
    with np.load(path) as file:
        return [file[name] for name in file.files]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The result of each kind of training, not interrupted."""
    found = {}

    def of(kind):
        if kind not in found:
            folder = tmp_path_factory.mktemp(kind)
            run(folder / "backup", folder / "result.npz", kind, "nowhere")
            found[kind] = values(folder / "result.npz")
        return found[kind]

    return of


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("arrays", ["epoch:2", "batch:3"]),
        ("arrays", ["batch:1", "batch:13", "write:2"]),
        ("arrays", ["inside:1", "inside:2", "inside:3"]),
        ("arrays", ["end:2"]),  # a backup after the last batch of the epoch
        ("sequence", ["batch:13"]),
        ("generator", ["batch:11"]),
    ],
)
def test_killed_training_ends_as_if_nothing_had_happened(kind, places, whole, tmp_path):
    folder, result = tmp_path / "backup", tmp_path / "result.npz"
    for place in places:
        how = signal.SIGXFSZ if place.startswith("inside") else signal.SIGKILL
        run(folder, result, kind, place, expected=(-how,))
    run(folder, result, kind, "nowhere")
    for mine, wanted in zip(values(result), whole(kind), strict=True):
        np.testing.assert_array_equal(mine, wanted)
    assert not folder.exists()


def test_the_same_on_engines_that_compile(engine, tmp_path):
    """Their first steps are not interpreted, in a new process no more than in the first."""
    if engine.name == "numpy":
        return  # above
    results = [tmp_path / "whole.npz", tmp_path / "resumed.npz"]
    for result, places in zip(results, [[], ["epoch:2"]], strict=True):
        for place in places:
            run(tmp_path / "backup", result, "many", place, (-signal.SIGKILL,), engine.name)
        run(tmp_path / "backup", result, "many", "nowhere", engine=engine.name)
    for mine, wanted in zip(*map(values, results), strict=True):
        np.testing.assert_array_equal(mine, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["arrays", "generator"])
def test_killed_at_any_moment(kind, whole, tmp_path):
    folder, result = tmp_path / "backup", tmp_path / "result.npz"
    for moment in np.random.default_rng(1).integers(1, 300, 5):
        # What ends before its moment begins anew the next time.
        run(folder, result, kind, f"time:{moment}", expected=(-signal.SIGKILL, 0))
    run(folder, result, kind, "nowhere")
    for mine, wanted in zip(values(result), whole(kind), strict=True):
        np.testing.assert_array_equal(mine, wanted)


def _model(units=1):
    model = models.Sequential([layers.Input((2,)), layers.Dense(units)])
    model.compile(optimizers.Adam(0.1), "mse")
    return model


X, Y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")


def interrupted(model, folder, epochs=1, **options):
    hooks = [callbacks.BackupAndRestore(folder, **options)]
    if epochs > 1:
        model.fit(X, Y, epochs=epochs - 1, verbose=0, callbacks=[_keeping(hooks[0])])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=epochs + 1, verbose=0, callbacks=[*hooks, After(epochs)])


def _keeping(callback):
    callback.delete_checkpoint = False
    return callback


class After(callbacks.Callback):
    """Interrupts the training at the begin of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_says_that_it_resumes(tmp_path, capsys):
    interrupted(_model(), tmp_path)
    hooks = [callbacks.BackupAndRestore(tmp_path)]
    history = _model().fit(X, Y, epochs=2, verbose=2, callbacks=hooks)
    assert f"Resuming in epoch 2, from {tmp_path}." in capsys.readouterr().out
    assert history.epoch == [0, 1]
    assert len(history.history["loss"]) == 2


def test_a_damaged_file_is_told_or_replaced_by_the_one_before(tmp_path, capsys):
    interrupted(_model(), tmp_path, epochs=2, double_checkpoint=True)
    callback = callbacks.BackupAndRestore(tmp_path)
    Path(callback.path).write_bytes(b"PK broken")
    model = _model()
    model.fit(X, Y, epochs=2, verbose=2, callbacks=callback)
    assert "Resuming in epoch 2" in capsys.readouterr().out
    Path(tmp_path).mkdir()
    Path(callback.path).write_bytes(b"PK broken")
    with pytest.raises(ValueError, match=r"state\.npz can't be read"):
        model.fit(X, Y, verbose=0, callbacks=callback)


def test_the_state_of_another_model_is_refused(tmp_path):
    interrupted(_model(), tmp_path)
    with pytest.raises(ValueError, match="holds the state of another training"):
        _model(3).fit(
            X, X[:, :1] * [1, 1, 1], verbose=0, callbacks=callbacks.BackupAndRestore(tmp_path)
        )


def test_a_stopped_training_stays_stopped(tmp_path):
    early = {"monitor": "loss", "patience": 1, "min_delta": 9.0}
    hooks = [callbacks.EarlyStopping(**early), callbacks.BackupAndRestore(tmp_path)]
    _keeping(hooks[1])
    first = _model().fit(X, Y, epochs=5, verbose=0, callbacks=hooks)
    again = [callbacks.EarlyStopping(**early), callbacks.BackupAndRestore(tmp_path)]
    second = _model().fit(X, Y, epochs=5, verbose=0, callbacks=again)
    assert second.history == first.history


def test_own_callbacks_may_have_their_state_kept(tmp_path):
    class Counter(callbacks.Callback):
        backed_up = ("count", "seen")

        def __init__(self):
            self.count, self.seen = 0, {"last": np.zeros(2)}

        def on_epoch_end(self, epoch, logs=None):
            self.count += 1
            self.seen["step"] = np.full(2, epoch)

    counters = [Counter(), Counter()]
    backup = callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        _model().fit(X, Y, epochs=3, verbose=0, callbacks=[backup, counters[0], After(2)])
    _model().fit(X, Y, epochs=3, verbose=0, callbacks=[backup, counters[1], After(9)])
    assert counters[1].count == 3
    assert counters[1].seen["step"].tolist() == [2, 2]
    assert counters[1].seen["last"].tolist() == [0, 0]
    counters[0].seen["last"] = object()
    with pytest.raises(TypeError, match=r"Counter\.seen holds <object"):
        _model().fit(X, Y, verbose=0, callbacks=[backup, counters[0]])


@pytest.mark.parametrize("arguments", [("",), ("x", 0), ("x", True), ("x", "batch")])
def test_refuses(arguments):
    with pytest.raises(ValueError, match="BackupAndRestore: "):
        callbacks.BackupAndRestore(*arguments)


def test_needs_fit(tmp_path):
    model = _model()
    hooks = callbacks.CallbackList(callbacks.BackupAndRestore(tmp_path / "b"), model=model)
    with pytest.raises(RuntimeError, match="works in `fit` alone"):
        hooks.on_train_begin()
    assert not (tmp_path / "b").exists()


def test_random_state_goes_back():
    utils.set_random_seed(5)
    state = utils.seeds.random_state()
    draw = lambda: (np.random.rand(), layers.Dense(1)(np.ones((1, 2))).numpy().tolist())  # noqa: E731
    first = draw()
    utils.seeds.set_random_state(state)
    assert draw() == first
