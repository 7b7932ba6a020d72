"""Texts as lists of word numbers, which are ranks: 1 is the most frequent word."""

from __future__ import annotations

import json
import os

import numpy as np

from kerasish.datasets.npz import array_of_lists
from kerasish.datasets.sources import DAMAGES, fetched, wrong_file

Split = tuple[np.ndarray, np.ndarray]


def shuffled(x: np.ndarray, y: np.ndarray, rng: np.random.RandomState) -> Split:
    """Texts and labels in another order."""
    order = np.arange(len(x))
    rng.shuffle(order)
    return x[order], y[order]


def marked(x: np.ndarray, start_char: int | None, index_from: int | None) -> np.ndarray:
    """Texts with their numbers moved up, and a number in front of each.

    Args:
        x: the texts.
        start_char: what stands in front; None for nothing.
        index_from: what is added to all others.
    """
    shift = index_from or 0
    start = [] if start_char is None else [start_char]
    return array_of_lists([start + [word + shift for word in text] for text in x])


def shorter(x: np.ndarray, y: np.ndarray, maxlen: int | None) -> Split:
    """The texts of less than `maxlen` numbers, and their labels; all if it is None."""
    if not maxlen:
        return x, y
    kept = np.array([len(text) < maxlen for text in x], bool)
    if not kept.any():
        raise ValueError(
            f"load_data: no text is shorter than maxlen={maxlen}; the shortest has "
            f"{min(map(len, x), default=0)} numbers, with start_char"
        )
    return x[kept], y[kept]


def known(
    texts: list[np.ndarray], num_words: int | None, skip_top: int, oov_char: int | None
) -> list[np.ndarray]:
    """Several arrays of texts with only the frequent words.

    Args:
        texts: the arrays.
        num_words: the first number that is left out; the highest one if it is None.
        skip_top: the first number that stays.
        oov_char: what stands for what is left out; None for nothing.
    """
    if not num_words:
        num_words = max((max(text, default=0) for part in texts for text in part), default=0)
    if oov_char is None:
        return [
            array_of_lists([[w for w in text if skip_top <= w < num_words] for text in part])
            for part in texts
        ]
    return [
        array_of_lists(
            [[w if skip_top <= w < num_words else oov_char for w in text] for text in part]
        )
        for part in texts
    ]


def read_word_index(name: str, path: str | os.PathLike[str], owner: str) -> dict[str, int]:
    """The words of a data set, with their ranks.

    Args:
        name: of the file in `sources.SOURCES`.
        path: as in `get_word_index`.
        owner: whose file it is, for messages.
    """
    file = fetched(name, path)
    expected = f"the word index of {owner}"
    try:
        with open(file, encoding="utf-8") as stream:
            index = json.load(stream)
    except DAMAGES as error:
        raise wrong_file(file, expected, error) from error
    if type(index) is not dict or not set(map(type, index.values())) <= {int}:
        raise wrong_file(file, expected, "it is not a word with a number each")
    return index
