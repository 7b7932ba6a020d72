"""Tables of numbers, split into training and test data."""

from __future__ import annotations

import os

import numpy as np

from kerasish.datasets.npz import read_npz
from kerasish.datasets.sources import fetched, wrong_file

Split = tuple[np.ndarray, np.ndarray]


def read_table(
    name: str, path: str | os.PathLike[str], owner: str, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the targets of a table.

    Args:
        name: of the file in `sources.SOURCES`.
        path: as in `load_data`.
        owner: whose file it is, for messages.
        columns: how many the table has.
    """
    file = fetched(name, path)
    x, y = read_npz(file, owner, "x y")
    if x.ndim != 2 or x.shape[1] != columns or y.shape != x.shape[:1]:
        raise wrong_file(file, f"{owner}'s npz file", f"it has x {x.shape} with y {y.shape}")
    return x, y


def split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> tuple[Split, Split]:
    """Shuffled training and test data.

    Args:
        x: the rows.
        y: the targets.
        test_split: the share of the test data, from 0 to below 1.
        seed: of the order.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be at least 0 and less than 1, got {test_split}")
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])
