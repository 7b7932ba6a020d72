"""Making input ahead of time: one thread that fills a queue, and workers behind it."""

from __future__ import annotations

import contextvars
import itertools
import os
import random
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import Any, NamedTuple

import numpy as np

from kerasish.training.handover import Address, Place, handed

# A producer stuck in a read or a sleep is left behind, as a daemon, after so many seconds.
_PATIENCE = 2.0

# How long a thread may hold the interpreter, in seconds, while others want it.
_TURN = 0.0005


# How many batches may wait if nothing was said of that. Small ones may be more.
USUAL_QUEUE = 10


class Loading(NamedTuple):
    """How batches are made ahead of time.

    Attributes:
        workers: threads or processes that make batches; 0: none, they are made between steps.
        use_multiprocessing: whether they are processes.
        max_queue_size: how many batches may wait.
    """

    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = USUAL_QUEUE


@contextmanager
def short_turns() -> Iterator[None]:
    """Lets the interpreter change between threads often.

    The thread that calls the engine would otherwise wait up to 5 ms for the one that makes
    batches, after each call.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _TURN))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Prefetcher:
    """Items of an iterator, taken from it by a thread before they are needed.

    Args:
        items: the iterator; only the thread touches it, until `close`.
        size: how many items may wait.
        threaded: whether there is a thread. Without, items are taken when asked for.

    Attributes:
        size: as given; it may change, and grows to what is waited for.
    """

    def __init__(self, items: Iterator[Any], size: int, threaded: bool = True):
        self._items = items
        self.size = size
        self._waiting: deque[Any] = deque()
        self._awaited = 0  # how many items the caller waits for
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        if threaded:
            # The caller's context goes along, np.errstate for one.
            run = contextvars.copy_context().run
            self._thread = threading.Thread(
                target=run, args=(self._produce,), name="kerasish-input", daemon=True
            )
            self._thread.start()

    def _produce(self) -> None:
        while self._make_one():
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._waiting) < self.size)
                if self._closed:
                    return

    def _make_one(self) -> bool:
        """Moves an item into the queue; False at the end."""
        try:
            item = next(self._items)
        except StopIteration:
            return self._finish(None)
        except BaseException as error:
            return self._finish(error)
        with self._changed:
            self._waiting.append(item)
            # Not before: each change of threads costs both of them time.
            if 0 < self._awaited <= len(self._waiting):
                self._changed.notify_all()
        return True

    def _finish(self, error: BaseException | None) -> bool:
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()
        return False

    def peek(self, most: int = 1, least: int = 1, patience: float | None = None) -> list[Any]:
        """The next items that are ready, up to `most` of them, without taking them.

        Waits for `least` of them; there are fewer at the end, or after `patience` seconds. One is
        always waited for.

        Raises:
            Exception: what the iterator raised, once all items before it were taken.
        """
        if self._thread is None:
            while len(self._waiting) < least and not self._ended and self._make_one():
                pass
        with self._changed:
            if least > self.size:
                self.size = least
                self._changed.notify_all()
            if patience is not None:
                self._wait_for(least, patience)
                least = 1
            self._wait_for(least, None)
            if self._error is not None and not self._waiting:
                raise self._error
            return list(itertools.islice(self._waiting, most))

    def _wait_for(self, count: int, patience: float | None) -> None:
        self._awaited = count
        self._changed.wait_for(lambda: self._ended or len(self._waiting) >= count, patience)
        self._awaited = 0

    def drop(self, count: int) -> None:
        """Takes the next items out of the queue."""
        with self._changed:
            for _ in range(count):
                self._waiting.popleft()
            self._changed.notify_all()

    def close(self, patience: float | None = None) -> None:
        """Ends the thread, waiting at most `patience` seconds for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_PATIENCE if patience is None else patience)


class Workers:
    """Threads or processes that make the batches of a sequence, in the order asked for.

    Args:
        sequence: gives a batch for a number.
        loading: how many workers of which kind.
    """

    def __init__(self, sequence: Any, loading: Loading):
        self._sequence = sequence
        self._ahead = 2 * loading.workers  # as many again, for those that end early
        self._processes = loading.use_multiprocessing and loading.workers > 0
        self._pool: Executor | None = None
        if self._processes:
            self._pool = ProcessPoolExecutor(
                loading.workers, initializer=_keep_sequence, initargs=(sequence,)
            )
            self._pool.submit(int)  # else they begin with the first batch, in another thread
        elif loading.workers > 1:
            self._pool = ThreadPoolExecutor(loading.workers, thread_name_prefix="kerasish-worker")

    def batches(self, order: Iterator[int], seed: int) -> Iterator[Any]:
        """The batches of these numbers."""
        if self._pool is None:
            for index in order:
                yield self._sequence[index]
            return
        pending: deque[_Pending] = deque()
        try:
            for index in order:
                pending.append(self._submit(index, seed))
                if len(pending) >= self._ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for batch in pending:
                batch.cancel()

    def _submit(self, index: int, seed: int) -> _Pending:
        assert self._pool is not None
        if not self._processes:
            return _Pending(self._pool.submit(self._sequence.__getitem__, index), None)
        place = Place()
        try:
            return _Pending(self._pool.submit(_kept_batch, index, seed, place.address), place)
        except BaseException:
            place.close()
            raise

    def close(self) -> None:
        """Ends the workers; those at work finish their batch first."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class _Pending(NamedTuple):
    """A batch that is being made, and where a process puts it."""

    future: Future[Any]
    place: Place | None

    def result(self) -> Any:
        """The batch, once it is there."""
        try:
            found = self.future.result()
            return found if self.place is None else self.place.batch(found)
        finally:
            self._close()

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self.future.cancel()
        self._close()

    def _close(self) -> None:
        if self.place is not None:
            self.place.close()


_kept: Any = None  # in a worker process: its copy of the sequence


def _keep_sequence(sequence: Any) -> None:
    global _kept
    _kept = sequence
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process when the one that trains is killed, which could not end it itself."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _kept_batch(index: int, seed: int, address: Address | None) -> Any:
    # By batch and not by worker, so that one seed gives one training.
    np.random.seed((seed + index) % 2**32)
    random.seed(seed + index)
    return handed(_kept[index], address)
