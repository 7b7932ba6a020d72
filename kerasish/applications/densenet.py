"""DenseNets, whose layers see all that is before them (Huang et al., 2017).

Example:
    >>> DenseNet121(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from collections.abc import Sequence

from kerasish import layers
from kerasish.applications.building import Request, channel_axis, channels_of, member
from kerasish.applications.imagenet_utils import TORCH, decode_predictions, preprocessing
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, TORCH)

_ABOUT = """The {depth} layers of Huang et al.: each sees the results of all before it in its stage.

Gao Huang, Zhuang Liu, Laurens van der Maaten, Kilian Q. Weinberger: Densely Connected
        Convolutional Networks, 2017 (arXiv:1608.06993)."""

GROWTH = 32  # how many channels each block adds


def _active(x: Tensor, prefix: str = "") -> Tensor:
    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=f"{prefix}bn")(x)
    return layers.Activation("relu", name=f"{prefix}relu")(x)


def _block(x: Tensor, name: str) -> Tensor:
    new = _active(x, f"{name}_0_")
    new = layers.Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = _active(new, f"{name}_1_")
    new = layers.Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return layers.Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, new])


def _halved(x: Tensor, name: str) -> Tensor:
    """Half the channels of half the size."""
    x = _active(x, f"{name}_")
    x = layers.Conv2D(channels_of(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _densenet(request: Request, depths: Sequence[int]) -> Model:
    """depths: how many blocks each stage has."""
    image = request.image()
    x = layers.ZeroPadding2D(3)(image)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = _active(x, "conv1_")
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for stage, depth in enumerate(depths, 2):
        if stage > 2:
            x = _halved(x, f"pool{stage - 1}")
        for i in range(1, depth + 1):
            x = _block(x, f"conv{stage}_block{i}")
    return request.model(image, request.ended(_active(x)))


DenseNet121 = member(_densenet, "DenseNet121", _ABOUT.format(depth=121), (6, 12, 24, 16))
DenseNet169 = member(_densenet, "DenseNet169", _ABOUT.format(depth=169), (6, 12, 32, 32))
DenseNet201 = member(_densenet, "DenseNet201", _ABOUT.format(depth=201), (6, 12, 48, 32))

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]
