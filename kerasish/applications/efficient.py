"""What EfficientNets of both versions share: how they begin, weigh channels, and end."""

from __future__ import annotations

from kerasish import layers
from kerasish.applications.building import Request, channel_axis, channels_first, channels_of
from kerasish.graph.tensor import Tensor

KERNELS = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}
_CLASSIFIER = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1.0 / 3.0, "mode": "fan_out", "distribution": "uniform"},
}


def convolved(
    x: Tensor,
    channels: int,
    kernel: int,
    name: str,
    stride: int = 1,
    padding: str = "same",
) -> Tensor:
    """A convolution that is normalized next, and so needs no bias."""
    return layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer=KERNELS,
        name=name,
    )(x)


def depthwise(x: Tensor, kernel: int, name: str, stride: int = 1, padding: str = "same") -> Tensor:
    """The same of each channel by itself."""
    return layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding=padding,
        use_bias=False,
        depthwise_initializer=KERNELS,
        name=name,
    )(x)


def normalized(x: Tensor, name: str, momentum: float) -> Tensor:
    """Each channel around 0."""
    return layers.BatchNormalization(axis=channel_axis(), momentum=momentum, name=name)(x)


def swish(x: Tensor, name: str) -> Tensor:
    """The activation of all of them, by the name that it has by now."""
    return layers.Activation("silu", name=name)(x)


def excited(x: Tensor, inner: int, name: str) -> Tensor:
    """Channels weighed by what the whole image has (Hu et al., 2018).

    Args:
        x: a batch of images.
        inner: channels between the two convolutions.
        name: of the block.
    """
    channels = channels_of(x)
    gate = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    shape = (channels, 1, 1) if channels_first() else (1, 1, channels)
    gate = layers.Reshape(shape, name=f"{name}se_reshape")(gate)
    for size, activation, end in ((inner, "silu", "reduce"), (channels, "sigmoid", "expand")):
        gate = layers.Conv2D(
            size,
            1,
            padding="same",
            activation=activation,
            kernel_initializer=KERNELS,
            name=f"{name}se_{end}",
        )(gate)
    return layers.Multiply(name=f"{name}se_excite")([x, gate])


def shortcut(x: Tensor, before: Tensor, rate: float, name: str) -> Tensor:
    """A block's result and what it was made of; in training, now and then without the first.

    Args:
        x: result of the block.
        before: what it was made of.
        rate: how often a whole image's result is dropped.
        name: of the block.
    """
    if rate > 0:
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, before])


def ended(request: Request, x: Tensor, channels: int, momentum: float, dropout: float) -> Tensor:
    """The last convolution, and the top.

    Args:
        request: what is wanted.
        x: the last image.
        channels: of the convolution.
        momentum: of its normalization.
        dropout: rate before the last layer.
    """
    x = convolved(x, channels, 1, "top_conv")
    x = swish(normalized(x, "top_bn", momentum), "top_activation")
    if not request.include_top:
        return request.pooled(x)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(dropout, name="top_dropout")(x)
    return request.classified(x, kernel_initializer=_CLASSIFIER)
