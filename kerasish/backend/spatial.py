"""Convolutions, pooling, padding, resizing and normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.backend.settings import normalize_data_format
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor


def _is_first(data_format: str | None) -> bool:
    return normalize_data_format(data_format) == "channels_first"


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """x plus a bias per channel, or per place and channel.

    Args:
        x: (samples, ..., channels), or (samples, channels, ...) for "channels_first".
        bias: (channels,), or (..., channels) of the sizes of x.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    Raises:
        ValueError: if the bias has neither one axis nor one less than x.

    >>> bias_add([[1.0, 2.0]], [10.0, 20.0]).numpy()
    array([[11., 22.]], dtype=float32)
    """
    x, bias = ops.convert_to_tensor(x), ops.convert_to_tensor(bias)
    if bias.ndim not in (1, x.ndim - 1):
        raise ValueError(
            f"K.bias_add: the bias for {format_shape(x.shape)} must have 1 or {x.ndim - 1} axes, "
            f"but its shape is {format_shape(bias.shape)}."
        )
    if _is_first(data_format) and x.ndim > 2:
        bias = ops.moveaxis(bias, -1, 0)
        bias = ops.reshape(bias, (*ops.shape(bias), *(1,) * (x.ndim - 1 - bias.ndim)))
    return x + bias


# ---------------------------------------------------------------- convolutions


def conv1d(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A convolution; the number of spatial axes is that of the kernel.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        kernel: (*window, channels, filters).
        strides: by how much the window moves on, an int or one per spatial axis.
        padding: "valid", "same", or "causal" (of one spatial axis).
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        dilation_rate: distance of the kernel's elements, an int or one per spatial axis.

    Raises:
        TypeError, ValueError: if the shapes do not fit together.

    >>> conv1d(np.ones((1, 4, 2)), np.ones((3, 2, 5)), padding="causal").shape
    (1, 4, 5)
    """
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


conv2d = conv3d = conv1d


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """What a convolution with these strides does backwards.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        kernel: (*window, filters, channels).
        output_shape: of the result, with the axes of samples and channels. Its sizes must be among
            those from which the convolution makes the sizes of x.
        strides: by how much each size grows.
        padding: "valid" or "same", that of the convolution.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        dilation_rate: distance of the kernel's elements.

    Raises:
        ValueError: for another size.

    >>> conv2d_transpose(np.ones((1, 2, 2, 1)), np.ones((2, 2, 3, 1)), (1, 4, 4, 3), (2, 2)).shape
    (1, 4, 4, 3)
    """
    x, kernel = ops.convert_to_tensor(x), ops.convert_to_tensor(kernel)
    spatial = np.s_[2:] if _is_first(data_format) else np.s_[1:-1]
    wanted = tuple(output_shape)
    rank = kernel.ndim - 2
    steps, dilation = (
        (v,) * rank if isinstance(v, int) else tuple(v) for v in (strides, dilation_rate)
    )
    rows = zip(x.shape[spatial], wanted[spatial], kernel.shape, steps, dilation, strict=False)
    extra = [_output_padding(padding, *row) for row in rows]
    result = ops.conv_transpose(x, kernel, strides, padding, tuple(extra), data_format, dilation)
    if None not in extra:
        return result
    # Sizes that are known only at run time are compared then.
    pairs = list(zip(ops.shape(result), wanted, strict=True))
    return ops.reshape(result, (pairs[0][0], *(n if w is None else w for n, w in pairs[1:])))


conv3d_transpose = conv2d_transpose


def _output_padding(
    padding: str, size: int | None, wanted: Any, window: int, stride: int, dilation: int
) -> int | None:
    """What `ops.conv_transpose` calls the choice of `wanted`; None if a size is not known yet."""
    if size is None or not isinstance(wanted, (int, np.integer)):
        return None
    reach = (window - 1) * dilation + 1
    if padding == "same":
        least, most = (size - 1) * stride + 1, size * stride
        zero = (size - 1) * stride + reach % 2
    else:
        least = zero = (size - 1) * stride + reach
        most = least + stride - 1
    if not least <= wanted <= most:
        raise ValueError(
            f"output_shape: no convolution with strides {stride} makes size {size} of size "
            f"{wanted}; from {least} to {most} it does (padding {padding!r}, window {window})."
        )
    return int(wanted) - zero


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A convolution of each channel by itself; the kernel is (*window, channels, multiplier).

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        depthwise_kernel: (*window, channels, multiplier).
        strides: by how much the window moves on, an int or one per spatial axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        dilation_rate: distance of the kernel's elements, an int or one per spatial axis.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> depthwise_conv2d(np.ones((1, 4, 4, 2)), np.ones((3, 3, 2, 2))).shape
    (1, 2, 2, 4)
    """
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv1d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """`depthwise_conv2d`, and then a convolution with a window of 1.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        depthwise_kernel: (*window, channels, multiplier).
        pointwise_kernel: (*ones, channels * multiplier, filters).
        strides: by how much the window moves on, an int or one per spatial axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        dilation_rate: distance of the kernel's elements, an int or one per spatial axis.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> separable_conv1d(np.ones((1, 4, 2)), np.ones((3, 2, 1)), np.ones((1, 2, 5))).shape
    (1, 2, 5)
    """
    return ops.separable_conv(
        x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate
    )


separable_conv2d = separable_conv1d


def local_conv1d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: str | None = None
) -> Tensor:
    """A convolution with a kernel of its own for each place.

    Args:
        inputs: (samples, steps, channels), or (samples, channels, steps) for "channels_first".
        kernel: (new steps, window * channels, filters); for "channels_first" the channels come
            before the window.
        kernel_size: the window, a tuple of one int.
        strides: by how much it moves on, a tuple of one int.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    >>> local_conv1d(np.ones((1, 4, 2)), np.ones((3, 4, 5)), (2,), (1,)).shape
    (1, 3, 5)
    """
    places = ops.convert_to_tensor(kernel).shape[:1]
    return _local_conv(inputs, kernel, kernel_size, strides, places, data_format)


def local_conv2d(
    inputs: Any,
    kernel: Any,
    kernel_size: Any,
    strides: Any,
    output_shape: Any,
    data_format: str | None = None,
) -> Tensor:
    """`local_conv1d` for images; `output_shape` is the (rows, columns) of places.

    Args:
        inputs: (samples, rows, columns, channels), or with the channels after the samples.
        kernel: (places, elements of the window * channels, filters).
        kernel_size: (rows, columns) of the window.
        strides: by how much it moves on along both.
        output_shape: the (rows, columns) of places.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    >>> local_conv2d(np.ones((1, 3, 3, 1)), np.ones((4, 4, 5)), (2, 2), (1, 1), (2, 2)).shape
    (1, 2, 2, 5)
    """
    return _local_conv(inputs, kernel, kernel_size, strides, tuple(output_shape), data_format)


def _local_conv(
    inputs: Any, kernel: Any, window: Any, strides: Any, places: Any, data_format: str | None
) -> Tensor:
    first = _is_first(data_format)
    x, rank = ops.convert_to_tensor(inputs), len(places)
    x = ops.moveaxis(x, 1, -1) if first else x
    for axis, (count, size, stride) in enumerate(zip(places, window, strides, strict=True), 1):
        # The axis becomes two: the places (there), the elements (before the channels).
        at = np.arange(count)[:, None] * stride + np.arange(size)
        x = ops.moveaxis(ops.take(x, at.astype("int32"), axis=axis), axis + 1, -2)
    x = ops.moveaxis(x, -1, rank + 1) if first else x
    samples = ops.shape(x)[0]
    elements = math.prod(x.shape[rank + 1 :])  # type: ignore[arg-type]
    windows = ops.transpose(ops.reshape(x, (samples, math.prod(places), elements)), (1, 0, 2))
    result = ops.transpose(ops.matmul(windows, kernel), (1, 0, 2))
    result = ops.reshape(result, (samples, *places, result.shape[-1]))
    return ops.moveaxis(result, -1, 1) if first else result


# ---------------------------------------------------------------- pooling, padding, resizing


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """Pooling, `pool_mode` "max" or "avg"; the number of spatial axes is that of x.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        pool_size: the size of the window, an int or one per spatial axis.
        strides: by how much the window moves on, an int or one per spatial axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        pool_mode: "max" or "avg".

    Raises:
        ValueError: if the window does not fit, or for another mode.

    >>> pool2d(np.ones((1, 4, 4, 1)), (2, 2), (2, 2), pool_mode="avg").shape
    (1, 2, 2, 1)
    """
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise ValueError(f'pool_mode must be "max" or "avg", but got {pool_mode!r}.')
    return pools[pool_mode](x, pool_size, strides, padding, data_format)


pool3d = pool2d


def temporal_padding(x: Any, padding: Sequence[int] = (1, 1)) -> Tensor:
    """Zeros before and after along the axis of time.

    Args:
        x: (samples, steps, channels).
        padding: how many zeros before and after.

    >>> temporal_padding(np.ones((1, 3, 2)), (1, 2)).shape
    (1, 6, 2)
    """
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around images.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        padding: (before, after) for rows and for columns.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    >>> spatial_2d_padding(np.ones((1, 2, 2, 1))).shape
    (1, 4, 4, 1)
    """
    return _padded(x, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around volumes.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        padding: (before, after) for each spatial axis.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    >>> spatial_3d_padding(np.ones((1, 2, 2, 2, 1))).shape
    (1, 4, 4, 4, 1)
    """
    return _padded(x, padding, data_format)


def _padded(x: Any, padding: Any, data_format: str | None) -> Tensor:
    first = _is_first(data_format)
    widths = [tuple(pair) for pair in padding]
    return ops.pad(x, ((0, 0), (0, 0), *widths) if first else ((0, 0), *widths, (0, 0)))


def resize_images(
    x: Any,
    height_factor: int,
    width_factor: int,
    data_format: str | None,
    interpolation: str = "nearest",
) -> Tensor:
    """Images some times as high and wide: "nearest" repeats pixels, "bilinear" draws lines.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        height_factor: how many times as high, an int.
        width_factor: how many times as wide.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        interpolation: "nearest" or "bilinear".

    Raises:
        ValueError: for another interpolation.

    >>> import numpy as np
    >>> resize_images(np.ones((1, 2, 2, 3)), 2, 3, "channels_last").shape
    (1, 4, 6, 3)
    """
    factors = height_factor, width_factor
    if interpolation == "nearest":
        return _repeated(x, factors, data_format)
    if interpolation != "bilinear":
        raise ValueError(f'interpolation is "nearest" or "bilinear", but got {interpolation!r}.')
    axis = 2 if _is_first(data_format) else 1
    sizes = ops.convert_to_tensor(x).shape[axis : axis + 2]
    if None in sizes:
        raise ValueError(
            "K.resize_images: bilinear interpolation needs images of known height and width."
        )
    target = [int(n) * factor for n, factor in zip(sizes, factors, strict=True)]  # type: ignore[arg-type]
    return ops.image.resize(x, target, interpolation, data_format=data_format)


def resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str | None
) -> Tensor:
    """Volumes some times as deep, high and wide, by repeating elements.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes) for "channels_first".
        depth_factor: how many times as deep, an int.
        height_factor: how many times as high.
        width_factor: how many times as wide.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    >>> resize_volumes(np.ones((1, 1, 2, 3, 1)), 2, 2, 2, "channels_last").shape
    (1, 2, 4, 6, 1)
    """
    return _repeated(x, (depth_factor, height_factor, width_factor), data_format)


def _repeated(x: Any, factors: Sequence[int], data_format: str | None) -> Tensor:
    for axis, factor in enumerate(factors, 2 if _is_first(data_format) else 1):
        x = ops.repeat(x, factor, axis)
    return x


# ---------------------------------------------------------------- normalisation


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Tensor:
    """(x - mean) / sqrt(var + epsilon) * gamma + beta.

    Args:
        x: a tensor.
        mean: one per element of `axis`; or of a shape that fits x.
        var: likewise.
        beta: likewise, or None.
        gamma: likewise, or None.
        axis: the axis along which they differ.
        epsilon: added to the variance.

    >>> batch_normalization([[1.0, 3.0]], [1.0, 2.0], [1.0, 1.0], None, None, epsilon=0).numpy()
    array([[0., 1.]], dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    mean, var, beta, gamma = (
        None if p is None else _along(x, ops.convert_to_tensor(p), axis)
        for p in (mean, var, beta, gamma)
    )
    result = (x - mean) * ops.rsqrt(ops.add(var, epsilon))
    result = result if gamma is None else result * gamma
    return result if beta is None else result + beta


def _along(x: Tensor, parameter: Tensor, axis: int) -> Tensor:
    """A vector with its elements along `axis`, anything else as it is."""
    if parameter.ndim != 1:
        return parameter
    axis %= x.ndim
    return ops.reshape(parameter, tuple(-1 if i == axis else 1 for i in range(x.ndim)))


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Sequence[int], epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """x normalised by its own mean and variance, and these two.

    Args:
        x: a tensor.
        gamma: a factor per element of the axes that remain, or None.
        beta: added to each, or None.
        reduction_axes: the axes that mean and variance are taken over.
        epsilon: added to the variance.

    >>> import numpy as np
    >>> y, mean, variance = normalize_batch_in_training(np.float32([[1], [3]]), None, None, [0])
    >>> mean.numpy(), variance.numpy()
    (array([2.], dtype=float32), array([1.], dtype=float32))
    """
    x = ops.convert_to_tensor(x)
    axes = {axis % x.ndim for axis in reduction_axes}
    mean, variance = ops.moments(x, sorted(axes))
    shape = tuple(1 if i in axes else n for i, n in enumerate(ops.shape(x)))
    centre, spread, beta, gamma = (
        None if p is None else ops.reshape(p, shape) for p in (mean, variance, beta, gamma)
    )
    result = batch_normalization(x, centre, spread, beta, gamma, epsilon=epsilon)
    return result, mean, variance
