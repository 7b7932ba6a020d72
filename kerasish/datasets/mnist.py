"""MNIST: 70,000 handwritten digits of 28 x 28 pixels (LeCun, Cortes, Burges)."""

from __future__ import annotations

import os
import struct
import tokenize
import zipfile
import zlib

import numpy as np

from kerasish.utils.files import get_file

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

# What NumPy and zipfile raise for files that are cut, overwritten or something else altogether.
_DAMAGED = (
    OSError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)

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
    if not os.path.exists(path):
        path = get_file(path, origin=URL, file_hash=SHA256)
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            x_train, y_train, x_test, y_test = (
                file[key] for key in ("x_train", "y_train", "x_test", "y_test")
            )
    except _DAMAGED as error:
        raise _not_mnist(path, error) from error
    if not all(isinstance(part, np.ndarray) for part in (x_train, y_train, x_test, y_test)):
        raise _not_mnist(path, "not all that it has are arrays")
    for x, y in ((x_train, y_train), (x_test, y_test)):
        if x.shape[1:] != (28, 28) or y.shape != x.shape[:1]:
            raise _not_mnist(path, f"it has images {x.shape} with labels {y.shape}")
    return (x_train, y_train), (x_test, y_test)


def _not_mnist(path: str | os.PathLike[str], reason: object) -> ValueError:
    return ValueError(
        f"{os.fspath(path)} is not MNIST's npz file, or is damaged ({reason}). "
        f"Delete it, and load_data() downloads it again from {URL}"
    )
