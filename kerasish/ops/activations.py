"""Activations: functions between the layers of a network."""

from __future__ import annotations

import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.primitive import Primitive, as_tensor, composite
from kerasish.graph.shapes import canonical_axes, canonical_axis
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, reshape, shape, transpose
from kerasish.ops.binary import clip, minimum, where
from kerasish.ops.elementwise import (
    abs,
    erf,
    exp,
    expm1,
    log,
    relu,
    sigmoid,
    softplus,
    sqrt,
    square,
    stop_gradient,
    tanh,
)
from kerasish.ops.joining import split
from kerasish.ops.matrices import matmul_p
from kerasish.ops.promotion import as_float, cast, plain, widened
from kerasish.ops.reduce import max, sum


@composite
def softmax_p(x: Tensor, *, axis: int) -> Tensor:
    if x.shape[axis] == 0:
        return x
    wide = widened(x)
    e = exp(wide - stop_gradient(max(wide, axis=axis, keepdims=True)))
    return cast(e / sum(e, axis=axis, keepdims=True), x.dtype)


@softmax_p.vjp
def _(g, x, *, axis):
    y = softmax_p(x, axis=axis)
    return cast(widened(y) * (widened(g) - _inner(g, y, axis)), x.dtype)


def _inner(g: Tensor, y: Tensor, axis: int) -> Tensor:
    """The sum of g * y along an axis, in 32 bits at least.

    Where attention follows, y @ values, g is `gradient @ values^T`. The sum is then that of
    gradient * (y @ values), in shorter rows, and that product is there already (Dao et al., 2022,
    FlashAttention, arXiv:2205.14135, appendix B.2).
    """
    node = g.node
    if node is not None and node.primitive is matmul_p and axis == y.rank - 1:
        gradient, values = node.inputs
        turned = node.attrs["transpose_b"] and not node.attrs["transpose_a"]
        if turned and (values.shape[-1] or math.inf) < (y.shape[-1] or math.inf):
            output = matmul_p(y, values, transpose_a=False, transpose_b=False)
            return sum(widened(gradient) * widened(output), axis=-1, keepdims=True)
    return sum(widened(g) * widened(y), axis=axis, keepdims=True)


@composite
def log_softmax_p(x: Tensor, *, axis: int) -> Tensor:
    if x.shape[axis] == 0:
        return x
    wide = widened(x)
    shifted = wide - stop_gradient(max(wide, axis=axis, keepdims=True))
    return cast(shifted - log(sum(exp(shifted), axis=axis, keepdims=True)), x.dtype)


@log_softmax_p.vjp
def _(g, x, *, axis):
    wide = widened(g)
    total = sum(wide, axis=axis, keepdims=True)
    return cast(wide - softmax_p(widened(x), axis=axis) * total, x.dtype)


def _over_axes(p: Primitive, x: Any, axis: Any) -> Tensor:
    """A primitive of one axis over one or, as one, several (None: all)."""
    x = as_float(x)
    if axis is None and x.rank == 0:
        return reshape(p(expand_dims(x, 0), axis=0), ())
    axes = canonical_axes(axis, x.rank)
    if not axes:
        raise ValueError(f"{p.name}: axis must name one axis at least, but is {axis!r}.")
    if len(axes) == 1:
        return p(x, axis=axes[0])
    order = [i for i in range(x.rank) if i not in axes] + list(axes)
    moved = transpose(x, order)
    y = p(reshape(moved, (*shape(moved)[: -len(axes)], -1)), axis=x.rank - len(axes))
    return transpose(reshape(y, shape(moved)), [order.index(i) for i in range(x.rank)])


def softmax(x: Any, axis: Any = -1) -> Tensor:
    """exp(x) over its sum along `axis`: positive numbers that add up to 1.

    Args:
        x: a tensor; ints and booleans become floats.
        axis: the axis, or several over which together the numbers add up to 1; None means all.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis, or `axis` names none.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    return _over_axes(softmax_p, x, axis)


def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """log(softmax(x)), computed without overflow.

    Args:
        x: a tensor; ints and booleans become floats.
        axis: the axis, or several that count as one; None means all.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis, or `axis` names none.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(log_softmax([0.0, 0.0]), 3)
    array([-0.693, -0.693], dtype=float32)
    """
    return _over_axes(log_softmax_p, x, axis)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x) - 1) below 0 (Clevert et al., 2015, arXiv:1511.07289).

    Args:
        x: a tensor of any shape; ints and booleans become floats.
        alpha: minus the limit far below 0.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or alpha no number.

    >>> np.round(elu([-1.0, 2.0]), 3)
    array([-0.632,  2.   ], dtype=float32)
    """
    x = as_float(x)
    positive = x > 0
    # The branch not taken sees 0, so that it gives no infinite gradient.
    return where(positive, x, plain(alpha) * expm1(where(positive, 0, x)))


def selu(x: Any) -> Tensor:
    """Scaled ELU, which keeps mean and variance (Klambauer et al., 2017, arXiv:1706.02515).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(selu([-1.0, 2.0]), 3)
    array([-1.111,  2.101], dtype=float32)
    """
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x, or negative_slope * x below 0.

    Args:
        x: a tensor of any shape; ints and booleans become floats.
        negative_slope: the slope below 0.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or negative_slope is no
            number.

    >>> np.round(leaky_relu([-1.0, 2.0]), 3)
    array([-0.2,  2. ], dtype=float32)
    """
    x = as_float(x)
    return where(x > 0, x, x * plain(negative_slope))


def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6).

    Args:
        x: a tensor of any shape; ints stay ints.

    Returns:
        A tensor of the shape and dtype of x, but int32 for booleans.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(relu6([-1.0, 2.0]), 3)
    array([0., 2.], dtype=float32)
    """
    return minimum(relu(x), 6)


def silu(x: Any) -> Tensor:
    """x * sigmoid(x), also called swish (Ramachandran et al., 2017, arXiv:1710.05941).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(silu([-1.0, 2.0]), 3)
    array([-0.269,  1.762], dtype=float32)
    """
    x = as_float(x)
    return x * sigmoid(x)


swish = silu


def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x times the normal distribution function of x (Hendrycks & Gimpel, arXiv:1606.08415).

    Args:
        x: a tensor of any shape; ints and booleans become floats.
        approximate: whether tanh stands in for the normal distribution function.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(gelu([-1.0, 2.0]), 3)
    array([-0.159,  1.955], dtype=float32)
    """
    x = as_float(x)
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * square(x))
        return 0.5 * x * (1 + tanh(inner))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


def softsign(x: Any) -> Tensor:
    """x / (1 + |x|).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: for what holds no numbers.

    >>> np.round(softsign([-1.0, 2.0]), 3)
    array([-0.5  ,  0.667], dtype=float32)
    """
    x = as_float(x)
    return x / (1 + abs(x))


def hard_sigmoid(x: Any) -> Tensor:
    """A straight line from 0 at -3 to 1 at 3: clip(x / 6 + 0.5, 0, 1).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(hard_sigmoid([-1.0, 2.0]), 3)
    array([0.333, 0.833], dtype=float32)
    """
    return clip(as_float(x) / 6 + 0.5, 0, 1)


def mish(x: Any) -> Tensor:
    """x * tanh(softplus(x)) (Misra, 2019, arXiv:1908.08681).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(mish([-1.0, 2.0]), 3)
    array([-0.303,  1.944], dtype=float32)
    """
    x = as_float(x)
    return x * tanh(softplus(x))


def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)), computed without overflow.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(log_sigmoid([-1.0, 2.0]), 3)
    array([-1.313, -0.127], dtype=float32)
    """
    return -softplus(-as_float(x))


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, or alpha * (exp(x / alpha) - 1) below 0 (Barron, 2017, arXiv:1704.07483).

    Args:
        x: a tensor of any shape; ints and booleans become floats.
        alpha: minus the limit far below 0.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or alpha no number.

    >>> np.round(celu([-1.0, 2.0]), 3)
    array([-0.632,  2.   ], dtype=float32)
    """
    x, alpha = as_float(x), plain(alpha)
    positive = x > 0
    return where(positive, x, alpha * expm1(where(positive, 0, x) / alpha))


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half of x along `axis`, each element let through by sigmoid(second half).

    Source: Dauphin et al., 2016, arXiv:1612.08083.

    Args:
        x: a tensor; ints and booleans become floats.
        axis: the axis, whose size must be even.

    Returns:
        A tensor of the shape of x with half the size along `axis`, and of the dtype of x if that
        is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis, or its size is odd.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> glu([1.0, 0.0]).numpy()
    array([0.5], dtype=float32)
    """
    x = as_float(x)
    axis = canonical_axis(axis, x.rank)
    size = x.shape[axis]
    if size is not None and size % 2:
        raise ValueError(f"glu: axis {axis} must have an even size, but it is {size}.")
    value, gate = split(x, 2, axis)
    return value * sigmoid(gate)


def hard_silu(x: Any) -> Tensor:
    """x * hard_sigmoid(x), also called hard swish (Howard et al., 2019, arXiv:1905.02244).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(hard_silu([-1.0, 2.0]), 3)
    array([-0.333,  1.667], dtype=float32)
    """
    x = as_float(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def hard_tanh(x: Any) -> Tensor:
    """x, kept within -1 and 1.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(hard_tanh([-1.0, 2.0]), 3)
    array([-1.,  1.], dtype=float32)
    """
    return clip(as_float(x), -1, 1)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x, but 0 where |x| is not above the threshold.

    Args:
        x: a tensor of any shape; ints and booleans become floats.
        threshold: how far from 0, not negative.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, or if it is an int and
        the threshold too; else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or threshold no number.

    >>> hard_shrink([-1.0, 0.2, 0.7]).numpy()
    array([-1. ,  0. ,  0.7], dtype=float32)
    """
    x, threshold = as_tensor(x), plain(threshold)
    x = x if dtypes.is_int(x.dtype) and isinstance(threshold, int) else as_float(x)
    return where(abs(x) > threshold, x, 0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by the threshold; 0 where it would cross 0.

    Args:
        x: a tensor of any shape.
        threshold: how far, not negative.

    Returns:
        A tensor of the shape and dtype of x; ints and booleans are computed as floats and cut off
        again.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or threshold no number.

    >>> np.round(soft_shrink([-1.0, 2.0]), 3)
    array([-0.5,  1.5], dtype=float32)
    """
    x, threshold = as_tensor(x), plain(threshold)
    y = as_float(x)
    return cast(
        where(y > threshold, y - threshold, where(y < -threshold, y + threshold, 0)), x.dtype
    )


def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(tanh_shrink([-1.0, 2.0]), 3)
    array([-0.238,  1.036], dtype=float32)
    """
    x = as_float(x)
    return x - tanh(x)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where it is above the threshold, `default_value` elsewhere.

    Args:
        x: a tensor of any shape.
        threshold: a number.
        default_value: what stands elsewhere.

    Returns:
        A tensor of the shape of x, and of the dtype in which x and `default_value` combine.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or one of the others no
            number.

    >>> threshold([1.0, 5.0], 2, -1).numpy()
    array([-1.,  5.], dtype=float32)
    """
    x = as_tensor(x)
    return where(x > plain(threshold), x, plain(default_value))


def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2, a smooth relu (Barron, 2021, arXiv:2112.11687).

    Args:
        x: a tensor of any shape; ints and booleans become floats.
        b: how smooth it is around 0.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None, or b no number.

    >>> np.round(squareplus([-1.0, 2.0]), 3)
    array([0.618, 2.414], dtype=float32)
    """
    x = as_float(x)
    return (x + sqrt(square(x) + plain(b))) / 2


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, x from 1 on, the parabola (x + 1)^2 / 4 between them.

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(sparse_plus([-1.0, 2.0]), 3)
    array([0., 2.], dtype=float32)
    """
    x = as_float(x)
    return where(x <= -1, 0.0, where(x < 1, square(x + 1) / 4, x))


def sparse_sigmoid(x: Any) -> Tensor:
    """A straight line from 0 at -1 to 1 at 1: clip((x + 1) / 2, 0, 1).

    Args:
        x: a tensor of any shape; ints and booleans become floats.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.round(sparse_sigmoid([-1.0, 2.0]), 3)
    array([0., 1.], dtype=float32)
    """
    return clip((as_float(x) + 1) / 2, 0, 1)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The point of the probability simplex next to x along `axis`; many of its elements are 0.

    Source: Martins & Astudillo, 2016, arXiv:1602.02068.

    Args:
        x: a tensor; ints and booleans become floats.
        axis: the axis.

    Returns:
        A tensor of the shape of x, and of its dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x has no such axis, or it is empty.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> sparsemax([1.0, 0.5, -1.0]).numpy()
    array([0.75, 0.25, 0.  ], dtype=float32)
    """
    x = as_float(x)
    axis = canonical_axis(axis, x.rank)
    x = x - stop_gradient(max(x, axis=axis, keepdims=True))
    # An element is in the support if those above it lead by less than 1 in total.
    lead = sum(relu(expand_dims(x, axis + 1) - expand_dims(x, axis)), axis=axis)
    support = stop_gradient(lead < 1)
    total = sum(where(support, x, 0), axis=axis, keepdims=True)
    count = sum(cast(support, x.dtype), axis=axis, keepdims=True)
    return relu(x - (total - 1) / count)
