"""Names of dtypes, and the one rule by which two of them combine.

The rule is the lattice of JAX and Keras 3: booleans below integers below floats, a
signed and an unsigned integer meet in the next wider signed one, and Python's own
numbers are *weak*: they adapt to the tensor they meet instead of widening it.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from kerasish import config

BOOL = "bool"
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
SIGNED = ("int8", "int16", "int32", "int64")
# Not taken from config, which the workers of old engines, who read this file, have not.
FLOATS = ("float16", "bfloat16", "float32", "float64")
ALL = (BOOL, *UNSIGNED, *SIGNED, *FLOATS)

# Weak dtypes: what Python's int and float are until they meet a tensor.
WEAK_INT = "int"
WEAK_FLOAT = "float"
_COMBINING = frozenset([*ALL, WEAK_INT, WEAK_FLOAT])

_BITS = {name: int(name.lstrip("uintbfloa")) for name in ALL if name != BOOL}


def standardize(dtype: Any) -> str:
    """The canonical name of `dtype`: a name, a NumPy dtype, a Python type or None (floatx).

    >>> standardize(np.dtype("float64")), standardize(int), standardize("float32")
    ('float64', 'int32', 'float32')
    """
    if dtype is None:
        return config.floatx()
    if dtype in ALL and isinstance(dtype, str):
        return dtype
    # Before Python's types, which NumPy's dtypes of 64 bits say they equal.
    if hasattr(dtype, "name") and dtype.name in ALL:
        return dtype.name
    if dtype in (int, WEAK_INT):
        return "int32"
    if dtype in (float, WEAK_FLOAT):
        return config.floatx()
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype).rsplit(".", 1)[-1]
    if name not in ALL:
        raise ValueError(f"Unknown dtype {dtype!r}. Expected one of: {', '.join(ALL)}.")
    return name


def is_float(dtype: str) -> bool:
    """Whether `dtype`, a name, is one of floats.

    >>> is_float("float16"), is_float("int8")
    (True, False)
    """
    return dtype in FLOATS or dtype == WEAK_FLOAT


def is_int(dtype: str) -> bool:
    """Whether `dtype`, a name, is one of ints; "bool" is not.

    >>> is_int("uint8"), is_int("bool")
    (True, False)
    """
    return dtype in SIGNED or dtype in UNSIGNED or dtype == WEAK_INT


def weak_dtype(value: Any) -> str | None:
    """The weak dtype of a Python number (None for anything else, such as NumPy's scalars)."""
    if isinstance(value, (bool, np.generic)):
        return None
    if isinstance(value, int):
        return WEAK_INT
    return WEAK_FLOAT if isinstance(value, float) else None


def numpy_dtype(dtype: str) -> np.dtype:
    """The NumPy dtype that carries `dtype` (bfloat16 needs the ml_dtypes package)."""
    if dtype != "bfloat16":
        return np.dtype(dtype)
    try:
        import ml_dtypes
    except ImportError:
        raise ImportError(
            "dtype bfloat16 needs the package ml_dtypes: pip install ml_dtypes"
        ) from None
    return np.dtype(ml_dtypes.bfloat16)


def result_type(*dtypes: Any) -> str:
    """The dtype in which values of `dtypes` combine; weak ones resolve last.

    Args:
        *dtypes: any that `standardize` takes; Python's int and float are weak.

    Returns:
        The name of one; that of floatx for none at all.

    Raises:
        ValueError: for an unknown dtype.

    >>> result_type("int64", "float16"), result_type("uint8", "int8"), result_type("int", "bool")
    ('float16', 'int16', 'int32')
    """
    return standardize(reduce(_join, map(_combining, dtypes)) if dtypes else None)


def floating(dtype: str) -> str:
    """`dtype` itself if it is a float, else floatx: what sqrt, mean or divide return."""
    return dtype if dtype in FLOATS else config.floatx()


def lowest(dtype: str) -> Any:
    """The least finite value of a dtype: the maximum of nothing."""
    if is_float(dtype):
        return -highest(dtype)
    return np.iinfo(dtype).min if dtype != BOOL else False


def highest(dtype: str) -> Any:
    """The largest finite value of a dtype: the minimum of nothing."""
    if dtype == "bfloat16":
        return 3.3895313892515355e38
    if is_float(dtype):
        return float(np.finfo(dtype).max)
    return np.iinfo(dtype).max if dtype != BOOL else True


def _combining(dtype: Any) -> str:
    """The name under which a dtype combines."""
    if isinstance(dtype, str) and dtype in _COMBINING:
        return dtype
    if dtype is int or dtype is float:
        return WEAK_INT if dtype is int else WEAK_FLOAT
    return standardize(dtype)


def _join(a: str, b: str) -> str:
    if a == b or b == BOOL:
        return a
    if a == BOOL:
        return b
    if is_float(a) or is_float(b):
        return _join_floats(a, b)
    if WEAK_INT in (a, b):
        return b if a == WEAK_INT else a
    return _join_ints(a, b)


def _join_floats(a: str, b: str) -> str:
    strong = [d for d in (a, b) if d in FLOATS]
    if len(strong) < 2:
        return strong[0] if strong else WEAK_FLOAT
    if {a, b} == {"float16", "bfloat16"}:
        return "float32"
    return a if _BITS[a] > _BITS[b] else b


def _join_ints(a: str, b: str) -> str:
    if (a in SIGNED) == (b in SIGNED):
        return a if _BITS[a] > _BITS[b] else b
    signed, unsigned = (a, b) if a in SIGNED else (b, a)
    if _BITS[signed] > _BITS[unsigned]:
        return signed
    return f"int{2 * _BITS[unsigned]}" if _BITS[unsigned] < 64 else WEAK_FLOAT
