"""MobileNetV2, of blocks that are wide inside (Sandler et al., 2018).

Example:
    >>> MobileNetV2(weights=None, alpha=0.35, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from typing import Any

from kerasish import layers
from kerasish.applications.building import (
    Request,
    channels_of,
    documentation,
    first_axis,
    padded,
    rounded,
    square_size,
)
from kerasish.applications.imagenet_utils import CLASSES, TF, decode_predictions, preprocessing
from kerasish.applications.published import File
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, TF)

# Of each stage: how much wider its blocks are inside, channels, number of blocks, first stride.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)

_TRAINED_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_TRAINED_SIZES = (96, 128, 160, 192, 224)


def _normalized(x: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(axis=first_axis(), epsilon=1e-3, momentum=0.999, name=name)(x)


def _block(x: Tensor, expansion: int, channels: int, stride: int, number: int) -> Tensor:
    name, shortcut = f"block_{number}_" if number else "expanded_conv_", x
    before = channels_of(x)
    if number:
        x = layers.Conv2D(
            expansion * before, 1, padding="same", use_bias=False, name=f"{name}expand"
        )(x)
        x = layers.ReLU(6.0, name=f"{name}expand_relu")(_normalized(x, f"{name}expand_BN"))
    if stride == 2:
        x = padded(x, 3, name=f"{name}pad")
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=f"{name}depthwise",
    )(x)
    x = layers.ReLU(6.0, name=f"{name}depthwise_relu")(_normalized(x, f"{name}depthwise_BN"))
    x = layers.Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, f"{name}project_BN")
    if stride == 1 and before == channels:
        return layers.Add(name=f"{name}add")([shortcut, x])
    return x


def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    size = square_size(input_shape, _TRAINED_SIZES)
    request = Request(
        "MobileNetV2",
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
    request.check_width(alpha, _TRAINED_ALPHAS)
    image = request.image()
    x = layers.Conv2D(
        rounded(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1"
    )(image)
    x = layers.ReLU(6.0, name="Conv1_relu")(_normalized(x, "bn_Conv1"))
    number = 0
    for expansion, channels, blocks, stride in _STAGES:
        for i in range(blocks):
            width = rounded(int(channels * alpha))
            x = _block(x, expansion, width, stride if i == 0 else 1, number)
            number += 1
    last = rounded(1280 * alpha) if alpha > 1.0 else 1280
    x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
    x = layers.ReLU(6.0, name="out_relu")(_normalized(x, "Conv_1_bn"))
    if include_top:
        x = request.classified(layers.GlobalAveragePooling2D()(x))
    else:
        x = request.pooled(x, named=False)
    kernels = "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels"
    file = File(f"{kernels}_{float(alpha)}_{size}", no_top="_no_top")
    return request.model(image, x, file, f"mobilenetv2_{alpha:0.2f}_{request.rows}")


MobileNetV2.__doc__ = documentation(
    """MobileNetV2, of blocks that are wide inside and narrow at both ends, where shortcuts join.

Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov, Liang-Chieh Chen: MobileNetV2:
        Inverted Residuals and Linear Bottlenecks, 2018 (arXiv:1801.04381).""",
    224,
    32,
    """alpha: what the number of channels is multiplied with; 0.35, 0.5, 0.75, 1, 1.3 or 1.4 for the
    weights "imagenet".""",
)

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]
