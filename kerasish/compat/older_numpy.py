"""NumPy's names from the time of older Keras, for programs that are to run unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

# Name that NumPy has dropped -> what it was.
_NAMES: dict[str, Any] = {
    "bool": bool,
    "complex": complex,
    "complex_": np.complex128,
    "cumproduct": np.cumprod,
    "float": float,
    "float_": np.float64,
    "int": int,
    "int0": np.intp,
    "Inf": np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "NaN": np.nan,
    "object": object,
    "product": np.prod,
    "row_stack": np.vstack,
    "sometrue": np.any,
    "str": str,
    "string_": np.bytes_,
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
