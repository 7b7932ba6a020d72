"""Windows of images side by side, and back: unfold, fold, space_to_depth, depth_to_space."""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np

from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import Dim, same_padding
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import reshape, shape, transpose
from kerasish.ops.conv import in_channels_last, per_axis
from kerasish.ops.filling import whole
from kerasish.ops.joining import pad_p
from kerasish.ops.selection import slice_p, take, take_grad_p


def window_indices(
    size: int, window: int, stride: int, dilation: int, pads: tuple[int, int]
) -> np.ndarray:
    """[window, positions]: where, along a padded axis, each element of each window lies."""
    if builtins.min(window, stride, dilation) < 1:
        raise ValueError(
            f"a window needs at least 1 element, and steps of at least 1, but it has {window} "
            f"elements, {dilation} apart, in steps of {stride}."
        )
    reach = (window - 1) * dilation + 1
    positions = (size + sum(pads) - reach) // stride + 1
    if positions < 1:
        raise ValueError(
            f"a window of {window} elements, {dilation} apart, does not fit into an axis of size "
            f"{size} with padding {pads}."
        )
    return (np.arange(window)[:, None] * dilation + np.arange(positions) * stride).astype("int32")


def _windows(sizes: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> list[Any]:
    """Per axis of an image: the indices of the windows, and the padding."""
    window, spread = per_axis(kernel_size, 2, "kernel_size"), per_axis(dilation, 2, "dilation")
    steps = per_axis(stride, 2, "stride")
    margin = per_axis(padding, 2, "padding", least=0)
    return [
        (window_indices(n, k, s, d, (p, p)), p)
        for n, k, s, d, p in zip(sizes, window, steps, spread, margin, strict=True)
    ]


def unfold(
    x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Each window of an image as a column.

    Args:
        x: images (batch, channels, height, width).
        kernel_size: the size of the windows, an int or (height, width).
        dilation: the distance of a window's elements.
        padding: how many zeros stand at each side.
        stride: the distance of the windows.

    Returns:
        (batch, channels * window elements, windows), of the dtype of x.

    Raises:
        ValueError: if x does not have rank 4, no window fits into the images, or an option is too
            small or given for another number of axes than two.
        TypeError: if x is no array of numbers, such as a string or None, or an option no int.

    >>> unfold(np.zeros((1, 2, 4, 5)), (2, 3)).shape
    (1, 12, 9)
    """
    x = as_tensor(x)
    if x.rank != 4 or None in x.shape[2:]:
        raise ValueError(
            "unfold: x must have shape (batch, channels, height, width) of known height and "
            f"width, but got {format_shape(x.shape)}."
        )
    (rows, top), (columns, left) = _windows(x.shape[2:], kernel_size, dilation, padding, stride)
    if top or left:
        x = pad_p(x, widths=((0, 0), (0, 0), (top, top), (left, left)), value=0)
    x = take(take(x, columns, axis=3), rows, axis=2)  # (batch, channels, k, rows, k, columns)
    batch, channels, *sizes = shape(x)
    x = transpose(x, (0, 1, 2, 4, 3, 5))
    return reshape(x, (batch, channels * sizes[0] * sizes[2], sizes[1] * sizes[3]))


def fold(
    x: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Puts windows back where `unfold` took them from; what overlaps is added.

    Args:
        x: (batch, channels * window elements, windows).
        output_size: (height, width) of the images.
        kernel_size: the size of the windows, an int or (height, width).
        dilation: the distance of a window's elements.
        padding: how many zeros stood at each side.
        stride: the distance of the windows.

    Returns:
        Images (batch, channels, height, width), of the dtype of x.

    Raises:
        ValueError: if x has not the shape that these windows need, none fits into the images, or an
            option is too small or given for another number of axes than two.
        TypeError: if x is no array of numbers, such as a string or None, or an option no int.

    >>> fold(np.ones((1, 4, 2)), (2, 3), 2).numpy()[0, 0]
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    x = as_tensor(x)
    height, width = per_axis(output_size, 2, "output_size")
    (rows, top), (columns, left) = _windows((height, width), kernel_size, dilation, padding, stride)
    elements, positions = rows.shape[0] * columns.shape[0], rows.shape[1] * columns.shape[1]
    if x.rank != 3 or (x.shape[1] or 0) % elements or x.shape[2] not in (None, positions):
        raise ValueError(
            f"fold: {positions} windows of {elements} elements need x of shape (batch, channels * "
            f"{elements}, {positions}), but got {format_shape(x.shape)}."
        )
    batch, channels = Dim.of(x, 0), Dim.of(x, 1) // elements
    apart = (batch, channels, rows.shape[0], columns.shape[0], rows.shape[1], columns.shape[1])
    x = transpose(reshape(x, apart), (0, 1, 2, 4, 3, 5))
    tall = (batch, channels, height + 2 * top, *columns.shape)
    x = take_grad_p(x, rows, shape=tall, axis=2)
    x = take_grad_p(x, columns, shape=(*tall[:3], width + 2 * left), axis=3)
    if not top and not left:
        return x
    return slice_p(
        x,
        start=(0, 0, top, left),
        stop=(batch, channels, top + height, left + width),
        step=(1, 1, 1, 1),
    )


def extract(
    x: Tensor, size: tuple[int, ...], strides: tuple[int, ...], dilation: Any, padding: str
) -> Tensor:
    """Windows of channels last images: (batch, *positions, window elements * channels)."""
    n = len(size)
    if padding not in ("valid", "same"):
        raise ValueError(f'padding must be "valid" or "same", but got {padding!r}.')
    if None in x.shape[1:]:
        raise ValueError(f"the sizes of images must be known, but got {format_shape(x.shape)}.")
    rows: list[Any] = list(zip(x.shape[1:-1], size, strides, dilation, strict=True))
    pads = [same_padding(*row) if padding == "same" else (0, 0) for row in rows]
    if any(map(any, pads)):
        x = pad_p(x, widths=((0, 0), *pads, (0, 0)), value=0)
    for axis in reversed(range(n)):
        length, k, step, spread = rows[axis]
        x = take(x, window_indices(length, k, step, spread, pads[axis]), axis=axis + 1)
    windows, positions = range(1, 2 * n, 2), range(2, 2 * n + 1, 2)
    x = transpose(x, (0, *positions, *windows, 2 * n + 1))
    sizes = shape(x)
    return reshape(x, (*sizes[: n + 1], int(np.prod(sizes[n + 1 :]))))


def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Each block of `block_size` squared pixels as the channels of one pixel.

    Args:
        x: images (batch, height, width, channels), or (batch, channels, height, width) for
            "channels_first".
        block_size: at least 2; height and width must be multiples of it.
        data_format: "channels_last" or "channels_first".

    Returns:
        A tensor (batch, height / b, width / b, channels * b * b) for a block_size of b, or the same
        with the channels first; of the dtype of x.

    Raises:
        ValueError: if x does not have rank 4, height or width is no multiple of block_size, that is
            below 2, or no such data_format exists.
        TypeError: if x is no array of numbers, such as a string or None, or block_size no int.

    >>> space_to_depth(np.zeros((1, 4, 6, 3)), 2).shape
    (1, 2, 3, 12)
    """
    x, b = _image_for("space_to_depth", x, block_size)

    def apply(x: Tensor) -> Tensor:
        batch, height, width, channels = shape(x)
        if any(isinstance(size, int) and size % b for size in (height, width)):
            raise ValueError(
                f"space_to_depth: height and width must be multiples of {b}, but they are "
                f"{x.shape[1]} and {x.shape[2]}."
            )
        x = reshape(x, (batch, height // b, b, width // b, b, channels))
        x = transpose(x, (0, 1, 3, 2, 4, 5))
        return reshape(x, (batch, height // b, width // b, b * b * channels))

    return in_channels_last(x, data_format, apply)


def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """The channels of each pixel as a block of `block_size` squared pixels.

    Args:
        x: images (batch, height, width, channels), or (batch, channels, height, width) for
            "channels_first".
        block_size: at least 2; the channels must be a multiple of its square.
        data_format: "channels_last" or "channels_first".

    Returns:
        A tensor (batch, height * b, width * b, channels / (b * b)) for a block_size of b, or the
        same with the channels first; of the dtype of x.

    Raises:
        ValueError: if x does not have rank 4, the channels are no multiple of block_size squared,
            that is below 2, or no such data_format exists.
        TypeError: if x is no array of numbers, such as a string or None, or block_size no int.

    >>> depth_to_space(np.zeros((1, 2, 3, 12)), 2).shape
    (1, 4, 6, 3)
    """
    x, b = _image_for("depth_to_space", x, block_size)

    def apply(x: Tensor) -> Tensor:
        batch, height, width, channels = shape(x)
        if isinstance(channels, int) and channels % (b * b):
            raise ValueError(
                f"depth_to_space: the channels must be a multiple of {b * b}, but there are "
                f"{channels}."
            )
        x = reshape(x, (batch, height, width, b, b, channels // (b * b)))
        x = transpose(x, (0, 1, 3, 2, 4, 5))
        return reshape(x, (batch, height * b, width * b, channels // (b * b)))

    return in_channels_last(x, data_format, apply)


def _image_for(name: str, x: Any, block_size: Any) -> tuple[Tensor, int]:
    x = as_tensor(x)
    size = operator.index(whole("block_size", block_size))
    if size < 2:
        raise ValueError(f"{name}: block_size must be an int of at least 2, not {block_size!r}.")
    if x.rank != 4:
        raise ValueError(f"{name}: images must have rank 4, but got {format_shape(x.shape)}.")
    return x, size
