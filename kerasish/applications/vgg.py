"""VGG16 and VGG19 (Simonyan and Zisserman, 2015): small convolutions, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from kerasish import layers
from kerasish.applications.building import Request, member
from kerasish.models import Model

_ABOUT = """The {depth} layers of Simonyan and Zisserman: 3 x 3 convolutions in five blocks.

Karen Simonyan, Andrew Zisserman: Very Deep Convolutional Networks for Large-Scale Image
        Recognition, 2015 (arXiv:1409.1556)."""

_CHANNELS = (64, 128, 256, 512, 512)


def _vgg(request: Request, depths: Sequence[int]) -> Model:
    """depths: how many convolutions each block has."""
    x = image = request.image()
    for block, (depth, channels) in enumerate(zip(depths, _CHANNELS, strict=True), 1):
        for i in range(1, depth + 1):
            name = f"block{block}_conv{i}"
            x = layers.Conv2D(channels, 3, activation="relu", padding="same", name=name)(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if not request.include_top:
        return request.model(image, request.pooled(x, named=False))
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return request.model(image, request.classified(x))


VGG16 = member(_vgg, "VGG16", _ABOUT.format(depth=16), (2, 2, 3, 3, 3))
VGG19 = member(_vgg, "VGG19", _ABOUT.format(depth=19), (2, 2, 4, 4, 4))
