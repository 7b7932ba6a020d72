"""NASNets, of cells that a search has found (Zoph et al., 2018).

Example:
    >>> NASNetMobile(weights=None, classes=10, input_shape=(32, 32, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kerasish import layers
from kerasish.applications.building import (
    Request,
    channels_first,
    channels_of,
    documentation,
    first_axis,
    named,
    padded,
)
from kerasish.applications.imagenet_utils import CLASSES, TF, decode_predictions, preprocessing
from kerasish.graph.tensor import Tensor
from kerasish.models import Model

preprocess_input = preprocessing(__name__, TF)

_ABOUT = """NASNet{title}, of cells that a search has found.

Barret Zoph, Vijay Vasudevan, Jonathon Shlens, Quoc V. Le: Learning Transferable Architectures
        for Scalable Image Recognition, 2018 (arXiv:1707.07012)."""


class _Table(NamedTuple):
    size: int
    stem: int  # channels that it begins with
    channels: int  # within the first cells; twice as many at each half of the size
    cells: int  # between two reductions
    skips: bool  # whether the cell behind a reduction sees what was before it


_TABLES = {
    "Mobile": _Table(224, 32, 44, 4, False),
    "Large": _Table(331, 96, 168, 6, True),
}


def _relu(x: Tensor, name: str | None = None) -> Tensor:
    return layers.Activation("relu", name=name)(x)


def _normalized(x: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(axis=first_axis(), momentum=0.9997, epsilon=1e-3, name=name)(x)


def _pointwise(x: Tensor, channels: int, name: str) -> Tensor:
    return layers.Conv2D(
        channels,
        1,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _separable(x: Tensor, channels: int, kernel: int, name: str, stride: int = 1) -> Tensor:
    """Two convolutions that are taken apart, the first with the stride."""
    x, padding = _relu(x), "same"
    if stride == 2:
        x, padding = padded(x, kernel, f"separable_conv_1_pad_{name}"), "valid"
    x = layers.SeparableConv2D(
        channels,
        kernel,
        strides=stride,
        padding=padding,
        use_bias=False,
        name=f"separable_conv_1_{name}",
    )(x)
    x = _relu(_normalized(x, f"separable_conv_1_bn_{name}"))
    x = layers.SeparableConv2D(
        channels, kernel, padding="same", use_bias=False, name=f"separable_conv_2_{name}"
    )(x)
    return _normalized(x, f"separable_conv_2_bn_{name}")


def _averaged(x: Tensor, name: str) -> Tensor:
    return layers.AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def _added(first: Tensor, second: Tensor, name: str | None = None) -> Tensor:
    return layers.Add(name=name)([first, second])


def _joined(parts: list[Tensor], name: str | None = None) -> Tensor:
    return layers.Concatenate(axis=first_axis(), name=name)(parts)


def _adjusted(before: Tensor, x: Tensor, channels: int, cell: str) -> Tensor:
    """What was before, in the size of `x` and so many channels."""
    rows = 2 if channels_first() else 1
    if before.shape[rows] != x.shape[rows]:
        before = _relu(before, f"adjust_relu_1_{cell}")
        # Every second pixel, and those between them.
        shifted = layers.ZeroPadding2D(((0, 1), (0, 1)))(before)
        shifted = layers.Cropping2D(((1, 0), (1, 0)))(shifted)
        halves = []
        for i, half in enumerate((before, shifted), 1):
            half = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{i}_{cell}")(half)
            halves.append(_pointwise(half, channels // 2, f"adjust_conv_{i}_{cell}"))
        return _normalized(_joined(halves), f"adjust_bn_{cell}")
    if channels_of(before) != channels:
        before = _pointwise(_relu(before), channels, f"adjust_conv_projection_{cell}")
        return _normalized(before, f"adjust_bn_{cell}")
    return before


def _normal(x: Tensor, before: Tensor, channels: int, cell: str) -> Tensor:
    """A cell that keeps the size."""
    p = _adjusted(before, x, channels, cell)
    h = _pointwise(_relu(x), channels, f"normal_conv_1_{cell}")
    h = _normalized(h, f"normal_bn_1_{cell}")
    left = _separable(h, channels, 5, f"normal_left1_{cell}")
    right = _separable(p, channels, 3, f"normal_right1_{cell}")
    sums = [_added(left, right, f"normal_add_1_{cell}")]
    left = _separable(p, channels, 5, f"normal_left2_{cell}")
    right = _separable(p, channels, 3, f"normal_right2_{cell}")
    sums.append(_added(left, right, f"normal_add_2_{cell}"))
    sums.append(_added(_averaged(h, f"normal_left3_{cell}"), p, f"normal_add_3_{cell}"))
    left, right = _averaged(p, f"normal_left4_{cell}"), _averaged(p, f"normal_right4_{cell}")
    sums.append(_added(left, right, f"normal_add_4_{cell}"))
    left = _separable(h, channels, 3, f"normal_left5_{cell}")
    sums.append(_added(left, h, f"normal_add_5_{cell}"))
    return _joined([p, *sums], f"normal_concat_{cell}")


def _reduction(x: Tensor, before: Tensor | None, channels: int, cell: str) -> Tensor:
    """A cell that halves the size."""
    p = x if before is None else _adjusted(before, x, channels, cell)
    h = _pointwise(_relu(x), channels, f"reduction_conv_1_{cell}")
    h = _normalized(h, f"reduction_bn_1_{cell}")
    wide = padded(h, 3, f"reduction_pad_1_{cell}")
    left = _separable(h, channels, 5, f"reduction_left1_{cell}", 2)
    right = _separable(p, channels, 7, f"reduction_right1_{cell}", 2)
    first = _added(left, right, f"reduction_add_1_{cell}")
    left = layers.MaxPooling2D(3, strides=2, name=f"reduction_left2_{cell}")(wide)
    right = _separable(p, channels, 7, f"reduction_right2_{cell}", 2)
    second = _added(left, right, f"reduction_add_2_{cell}")
    left = layers.AveragePooling2D(3, strides=2, name=f"reduction_left3_{cell}")(wide)
    right = _separable(p, channels, 5, f"reduction_right3_{cell}", 2)
    third = _added(left, right, f"reduction_add3_{cell}")
    fourth = _added(second, _averaged(first, f"reduction_left4_{cell}"))
    left = _separable(first, channels, 3, f"reduction_left4_{cell}")
    right = layers.MaxPooling2D(3, strides=2, name=f"reduction_right5_{cell}")(wide)
    fifth = _added(left, right, f"reduction_add4_{cell}")
    return _joined([second, third, fourth, fifth], f"reduction_concat_{cell}")


def _nasnet(request: Request, table: _Table) -> Model:
    image = request.image()
    stem = layers.Conv2D(
        table.stem,
        3,
        strides=2,
        use_bias=False,
        kernel_initializer="he_normal",
        name="stem_conv1",
    )(image)
    stem = _normalized(stem, "stem_bn1")
    before = _reduction(stem, None, table.channels // 4, "stem_1")
    x = _reduction(before, stem, table.channels // 2, "stem_2")
    for part in range(3):
        channels = table.channels * 2**part
        if part:
            reduced = _reduction(x, before, channels, f"reduce_{part * table.cells}")
            before, x = (before if table.skips else x), reduced
        for i in range(table.cells):
            number = part * table.cells + i + (part > 0)
            before, x = x, _normal(x, before, channels, str(number))
    x = _relu(x)
    if request.include_top:
        x = request.classified(layers.GlobalAveragePooling2D()(x))
    else:
        x = request.pooled(x, named=False)
    return request.model(image, x)


def _member(title: str) -> Any:
    table = _TABLES[title]

    def make(
        input_shape: Any = None,
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        pooling: str | None = None,
        classes: int = CLASSES,
        classifier_activation: Any = "softmax",
        name: str | None = f"nasnet_{title.lower()}",
    ) -> Model:
        request = Request(
            f"NASNet{title}",
            name,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            table.size,
            static=True,
        )
        return _nasnet(request, table)

    text = documentation(_ABOUT.format(title=title), table.size, 32, static=True)
    return named(make, __name__, f"NASNet{title}", text)


NASNetMobile = _member("Mobile")
NASNetLarge = _member("Large")

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]
