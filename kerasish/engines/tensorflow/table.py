"""Operation -> TensorFlow: the lowerings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.engines.tensorflow import (
    barrier,
    control,
    conv,
    linalg,
    native,
    random,
    special,
    steps,
)
from kerasish.engines.tensorflow.library import tf
from kerasish.engines.tensorflow.wider import HALVES, WIDE_INTS, Lowering, through

# --- elementwise -------------------------------------------------------------------------


def _negative(x: Any) -> Any:
    return tf.zeros_like(x) - x if x.dtype.is_unsigned else -x


def _abs(x: Any) -> Any:
    return x if _is_never_negative(x) else tf.abs(x)


def _sign(x: Any) -> Any:
    return tf.cast(tf.cast(x, tf.bool), x.dtype) if _is_never_negative(x) else tf.sign(x)


def _relu(x: Any) -> Any:
    return x if _is_never_negative(x) else tf.nn.relu(x)


def _relu_grad(g: Any, y: Any) -> Any:
    return tf.raw_ops.ReluGrad(gradients=g, features=y)


def _is_never_negative(x: Any) -> bool:
    return x.dtype.is_unsigned or x.dtype == tf.bool


def _cast(x: Any, *, dtype: str) -> Any:
    return tf.cast(x, dtype)


def _power(x: Any, y: Any) -> Any:
    exponent = tf.get_static_value(y)
    if x.dtype.is_floating and (exponent is None or not np.all(exponent)):
        # 0 to the power of 0 is 1, as that of 1 is, of which the gradient is not NaN.
        x = tf.where(tf.logical_and(x == 0, y == 0), tf.ones_like(x), x)
    return tf.pow(x, y)


def _floor_divide(x: Any, y: Any) -> Any:
    if not x.dtype.is_floating:
        return tf.where(y == 0, tf.zeros_like(x), tf.math.floordiv(x, _not_zero(y)))
    # As NumPy does: 1 // 0.1 is 9, for 0.1 is a little more than a tenth.
    whole = tf.round((x - tf.math.floormod(x, y)) / y)
    return tf.stop_gradient(tf.where(y == 0, x / y, whole))


def _mod(x: Any, y: Any) -> Any:
    if x.dtype.is_floating:
        return tf.math.floormod(x, y)
    return tf.where(y == 0, tf.zeros_like(x), tf.math.floormod(x, _not_zero(y)))


def _not_zero(y: Any) -> Any:
    return tf.where(y == 0, tf.ones_like(y), y)


def _extreme(function: Lowering, wins: Lowering, of_bools: Lowering) -> Lowering:
    """`function` with the gradient shared where both inputs are equal."""

    @tf.custom_gradient
    def shared(x: Any, y: Any) -> Any:
        def gradient(g: Any) -> Any:
            share = tf.cast(wins(x, y), g.dtype) + tf.cast(tf.equal(x, y), g.dtype) * 0.5
            return _sum_to(g * share, x.shape), _sum_to(g * (1 - share), y.shape)

        return function(x, y), gradient

    def lowered(x: Any, y: Any) -> Any:
        if x.dtype == tf.bool:
            return of_bools(x, y)
        return shared(x, y) if x.dtype.is_floating else function(x, y)

    return lowered


def _sum_to(g: Any, shape: Any) -> Any:
    """Undoes broadcasting: `g` summed to `shape`."""
    extra = g.shape.rank - shape.rank
    axes = [i for i in range(g.shape.rank) if i < extra or shape[i - extra] != g.shape[i]]
    return tf.reshape(tf.reduce_sum(g, axes), shape) if axes else g


_COMPARED = {"bool": "int32"}

_ELEMENTWISE = {
    "negative": _negative,
    "abs": _abs,
    "sign": _sign,
    "exp": tf.exp,
    "expm1": tf.math.expm1,
    "log": tf.math.log,
    "log1p": tf.math.log1p,
    "sqrt": tf.sqrt,
    "rsqrt": tf.math.rsqrt,
    "square": tf.square,
    "sin": tf.sin,
    "cos": tf.cos,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "relu": _relu,
    "relu_grad": _relu_grad,
    "softplus": tf.math.softplus,
    "erf": tf.math.erf,
    "floor": tf.floor,
    "ceil": tf.math.ceil,
    "round": tf.round,
    "logical_not": tf.logical_not,
    "isnan": tf.math.is_nan,
    "isfinite": tf.math.is_finite,
    "cast": _cast,
    "stop_gradient": tf.stop_gradient,
    "add": tf.add,
    "subtract": tf.subtract,
    "multiply": tf.multiply,
    "divide": tf.divide,
    "power": through(_power, WIDE_INTS),
    "maximum": _extreme(tf.maximum, tf.greater, tf.logical_or),
    "minimum": _extreme(tf.minimum, tf.less, tf.logical_and),
    "floor_divide": _floor_divide,
    "mod": _mod,
    "equal": tf.equal,
    "not_equal": tf.not_equal,
    "less": through(tf.less, _COMPARED, result=False),
    "less_equal": through(tf.less_equal, _COMPARED, result=False),
    "greater": through(tf.greater, _COMPARED, result=False),
    "greater_equal": through(tf.greater_equal, _COMPARED, result=False),
    "logical_and": tf.logical_and,
    "logical_or": tf.logical_or,
    "where": tf.where,
}


# --- reductions --------------------------------------------------------------------------


def _reduction(function: Lowering) -> Lowering:
    def lowered(x: Any, *, axis: tuple[int, ...], keepdims: bool) -> Any:
        return function(x, list(axis), keepdims)

    return lowered


def _sum(x: Any, axis: Sequence[int], keepdims: bool) -> Any:
    leading, size = len(axis), x.shape.num_elements()
    whole = not 0 < leading < x.shape.rank
    if whole or not size or x.dtype != tf.float32 or sorted(axis) != list(range(leading)):
        return tf.reduce_sum(x, axis, keepdims)
    # The gradient of a bias, mostly: a kernel of its own takes half the time.
    rest = x.shape[leading:]
    total = tf.raw_ops.BiasAddGrad(out_backprop=tf.reshape(x, [-1, rest.num_elements()]))
    return tf.reshape(total, [1] * leading + rest if keepdims else rest)


def _max(x: Any, axis: Any, keepdims: bool) -> Any:
    return (tf.reduce_any if x.dtype == tf.bool else tf.reduce_max)(x, axis, keepdims)


def _min(x: Any, axis: Any, keepdims: bool) -> Any:
    return (tf.reduce_all if x.dtype == tf.bool else tf.reduce_min)(x, axis, keepdims)


def _arg(function: Lowering) -> Lowering:
    def lowered(x: Any, *, axis: int) -> Any:
        return function(x, axis, output_type=tf.int32)

    return through(lowered, {"bool": "uint8"}, result=False)


def _cumsum(x: Any, *, axis: int) -> Any:
    if x.dtype == tf.bool:
        return tf.cumsum(tf.cast(x, tf.int32), axis)
    return through(tf.cumsum, WIDE_INTS | HALVES)(x, axis=axis)


_REDUCTIONS = {
    "sum": through(_reduction(_sum), HALVES),
    "mean": through(_reduction(tf.reduce_mean), HALVES),
    "prod": through(_reduction(tf.reduce_prod), HALVES),
    "max": _reduction(_max),
    "min": _reduction(_min),
    "any": _reduction(tf.reduce_any),
    "all": _reduction(tf.reduce_all),
    "argmax": _arg(tf.argmax),
    "argmin": _arg(tf.argmin),
    "cumsum": _cumsum,
}


# --- arrays ------------------------------------------------------------------------------


def _reshape(x: Any, *, shape: tuple[int, ...]) -> Any:
    return tf.reshape(x, shape)


def _transpose(x: Any, *, axes: tuple[int, ...]) -> Any:
    return tf.transpose(x, axes)


def _broadcast_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    return tf.broadcast_to(x, shape)


def _concatenate(*xs: Any, axis: int) -> Any:
    return tf.concat(xs, axis)


def _to_the_start(stop: tuple[int, ...], step: tuple[int, ...]) -> int:
    """The axes of a slice that run backwards to the first element, as TensorFlow's bit mask."""
    return sum(1 << i for i, (e, s) in enumerate(zip(stop, step, strict=True)) if s < 0 and e < 0)


def _slice(x: Any, *, start: Any, stop: Any, step: Any) -> Any:
    if all(s == 1 for s in step):
        return tf.slice(x, start, [max(e - b, 0) for b, e in zip(start, stop, strict=True)])
    return tf.strided_slice(x, start, stop, step, end_mask=_to_the_start(stop, step))


def _slice_grad(g: Any, *, shape: Any, start: Any, stop: Any, step: Any) -> Any:
    return tf.raw_ops.StridedSliceGrad(
        shape=tf.constant(shape, tf.int32),
        begin=tf.constant(start, tf.int32),
        end=tf.constant(stop, tf.int32),
        strides=tf.constant(step, tf.int32),
        dy=g,
        end_mask=_to_the_start(stop, step),
    )


def _pad(x: Any, *, widths: Any, value: float) -> Any:
    return tf.pad(x, widths, constant_values=_scalar(value, x.dtype))


def _flip(x: Any, *, axes: tuple[int, ...]) -> Any:
    return tf.reverse(x, axes)


def _indices(x: Any) -> Any:
    return x if x.dtype in (tf.int32, tf.int64) else tf.cast(x, tf.int64)


def _take(x: Any, indices: Any, *, axis: int) -> Any:
    return tf.gather(x, _indices(indices), axis=axis)


def _take_grad(g: Any, indices: Any, *, shape: tuple[int, ...], axis: int) -> Any:
    rank, inner = indices.shape.rank, [i for i in range(len(shape)) if i != axis]
    # The axes that the indices run over go first, where segments are summed.
    order = [*range(axis, axis + rank), *range(axis), *range(axis + rank, g.shape.rank)]
    moved = g if axis == 0 else tf.transpose(g, order)
    total = tf.math.unsorted_segment_sum(moved, _indices(indices), shape[axis])
    back = [0] * len(shape)
    for position, i in enumerate([axis, *inner]):
        back[i] = position
    return total if axis == 0 else tf.transpose(total, back)


def _full(*, shape: tuple[int, ...], value: Any, dtype: str) -> Any:
    return tf.fill(shape, _scalar(value, dtype))


def _scalar(value: Any, dtype: Any) -> Any:
    return tf.constant(bool(value) if dtype == tf.bool else value, dtype)


def _iota(*, size: int, dtype: str) -> Any:
    return tf.cast(tf.range(size), dtype)


_ARRAYS: dict[str, Lowering] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "concatenate": _concatenate,
    "slice": _slice,
    "slice_grad": _slice_grad,
    "pad": _pad,
    "flip": _flip,
    "take": _take,
    "take_grad": through(_take_grad, HALVES),
    "full": _full,
    "iota": _iota,
}


# --- the rest ----------------------------------------------------------------------------


def _matmul(a: Any, b: Any, *, transpose_a: bool, transpose_b: bool) -> Any:
    return tf.matmul(a, b, transpose_a, transpose_b)


def _softmax(x: Any, *, axis: int) -> Any:
    return tf.nn.softmax(x, axis)


def _log_softmax(x: Any, *, axis: int) -> Any:
    return tf.nn.log_softmax(x, axis)


def _softmax_cross_entropy(labels: Any, logits: Any) -> Any:
    # TensorFlow's own kernel has a wrong gradient for labels that do not add up to 1.
    return -tf.reduce_sum(labels * tf.nn.log_softmax(logits), -1)


_OTHERS = {
    "matmul": through(_matmul, WIDE_INTS),
    "conv": conv.conv,
    "conv_input_grad": conv.conv_input_grad,
    "conv_kernel_grad": conv.conv_kernel_grad,
    "max_pool": conv.max_pool,
    "max_pool_grad": conv.max_pool_grad,
    "avg_pool": through(conv.avg_pool, HALVES),
    "avg_pool_grad": through(conv.avg_pool_grad, HALVES),
    "softmax": through(_softmax, HALVES),
    "log_softmax": through(_log_softmax, HALVES),
    "softmax_cross_entropy": through(_softmax_cross_entropy, HALVES),
    "sigmoid_cross_entropy": tf.nn.sigmoid_cross_entropy_with_logits,
    "random_uniform": random.uniform,
    "random_normal": random.normal,
    "dropout_mask": random.dropout_mask,
}

TABLE: dict[str, Lowering] = {
    **_ELEMENTWISE,
    **_REDUCTIONS,
    **_ARRAYS,
    **_OTHERS,
    **linalg.TABLE,
    **special.TABLE,
    **steps.EXPRESSIONS,
    **control.TABLE,
    **barrier.TABLE,
    **native.TABLE,
}
