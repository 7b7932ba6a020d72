"""Integers element by element: their bits, and common divisors.

Engines that know bits take these whole. For the others they are arithmetic: `bitwise_and`
goes bit by bit, and the others follow from it, for x + y is (x | y) + (x & y).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import add, floor_divide, mod, multiply, power, where
from kerasish.ops.comparisons import equal, logical_and, logical_not, logical_or, logical_xor
from kerasish.ops.elementwise import abs
from kerasish.ops.promotion import cast, joined, promoted
from kerasish.ops.rules import constant_gradient


@composite
def bitwise_and_p(x: Tensor, y: Tensor) -> Tensor:
    # Bit by bit, for engines that see numbers only. The last one is the sign's, if there is one.
    parts = []
    for weight in (2**i for i in range(_bits(x.dtype))):
        signed = weight > np.iinfo(x.dtype).max
        both = multiply(x % 2, y % 2)
        parts.append(both * as_tensor(-weight if signed else weight, x.dtype))
        x, y = floor_divide(x, 2), floor_divide(y, 2)
    # From the highest: no sum on the way is larger than the result or a power of two.
    return functools.reduce(add, reversed(parts))


def _bits(dtype: str) -> int:
    return int(dtype.lstrip("uint"))


@composite
def bitwise_or_p(x: Tensor, y: Tensor) -> Tensor:
    return x + y - bitwise_and_p(x, y)


@composite
def bitwise_xor_p(x: Tensor, y: Tensor) -> Tensor:
    return x + y - 2 * bitwise_and_p(x, y)


@composite
def left_shift_p(x: Tensor, y: Tensor) -> Tensor:
    return x * power(as_tensor(2, x.dtype), y)


@composite
def right_shift_p(x: Tensor, y: Tensor) -> Tensor:
    """Of signed integers the sign is kept."""
    # In two steps: 2 to the number of all bits would not fit.
    half = floor_divide(y, 2)
    two = as_tensor(2, x.dtype)
    return floor_divide(floor_divide(x, power(two, half)), power(two, y - half))


@composite
def gcd_p(x: Tensor, y: Tensor) -> Tensor:
    # Euclid's algorithm. Two Fibonacci numbers take longest: log(2^bits) / log(1.618) steps.
    a, b = (x, y) if x.dtype in dtypes.UNSIGNED else (abs(x), abs(y))
    for _ in range(int(_bits(x.dtype) * 1.4405) + 2):
        done = equal(b, 0)
        a, b = where(done, a, b), where(done, b, mod(a, where(done, 1, b)))
    return a


for _flat in (bitwise_and_p, bitwise_or_p, bitwise_xor_p, left_shift_p, right_shift_p, gcd_p):
    _flat.vjp(constant_gradient)


def _of_both(name: str, of_bools: Any, of_ints: Any, x: Any, y: Any) -> Tensor:
    """The operation of two tensors of one dtype: one for booleans, one for integers."""
    x, y = _whole(name, *joined(x, y))
    return (of_bools if x.dtype == "bool" else of_ints)(x, y)


def _whole(name: str, *tensors: Tensor) -> tuple[Tensor, ...]:
    if dtypes.is_float(tensors[0].dtype):
        raise TypeError(f"{name}: expected integers or booleans, but got {tensors[0].dtype}.")
    return tensors


def bitwise_and(x: Any, y: Any) -> Tensor:
    """The bits that x and y have in common.

    Args:
        x: ints.
        y: ints. Shapes broadcast, dtypes combine. A Python number counts as
            int32.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if the promoted dtype is a float, as that of int64 and uint64 is, or if one of
            both is no array of numbers.

    >>> int(bitwise_and(12, 10))
    8
    """
    return _of_both("bitwise_and", logical_and, bitwise_and_p, x, y)


def bitwise_or(x: Any, y: Any) -> Tensor:
    """The bits that x or y has.

    Args:
        x: ints.
        y: ints. Shapes broadcast, dtypes combine. A Python number counts as
            int32.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if the promoted dtype is a float, as that of int64 and uint64 is, or if one of
            both is no array of numbers.

    >>> bitwise_or([1, 2], 4).numpy()
    array([5, 6], dtype=int32)
    """
    return _of_both("bitwise_or", logical_or, bitwise_or_p, x, y)


def bitwise_xor(x: Any, y: Any) -> Tensor:
    """The bits that only one of x and y has.

    Args:
        x: ints.
        y: ints. Shapes broadcast, dtypes combine. A Python number counts as
            int32.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if the promoted dtype is a float, as that of int64 and uint64 is, or if one of
            both is no array of numbers.

    >>> bitwise_xor([1, 3], 1).numpy()
    array([0, 2], dtype=int32)
    """
    return _of_both("bitwise_xor", logical_xor, bitwise_xor_p, x, y)


def bitwise_invert(x: Any) -> Tensor:
    """Every bit the other way round.

    Args:
        x: ints or booleans of any shape.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: if x holds floats, or is no array of numbers.

    >>> int(bitwise_invert(5))
    -6
    """
    (x,) = _whole("bitwise_invert", as_tensor(x))
    if x.dtype == "bool":
        return logical_not(x)
    # -1 has all bits set; as an unsigned number it is the largest.
    return as_tensor(-1 % 2 ** _bits(x.dtype) if x.dtype[0] == "u" else -1, x.dtype) - x


bitwise_not = bitwise_invert


def left_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved up by y places: x * 2^y.

    Args:
        x: ints.
        y: ints. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; of two booleans int32.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if the promoted dtype is a float, as that of int64 and uint64 is, or if one of
            both is no array of numbers.

    >>> left_shift([1, 2], 2).numpy()
    array([4, 8], dtype=int32)
    """
    return left_shift_p(*_shiftable("left_shift", x, y))


def right_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved down by y places: x / 2^y rounded down.

    Args:
        x: ints.
        y: ints. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; of two booleans int32.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if the promoted dtype is a float, as that of int64 and uint64 is, or if one of
            both is no array of numbers.

    >>> right_shift([4, 8], 2).numpy()
    array([1, 2], dtype=int32)
    """
    return right_shift_p(*_shiftable("right_shift", x, y))


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


def _shiftable(name: str, x: Any, y: Any) -> tuple[Tensor, ...]:
    pair = _whole(name, *promoted(as_tensor(x), y))
    return tuple(cast(t, "int32") if t.dtype == "bool" else t for t in pair)


def gcd(x1: Any, x2: Any) -> Tensor:
    """The greatest common divisor, positive; of 0 and x it is |x|.

    Args:
        x1: ints.
        x2: ints. Shapes broadcast, dtypes combine. A Python number counts as
            int32.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if the promoted dtype is a float, as that of int64 and uint64 is, or if one of
            both is no array of numbers.

    >>> int(gcd(12, -18))
    6
    """
    return _of_both("gcd", logical_or, gcd_p, x1, x2)


def lcm(x1: Any, x2: Any) -> Tensor:
    """The least common multiple, positive; 0 if one of both is 0.

    Args:
        x1: ints.
        x2: ints. Shapes broadcast, dtypes combine. A Python number counts as
            int32.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if the promoted dtype is a float, as that of int64 and uint64 is, or if one of
            both is no array of numbers.

    >>> lcm([4, 6], 6).numpy()
    array([12,  6], dtype=int32)
    """
    return _of_both("lcm", logical_and, _lcm, x1, x2)


def _lcm(x: Tensor, y: Tensor) -> Tensor:
    divisor = gcd_p(x, y)
    return abs(multiply(floor_divide(x, where(equal(divisor, 0), 1, divisor)), y))
