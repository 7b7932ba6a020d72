"""What `keras.preprocessing.sequence` of Keras 2 has beside `pad_sequences`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.utils.sequence import PyDataset

__all__ = ["TimeseriesGenerator", "make_sampling_table", "skipgrams"]


class TimeseriesGenerator(PyDataset):
    """Batches of windows that slide over a series, each with the target that follows it.

    Args:
        data: (times, ...), an array or list.
        targets: one for each time of `data`.
        length: how many times before its target a window begins.
        sampling_rate: how far apart the times in a window are.
        stride: how far apart windows are.
        start_index: the first time that counts.
        end_index: the last target that counts; the last of all if None.
        shuffle: whether each batch has windows drawn at random.
        reverse: whether windows run backwards in time.
        batch_size: windows in a batch; the last one may have fewer.

    Shapes:
        -> (batch, length / sampling_rate rounded up, ...), and targets (batch, ...)

    Raises:
        ValueError: data and targets are not equally long, or there is no window.

    >>> windows = TimeseriesGenerator(np.arange(6), np.arange(6), length=3, batch_size=2)
    >>> [(x.tolist(), y.tolist()) for x, y in windows]
    [([[0, 1, 2], [1, 2, 3]], [3, 4]), ([[2, 3, 4]], [5])]
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ):
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(
                f"TimeseriesGenerator: there must be a target for each of the {len(data)} times "
                f"of data, but there are {len(targets)}."
            )
        self.data, self.targets = data, targets
        self.length, self.sampling_rate, self.stride = length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if not self.start_index <= self.end_index < len(data):
            raise ValueError(
                f"TimeseriesGenerator: no window of length={length} fits in, from start_index="
                f"{start_index} to end_index={self.end_index} of {len(data)} times."
            )

    def __len__(self) -> int:
        return -(-(self.end_index + 1 - self.start_index) // (self.batch_size * self.stride))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, self.batch_size)
        else:
            step = self.batch_size * self.stride
            first = self.start_index + index * step
            rows = np.arange(first, min(first + step, self.end_index + 1), self.stride)
        order = slice(None, None, -1 if self.reverse else 1)
        windows = [self.data[row - self.length : row : self.sampling_rate][order] for row in rows]
        return np.array(windows), np.array([self.targets[row] for row in rows])

    def get_config(self) -> dict[str, Any]:
        """The arguments, with data and targets as JSON; `start_index` is that of a target."""
        names = "length sampling_rate stride start_index end_index shuffle reverse batch_size"
        arrays = {"data": self.data, "targets": self.targets}
        texts = {name: json.dumps(np.asarray(value).tolist()) for name, value in arrays.items()}
        return texts | {name: getattr(self, name) for name in names.split()}

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON; `kwargs` go to `json.dumps`."""
        found = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(found, **kwargs)


def make_sampling_table(size: int, sampling_factor: float = 1e-05) -> np.ndarray:
    """How likely `skipgrams` should keep each word, where words are numbered by frequency.

    The frequencies are taken to follow Zipf's law: the n-th word is the (n H)-th part of all, H
    being the sum of 1 / k up to n, by Euler's approximation.

    Source: Mikolov et al., 2013, arXiv:1310.4546

    Args:
        size: of the vocabulary.
        sampling_factor: the smaller, the fewer frequent words are kept.

    Shapes:
        -> (size,)

    >>> make_sampling_table(3).round(4)
    array([0.0032, 0.0032, 0.0055])
    """
    rank = np.maximum(np.arange(size), 1)
    one_in = rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * one_in))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that are near each other in a text, and of words drawn at random.

    Source: Mikolov et al., 2013, arXiv:1301.3781

    Args:
        sequence: the words of the text as numbers; 0 is no word.
        vocabulary_size: one more than the largest number.
        window_size: how many places apart near words are at most.
        negative_samples: random pairs for each pair of near ones.
        shuffle: whether the pairs come in random order.
        categorical: whether labels are [0, 1] and [1, 0], not 1 and 0.
        sampling_table: how likely each word is kept, by its number.
        seed: of what is random; it comes from Python's `random` if None, as in Keras 2.

    Returns:
        The pairs, and their labels: 1 for near words, 0 for random ones.

    >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
    ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    draw: Any = random if seed is None else random.Random(seed)
    pairs = []
    for place, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < draw.random()):
            continue
        near = range(max(0, place - window_size), min(len(sequence), place + window_size + 1))
        pairs += [[word, sequence[i]] for i in near if i != place and sequence[i]]
    words = [word for word, _ in pairs]
    draw.shuffle(words)
    count = int(len(pairs) * negative_samples)
    found = [(pair, 1) for pair in pairs]
    found += [
        ([words[i % len(words)], draw.randint(1, vocabulary_size - 1)], 0) for i in range(count)
    ]
    if shuffle:
        # With a seed of its own, as in Keras 2.
        random.Random(draw.randint(0, 10**7) if seed is None else seed).shuffle(found)
    labels = [[1 - near, near] if categorical else near for _, near in found]
    return [pair for pair, _ in found], labels
