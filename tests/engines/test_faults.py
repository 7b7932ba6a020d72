"""What a user sees when an engine's process fails in the middle of a training."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from kerasish import Function, config, layers, models, ops
from kerasish.callbacks import Callback, LambdaCallback
from kerasish.engines import registry
from kerasish.engines.host import recipes
from kerasish.engines.host.engine import HostEngine
from kerasish.engines.host.parent import EngineDied, EngineMissing
from kerasish.graph.tensor import Placeholder
from kerasish.utils import set_random_seed


@pytest.fixture
def host(engine):
    """The current engine, if it runs in a process of its own."""
    if registry.info(engine.name).kind != "host":
        pytest.skip("runs in this process")
    return engine


def model_and_data(n=64):
    set_random_seed(0)
    model = models.Sequential([layers.Input((5,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(n, 5)).astype("float32")
    return model, x, x[:, :1] * 2


class Saboteur(Callback):
    """Sends a signal to the engine's process in the middle of the second epoch."""

    def __init__(self, engine, number):
        super().__init__()
        self.engine = engine
        self.number = number
        self.epoch = 0
        self.weights = None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        self.weights = self.model.get_weights()

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 3):
            os.kill(self.engine.process.pid, self.number)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_killed_process_costs_one_epoch_at_most(host, name):
    model, x, y = model_and_data()
    saboteur = Saboteur(host, getattr(signal, name))
    with pytest.raises(RuntimeError, match=name) as error:
        model.fit(x, y, batch_size=8, epochs=3, callbacks=[saboteur], verbose=0)
    assert type(error.value).__name__ == "EngineDied"
    for kept, expected in zip(model.get_weights(), saboteur.weights, strict=True):
        np.testing.assert_array_equal(kept, expected)
    # The next call starts a new process and goes on from there.
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before


def test_a_process_that_hangs_is_ended(host, monkeypatch):
    model, x, y = model_and_data()
    model.fit(x, y, verbose=0)
    monkeypatch.setenv("KERASISH_ENGINE_TIMEOUT", "2")
    os.kill(host.process.pid, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="KERASISH_ENGINE_TIMEOUT"):
        model.fit(x, y, verbose=0)
    assert time.monotonic() - started < 20
    monkeypatch.delenv("KERASISH_ENGINE_TIMEOUT")
    model.fit(x, y, verbose=0)


@pytest.fixture
def interruptible():
    """Ctrl-C arrives, even in a process that was started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_a_usable_model_and_no_orphan(host, interruptible):
    model, x, y = model_and_data()
    model.fit(x, y, verbose=0)
    ended = threading.Event()

    def interrupt():
        # Again after a while: Python drops an interrupt that falls into a finalizer.
        pause = 0.5
        while not ended.wait(pause):
            os.kill(os.getpid(), signal.SIGINT)
            pause = 5

    def long_fit():
        try:
            model.fit(x, y, batch_size=8, epochs=100_000, verbose=0)
        finally:
            ended.set()

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        long_fit()
    assert all(np.isfinite(w).all() for w in model.get_weights())
    first = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0) <= first


def test_a_missing_operation_is_named_before_anything_runs(host, monkeypatch):
    x = Placeholder((None, 3), "float32")
    f = Function([x], [ops.sum(ops.exp(x))], name="to_check")
    lowers = type(host).lowers
    monkeypatch.setattr(type(host), "lowers", lambda self, op: op != "exp" and lowers(self, op))
    with pytest.raises(NotImplementedError, match=r"cannot run to_check[\s\S]*exp"):
        f(np.ones((2, 3)))


def test_two_models_and_two_functions_share_one_engine(host):
    one, x, y = model_and_data()
    two, _, _ = model_and_data()
    expected, _, _ = model_and_data()
    expected.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for epoch in range(2):
        for model in (one, two):
            model.fit(x, y, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0)
    for model in (one, two):
        for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_an_exception_in_a_callback_leaves_the_engine_usable(host):
    model, x, y = model_and_data()

    def fail(batch, logs):
        raise ZeroDivisionError("in the user's callback")

    with pytest.raises(ZeroDivisionError):
        model.fit(x, y, callbacks=[LambdaCallback(on_train_batch_end=fail)], verbose=0)
    model.fit(x, y, verbose=0)


def test_training_goes_on_elsewhere_after_a_death(host):
    """Nothing was lost: the values were fetched at the end of the last epoch."""
    model, x, y = model_and_data()
    model.fit(x, y, epochs=2, verbose=0)
    before = model.get_weights()
    os.kill(host.process.pid, signal.SIGKILL)
    for kept, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(kept, expected)
    with config.backend_scope("numpy"):
        model.fit(x, y, verbose=0)
        assert np.isfinite(model.evaluate(x, y, verbose=0))
    with pytest.raises(RuntimeError, match="SIGKILL"):  # whoever asks first is told
        model.fit(x, y, verbose=0)
    model.fit(x, y, verbose=0)


PROGRAM = """
import sys
import numpy as np
from kerasish import layers, models
from kerasish.utils import set_random_seed
set_random_seed(0)
model = models.Sequential([layers.Input((5,)), layers.Dense(4, "tanh"), layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
model.fit(x[:8], x[:8, :1], verbose=0)
print("ready", flush=True)
sys.stdin.readline()
history = model.fit(x, x[:, :1], batch_size=8, epochs=3, shuffle=False, verbose=0).history
print(history["loss"][-1])
"""


def test_two_programs_use_one_engine_at_a_time(host):
    """Each has a worker of its own; both are alive when they train."""
    paths = [path for path in sys.path if path]
    environment = {**os.environ, "KERAS_BACKEND": host.name, "PYTHONPATH": os.pathsep.join(paths)}
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in "ab"
    ]
    try:
        assert [p.stdout.readline() for p in programs] == ["ready\n", "ready\n"]
        losses = [p.communicate("go\n", timeout=60)[0] for p in programs]
    finally:
        for p in programs:
            p.kill()
    assert float(losses[0]) == pytest.approx(float(losses[1]), rel=1e-5)


@pytest.mark.parametrize("name", ["theano", "cntk"])
def test_an_environment_deleted_while_in_use(name, tmp_path, monkeypatch):
    """The running process goes on where it can; the next start says what to do."""
    echo = Path(__file__).with_name("host_echo.py")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    python = recipes.environment_python(name)
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (recipes.engine_directory(name) / "engine.json").write_text('{"version": "0"}')
    host = HostEngine(name)
    host.process.engine = str(echo)  # the environment holds no engine
    host.write(1, np.ones(3))
    shutil.rmtree(recipes.engine_directory(name))
    np.testing.assert_array_equal(host.read(1), np.ones(3))
    os.kill(host.process.pid, signal.SIGKILL)
    with pytest.raises(EngineDied, match="SIGKILL"):
        host.read(1)
    with pytest.raises(EngineMissing, match=f"kerasish setup {name}"):
        host.write(1, np.ones(3))
