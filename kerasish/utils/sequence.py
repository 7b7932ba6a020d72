"""PyDataset: batches by number, made by workers while the model trains."""

from __future__ import annotations

from typing import Any


class PyDataset:
    """Batches that can be made in any order, so that workers can make them side by side.

    Derive from it and write `__getitem__(index)`, which returns batch number `index`: (x, y) or
    (x, y, sample_weight), and `__len__`, the number of batches in an epoch. Without `__len__`
    (or with a `num_batches` of None) there is no end, and `fit` needs `steps_per_epoch`.

    `fit(shuffle=True)`, the default, takes the batches in a new random order in each epoch.
    Override `on_epoch_begin` and `on_epoch_end` to change the data between epochs.

    Args:
        workers: how many threads or processes make batches. With 0 the training itself does,
            between its steps.
        use_multiprocessing: whether the workers are processes, for work in Python that holds the
            interpreter's lock. They are started as Python's `multiprocessing` does by default;
            where that is not by forking, the dataset must be picklable and the program needs
            `if __name__ == "__main__":`. `np.random` and `random` are seeded for each batch.
        max_queue_size: how many finished batches may wait.

    Example:
        >>> import numpy as np
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.arange(4.0)[:, None] + index
        ...         return x, x**2
        >>> Squares(workers=2).num_batches
        3
    """

    # Defaults for classes that don't call `super().__init__()`.
    _workers = 1
    _use_multiprocessing = False
    _max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    @property
    def workers(self) -> int:
        """How many threads or processes make batches."""
        return self._workers

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        """Whether the workers are processes."""
        return self._use_multiprocessing

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = value

    @property
    def max_queue_size(self) -> int:
        """How many finished batches may wait."""
        return self._max_queue_size

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = value

    @property
    def num_batches(self) -> int | None:
        """The number of batches in an epoch, None if there is no end."""
        return len(self) if hasattr(self, "__len__") else None

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__(index).")

    def __iter__(self) -> Any:
        """One epoch's batches, in order."""
        count = self.num_batches
        index = 0
        while count is None or index < count:
            yield self[index]
            index += 1

    def on_epoch_begin(self) -> None:
        """Called before the first batch of an epoch is made."""

    def on_epoch_end(self) -> None:
        """Called after the last step of an epoch."""


Sequence = PyDataset
