"""New arrays: filled with a value, counting up, and with ones where a position says so."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import Dim, canonical_axis, canonical_shape, known
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import broadcast_to, expand_dims, reshape, shape, whole_sizes
from kerasish.ops.comparisons import equal
from kerasish.ops.promotion import cast, check_fits
from kerasish.ops.reduce import max
from kerasish.ops.rules import constant_gradient


@primitive
def full_p(*, shape: tuple[Any, ...], value: float, dtype: str) -> Spec:
    return Spec(whole_sizes(shape), dtype)


@primitive
def iota_p(*, size: Any, dtype: str) -> Spec:
    """0, 1, 2, ... size - 1."""
    return Spec((known(size),), dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """An array of `shape` filled with one value.

    Args:
        shape: the sizes, which may be run-time sizes of `ops.shape`.
        fill_value: a number, or a tensor that broadcasts to the shape.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of that shape and dtype.

    Raises:
        ValueError: if a size is negative, fill_value does not broadcast to the shape, or there
            is no such dtype.
        TypeError: if fill_value holds no numbers, or a size is no int.

    >>> full((2,), 7).numpy()
    array([7., 7.], dtype=float32)
    """
    shape = canonical_shape(shape)
    if isinstance(fill_value, (int, float)):
        name = dtypes.standardize(dtype)
        check_fits(fill_value, name)
        return full_p(shape=shape, value=fill_value, dtype=name)
    value = as_tensor(fill_value)
    return broadcast_to(cast(value, dtype), shape)


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros of `shape`.

    Args:
        shape: the sizes, which may be run-time sizes of `ops.shape`.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of that shape and dtype.

    Raises:
        ValueError: if a size is negative, or there is no such dtype.
        TypeError: if a size is no int.

    >>> zeros(2).numpy()
    array([0., 0.], dtype=float32)
    """
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones of `shape`.

    Args:
        shape: the sizes, which may be run-time sizes of `ops.shape`.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of that shape and dtype.

    Raises:
        ValueError: if a size is negative, or there is no such dtype.
        TypeError: if a size is no int.

    >>> ones((2,)).numpy()
    array([1., 1.], dtype=float32)
    """
    return full(shape, 1, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """An array of x's shape filled with one value.

    Args:
        x: a tensor.
        fill_value: a number, or a tensor that broadcasts to the shape.
        dtype: of the result; x's own if None.

    Returns:
        A tensor of the shape of x and that dtype.

    Raises:
        ValueError: if fill_value does not broadcast to the shape, or there is no such dtype.
        TypeError: if x or fill_value holds no numbers.

    >>> full_like([1, 2], 7).numpy()
    array([7, 7], dtype=int32)
    """
    x = as_tensor(x)
    return full(shape(x), fill_value, dtype or x.dtype)


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of x's shape.

    Args:
        x: a tensor.
        dtype: of the result; x's own if None.

    Returns:
        A tensor of the shape of x and that dtype.

    Raises:
        ValueError: if there is no such dtype.
        TypeError: for what holds no numbers.

    >>> zeros_like([1, 2]).numpy()
    array([0, 0], dtype=int32)
    """
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of x's shape.

    Args:
        x: a tensor.
        dtype: of the result; x's own if None.

    Returns:
        A tensor of the shape of x and that dtype.

    Raises:
        ValueError: if there is no such dtype.
        TypeError: for what holds no numbers.

    >>> ones_like([1, 2]).numpy()
    array([1, 1], dtype=int32)
    """
    return full_like(x, 1, dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to `stop`, without it; 1 or `step` apart.

    Args:
        start: the first number, or the end if `stop` is None.
        stop: the end.
        step: the distance; 1 if None.
        dtype: of the result; if None that in which the numbers combine, where Python's ints count
            as int32 and its floats as floatx unless there are arrays or tensors beside them.

    Returns:
        A tensor with one axis and of that dtype; empty if `stop` is not beyond `start`.

    Raises:
        ValueError: if step is 0, an argument is an array or complex or not finite, or there is no
            such dtype.
        TypeError: if an argument is no number.

    >>> arange(3).numpy()
    array([0, 1, 2], dtype=int32)
    """
    given = [number for number in (start, stop, step) if number is not None]
    for number in given:
        several = not isinstance(number, Dim) and np.ndim(number)
        if several or callable(number) or isinstance(number, complex):
            raise ValueError(f"arange: expected single numbers, but got {number!r}.")
    step = 1 if step is None else step
    if stop is None:
        start, stop = 0, start
    natural = _natural_dtype(given)
    start, stop, step = map(_plain, (start, stop, step))
    if step == 0:
        raise ValueError("arange: step must not be 0.")
    if isinstance(stop, Dim) or isinstance(start, Dim):
        length: Any = Dim(_not_below_0, -((start - stop) // step))  # rounded up
        name = dtypes.standardize(dtype or "int32")
    else:
        if not builtins.all(map(math.isfinite, (start, stop, step))):
            raise ValueError(
                f"arange: expected finite numbers, but got {start!r}, {stop!r} and {step!r}."
            )
        length = builtins.max(0, math.ceil((stop - start) / step))
        name = dtypes.standardize(dtype or natural)
    count = iota_p(size=length, dtype=name)
    scaled = count if step == 1 else count * as_tensor(step, name)
    return scaled if start == 0 else scaled + as_tensor(start, name)


def _not_below_0(size: int) -> int:
    return builtins.max(0, size)


def _natural_dtype(numbers: Sequence[Any]) -> str:
    """The dtype in which numbers combine; int32 for a Python bool, among which one cannot count."""
    found = [
        str(n.dtype) if hasattr(n, "dtype") else dtypes.weak_dtype(n) or "int32" for n in numbers
    ]
    dtype = dtypes.result_type(*found)
    return "int32" if dtype == "bool" else dtype


def _plain(number: Any) -> Any:
    """A number as Python's, which does not overflow; anything else as it is."""
    number = number.numpy() if isinstance(number, Tensor) else number
    return number.item() if isinstance(number, (np.ndarray, np.generic)) else number


def whole(name: str, number: Any) -> Any:
    """A number of rows or the like: an int, or a Dim as it is."""
    if isinstance(number, Dim):
        return number
    if not hasattr(number, "__index__"):
        raise TypeError(f"{name} must be an int, but got {number!r}.")
    return operator.index(number)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the k-th diagonal of an N x M matrix of zeros.

    Args:
        N: the number of rows.
        M: the number of columns; N if None.
        k: which diagonal: 0 the main one, above it if positive.
        dtype: of the result; floatx if None.

    Returns:
        A tensor of shape (N, M) and that dtype.

    Raises:
        ValueError: if N or M is negative, or there is no such dtype.
        TypeError: if N, M or k is no int.

    >>> eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    sizes = whole("N", N), whole("M", N if M is None else M)
    if builtins.any(not isinstance(size, Dim) and size < 0 for size in sizes):
        raise ValueError(f"a matrix cannot have {sizes[0]} rows and {sizes[1]} columns.")
    k = k if isinstance(k, Tensor) else whole("k", k)
    rows, columns = map(arange, sizes)
    return cast(equal(expand_dims(rows, 1) + k, columns), dtype)


def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """A new axis of size `num_classes`: 1 at the position that x names, else 0.

    Args:
        x: ints or booleans of any shape; others than 0 to num_classes - 1 give zeros.
        num_classes: the size of the new axis.
        axis: where it goes.
        dtype: of the result; floatx if None.
        sparse: must be False; there are no sparse tensors.

    Returns:
        A tensor of the shape of x with the new axis, and of that dtype.

    Raises:
        ValueError: if num_classes is negative, the result has no such axis, or sparse is True.
        TypeError: if x holds no numbers, or num_classes is no int.

    >>> one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    if sparse:
        raise ValueError("one_hot: sparse=True is not supported; there are no sparse tensors.")
    x = as_tensor(x)
    if x.dtype in ("bool", "int8", "uint8", "int16", "uint16"):
        x = cast(x, "int32")  # which tells all classes apart
    axis, num_classes = canonical_axis(axis, x.rank + 1), whole("num_classes", num_classes)
    if not isinstance(num_classes, Dim) and num_classes < 0:
        raise ValueError(f"one_hot: num_classes must not be negative, but it is {num_classes}.")
    classes = arange(num_classes, dtype=x.dtype)
    beside = reshape(classes, tuple(-1 if i == axis else 1 for i in range(x.rank + 1)))
    return cast(equal(expand_dims(x, axis), beside), dtype)


full_p.vjp(constant_gradient)
iota_p.vjp(constant_gradient)


def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
) -> Tensor:
    """1 at each of the positions that a sample names, else 0.

    Args:
        inputs: ints (batch, count, ...), or (count,) for one sample; numbers that are no
            class name nothing.
        num_classes: how many positions there are.
        axis: where the axis of the classes goes; the count is on axis 1 (or 0) then.
        dtype: of the result; config.floatx() if None.
        sparse: must be False; there are no sparse tensors.

    Returns:
        A tensor of shape (batch, ..., num_classes), or (num_classes,) for one sample, if axis
        is -1, and of that dtype.

    Raises:
        ValueError: if inputs is a scalar, num_classes is None or negative, there is no such axis,
            or sparse is True.
        TypeError: if inputs holds no numbers, or num_classes is no int.

    >>> multi_hot([[0, 1], [2, 2]], 3).numpy()
    array([[1., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    if sparse:
        raise ValueError("multi_hot: sparse=True is not supported; there are no sparse tensors.")
    x = as_tensor(inputs)
    if num_classes is None:
        raise ValueError("multi_hot: num_classes must be given.")
    if x.rank == 0:
        raise ValueError("multi_hot: inputs must have at least one axis, but got a scalar.")
    counted = 1 if x.rank > 1 else 0
    ones = one_hot(x, num_classes, axis=axis, dtype=dtype)
    return max(ones, axis=counted, initial=None if x.shape[counted] else 0)  # it may be empty
