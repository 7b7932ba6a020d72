"""HDF5Matrix: a dataset in an HDF5 file, used as an array and read batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.compat.modules import attributes as older_attributes
from kerasish.graph.spec import format_shape
from kerasish.utils.optional import needed


class HDF5Matrix:
    """A part of a dataset in an HDF5 file that `fit` and its like read as they need it.

    Args:
        datapath: the file.
        dataset: the name of the dataset in it.
        start: the first row that counts.
        end: the row behind the last one; the end of the dataset if None.
        normalizer: a function applied to whatever is read.

    Raises:
        ImportError: if h5py is missing.
        KeyError: if the file has no such dataset; names those that it has.
        ValueError: if `start` and `end` are not within the dataset.

    Example:
        >>> x = HDF5Matrix("images.h5", "train/x", end=50_000)  # doctest: +SKIP
        >>> model.fit(x, y, shuffle="batch")  # doctest: +SKIP
    """

    reads_rows = True

    def __init__(
        self,
        datapath: Any,
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.datapath = datapath
        self.dataset = dataset
        self.normalizer = normalizer
        self._open()
        total = len(self.data)
        self.start = start
        self.end = total if end is None else end
        if not 0 <= self.start < self.end <= total:
            raise ValueError(
                f"HDF5Matrix: rows {start} to {end} are not within the {total} rows of {dataset!r}."
            )

    def _open(self) -> None:
        self._file = needed("h5py", "HDF5Matrix", "h5py").File(self.datapath, "r")
        if self.dataset not in self._file:
            names: list[str] = []
            self._file.visit(names.append)
            self._file.close()
            raise KeyError(f"{self.datapath} has no dataset {self.dataset!r}; it has {names}.")
        self.data = self._file[self.dataset]

    # A process that gets a copy opens the file for itself.
    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_file", "data")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> np.ndarray:
        """Rows by number, slice, mask, or a list or array of numbers in any order.

        Raises:
            IndexError: there is no such row, or the key is nothing of that.
        """
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            if step == 1:
                return self._normalized(self.data[self.start + first : self.start + last])
            key = np.arange(first, last, step)
        places = np.asarray(key)
        if places.dtype == bool and places.shape == (len(self),):
            places = np.flatnonzero(places)
        elif places.size and places.dtype.kind not in "iu":
            raise IndexError(
                f"HDF5Matrix: expected whole numbers, a slice, or a mask of its {len(self)} rows, "
                f"but got {places.dtype} of shape {format_shape(places.shape)}."
            )
        if places.ndim == 0:
            return self._normalized(self.data[self._place(int(places))])
        places = np.array([self._place(int(place)) for place in places], "int64")
        unique, inverse = np.unique(places, return_inverse=True)
        return self._normalized(self.data[unique][inverse])

    def _place(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"HDF5Matrix: row {index} is not within its {len(self)} rows.")
        return self.start + index % len(self)

    def _normalized(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.normalizer is None else self.normalizer(rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as far as the normalizer leaves it alone."""
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """The dtype in the file."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))


# Keras 2 has more under the name of this module.
__getattr__ = older_attributes(__name__)
