"""InceptionV3, of several convolutions side by side (Szegedy et al., 2016).

Example:
    >>> InceptionV3(weights=None, classes=10, input_shape=(75, 75, 3)).output_shape
    (None, 10)
"""

from __future__ import annotations

from kerasish.applications.building import Request, member
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

_ABOUT = """InceptionV3: convolutions of several sizes side by side, large ones taken apart.

Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jonathon Shlens, Zbigniew Wojna: Rethinking
        the Inception Architecture for Computer Vision, 2016 (arXiv:1512.00567)."""


def _large(x: Tensor, pooled: int, name: str) -> Tensor:
    """At an eighth of the size. pooled: channels of what is averaged."""
    branches = [
        chain(x, (64, 1)),
        chain(x, (48, 1), (64, 5)),
        chain(x, (64, 1), (96, 3), (96, 3)),
        averaged(x, pooled),
    ]
    return joined(branches, name)


def _middle(x: Tensor, inner: int, name: str) -> Tensor:
    """At a sixteenth. inner: channels between the convolutions of 7."""
    row, column = (1, 7), (7, 1)
    branches = [
        chain(x, (192, 1)),
        chain(x, (inner, 1), (inner, row), (192, column)),
        chain(x, (inner, 1), (inner, column), (inner, row), (inner, column), (192, row)),
        averaged(x, 192),
    ]
    return joined(branches, name)


def _small(x: Tensor, number: int, name: str) -> Tensor:
    """At a thirty-second."""
    direct = chain(x, (320, 1))
    once = chain(x, (384, 1))
    once = joined([convolved(once, 384, k) for k in ((1, 3), (3, 1))], f"mixed9_{number}")
    twice = chain(x, (448, 1), (384, 3))
    twice = joined([convolved(twice, 384, k) for k in ((1, 3), (3, 1))])
    return joined([direct, once, twice, averaged(x, 192)], name)


def _inception(request: Request, table: None) -> Model:
    image = request.image()
    x = stem(image)
    for number, pooled in enumerate((32, 64, 64)):
        x = _large(x, pooled, f"mixed{number}")
    x = joined(
        [chain(x, reducing(384)), chain(x, (64, 1), (96, 3), reducing(96)), halved(x)], "mixed3"
    )
    for number, inner in enumerate((128, 160, 160, 192), 4):
        x = _middle(x, inner, f"mixed{number}")
    branches = [
        chain(x, (192, 1), reducing(320)),
        chain(x, (192, 1), (192, (1, 7)), (192, (7, 1)), reducing(192)),
        halved(x),
    ]
    x = joined(branches, "mixed8")
    for number in range(2):
        x = _small(x, number, f"mixed{9 + number}")
    return request.model(image, request.ended(x, named=False))


InceptionV3 = member(_inception, "InceptionV3", _ABOUT, None, "inception_v3", 299, 75)

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]
