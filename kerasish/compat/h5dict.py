"""H5Dict: Keras 2's view of an HDF5 file as a dict."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kerasish.utils.optional import needed

__all__ = ["H5Dict"]


class H5Dict(Mapping[str, Any]):
    """The groups, arrays and texts of an HDF5 file as nested dicts.

    A key that is not there makes a group when it is read, if the file may be written.

    Args:
        path: of the file, or an open h5py Group.
        mode: "r", "w" or "a", as h5py has them.

    Raises:
        ImportError: if h5py is missing.
        TypeError: for another kind of path.

    >>> with H5Dict("weights.h5") as file:  # doctest: +SKIP
    ...     file["layer"]["kernel"] = np.ones((2, 3))
    """

    def __init__(self, path: Any, mode: str = "a"):
        h5py = needed("h5py", "H5Dict", "h5py")
        if not self.is_supported_type(path):
            raise TypeError(f"H5Dict takes the path of a file or an h5py Group, but got {path!r}.")
        self._opened = not isinstance(path, h5py.Group)
        self.data = h5py.File(path, mode) if self._opened else path
        self.read_only = self.data.file.mode == "r"

    @staticmethod
    def is_supported_type(path: Any) -> bool:
        """Whether `path` is one, or an h5py Group."""
        import h5py

        return isinstance(path, (str, os.PathLike, h5py.Group))

    def __setitem__(self, key: str, value: Any) -> None:
        if self.read_only:
            raise ValueError(f"H5Dict: {self.data.file.filename} is open for reading only.")
        if key in self:
            raise KeyError(f"H5Dict: {key!r} is there already.")
        array = np.asarray(value)
        if isinstance(value, (str, bytes)):
            self.data.attrs[key] = np.void(value) if isinstance(value, bytes) else value
        elif array.dtype.kind in "US":
            self.data.attrs[key] = array if array.dtype.kind == "S" else value
        else:
            self.data[key] = array

    def __getitem__(self, key: str) -> Any:
        if key in self.data.attrs:
            value = self.data.attrs[key]
            return value.tobytes() if isinstance(value, np.void) else value
        if key not in self.data and self.read_only:
            raise KeyError(f"H5Dict: {self.data.name} has no {key!r}; it has {sorted(self)}.")
        found = self.data.require_group(key) if key not in self.data else self.data[key]
        return H5Dict(found) if hasattr(found, "keys") else found[()]

    def __contains__(self, key: object) -> bool:
        return key in self.data or key in self.data.attrs

    def __iter__(self) -> Iterator[str]:
        return iter([*self.data.keys(), *self.data.attrs.keys()])

    iter = __iter__

    def __len__(self) -> int:
        return len(self.data) + len(self.data.attrs)

    def get(self, key: str, default: Any = None) -> Any:
        """What is under `key`, or `default`; nothing is made."""
        return self[key] if key in self else default  # noqa: SIM401

    def setdefault(self, key: str, default: Any = None) -> Any:
        """What is under `key`; `default` is put there if there is nothing."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Puts in all entries of a dict, or of pairs, and the keyword arguments."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def close(self) -> None:
        """Closes the file, if this object opened it."""
        if self._opened:
            self.data.close()

    def __enter__(self) -> H5Dict:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()
