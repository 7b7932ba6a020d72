"""EfficientNetV2s, whose first blocks are not taken apart (Tan and Le, 2021).

Example:
    >>> EfficientNetV2B0(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from kerasish import layers
from kerasish.applications.building import (
    Request,
    channel_axis,
    channels_of,
    documentation,
    named,
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
    CLASSES,
    RGB_DEVIATION,
    RGB_MEAN,
    decode_predictions,
    preprocessing,
)
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, None)

_ABOUT = """EfficientNetV2{title}: EfficientNet's blocks, of which the first are not taken apart.

Mingxing Tan, Quoc V. Le: EfficientNetV2: Smaller Models and Faster Training, 2021
        (arXiv:2104.00298)."""

_OWN = "include_preprocessing: whether it takes pixels from 0 to 255, and not {range}."


class _Stage(NamedTuple):
    blocks: int
    channels: int
    expansion: int  # how much wider a block is inside
    stride: int
    fused: bool  # whether one convolution does what else two do, and channels are not weighed


_B = (
    _Stage(1, 16, 1, 1, True),
    _Stage(2, 32, 4, 2, True),
    _Stage(2, 48, 4, 2, True),
    _Stage(3, 96, 4, 2, False),
    _Stage(5, 112, 6, 1, False),
    _Stage(8, 192, 6, 2, False),
)
_S = (
    _Stage(2, 24, 1, 1, True),
    _Stage(4, 48, 4, 2, True),
    _Stage(4, 64, 4, 2, True),
    _Stage(6, 128, 4, 2, False),
    _Stage(9, 160, 6, 1, False),
    _Stage(15, 256, 6, 2, False),
)
_M = (
    _Stage(3, 24, 1, 1, True),
    _Stage(5, 48, 4, 2, True),
    _Stage(5, 80, 4, 2, True),
    _Stage(7, 160, 4, 2, False),
    _Stage(14, 176, 6, 1, False),
    _Stage(18, 304, 6, 2, False),
    _Stage(5, 512, 6, 1, False),
)
_L = (
    _Stage(4, 32, 1, 1, True),
    _Stage(7, 64, 4, 2, True),
    _Stage(7, 96, 4, 2, True),
    _Stage(10, 192, 4, 2, False),
    _Stage(19, 224, 6, 1, False),
    _Stage(25, 384, 6, 2, False),
    _Stage(7, 640, 6, 1, False),
)


class _Scale(NamedTuple):
    stages: tuple[_Stage, ...]
    stem: int  # channels that it begins with
    size: int
    width: float = 1.0
    depth: float = 1.0


_SCALES = {
    "B0": _Scale(_B, 32, 224),
    "B1": _Scale(_B, 32, 240, 1.0, 1.1),
    "B2": _Scale(_B, 32, 260, 1.1, 1.2),
    "B3": _Scale(_B, 32, 300, 1.2, 1.4),
    "S": _Scale(_S, 24, 384),
    "M": _Scale(_M, 24, 480),
    "L": _Scale(_L, 32, 480),
}
_MOMENTUM = 0.9
_DROP = 0.2  # how often the last block's result is dropped; those before it, in proportion


def _inside(x: Tensor, stage: _Stage, channels: int, stride: int, name: str) -> Tensor:
    """A block without its shortcut."""
    width = channels_of(x)
    wide = stage.expansion * width
    if stage.fused and stage.expansion == 1:
        x = convolved(x, channels, 3, f"{name}project_conv", stride)
        return swish(normalized(x, f"{name}project_bn", _MOMENTUM), f"{name}project_activation")
    kernel, first = (3, stride) if stage.fused else (1, 1)
    x = convolved(x, wide, kernel, f"{name}expand_conv", first)
    x = swish(normalized(x, f"{name}expand_bn", _MOMENTUM), f"{name}expand_activation")
    if not stage.fused:
        x = depthwise(x, 3, f"{name}dwconv2", stride)
        x = swish(normalized(x, f"{name}bn", _MOMENTUM), f"{name}activation")
        x = excited(x, max(1, width // 4), name)
    x = convolved(x, channels, 1, f"{name}project_conv")
    return normalized(x, f"{name}project_bn", _MOMENTUM)


def _preprocessed(image: Tensor, title: str) -> Tensor:
    """Pixels as the small models were trained on them, or the large ones, and on other than RGB."""
    if not title.startswith("B") or channels_of(image) != 3:
        return layers.Rescaling(1.0 / 128.0, offset=-1)(image)
    x = layers.Rescaling(1.0 / 255.0)(image)
    variance = [deviation**2 for deviation in RGB_DEVIATION]
    return layers.Normalization(axis=channel_axis(), mean=list(RGB_MEAN), variance=variance)(x)


def _efficientnet(request: Request, title: str, include_preprocessing: bool) -> Model:
    scale = _SCALES[title]
    x = image = request.image()
    if include_preprocessing:
        x = _preprocessed(image, title)
    x = convolved(x, rounded(scale.stem * scale.width, least=0), 3, "stem_conv", 2)
    x = swish(normalized(x, "stem_bn", _MOMENTUM), "stem_activation")
    depths = [math.ceil(stage.blocks * scale.depth) for stage in scale.stages]
    # Rates go by the number in the table, in deeper ones too: so they were trained.
    blocks = sum(stage.blocks for stage in scale.stages)
    done = 0
    for number, (stage, depth) in enumerate(zip(scale.stages, depths, strict=True), 1):
        channels = rounded(stage.channels * scale.width, least=0)
        for i in range(depth):
            name = f"block{number}{chr(ord('a') + i)}_"
            stride = stage.stride if i == 0 else 1
            before, x = x, _inside(x, stage, channels, stride, name)
            if stride == 1 and channels_of(before) == channels:
                x = shortcut(x, before, _DROP * done / blocks, name)
            done += 1
    x = ended(request, x, rounded(1280 * scale.width, least=0), _MOMENTUM, 0.2)
    return request.model(image, x)


def _member(title: str) -> Any:
    size = _SCALES[title].size

    def make(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = CLASSES,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str | None = f"efficientnetv2-{title.lower()}",
    ) -> Model:
        request = Request(
            f"EfficientNetV2{title}",
            name,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            size,
        )
        return _efficientnet(request, title, include_preprocessing)

    what = "standardized ones" if title.startswith("B") else "from -1 to 1"
    text = documentation(_ABOUT.format(title=title), size, 32, _OWN.format(range=what))
    return named(make, __name__, f"EfficientNetV2{title}", text)


EfficientNetV2B0 = _member("B0")
EfficientNetV2B1 = _member("B1")
EfficientNetV2B2 = _member("B2")
EfficientNetV2B3 = _member("B3")
EfficientNetV2S = _member("S")
EfficientNetV2M = _member("M")
EfficientNetV2L = _member("L")

__all__ = [
    *(f"EfficientNetV2{title}" for title in _SCALES),
    "decode_predictions",
    "preprocess_input",
]
