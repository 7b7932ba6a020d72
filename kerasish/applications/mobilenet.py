"""MobileNet, of convolutions that are taken apart (Howard et al., 2017).

Example:
    >>> MobileNet(weights=None, alpha=0.25, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from typing import Any

from kerasish import layers
from kerasish.applications.building import Request, documentation, first_axis, square_size
from kerasish.applications.imagenet_utils import CLASSES, TF, decode_predictions, preprocessing
from kerasish.applications.published import File
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, TF)

# Channels and stride of each block.
_BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
_BLOCKS += [(1024, 2), (1024, 1)]

_TRAINED_ALPHAS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
_TRAINED_SIZES = (128, 160, 192, 224)


def _active(x: Tensor, name: str) -> Tensor:
    x = layers.BatchNormalization(axis=first_axis(), name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _block(x: Tensor, channels: int, multiplier: int, stride: int, number: int) -> Tensor:
    """A convolution of each channel by itself, and one of all channels at each pixel."""
    if stride == 2:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    name = f"conv_dw_{number}"
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        depth_multiplier=multiplier,
        use_bias=False,
        name=name,
    )(x)
    x = _active(x, name)
    name = f"conv_pw_{number}"
    x = layers.Conv2D(channels, 1, padding="same", use_bias=False, name=name)(x)
    return _active(x, name)


def MobileNet(
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 0.001,
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
        "MobileNet",
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
    if request.trained and depth_multiplier != 1:
        raise ValueError(
            "MobileNet(depth_multiplier=...) must be 1 for the trained weights; "
            f"got {depth_multiplier!r}."
        )
    image = request.image()
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(
        image
    )
    x = _active(x, "conv1")
    for number, (channels, stride) in enumerate(_BLOCKS, 1):
        x = _block(x, int(channels * alpha), depth_multiplier, stride, number)
    if include_top:
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = layers.Reshape((classes,), name="reshape_2")(x)
        x = layers.Activation(classifier_activation, name="predictions")(x)
    else:
        x = request.pooled(x, named=False)
    width = _TRAINED_ALPHAS.get(alpha)
    file = File(f"mobilenet/mobilenet_{width}_{size}_tf", no_top="_no_top")
    return request.model(image, x, file, f"mobilenet_{alpha:0.2f}_{request.rows}")


MobileNet.__doc__ = documentation(
    """MobileNet, of convolutions that are taken apart: small and quick.

Andrew G. Howard et al.: MobileNets: Efficient Convolutional Neural Networks for Mobile
        Vision Applications, 2017 (arXiv:1704.04861).""",
    224,
    32,
    """alpha: what the number of channels is multiplied with; 0.25, 0.5, 0.75 or 1 for the weights
    "imagenet".
depth_multiplier: how many channels are made of each where they are by themselves; 1 for the
    weights "imagenet".
dropout: rate before the top.""",
)

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]
