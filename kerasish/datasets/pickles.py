"""Pickles of numbers, lists and arrays, read without running anything that they name.

A pickle may name any function of Python and have it called. Here it can name three things of NumPy:
the type of arrays, the function that begins one, and the type of data types. What it gets for them
are records of ours, which note what they are told; the arrays are then made from the notes. It can
also name the function that makes bytes of texts, and gets one that does no more than that. What a
pickle can still do is ask for much memory.
"""

from __future__ import annotations

import pickle
import re
from typing import IO, Any

import numpy as np


class PickledType:
    """What a pickle says of a data type."""

    __slots__ = ("name", "order")

    def __init__(self, name: str | bytes, *options: object) -> None:
        self.name = _text(name)
        self.order = "|"

    def __setstate__(self, state: tuple) -> None:
        self.order = _text(state[1])

    def of_numbers(self) -> np.dtype:
        """The data type. ValueError if it is none of numbers."""
        if not re.fullmatch("[biuf][1248]", self.name) or self.order not in tuple("<>|="):
            raise ValueError(f"an array of the type {self.order}{self.name} is none of numbers")
        return np.dtype(self.order + self.name)


class PickledArray:
    """What a pickle says of an array."""

    __slots__ = ("by_columns", "content", "shape", "type")

    def __init__(self, *begin: object) -> None:
        """A pickle begins with an empty array, and says then what it is."""

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.type, self.by_columns, self.content = state

    def numbers(self) -> np.ndarray:
        """The array. ValueError if it is none of numbers, or has not the bytes for its shape."""
        flat = np.frombuffer(self.content, self.type.of_numbers())
        return flat.reshape(self.shape, order="F" if self.by_columns else "C").copy()

    def rows(self) -> list[list[int]]:
        """The lists of whole numbers in an array of lists. ValueError if it has anything else."""
        rows = self.content
        if not isinstance(rows, list) or self.shape != (len(rows),):
            raise ValueError(f"an array of the shape {self.shape} is no row of lists")
        for row in rows:
            if type(row) is not list or not set(map(type, row)) <= {int}:
                raise ValueError("an array has more than lists of whole numbers")
        return rows


class _Encode:
    """`codecs.encode`: in protocol 2, Python 3 writes bytes as texts to be encoded."""

    __slots__ = ()  # a pickle can't change it

    def __call__(self, text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise pickle.UnpicklingError(f"its pickle asks for the encoding {encoding!r:.80}")
        return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], object] = {
    ("_codecs", "encode"): _Encode(),
    ("numpy", "dtype"): PickledType,
    ("numpy", "ndarray"): "ndarray",  # only ever an argument
    ("numpy.core.multiarray", "_reconstruct"): PickledArray,
    ("numpy._core.multiarray", "_reconstruct"): PickledArray,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What the pickle gets for a name."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f"its pickle asks for {module}.{name}; files of data sets need no more than arrays,"
                " and nothing else is allowed"
            )
        return _ALLOWED[module, name]


def read_pickle(stream: IO[bytes]) -> Any:
    """The value of a pickle: dictionaries, lists, numbers and texts, with a `PickledArray` for each
    array. Texts of Python 2 are bytes.

    Args:
        stream: of the file, open for reading.

    Raises:
        pickle.UnpicklingError: if the pickle names anything else, or is damaged. Damaged ones
            raise other errors, too.

    >>> import io
    >>> read_pickle(io.BytesIO(pickle.dumps({"data": np.arange(3)}, 4)))["data"].shape
    (3,)
    """
    return _Reader(stream, encoding="bytes").load()


def _text(value: str | bytes) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value
