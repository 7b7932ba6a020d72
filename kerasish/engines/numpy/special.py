"""Definitions beyond arithmetic: special functions, bits, order, segments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.graph import dtypes

Array = np.ndarray


def top_k(x: Array, *, k: int) -> tuple[Array, Array]:
    # Reversed twice, so that of equal elements the first ones come first.
    order = np.flip(np.argsort(np.flip(x, -1), -1, "stable"), -1)[..., :k]
    indices = x.shape[-1] - 1 - order
    return np.take_along_axis(x, indices, -1), indices


def searchsorted(sorted_sequence: Array, values: Array, *, right: bool) -> Array:
    return np.searchsorted(sorted_sequence, values, "right" if right else "left")


def _segment(ufunc: Any, start: Callable[[np.dtype], Any]) -> Callable[..., Array]:
    def reduce(data: Array, ids: Array, *, count: int) -> Array:
        out = np.full((count, *data.shape[1:]), start(data.dtype), data.dtype)
        ufunc.at(out, ids, data)
        return out

    return reduce


def _bounds(dtype: np.dtype) -> tuple[Any, Any]:
    if dtype == np.bool_:
        return False, True
    info = np.iinfo(dtype) if dtype.kind in "iu" else _finfo(dtype)
    return info.min, info.max


def _finfo(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return np.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)


def view(x: Array, *, dtype: str) -> Array:
    return np.ascontiguousarray(x).reshape(x.shape).view(dtypes.numpy_dtype(dtype))


# Sums and products in half precision are taken in single precision: the caller sees to it.
WIDENED: dict[str, Callable[..., Any]] = {
    "i0": np.i0,
    "cumprod": lambda x, *, axis: np.cumprod(x, axis),
    "segment_prod": _segment(np.multiply, lambda dtype: 1),
}

TABLE: dict[str, Callable[..., Any]] = {
    "arctan2": np.arctan2,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "cbrt": np.cbrt,
    "nextafter": np.nextafter,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "left_shift": np.left_shift,
    "right_shift": np.right_shift,
    "gcd": np.gcd,
    "argsort": lambda x, *, axis: np.argsort(x, axis, "stable"),
    "sort": lambda x, *, axis: np.sort(x, axis, "stable"),
    "top_k": top_k,
    "searchsorted": searchsorted,
    "segment_max": _segment(np.maximum, lambda dtype: _bounds(dtype)[0]),
    "segment_min": _segment(np.minimum, lambda dtype: _bounds(dtype)[1]),
    "view": view,
}
