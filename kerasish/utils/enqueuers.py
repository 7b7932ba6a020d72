"""Keras 2's enqueuers: batches made ahead of time, for programs that ask for them themselves."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np


class SequenceEnqueuer:
    """Makes batches ahead of time, once started.

    Args:
        sequence: where batches come from.
        use_multiprocessing: whether workers are processes.

    Raises:
        NotImplementedError: if it is not one of the two kinds below.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False):
        self.sequence, self.use_multiprocessing = sequence, use_multiprocessing
        self._ahead: Any = None
        self._workers: Any = None

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Begins to make batches.

        Args:
            workers: how many threads or processes.
            max_queue_size: how many finished batches may wait.
        """
        from kerasish.training.prefetch import Prefetcher

        self._ahead = Prefetcher(self._batches(workers), max_queue_size)

    def _batches(self, workers: int) -> Iterator[Any]:
        raise NotImplementedError("Use an OrderedEnqueuer or a GeneratorEnqueuer.")

    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._ahead is not None

    def get(self) -> Iterator[Any]:
        """The batches, as they are wanted.

        Raises:
            RuntimeError: before `start`.
        """
        if self._ahead is None:
            raise RuntimeError(f"{type(self).__name__}.get() needs start() first.")
        while self._ahead is not None and (batches := self._ahead.peek()):
            self._ahead.drop(1)
            yield batches[0]

    def stop(self, timeout: float | None = None) -> None:
        """Ends the workers.

        Args:
            timeout: how many seconds to wait for the batch that is being made; 2 if None.
        """
        if self._ahead is not None:
            self._ahead.close(timeout)
            self._ahead = None
        if self._workers is not None:
            self._workers.close()
            self._workers = None


class OrderedEnqueuer(SequenceEnqueuer):
    """The batches of a `Sequence`, epoch after epoch, in order.

    Args:
        sequence: the Sequence.
        use_multiprocessing: whether workers are processes.
        shuffle: whether each epoch takes the batches in another order.

    Example:
        >>> from kerasish.utils import Sequence
        >>> class Squares(Sequence):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return index**2
        >>> enqueuer = OrderedEnqueuer(Squares())
        >>> enqueuer.start()
        >>> batches = enqueuer.get()
        >>> [next(batches) for _ in range(3)]
        [0, 1, 0]
        >>> enqueuer.stop()
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _batches(self, workers: int) -> Iterator[Any]:
        from kerasish.training.prefetch import Loading, Workers

        self._workers = Workers(self.sequence, Loading(workers, self.use_multiprocessing))
        seed = int(np.random.randint(2**31))
        generator = np.random.default_rng(seed)
        for epoch in itertools.count():
            order = np.arange(len(self.sequence))
            order = generator.permutation(order) if self.shuffle else order
            yield from self._workers.batches(map(int, order), seed + epoch)
            self.sequence.on_epoch_end()

    def join_end_of_epoch(self) -> None:
        """Nothing to wait for: the order of batches is the order of epochs."""


class GeneratorEnqueuer(SequenceEnqueuer):
    """The batches of a generator, taken from it by one thread.

    Args:
        sequence: the generator.
        use_multiprocessing: refused, since every process would make the same batches.
        wait_time: has no effect, and warns: nothing is polled.
        random_seed: likewise: seed what the generator draws from.

    Raises:
        ValueError: if processes are asked for.

    Example:
        >>> enqueuer = GeneratorEnqueuer(iter("ab"))
        >>> enqueuer.start()
        >>> list(enqueuer.get())
        ['a', 'b']
        >>> enqueuer.stop()
    """

    def __init__(
        self,
        sequence: Any,
        use_multiprocessing: bool = False,
        wait_time: float | None = None,
        random_seed: int | None = None,
    ):
        if use_multiprocessing:
            raise ValueError(
                "GeneratorEnqueuer: a generator can't be shared by processes, each would make "
                "the same batches. Use a kerasish.utils.PyDataset."
            )
        for name, value in (("wait_time", wait_time), ("random_seed", random_seed)):
            if value is not None:
                warnings.warn(f"GeneratorEnqueuer: {name} has no effect.", stacklevel=2)
        super().__init__(sequence)

    def _batches(self, workers: int) -> Iterator[Any]:
        if workers > 1:
            warnings.warn(
                f"GeneratorEnqueuer: one worker takes batches from the generator, not {workers}. "
                "Several can work on a kerasish.utils.PyDataset.",
                stacklevel=3,
            )
        return iter(self.sequence)
