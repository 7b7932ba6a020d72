"""Parts of images, and images in larger ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.graph.tensor import Tensor
from kerasish.ops.conv import per_axis
from kerasish.ops.image.layout import each_image, known_sizes
from kerasish.ops.joining import pad_p
from kerasish.ops.patches import extract


def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """A part of each image.

    Of top_cropping, bottom_cropping and target_height two must be given; likewise of
    left_cropping, right_cropping and target_width.

    Args:
        images: one image or a batch.
        top_cropping: how many rows to leave out above.
        left_cropping: how many columns to leave out on the left.
        bottom_cropping: how many rows to leave out below.
        right_cropping: how many columns to leave out on the right.
        target_height: the number of rows that remain.
        target_width: the number of columns that remain.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the new height and width and of the same dtype.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if other than two numbers of a side are
            given, if one of them is negative, if no pixel remains, or for another data_format.
        TypeError: if images is no array of numbers, or one of the numbers no int.

    >>> crop_images(np.zeros((5, 6, 3)), 1, 2, target_height=2, right_cropping=1).shape
    (2, 3, 3)
    """

    def apply(x: Tensor) -> Tensor:
        height, width = known_sizes("crop_images", x)
        top, below = _margins(
            "crop_images", "height", height, top_cropping, bottom_cropping, target_height, -1
        )
        left, right = _margins(
            "crop_images", "width", width, left_cropping, right_cropping, target_width, -1
        )
        return x[:, top : height - below, left : width - right]

    return each_image("crop_images", images, data_format, apply)


def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Each image with a margin of zeros.

    Of top_padding, bottom_padding and target_height two must be given; likewise of
    left_padding, right_padding and target_width.

    Args:
        images: one image or a batch.
        top_padding: how many rows to add above.
        left_padding: how many columns to add on the left.
        bottom_padding: how many rows to add below.
        right_padding: how many columns to add on the right.
        target_height: the number of rows that come out.
        target_width: the number of columns that come out.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the new height and width and of the same dtype.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if other than two numbers of a side are
            given, if a margin is or becomes negative, or for another data_format.
        TypeError: if images is no array of numbers, or one of the numbers no int.

    >>> pad_images(np.zeros((5, 6, 3)), 1, 2, target_height=8, target_width=9).shape
    (8, 9, 3)
    """

    def apply(x: Tensor) -> Tensor:
        height, width = known_sizes("pad_images", x)
        rows = _margins(
            "pad_images", "height", height, top_padding, bottom_padding, target_height, 1
        )
        columns = _margins(
            "pad_images", "width", width, left_padding, right_padding, target_width, 1
        )
        return pad_p(x, widths=((0, 0), rows, columns, (0, 0)), value=0)

    return each_image("pad_images", images, data_format, apply)


def _margins(
    name: str,
    side: str,
    size: int,
    before: int | None,
    after: int | None,
    target: int | None,
    direction: int,
) -> tuple[int, int]:
    """Both margins of one axis, from two of the three numbers that determine them."""
    first, last = ("top", "bottom") if side == "height" else ("left", "right")
    kind = "cropping" if direction < 0 else "padding"
    if [before, after, target].count(None) != 1:
        raise ValueError(
            f"{name}: exactly two of {first}_{kind}, {last}_{kind} and target_{side} must be "
            f"given, but got {before}, {after} and {target}."
        )
    for number in (before, after, target):
        if number is not None and not isinstance(number, (int, np.integer)):
            raise TypeError(f"{name}: the {kind}s and target_{side} must be ints, not {number!r}.")
    if before is None:
        before = direction * (target - size) - after  # type: ignore[operator]
    elif after is None:
        after = direction * (target - size) - before  # type: ignore[operator]
    remaining = size + direction * (before + after)  # type: ignore[operator]
    if before < 0 or after < 0 or remaining < 1:  # type: ignore[operator]
        raise ValueError(
            f"{name}: a {side} of {size} cannot become {remaining} with {first}_{kind}={before} "
            f"and {last}_{kind}={after}."
        )
    return before, after  # type: ignore[return-value]


def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Windows of images, the pixels of each as channels.

    Args:
        images: one image or a batch.
        size: the size of the windows, an int or (height, width).
        strides: the distance of the windows; their size if None.
        dilation_rate: the distance of a window's pixels.
        padding: "valid" (none) or "same" (zeros, so that there is a window at each stride).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        (batch, rows, columns, window pixels * channels), the channels in the order of the axis; of
        one image without batch. The dtype is that of the images.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if no window fits, if a size is not
            positive, or for another padding or data_format.
        TypeError: if images is no array of numbers, or a size no int.

    >>> extract_patches(np.zeros((1, 4, 6, 3)), 2).shape
    (1, 2, 3, 12)
    """
    return _patches(
        "extract_patches", images, size, strides, dilation_rate, padding, data_format, 2
    )


def extract_patches_3d(
    volumes: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Windows of volumes, the elements of each as channels.

    Args:
        volumes: (depth, height, width, channels), or a batch of them.
        size: the size of the windows, an int or one per axis.
        strides: the distance of the windows; their size if None.
        dilation_rate: the distance of a window's elements.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        (batch, planes, rows, columns, window elements * channels), of one volume without batch. The
        dtype is that of the volumes.

    Raises:
        ValueError: if volumes has neither rank 4 nor rank 5, if no window fits, if a size is not
            positive, or for another padding or data_format.
        TypeError: if volumes is no array of numbers, or a size no int.

    >>> extract_patches_3d(np.zeros((1, 4, 4, 6, 3)), 2).shape
    (1, 2, 2, 3, 24)
    """
    return _patches(
        "extract_patches_3d", volumes, size, strides, dilation_rate, padding, data_format, 3
    )


def _patches(
    name: str,
    x: Any,
    size: Any,
    strides: Any,
    dilation_rate: Any,
    padding: str,
    data_format: str | None,
    n: int,
) -> Tensor:
    window = per_axis(size, n, "size")
    steps = window if strides is None else per_axis(strides, n, "strides")
    dilation = per_axis(dilation_rate, n, "dilation_rate")
    return each_image(
        name, x, data_format, lambda x: extract(x, window, steps, dilation, padding), n
    )
