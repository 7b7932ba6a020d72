"""Random numbers without state: each draw follows from its stream and the run counter alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.graph import dtypes

# Dropout compares 16 bits with the rate: 65536 * rate is rounded.
_LEVELS = 1 << 16
_CHUNK = 1 << 14


def bits(stream: int, counted: bool, counter: int) -> np.random.Philox:
    """The source of bits for one draw (Salmon et al., 2011, doi:10.1145/2063384.2063405)."""
    # As one array: from a list NumPy would take large numbers as floats.
    key = np.array([stream & (2**64 - 1), counter if counted else 0], np.uint64)
    return np.random.Philox(key=key)


def fill_uniform(out: np.ndarray, stream: int, counted: bool, counter: int) -> None:
    """Fills a float32 or float64 array with numbers from [0, 1)."""
    generator = np.random.Generator(bits(stream, counted, counter))
    generator.random(dtype=out.dtype.type, out=out)


def fill_normal(out: np.ndarray, stream: int, counted: bool, counter: int) -> None:
    """Fills a float32 or float64 array with normally distributed numbers."""
    generator = np.random.Generator(bits(stream, counted, counter))
    generator.standard_normal(dtype=out.dtype.type, out=out)


def fill_dropout(out: np.ndarray, rate: float, stream: int, counted: bool, counter: int) -> None:
    """Fills an array with 1 / (1 - rate) where kept and 0 elsewhere, 16 random bits for each."""
    source = bits(stream, counted, counter)
    threshold = np.uint16(min(round(rate * _LEVELS), _LEVELS - 1))
    # The bits of the result are multiplied, as integers: ten times quicker than floats from
    # booleans in half precision, and on the NumPy of old Pythons.
    integers = f"int{8 * out.itemsize}"
    scale = np.asarray(1 / (1 - rate), out.dtype).view(integers)
    flat = out.reshape(-1).view(integers)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        draw = source.random_raw(-(-part.size // 4)).view(np.uint16)[: part.size]
        np.multiply((draw >= threshold).view(np.int8), scale, out=part)


def _wide(shape: Any, dtype: str) -> np.ndarray:
    """An array that the fillers take: halves are drawn in float32."""
    return np.empty(shape, dtype if dtype == "float64" else "float32")


def random_uniform(
    *, shape: Any, dtype: str, stream: int, counted: bool, counter: int
) -> np.ndarray:
    out = _wide(shape, dtype)
    fill_uniform(out, stream, counted, counter)
    if dtypes.numpy_dtype(dtype).itemsize == 2:
        # Cut, not rounded: 1 must not come out. float16 has 11 bits, bfloat16 has 8.
        steps = 2.0 ** (11 if dtype == "float16" else 8)
        out = np.floor(out * steps) / steps
    return out


def random_normal(
    *, shape: Any, dtype: str, stream: int, counted: bool, counter: int
) -> np.ndarray:
    out = _wide(shape, dtype)
    fill_normal(out, stream, counted, counter)
    return out


def dropout_mask(
    *, shape: Any, rate: float, dtype: str, stream: int, counted: bool, counter: int
) -> np.ndarray:
    out = _wide(shape, dtype)
    fill_dropout(out, rate, stream, counted, counter)
    return out


TABLE: dict[str, Callable[..., np.ndarray]] = {
    "random_uniform": random_uniform,
    "random_normal": random_normal,
    "dropout_mask": dropout_mask,
}
