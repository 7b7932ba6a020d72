"""Element by element, with booleans as results: comparison, logic, NaN and infinity."""

from __future__ import annotations

from typing import Any

from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor
from kerasish.ops.promotion import as_float, cast, comparable
from kerasish.ops.rules import constant_gradient, named, pair_rule


def _bool_rule(x: Spec) -> Spec:
    return Spec(x.shape, "bool")


def _comparison(x: Spec, y: Spec) -> Spec:
    return Spec(pair_rule(x, y).shape, "bool")


isnan_p = named("isnan", _bool_rule)
isfinite_p = named("isfinite", _bool_rule)
logical_not_p = named("logical_not", _bool_rule)
equal_p = named("equal", _comparison)
not_equal_p = named("not_equal", _comparison)
less_p = named("less", _comparison)
less_equal_p = named("less_equal", _comparison)
greater_p = named("greater", _comparison)
greater_equal_p = named("greater_equal", _comparison)
logical_and_p = named("logical_and", _comparison)
logical_or_p = named("logical_or", _comparison)


def equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 == x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> equal([1, 2], 2).numpy()
    array([False,  True])
    """
    return equal_p(*comparable(x1, x2))


def not_equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 != x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> not_equal([1, 2], 2).numpy()
    array([ True, False])
    """
    return not_equal_p(*comparable(x1, x2))


def less(x1: Any, x2: Any) -> Tensor:
    """Where x1 < x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> less([1, 3], 2).numpy()
    array([ True, False])
    """
    return less_p(*comparable(x1, x2))


def less_equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 <= x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> less_equal([2, 3], 2).numpy()
    array([ True, False])
    """
    return less_equal_p(*comparable(x1, x2))


def greater(x1: Any, x2: Any) -> Tensor:
    """Where x1 > x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> greater([1, 3], 2).numpy()
    array([False,  True])
    """
    return greater_p(*comparable(x1, x2))


def greater_equal(x1: Any, x2: Any) -> Tensor:
    """Where x1 >= x2.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> greater_equal([1, 2], 2).numpy()
    array([False,  True])
    """
    return greater_equal_p(*comparable(x1, x2))


def logical_not(x: Any) -> Tensor:
    """Not x; numbers other than 0 count as true.

    Args:
        x: a tensor of any shape.

    Returns:
        A bool tensor of the shape of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> logical_not([True, False]).numpy()
    array([False,  True])
    """
    return logical_not_p(cast(x, "bool"))


def logical_and(x1: Any, x2: Any) -> Tensor:
    """x1 and x2; numbers other than 0 count as true.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> logical_and([True, True], [True, False]).numpy()
    array([ True, False])
    """
    return logical_and_p(cast(x1, "bool"), cast(x2, "bool"))


def logical_or(x1: Any, x2: Any) -> Tensor:
    """x1 or x2; numbers other than 0 count as true.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> logical_or([True, False], [False, False]).numpy()
    array([ True, False])
    """
    return logical_or_p(cast(x1, "bool"), cast(x2, "bool"))


def logical_xor(x1: Any, x2: Any) -> Tensor:
    """x1 or x2 but not both; numbers other than 0 count as true.

    Args:
        x1: a tensor.
        x2: another one. Shapes broadcast, dtypes combine.

    Returns:
        A boolean tensor of the broadcast shape.

    Raises:
        ValueError: if the shapes do not broadcast.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> logical_xor([True, True], [True, False]).numpy()
    array([False,  True])
    """
    return not_equal(cast(x1, "bool"), cast(x2, "bool"))


def isnan(x: Any) -> Tensor:
    """Where x is not a number.

    Args:
        x: a tensor of any shape.

    Returns:
        A bool tensor of the shape of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> isnan([1.0, np.nan]).numpy()
    array([False,  True])
    """
    return isnan_p(as_float(x))


def isfinite(x: Any) -> Tensor:
    """Where x is neither infinite nor NaN.

    Args:
        x: a tensor of any shape.

    Returns:
        A bool tensor of the shape of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> isfinite([1.0, np.inf]).numpy()
    array([ True, False])
    """
    return isfinite_p(as_float(x))


def isinf(x: Any) -> Tensor:
    """Where x is infinite.

    Args:
        x: a tensor of any shape.

    Returns:
        A boolean tensor of the shape of x.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> isinf([1.0, np.inf]).numpy()
    array([False,  True])
    """
    x = as_float(x)
    return logical_not(logical_or(isfinite(x), isnan(x)))


for _flat in (
    isnan_p,
    isfinite_p,
    logical_not_p,
    equal_p,
    not_equal_p,
    less_p,
    less_equal_p,
    greater_p,
    greater_equal_p,
    logical_and_p,
    logical_or_p,
):
    _flat.vjp(constant_gradient)
