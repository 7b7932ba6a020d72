"""MobileNetV3, which a search has found for phones (Howard et al., 2019).

Example:
    >>> MobileNetV3Small(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kerasish import layers
from kerasish.applications.building import (
    Request,
    channels_of,
    documentation,
    first_axis,
    named,
    padded,
    rounded,
)
from kerasish.applications.imagenet_utils import CLASSES, decode_predictions, preprocessing
from kerasish.applications.published import FILES
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, None)

RE, HS = "relu", "hard_silu"


class _Block(NamedTuple):
    expansion: float  # how much wider it is inside
    channels: int
    kernel: int
    stride: int
    excites: bool  # whether channels are weighed by what the whole image has
    activation: str


# The last width of the top, and the blocks (tables 1 and 2 of the paper).
_SMALL = (
    1024,
    (
        _Block(1, 16, 3, 2, True, RE),
        _Block(72 / 16, 24, 3, 2, False, RE),
        _Block(88 / 24, 24, 3, 1, False, RE),
        _Block(4, 40, 5, 2, True, HS),
        _Block(6, 40, 5, 1, True, HS),
        _Block(6, 40, 5, 1, True, HS),
        _Block(3, 48, 5, 1, True, HS),
        _Block(3, 48, 5, 1, True, HS),
        _Block(6, 96, 5, 2, True, HS),
        _Block(6, 96, 5, 1, True, HS),
        _Block(6, 96, 5, 1, True, HS),
    ),
)
_LARGE = (
    1280,
    (
        _Block(1, 16, 3, 1, False, RE),
        _Block(4, 24, 3, 2, False, RE),
        _Block(3, 24, 3, 1, False, RE),
        _Block(3, 40, 5, 2, True, RE),
        _Block(3, 40, 5, 1, True, RE),
        _Block(3, 40, 5, 1, True, RE),
        _Block(6, 80, 3, 2, False, HS),
        _Block(2.5, 80, 3, 1, False, HS),
        _Block(2.3, 80, 3, 1, False, HS),
        _Block(2.3, 80, 3, 1, False, HS),
        _Block(6, 112, 3, 1, True, HS),
        _Block(6, 112, 3, 1, True, HS),
        _Block(6, 160, 5, 2, True, HS),
        _Block(6, 160, 5, 1, True, HS),
        _Block(6, 160, 5, 1, True, HS),
    ),
)


def _active(x: Tensor, activation: str) -> Tensor:
    return layers.ReLU()(x) if activation == RE else layers.Activation(activation)(x)


def _normalized(x: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(axis=first_axis(), epsilon=1e-3, momentum=0.999, name=name)(x)


def _excited(x: Tensor, name: str) -> Tensor:
    channels = channels_of(x)
    name = f"{name}_squeeze_excite"
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_avg_pool")(x)
    gate = layers.Conv2D(rounded(channels / 4), 1, padding="same", name=f"{name}_conv")(gate)
    gate = layers.ReLU(name=f"{name}_relu")(gate)
    gate = layers.Conv2D(channels, 1, padding="same", name=f"{name}_conv_1")(gate)
    gate = layers.ReLU(6.0)(gate + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{name}_mul")([x, gate])


def _built(x: Tensor, block: _Block, channels: int, number: int) -> Tensor:
    name, shortcut = f"expanded_conv_{number}" if number else "expanded_conv", x
    before = channels_of(x)
    if number:
        wide = rounded(before * block.expansion)
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}_expand")(x)
        x = _active(_normalized(x, f"{name}_expand_bn"), block.activation)
    if block.stride == 2:
        x = padded(x, block.kernel, name=f"{name}_depthwise_pad")
    x = layers.DepthwiseConv2D(
        block.kernel,
        strides=block.stride,
        padding="same" if block.stride == 1 else "valid",
        use_bias=False,
        name=f"{name}_depthwise",
    )(x)
    x = _active(_normalized(x, f"{name}_depthwise_bn"), block.activation)
    if block.excites:
        x = _excited(x, name)
    x = layers.Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = _normalized(x, f"{name}_project_bn")
    if block.stride == 1 and before == channels:
        return layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _topped(
    request: Request, x: Tensor, width: int, activation: str, dropout_rate: float
) -> Tensor:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(width, 1, padding="same", name="conv_2")(x)
    x = _active(x, activation)
    if dropout_rate > 0:
        x = layers.Dropout(dropout_rate)(x)
    x = layers.Conv2D(request.classes, 1, padding="same", name="logits")(x)
    x = layers.Flatten()(x)
    return layers.Activation(request.classifier_activation, name="predictions")(x)


def _member(title: str, table: tuple[int, tuple[_Block, ...]]) -> Any:
    last_width, blocks = table

    def make(
        input_shape: Any = None,
        alpha: float = 1.0,
        minimalistic: bool = False,
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        classes: int = CLASSES,
        pooling: str | None = None,
        dropout_rate: float = 0.2,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str | None = title,
    ) -> Model:
        request = Request(
            title,
            name,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            static=False,
        )
        request.check_width(alpha, (1.0,) if minimalistic else (0.75, 1.0))
        x = image = request.image()
        if include_preprocessing:
            x = layers.Rescaling(1.0 / 127.5, offset=-1.0)(x)
        last = RE if minimalistic else HS
        x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
        x = _active(_normalized(x, "conv_bn"), last)
        for number, block in enumerate(blocks):
            if minimalistic:
                block = block._replace(kernel=3, excites=False, activation=RE)
            x = _built(x, block, rounded(block.channels * alpha), number)
        wide = rounded(channels_of(x) * 6)
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name="conv_1")(x)
        x = _active(_normalized(x, "conv_1_bn"), last)
        if include_top:
            width = rounded(last_width * alpha) if alpha > 1.0 else last_width
            x = _topped(request, x, width, last, dropout_rate)
        else:
            x = request.pooled(x)
        variant = "minimalistic" if minimalistic else float(alpha)
        return request.model(image, x, FILES.get(f"{title} {variant}"))

    text = documentation(_ABOUT.format(size=title[11:].lower()), 224, 32, _OWN, static=False)
    return named(make, __name__, title, text)


_ABOUT = """MobileNetV3, which a search has found for phones: the {size} one.

Andrew Howard et al.: Searching for MobileNetV3, 2019 (arXiv:1905.02244)."""

_OWN = """alpha: what the number of channels is multiplied with; 0.75 or 1 for the weights
    "imagenet".
minimalistic: whether it does without what other chips than phones' find hard: kernels of 5 x 5,
    hard swishes, and weighing of channels. With the weights "imagenet", alpha is 1 then.
dropout_rate: before the last layer of the top.
include_preprocessing: whether it takes pixels from 0 to 255, and not from -1 to 1."""

MobileNetV3Small = _member("MobileNetV3Small", _SMALL)
MobileNetV3Large = _member("MobileNetV3Large", _LARGE)

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]
