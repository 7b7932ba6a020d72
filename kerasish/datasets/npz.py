"""Files of arrays, and of arrays of lists of whole numbers, none of which is trusted."""

from __future__ import annotations

import os
import zipfile

import numpy as np

from kerasish.datasets.pickles import read_pickle
from kerasish.datasets.sources import DAMAGES, wrong_file


def read_npz(path: str | os.PathLike[str], owner: str, keys: str) -> list[np.ndarray]:
    """Some arrays of an npz file.

    Arrays of lists lie there as pickles, which are read without running what they name.

    Args:
        path: of the file.
        owner: whose file it is, for messages.
        keys: the names of the arrays, with spaces between them.

    Raises:
        ValueError: if the file has not those arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [_array(archive, f"{key}.npy") for key in keys.split()]
    except DAMAGES as error:
        raise wrong_file(path, f"{owner}'s npz file", error) from error


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            dtype = np.lib.format.read_array_header_1_0(stream)[2]
        else:
            dtype = np.lib.format.read_array_header_2_0(stream)[2]
        if dtype.hasobject:
            return _lists(read_pickle(stream).rows(), archive.getinfo(name).file_size)
    with archive.open(name) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _lists(rows: list[list[int]], size: int) -> np.ndarray:
    """The rows as an array. A pickle can name one list many times, but copies of it would be made
    later: so there must not be more numbers than bytes."""
    count = sum(map(len, rows))
    if count > size:
        raise ValueError(f"{count} numbers in {size} bytes")
    return array_of_lists(rows)


def array_of_lists(rows: list[list[int]]) -> np.ndarray:
    """An array with a list in each place, even if all lists are of one length.

    >>> array_of_lists([[1, 2], [3, 4]]).shape
    (2,)
    """
    array = np.empty(len(rows), object)
    array[:] = rows
    return array
