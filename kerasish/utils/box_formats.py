"""The formats of bounding boxes: see utils.bounding_boxes."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.graph.primitive import as_tensor
from kerasish.graph.tensor import Tensor

ABSOLUTE = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw")
FORMATS = (*ABSOLUTE, "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")


def to_corners(boxes: Any, source: str, height: Any, width: Any) -> Tensor:
    """Boxes (..., 4) as left, top, right, bottom in pixels.

    Args:
        boxes: the boxes.
        source: their format, one of FORMATS.
        height: of the image, for relative formats: one number, or one for each image.
        width: of the image, likewise.

    >>> to_corners(np.array([[1.0, 2, 3, 4]]), "xywh", 10, 10).numpy()
    array([[1., 2., 4., 6.]])
    """
    x = as_tensor(boxes)
    kind = source.removeprefix("rel_")
    a, b, c, d = ops.unstack(x, 4, axis=-1)
    if kind in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    if kind.startswith("center"):
        a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    elif kind == "xywh":
        c, d = a + c, b + d
    if source != kind:
        w, h = _per_image(width, x), _per_image(height, x)
        a, b, c, d = a * w, b * h, c * w, d * h
    return ops.stack([a, b, c, d], axis=-1)


def from_corners(corners: Tensor, target: str, height: Any, width: Any) -> Tensor:
    """Left, top, right, bottom in pixels as boxes of a format.

    Args:
        corners: (..., 4).
        target: the format, one of FORMATS.
        height: of the image, for relative formats: one number, or one for each image.
        width: of the image, likewise.

    >>> from_corners(as_tensor([1.0, 2.0, 4.0, 6.0]), "center_yxhw", 10, 10).numpy()
    array([4. , 2.5, 4. , 3. ], dtype=float32)
    """
    kind = target.removeprefix("rel_")
    a, b, c, d = ops.unstack(corners, 4, axis=-1)
    if target != kind:
        w, h = _per_image(width, corners), _per_image(height, corners)
        a, b, c, d = a / w, b / h, c / w, d / h
    if kind.startswith("center"):
        a, b, c, d = (a + c) / 2, (b + d) / 2, c - a, d - b
    elif kind == "xywh":
        c, d = c - a, d - b
    if kind in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    return ops.stack([a, b, c, d], axis=-1)


def _per_image(size: Any, boxes: Tensor) -> Tensor:
    """A number, or one for each image of a batch, in a shape that meets the sides of boxes."""
    size = ops.cast(size, boxes.dtype)
    return ops.reshape(size, (-1, *(1,) * (boxes.ndim - 2))) if size.ndim else size
