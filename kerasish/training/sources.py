"""Where batches come from: what each kind of input is, and how one pass through it goes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.training.data import Data
from kerasish.training.prefetch import Loading, Workers
from kerasish.utils.sequence import PyDataset
from kerasish.utils.tracebacks import warn_user


class Source:
    """Batches in passes.

    Attributes:
        what: names it in messages.
        steps: the number of batches in a pass, None if unknown or without end.
        once: whether there is only one pass, as with a generator.
        goes_round: whether an epoch that asks for more steps than a pass has goes on with the
            next pass.
        loading: how its batches are to be made ahead of time.
    """

    what: str
    steps: int | None = None
    once = False
    goes_round = False
    loading = Loading()

    def prepare(self) -> None:
        """A pass may begin from here on; called in the thread that trains, while nothing computes.

        Processes begin here: to fork beside a thread that computes can stop both of them for ever.
        """

    def start(self) -> Iterator[Any]:
        """Begins a pass."""
        raise NotImplementedError

    def on_epoch_begin(self) -> None:
        """An epoch of training begins."""

    def on_epoch_end(self) -> None:
        """An epoch of training has ended."""

    def state(self) -> Any:
        """What `restore` needs to begin the next pass as it would begin now, as plain data."""

    def restore(self, state: Any) -> None:
        """Goes back to a state."""

    def close(self) -> None:
        """Nothing more is asked for."""


class ArraySource(Source):
    """Arrays in files, or too large to be placed on the engine whole."""

    def __init__(self, data: Data, order: Order):
        self.what = "the data"
        self._data, self._order = data, order
        self.steps = -(-data.size // order.batch_size)

    def start(self) -> Iterator[Data]:
        rows, size = self._order.draw(), self._order.batch_size
        return (self._data.batch(rows[i : i + size]) for i in range(0, len(rows), size))

    def state(self) -> Any:
        return self._order.state()

    def restore(self, state: Any) -> None:
        self._order.restore(state)


class Order:
    """The order in which an epoch takes samples.

    Args:
        count: the number of samples.
        batch_size: samples per step.
        shuffle: True for a new random order each time, "batch" to shuffle whole batches only,
            which suits files.
        seed: of the random orders.
    """

    def __init__(self, count: int, batch_size: int, shuffle: Any = False, seed: int = 0):
        if shuffle not in (True, False, None, "batch"):
            raise ValueError(f'shuffle must be True, False or "batch", but got {shuffle!r}.')
        self.count, self.batch_size, self.shuffle = count, batch_size, shuffle
        self._generator = np.random.default_rng(seed)

    def state(self) -> Any:
        """What `restore` needs to draw again what comes next, as plain data."""
        return self._generator.bit_generator.state

    def restore(self, state: Any) -> None:
        """Goes back to a state."""
        self._generator.bit_generator.state = state

    def draw(self) -> np.ndarray:
        """The next order: int32 numbers of all samples."""
        order = np.arange(self.count, dtype="int32")
        if self.shuffle == "batch":
            # The last, smaller batch stays at the end.
            full = self.count // self.batch_size
            head = order[: full * self.batch_size].reshape(full, self.batch_size)
            return np.concatenate([self._generator.permutation(head).ravel(), order[head.size :]])
        return self._generator.permutation(order) if self.shuffle else order


class IteratorSource(Source):
    """A generator, or any other iterator: one pass, in order."""

    once = True

    def __init__(self, iterator: Iterator[Any], loading: Loading):
        self.what = f"the {_kind_of(iterator)}"
        self._iterator, self.loading = iterator, loading

    def start(self) -> Iterator[Any]:
        return self._iterator


class IterableSource(Source):
    """What can be iterated again and again: a `tf.data.Dataset`, a torch `DataLoader`, ..."""

    def __init__(self, iterable: Any, loading: Loading):
        self.what = f"the {_kind_of(iterable)}"
        self._iterable, self.loading = iterable, loading
        self.steps = _length(iterable)

    def start(self) -> Iterator[Any]:
        as_numpy = getattr(self._iterable, "as_numpy_iterator", None)
        return iter(self._iterable) if as_numpy is None else as_numpy()


class SequenceSource(Source):
    """A `PyDataset`, whose batches have numbers."""

    def __init__(self, sequence: Any, loading: Loading, shuffle: bool, seed: int):
        self.what = f"the {_kind_of(sequence)}"
        self._sequence, self.loading = sequence, loading
        self.goes_round = getattr(sequence, "goes_round", False)
        self._shuffle, self._seed = bool(shuffle), seed
        self._generator = np.random.default_rng(seed)
        self._passes = 0
        self._workers: list[Workers] = []  # those of the current pass, and then of the next one
        count = getattr(sequence, "num_batches", None)
        self.steps = len(sequence) if count is None and hasattr(sequence, "__len__") else count
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"There is no data: {self.what} has {self.steps} batches.")

    def prepare(self) -> None:
        """Begins the processes of the next pass, whose copies of the sequence are of now."""
        if self.loading.use_multiprocessing and (not self._workers or self._changes()):
            self._keep(1)
            self._workers.append(Workers(self._sequence, self.loading))

    def start(self) -> Iterator[Any]:
        while len(self._workers) > 1:
            self._workers.pop(0).close()
        if not self._workers:
            self._workers.append(Workers(self._sequence, self.loading))
        self._passes += 1
        return self._workers[0].batches(self._order(), self._seed + 1_000_003 * self._passes)

    def state(self) -> Any:
        return [self._generator.bit_generator.state, self._passes]

    def restore(self, state: Any) -> None:
        self._generator.bit_generator.state, self._passes = state

    def _order(self) -> Iterator[int]:
        if self.steps is None:
            return itertools.count()
        order = np.arange(self.steps)
        return map(int, self._generator.permutation(order) if self._shuffle else order)

    def _changes(self) -> bool:
        hooks = ("on_epoch_begin", "on_epoch_end")
        return any(
            getattr(type(self._sequence), hook, None) is not getattr(PyDataset, hook)
            for hook in hooks
        )

    def on_epoch_begin(self) -> None:
        getattr(self._sequence, "on_epoch_begin", lambda: None)()

    def on_epoch_end(self) -> None:
        getattr(self._sequence, "on_epoch_end", lambda: None)()
        # The hook may have changed how many batches there are.
        count = getattr(self._sequence, "num_batches", None)
        if count is not None:
            self.steps = count

    def close(self) -> None:
        self._keep(0)

    def _keep(self, count: int) -> None:
        """Ends the workers behind so many."""
        while len(self._workers) > count:
            self._workers.pop().close()


def source_of(x: Any, loading: dict[str, Any], shuffle: Any, seed: int) -> Source | None:
    """The source that `x` is, or None if it holds arrays.

    Args:
        x: what was given to `fit` or its like.
        loading: those fields of Loading that were given too.
        shuffle: whether a PyDataset's batches are taken in random order.
        seed: of that order.

    Raises:
        TypeError: for what looks like a source of batches but isn't one.
    """
    if _is_sequence(x):
        # What the dataset says of itself counts, unless fit was told otherwise.
        own = {name: getattr(x, name) for name in Loading._fields if hasattr(x, name)}
        return SequenceSource(x, Loading(**{**own, **loading}), shuffle is not False, seed)
    if isinstance(x, (list, tuple, dict, str, bytes)) or _is_array(x):
        return None
    if hasattr(x, "__next__"):
        _one_thread(x, loading)
        return IteratorSource(x, Loading(**loading))
    if hasattr(x, "__iter__"):
        _one_thread(x, loading)
        return IterableSource(x, Loading(**loading))
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        raise TypeError(
            f"A {type(x).__name__} gives single samples, or batches in a way that is not known. "
            "Put it into a torch DataLoader, or derive its class from kerasish.utils.PyDataset."
        )
    if callable(x) and not hasattr(x, "shape"):
        raise TypeError(
            f"Expected data, but got the function {getattr(x, '__name__', x)!r}. Call it to get "
            "a generator: fit(batches()) instead of fit(batches)."
        )
    return None


def _is_sequence(x: Any) -> bool:
    if isinstance(x, PyDataset):
        return True
    methods = ("__getitem__", "__len__", "on_epoch_end")
    return not isinstance(x, type) and all(hasattr(type(x), name) for name in methods)


def _is_array(x: Any) -> bool:
    return any(hasattr(x, name) for name in ("__array__", "to_numpy", "shape"))


def _one_thread(x: Any, loading: dict[str, Any]) -> None:
    """Several workers would need batches that have numbers."""
    if loading.get("workers", 1) > 1 or loading.get("use_multiprocessing"):
        warn_user(
            f"workers={loading.get('workers', 1)}, use_multiprocessing="
            f"{loading.get('use_multiprocessing', False)} have no effect on a {_kind_of(x)}, which "
            "one thread reads ahead. For several workers use a kerasish.utils.PyDataset."
        )


def _kind_of(x: Any) -> str:
    return "tf.data.Dataset" if hasattr(x, "as_numpy_iterator") else type(x).__name__.lstrip("_")


def _length(x: Any) -> int | None:
    """The number of batches in a pass, if it is known."""
    if hasattr(x, "cardinality"):
        count = int(x.cardinality())
        return count if count >= 0 else None  # negative: endless or unknown
    try:
        return len(x)
    except TypeError:
        return None
