"""NumPy's names from the time of older Keras, for programs that are to run unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def _scalar(array: np.ndarray) -> Any:
    """The only number of an array, as Python's."""
    return array.item()


def _among(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> np.ndarray:
    """For each number of the first array, in one row, whether the second has it."""
    return np.isin(np.ravel(ar1), ar2, assume_unique, invert)


def _as_floats(a: Any, dtype: Any = np.float64) -> np.ndarray:
    """As an array of floats: of a dtype that is none, float64."""
    return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)


# Name that NumPy has dropped -> what it was.
_NAMES: dict[str, Any] = {
    "alltrue": np.all,
    "asfarray": _as_floats,
    "asscalar": _scalar,
    "bool": bool,
    "bool8": np.bool_,
    "complex": complex,
    "complex_": np.complex128,
    "cumproduct": np.cumprod,
    "float": float,
    "float_": np.float64,
    "in1d": _among,
    "int": int,
    "int0": np.intp,
    "Inf": np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "mat": np.asmatrix,
    "NaN": np.nan,
    "NINF": -np.inf,
    "object": object,
    "PINF": np.inf,
    "product": np.prod,
    "round_": np.round,
    "row_stack": np.vstack,
    "sometrue": np.any,
    "str": str,
    "string_": np.bytes_,
    "trapz": getattr(np, "trapezoid", None),  # the older NumPy has no other name of it
    "unicode": str,
    "unicode_": np.str_,
}


@contextmanager
def older_names() -> Iterator[None]:
    """Within, NumPy has the names that it has dropped.

    >>> with older_names():
    ...     np.zeros(1, dtype=np.float).dtype
    dtype('float64')
    """
    added = [name for name in _NAMES if name not in vars(np)]
    for name in added:
        setattr(np, name, _NAMES[name])
    try:
        yield
    finally:
        for name in added:
            delattr(np, name)
