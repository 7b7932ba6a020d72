"""Activations, cross entropies and normalisations, composed from the other operations."""

from __future__ import annotations

import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor, composite
from kerasish.graph.shapes import canonical_axis
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, one_hot, split, squeeze
from kerasish.ops.elementwise import (
    abs,
    cast,
    clip,
    erf,
    exp,
    expm1,
    log,
    maximum,
    minimum,
    promoted,
    relu,
    rsqrt,
    sigmoid,
    softplus,
    sqrt,
    square,
    stop_gradient,
    tanh,
    where,
)
from kerasish.ops.reduce import max, mean, sum


def _float(x: Any) -> Tensor:
    return promoted(x, to=dtypes.floating)[0]


# --- activations -------------------------------------------------------------------------


@composite
def softmax_p(x: Tensor, *, axis: int) -> Tensor:
    e = exp(x - stop_gradient(max(x, axis=axis, keepdims=True)))
    return e / sum(e, axis=axis, keepdims=True)


@softmax_p.vjp
def _(g, x, *, axis):
    y = softmax_p(x, axis=axis)
    return y * (g - sum(g * y, axis=axis, keepdims=True))


@composite
def log_softmax_p(x: Tensor, *, axis: int) -> Tensor:
    shifted = x - stop_gradient(max(x, axis=axis, keepdims=True))
    return shifted - log(sum(exp(shifted), axis=axis, keepdims=True))


@log_softmax_p.vjp
def _(g, x, *, axis):
    return g - softmax_p(x, axis=axis) * sum(g, axis=axis, keepdims=True)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """exp(x) over its sum along `axis`: positive numbers that add up to 1.

    >>> softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    x = _float(x)
    return softmax_p(x, axis=canonical_axis(axis, x.rank))


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """log(softmax(x)), computed without overflow."""
    x = _float(x)
    return log_softmax_p(x, axis=canonical_axis(axis, x.rank))


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) below 0 (Clevert et al., 2015, arXiv:1511.07289)."""
    x = _float(x)
    # The exponent is kept below 0, so that the branch not taken gives no infinite gradient.
    return where(x > 0, x, alpha * (exp(minimum(x, 0)) - 1))


def selu(x: Any) -> Tensor:
    """Scaled ELU, which keeps mean and variance (Klambauer et al., 2017, arXiv:1706.02515)."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x, or negative_slope * x below 0."""
    x = _float(x)
    return where(x > 0, x, x * negative_slope)


def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6)."""
    return minimum(relu(x), 6)


def silu(x: Any) -> Tensor:
    """x * sigmoid(x), also called swish (Ramachandran et al., 2017, arXiv:1710.05941)."""
    x = _float(x)
    return x * sigmoid(x)


swish = silu


def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x times the normal distribution function of x (Hendrycks & Gimpel, arXiv:1606.08415)."""
    x = _float(x)
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * square(x))
        return 0.5 * x * (1 + tanh(inner))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    x = _float(x)
    return x / (1 + abs(x))


def hard_sigmoid(x: Any) -> Tensor:
    """A straight line from 0 at -3 to 1 at 3: clip(x / 6 + 0.5, 0, 1)."""
    return clip(_float(x) / 6 + 0.5, 0, 1)


def mish(x: Any) -> Tensor:
    """x * tanh(softplus(x)) (Misra, 2019, arXiv:1908.08681)."""
    x = _float(x)
    return x * tanh(softplus(x))


def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)), computed without overflow."""
    return -softplus(-_float(x))


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x / alpha) - 1) below 0 (Barron, 2017, arXiv:1704.07483)."""
    x = _float(x)
    return maximum(x, 0) + alpha * expm1(minimum(x, 0) / alpha)


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half of x along `axis`, each element let through by sigmoid(second half).

    Raises ValueError if the axis has no two halves. Source: Dauphin et al., 2016,
    arXiv:1612.08083.
    """
    x = _float(x)
    axis = canonical_axis(axis, x.rank)
    size = x.shape[axis]
    if size is None or size % 2:
        raise ValueError(f"glu: axis {axis} must have a known, even size, but it is {size}.")
    value, gate = split(x, 2, axis)
    return value * sigmoid(gate)


def hard_silu(x: Any) -> Tensor:
    """x * hard_sigmoid(x), also called hard swish (Howard et al., 2019, arXiv:1905.02244)."""
    x = _float(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def hard_tanh(x: Any) -> Tensor:
    """x, kept within -1 and 1."""
    return clip(_float(x), -1, 1)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x, but 0 where |x| is not above the threshold.

    >>> hard_shrink([-1.0, 0.2, 0.7]).numpy()
    array([-1. ,  0. ,  0.7], dtype=float32)
    """
    x = _float(x)
    return where(abs(x) > threshold, x, 0.0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by the threshold; 0 where it would cross 0."""
    x = as_tensor(x)
    return where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0))


def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = _float(x)
    return x - tanh(x)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where it is above the threshold, `default_value` elsewhere.

    >>> threshold([1.0, 5.0], 2, -1).numpy()
    array([-1.,  5.], dtype=float32)
    """
    x = as_tensor(x)
    return where(x > threshold, x, default_value)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2, a smooth relu (Barron, 2021, arXiv:2112.11687)."""
    x = _float(x)
    return (x + sqrt(square(x) + b)) / 2


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, x from 1 on, the parabola (x + 1)^2 / 4 between them."""
    x = _float(x)
    return where(x <= -1, 0.0, where(x < 1, square(x + 1) / 4, x))


def sparse_sigmoid(x: Any) -> Tensor:
    """A straight line from 0 at -1 to 1 at 1: clip((x + 1) / 2, 0, 1)."""
    return clip((_float(x) + 1) / 2, 0, 1)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The point of the probability simplex next to x along `axis`; many of its elements are 0.

    Source: Martins & Astudillo, 2016, arXiv:1602.02068.

    >>> sparsemax([1.0, 0.5, -1.0]).numpy()
    array([0.75, 0.25, 0.  ], dtype=float32)
    """
    x = _float(x)
    axis = canonical_axis(axis, x.rank)
    x = x - stop_gradient(max(x, axis=axis, keepdims=True))
    # An element is in the support if those above it lead by less than 1 in total.
    lead = sum(relu(expand_dims(x, axis + 1) - expand_dims(x, axis)), axis=axis)
    support = stop_gradient(cast(lead < 1, x.dtype))
    total = sum(x * support, axis=axis, keepdims=True)
    return relu(x - (total - 1) / sum(support, axis=axis, keepdims=True))


def multi_hot(
    inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None
) -> Tensor:
    """1 at each of the positions that a sample names, else 0.

    Args:
        inputs: ints (batch, count, ...), or (count,) for one sample; numbers that are no
            class name nothing.
        num_classes: how many positions there are.
        axis: where the axis of the classes goes; the count is on axis 1 (or 0) then.
        dtype: of the result; config.floatx() if None.

    >>> multi_hot([[0, 1], [2, 2]], 3).numpy()
    array([[1., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    x = as_tensor(inputs)
    if num_classes is None:
        raise ValueError("multi_hot: num_classes must be given.")
    if x.rank == 0:
        raise ValueError("multi_hot: inputs must have at least one axis, but got a scalar.")
    return max(one_hot(x, num_classes, axis=axis, dtype=dtype), axis=1 if x.rank > 1 else 0)


# --- cross entropies ---------------------------------------------------------------------


@composite
def softmax_cross_entropy_p(labels: Tensor, logits: Tensor) -> Tensor:
    """-sum(labels * log_softmax(logits)) over the last axis."""
    return -sum(labels * log_softmax(logits), axis=-1)


@softmax_cross_entropy_p.vjp
def _(g, labels, logits):
    g = expand_dims(g, -1)
    total = sum(labels, axis=-1, keepdims=True)
    return -g * log_softmax(logits), g * (softmax(logits) * total - labels)


@composite
def sigmoid_cross_entropy_p(labels: Tensor, logits: Tensor) -> Tensor:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits))."""
    return softplus(logits) - logits * labels


@sigmoid_cross_entropy_p.vjp
def _(g, labels, logits):
    return -g * logits, g * (sigmoid(logits) - labels)


def logits_behind(output: Tensor, activation: str) -> Tensor | None:
    """The logits from which `output` was computed by the activation, if it was.

    A loss of probabilities is exact when it is computed from these instead.
    """
    node = output.node
    if node is None or node.primitive.name != activation:
        return None
    last = node.attrs.get("axis", output.rank - 1) == output.rank - 1
    return node.inputs[0] if last else None


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-sum(target * log(output)) along `axis`.

    Args:
        target: probabilities of the classes, the same shape as `output`.
        output: predicted probabilities, which are scaled to sum up to 1, or logits.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)
    """
    output = _float(output)
    target = cast(target, output.dtype)
    axis = canonical_axis(axis, output.rank)
    last = axis == output.rank - 1
    logits = output if from_logits else logits_behind(output, "softmax")
    if logits is not None and last:
        return softmax_cross_entropy_p(target, logits)
    if from_logits:
        return -sum(target * log_softmax(output, axis), axis=axis)
    output = output / sum(output, axis=axis, keepdims=True)
    return -sum(target * log(_clipped(output)), axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log(output) of the target class.

    Args:
        target: class numbers: the shape of `output` without `axis` (or with size 1 there).
        output: predicted probabilities or logits.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.
    """
    output, target = _float(output), as_tensor(target)
    if target.rank == output.rank and target.shape[-1] == 1:
        target = squeeze(target, -1)
    classes = output.shape[axis]
    hot = one_hot(cast(target, "int32"), classes, axis=axis, dtype=output.dtype)
    return categorical_crossentropy(hot, output, from_logits, axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-target * log(output) - (1 - target) * log(1 - output), element by element."""
    output = _float(output)
    target = cast(target, output.dtype)
    logits = output if from_logits else logits_behind(output, "sigmoid")
    if logits is not None:
        return sigmoid_cross_entropy_p(target, logits)
    output = _clipped(output)
    return -(target * log(output) + (1 - target) * log(1 - output))


def _clipped(probabilities: Tensor) -> Tensor:
    """Kept away from 0 and 1, where the logarithm ends."""
    from kerasish import config

    return clip(probabilities, config.epsilon(), 1 - config.epsilon())


# --- normalisation -----------------------------------------------------------------------


def moments(x: Any, axes: Any, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance over `axes`."""
    x = _float(x)
    centre = mean(x, axis=axes, keepdims=True)
    variance = mean(square(x - centre), axis=axes, keepdims=keepdims)
    return (centre if keepdims else mean(x, axis=axes)), variance


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, per channel on `axis`.

    Source: Ioffe & Szegedy, 2015, arXiv:1502.03167.
    """
    from kerasish.ops.array import reshape

    x = as_tensor(x)
    position = canonical_axis(axis, x.rank)
    shape = tuple(-1 if i == position else 1 for i in range(x.rank))
    factor = rsqrt(as_tensor(variance) + epsilon)
    factor = factor if scale is None else factor * scale
    shift = -as_tensor(mean) * factor
    shift = shift if offset is None else shift + offset
    return x * reshape(factor, shape) + reshape(shift, shape)


def l2_normalize(x: Any, axis: Any = -1, epsilon: float = 1e-12) -> Tensor:
    """x over its Euclidean norm along `axis`."""
    x = _float(x)
    return x * rsqrt(maximum(sum(square(x), axis=axis, keepdims=True), epsilon))
