"""Convolution and pooling, for which TensorFlow's CPU kernels need the most help."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.engines.numpy.conv import window_counts
from kerasish.engines.tensorflow.library import tf
from kerasish.engines.tensorflow.wider import Lowering, through
from kerasish.graph.shapes import same_padding

Pads = Sequence[tuple[int, int]]


def _named_padding(x: Any, window: Sequence[int], strides: Sequence[int], padding: Pads) -> str:
    """TensorFlow's name of the padding, empty if it has none."""
    if not any(map(any, padding)):
        return "VALID"
    sizes = zip(x.shape[1:-1], window, strides, strict=True)
    same = [same_padding(n, k, s) for n, k, s in sizes]
    return "SAME" if [tuple(p) for p in padding] == same else ""


def _padded(x: Any, padding: Pads, value: Any = 0) -> Any:
    if not any(map(any, padding)):
        return x
    return tf.pad(x, [(0, 0), *padding, (0, 0)], constant_values=value)


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _precise(function: Lowering) -> Lowering:
    """`function`, of which the CPU's kernels add up, slowly, in float16."""
    through_float32 = through(function, {"float16": "float32"})

    @functools.wraps(function)
    def lowered(*inputs: Any, **attrs: Any) -> Any:
        return (function if _has_gpu() else through_float32)(*inputs, **attrs)

    return lowered


# --- convolution -------------------------------------------------------------------------


@_precise
def conv(x: Any, kernel: Any, *, strides: Any, padding: Pads, dilation: Any, groups: int) -> Any:
    if len(strides) == 1:
        # One axis is two, of which one has size 1.
        wide = conv(
            tf.expand_dims(x, 1),
            tf.expand_dims(kernel, 0),
            strides=(1, *strides) if groups == 1 else strides * 2,
            padding=((0, 0), *padding),
            dilation=(1, *dilation),
            groups=groups,
        )
        return tf.squeeze(wide, 1)
    if len(strides) == 2 and _has_gpu():
        return _conv2d(x, kernel, strides, padding, dilation)
    # The CPU's kernels have no gradient for dilation, nor for groups.
    if max(dilation) > 1:
        return _dilated(x, kernel, strides, padding, dilation, groups)
    if groups > 1:
        return _grouped(x, kernel, strides, padding, groups)
    if len(strides) == 2:
        return _conv2d(x, kernel, strides, padding, dilation)
    named = _named_padding(x, kernel.shape[:-2], strides, padding)
    x = x if named else _padded(x, padding)
    return tf.nn.conv3d(x, kernel, [1, *strides, 1], named or "VALID")


def _conv2d(x: Any, kernel: Any, strides: Any, padding: Pads, dilation: Any) -> Any:
    named = _named_padding(x, kernel.shape[:-2], strides, padding) if max(dilation) == 1 else ""
    explicit = [[0, 0], *map(list, padding), [0, 0]]
    return tf.nn.conv2d(x, kernel, strides, named or explicit, dilations=dilation)


def _dilated(x: Any, kernel: Any, strides: Any, padding: Pads, dilation: Any, groups: int) -> Any:
    """Each phase of the input is an image of its own, on which the kernel is dense."""
    x = _padded(x, padding)
    sizes, dilation = x.shape[1:-1], list(dilation)
    fill = [[0, -n % d] for n, d in zip(sizes, dilation, strict=True)]
    phases = tf.space_to_batch(x, dilation, fill)
    ones, no_padding = (1,) * len(dilation), ((0, 0),) * len(dilation)
    y = conv(phases, kernel, strides=ones, padding=no_padding, dilation=ones, groups=groups)
    whole = [n * d for n, d in zip(y.shape[1:-1], dilation, strict=True)]
    wanted = [n - (k - 1) * d for n, k, d in zip(sizes, kernel.shape[:-2], dilation, strict=True)]
    crops = [[0, w - n] for w, n in zip(whole, wanted, strict=True)]
    return _strided(tf.batch_to_space(y, dilation, crops), strides)


def _strided(x: Any, strides: Any) -> Any:
    if max(strides) == 1:
        return x
    return x[tuple(slice(None, None, s) for s in (1, *strides))]


def _grouped(x: Any, kernel: Any, strides: Any, padding: Pads, groups: int) -> Any:
    *window, depth, filters = kernel.shape
    if depth == 1 and len(strides) == 2:
        if len(set(strides)) > 1:
            # The depthwise kernel knows only one stride for both axes.
            return _strided(_grouped(x, kernel, (1, 1), padding, groups), strides)
        named = _named_padding(x, window, strides, padding)
        x = x if named else _padded(x, padding)
        by_channel = tf.reshape(kernel, [*window, groups, filters // groups])
        return tf.nn.depthwise_conv2d(x, by_channel, [1, *strides, 1], named or "VALID")
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    whole = {"strides": strides, "padding": padding, "dilation": (1,) * len(strides), "groups": 1}
    return tf.concat([conv(a, b, **whole) for a, b in parts], -1)


def transposed(function: Callable[[Any], Any], shape: Any, g: Any) -> Any:
    """`g` sent backwards through a linear function of an array of `shape`.

    In a graph the forward half is pruned, for no gradient asks for its result.
    """
    x = tf.zeros(shape, g.dtype)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = function(x)
    return tape.gradient(y, x, output_gradients=g)


@_precise
def conv_input_grad(g: Any, kernel: Any, *, shape: Any, **attrs: Any) -> Any:
    return transposed(lambda x: conv(x, kernel, **attrs), shape, g)


@_precise
def conv_kernel_grad(x: Any, g: Any, *, shape: Any, **attrs: Any) -> Any:
    return transposed(lambda kernel: conv(x, kernel, **attrs), shape, g)


# --- pooling -----------------------------------------------------------------------------


def max_pool(x: Any, *, window: Any, strides: Any, padding: Pads) -> Any:
    return _pool(x, window, strides, padding, "MAX")


def max_pool_grad(x: Any, y: Any, g: Any, **attrs: Any) -> Any:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = max_pool(x, **attrs)
    return tape.gradient(y, x, output_gradients=g)


def avg_pool(x: Any, *, window: Any, strides: Any, padding: Pads) -> Any:
    mean = _pool(x, window, strides, padding, "AVG")
    if _pool_padding(x, window, strides, padding, "AVG"):
        return mean
    # The padding was counted as zeros: divide by the elements of each window that are not.
    counts = window_counts(x.shape, window, strides, tuple(padding))
    return mean * tf.constant(math.prod(window) / counts, x.dtype)


def avg_pool_grad(g: Any, *, shape: Any, **attrs: Any) -> Any:
    return transposed(lambda x: avg_pool(x, **attrs), shape, g)


def _pool(x: Any, window: Any, strides: Any, padding: Pads, kind: str) -> Any:
    if len(window) == 1:
        wide = _pool(tf.expand_dims(x, 1), (1, *window), (1, *strides), ((0, 0), *padding), kind)
        return tf.squeeze(wide, 1)
    named = _pool_padding(x, window, strides, padding, kind)
    if not named:
        x = _padded(x, padding, _least(x.dtype) if kind == "MAX" else 0)
    if not _has_kernel(x, window, kind):
        return _pool_by_slices(x, window, strides, kind)
    pool = tf.nn.max_pool if kind == "MAX" else tf.nn.avg_pool
    layout = "NHWC" if len(window) == 2 else "NDHWC"
    return pool(x, window, strides, named or "VALID", data_format=layout)


def _has_kernel(x: Any, window: Any, kind: str) -> bool:
    # Over three axes the gradient of MaxPool3D gives each of several maxima all of it.
    return len(window) < 3 or (kind == "AVG" and x.dtype == tf.float32)


def _pool_padding(x: Any, window: Any, strides: Any, padding: Pads, kind: str) -> str:
    """TensorFlow's name of the padding, empty if it has to be made first."""
    named = _named_padding(x, window, strides, padding)
    return named if named == "VALID" or _has_kernel(x, window, kind) else ""


def _pool_by_slices(x: Any, window: Any, strides: Any, kind: str) -> Any:
    """For what the kernels over three axes lack."""
    sizes = zip(x.shape[1:-1], window, strides, strict=True)
    ends = [(n - k) // s * s + 1 for n, k, s in sizes]
    slices = []
    for offset in itertools.product(*map(range, window)):
        spans = [slice(None)]
        spans += [slice(o, o + e, s) for o, e, s in zip(offset, ends, strides, strict=True)]
        slices.append(x[tuple(spans)])
    if kind == "MAX":
        return functools.reduce(tf.maximum, slices)
    return tf.add_n(slices) / tf.constant(len(slices), x.dtype)


def _least(dtype: Any) -> Any:
    return -np.inf if dtype.is_floating else dtype.min
