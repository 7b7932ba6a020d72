"""Bounding boxes of images that are bent or cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.utils.box_formats import FORMATS


def checked_format(value: Any, layer: str) -> str | None:
    """A name out of FORMATS in lower case, or None."""
    name = value.lower() if isinstance(value, str) else value
    if name is not None and name not in FORMATS:
        raise ValueError(
            f"{layer}: bounding_box_format must be one of {', '.join(FORMATS)}, but got {value!r}."
        )
    return name


def clipped(corners: Tensor, labels: Any, height: Any, width: Any) -> tuple[Tensor, Any]:
    """Boxes cut at the border of the image; the labels of those that lie outside become -1."""
    w, h = ops.cast(width, corners.dtype), ops.cast(height, corners.dtype)
    left, top, right, bottom = ops.unstack(corners, 4, axis=-1)
    left, right = (ops.minimum(ops.maximum(x, 0.0), w) for x in (left, right))
    top, bottom = (ops.minimum(ops.maximum(x, 0.0), h) for x in (top, bottom))
    if labels is not None:
        inside = (right - left) * (bottom - top) > 0
        labels = as_tensor(labels)
        labels = ops.where(inside, labels, ops.cast(-1, labels.dtype))
    return ops.stack([left, top, right, bottom], axis=-1), labels


def bent(corners: Tensor, transforms: Tensor) -> Tensor:
    """The boxes around boxes (batch, n, 4) of images that were bent.

    Args:
        corners: left, top, right, bottom.
        transforms: (batch, 8): a, b, c, d, e, f, g, h. A pixel (x, y) of the new image came from
            ((a x + b y + c) / k, (d x + e y + f) / k) with k = g x + h y + 1.
    """
    matrix = ops.cast(transforms, corners.dtype)
    a, b, c, d, e, f, g, h = (p[:, None, None] for p in ops.unstack(matrix, 8, axis=-1))
    left, top, right, bottom = (corners[..., i] for i in range(4))
    x = ops.stack([left, right, right, left], axis=-1)
    y = ops.stack([top, top, bottom, bottom], axis=-1)
    # The opposite way: the adjugate of the matrix, whose scale cancels out.
    k = (d * h - e * g) * x + (b * g - a * h) * y + (a * e - b * d)
    new_x = ((e - f * h) * x + (c * h - b) * y + (b * f - c * e)) / k
    new_y = ((f * g - d) * x + (a - c * g) * y + (c * d - a * f)) / k
    ends = [ops.min(new_x, -1), ops.min(new_y, -1), ops.max(new_x, -1), ops.max(new_y, -1)]
    return ops.stack(ends, axis=-1)


def filled_up(value: dict[str, Any]) -> dict[str, Any]:
    """Boxes and labels in lists of arrays, or ragged tensors, as one array each.

    Images with fewer boxes than others get ones of 0, with labels of -1.

    >>> pair = {"boxes": [np.ones((1, 4)), np.ones((2, 4))], "labels": [[5], [6, 7]]}
    >>> filled_up(pair)["labels"]
    array([[ 5, -1],
           [ 6,  7]])
    """
    return {key: _dense(x, 0 if key == "boxes" else -1) for key, x in value.items()}


def _dense(value: Any, filler: int) -> Any:
    if hasattr(value, "to_tensor"):  # a ragged tensor
        last = [4] if value.shape.rank == 3 else []
        return value.to_tensor(default_value=filler, shape=[None, None, *last])
    if not isinstance(value, (list, tuple)) or not value or not hasattr(value[0], "__len__"):
        return value
    rows = [np.asarray(row) for row in value]
    if len({len(row) for row in rows}) == 1:
        return np.stack(rows)
    fullest = max(rows, key=len)
    dense = np.full((len(rows), *fullest.shape), filler, fullest.dtype)
    for row, given in zip(dense, rows, strict=True):
        row[: len(given)] = given.reshape(-1, *fullest.shape[1:])
    return dense


def as_boxes(value: Any, layer: str) -> dict[str, Any]:
    """Bounding boxes as they were given, as tensors: {"boxes": ..., "labels": ...}."""
    if not isinstance(value, dict) or "boxes" not in value:
        raise ValueError(
            f'Layer {layer}: "bounding_boxes" must be a dict with "boxes" (batch, n, 4) and '
            f'"labels" (batch, n), but got {value!r:.80}.'
        )
    boxes = as_tensor(value["boxes"])
    labels = as_tensor(value["labels"]) if "labels" in value else None
    wrong = boxes.ndim != 3 or boxes.shape[-1] != 4
    if wrong or (labels is not None and not compatible(labels.shape[:2], boxes.shape[:2])):
        beside = "" if labels is None else f" with labels {format_shape(labels.shape)}"
        raise ValueError(
            f"Layer {layer}: bounding boxes must have 4 numbers each and one label, shapes "
            f"(batch, n, 4) and (batch, n), but got {format_shape(boxes.shape)}{beside}."
        )
    return {**value, "boxes": boxes if dtypes.is_float(boxes.dtype) else ops.cast(boxes, "float32")}
