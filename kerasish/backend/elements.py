"""Element by element; and choices between tensors."""

from __future__ import annotations

import builtins
import math
from typing import Any

from kerasish import activations, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor

# ---------------------------------------------------------------- elements


def identity(x: Any, name: str | None = None) -> Tensor:
    """`x` as a tensor.

    Args:
        x: a tensor, an array or numbers, of any shape and dtype.
        name: accepted from older programs.

    Returns:
        A tensor of the same values, shape and dtype.

    Raises:
        TypeError: for what holds no numbers.

    >>> identity([1.0, 2.0]).dtype
    'float32'
    """
    return ops.convert_to_tensor(x)


def equal(x: Any, y: Any) -> Tensor:
    """Where x is y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A bool tensor of the common shape.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> equal([1, 2], [1, 3]).numpy()
    array([ True, False])
    """
    return ops.equal(x, y)


def not_equal(x: Any, y: Any) -> Tensor:
    """Where x is not y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A bool tensor of the common shape.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> not_equal([1, 2], [1, 3]).numpy()
    array([False,  True])
    """
    return ops.not_equal(x, y)


def greater(x: Any, y: Any) -> Tensor:
    """Where x > y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A bool tensor of the common shape.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> greater([1, 2], [2, 1]).numpy()
    array([False,  True])
    """
    return ops.greater(x, y)


def greater_equal(x: Any, y: Any) -> Tensor:
    """Where x >= y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A bool tensor of the common shape.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> greater_equal([1, 2], [1, 3]).numpy()
    array([ True, False])
    """
    return ops.greater_equal(x, y)


def less(x: Any, y: Any) -> Tensor:
    """Where x < y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A bool tensor of the common shape.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> less([1, 2], [2, 1]).numpy()
    array([ True, False])
    """
    return ops.less(x, y)


def less_equal(x: Any, y: Any) -> Tensor:
    """Where x <= y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A bool tensor of the common shape.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> less_equal([1, 2], [1, 1]).numpy()
    array([ True, False])
    """
    return ops.less_equal(x, y)


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of x and y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A tensor of the common shape and dtype.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> maximum([1, 5], [2, 3]).numpy()
    array([2, 5], dtype=int32)
    """
    return ops.maximum(x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of x and y.

    Args:
        x: a tensor of any shape and dtype.
        y: another, of a shape that broadcasts with that of x.

    Returns:
        A tensor of the common shape and dtype.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> minimum([1, 5], [2, 3]).numpy()
    array([1, 3], dtype=int32)
    """
    return ops.minimum(x, y)


def sqrt(x: Any) -> Tensor:
    """The square root; of numbers below 0 it is 0.

    Args:
        x: a float tensor of any shape.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> sqrt([4.0, 0.0, -1.0]).numpy()
    array([2., 0., 0.], dtype=float32)
    """
    return ops.sqrt(ops.maximum(x, 0))


def pow(x: Any, a: Any) -> Tensor:
    """x to the power a.

    Args:
        x: a tensor of any shape, of numbers.
        a: a number; or a tensor of a shape that broadcasts with that of x.

    Returns:
        A tensor of the common shape and dtype: that of x for a Python int.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> pow([1.0, 2.0, 3.0], 2).numpy()
    array([1., 4., 9.], dtype=float32)
    """
    return ops.power(x, a)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """x kept between two values; a maximum below the minimum is taken as the minimum.

    Args:
        x: a tensor of any shape, of numbers.
        min_value: the smallest result; None if there is no such bound.
        max_value: the largest one; None likewise.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if the bounds are tensors whose shapes do not fit x.

    >>> clip([-2.0, 0.5, 2.0], -1, 1).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    low = -math.inf if min_value is None else min_value
    high = math.inf if max_value is None else max_value
    numbers = builtins.all(isinstance(bound, (int, float)) for bound in (low, high))
    return ops.clip(x, low, builtins.max(low, high) if numbers else high)


def relu(
    x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """Rectified linear: x from `threshold` on, alpha * (x - threshold) below, at most max_value.

    Args:
        x: a tensor of any shape.
        alpha: the slope below the threshold.
        max_value: the largest result; None if there is no such bound.
        threshold: where x begins to pass.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> relu([-2.0, 0.5, 9.0], alpha=0.5, max_value=6.0).numpy()
    array([-1. ,  0.5,  6. ], dtype=float32)
    """
    return activations.relu(x, alpha, max_value, threshold)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) below 0.

    Args:
        x: a float tensor of any shape.
        alpha: minus the limit far below 0.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> elu([0.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    return ops.elu(x, alpha)


# Not `ops.hard_sigmoid`, which is Keras 3's. The very function, which has a name in files.
hard_sigmoid = activations.keras2_hard_sigmoid


# ---------------------------------------------------------------- choices


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Tensor:
    """One of two tensors, chosen by `condition`.

    Args:
        condition: of any dtype, 0 meaning no: a scalar, or an array of the expressions' first
            axes.
        then_expression: a tensor, or a function without arguments that makes one. Of two
            functions only the one that a scalar chooses is computed.
        else_expression: likewise.

    Returns:
        A tensor of the shape and dtype of the expressions.

    Raises:
        ValueError: if the condition has more axes than the expressions.

    >>> switch([True, False], [[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]).numpy()
    array([[1., 2.],
           [0., 0.]], dtype=float32)
    """
    condition = ops.convert_to_tensor(condition)
    expressions = then_expression, else_expression
    if not condition.ndim and builtins.all(callable(e) for e in expressions):
        return ops.cond(ops.cast(condition, "bool"), then_expression, else_expression)
    then, other = (ops.convert_to_tensor(e() if callable(e) else e) for e in expressions)
    extra = then.ndim - condition.ndim
    if extra < 0:
        raise ValueError(
            f"A condition of shape {format_shape(condition.shape)} has more axes than "
            f"what it chooses from, {format_shape(then.shape)}."
        )
    condition = ops.reshape(condition, (*ops.shape(condition), *(1,) * extra))
    return ops.where(ops.cast(condition, "bool"), then, other)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Tensor:
    """`alt` while training, `x` otherwise.

    Args:
        x: a tensor, or a function without arguments that makes one.
        alt: likewise, of the same shape and dtype.
        training: whether it is training: a bool, or 0 or 1, or a scalar tensor; None (or
            `learning_phase()`) leaves it to what is run.

    Returns:
        A tensor of the shape and dtype of both.

    Raises:
        ValueError: if the shapes differ.

    >>> float(in_test_phase(1.0, 2.0, training=True))
    2.0
    """
    return in_train_phase(alt, x, training)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Tensor:
    """`x` while training, `alt` otherwise.

    Args:
        x: a tensor, or a function without arguments that makes one.
        alt: likewise, of the same shape and dtype.
        training: whether it is training: a bool, or 0 or 1, or a scalar tensor; None (or
            `learning_phase()`) leaves it to what is run.

    Returns:
        A tensor of the shape and dtype of both.

    Raises:
        ValueError: if the shapes differ.

    >>> float(in_train_phase(1.0, 2.0, training=True))
    1.0
    """
    if isinstance(training, Tensor):
        return switch(training, x, alt)
    return ops.in_train_phase(x, alt, None if training is None else bool(training))
