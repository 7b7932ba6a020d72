"""Xception, of convolutions that are taken apart (Chollet, 2017).

Example:
    >>> Xception(weights=None, classes=10, input_shape=(71, 71, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from kerasish import layers
from kerasish.applications.building import Request, first_axis, member
from kerasish.applications.imagenet_utils import TF, decode_predictions, preprocessing
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, TF)

_ABOUT = """Xception: an Inception whose convolutions are each taken apart altogether.

Francois Chollet: Xception: Deep Learning with Depthwise Separable Convolutions, 2017
        (arXiv:1610.02357)."""

# The channels within each block that halves the image, by its number.
_HALVING = {2: (128, 128), 3: (256, 256), 4: (728, 728), 13: (728, 1024)}
_PLAIN = range(5, 13)  # the others, of 728 channels


def _normalized(x: Tensor, name: str | None = None) -> Tensor:
    return layers.BatchNormalization(axis=first_axis(), name=name)(x)


def _relu(x: Tensor, name: str) -> Tensor:
    return layers.Activation("relu", name=f"{name}_act")(x)


def _separable(x: Tensor, channels: int, name: str) -> Tensor:
    x = layers.SeparableConv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
    return _normalized(x, f"{name}_bn")


def _halving(x: Tensor, number: int) -> Tensor:
    name = f"block{number}"
    first, second = _HALVING[number]
    shortcut = layers.Conv2D(second, 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = _normalized(shortcut)
    if number > 2:  # what enters the first of them is positive already
        x = _relu(x, f"{name}_sepconv1")
    x = _separable(x, first, f"{name}_sepconv1")
    x = _separable(_relu(x, f"{name}_sepconv2"), second, f"{name}_sepconv2")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return layers.Add()([x, shortcut])


def _plain(x: Tensor, number: int) -> Tensor:
    shortcut = x
    for i in (1, 2, 3):
        name = f"block{number}_sepconv{i}"
        x = _separable(_relu(x, name), 728, name)
    return layers.Add()([x, shortcut])


def _xception(request: Request, table: None) -> Model:
    x = image = request.image()
    for name, channels, stride in (("block1_conv1", 32, 2), ("block1_conv2", 64, 1)):
        x = layers.Conv2D(channels, 3, strides=stride, use_bias=False, name=name)(x)
        x = _relu(_normalized(x, f"{name}_bn"), name)
    for number in range(2, 14):
        x = (_plain if number in _PLAIN else _halving)(x, number)
    for name, channels in (("block14_sepconv1", 1536), ("block14_sepconv2", 2048)):
        x = _relu(_separable(x, channels, name), name)
    return request.model(image, request.ended(x, named=False))


Xception = member(_xception, "Xception", _ABOUT, None, size=299, smallest=71)

__all__ = ["Xception", "decode_predictions", "preprocess_input"]
