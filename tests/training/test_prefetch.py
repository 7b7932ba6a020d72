"""The thread and the workers that make batches ahead of time."""

import gc
import itertools
import os
import subprocess
import sys
import threading
import time
import traceback
import weakref
from contextlib import nullcontext
from multiprocessing import get_start_method
from pathlib import Path

import numpy as np
import pytest
from feeding import (
    BATCH,
    COUNT,
    STEPS,
    Batches,
    X,
    Y,
    classifier,
    forever,
    input_threads,
)

from kerasish import engines
from kerasish.callbacks import Callback, LambdaCallback
from kerasish.graph.function import Function
from kerasish.training.prefetch import Prefetcher
from kerasish.utils import set_random_seed

# Python 3.12 and later warn when a program with threads forks, as `multiprocessing` does there.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


_LONG = 60  # seconds; what is awaited comes at once, or never


class Interrupt(Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_no_thread_outlives_fit(error):
    for data in (forever(X, Y), Batches(X, Y, workers=3)):
        with pytest.raises(error):
            classifier().fit(data, callbacks=[Interrupt(error)], verbose=0)
        assert input_threads() == []
        classifier().fit(data, steps_per_epoch=2, verbose=0)
        assert input_threads() == []


def faulty_reader():
    yield X[:4], Y[:4]
    raise OSError("the disk is gone")


class FaultySequence(Batches):
    def __getitem__(self, index):
        if index == 3:
            raise OSError("the disk is gone")
        return super().__getitem__(index)


@pytest.mark.parametrize(
    "make",
    [
        faulty_reader,
        lambda: FaultySequence(X, Y),
        lambda: FaultySequence(X, Y, workers=2),
        lambda: FaultySequence(X, Y, workers=2, use_multiprocessing=True),
    ],
    ids=["generator", "one thread", "threads", "processes"],
)
def test_errors_of_the_producer_arrive_with_their_traceback(make):
    with pytest.raises(OSError, match="the disk is gone") as error:
        classifier().fit(make(), shuffle=False, verbose=0)
    text = "".join(traceback.format_exception(error.value))
    assert "faulty_reader" in text or 'raise OSError("the disk is gone")' in text
    assert input_threads() == []


def test_the_queue_is_bounded():
    made = itertools.count()
    ahead = Prefetcher(iter(lambda: next(made), -1), size=3)
    assert ahead.peek(2, least=3) == [0, 1]
    ahead.drop(2)
    assert ahead.peek(9, least=3) == [2, 3, 4]
    time.sleep(0.02)
    ahead.close()
    assert next(made) <= 6


def reused():
    """A generator that fills the same arrays again and again, as many do."""
    x, y = np.zeros((BATCH, 4), "float32"), np.zeros(BATCH, "int32")
    for start in range(0, 60 * BATCH, BATCH):
        rows = np.arange(start, start + BATCH) % COUNT
        x[:], y[:] = X[rows], Y[rows]
        yield x, y


@pytest.mark.parametrize(("fixed", "queue"), [(1, 10), (1, 1), (1, 3), (7, 10), (25, 10), (25, 2)])
def test_blocks_of_any_length_hold_the_right_batches(fixed, queue):
    """More steps per call than the queue has room for, fewer at the end, arrays filled anew."""
    rows = np.arange(60 * BATCH) % COUNT
    results = []
    for x, y in ((reused(), None), (X[rows], Y[rows])):
        set_random_seed(5)
        model = classifier()
        seen = []
        hook = LambdaCallback(on_train_batch_end=lambda step, logs, to=seen: to.append(step))
        loss = "sparse_categorical_crossentropy"
        model.compile("sgd", loss, metrics=["accuracy"], steps_per_execution=fixed)
        more = {"max_queue_size": queue} if y is None else {"batch_size": BATCH}
        history = model.fit(x, y, shuffle=False, verbose=0, callbacks=[hook], **more).history
        results.append([*model.get_weights(), history["loss"], history["accuracy"], seen])
        found = model.evaluate(*((x, y) if y is not None else (reused(),)), verbose=0)
        results[-1].append(found)
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.fixture
def calls(monkeypatch):
    """The shape of the data and the number of steps of each call of the engine."""
    made = []
    run_steps = Function.run_steps

    def recorded(self, data, order, collect=False):
        made.append((data[0].shape, len(order)))
        return run_steps(self, data, order, collect)

    monkeypatch.setattr(Function, "run_steps", recorded)
    return made


def test_a_run_begins_with_as_many_steps_per_call_as_the_last_one_ended_with(calls):
    x, y = np.tile(X, (40, 1)), np.tile(Y, 40)
    model = classifier()
    for run in (model.fit, model.evaluate):
        run(x, y, 4, verbose=0)
        learnt = calls[-2][1]
        calls.clear()
        run(x, y, 4, verbose=0)
        assert calls[0][1] >= learnt / 2 > 1


def test_all_calls_for_equal_batches_get_data_of_one_shape(calls, monkeypatch):
    """So an engine that compiles for it compiles once."""
    monkeypatch.setattr(engines.current_engine(), "one_shape", True)
    x, y = X[:BATCH], Y[:BATCH]
    model = classifier()
    for epochs in (1, 2):
        more = {"steps_per_epoch": 30, "epochs": epochs, "verbose": 0}
        model.fit(((x, y) for _ in range(90)), **more)
    assert len({shape for shape, _ in calls}) == 1
    assert sum(count for _, count in calls) == 90


def test_input_is_made_while_the_engine_computes():
    """Each batch is begun after the step before it has, and is there before that step ends."""
    steps = 8
    begun = [threading.Event() for _ in range(steps)]
    made = [threading.Event() for _ in range(steps)]
    met = []

    def batches():
        for number in range(steps):
            if number:
                met.append(begun[number - 1].wait(_LONG))
            made[number].set()
            yield X[:BATCH], Y[:BATCH]

    class Busy(Callback):
        def on_train_batch_end(self, batch, logs=None):
            begun[batch].set()
            if batch + 1 < steps:
                met.append(made[batch + 1].wait(_LONG))

    classifier().fit(batches(), steps_per_epoch=steps, callbacks=[Busy()], verbose=0)
    assert met == [True] * (2 * (steps - 1))


class Round(Batches):
    """Begins again where an epoch has more steps than there are batches, and may change."""

    goes_round = True

    def on_epoch_end(self):
        pass


@pytest.mark.skipif(get_start_method() != "fork", reason="processes do not begin by forking")
@pytest.mark.parametrize("steps", [2, STEPS, 2 * STEPS + 1])
def test_processes_begin_in_the_thread_that_trains(steps, monkeypatch):
    """To fork while another thread computes can stop both, as BLAS has threads and locks."""
    forks, fork = [], os.fork

    def watched():
        forks.append(threading.current_thread())
        return fork()

    monkeypatch.setattr(os, "fork", watched)
    data = Round(X, Y, workers=1, use_multiprocessing=True)
    classifier().fit(data, steps_per_epoch=steps, epochs=3, validation_data=data, verbose=0)
    assert len(forks) >= 3
    assert set(forks) == {threading.main_thread()}


KILLED = """
import multiprocessing, os, sys
sys.path[:0] = {path!r}
from feeding import *
from kerasish.callbacks import LambdaCallback
data = Batches(X, Y, workers=2, use_multiprocessing=True)
def die(batch, logs):
    print(len(multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), 9)
classifier().fit(data, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=die)])
"""


@pytest.mark.skipif(get_start_method() != "fork", reason="processes do not begin by forking")
def test_processes_end_with_one_that_is_killed():
    code = KILLED.format(path=[str(Path(__file__).parent), *filter(None, sys.path)])
    # The output ends with the last process that could write to it.
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONG)
    assert done.stdout == "2\n", done.stderr


class Watched(np.ndarray):
    """An array that can be watched with a weak reference."""


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_data_are_let_go_when_fit_ends(eager, fails):
    model = classifier()
    model.run_eagerly = eager
    x, sequence = X.copy().view(Watched), Batches(X, Y, workers=2, use_multiprocessing=True)
    kept = [weakref.ref(x), weakref.ref(sequence)]
    hooks = [Interrupt(OSError)] if fails else []
    for data, more in (((x, Y), {"batch_size": 4}), ((sequence,), {"steps_per_epoch": 3})):
        with pytest.raises(OSError) if fails else nullcontext():  # noqa: PT011
            model.fit(*data, verbose=0, callbacks=hooks, **more)
    del x, sequence, data
    gc.collect()
    assert [part() for part in kept] == [None, None]
    assert model.fit_position is None
