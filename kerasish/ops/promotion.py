"""How dtypes combine, and numbers of one dtype made into those of another.

They combine by `graph.dtypes.result_type`, in which Python numbers are weak: `x + 1.0` keeps the
dtype of a float x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import Dim
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Constant, Tensor


def promoted(*values: Any, to: Callable[[str], str] | None = None) -> tuple[Tensor, ...]:
    """`values` as tensors of the dtype in which they combine (passed through `to`)."""
    dtype = combined_dtype(*values)
    dtype = to(dtype) if to else dtype
    for value in values:
        check_fits(value, dtype)
    return tuple(cast(as_tensor(v, dtype if _is_weak(v) else None), dtype) for v in values)


def comparable(x1: Any, x2: Any) -> tuple[Tensor, ...]:
    """As `promoted`; a Python int beyond the other's dtype is compared all the same."""
    dtype = combined_dtype(x1, x2)
    if not (is_beyond(x1, dtype) or is_beyond(x2, dtype)):
        return promoted(x1, x2)
    if _is_weak(x1) and _is_weak(x2):
        return joined(x1, x2)
    # All that the dtype holds lies on one side of such a number, as 0 does of 1 or of -1.
    x, y = ((1 if v > 0 else -1) if _is_weak(v) else cast(v, "int32") * 0 for v in (x1, x2))
    return promoted(x, y)


def is_beyond(value: Any, dtype: str) -> bool:
    """Whether it is one of Python's ints, and outside of the range of ints that `dtype` holds."""
    if dtypes.weak_dtype(value) != dtypes.WEAK_INT or not dtypes.is_int(dtype):
        return False
    return not dtypes.lowest(dtype) <= value <= dtypes.highest(dtype)


def check_fits(value: Any, dtype: str) -> None:
    """Raises OverflowError for one of Python's ints that `dtype`, one of ints, does not hold."""
    if is_beyond(value, dtype):
        raise OverflowError(
            f"the number {value} does not fit {dtype}, which holds {dtypes.lowest(dtype)} to "
            f"{dtypes.highest(dtype)}; give what it meets a wider dtype."
        )


def combined_dtype(*values: Any) -> str:
    """The dtype in which `values` combine."""
    return dtypes.result_type(*(_dtype_of(v) for v in values))


def plain(number: Any) -> Any:
    """A hyperparameter that is one of NumPy's scalars as Python's number, which widens nothing."""
    return number.item() if isinstance(number, np.generic) else number


def joined(x1: Any, x2: Any, to: Callable[[str], str] | None = None) -> tuple[Tensor, ...]:
    """As `promoted`, but Python's numbers widen as arrays of int32 or floatx do.

    So it is in those of Keras's operations that make tensors of what they get at once.
    """
    return promoted(as_tensor(x1), as_tensor(x2), to=to)


def _is_weak(value: Any) -> bool:
    return dtypes.weak_dtype(value) is not None


def _dtype_of(value: Any) -> str:
    weak = dtypes.weak_dtype(value)
    if weak is not None:
        return weak
    return "int32" if isinstance(value, Dim) else as_tensor(value).dtype


@primitive
def cast_p(x: Spec, *, dtype: str) -> Spec:
    return Spec(x.shape, dtype)


def as_float(x: Any) -> Tensor:
    """`x` as floats: itself if it holds floats, else in floatx."""
    return promoted(x, to=dtypes.floating)[0]


def at_least_single(dtype: str) -> str:
    """The float of at least 32 bits in which numbers of a dtype are squared, summed or counted."""
    return dtypes.result_type(dtype, "float32")


def widened(x: Any) -> Tensor:
    """`x` as floats of at least 32 bits."""
    x = as_tensor(x)
    return cast(x, at_least_single(x.dtype))


def wide_floating(dtype: str) -> str:
    """The float in which a few operations compute 64-bit integers: float64, not floatx."""
    return "float64" if dtype == "int64" else dtypes.floating(dtype)


def as_wide_float(x: Any) -> Tensor:
    """`x` as floats, 64-bit integers as float64."""
    return promoted(x, to=wide_floating)[0]


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` with another dtype. Floats are cut off towards zero when they become ints.

    Args:
        x: a tensor of any shape.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of the shape of x and the given dtype.

    Raises:
        ValueError: if there is no such dtype.
        TypeError: for what holds no numbers.

    >>> cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    # Python's floats at once: as floatx first they would lose digits.
    dtype = dtypes.standardize(dtype)
    if isinstance(x, float):
        return as_tensor(x, dtype)
    tensor = as_tensor(x)
    if isinstance(x, (list, tuple)) and isinstance(tensor, Constant):
        return as_tensor(x, dtype)
    return tensor if tensor.dtype == dtype else cast_p(tensor, dtype=dtype)


@cast_p.vjp
def _(g, x, *, dtype):
    return cast(g, x.dtype) if dtypes.is_float(x.dtype) and dtypes.is_float(dtype) else None
