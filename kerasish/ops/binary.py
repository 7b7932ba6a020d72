"""Element by element, of two inputs or more: arithmetic, bounds, and choice."""

from __future__ import annotations

from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import broadcast_shapes
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Constant, Tensor
from kerasish.ops.comparisons import equal, logical_and, logical_or
from kerasish.ops.elementwise import log
from kerasish.ops.promotion import cast, is_beyond, joined, promoted
from kerasish.ops.rules import constant_gradient, float_pair, named, number, pair_rule, sum_to


def reciprocal(x: Any) -> Tensor:
    """1 / x.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A float tensor of the shape of x: of its dtype if that is a float, else floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> reciprocal([2.0, 4.0]).numpy()
    array([0.5 , 0.25], dtype=float32)
    """
    return divide(1, x)


add_p = named("add", pair_rule)
subtract_p = named("subtract", pair_rule)
multiply_p = named("multiply", pair_rule)
divide_p = named("divide", float_pair)
power_p = named("power", pair_rule)
maximum_p = named("maximum", pair_rule)
minimum_p = named("minimum", pair_rule)
floor_divide_p = named("floor_divide", pair_rule)
mod_p = named("mod", pair_rule)


@primitive
def where_p(condition: Spec, x: Spec, y: Spec) -> Spec:
    pair = pair_rule(x, y)
    return Spec(broadcast_shapes(condition.shape, pair.shape), pair.dtype)


def add(x1: Any, x2: Any) -> Tensor:
    """x1 + x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> add([1.0, 2.0], 10).numpy()
    array([11., 12.], dtype=float32)
    """
    x, y = promoted(x1, x2)
    return logical_or(x, y) if x.dtype == "bool" else add_p(x, y)


def subtract(x1: Any, x2: Any) -> Tensor:
    """x1 - x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; of two booleans int32.

    Raises:
        ValueError: if the shapes do not broadcast.
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> subtract([5, 6], 1).numpy()
    array([4, 5], dtype=int32)
    """
    return subtract_p(*promoted(x1, x2, to=number))


def multiply(x1: Any, x2: Any) -> Tensor:
    """x1 * x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> multiply([1.0, 2.0], 3).numpy()
    array([3., 6.], dtype=float32)
    """
    x, y = promoted(x1, x2)
    return logical_and(x, y) if x.dtype == "bool" else multiply_p(x, y)


def divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A float tensor of the broadcast shape: the promoted dtype if that is a float, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> divide([1, 2], 2).numpy()
    array([0.5, 1. ], dtype=float32)
    """
    return divide_p(*promoted(x1, x2, to=dtypes.floating))


true_divide = divide


def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """x1 / x2, but 0 where x2 is 0.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A float tensor of the broadcast shape: the promoted dtype if that is a float, else floatx.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> divide_no_nan([1.0, 2.0], [0.0, 2.0]).numpy()
    array([0., 1.], dtype=float32)
    """
    x, y = promoted(x1, x2, to=dtypes.floating)
    zero = equal(y, 0)
    return where(zero, 0.0, x / where(zero, 1.0, y))


def power(x1: Any, x2: Any) -> Tensor:
    """x1 to the power of x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; of two booleans int32.

    Raises:
        ValueError: if the shapes do not broadcast, or a number among the exponents of ints is
            negative. (Where that is found only when the graph runs, it is the engine's error.)
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> power([2.0, 3.0], 2).numpy()
    array([4., 9.], dtype=float32)
    """
    x, y = promoted(x1, x2, to=number)
    if y.dtype in dtypes.SIGNED and isinstance(y, Constant) and (y.value < 0).any():
        raise ValueError(
            f"power: ints have no negative powers among the ints, but an exponent is "
            f"{y.value.min()}; make one of both a float."
        )
    return power_p(x, y)


def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of x1 and x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> maximum([1, 5], 3).numpy()
    array([3, 5], dtype=int32)
    """
    return maximum_p(*promoted(x1, x2))


def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of x1 and x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if the shapes do not broadcast.
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> minimum([1, 5], 3).numpy()
    array([1, 3], dtype=int32)
    """
    return minimum_p(*promoted(x1, x2))


def floor_divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2 rounded down.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; of two booleans int32.

    Raises:
        ValueError: if the shapes do not broadcast.
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> floor_divide([7, -7], 2).numpy()
    array([ 3, -4], dtype=int32)
    """
    return floor_divide_p(*promoted(x1, x2, to=number))


def mod(x1: Any, x2: Any) -> Tensor:
    """The remainder of x1 / x2 rounded down; it has the sign of x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine. A Python
            number counts as int32 or floatx; in `x1 % x2` it takes the tensor's dtype.

    Returns:
        A tensor of the broadcast shape and the promoted dtype; of two booleans int32.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> mod([7, -7], 3).numpy()
    array([1, 2], dtype=int32)
    """
    return mod_p(*joined(x1, x2, to=number))


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, x2 elsewhere; without both, `nonzero` of the condition.

    Args:
        condition: booleans; numbers other than 0 count as true.
        x1: a tensor.
        x2: another one. Shapes of all three broadcast, dtypes of these two combine.

    Returns:
        A tensor of the broadcast shape and the promoted dtype of x1 and x2; without both, one int32
        vector of indices per axis of the condition.

    Raises:
        ValueError: if only one of x1 and x2 is given, the shapes do not broadcast, or the condition
            alone is a scalar.
        OverflowError: if one is a Python int that the promoted dtype does not hold.
        TypeError: if one of the three is no array of numbers, such as a string.

    >>> where([True, False], [1, 2], [3, 4]).numpy()
    array([1, 4], dtype=int32)
    """
    if x1 is None and x2 is None:
        from kerasish.ops.indexing import nonzero

        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError("where: give both x1 and x2, or neither.")
    return where_p(cast(condition, "bool"), *promoted(x1, x2))


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x, kept within x_min and x_max.

    Args:
        x: a tensor of any shape.
        x_min: the smallest result, a number or a tensor that broadcasts.
        x_max: the largest one.

    Returns:
        A tensor of the broadcast shape and x's dtype (int32 of booleans).

    Raises:
        ValueError: if the shapes do not broadcast.
        OverflowError: if x_min is an int above all that x's dtype holds, or x_max one below.
        TypeError: if x or a bound is no array of numbers, such as a string or None.

    >>> clip([-2.0, 0.5, 2.0], -1, 1).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    (x,) = promoted(x, to=number)
    # A bound beyond all that x can be is none.
    below = is_beyond(x_min, x.dtype) and x_min < 0
    above = is_beyond(x_max, x.dtype) and x_max > 0
    bounded = x if below else maximum(x, x_min)
    return cast(bounded if above else minimum(bounded, x_max), x.dtype)


@add_p.vjp
def _(g, x, y):
    return sum_to(g, x), sum_to(g, y)


@subtract_p.vjp
def _(g, x, y):
    return sum_to(g, x), sum_to(-g, y)


@multiply_p.vjp
def _(g, x, y):
    return sum_to(g * y, x), sum_to(g * x, y)


@divide_p.vjp
def _(g, x, y):
    # Not by the square of y, which may be too large or too small where all else is not.
    share = g / y
    return sum_to(share, x), sum_to(-share * (x / y), y)


@power_p.vjp
def _(g, x, y):
    positive = x > 0
    log_x = where(positive, log(where(positive, x, 1)), 0)
    # x to the power of 0 is 1 everywhere, also at 0, where the power of -1 is infinite.
    lower = power(x, where(equal(y, 0), 0, y - 1))
    return sum_to(g * y * lower, x), sum_to(g * power(x, y) * log_x, y)


def _split_ties(g, x, y, wins):
    """Where both inputs are equal, each gets half of the gradient."""
    share = cast(wins, x.dtype) + cast(equal(x, y), x.dtype) * 0.5
    return sum_to(g * share, x), sum_to(g * (1 - share), y)


@maximum_p.vjp
def _(g, x, y):
    return _split_ties(g, x, y, x > y)


@minimum_p.vjp
def _(g, x, y):
    return _split_ties(g, x, y, x < y)


@mod_p.vjp
def _(g, x, y):
    return sum_to(g, x), sum_to(-g * floor_divide(x, y), y)


@where_p.vjp
def _(g, condition, x, y):
    zero = as_tensor(0, g.dtype)
    return None, sum_to(where(condition, g, zero), x), sum_to(where(condition, zero, g), y)


floor_divide_p.vjp(constant_gradient)
