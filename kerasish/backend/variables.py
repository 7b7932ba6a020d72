"""Variables and placeholders, and what their values are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.backend.sizes import as_values
from kerasish.backend.tensors import dense
from kerasish.graph import trace
from kerasish.graph.dtypes import standardize
from kerasish.graph.shapes import Dim, size_of
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.graph.values import evaluate
from kerasish.graph.variable import Variable
from kerasish.ops import random


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Any:
    """A Variable that starts with `value`.

    Args:
        value: numbers, an array, or a sparse matrix, which becomes dense.
        dtype: floatx if None.
        name: for messages.
        constraint: a projection after each step of an optimizer.

    Returns:
        A Variable of the shape of `value`.

    Raises:
        ValueError: for an unknown dtype.
        TypeError: for what holds no numbers.

    >>> eval(variable([1, 2]))
    array([1., 2.], dtype=float32)
    """
    if isinstance(value, Variable):
        with trace.outside():
            value = value.numpy()
    made = Variable(dense(value), dtype=standardize(dtype), name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor with a fixed value.

    Args:
        value: numbers or an array.
        dtype: floatx if None.
        shape: of the result; an int counts for one axis. The value gets it, where it has as many
            elements; else it is spread over it. Its own shape if None.
        name: for messages.

    Returns:
        A tensor.

    Raises:
        ValueError: if the value does not fit the shape.

    >>> constant([1, 2], shape=(2, 1)).shape
    (2, 1)
    >>> constant([1, 2]).numpy()
    array([1., 2.], dtype=float32)
    """
    made = ops.convert_to_tensor(value, standardize(dtype))
    if shape is not None:
        shape = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
        fits = size_of(made.shape) == math.prod(shape)
        made = ops.reshape(made, shape) if fits else ops.broadcast_to(made, shape)
    made.name = name or made.name
    return made


def placeholder(
    shape: Any = None,
    ndim: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """A tensor that gets its value when a `function` is called.

    Args:
        shape: None for sizes that differ from call to call.
        ndim: the number of axes, if there is no shape.
        dtype: floatx if None.
        sparse: nothing has to be said: any placeholder takes sparse matrices, and is dense.
        name: for messages.

    Returns:
        A tensor without a value.

    Raises:
        ValueError: without `shape` and `ndim`.

    >>> placeholder((None, 3)).shape
    (None, 3)
    """
    if shape is None and ndim is None:
        raise ValueError("A placeholder needs a shape or a number of axes (ndim).")
    sizes = (None,) * int(ndim or 0) if shape is None else tuple(shape)
    return Placeholder(sizes, standardize(dtype), name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of zeros, as in older Keras; a tensor if a size is known only at run time.

    Args:
        shape: that of the result.
        dtype: floatx if None.
        name: of the variable.

    Returns:
        A Variable, or a tensor.

    Raises:
        ValueError: for an unknown dtype.

    >>> zeros((2,)).numpy()
    array([0., 0.], dtype=float32)
    """
    return _filled(ops.zeros, shape, dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A Variable of ones, as in older Keras; a tensor if a size is known only at run time.

    Args:
        shape: that of the result.
        dtype: floatx if None.
        name: of the variable.

    Returns:
        A Variable, or a tensor.

    Raises:
        ValueError: for an unknown dtype.

    >>> ones((2,)).numpy()
    array([1., 1.], dtype=float32)
    """
    return _filled(ops.ones, shape, dtype, name)


def _filled(fill: Callable[..., Tensor], shape: Any, dtype: Any, name: str | None) -> Any:
    made = fill(shape, dtype=standardize(dtype))
    sizes = shape if isinstance(shape, (list, tuple)) else [shape]
    if any(isinstance(size, Dim) for size in sizes):
        return made
    return Variable(made.numpy(), dtype=made.dtype, name=name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A Variable with ones on the diagonal, zeros elsewhere.

    Args:
        size: an int, or (rows, columns).
        dtype: floatx if None.
        name: of the variable.

    Returns:
        A Variable (size, size), or (rows, columns).

    Raises:
        ValueError: for an unknown dtype.

    >>> eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    rows, columns = size if isinstance(size, (list, tuple)) else (size, size)
    return Variable(np.eye(rows, columns), dtype=standardize(dtype), name=name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Variable:
    """A Variable that starts with uniformly distributed numbers.

    Args:
        shape: that of the result.
        low: the lower bound.
        high: the upper bound.
        dtype: a float; floatx if None.
        name: of the variable.
        seed: an int (the same numbers each time), or None.

    Returns:
        A Variable.

    Raises:
        ValueError: for a dtype that is no float.

    >>> random_uniform_variable((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return Variable(random.uniform(shape, low, high, dtype, seed).numpy(), name=name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: Any = None, seed: Any = None
) -> Variable:
    """A Variable that starts with normally distributed numbers.

    Args:
        shape: that of the result.
        mean: of the numbers.
        scale: their deviation.
        dtype: a float; floatx if None.
        name: of the variable.
        seed: an int (the same numbers each time), or None.

    Returns:
        A Variable.

    Raises:
        ValueError: for a dtype that is no float.

    >>> random_normal_variable((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return Variable(random.normal(shape, mean, scale, dtype, seed).numpy(), name=name)


# ---------------------------------------------------------------- values


def eval(x: Any) -> Any:
    """The value of a tensor over what the variables behind it are now.

    (`x.numpy()` is what it was when it was made.)

    Args:
        x: a tensor of any shape and dtype, or sizes.

    Returns:
        An array; without axes one of NumPy's numbers.

    Raises:
        ValueError: if x depends on placeholders: use `function`.

    >>> float(eval(constant(2.0) * 3))
    6.0
    """
    (value,) = evaluate([ops.convert_to_tensor(as_values(x))])
    return np.array(value)[()]


def get_value(x: Any) -> Any:
    """The value of a variable.

    Args:
        x: a variable, or another tensor that has a value.

    Returns:
        An array of its shape and dtype; without axes one of NumPy's numbers.

    Raises:
        ValueError: if x depends on placeholders: use `function`.

    >>> float(get_value(Variable(3.0)))
    3.0
    """
    return ops.convert_to_numpy(x)[()]


def set_value(x: Variable, value: Any) -> None:
    """Changes the value of a variable.

    Args:
        x: a variable.
        value: an array of its shape, a sparse matrix, or a number for a scalar.

    Raises:
        TypeError: if x is no variable.
        ValueError: if the shapes differ.

    >>> v = Variable(1.0)
    >>> set_value(v, 2.0)
    >>> float(v)
    2.0
    """
    if not isinstance(x, Variable):
        raise TypeError(f"x must be a variable, but is {x!r}.")
    x.set_value(dense(value))


def batch_get_value(ops: Iterable[Any]) -> list[np.ndarray]:
    """The values of several variables.

    Args:
        ops: a list of variables.

    Returns:
        A list of arrays of their shapes and dtypes.

    Raises:
        ValueError: if one depends on placeholders.

    >>> [float(x) for x in batch_get_value([Variable(1.0), Variable(2.0)])]
    [1.0, 2.0]
    """
    return [get_value(x) for x in ops]


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Changes several variables, given as (variable, value) pairs.

    Args:
        tuples: pairs of a variable and an array of its shape.

    Raises:
        ValueError: if the shapes of a pair differ.

    >>> v = Variable(1.0)
    >>> batch_set_value([(v, 2.0)])
    >>> float(v)
    2.0
    """
    for x, value in tuples:
        set_value(x, value)
