"""What the Inceptions share: chains of convolutions side by side, and how an image enters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish import layers
from kerasish.applications.building import channel_axis
from kerasish.graph.tensor import Tensor


def convolved(
    x: Tensor,
    channels: int,
    kernel: Any,
    stride: int = 1,
    padding: str = "same",
    name: str | None = None,
) -> Tensor:
    """A convolution, normalized, and what is positive of it."""
    x = layers.Conv2D(channels, kernel, strides=stride, padding=padding, use_bias=False, name=name)(
        x
    )
    x = layers.BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return layers.Activation("relu", name=name and f"{name}_ac")(x)


def chain(x: Tensor, *links: Sequence[Any]) -> Tensor:
    """Convolutions one after the other, each said as the arguments of `convolved`."""
    for link in links:
        x = convolved(x, *link)
    return x


def reducing(channels: int) -> tuple[Any, ...]:
    """The link of a chain that halves the image."""
    return channels, 3, 2, "valid"


def halved(x: Tensor) -> Tensor:
    """The largest of 3 x 3 pixels, at every second one."""
    return layers.MaxPooling2D(3, strides=2)(x)


def averaged(x: Tensor, channels: int) -> Tensor:
    """The mean of 3 x 3 pixels, and a convolution of it."""
    return convolved(layers.AveragePooling2D(3, strides=1, padding="same")(x), channels, 1)


def joined(branches: Sequence[Tensor], name: str | None = None) -> Tensor:
    """The channels of all branches."""
    return layers.Concatenate(axis=channel_axis(), name=name)(branches)


def stem(image: Tensor) -> Tensor:
    """An eighth of the image in 192 channels."""
    x = chain(image, reducing(32), (32, 3, 1, "valid"), (64, 3))
    x = chain(halved(x), (80, 1, 1, "valid"), (192, 3, 1, "valid"))
    return halved(x)
