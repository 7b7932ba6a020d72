"""What all operations on images share: one image or many, channels last or first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.graph.primitive import as_tensor
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, squeeze
from kerasish.ops.conv import in_channels_last


def each_image(
    name: str,
    images: Any,
    data_format: str | None,
    function: Callable[[Tensor], Tensor],
    spatial: int = 2,
) -> Tensor:
    """Applies `function`, which wants (batch, *sizes, channels), to one image or many.

    Raises ValueError if `images` has another rank.
    """
    x = as_tensor(images)
    if x.rank not in (spatial + 1, spatial + 2):
        raise ValueError(
            f"{name}: expected one image of rank {spatial + 1} or a batch of rank {spatial + 2}, "
            f"but got {format_shape(x.shape)}."
        )
    single = x.rank == spatial + 1
    y = in_channels_last(expand_dims(x, 0) if single else x, data_format, function)
    return squeeze(y, 0) if single else y


def known_sizes(name: str, x: Tensor) -> tuple[int, int]:
    """Height and width of (batch, height, width, channels)."""
    height, width = x.shape[1:3]
    if height is None or width is None:
        raise ValueError(
            f"{name}: height and width must be known, but the images have shape "
            f"{format_shape(x.shape)}."
        )
    return height, width
