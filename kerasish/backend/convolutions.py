"""Convolutions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.backend.settings import normalize_data_format
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor


def conv1d(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A convolution along one axis.

    Args:
        x: floats (samples, steps, channels), or (samples, channels, steps) for "channels_first".
        kernel: floats (window, channels, filters).
        strides: by how much the window moves on, an int.
        padding: "valid", "same", or "causal": no result depends on later steps.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        dilation_rate: the distance of the kernel's elements, an int.

    Returns:
        A tensor (samples, new steps, filters), or (samples, filters, new steps).

    Raises:
        ValueError: if the shapes or options do not fit together.

    >>> conv1d(np.ones((1, 4, 2)), np.ones((3, 2, 5)), padding="causal").shape
    (1, 4, 5)
    """
    _check_rank(1, x, kernel)
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Tensor:
    """A convolution of images.

    Args:
        x: floats (samples, rows, columns, channels), or (samples, channels, rows, columns) for
            "channels_first".
        kernel: floats (*window, channels, filters).
        strides: by how much the window moves on, an int or one per spatial axis.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        dilation_rate: the distance of the kernel's elements, an int or one per spatial axis.

    Returns:
        A tensor (samples, new rows, new columns, filters), or with the filters second.

    Raises:
        ValueError: if the shapes or options do not fit together.

    >>> conv2d(np.ones((1, 4, 4, 2)), np.ones((3, 3, 2, 5)), strides=(2, 1)).shape
    (1, 1, 2, 5)
    """
    _check_rank(2, x, kernel)
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> Tensor:
    """A convolution of volumes.

    Args:
        x: floats (samples, *sizes, channels), or (samples, channels, *sizes) for
            "channels_first", with three sizes.
        kernel: floats (*window, channels, filters).
        strides, padding, data_format, dilation_rate: as of `conv2d`.

    Returns:
        A tensor (samples, *new sizes, filters), or (samples, filters, *new sizes).

    Raises:
        ValueError: if the shapes or options do not fit together.

    >>> conv3d(np.ones((1, 4, 4, 4, 2)), np.ones((3, 3, 3, 2, 5))).shape
    (1, 2, 2, 2, 5)
    """
    _check_rank(3, x, kernel)
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def _check_rank(axes: int, x: Any, kernel: Any) -> None:
    if not ops.ndim(x) == ops.ndim(kernel) == axes + 2:
        shapes = " and ".join(format_shape(ops.convert_to_tensor(t).shape) for t in (x, kernel))
        raise ValueError(
            f"Inputs and kernel must have {axes + 2} axes, but their shapes are {shapes}."
        )


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Tensor:
    """What a convolution of images with these strides does backwards.

    Args:
        x: floats (samples, rows, columns, channels), or (samples, channels, rows, columns) for
            "channels_first".
        kernel: floats (*window, filters, channels).
        output_shape: of the result, with the axes of samples and channels. Its sizes must be among
            those from which the convolution makes the sizes of x.
        strides: by how much each size grows.
        padding: "valid" or "same", that of the convolution.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.
        dilation_rate: the distance of the kernel's elements.

    Returns:
        A tensor of shape `output_shape`.

    Raises:
        ValueError: for another size, or if the shapes do not fit together.

    >>> conv2d_transpose(np.ones((1, 2, 2, 1)), np.ones((2, 2, 3, 1)), (1, 4, 4, 3), (2, 2)).shape
    (1, 4, 4, 3)
    """
    _check_rank(2, x, kernel)
    return _transposed(x, kernel, output_shape, strides, padding, data_format, dilation_rate)


def conv3d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """What a convolution of volumes with these strides does backwards.

    Args:
        x: floats (samples, *sizes, channels), or (samples, channels, *sizes) for
            "channels_first", with three sizes.
        kernel: floats (*window, filters, channels).
        output_shape, strides, padding, data_format: as of `conv2d_transpose`.

    Returns:
        A tensor of shape `output_shape`.

    Raises:
        ValueError: for another size, or if the shapes do not fit together.

    >>> x, kernel = np.ones((1, 2, 2, 2, 1)), np.ones((2, 2, 2, 3, 1))
    >>> conv3d_transpose(x, kernel, (1, 4, 4, 4, 3), (2, 2, 2)).shape
    (1, 4, 4, 4, 3)
    """
    _check_rank(3, x, kernel)
    return _transposed(x, kernel, output_shape, strides, padding, data_format, 1)


def _transposed(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any,
    padding: str,
    data_format: str | None,
    dilation_rate: Any,
) -> Tensor:
    x, kernel = ops.convert_to_tensor(x), ops.convert_to_tensor(kernel)
    wanted, rank = tuple(output_shape), kernel.ndim - 2
    if len(wanted) != x.ndim:
        raise ValueError(f"output_shape must have {x.ndim} sizes, but is {wanted}.")
    steps, dilation = (
        (v,) * rank if isinstance(v, int) else tuple(v) for v in (strides, dilation_rate)
    )
    reaches = [(n - 1) * d + 1 for n, d in zip(kernel.shape[:rank], dilation, strict=True)]
    first = 2 if normalize_data_format(data_format) == "channels_first" else 1
    rows = list(zip(range(first, first + rank), reaches, steps, strict=True))
    x = _of_known_sizes(x, wanted, padding, rows)
    extra = [
        _output_padding(padding, x.shape[axis], wanted[axis], reach, step)
        for axis, reach, step in rows
    ]
    result = ops.conv_transpose(x, kernel, strides, padding, tuple(extra), data_format, dilation)
    if None not in extra:
        return result
    # Sizes that are known only at run time are compared then.
    pairs = list(zip(ops.shape(result), wanted, strict=True))
    return ops.reshape(result, (pairs[0][0], *(n if w is None else w for n, w in pairs[1:])))


def _of_known_sizes(
    x: Tensor, wanted: tuple[Any, ...], padding: str, rows: list[tuple[int, int, int]]
) -> Tensor:
    """x with the sizes that follow from those of the result, where they were not known."""
    sizes = {0: wanted[0]}
    for axis, reach, step in rows:
        if isinstance(wanted[axis], (int, np.integer)):
            size = wanted[axis] if padding == "same" else wanted[axis] - reach + 1
            sizes[axis] = -(-size // step)
    found = [
        int(sizes[i]) if n is None and isinstance(sizes.get(i), (int, np.integer)) else real
        for i, (n, real) in enumerate(zip(x.shape, ops.shape(x), strict=True))
    ]
    return x if None not in x.shape else ops.reshape(x, found)


def _output_padding(padding: str, size: int | None, wanted: Any, reach: int, stride: int) -> Any:
    """What `ops.conv_transpose` calls the choice of `wanted`; None if a size is not known yet."""
    if size is None or not isinstance(wanted, (int, np.integer)):
        return None
    if padding == "same":
        least, most = (size - 1) * stride + 1, size * stride
        zero = (size - 1) * stride + reach % 2
    else:
        least = zero = (size - 1) * stride + reach
        most = least + stride - 1
    if not least <= wanted <= most:
        raise ValueError(
            f"output_shape: no convolution with strides {stride} makes size {size} of size "
            f"{wanted}; from {least} to {most} it does (padding {padding!r}, window {reach})."
        )
    return int(wanted) - zero


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Tensor:
    """A convolution of each channel by itself.

    Args:
        x: floats (samples, rows, columns, channels), or (samples, channels, rows, columns) for
            "channels_first".
        depthwise_kernel: floats (*window, channels, multiplier).
        strides, padding, data_format, dilation_rate: as of `conv2d`.

    Returns:
        A tensor (samples, new rows, new columns, channels * multiplier), or with these second.

    Raises:
        ValueError: if the shapes or options do not fit together.

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
    """A convolution of each channel by itself along one axis, then one with a window of 1.

    Args:
        x: floats (samples, steps, channels), or (samples, channels, steps) for "channels_first".
        depthwise_kernel: floats (window, channels, multiplier).
        pointwise_kernel: floats (1, channels * multiplier, filters).
        strides, padding, data_format, dilation_rate: as of `conv1d`; not "causal".

    Returns:
        A tensor (samples, new steps, filters), or (samples, filters, new steps).

    Raises:
        ValueError: if the shapes or options do not fit together.

    >>> separable_conv1d(np.ones((1, 4, 2)), np.ones((3, 2, 1)), np.ones((1, 2, 5))).shape
    (1, 2, 5)
    """
    kernels = depthwise_kernel, pointwise_kernel
    return ops.separable_conv(x, *kernels, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Tensor:
    """`depthwise_conv2d`, and then a convolution with a window of 1.

    Args:
        x: floats (samples, rows, columns, channels), or (samples, channels, rows, columns) for
            "channels_first".
        depthwise_kernel: floats (*window, channels, multiplier).
        pointwise_kernel: floats (1, 1, channels * multiplier, filters).
        strides, padding, data_format, dilation_rate: as of `conv2d`.

    Returns:
        A tensor (samples, new rows, new columns, filters), or with the filters second.

    Raises:
        ValueError: if the shapes or options do not fit together.

    >>> depthwise, pointwise = np.ones((3, 3, 2, 1)), np.ones((1, 1, 2, 5))
    >>> separable_conv2d(np.ones((1, 4, 4, 2)), depthwise, pointwise).shape
    (1, 2, 2, 5)
    """
    kernels = depthwise_kernel, pointwise_kernel
    return ops.separable_conv(x, *kernels, strides, padding, data_format, dilation_rate)


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

    Returns:
        (samples, new steps, filters), or (samples, filters, new steps), of the dtype of inputs.

    Raises:
        ValueError: if the shapes do not fit together.

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
        inputs: (samples, rows, columns, channels), or (samples, channels, rows, columns) for
            "channels_first".
        kernel: (places, elements of the window * channels, filters); for "channels_first" the
            channels come before the window.
        kernel_size: (rows, columns) of the window.
        strides: by how much it moves on along both.
        output_shape: the (rows, columns) of places.
        data_format: "channels_last" or "channels_first"; image_data_format() if None.

    Returns:
        (samples, *places, filters), or (samples, filters, *places), of the dtype of inputs.

    Raises:
        ValueError: if the shapes do not fit together.

    >>> local_conv2d(np.ones((1, 3, 3, 1)), np.ones((4, 4, 5)), (2, 2), (1, 1), (2, 2)).shape
    (1, 2, 2, 5)
    """
    return _local_conv(inputs, kernel, kernel_size, strides, tuple(output_shape), data_format)


def _local_conv(
    inputs: Any, kernel: Any, window: Any, strides: Any, places: Any, data_format: str | None
) -> Tensor:
    first = normalize_data_format(data_format) == "channels_first"
    x, rank = ops.convert_to_tensor(inputs), len(places)
    x = ops.moveaxis(x, 1, -1) if first else x
    for axis, (count, size, stride) in enumerate(zip(places, window, strides, strict=True), 1):
        length, needed = x.shape[axis], (count - 1) * stride + size
        if length is not None and length < needed:
            raise ValueError(
                f"inputs of shape {format_shape(x.shape)}, channels last, are too small along "
                f"axis {axis}: {count} windows of {size}, {stride} apart, need {needed}."
            )
        # The axis becomes two: the places (there), the elements (before the channels).
        at = np.arange(count)[:, None] * stride + np.arange(size)
        x = ops.moveaxis(ops.take(x, at.astype("int32"), axis=axis), axis + 1, -2)
    x = ops.moveaxis(x, -1, rank + 1) if first else x
    samples = ops.shape(x)[0]
    elements = ops.convert_to_tensor(kernel).shape[1]
    windows = ops.transpose(ops.reshape(x, (samples, math.prod(places), elements)), (1, 0, 2))
    result = ops.transpose(ops.matmul(windows, kernel), (1, 0, 2))
    result = ops.reshape(result, (samples, *places, result.shape[-1]))
    return ops.moveaxis(result, -1, 1) if first else result
