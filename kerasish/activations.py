"""Activations: functions of one tensor, element by element or along one axis."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.ops import (
    elu,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu6,
    selu,
    silu,
    softmax,
    softsign,
)
from kerasish.saving.serialization import Registry


def linear(x: Any) -> Tensor:
    """x itself."""
    return ops.convert_to_tensor(x)


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    alpha: float | None = None,
) -> Tensor:
    """max(x, 0), and its variants.

    Args:
        x: a tensor.
        negative_slope: below the threshold the result is negative_slope * (x - threshold).
        max_value: the largest result, unbounded if None.
        threshold: where x counts as large enough.
        alpha: Keras 2's name of negative_slope.

    Source: Nair & Hinton, 2010, https://www.cs.toronto.edu/~hinton/absps/reluICML.pdf

    >>> relu([-1.0, 3.0, 9.0], max_value=6).numpy()
    array([0., 3., 6.], dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    slope = negative_slope if alpha is None else alpha
    if not threshold:
        y = ops.leaky_relu(x, slope) if slope else ops.relu(x)
    else:
        # Of what a threshold below 0 lets through, a largest result cuts off what is below 0.
        above = x if max_value is None else ops.maximum(x, 0.0)
        y = ops.where(x > threshold, above, slope * (x - threshold))
    return y if max_value is None else ops.minimum(y, max_value)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x times the normal distribution function of x (Hendrycks & Gimpel, arXiv:1606.08415)."""
    return ops.gelu(x, approximate=approximate)


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent."""
    return ops.tanh(x)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


def softplus(x: Any) -> Tensor:
    """log(1 + exp(x))."""
    return ops.softplus(x)


def exponential(x: Any) -> Tensor:
    """exp(x)."""
    return ops.exp(x)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x / alpha) - 1) below 0 (Barron, 2017, arXiv:1704.07483)."""
    return ops.maximum(x, 0.0) + alpha * ops.expm1(ops.minimum(x, 0.0) / alpha)


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half along `axis` times the sigmoid of the second (arXiv:1612.08083)."""
    first, second = ops.split(x, 2, axis)
    return first * ops.sigmoid(second)


def hard_silu(x: Any) -> Tensor:
    """x * hard_sigmoid(x) (Howard et al., 2019, arXiv:1905.02244)."""
    return x * ops.hard_sigmoid(x)


def keras2_hard_sigmoid(x: Any) -> Tensor:
    """clip(0.2 x + 0.5, 0, 1): what Keras 1 and 2 call hard_sigmoid, and their files mean by it.

    Args:
        x: a float tensor of any shape.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        TypeError: for what holds no numbers.

    >>> keras2_hard_sigmoid([-3.0, 0.0, 1.0]).numpy()
    array([0. , 0.5, 0.7], dtype=float32)
    """
    return ops.clip(0.2 * ops.convert_to_tensor(x) + 0.5, 0.0, 1.0)


def hard_tanh(x: Any) -> Tensor:
    """x, kept within -1 and 1."""
    return ops.clip(x, -1.0, 1.0)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x, but 0 within `threshold` of 0."""
    x = ops.convert_to_tensor(x)
    return ops.where(ops.abs(x) > threshold, x, 0.0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by `threshold`, but not past it."""
    x = ops.convert_to_tensor(x)
    return ops.sign(x) * ops.maximum(ops.abs(x) - threshold, 0.0)


def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    return ops.subtract(x, ops.tanh(x))


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where it is above `threshold`, else `default_value`."""
    x = ops.convert_to_tensor(x)
    return ops.where(x > threshold, x, default_value)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2 (Barron, 2021, arXiv:2112.11687)."""
    return ops.add(x, ops.sqrt(ops.square(x) + b)) / 2


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x."""
    x = ops.convert_to_tensor(x)
    return ops.where(x <= -1, 0.0, ops.where(x < 1, ops.square(x + 1) / 4, x))


def sparse_sigmoid(x: Any) -> Tensor:
    """A straight line from 0 at -1 to 1 at 1."""
    return ops.clip(ops.add(x, 1.0) / 2, 0.0, 1.0)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The probabilities nearest to x: like softmax, but small ones are 0.

    Source: Martins & Astudillo, 2016, arXiv:1602.02068

    Args:
        x: a tensor.
        axis: along which the results sum up to 1.

    >>> sparsemax([[2.0, 1.5, -1.0]]).numpy()
    array([[0.75, 0.25, 0.  ]], dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    rising = ops.stop_gradient(ops.sort(x, axis=axis))
    largest = ops.flip(rising, axis=axis)
    count = ops.cumsum(ops.ones_like(largest), axis=axis)
    kept = 1.0 + count * largest > ops.cumsum(largest, axis=axis)
    least = ops.min(ops.where(kept, largest, math.inf), axis=axis, keepdims=True)
    support = ops.cast(x >= least, x.dtype)
    threshold = ops.sum(x * support, axis=axis, keepdims=True) - 1.0
    threshold = threshold / ops.sum(support, axis=axis, keepdims=True)
    return ops.maximum(x - threshold, 0.0)


registry = Registry(
    "activation",
    [
        celu,
        elu,
        exponential,
        gelu,
        glu,
        hard_shrink,
        hard_sigmoid,
        hard_silu,
        hard_tanh,
        keras2_hard_sigmoid,
        leaky_relu,
        linear,
        log_sigmoid,
        log_softmax,
        mish,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        soft_shrink,
        softmax,
        softplus,
        softsign,
        sparse_plus,
        sparse_sigmoid,
        sparsemax,
        squareplus,
        tanh,
        tanh_shrink,
        threshold,
    ],
    {"swish": "silu", "hard_swish": "hard_silu"},
)
swish = silu
hard_swish = hard_silu


def get(identifier: Any) -> Any:
    """The activation that a name, config or function stands for; `linear` for None.

    >>> get("relu") is relu
    True
    """
    return linear if identifier is None else registry.get(identifier)


serialize = registry.serialize
deserialize = registry.deserialize
