"""Into tensors and out of them, and what they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.complex import as_complex, is_complex
from kerasish.graph.primitive import as_tensor
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import maximum, minimum
from kerasish.ops.promotion import cast


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Tensor:
    """`x` as a tensor.

    Args:
        x: a tensor, an array, numbers or nested lists of them.
        dtype: of the result; if None x's own, or floatx for Python's floats and int32 for
            its ints.
        sparse: must not be True; there are no sparse tensors.
        ragged: must not be True; there are no ragged tensors.

    Returns:
        A tensor of x's shape.

    Raises:
        ValueError: if there is no such dtype, or `sparse` or `ragged` is True.
        TypeError: if x is no array of numbers (such as a string, None or lists of unequal lengths),
            or one of complex numbers.

    >>> convert_to_tensor([1, 2], dtype="float32").numpy()
    array([1., 2.], dtype=float32)
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: there are no sparse or ragged tensors.")
    if dtype is None:
        return as_tensor(x)
    dtype = dtypes.standardize(dtype)
    return cast(x, dtype) if isinstance(x, Tensor) else as_tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """The value of a tensor as a NumPy array.

    Args:
        x: a tensor that no placeholder stands behind, complex numbers, or anything that
            `convert_to_tensor` takes.

    Returns:
        An array of the shape and dtype of x.

    Raises:
        ValueError: if the value is known only when the graph runs.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> convert_to_numpy([1, 2])
    array([1, 2], dtype=int32)
    """
    return np.asarray(as_complex(x) if is_complex(x) else as_tensor(x))


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor (or a variable).

    Args:
        x: anything.

    Returns:
        A bool; False for arrays and numbers.

    Raises:
        Nothing, whatever x is.

    >>> is_tensor(convert_to_tensor(1.0)), is_tensor(1.0)
    (True, False)
    """
    return isinstance(x, Tensor)


def dtype(x: Any) -> str:
    """The name of x's dtype.

    Args:
        x: a tensor, or anything that `convert_to_tensor` takes.

    Returns:
        A string.

    Raises:
        TypeError: if x is no array of numbers (such as a string or None), or one of complex
            numbers.

    >>> dtype([1.0])
    'float32'
    """
    return as_tensor(x).dtype


def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """`x` with another dtype; what that can't hold becomes the nearest number it can.

    Args:
        x: a tensor of any shape.
        dtype: of the result.

    Returns:
        A tensor of x's shape.

    Raises:
        ValueError: if there is no such dtype.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> saturate_cast([-5.0, 300.0], "uint8").numpy()
    array([  0, 255], dtype=uint8)
    """
    x, dtype = as_tensor(x), dtypes.standardize(dtype)
    if x.dtype == "bool" or dtype == "bool":
        return cast(x, dtype)
    low, high = (_within(bound(dtype), x.dtype) for bound in (dtypes.lowest, dtypes.highest))
    return cast(minimum(maximum(x, low), high), dtype)


def _within(bound: Any, dtype: str) -> Tensor:
    """`bound` as a number of `dtype`: not beyond it, and towards 0 where it must be rounded."""
    if not dtypes.is_float(dtype):
        # Python's comparisons of ints and floats are exact.
        return as_tensor(int(max(min(bound, dtypes.highest(dtype)), dtypes.lowest(dtype))), dtype)
    value = np.clip(float(bound), dtypes.lowest(dtype), dtypes.highest(dtype)).astype(
        dtypes.numpy_dtype(dtype)
    )
    if abs(float(value)) > abs(bound):
        value = np.nextafter(value, value.dtype.type(0))
    return as_tensor(value)
