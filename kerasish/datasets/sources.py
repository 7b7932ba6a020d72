"""Where the files of the data sets lie, what they must be, and what is said of wrong ones."""

from __future__ import annotations

import os
import pickle
import struct
import tokenize
import zipfile
import zlib
from typing import NamedTuple

from kerasish.home import keras_home
from kerasish.utils.files import DownloadError, get_file

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_FASHION = "datasets/fashion-mnist"


class Source(NamedTuple):
    """A file in the network."""

    url: str
    file_hash: str  # sha256 or md5, as it was published
    cache_subdir: str = "datasets"
    images: bool = False  # which could be drawn instead


# Name in the cache -> the file. For those of Fashion-MNIST, the md5 sums are of its authors.
SOURCES = {
    "boston_housing.npz": Source(
        f"{_KERAS}boston_housing.npz",
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    ),
    "california_housing.npz": Source(
        f"{_KERAS}california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
    "cifar-10-batches-py-target": Source(
        f"{_TORONTO}cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        images=True,
    ),
    "cifar-100-python-target": Source(
        f"{_TORONTO}cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        images=True,
    ),
    "imdb.npz": Source(
        f"{_KERAS}imdb.npz",
        "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    ),
    "imdb_word_index.json": Source(
        f"{_KERAS}imdb_word_index.json", "bfafd718b763782e994055a2d397834f"
    ),
    "mnist.npz": Source(
        f"{_KERAS}mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        images=True,
    ),
    "reuters.npz": Source(
        f"{_KERAS}reuters.npz",
        "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    ),
    "reuters_word_index.json": Source(
        f"{_KERAS}reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921"
    ),
    "t10k-images-idx3-ubyte.gz": Source(
        f"{_KERAS}t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", _FASHION, True
    ),
    "t10k-labels-idx1-ubyte.gz": Source(
        f"{_KERAS}t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", _FASHION, True
    ),
    "train-images-idx3-ubyte.gz": Source(
        f"{_KERAS}train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", _FASHION, True
    ),
    "train-labels-idx1-ubyte.gz": Source(
        f"{_KERAS}train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", _FASHION, True
    ),
}

# What Python and NumPy raise for files that are cut, overwritten or something else altogether.
DAMAGES = (
    OSError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    pickle.UnpicklingError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def fetched(name: str, path: str | os.PathLike[str] | None = None) -> str:
    """The path of a file of `SOURCES`, which is downloaded unless it is there.

    Args:
        name: a key of `SOURCES`.
        path: an existing file, which is used as it is; else another name in the cache.

    Raises:
        DownloadError: if it can't be had.
        HashError: if another file came.
    """
    if path is not None and os.path.exists(path):
        return os.fspath(path)
    return _fetched(SOURCES[name], name if path is None else path, extract=False)


def unpacked(name: str, directory: str) -> str:
    """The path of a directory in an archive of `SOURCES`, which is downloaded and unpacked.

    A directory of that name in the cache, where Keras 2 unpacked it, is used as it is.

    Args:
        name: a key of `SOURCES`.
        directory: what the archive has.

    Raises:
        DownloadError: if the archive can't be had.
        HashError: if another file came.
        ArchiveError: if it is damaged.
    """
    source = SOURCES[name]
    older = keras_home() / source.cache_subdir / directory
    if older.is_dir():
        return str(older)
    return os.path.join(_fetched(source, name, extract=True), directory)


def _fetched(source: Source, path: str | os.PathLike[str], extract: bool) -> str:
    try:
        return get_file(
            path,
            origin=source.url,
            file_hash=source.file_hash,
            cache_subdir=source.cache_subdir,
            extract=extract,
        )
    except DownloadError as error:
        if not source.images:
            raise
        raise DownloadError(
            f"{error}. Images that need no network: kerasish.datasets.synthetic_digits"
        ) from error


def wrong_file(path: str | os.PathLike[str], expected: str, reason: object) -> ValueError:
    """The error for a file with other content.

    Args:
        path: of the file.
        expected: what it should be.
        reason: what is wrong with it.
    """
    what = reason if str(reason) else type(reason).__name__
    return ValueError(
        f"{os.fspath(path)} is not {expected}, or is damaged ({what}). "
        "What is deleted from the cache is downloaded again"
    )
