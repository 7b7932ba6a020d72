"""MNIST: 70,000 handwritten digits of 28 x 28 pixels (LeCun, Cortes, Burges)."""

from __future__ import annotations

import os

import numpy as np

from kerasish.datasets.npz import read_npz
from kerasish.datasets.sources import fetched, wrong_file

Split = tuple[np.ndarray, np.ndarray]


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> tuple[Split, Split]:
    """The handwritten digits of MNIST (LeCun et al., 1998).

    Args:
        path: an existing `.npz` file with the four arrays, which is used as it is; else the name
            under which the file is downloaded to `<KERAS_HOME>/datasets`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8. Images have shapes (60000, 28, 28) and
        (10000, 28, 28): 0 is paper, 255 is ink. Labels, 0 to 9, have (60000,) and (10000,).

    Raises:
        DownloadError: if the file can't be had.
        HashError: if another file came.
        ValueError: for a file that is not MNIST's.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    file = fetched("mnist.npz", path)
    x_train, y_train, x_test, y_test = read_npz(file, "MNIST", "x_train y_train x_test y_test")
    for x, y in ((x_train, y_train), (x_test, y_test)):
        if x.shape[1:] != (28, 28) or y.shape != x.shape[:1]:
            raise wrong_file(file, "MNIST's npz file", f"it has images {x.shape}, labels {y.shape}")
    return (x_train, y_train), (x_test, y_test)
