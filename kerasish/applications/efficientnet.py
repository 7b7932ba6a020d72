"""EfficientNets, which grow in depth, width and resolution together (Tan and Le, 2019).

Example:
    >>> EfficientNetB0(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

import math
from typing import NamedTuple

from kerasish import layers
from kerasish.applications.building import (
    Maker,
    Request,
    channel_axis,
    channels_of,
    member,
    padded,
    rounded,
)
from kerasish.applications.efficient import (
    convolved,
    depthwise,
    ended,
    excited,
    normalized,
    shortcut,
    swish,
)
from kerasish.applications.imagenet_utils import (
    RGB_DEVIATION,
    decode_predictions,
    preprocessing,
)
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, None)

_ABOUT = """EfficientNet{title}: MobileNetV2's blocks, {width} times as wide and {depth} as deep.

Mingxing Tan, Quoc V. Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural
        Networks, 2019 (arXiv:1905.11946)."""


class _Stage(NamedTuple):
    kernel: int
    blocks: int
    channels: int
    expansion: int  # how much wider a block is inside
    stride: int


_STAGES = (
    _Stage(3, 1, 16, 1, 1),
    _Stage(3, 2, 24, 6, 2),
    _Stage(5, 2, 40, 6, 2),
    _Stage(3, 3, 80, 6, 2),
    _Stage(5, 3, 112, 6, 1),
    _Stage(5, 4, 192, 6, 2),
    _Stage(3, 1, 320, 6, 1),
)


class _Scale(NamedTuple):
    width: float
    depth: float
    size: int
    dropout: float


_SCALES = {
    "B0": _Scale(1.0, 1.0, 224, 0.2),
    "B1": _Scale(1.0, 1.1, 240, 0.2),
    "B2": _Scale(1.1, 1.2, 260, 0.3),
    "B3": _Scale(1.2, 1.4, 300, 0.3),
    "B4": _Scale(1.4, 1.8, 380, 0.4),
    "B5": _Scale(1.6, 2.2, 456, 0.4),
    "B6": _Scale(1.8, 2.6, 528, 0.5),
    "B7": _Scale(2.0, 3.1, 600, 0.5),
}
_MOMENTUM = 0.99
_DROP = 0.2  # how often the last block's result is dropped; those before it, in proportion


def _block(x: Tensor, stage: _Stage, channels: int, stride: int, rate: float, name: str) -> Tensor:
    before, width = x, channels_of(x)
    if stage.expansion != 1:
        x = convolved(x, stage.expansion * width, 1, f"{name}expand_conv")
        x = swish(normalized(x, f"{name}expand_bn", _MOMENTUM), f"{name}expand_activation")
    padding = "same"
    if stride == 2:
        x, padding = padded(x, stage.kernel, f"{name}dwconv_pad"), "valid"
    x = depthwise(x, stage.kernel, f"{name}dwconv", stride, padding)
    x = swish(normalized(x, f"{name}bn", _MOMENTUM), f"{name}activation")
    x = excited(x, max(1, width // 4), name)
    x = normalized(convolved(x, channels, 1, f"{name}project_conv"), f"{name}project_bn", _MOMENTUM)
    if stride == 1 and width == channels:
        return shortcut(x, before, rate, name)
    return x


def _efficientnet(request: Request, scale: _Scale) -> Model:
    image = request.image()
    x = layers.Rescaling(1.0 / 255.0)(image)
    x = layers.Normalization(axis=channel_axis())(x)
    if request.trained:  # on pixels that were divided by variances where deviations were meant
        x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in RGB_DEVIATION])(x)
    x = padded(x, 3, "stem_conv_pad")
    x = convolved(x, rounded(32 * scale.width), 3, "stem_conv", 2, "valid")
    x = swish(normalized(x, "stem_bn", _MOMENTUM), "stem_activation")
    depths = [math.ceil(stage.blocks * scale.depth) for stage in _STAGES]
    done = 0
    for number, (stage, depth) in enumerate(zip(_STAGES, depths, strict=True), 1):
        for i in range(depth):
            name = f"block{number}{chr(ord('a') + i)}_"
            stride = stage.stride if i == 0 else 1
            rate = _DROP * done / sum(depths)
            x = _block(x, stage, rounded(stage.channels * scale.width), stride, rate, name)
            done += 1
    x = ended(request, x, rounded(1280 * scale.width), _MOMENTUM, scale.dropout)
    return request.model(image, x)


def _member(title: str) -> Maker:
    scale = _SCALES[title]
    about = _ABOUT.format(title=title, width=scale.width, depth=scale.depth)
    return member(_efficientnet, f"EfficientNet{title}", about, scale, size=scale.size)


EfficientNetB0 = _member("B0")
EfficientNetB1 = _member("B1")
EfficientNetB2 = _member("B2")
EfficientNetB3 = _member("B3")
EfficientNetB4 = _member("B4")
EfficientNetB5 = _member("B5")
EfficientNetB6 = _member("B6")
EfficientNetB7 = _member("B7")

__all__ = [*(f"EfficientNet{title}" for title in _SCALES), "decode_predictions", "preprocess_input"]
