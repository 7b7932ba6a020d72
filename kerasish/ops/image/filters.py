"""Filters: blur and edges; and how like two images look."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.values import has_value
from kerasish.ops.array import broadcast_to, reshape, shape
from kerasish.ops.conv_transpose import depthwise_conv
from kerasish.ops.elementwise import exp, square
from kerasish.ops.image.layout import each_image
from kerasish.ops.joining import pad, stack
from kerasish.ops.promotion import cast, promoted
from kerasish.ops.reduce import mean, sum


def bell(size: int, sigma: Any, dtype: str) -> Tensor:
    """A normal distribution of deviation `sigma` at `size` points, of sum 1."""
    at = as_tensor(np.arange(size) - (size - 1) / 2, dtype)
    weights = exp(-0.5 * square(at / cast(sigma, dtype)))
    return weights / sum(weights)


def _check_bell(name: str, size: str, sizes: Any, sigma: str, spread: Tensor) -> None:
    """Raises unless there are points, and deviations where they are known."""
    if any(operator.index(n) < 1 for n in sizes):
        raise ValueError(f"{name}: {size} must be positive, but got {', '.join(map(str, sizes))}.")
    if has_value(spread) and not np.all(spread.numpy() > 0):
        raise ValueError(f"{name}: {sigma} must be positive, but got {spread.numpy().tolist()}.")


def blur(x: Tensor, rows: Tensor, columns: Tensor, padding: str) -> Tensor:
    """Each channel of (batch, height, width, channels) weighted along both axes."""
    channels = x.shape[-1]
    if channels is None:
        raise ValueError(f"the number of channels must be known, but got {format_shape(x.shape)}.")
    for weights, sizes in ((rows, (-1, 1, 1, 1)), (columns, (1, -1, 1, 1))):
        kernel = reshape(weights, sizes)
        kernel = broadcast_to(kernel, (*shape(kernel)[:2], channels, 1))
        x = depthwise_conv(x, kernel, padding=padding, data_format="channels_last")
    return x


def gaussian_blur(
    images: Any,
    kernel_size: Any = (3, 3),
    sigma: Any = (1.0, 1.0),
    data_format: str | None = None,
) -> Tensor:
    """Each pixel becomes a mean of those around it, weighted by a normal distribution.

    Args:
        images: one image or a batch; zeros are assumed around it.
        kernel_size: the size of the window, an int or (width, height).
        sigma: the deviation of the distribution, a number or (along width, along height).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        The shape of the images. Floats keep their dtype, integers become config.floatx().

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, if kernel_size or sigma has other than
            one or two positive numbers, or for another data_format.
        TypeError: if images or sigma is no array of numbers, or kernel_size is no int or several.

    >>> gaussian_blur(np.ones((4, 4, 1))).shape
    (4, 4, 1)
    """
    (x,) = promoted(images, to=dtypes.floating)
    sizes = (kernel_size,) * 2 if np.ndim(kernel_size) == 0 else tuple(kernel_size)
    spread = as_tensor(sigma)
    if len(sizes) != 2 or spread.shape not in ((), (2,)):
        raise ValueError(
            "gaussian_blur: expected one or two numbers as kernel_size and as sigma, but got "
            f"{kernel_size!r} and {sigma!r}."
        )
    _check_bell("gaussian_blur", "kernel_size", sizes, "sigma", spread)
    spreads = (spread, spread) if spread.rank == 0 else (spread[0], spread[1])
    # Keras documents height first, but the first numbers are those along width.
    columns, rows = (bell(n, s, x.dtype) for n, s in zip(sizes, spreads, strict=True))
    return each_image("gaussian_blur", x, data_format, lambda x: blur(x, rows, columns, "same"))


def sobel_edges(images: Any, data_format: str | None = None) -> Tensor:
    """How fast images change from row to row and from column to column.

    Args:
        images: one image or a batch, mirrored at its borders.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        The shape of the images with a last axis of size 2: along height, along width. Floats keep
        their dtype, integers become config.floatx().

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, or a height or width of 1, or for
            another data_format.
        TypeError: if images is no array of numbers, such as a string or None.

    >>> sobel_edges(np.zeros((1, 4, 4, 3))).shape
    (1, 4, 4, 3, 2)
    """
    (x,) = promoted(images, to=dtypes.floating)
    change, smooth = as_tensor([-1.0, 0.0, 1.0], x.dtype), as_tensor([1.0, 2.0, 1.0], x.dtype)

    def along(rows: Tensor, columns: Tensor) -> Tensor:
        def apply(x: Tensor) -> Tensor:
            x = pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
            return blur(x, rows, columns, "valid")

        return each_image("sobel_edges", x, data_format, apply)

    return stack([along(change, smooth), along(smooth, change)], axis=-1)


def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Tensor:
    """The structural similarity of images: 1 for equal ones, near 0 for unrelated ones.

    Source: Wang et al., 2004, https://doi.org/10.1109/TIP.2003.819861

    Args:
        image1: one image or a batch.
        image2: the other ones, of the same shape.
        max_val: the largest value that pixels can have.
        filter_size: the size of the windows in which means and variances are taken.
        filter_sigma: the deviation of the weights within them.
        k1: keeps the comparison of means from dividing by 0.
        k2: keeps the comparison of variances from dividing by 0.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        One number per image: shape (batch,), or () for one image. The dtype is the float one in
        which theirs combine; integers count as config.floatx().

    Raises:
        ValueError: if the shapes differ, if they have neither rank 3 nor rank 4, if filter_size or
            filter_sigma is not positive, if a window does not fit into the images, or for another
            data_format.
        TypeError: if image1 or image2 is no array of numbers, such as a string or None, or
            filter_size no int.

    >>> float(ssim(np.ones((1, 12, 12, 1)), np.ones((1, 12, 12, 1)), 1.0)[0])
    1.0
    """
    a, b = promoted(image1, image2, to=dtypes.floating)
    if not compatible(a.shape, b.shape):
        raise ValueError(
            f"ssim: both must have one shape, but got {format_shape(a.shape)} and "
            f"{format_shape(b.shape)}."
        )
    _check_bell("ssim", "filter_size", (filter_size,), "filter_sigma", as_tensor(filter_sigma))
    weights = bell(filter_size, filter_sigma, a.dtype)

    def local(x: Tensor) -> Tensor:
        return each_image("ssim", x, data_format, lambda x: blur(x, weights, weights, "valid"))

    mean_a, mean_b = local(a), local(b)
    both = mean_a * mean_b
    squares = square(mean_a) + square(mean_b)
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    means = (2 * both + c1) / (squares + c1)
    variances = (2 * (local(a * b) - both) + c2) / (local(square(a) + square(b)) - squares + c2)
    return mean(means * variances, axis=(-3, -2, -1))
