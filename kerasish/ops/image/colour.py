"""Colours: grey, and hue, saturation and value."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.binary import clip, mod, where
from kerasish.ops.comparisons import equal
from kerasish.ops.elementwise import abs
from kerasish.ops.image.layout import each_image
from kerasish.ops.joining import stack, unstack
from kerasish.ops.promotion import cast
from kerasish.ops.reduce import max, min, sum

# The luminance of red, green and blue: ITU-R recommendation BT.601.
_LUMINANCE = np.array([0.2989, 0.5870, 0.1140])


def _three_channels(name: str, x: Tensor) -> None:
    if x.shape[-1] not in (3, None):
        raise ValueError(
            f"{name}: expected 3 channels, but got {x.shape[-1]} (images of shape "
            f"{format_shape(x.shape)}, channels last)."
        )


def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """The luminance of each pixel: 0.2989 * red + 0.5870 * green + 0.1140 * blue.

    Args:
        images: one image or a batch, of 3 channels.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of 1 channel and of the same dtype; integers are cut off.

    Raises:
        ValueError: if images has neither rank 3 nor rank 4, or other than 3 channels, or for
            another data_format.
        TypeError: if images is no array of numbers, such as a string or None.

    >>> rgb_to_grayscale(np.ones((2, 2, 3))).shape
    (2, 2, 1)
    """

    def apply(x: Tensor) -> Tensor:
        _three_channels("rgb_to_grayscale", x)
        floats = cast(x, dtypes.floating(x.dtype))
        grey = sum(floats * as_tensor(_LUMINANCE, floats.dtype), axis=-1, keepdims=True)
        return cast(grey, x.dtype)

    return each_image("rgb_to_grayscale", images, data_format, apply)


def rgb_to_hsv(images: Any, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value of colours, all from 0 to 1.

    Args:
        images: one image or a batch, floats from 0 to 1, of 3 channels.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: if images holds no floats, has neither rank 3 nor rank 4, or other than 3
            channels, or for another data_format.
        TypeError: if images is no array of numbers, such as a string or None.

    >>> rgb_to_hsv(np.array([[[0.0, 1.0, 0.0]]], "float32")).numpy().round(3)
    array([[[0.333, 1.   , 1.   ]]], dtype=float32)
    """
    return each_image("rgb_to_hsv", _floats("rgb_to_hsv", images), data_format, _hsv)


def _floats(name: str, images: Any) -> Tensor:
    x = as_tensor(images)
    if not dtypes.is_float(x.dtype):
        raise ValueError(
            f"{name}: images must be floats from 0 to 1, but their dtype is {x.dtype}."
        )
    return x


def _hsv(x: Tensor) -> Tensor:
    _three_channels("rgb_to_hsv", x)
    red, green, blue = unstack(x, 3, axis=-1)
    value = max(x, axis=-1)
    span = value - min(x, axis=-1)
    some = span > 0
    unit = where(some, span, 1.0)
    sixth = where(
        equal(value, red),
        (green - blue) / unit,
        where(equal(value, green), (blue - red) / unit + 2, (red - green) / unit + 4),
    )
    hue = where(some, mod(sixth / 6, 1), 0.0)
    saturation = where(value > 0, span / where(value > 0, value, 1.0), 0.0)
    return stack([hue, saturation, value], axis=-1)


def hsv_to_rgb(images: Any, data_format: str | None = None) -> Tensor:
    """Red, green and blue of hue, saturation and value, all from 0 to 1.

    Args:
        images: one image or a batch, floats from 0 to 1, of 3 channels.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ValueError: if images holds no floats, has neither rank 3 nor rank 4, or other than 3
            channels, or for another data_format.
        TypeError: if images is no array of numbers, such as a string or None.

    >>> hsv_to_rgb([[[0.0, 1.0, 1.0]]]).numpy()
    array([[[1., 0., 0.]]], dtype=float32)
    """
    return each_image("hsv_to_rgb", _floats("hsv_to_rgb", images), data_format, _rgb)


def _rgb(x: Tensor) -> Tensor:
    _three_channels("hsv_to_rgb", x)
    hue, saturation, value = unstack(x, 3, axis=-1)
    turn = hue * 6
    shares = [abs(turn - 3) - 1, 2 - abs(turn - 2), 2 - abs(turn - 4)]
    return stack([value * (1 - saturation + saturation * clip(s, 0, 1)) for s in shares], axis=-1)
