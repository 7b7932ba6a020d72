"""ConvNeXts, convolutional nets as transformers have taught to build them (Liu et al., 2022).

Example:
    >>> ConvNeXtTiny(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from typing import Any

from kerasish import initializers, layers
from kerasish.applications.building import (
    POOLINGS,
    Request,
    channels_first,
    channels_of,
    documentation,
    named,
)
from kerasish.applications.imagenet_utils import (
    CLASSES,
    RGB_DEVIATION,
    RGB_MEAN,
    decode_predictions,
    preprocessing,
)
from kerasish.graph.tensor import Tensor
from kerasish.models import Model, Sequential

preprocess_input = preprocessing(__name__, None)

_ABOUT = """ConvNeXt{title}: a ResNet that looks far, as transformers have taught to build it.

Zhuang Liu, Hanzi Mao, Chao-Yuan Wu, Christoph Feichtenhofer, Trevor Darrell, Saining Xie:
        A ConvNet for the 2020s, 2022 (arXiv:2201.03545)."""

_OWN = "include_preprocessing: whether it takes pixels from 0 to 255, and not standardized ones."

# How many blocks each stage has, and of how many channels.
_TABLES = {
    "Tiny": ((3, 3, 9, 3), (96, 192, 384, 768)),
    "Small": ((3, 3, 27, 3), (96, 192, 384, 768)),
    "Base": ((3, 3, 27, 3), (128, 256, 512, 1024)),
    "Large": ((3, 3, 27, 3), (192, 384, 768, 1536)),
    "XLarge": ((3, 3, 27, 3), (256, 512, 1024, 2048)),
}
_EPSILON = 1e-6


class LayerScale(layers.Layer):
    """Each channel times a number that is learnt.

    Args:
        init_values: what the numbers are at first.
        projection_dim: how many channels there are.
        **kwargs: those of every layer.
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(
            shape=(self.projection_dim,),
            initializer=initializers.Constant(self.init_values),
            name="gamma",
        )

    def call(self, x: Tensor) -> Tensor:
        return x * self.gamma

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "init_values": self.init_values,
            "projection_dim": self.projection_dim,
        }


def _block(x: Tensor, name: str) -> Tensor:
    shortcut, channels = x, channels_of(x)
    x = layers.Conv2D(channels, 7, padding="same", groups=channels, name=f"{name}_depthwise_conv")(
        x
    )
    x = layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_layernorm")(x)
    x = layers.Dense(4 * channels, name=f"{name}_pointwise_conv_1")(x)
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = layers.Dense(channels, name=f"{name}_pointwise_conv_2")(x)
    x = LayerScale(1e-6, channels, name=f"{name}_layer_scale")(x)
    # Where blocks are dropped in training; the published models drop none.
    x = layers.Activation("linear", name=f"{name}_identity")(x)
    return shortcut + x


def _entrance(channels: int, name: str) -> Sequential:
    """A sixteenth of the pixels."""
    convolution = layers.Conv2D(channels, 4, strides=4, name=f"{name}_stem_conv")
    norm = layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_stem_layernorm")
    return Sequential([convolution, norm], name=f"{name}_stem")


def _halving(channels: int, number: int, name: str) -> Sequential:
    """Half the size."""
    name = f"{name}_downsampling"
    norm = layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_layernorm_{number}")
    convolution = layers.Conv2D(channels, 2, strides=2, name=f"{name}_conv_{number}")
    return Sequential([norm, convolution], name=f"{name}_block_{number}")


def _ended(request: Request, x: Tensor, name: str) -> Tensor:
    if request.include_top:
        x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
        x = layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_head_layernorm")(x)
        return request.classified(x, f"{name}_head_dense")
    if request.pooling is not None:
        x = POOLINGS[request.pooling]()(x)
    return layers.LayerNormalization(epsilon=_EPSILON)(x)


def _convnext(request: Request, title: str, include_preprocessing: bool) -> Model:
    if channels_first():
        raise ValueError(
            f"ConvNeXt{title} needs images with the channels last, but keras.json has "
            "image_data_format 'channels_first'."
        )
    depths, widths = _TABLES[title]
    name = request.name or f"convnext_{title.lower()}"
    x = image = request.image()
    if include_preprocessing and channels_of(image) == 3:
        x = layers.Normalization(
            axis=-1,
            mean=[255 * mean for mean in RGB_MEAN],
            variance=[(255 * deviation) ** 2 for deviation in RGB_DEVIATION],
            name=f"{name}_prestem_normalization",
        )(x)
    for stage, (depth, channels) in enumerate(zip(depths, widths, strict=True)):
        x = (_halving(channels, stage - 1, name) if stage else _entrance(channels, name))(x)
        for i in range(depth):
            x = _block(x, f"{name}_stage_{stage}_block_{i}")
    return request.model(image, _ended(request, x, name), name=name)


def _member(title: str) -> Any:
    def make(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = CLASSES,
        classifier_activation: Any = "softmax",
        name: str | None = f"convnext_{title.lower()}",
    ) -> Model:
        request = Request(
            f"ConvNeXt{title}",
            name,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
        )
        return _convnext(request, title, include_preprocessing)

    text = documentation(_ABOUT.format(title=title), 224, 32, _OWN)
    return named(make, __name__, f"ConvNeXt{title}", text)


ConvNeXtTiny = _member("Tiny")
ConvNeXtSmall = _member("Small")
ConvNeXtBase = _member("Base")
ConvNeXtLarge = _member("Large")
ConvNeXtXLarge = _member("XLarge")

__all__ = [*(f"ConvNeXt{title}" for title in _TABLES), "decode_predictions", "preprocess_input"]
