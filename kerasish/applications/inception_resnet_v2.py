"""InceptionResNetV2, of Inceptions beside shortcuts (Szegedy et al., 2017).

Example:
    >>> InceptionResNetV2(weights=None, classes=10, input_shape=(75, 75, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish import layers
from kerasish.applications.building import Request, channels_of, member
from kerasish.applications.imagenet_utils import TF, decode_predictions, preprocessing
from kerasish.applications.inception import (
    averaged,
    chain,
    convolved,
    halved,
    joined,
    reducing,
    stem,
)
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, TF)

_ABOUT = """InceptionResNetV2: each block of Inceptions adds to its input a part of what it found.

Christian Szegedy, Sergey Ioffe, Vincent Vanhoucke, Alex Alemi: Inception-v4, Inception-ResNet
        and the Impact of Residual Connections on Learning, 2017 (arXiv:1602.07261)."""

# Of each kind of block: its name, how often it comes, what part of it is added, its branches.
_BLOCKS: dict[str, tuple[int, float, Any]] = {
    "block35": (10, 0.17, ([(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)])),
    "block17": (20, 0.1, ([(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))])),
    "block8": (10, 0.2, ([(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))])),
}


class CustomScaleLayer(layers.Layer):
    """The first of two tensors and a part of the second.

    Args:
        scale: what the second is multiplied with.
        **kwargs: those of every layer.
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        first, second = inputs
        return first + second * self.scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def _block(x: Tensor, branches: Any, scale: float, name: str, active: bool) -> Tensor:
    mixed = joined([chain(x, *links) for links in branches], f"{name}_mixed")
    mixed = layers.Conv2D(channels_of(x), 1, padding="same", name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, mixed])
    return layers.Activation("relu", name=f"{name}_ac")(x) if active else x


def _blocks(x: Tensor, kind: str) -> Tensor:
    times, scale, branches = _BLOCKS[kind]
    for i in range(1, times + 1):
        last = kind == "block8" and i == times  # which adds the whole, and leaves it as it is
        x = _block(x, branches, 1.0 if last else scale, f"{kind}_{i}", not last)
    return x


def _inception_resnet(request: Request, table: None) -> Model:
    image = request.image()
    x = stem(image)
    branches = [
        chain(x, (96, 1)),
        chain(x, (48, 1), (64, 5)),
        chain(x, (64, 1), (96, 3), (96, 3)),
        averaged(x, 64),
    ]
    x = _blocks(joined(branches, "mixed_5b"), "block35")
    branches = [chain(x, reducing(384)), chain(x, (256, 1), (256, 3), reducing(384)), halved(x)]
    x = _blocks(joined(branches, "mixed_6a"), "block17")
    branches = [
        chain(x, (256, 1), reducing(384)),
        chain(x, (256, 1), reducing(288)),
        chain(x, (256, 1), (288, 3), reducing(320)),
        halved(x),
    ]
    x = _blocks(joined(branches, "mixed_7a"), "block8")
    x = convolved(x, 1536, 1, name="conv_7b")
    return request.model(image, request.ended(x, named=False))


InceptionResNetV2 = member(
    _inception_resnet, "InceptionResNetV2", _ABOUT, None, "inception_resnet_v2", 299, 75
)

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]
