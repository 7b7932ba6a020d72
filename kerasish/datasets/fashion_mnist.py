"""Fashion-MNIST: 70,000 photographs of clothes, of 28 x 28 pixels (Xiao, Rasul, Vollgraf)."""

from __future__ import annotations

import gzip
import math

import numpy as np

from kerasish.datasets.sources import DAMAGES, fetched, wrong_file

Split = tuple[np.ndarray, np.ndarray]


def load_data() -> tuple[Split, Split]:
    """The clothes of Fashion-MNIST (Xiao et al., "Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms", 2017), in the form of MNIST.

    Labels are: 0 T-shirt or top, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt,
    7 sneaker, 8 bag, 9 ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8. Images have shapes (60000, 28, 28) and
        (10000, 28, 28): 0 is background, 255 is white. Labels have (60000,) and (10000,).

    Raises:
        DownloadError: if a file can't be had.
        HashError: if another file came.
        ValueError: for files that are not Fashion-MNIST's.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    return _split("train"), _split("t10k")


def _split(part: str) -> Split:
    images = _idx(fetched(f"{part}-images-idx3-ubyte.gz"), 3)
    path = fetched(f"{part}-labels-idx1-ubyte.gz")
    labels = _idx(path, 1)
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
        raise wrong_file(
            path,
            "Fashion-MNIST's",
            f"there are images {images.shape} with labels {labels.shape}",
        )
    return images, labels


def _idx(path: str, rank: int) -> np.ndarray:
    """The bytes of a file in MNIST's own format: a magic number, lengths, numbers."""
    try:
        with gzip.open(path) as file:
            magic = file.read(4)
            if magic != bytes([0, 0, 8, rank]):
                raise ValueError(f"its magic number is {magic.hex()}, expected 0000080{rank}")
            shape = np.frombuffer(file.read(4 * rank), ">u4").tolist()
            numbers = np.frombuffer(file.read(math.prod(shape)), np.uint8).reshape(shape)
            if file.read(1):
                raise ValueError(f"it has more than the {numbers.size} numbers that it declares")
            return numbers.copy()
    except DAMAGES as error:
        raise wrong_file(path, "Fashion-MNIST's", error) from error
