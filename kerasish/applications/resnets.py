"""What ResNets of both versions share: blocks of three convolutions beside a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kerasish import layers
from kerasish.applications.building import Maker, Request, channel_axis, member
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

_V1 = """The {depth} layers of He et al.: each block adds what it has learnt to its input.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Deep Residual Learning for Image
        Recognition, 2016 (arXiv:1512.03385)."""

_V2 = """The {depth} layers of He et al., normalized before each convolution, not behind.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun: Identity Mappings in Deep Residual
        Networks, 2016 (arXiv:1603.05027)."""

# How many blocks each of the four stages has, by the number of layers.
DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_CHANNELS = (64, 128, 256, 512)


def _normalized(x: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=name)(x)


def _relu(x: Tensor, name: str) -> Tensor:
    return layers.Activation("relu", name=name)(x)


def _stem(x: Tensor, version: int) -> Tensor:
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if version == 1:
        x = _relu(_normalized(x, "conv1_bn"), "conv1_relu")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _block1(x: Tensor, channels: int, stride: int, first: bool, name: str) -> Tensor:
    """A block of the first version, which strides where it begins."""
    shortcut = x
    if first:
        shortcut = layers.Conv2D(4 * channels, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = _normalized(shortcut, f"{name}_0_bn")
    x = layers.Conv2D(channels, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = _relu(_normalized(x, f"{name}_1_bn"), f"{name}_1_relu")
    x = layers.Conv2D(channels, 3, padding="same", name=f"{name}_2_conv")(x)
    x = _relu(_normalized(x, f"{name}_2_bn"), f"{name}_2_relu")
    x = layers.Conv2D(4 * channels, 1, name=f"{name}_3_conv")(x)
    x = _normalized(x, f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return _relu(x, f"{name}_out")


def _block2(x: Tensor, channels: int, stride: int, first: bool, name: str) -> Tensor:
    """A block of the second version."""
    before = _relu(_normalized(x, f"{name}_preact_bn"), f"{name}_preact_relu")
    shortcut = x
    if first:
        shortcut = layers.Conv2D(4 * channels, 1, strides=stride, name=f"{name}_0_conv")(before)
    elif stride > 1:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x)
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_1_conv")(before)
    x = _relu(_normalized(x, f"{name}_1_bn"), f"{name}_1_relu")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(channels, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = _relu(_normalized(x, f"{name}_2_bn"), f"{name}_2_relu")
    x = layers.Conv2D(4 * channels, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([shortcut, x])


def _resnet(request: Request, depths: Sequence[int], version: int) -> Model:
    image = request.image()
    x = _stem(image, version)
    for stage, (depth, channels) in enumerate(zip(depths, _CHANNELS, strict=True)):
        for i in range(depth):
            name = f"conv{stage + 2}_block{i + 1}"
            if version == 1:  # each stage but the first halves the image, where it begins
                stride = 2 if i == 0 and stage > 0 else 1
                x = _block1(x, channels, stride, i == 0, name)
            else:  # each but the last, where it ends
                stride = 2 if i == depth - 1 and stage < 3 else 1
                x = _block2(x, channels, stride, i == 0, name)
    if version == 2:
        x = _relu(_normalized(x, "post_bn"), "post_relu")
    return request.model(image, request.ended(x))


def resnet(module: str, version: int, depth: int) -> Maker:
    """The function of one ResNet.

    Args:
        module: that shows it.
        version: 1 or 2.
        depth: number of layers, a key of `DEPTHS`.
    """
    build = partial(_resnet, version=version)
    about = (_V1 if version == 1 else _V2).format(depth=depth)
    title = f"ResNet{depth}" if version == 1 else f"ResNet{depth}V2"
    return member(build, title, about, DEPTHS[depth], module=module)
