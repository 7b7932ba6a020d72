"""Batches taken apart and put together, and data sets split and cut into windows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.engines.datasets import offered
from kerasish.utils.sequence import PyDataset


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """x, y and sample_weight as one value, as sources of batches yield them.

    Returns:
        x alone (in a tuple if it is a list or tuple itself), (x, y) or (x, y, sample_weight).

    Example:
        >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight([1, 2]), pack_x_y_sample_weight(1, 2)
        (1, ([1, 2],), (1, 2))
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what a source of batches yields; None where something is missing.

    Raises:
        ValueError: for a tuple or list that is none of (x,), (x, y), (x, y, sample_weight).

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if not isinstance(data, (list, tuple)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"Expected x, (x,), (x, y) or (x, y, sample_weight), but got a {type(data).__name__} "
            f"of {len(data)}."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


class Items(PyDataset):
    """What programs ask of `tf.data.Dataset`s, in whose place these data sets are."""

    def take(self, count: int) -> Iterator[Any]:
        """The first items, as tensors: `for x, y in data.take(1): print(x.numpy())`.

        Strings, which tensors don't hold, stay arrays.
        """
        from kerasish import ops

        def converted(leaf: Any) -> Any:
            return leaf if np.asarray(leaf).dtype.kind in "UO" else ops.convert_to_tensor(leaf)

        for item in itertools.islice(self, count):
            yield tree.map_structure(converted, item)

    def map(self, function: Callable[..., Any], num_parallel_calls: int | None = None) -> Mapped:
        """The data set of what a function makes of each item, each time that it is asked for.

        Args:
            function: called with the parts of an item, such as (x, y), or with all of it if that
                is no tuple. Arrays come in; tensors may come out.
            num_parallel_calls: how many threads do that; as many as before if None or negative.

        Example:
            >>> data = Samples((np.arange(4), np.arange(4))).batch(2).map(lambda x, y: (x / 2, y))
            >>> [x.tolist() for x, y in data]
            [[0.0, 0.5], [1.0, 1.5]]
        """
        return Mapped(self, function, num_parallel_calls)

    def cache(self) -> Cached:
        """The data set of these items, which are made once and then kept in memory."""
        return Cached(self)

    def shuffle(self, buffer_size: int | None = None, seed: int | None = None) -> Shuffled:
        """The data set of these items in a random order, another one in each epoch.

        Args:
            buffer_size: all items are drawn from, however many this says.
            seed: of the order; drawn from `numpy.random` if None.
        """
        return Shuffled(self, seed)

    def prefetch(self, buffer_size: int) -> Items:
        """This data set, whose next items are made while others are in use.

        Args:
            buffer_size: how many may wait; as many as before if negative.
        """
        if buffer_size > 0:
            self.max_queue_size = buffer_size
        return self


class _Derived(Items):
    """Items made of another data set's."""

    def __init__(self, source: PyDataset):
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self._source: Any = source

    def __len__(self) -> int:
        return len(self._source)

    def on_epoch_begin(self) -> None:
        self._source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._source.on_epoch_end()


class Mapped(_Derived):
    """See `Items.map`."""

    def __init__(
        self, source: PyDataset, function: Callable[..., Any], num_parallel_calls: int | None
    ):
        super().__init__(source)
        self._function = function
        if num_parallel_calls is not None and num_parallel_calls > 0:
            self.workers = num_parallel_calls

    def __getitem__(self, index: int) -> Any:
        item = self._source[index]
        return self._function(*item) if isinstance(item, tuple) else self._function(item)


class Cached(_Derived):
    """See `Items.cache`."""

    def __init__(self, source: PyDataset):
        super().__init__(source)
        self._kept: dict[int, Any] = {}

    def __getitem__(self, index: int) -> Any:
        if index not in self._kept:
            self._kept[index] = self._source[index]
        return self._kept[index]

    def on_epoch_end(self) -> None:
        """Nothing: if the source took another order now, some of its samples would be lost."""


class Shuffled(_Derived):
    """See `Items.shuffle`."""

    def __init__(self, source: PyDataset, seed: int | None):
        super().__init__(source)
        self._draw = np.random.RandomState(np.random.randint(2**31) if seed is None else seed)
        self._order = self._draw.permutation(len(self))

    def __getitem__(self, index: int) -> Any:
        return self._source[int(self._order[index])]

    def on_epoch_end(self) -> None:
        super().on_epoch_end()
        self._order = self._draw.permutation(len(self))


class Samples(Items):
    """Some of the samples of arrays, one by one, or in batches by `batch`.

    Args:
        arrays: an array, or a list, tuple or dict of them, equally long.
        rows: the numbers of the samples, all if None.
        batch_size: samples per item; None for single samples without an axis of samples.
    """

    def __init__(self, arrays: Any, rows: Any = None, batch_size: int | None = None):
        super().__init__()
        self._arrays = arrays
        self._rows = np.arange(len(tree.flatten(arrays)[0])) if rows is None else np.asarray(rows)
        self._batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self._rows) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} items, no number {index}.")
        size = self._batch_size
        rows = self._rows[index] if size is None else self._rows[index * size : (index + 1) * size]
        return tree.map_structure(lambda array: array[rows], self._arrays)

    def batch(self, batch_size: int) -> Samples:
        """The same samples, so many in each item, as `fit` takes them."""
        return Samples(self._arrays, self._rows, batch_size)


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Samples, Samples]:
    """Splits samples in two.

    Args:
        dataset: an array, or a list, tuple or dict of arrays; or what can be iterated and gives
            one sample after the other (a `tf.data.Dataset`, a torch `Dataset`, a list of tuples
            or numbers), which is read into memory.
        left_size: how many samples the first part gets: a number, or as a float a share of all.
        right_size: the same of the second part. One of the two may be None.
        shuffle: whether samples are drawn at random.
        seed: of that; drawn from `numpy.random` if None.
        preferred_backend: None; the parts are data sets of kerasish, which every engine takes.

    Returns:
        Two data sets that give single samples when iterated; `.batch(32)` makes of each what
        `fit` takes.

    Raises:
        ValueError: sizes that don't fit the number of samples, or a preferred backend.

    Example:
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), [int(x) for x in right]
        (8, [8, 9])
    """
    if preferred_backend is not None:
        raise ValueError(
            f"split_dataset: preferred_backend={preferred_backend!r} asks for another library's "
            "data sets, but the parts are kerasish's own, which fit takes on every engine. Leave "
            "it out."
        )
    arrays = _stacked(dataset)
    count = len(tree.flatten(arrays)[0])
    left, right = _sizes(count, left_size, right_size)
    rows = np.arange(count)
    if shuffle:
        seed = int(np.random.randint(2**31)) if seed is None else seed
        rows = np.random.default_rng(seed).permutation(rows)
    left_part, right_part = Samples(arrays, rows[:left]), Samples(arrays, rows[count - right :])
    return offered(left_part), offered(right_part)


def _stacked(dataset: Any) -> Any:
    """Samples in arrays, nested as one sample is."""
    if not _has_arrays(dataset):
        return _collected(dataset)
    arrays = _as_arrays(dataset)
    counts = [len(leaf) for leaf in tree.flatten(arrays)]
    if len(set(counts)) != 1:
        raise ValueError(
            f"split_dataset: all arrays must have the same number of samples, but got {counts}."
        )
    return arrays


def _has_arrays(dataset: Any) -> bool:
    """Whether samples are side by side in arrays. A list of anything else holds one per item."""
    if isinstance(dataset, tuple):
        return all(np.iterable(x) and not isinstance(x, str) for x in dataset)
    if isinstance(dataset, list):
        return all(len(getattr(x, "shape", ())) for x in dataset)
    return isinstance(dataset, (np.ndarray, dict))


def _as_arrays(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _as_arrays(value) for key, value in part.items()}
    if isinstance(part, (list, tuple)) and _has_arrays(part):
        return type(part)(map(_as_arrays, part))
    return np.asarray(part)


def _collected(dataset: Iterable[Any]) -> Any:
    if not hasattr(dataset, "__iter__") and not hasattr(dataset, "__getitem__"):
        raise TypeError(
            "split_dataset takes arrays or something to iterate over, but got "
            f"{type(dataset).__name__}."
        )
    as_numpy = getattr(dataset, "as_numpy_iterator", None)
    samples = list(_items(dataset) if as_numpy is None else as_numpy())
    if not samples:
        raise ValueError("split_dataset: there are no samples.")
    return tree.map_structure(lambda *leaves: np.stack([np.asarray(x) for x in leaves]), *samples)


def _items(dataset: Any) -> Iterator[Any]:
    if hasattr(dataset, "__iter__") or not hasattr(dataset, "__len__"):
        return iter(dataset)
    return (dataset[i] for i in range(len(dataset)))  # a torch Dataset


def _sizes(count: int, left: float | None, right: float | None) -> tuple[int, int]:
    """How many samples go to each side."""

    def size(value: float | None, name: str) -> int | None:
        if value is None:
            return None
        share = isinstance(value, (float, np.floating))
        if isinstance(value, bool) or not 0 < value < (1 if share else count):
            raise ValueError(
                f"split_dataset: {name} must be a share between 0 and 1 or a number below the "
                f"{count} samples, but got {value!r}."
            )
        return round(count * value) if share else int(value)

    if left is None and right is None:
        raise ValueError("split_dataset needs left_size or right_size.")
    first, second = size(left, "left_size"), size(right, "right_size")
    first = count - second if first is None and second is not None else first
    second = count - first if second is None and first is not None else second
    assert first is not None
    assert second is not None
    if first + second > count or not first or not second:
        raise ValueError(
            f"split_dataset: left_size={left!r} and right_size={right!r} ask for {first} and "
            f"{second} of {count} samples."
        )
    return first, second


class Windows(Items):
    """Batches of windows cut out of a series; see `timeseries_dataset_from_array`."""

    def __init__(
        self,
        data: Any,
        targets: Any,
        starts: np.ndarray,
        offsets: np.ndarray,
        batch_size: int | None,
    ):
        super().__init__()
        self._data, self._targets = data, targets
        self._starts, self._offsets, self._batch_size = starts, offsets, batch_size

    def __len__(self) -> int:
        return -(-len(self._starts) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches, no number {index}.")
        size = self._batch_size
        starts = self._starts[index] if size is None else self._starts[index * size :][:size]
        windows = self._data[np.asarray(starts)[..., None] + self._offsets]
        return windows if self._targets is None else (windows, self._targets[starts])


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Windows:
    """Windows that slide over a series, in batches.

    Args:
        data: an array whose first axis is time.
        targets: the target of the window that starts at each time, or None for windows alone.
            Where it is shorter than the data, there are no more windows.
        sequence_length: the number of times in a window.
        sequence_stride: how far apart windows start.
        sampling_rate: how far apart the times in a window are.
        batch_size: windows in a batch; None for single ones.
        shuffle: whether windows come in a random order, the same in each epoch (`fit` takes
            whole batches in another order each time).
        seed: of that order; drawn from `numpy.random` if None.
        start_index: the first time that counts.
        end_index: the time behind the last one that counts.
        format: "tf". (The other one of Keras, "grain", is a library that is not supported.)

    Returns:
        A PyDataset of windows (batch, sequence_length, ...), or of (windows, targets).

    Raises:
        ValueError: for arguments that leave no window, or are out of range.

    Example:
        >>> windows = timeseries_dataset_from_array(np.arange(6), np.arange(3, 9), 3, batch_size=2)
        >>> x, y = windows[0]
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """
    if format != "tf":
        raise ValueError(f'timeseries_dataset_from_array: format must be "tf", not {format!r}.')
    data = np.asarray(data)
    numbers = {
        "sequence_length": sequence_length,
        "sequence_stride": sequence_stride,
        "sampling_rate": sampling_rate,
        "batch_size": 1 if batch_size is None else batch_size,
    }
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(
                f"timeseries_dataset_from_array: {name} must be positive, not {value}."
            )
    start, stop = start_index or 0, len(data) if end_index is None else end_index
    if not 0 <= start < stop <= len(data):
        raise ValueError(
            f"timeseries_dataset_from_array: start_index={start_index} and end_index={end_index} "
            f"are not within the {len(data)} times of data."
        )
    last = stop - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = np.asarray(targets)[start:stop]
        last = min(last, len(targets))
    if last < 1:
        raise ValueError(
            f"timeseries_dataset_from_array: no window of {sequence_length} times, "
            f"{sampling_rate} apart, fits into {stop - start} times."
        )
    starts = np.arange(0, last, sequence_stride)
    if shuffle:
        seed = int(np.random.randint(2**31)) if seed is None else seed
        starts = np.random.default_rng(seed).permutation(starts)
    offsets = np.arange(sequence_length) * sampling_rate
    return offered(Windows(data[start:stop], targets, starts, offsets, batch_size))
