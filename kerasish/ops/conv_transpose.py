"""Convolutions made from `conv`: transposed, depthwise, separable; and adaptive pooling."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, need_sizes
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import reshape, shape
from kerasish.ops.conv import (
    Pads,
    _is_last,
    _pairs,
    _same,
    conv,
    conv_input_grad_p,
    in_channels_last,
    per_axis,
)
from kerasish.ops.promotion import cast, promoted
from kerasish.ops.reduce import max, sum
from kerasish.ops.selection import take


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str | Pads = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """What a convolution with these strides does backwards: it makes its inputs larger.

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        kernel: (*window, filters, channels): the kernel of a convolution from what comes out
            to what goes in.
        strides: by how much each size grows, an int or one per spatial axis.
        padding: "valid" or "same", that of the convolution; or for each spatial axis a pair
            (before, after), together one less than the window: "same", shared out otherwise.
        output_padding: chooses among the sizes from which the convolution makes these ones:
            (n - 1) * stride + window + output_padding for "valid"; for "same" with 0 or 1,
            as the window is even or odd, in the place of the window. None: n * stride, and for
            "valid" by as much more as the window is longer than the stride.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: distance of the kernel's elements, an int or one per spatial axis.

    Returns:
        A tensor (batch, *sizes, filters), its sizes as told under output_padding, or (batch,
        filters, *sizes) for "channels_first"; of the dtype in which inputs and kernel combine.

    Raises:
        ValueError: if the shapes or the options do not fit together.
        TypeError: if inputs or kernel is no array of numbers, such as a string or None.

    >>> conv_transpose(np.ones((1, 2, 2, 1)), np.ones((3, 3, 4, 1)), strides=2).shape
    (1, 5, 5, 4)
    """
    x, kernel = promoted(inputs, kernel)
    n = kernel.rank - 2
    _check_rank("conv_transpose", x, kernel)
    strides, dilation = per_axis(strides, n, "strides"), per_axis(dilation_rate, n, "dilation_rate")
    extra = _output_padding(output_padding, strides)
    window, filters, channels = kernel.shape[:n], kernel.shape[-2], kernel.shape[-1]
    given = None if isinstance(padding, str) else _shared_out(padding, window, dilation)
    if isinstance(padding, str) and padding.lower() not in ("valid", "same"):
        raise ValueError(f'conv_transpose: padding must be "valid" or "same", not {padding!r}.')

    def apply(x: Tensor) -> Tensor:
        if x.shape[-1] not in (None, channels):
            raise ValueError(
                f"conv_transpose: the input has {x.shape[-1]} channels, but the kernel "
                f"{format_shape(kernel.shape)} expects {channels}."
            )
        rows = list(zip(shape(x)[1:-1], window, strides, dilation, extra, strict=True))
        if given is not None or padding.lower() == "same":  # type: ignore[union-attr]
            sizes = [_same_output(*row) for row in rows]
            pads = given or [
                _same(size, k, s, d) for size, (_, k, s, d, _) in zip(sizes, rows, strict=True)
            ]
        else:
            sizes = [_valid_output(*row) for row in rows]
            pads = [(0, 0)] * n
        return conv_input_grad_p(
            x,
            kernel,
            shape=(Dim.of(x, 0), *sizes, filters),
            strides=strides,
            padding=tuple(pads),
            dilation=dilation,
            groups=1,
        )

    return in_channels_last(x, data_format, apply)


def _check_rank(name: str, x: Tensor, kernel: Tensor) -> None:
    if x.rank != kernel.rank or not 3 <= x.rank <= 5:
        raise ValueError(
            f"{name}: inputs and kernel must have one rank of 3 to 5, but got "
            f"{format_shape(x.shape)} and {format_shape(kernel.shape)}."
        )
    need_sizes(name, "the kernel", kernel.shape)


def _shared_out(padding: Any, window: Any, dilation: tuple[int, ...]) -> list[tuple[int, int]]:
    """Pairs that are together as long as "same" has them where the strides are 1."""
    pads = _pairs(padding, len(window))
    reaches = [(k - 1) * d for k, d in zip(window, dilation, strict=True)]
    if [before + after for before, after in pads] != reaches:
        raise ValueError(
            f"conv_transpose: pairs of padding must be {reaches} together, one per spatial axis, "
            f"but got {padding!r}."
        )
    return list(pads)


def _output_padding(value: Any, strides: tuple[int, ...]) -> tuple[int | None, ...]:
    extra = tuple(value) if np.ndim(value) else (value,) * len(strides)
    if len(extra) != len(strides):
        raise ValueError(
            f"conv_transpose: output_padding must be an int or {len(strides)} of them, but got "
            f"{value!r}."
        )
    return tuple(None if one is None else operator.index(one) for one in extra)


def _valid_output(n: Any, k: int, stride: int, dilation: int, extra: int | None) -> Any:
    reach = (k - 1) * dilation + 1
    if extra is None:
        return n * stride + (reach - stride if reach > stride else 0)
    _check_extra(extra, 0, stride - 1)
    return (n - 1) * stride + reach + extra


def _same_output(n: Any, k: int, stride: int, dilation: int, extra: int | None) -> Any:
    if extra is None:
        return n * stride
    odd = ((k - 1) * dilation + 1) % 2
    _check_extra(extra, 1 - odd, stride - odd)
    return (n - 1) * stride + odd + extra


def _check_extra(extra: int, least: int, most: int) -> None:
    if not least <= extra <= most:
        raise ValueError(
            f"conv_transpose: no convolution makes inputs of this size from an output with "
            f"output_padding={extra}; here it may be {least} to {most}."
        )


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str | Pads = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A convolution of each channel by itself.

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        kernel: (*window, channels, multiplier): each channel gives `multiplier` ones.
        strides: step of the window, an int or one per spatial axis.
        padding: "valid", "same", or a pair (before, after) for each spatial axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: distance of the kernel's elements, an int or one per spatial axis.

    Returns:
        A tensor (batch, *positions, channels * multiplier), or (batch, channels * multiplier,
        *positions) for "channels_first"; of the dtype in which inputs and kernel combine.

    Raises:
        ValueError: if the shapes or the options do not fit together.
        TypeError: if inputs or kernel is no array of numbers, such as a string or None.

    >>> depthwise_conv(np.ones((1, 4, 4, 3)), np.ones((2, 2, 3, 2))).shape
    (1, 3, 3, 6)
    """
    x, kernel = promoted(inputs, kernel)
    _check_rank("depthwise_conv", x, kernel)
    *window, channels, multiplier = kernel.shape
    by_filter = reshape(kernel, (*window, 1, channels * multiplier))
    last = _is_last(data_format)
    groups = x.shape[-1] if last else x.shape[1]
    if groups not in (None, channels):
        raise ValueError(
            f"depthwise_conv: the input has {groups} channels, but the kernel "
            f"{format_shape(kernel.shape)} expects {channels}."
        )
    if groups is None:
        sizes = shape(x)
        x = reshape(x, (*sizes[:-1], channels) if last else (sizes[0], channels, *sizes[2:]))
    return conv(x, by_filter, strides, padding, data_format, dilation_rate)


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str | Pads = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A convolution of each channel by itself, then one with a window of 1 across channels.

    Source: Chollet, 2016, arXiv:1610.02357.

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        depthwise_kernel: (*window, channels, multiplier).
        pointwise_kernel: (1, ..., 1, channels * multiplier, filters).
        strides: step of the window, an int or one per spatial axis.
        padding: "valid", "same", or a pair (before, after) for each spatial axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: distance of the kernel's elements, an int or one per spatial axis.

    Returns:
        A tensor (batch, *positions, filters), or (batch, filters, *positions) for "channels_first";
        of the dtype in which inputs and kernels combine.

    Raises:
        ValueError: if the shapes or the options do not fit together.
        TypeError: if inputs or a kernel is no array of numbers, such as a string or None.

    >>> separable_conv(np.ones((1, 4, 4, 2)), np.ones((2, 2, 2, 1)), np.ones((1, 1, 2, 3))).shape
    (1, 3, 3, 3)
    """
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    channels = x.shape[-1] if _is_last(data_format) else x.shape[1]
    given = as_tensor(pointwise_kernel).shape
    if given[-2:-1] != (channels,) or set(given[:-2]) != {1}:
        raise ValueError(
            f"separable_conv: the pointwise kernel must have windows of size 1 and take the "
            f"{channels} channels that the depthwise one gives, but its shape is "
            f"{format_shape(given)}."
        )
    return conv(x, pointwise_kernel, 1, "valid", data_format)


# --- adaptive pooling --------------------------------------------------------------------


def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The means of windows that are laid out so that `output_size` of them come out.

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        output_size: an int for all spatial axes, or one per axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        A tensor (batch, *output_size, channels), or (batch, channels, *output_size) for
        "channels_first", of the dtype of the inputs if that is a float, else of floatx.

    Raises:
        ValueError: if the rank is not 3 to 5, a spatial axis is empty or of unknown size,
            output_size is not a positive int or one per spatial axis, or no such data_format
            exists.
        TypeError: if inputs is no array of numbers, such as a string or None.

    >>> adaptive_average_pool(np.arange(6.0).reshape(1, 6, 1), 2).numpy().ravel()
    array([1., 4.])
    """
    x = as_tensor(inputs)
    x = cast(x, dtypes.floating(x.dtype))

    def along(x: Tensor, axis: int, starts: np.ndarray, stops: np.ndarray) -> Tensor:
        met = _windows(starts, stops)
        own = starts[:, None] + np.arange(met.shape[1]) < stops[:, None]
        weights = (own / (stops - starts)[:, None]).reshape(*met.shape, *(1,) * (x.rank - axis - 1))
        return sum(take(x, met, axis) * as_tensor(weights, x.dtype), axis=axis + 1)

    return _adaptive("adaptive_average_pool", x, output_size, data_format, along)


def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The maxima of windows that are laid out so that `output_size` of them come out.

    Args:
        inputs: (batch, *sizes, channels), or (batch, channels, *sizes) for "channels_first".
        output_size: an int for all spatial axes, or one per axis.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        A tensor (batch, *output_size, channels), or (batch, channels, *output_size) for
        "channels_first", of the dtype of the inputs.

    Raises:
        ValueError: if the rank is not 3 to 5, a spatial axis is empty or of unknown size,
            output_size is not a positive int or one per spatial axis, or no such data_format
            exists.
        TypeError: if inputs is no array of numbers, such as a string or None.

    >>> adaptive_max_pool(np.ones((1, 5, 5, 1)), 2).shape
    (1, 2, 2, 1)
    """

    def along(x: Tensor, axis: int, starts: np.ndarray, stops: np.ndarray) -> Tensor:
        return max(take(x, _windows(starts, stops), axis), axis=axis + 1)

    return _adaptive("adaptive_max_pool", as_tensor(inputs), output_size, data_format, along)


def _windows(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """What each window meets: they differ in size by one, shorter ones meet their last twice."""
    longest = int((stops - starts).max())
    return np.minimum(starts[:, None] + np.arange(longest), stops[:, None] - 1).astype("int32")


def _adaptive(
    name: str, x: Tensor, output_size: Any, data_format: str | None, along: Callable[..., Tensor]
) -> Tensor:
    n = x.rank - 2
    if not 1 <= n <= 3:
        raise ValueError(f"{name}: inputs must have rank 3 to 5, but got {format_shape(x.shape)}.")
    counts = per_axis(output_size, n, "output_size")

    def apply(x: Tensor) -> Tensor:
        for axis, count in enumerate(counts, 1):
            size = x.shape[axis]
            if not size:
                raise ValueError(
                    f"{name}: the spatial sizes must be known, and not 0, but the shape is "
                    f"{format_shape(x.shape)}."
                )
            if size != count:
                i = np.arange(count)
                x = along(x, axis, i * size // count, -(-(i + 1) * size // count))
        return x

    return in_channels_last(x, data_format, apply)
