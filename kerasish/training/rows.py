"""Arrays that stay where they are, in a file mostly, and are read row by row."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Any

import numpy as np

# Modules whose arrays are files behind a NumPy-like front.
_FILES = ("h5py",)


class Rows:
    """The rows of something array-like, read when asked for and converted then.

    Args:
        source: has a length and gives rows for slices and for sorted arrays of indices.
        dtype: what the rows are converted to; a function of the source's dtype.
        start: the first row that counts.
        stop: the row behind the last one.
    """

    def __init__(
        self,
        source: Any,
        dtype: Callable[[np.dtype], np.dtype],
        start: int = 0,
        stop: int | None = None,
    ):
        self._source = source
        self._file = _map_under(source)
        self._convert = dtype
        self._start = start
        self._stop = len(source) if stop is None else stop
        # A row tells more than `source.dtype` does: HDF5Matrix may change rows when reading.
        row = np.asarray(source[start : start + 1])
        self.stored = row.dtype
        self.dtype = dtype(row.dtype)
        self.shape = (self._stop - self._start, *row.shape[1:])
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))
        self.nbytes = self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Rows:
        start, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError("Rows are cut into contiguous parts only.")
        return Rows(self._source, self._convert, self._start + start, self._start + stop)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The rows of the given numbers, in that order."""
        places = np.asarray(rows, "int64") + self._start
        first, count = int(places[0]), len(places)
        together = np.array_equal(places, np.arange(first, first + count))
        _expect(self._file, together)
        if together:
            found = self._source[first : first + count]
        elif isinstance(self._source, np.ndarray):
            found = self._source[places]
        else:  # HDF5 wants every row once, in order
            unique, inverse = np.unique(places, return_inverse=True)
            found = np.asarray(self._source[unique])[inverse]
        found = np.asarray(found)
        if not keeps_values(found, self.dtype):
            raise ValueError(
                f"A file of {found.dtype} holds numbers that do not fit into {self.dtype}, in "
                "which engines get them. Store it as floats, such as float32."
            )
        # Always a copy: slices of a memory map would be read from the disk when used, and again.
        return np.array(found, self.dtype)


def keeps_values(array: np.ndarray, dtype: np.dtype) -> bool:
    """Whether whole numbers stay what they are as another dtype; times in ms need 64 bits."""
    if array.dtype == dtype or dtype.kind not in "iu":
        return True
    return bool((array.astype(dtype) == array).all())


def _map_under(value: Any) -> mmap.mmap | None:
    """The memory map that an array is a part of."""
    while isinstance(value, np.ndarray):
        value = value.base
    return value if isinstance(value, mmap.mmap) else None


def _expect(file: mmap.mmap | None, together: bool) -> None:
    """Tells the system how a file is read: else it reads much around each of scattered rows."""
    if file is not None and hasattr(file, "madvise"):  # not on Windows
        file.madvise(mmap.MADV_NORMAL if together else mmap.MADV_RANDOM)


def is_on_disk(value: Any) -> bool:
    """Whether an array's numbers are in a file rather than in memory.

    Raises:
        ValueError: if the file is closed.
    """
    library = type(value).__module__.split(".")[0]
    of_file = library in _FILES
    if of_file and not value:
        raise ValueError(
            f"Expected data, but the file of this {library} {type(value).__name__} is closed. "
            "Train, evaluate and predict while it is open."
        )
    if of_file or getattr(value, "reads_rows", False):
        return hasattr(value, "shape")
    return _map_under(value) is not None
