"""Element by element, along axes, products, and random numbers."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

from kerasish import activations, ops
from kerasish.graph.dtypes import standardize
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops import random as _random

# ---------------------------------------------------------------- elements


def identity(x: Any, name: str | None = None) -> Tensor:
    """`x` as a tensor.

    >>> identity([1.0, 2.0]).dtype
    'float32'
    """
    return ops.convert_to_tensor(x)


def equal(x: Any, y: Any) -> Tensor:
    """Where x is y.

    >>> equal([1, 2], [1, 3]).numpy()
    array([ True, False])
    """
    return ops.equal(x, y)


def not_equal(x: Any, y: Any) -> Tensor:
    """Where x is not y.

    >>> not_equal([1, 2], [1, 3]).numpy()
    array([False,  True])
    """
    return ops.not_equal(x, y)


def greater(x: Any, y: Any) -> Tensor:
    """Where x > y.

    >>> greater([1, 2], [2, 1]).numpy()
    array([False,  True])
    """
    return ops.greater(x, y)


def greater_equal(x: Any, y: Any) -> Tensor:
    """Where x >= y.

    >>> greater_equal([1, 2], [1, 3]).numpy()
    array([ True, False])
    """
    return ops.greater_equal(x, y)


def less(x: Any, y: Any) -> Tensor:
    """Where x < y.

    >>> less([1, 2], [2, 1]).numpy()
    array([ True, False])
    """
    return ops.less(x, y)


def less_equal(x: Any, y: Any) -> Tensor:
    """Where x <= y.

    >>> less_equal([1, 2], [1, 1]).numpy()
    array([ True, False])
    """
    return ops.less_equal(x, y)


def maximum(x: Any, y: Any) -> Tensor:
    """The larger of x and y.

    >>> maximum([1, 5], [2, 3]).numpy()
    array([2, 5], dtype=int32)
    """
    return ops.maximum(x, y)


def minimum(x: Any, y: Any) -> Tensor:
    """The smaller of x and y.

    >>> minimum([1, 5], [2, 3]).numpy()
    array([1, 3], dtype=int32)
    """
    return ops.minimum(x, y)


def pow(x: Any, a: Any) -> Tensor:
    """x to the power a.

    >>> pow([1.0, 2.0, 3.0], 2).numpy()
    array([1., 4., 9.], dtype=float32)
    """
    return ops.power(x, a)


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """x kept between two values; None or a maximum below the minimum as in older Keras.

    Args:
        x: a tensor of any shape.
        min_value: the smallest result.
        max_value: the largest one.

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
    """Rectified linear: x above `threshold`, alpha * (x - threshold) below, at most max_value.

    >>> relu([-2.0, 0.5, 9.0], alpha=0.5, max_value=6.0).numpy()
    array([-1. ,  0.5,  6. ], dtype=float32)
    """
    return activations.relu(x, alpha, max_value, threshold)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) below 0.

    >>> elu([0.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    return ops.elu(x, alpha)


# Not `ops.hard_sigmoid`, which is Keras 3's.
hard_sigmoid = activations.keras2_hard_sigmoid


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Tensor:
    """One of two tensors, chosen by `condition`.

    Args:
        condition: a scalar, or an array of the expressions' first axes.
        then_expression: a tensor, or a function without arguments that makes one. Of two
            functions only the one that a scalar chooses is computed.
        else_expression: likewise.

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
            f"K.switch: a condition of shape {format_shape(condition.shape)} has more axes than "
            f"what it chooses from, {format_shape(then.shape)}."
        )
    condition = ops.reshape(condition, (*ops.shape(condition), *(1,) * extra))
    return ops.where(ops.cast(condition, "bool"), then, other)


def in_test_phase(x: Any, alt: Any, training: bool | None = None) -> Tensor:
    """`alt` while training, `x` otherwise.

    >>> float(in_test_phase(1.0, 2.0, training=True))
    2.0
    """
    return in_train_phase(alt, x, training)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Tensor:
    """`x` while training, `alt` otherwise; `learning_phase()` (or None) leaves it open.

    >>> float(in_train_phase(1.0, 2.0, training=True))
    1.0
    """
    if isinstance(training, Tensor):
        return switch(training, x, alt)
    return ops.in_train_phase(x, alt, None if training is None else bool(training))


# ---------------------------------------------------------------- axes


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The index of the largest element along `axis`.

    >>> argmax([[1.0, 3.0], [2.0, 0.0]]).numpy()
    array([1, 0], dtype=int32)
    """
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The index of the smallest element along `axis`.

    >>> argmin([[1.0, 3.0], [2.0, 0.0]]).numpy()
    array([0, 1], dtype=int32)
    """
    return ops.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Tensor:
    """The running sum along `axis`.

    >>> cumsum([1, 2, 3]).numpy()
    array([1, 3, 6], dtype=int32)
    """
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Tensor:
    """The running product along `axis`.

    >>> cumprod([1, 2, 3]).numpy()
    array([1, 2, 6], dtype=int32)
    """
    return ops.cumprod(x, axis)


def l2_normalize(x: Any, axis: Any = None) -> Tensor:
    """x over its Euclidean norm along `axis` (over all elements if None).

    >>> l2_normalize([3.0, 4.0]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    return ops.l2_normalize(x, axis)


def in_top_k(predictions: Any, targets: Any, k: int) -> Tensor:
    """Whether the class `targets` is among the k likeliest of `predictions`, per sample.

    >>> in_top_k([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]], [2, 2], 2).numpy()
    array([ True, False])
    """
    return ops.in_top_k(targets, predictions, k)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Tensor:
    """Evenly spaced numbers.

    Args:
        start: the first number, or the end if `stop` is None.
        stop: the end, which is left out.
        step: the distance.
        dtype: of the result.

    >>> arange(2, 8, 3).numpy()
    array([2, 5], dtype=int32)
    """
    return ops.arange(start, stop, step, dtype)


def unpack(x: Any, axis: int = 0) -> list[Tensor]:
    """The tensors that `stack` would make x of.

    >>> [float(x) for x in unpack([1.0, 2.0])]
    [1.0, 2.0]
    """
    return ops.unstack(x, axis=axis)


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """x with a new axis of size 1.

    >>> expand_dims([1, 2]).shape
    (2, 1)
    """
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """x without an axis of size 1.

    >>> squeeze([[1, 2]], 0).numpy()
    array([1, 2], dtype=int32)
    """
    return ops.squeeze(x, axis)


def reshape(x: Any, shape: Any) -> Tensor:
    """x with another shape; one size may be -1.

    >>> reshape([1, 2, 3, 4], (2, -1)).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    return ops.reshape(x, shape)


def transpose(x: Any) -> Tensor:
    """x with its axes in the opposite order.

    >>> transpose([[1, 2], [3, 4]]).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    return ops.transpose(x)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """x with its axes in the order of `pattern`.

    >>> permute_dimensions(np.ones((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return ops.transpose(x, pattern)


def reverse(x: Any, axes: Any) -> Tensor:
    """x with the order along `axes` reversed.

    >>> reverse([1, 2, 3], 0).numpy()
    array([3, 2, 1], dtype=int32)
    """
    return ops.flip(x, axes)


def flatten(x: Any) -> Tensor:
    """x with all its axes made one.

    >>> flatten([[1, 2], [3, 4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Tensor:
    """x with all axes but the first made one.

    >>> batch_flatten([[[1, 2], [3, 4]]]).numpy()
    array([[1, 2, 3, 4]], dtype=int32)
    """
    return ops.reshape(x, (ops.shape(x)[0], -1))


def tile(x: Any, n: Any) -> Tensor:
    """x repeated `n` times along its axes: an int per axis, or one for a vector.

    >>> tile([1, 2], 2).numpy()
    array([1, 2, 1, 2], dtype=int32)
    """
    return ops.tile(x, n)


def repeat(x: Any, n: int) -> Tensor:
    """(samples, features) -> (samples, n, features).

    >>> repeat([[1, 2]], 2).numpy()
    array([[[1, 2],
            [1, 2]]], dtype=int32)
    """
    if ops.ndim(x) != 2:
        raise ValueError(f"K.repeat takes (samples, features), but got a tensor of {x!r:.100}.")
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element `rep` times in a row along `axis`.

    >>> repeat_elements([1, 2], 2, 0).numpy()
    array([1, 1, 2, 2], dtype=int32)
    """
    return ops.repeat(x, rep, axis)


def slice(x: Any, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """A block of `size` elements per axis that begins at `start`; a size of -1 goes to the end.

    >>> slice([1, 2, 3, 4], [1], [2]).numpy()
    array([2, 3], dtype=int32)
    """
    ends = (None if n == -1 else i + n for i, n in zip(start, size, strict=True))
    block = (builtins.slice(i, end) for i, end in zip(start, ends, strict=True))
    return ops.convert_to_tensor(x)[tuple(block)]


def gather(reference: Any, indices: Any) -> Tensor:
    """The rows of `reference` at `indices`.

    >>> gather([10, 20, 30], [2, 0]).numpy()
    array([30, 10], dtype=int32)
    """
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Rows with a 1 at the index.

    Args:
        indices: ints of any shape.
        num_classes: the size of the new last axis.

    >>> one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    return ops.one_hot(indices, num_classes)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of x.

    >>> zeros_like([1.0, 2.0]).numpy()
    array([0., 0.], dtype=float32)
    """
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of x.

    >>> ones_like([1.0, 2.0]).numpy()
    array([1., 1.], dtype=float32)
    """
    return ops.ones_like(x, dtype)


# ---------------------------------------------------------------- products


def dot(x: Any, y: Any) -> Tensor:
    """The last axis of x with the second-to-last of y, as NumPy's `dot`.

    >>> import numpy as np
    >>> dot(np.ones((2, 3)), np.ones((4, 3, 5))).shape
    (2, 4, 5)
    """
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Tensor:
    """The products of x and y, sample by sample, summed over one axis of each.

    Args:
        x: of at least two axes, the first being that of the samples.
        y: likewise.
        axes: an axis of both, or an axis of x and one of y. If None the last axis of x, and of y
            the second-to-last, or the last if it has only two.

    Returns:
        The samples, the other axes of x, the other axes of y; (samples, 1) if there are none.

    Raises:
        ValueError: for an axis that is not there, the axis of the samples, or sizes that differ.

    >>> import numpy as np
    >>> batch_dot(np.ones((8, 20, 3)), np.ones((8, 30, 20)), axes=(1, 2)).shape
    (8, 3, 30)
    """
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    a, b = _batch_dot_axes(x, y, axes)
    free_x = [i for i in range(1, x.ndim) if i != a]
    free_y = [i for i in range(1, y.ndim) if i != b]
    sizes_x, sizes_y = ops.shape(x), ops.shape(y)
    rest_x, rest_y = [sizes_x[i] for i in free_x], [sizes_y[i] for i in free_y]
    rows = ops.reshape(
        ops.transpose(x, (0, *free_x, a)), (sizes_x[0], math.prod(rest_x), sizes_x[a])
    )
    columns = ops.reshape(
        ops.transpose(y, (0, b, *free_y)), (sizes_y[0], sizes_y[b], math.prod(rest_y))
    )
    return ops.reshape(ops.matmul(rows, columns), (sizes_x[0], *(rest_x + rest_y or [1])))


def _batch_dot_axes(x: Tensor, y: Tensor, axes: Any) -> tuple[int, int]:
    shapes = f"x {format_shape(x.shape)} and y {format_shape(y.shape)}"
    if builtins.min(x.ndim, y.ndim) < 2:
        raise ValueError(f"K.batch_dot: x and y need at least two axes, but got {shapes}.")
    if axes is None:
        axes = x.ndim - 1, (1 if y.ndim == 2 else y.ndim - 2)
    pair = tuple(axes) if isinstance(axes, (list, tuple)) else (axes, axes)
    if len(pair) != 2 or not builtins.all(isinstance(a, int) for a in pair):
        raise ValueError(f"K.batch_dot: axes must be an int or two of them, but got {axes!r}.")
    limits = list(zip(pair, (x.ndim, y.ndim), strict=True))
    if not builtins.all(-rank <= a < rank and a % rank for a, rank in limits):
        raise ValueError(
            f"K.batch_dot: axes must name an axis of x and one of y, but not the first, which is "
            f"that of the samples. Got axes={axes!r} for {shapes}."
        )
    a, b = (axis % rank for axis, rank in limits)
    for left, right in ((x.shape[0], y.shape[0]), (x.shape[a], y.shape[b])):
        if None not in (left, right) and left != right:
            raise ValueError(
                f"K.batch_dot: sizes {left} and {right} must be equal, for {shapes} with "
                f"axes {(a, b)}."
            )
    return a, b


# ---------------------------------------------------------------- random numbers


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """x with the share `level` of its elements set to 0, the others scaled up.

    Args:
        x: a float tensor.
        level: the share to drop.
        noise_shape: the shape of what is drawn, 1 where it is shared; x's if None.
        seed: an int (the same numbers each time), or None.

    Raises:
        ValueError: if level is not from 0 to 1.

    >>> np.unique(dropout(np.ones(100, "float32"), 0.5, seed=1))
    array([0., 2.], dtype=float32)
    """
    return _random.dropout(x, level, noise_shape, seed)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers.

    Args:
        shape: that of the result.
        mean: of the numbers.
        stddev: their deviation.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    >>> random_normal((2, 3), seed=1).shape
    (2, 3)
    """
    return _random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Uniformly distributed numbers.

    Args:
        shape: that of the result.
        minval: the lower bound.
        maxval: the upper bound.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    >>> random_uniform((2, 3), 0.0, 1.0, seed=1).shape
    (2, 3)
    """
    return _random.uniform(shape, minval, maxval, dtype, seed)


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """1 with probability `p`, else 0.

    Args:
        shape: that of the result.
        p: the probability of 1.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    >>> np.unique(random_binomial((100,), 0.5, seed=1))
    array([0., 1.], dtype=float32)
    """
    drawn = _random.uniform(shape, dtype="float32", seed=seed)
    return ops.cast(drawn < p, standardize(dtype))


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed numbers, none farther from the mean than two deviations.

    Args:
        shape: that of the result.
        mean: of the numbers.
        stddev: their deviation before the cut.
        dtype: a float; floatx if None.
        seed: an int (the same numbers each time), or None.

    >>> bool(np.max(np.abs(truncated_normal((100,), seed=1))) <= 2)
    True
    """
    # A uniform number between the probabilities of -2 and 2, turned into the number it belongs to.
    inside = math.erf(2 / math.sqrt(2))
    drawn = _random.uniform(shape, -inside, inside, dtype, seed)
    return ops.erfinv(drawn) * math.sqrt(2) * stddev + mean
