"""The files of CIFAR-10 and CIFAR-100: small colour images, as pickles."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from kerasish import config
from kerasish.datasets.pickles import PickledArray, read_pickle
from kerasish.datasets.sources import DAMAGES, wrong_file

Split = tuple[np.ndarray, np.ndarray]
IMAGE = (3, 32, 32)  # colours, rows, columns


def load_batch(
    fpath: str | os.PathLike[str], label_key: str = "labels"
) -> tuple[np.ndarray, list[int]]:
    """The images and labels of one file of CIFAR.

    The file is a pickle. It can name nothing but arrays: what else it names is refused, not run.

    Args:
        fpath: of the file.
        label_key: the name that the labels have in it: "labels", "fine_labels" or "coarse_labels".

    Returns:
        Images of the shape (n, 3, 32, 32), uint8, and their labels.

    Raises:
        ValueError: for a file that is none of CIFAR's.

    Example:
        >>> images, labels = load_batch("cifar-10-batches-py/test_batch")  # doctest: +SKIP
        >>> images.shape  # doctest: +SKIP
        (10000, 3, 32, 32)
    """
    try:
        with open(fpath, "rb") as stream:
            batch = read_pickle(stream)
        images = _entry(batch, "data")
        if not isinstance(images, PickledArray):
            raise ValueError("its data is no array")
        pixels = images.numbers()
        labels = list(_entry(batch, label_key))
    except DAMAGES as error:
        raise wrong_file(fpath, "a file of CIFAR's", error) from error
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3072):
        raise wrong_file(
            fpath,
            "a file of CIFAR's",
            f"it has data {pixels.shape} of {pixels.dtype} with {len(labels)} labels",
        )
    if not set(map(type, labels)) <= {int}:
        raise wrong_file(fpath, "a file of CIFAR's", "not all labels are whole numbers")
    return pixels.reshape(len(labels), *IMAGE), labels


def _entry(batch: Any, key: str) -> Any:
    """What a batch has for a key, be it of Python 2, whose texts are bytes, or of 3."""
    if not isinstance(batch, dict):
        raise ValueError("it is no dictionary")
    name = key.encode() if key.encode() in batch else key
    if name not in batch:
        raise ValueError(f"it has no {key!r}")
    return batch[name]


def load_split(directory: str, names: str, label_key: str, label_dtype: str) -> Split:
    """The images and labels of some files, as `load_data` returns them.

    Args:
        directory: where the files are.
        names: of the files, with spaces between them.
        label_key: the name that the labels have in them.
        label_dtype: of the labels.
    """
    batches = [load_batch(os.path.join(directory, name), label_key) for name in names.split()]
    images = np.concatenate([images for images, _ in batches])
    if config.image_data_format() == "channels_last":
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    labels = np.array([label for _, labels in batches for label in labels], label_dtype)
    return images, labels.reshape(-1, 1)
