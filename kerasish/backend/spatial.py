"""Pooling, padding, resizing, biases and normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish import ops
from kerasish.backend.settings import normalize_data_format
from kerasish.compat.older_images import enlarged
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor


def _is_first(data_format: str | None) -> bool:
    return normalize_data_format(data_format) == "channels_first"


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """x plus a bias per channel, or per place and channel.

    Args:
        x: (samples, ..., channels), or (samples, channels, ...) for "channels_first".
        bias: (channels,), or (..., channels) of the sizes of x. For "channels_first" the elements
            of the latter are taken in their order for (channels, ...).
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if the bias has neither one axis nor one less than x.

    >>> bias_add([[1.0, 2.0]], [10.0, 20.0]).numpy()
    array([[11., 22.]], dtype=float32)
    """
    x, bias = ops.convert_to_tensor(x), ops.convert_to_tensor(bias)
    if bias.ndim not in (1, x.ndim - 1):
        raise ValueError(
            f"The bias for {format_shape(x.shape)} must have 1 or {x.ndim - 1} axes, "
            f"but its shape is {format_shape(bias.shape)}."
        )
    if _is_first(data_format) and x.ndim > 2:
        *rest, channels = ops.shape(bias)
        bias = ops.reshape(bias, (channels, *(rest or (1,) * (x.ndim - 2))))
    return x + bias


# ---------------------------------------------------------------- pooling, padding, resizing


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """Windows of images, each as one number per channel.

    Args:
        x: floats (samples, rows, columns, channels), or (samples, channels, rows, columns) for
            "channels_first".
        pool_size: the size of the window, an int or one per spatial axis.
        strides: by how much the window moves on, an int or one per spatial axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        pool_mode: "max", or "avg" (of what is not padding).

    Returns:
        A tensor with smaller images.

    Raises:
        ValueError: if x has other axes, the window does not fit, or for another mode.

    >>> pool2d(np.ones((1, 4, 4, 1)), (2, 2), (2, 2), pool_mode="avg").shape
    (1, 2, 2, 1)
    """
    return _pooled(2, x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """Windows of volumes, each as one number per channel.

    Args:
        x: floats (samples, *sizes, channels), or (samples, channels, *sizes) for
            "channels_first", with three sizes.
        pool_size, strides, padding, data_format, pool_mode: as of `pool2d`.

    Returns:
        A tensor with smaller volumes.

    Raises:
        ValueError: if x has other axes, the window does not fit, or for another mode.

    >>> pool3d(np.ones((1, 4, 4, 4, 1)), (2, 2, 2)).shape
    (1, 3, 3, 3, 1)
    """
    return _pooled(3, x, pool_size, strides, padding, data_format, pool_mode)


def _pooled(
    axes: int,
    x: Any,
    pool_size: Any,
    strides: Any,
    padding: str,
    data_format: str | None,
    pool_mode: str,
) -> Tensor:
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise ValueError(f'pool_mode must be "max" or "avg", but got {pool_mode!r}.')
    _check_axes(x, axes + 2)
    return pools[pool_mode](x, pool_size, strides, padding, data_format)


def _check_axes(x: Any, axes: int) -> None:
    if ops.ndim(x) != axes:
        shape = format_shape(ops.convert_to_tensor(x).shape)
        raise ValueError(f"x must have {axes} axes, but its shape is {shape}.")


def temporal_padding(x: Any, padding: Sequence[int] = (1, 1)) -> Tensor:
    """Zeros before and after along the axis of time.

    Args:
        x: (samples, steps, channels), of any dtype.
        padding: how many zeros before and after.

    Returns:
        (samples, before + steps + after, channels) of the dtype of x.

    Raises:
        ValueError: if x has another number of axes, or `padding` is no pair.

    >>> temporal_padding(np.ones((1, 3, 2)), (1, 2)).shape
    (1, 6, 2)
    """
    return _padded(1, x, (padding,), "channels_last")


def asymmetric_temporal_padding(x: Any, left_pad: int = 1, right_pad: int = 1) -> Tensor:
    """`temporal_padding` as Keras 1 had it.

    Args:
        x: (samples, steps, channels), of any dtype.
        left_pad: how many zeros before.
        right_pad: how many zeros after.

    Returns:
        (samples, left_pad + steps + right_pad, channels) of the dtype of x.

    Raises:
        ValueError: if x has another number of axes.

    >>> asymmetric_temporal_padding(np.ones((1, 3, 2)), 2, 0).shape
    (1, 5, 2)
    """
    return temporal_padding(x, (left_pad, right_pad))


def spatial_2d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around images.

    Args:
        x: (samples, rows, columns, channels), or (samples, channels, rows, columns).
        padding: (before, after) for rows and for columns.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    Returns:
        A tensor of the dtype of x with larger images.

    Raises:
        ValueError: if x has another number of axes, or `padding` is not two pairs.

    >>> spatial_2d_padding(np.ones((1, 2, 2, 1))).shape
    (1, 4, 4, 1)
    """
    return _padded(2, x, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around volumes.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes), with three sizes.
        padding: (before, after) for each spatial axis.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    Returns:
        A tensor of the dtype of x with larger volumes.

    Raises:
        ValueError: if x has another number of axes, or `padding` is not three pairs.

    >>> spatial_3d_padding(np.ones((1, 2, 2, 2, 1))).shape
    (1, 4, 4, 4, 1)
    """
    return _padded(3, x, padding, data_format)


def _padded(axes: int, x: Any, padding: Any, data_format: str | None) -> Tensor:
    widths = [tuple(pair) for pair in padding]
    if len(widths) != axes or any(len(pair) != 2 for pair in widths):
        raise ValueError(f"padding must hold {axes} times (before, after), but is {padding!r}.")
    _check_axes(x, axes + 2)
    first = _is_first(data_format)
    return ops.pad(x, ((0, 0), (0, 0), *widths) if first else ((0, 0), *widths, (0, 0)))


def resize_images(
    x: Any,
    height_factor: int,
    width_factor: int,
    data_format: str | None,
    interpolation: str = "nearest",
) -> Tensor:
    """Images some times as high and wide: "nearest" repeats pixels, "bilinear" draws lines.

    The first pixels stay where they are, as in Keras 2; to `ops.image.resize` pixels are areas.

    Args:
        x: (samples, rows, columns, channels), or (samples, channels, rows, columns).
        height_factor: how many times as high, an int.
        width_factor: how many times as wide.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        interpolation: "nearest" or "bilinear".

    Returns:
        A tensor with larger images, of the dtype of x.

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
    return enlarged(x, factors, 2 if _is_first(data_format) else 1)


def resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str | None
) -> Tensor:
    """Volumes some times as deep, high and wide, by repeating elements.

    Args:
        x: (samples, *sizes, channels), or (samples, channels, *sizes), with three sizes.
        depth_factor: how many times as deep, an int.
        height_factor: how many times as high.
        width_factor: how many times as wide.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    Returns:
        A tensor with larger volumes, of the dtype of x.

    Raises:
        ValueError: for another data format, or if x has too few axes.

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
        x: a float tensor of any shape.
        mean: one per element of `axis`; or of a shape that fits x.
        var: likewise.
        beta: likewise, or None.
        gamma: likewise, or None.
        axis: the axis along which they differ.
        epsilon: added to the variance.

    Returns:
        A tensor of the shape and dtype of x.

    Raises:
        ValueError: if the shapes do not fit together.

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
        x: a float tensor of any shape.
        gamma: a factor per element of the axes that remain, or None.
        beta: added to each, or None.
        reduction_axes: the axes that mean and variance are taken over.
        epsilon: added to the variance.

    Returns:
        Three tensors of the dtype of x: the result, of the shape of x; the mean and the variance,
        of the axes that remain.

    Raises:
        ValueError: if the shapes do not fit together, or x has no such axis.

    >>> import numpy as np
    >>> y, mean, variance = normalize_batch_in_training(np.float32([[1], [3]]), None, None, [0])
    >>> mean.numpy(), variance.numpy()
    (array([2.], dtype=float32), array([1.], dtype=float32))
    """
    x = ops.convert_to_tensor(x)
    mean, variance = ops.moments(x, list(reduction_axes))
    axes = {axis % x.ndim for axis in reduction_axes}
    shape = tuple(1 if i in axes else n for i, n in enumerate(ops.shape(x)))
    centre, spread, beta, gamma = (
        None if p is None else ops.reshape(p, shape) for p in (mean, variance, beta, gamma)
    )
    result = batch_normalization(x, centre, spread, beta, gamma, epsilon=epsilon)
    return result, mean, variance
