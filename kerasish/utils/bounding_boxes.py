"""Bounding boxes: their formats, how they are compared, moved, cut, and told apart from anchors.

A box is four numbers, along the last axis. The formats, whose names may be written in any case:

- "xyxy": left, top, right, bottom; "yxyx": top, left, bottom, right, in pixels,
- "xywh": left, top, width, height,
- "center_xywh": the middle's x and y, width, height; "center_yxhw": the same, y and height first,
- "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh": the same in parts of the image's width and
  height.

Functions that take boxes take them as arrays or tensors of any leading axes, or as a dictionary
with them as "boxes", whose other entries stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kerasish import ops
from kerasish.graph import dtypes
from kerasish.graph.primitive import as_tensor
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.utils.box_formats import ABSOLUTE, FORMATS, from_corners, to_corners

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]

TINY = 1e-7  # keeps divisors from being 0


# ---------------------------------------------------------------- formats


def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: str | None = "float32",
) -> Any:
    """Boxes of one format in another.

    Args:
        boxes: (..., 4), or a dictionary.
        source: the format that they have.
        target: the format that they get.
        height: of the image, in pixels; needed if a format is relative. One number, or one for
            each image: (batch,), (batch, 1) or (batch, 1, 1).
        width: of the image, likewise.
        dtype: that they get before; None for their own.

    Returns:
        Boxes of the same shape, or a dictionary with them.

    Raises:
        ValueError: for a format that is none, boxes that have not four numbers, or if the size of
            the image is needed and missing.

    >>> convert_format([[10, 20, 30, 40]], "xyxy", "xywh").numpy()
    array([[10., 20., 20., 20.]], dtype=float32)
    """
    source, target = (_checked(name, "convert_format") for name in (source, target))
    if (height is None or width is None) and "rel_" in source + target:
        raise ValueError(
            f"convert_format from {source} to {target}: height and width of the image must be "
            f"given, but got {height} and {width}."
        )

    def convert(x: Tensor) -> Tensor:
        x = x if dtype is None else ops.cast(x, dtype)
        if source == target:
            return x
        return from_corners(to_corners(x, source, height, width), target, height, width)

    return _of_boxes(boxes, convert, "convert_format")


def _checked(name: Any, function: str) -> str:
    lower = name.lower() if isinstance(name, str) else name
    if lower not in FORMATS:
        raise ValueError(
            f"{function}: the format must be one of {', '.join(FORMATS)}, but got {name!r}."
        )
    return lower


def _of_boxes(boxes: Any, change: Callable[[Tensor], Tensor], function: str) -> Any:
    """Changed boxes, in a dictionary if they came in one."""
    if isinstance(boxes, Mapping):
        return {**boxes, "boxes": _of_boxes(boxes["boxes"], change, function)}
    return change(_four(boxes, function))


def _four(boxes: Any, function: str) -> Tensor:
    x = as_tensor(boxes)
    if not x.ndim or x.shape[-1] != 4:
        raise ValueError(
            f"{function}: boxes must have four numbers each, the shape (..., 4), but got "
            f"{format_shape(x.shape)}."
        )
    return x


# ---------------------------------------------------------------- comparing


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """How much each box of one set overlaps each of another: their intersection over their union.

    Args:
        boxes1: (m, 4), or (batch, m, 4).
        boxes2: (n, 4), or (batch, n, 4).
        bounding_box_format: of both.
        use_masking: whether boxes of four negative numbers are none, such as those that fill up a
            batch.
        mask_val: the result for those.
        image_shape: height, width and channels of the image, for relative formats.

    Returns:
        (m, n), or (batch, m, n) if one of them is a batch: 0 for boxes that are apart, 1 for the
        same ones.

    Raises:
        ValueError: for boxes of another shape, or another format.

    >>> compute_iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2]], "xyxy").numpy()
    array([[1.        , 0.33333334]], dtype=float32)
    """
    first, second = _four(boxes1, "compute_iou"), _four(boxes2, "compute_iou")
    if not {first.ndim, second.ndim} <= {2, 3}:
        raise ValueError(
            "compute_iou: boxes must have the shape (n, 4) or (batch, n, 4), but got "
            f"{format_shape(first.shape)} and {format_shape(second.shape)}."
        )
    a, b = (_in_pixels(x, bounding_box_format, image_shape) for x in (first, second))
    shared, union, _ = _shared(a[..., :, None, :], b[..., None, :, :])
    iou = ops.divide_no_nan(shared, union)
    if not use_masking:
        return iou
    none1, none2 = (ops.all(x < 0, axis=-1) for x in (first, second))
    masked = ops.logical_or(none1[..., :, None], none2[..., None, :])
    return ops.where(masked, ops.cast(mask_val, iou.dtype), iou)


def _in_pixels(boxes: Any, source: str, image_shape: Sequence[int] | None) -> Tensor:
    height, width = (None, None) if image_shape is None else image_shape[:2]
    return convert_format(boxes, source, "xyxy", height, width)


def _shared(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Of boxes "xyxy" the areas of their intersection and union, and the sizes of the boxes around
    both."""
    left, top, right, bottom = ops.unstack(a, 4, axis=-1)
    left2, top2, right2, bottom2 = ops.unstack(b, 4, axis=-1)
    width = ops.minimum(right, right2) - ops.maximum(left, left2)
    height = ops.minimum(bottom, bottom2) - ops.maximum(top, top2)
    shared = ops.maximum(width, 0.0) * ops.maximum(height, 0.0)
    areas = (right - left) * (bottom - top) + (right2 - left2) * (bottom2 - top2)
    around = (
        ops.maximum(right, right2) - ops.minimum(left, left2),
        ops.maximum(bottom, bottom2) - ops.minimum(top, top2),
    )
    return shared, areas - shared, around


def compute_ciou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """How well boxes fit others (Zheng et al., "Distance-IoU loss", 2019: the complete IoU).

    It is the intersection over the union, less the squared distance of the middles in parts of the
    diagonal of the box around both, less a measure of how much their proportions differ.

    Args:
        boxes1: (..., 4).
        boxes2: (..., 4), each of which is compared with one of the first.
        bounding_box_format: of both.
        image_shape: height, width and channels of the image, for relative formats.

    Returns:
        (...): 1 for the same boxes, less for others, down to below -1.

    Raises:
        ValueError: for boxes of another shape, or another format.

    >>> compute_ciou([[0, 0, 2, 2]], [[1, 0, 3, 2]], "xyxy").numpy().round(4)
    array([0.2564], dtype=float32)
    """
    a, b = (
        _in_pixels(_four(x, "compute_ciou"), bounding_box_format, image_shape)
        for x in (boxes1, boxes2)
    )
    shared, union, (width, height) = _shared(a, b)
    iou = shared / (union + TINY)
    x, y, w, h = ops.unstack(from_corners(a, "center_xywh", None, None), 4, axis=-1)
    x2, y2, w2, h2 = ops.unstack(from_corners(b, "center_xywh", None, None), 4, axis=-1)
    distance = ((x - x2) ** 2 + (y - y2) ** 2) / (width**2 + height**2 + TINY)
    turn = ops.arctan(w / (h + TINY)) - ops.arctan(w2 / (h2 + TINY))
    unlike = 4 / math.pi**2 * turn**2
    return iou - distance - unlike**2 / (1 - iou + unlike + TINY)


# ---------------------------------------------------------------- moving and cutting


def clip_to_image_size(
    bounding_boxes: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> Any:
    """Boxes cut at the border of their image.

    Args:
        bounding_boxes: (..., 4), or a dictionary with "boxes" and perhaps "labels" (...): those of
            boxes of which nothing is left become -1.
        height: of the image, in pixels; not needed if the format is relative.
        width: of the image, likewise.
        bounding_box_format: of the boxes.

    Returns:
        Boxes of the same shape, or a dictionary with them.

    Raises:
        ValueError: for another format, or if the size of the image is needed and missing.

    >>> clip_to_image_size({"boxes": [[-5, 2, 9, 30]], "labels": [7]}, 20, 20)["boxes"].numpy()
    array([[ 0,  2,  9, 20]], dtype=int32)
    """
    source = _checked(bounding_box_format, "clip_to_image_size")
    if source.startswith("rel_"):
        height = width = 1
        source = source.removeprefix("rel_")
    elif height is None or width is None:
        raise ValueError(
            f"clip_to_image_size: for boxes of the format {source}, height and width of the image "
            f"must be given, but got {height} and {width}."
        )
    given = bounding_boxes["boxes"] if isinstance(bounding_boxes, Mapping) else bounding_boxes
    corners = to_corners(_four(given, "clip_to_image_size"), source, None, None)
    left, top, right, bottom = _cut(corners, height, width)
    boxes = from_corners(ops.stack([left, top, right, bottom], axis=-1), source, None, None)
    if not isinstance(bounding_boxes, Mapping):
        return boxes
    result = {**bounding_boxes, "boxes": boxes}
    if "labels" in bounding_boxes:
        labels = as_tensor(bounding_boxes["labels"])
        left_over = (right - left) * (bottom - top) > 0
        result["labels"] = ops.where(left_over, labels, ops.cast(-1, labels.dtype))
    return result


def _cut(corners: Tensor, height: Any, width: Any) -> list[Tensor]:
    """Left, top, right and bottom within 0 and a size."""
    bounds = [ops.cast(size, corners.dtype) for size in (width, height)] * 2
    zero = ops.cast(0, corners.dtype)
    sides = ops.unstack(corners, 4, axis=-1)
    return [
        ops.minimum(ops.maximum(side, zero), bound)
        for side, bound in zip(sides, bounds, strict=True)
    ]


def crop(
    boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy"
) -> Any:
    """Boxes in a part that is cut out of their image: moved, and cut at its border.

    Args:
        boxes: (..., 4), or a dictionary.
        top: the first row of the part.
        left: its first column.
        height: its height.
        width: its width.
        bounding_box_format: of the boxes; not a relative one.

    Returns:
        Boxes of the same shape, or a dictionary with them.

    Raises:
        ValueError: for another format, or boxes that have not four numbers.

    >>> crop([[10, 20, 50, 60]], top=10, left=20, height=40, width=30).numpy()
    array([[ 0, 10, 30, 40]], dtype=int32)
    """
    source = _absolute(bounding_box_format, "crop")

    def cropped(x: Tensor) -> Tensor:
        moved = _moved(to_corners(x, source, None, None), -left, -top)
        sides = ops.stack(_cut(moved, height, width), axis=-1)
        return from_corners(sides, source, None, None)

    return _of_boxes(boxes, cropped, "crop")


def pad(
    boxes: Any,
    top: Any,
    left: Any,
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Boxes in an image that has got a margin above and on the left.

    Args:
        boxes: (..., 4), or a dictionary.
        top: the height of the margin above.
        left: the width of the margin on the left.
        height: of the image; pixels do not depend on it.
        width: of the image, likewise.
        bounding_box_format: of the boxes; not a relative one.

    Returns:
        Boxes of the same shape, or a dictionary with them.

    Raises:
        ValueError: for another format, or boxes that have not four numbers.

    >>> pad([[10, 20, 50, 60]], top=5, left=1).numpy()
    array([[11, 25, 51, 65]], dtype=int32)
    """
    source = _absolute(bounding_box_format, "pad")

    def padded(x: Tensor) -> Tensor:
        moved = _moved(to_corners(x, source, None, None), left, top)
        return from_corners(moved, source, None, None)

    return _of_boxes(boxes, padded, "pad")


def _absolute(name: str, function: str) -> str:
    source = _checked(name, function)
    if source not in ABSOLUTE:
        raise ValueError(
            f"{function}: the format must be one of pixels ({', '.join(ABSOLUTE)}), since the "
            f"size of the image is not known, but got {name!r}."
        )
    return source


def _moved(corners: Tensor, right: Any, down: Any) -> Tensor:
    x, y = ops.cast(right, corners.dtype), ops.cast(down, corners.dtype)
    return corners + ops.stack([x, y, x, y], axis=-1)


def affine_transform(
    boxes: Any,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """The upright boxes around boxes that are moved, turned, stretched and slanted.

    A corner p goes to c + scale A (p + t - c), where c is the centre, t the way that it moves, and
    A, with cos and sin of the angle, u = tan(shear_x) and v = tan(shear_y), is

        cos + u (sin - v cos)    sin + u (cos + v sin)
        v cos - sin              cos + v sin

    Args:
        boxes: (n, 4) or (batch, n, 4), or a dictionary.
        angle: of the turn, in degrees against the clock: one number, or one for each image of the
            batch, like all that follow.
        translate_x: the way to the right, in parts of `width - 1`.
        translate_y: the way down, in parts of `height - 1`.
        scale: the factor of all lengths.
        shear_x: the angle of the slant along x, in degrees.
        shear_y: the angle of the slant along y, in degrees.
        height: of the image, in pixels.
        width: of the image, in pixels.
        center_x: of the turn, in parts of `width - 1`; the middle if it is None.
        center_y: of the turn, in parts of `height - 1`; the middle if it is None.
        bounding_box_format: of the boxes.

    Returns:
        Boxes of the same shape, floats, or a dictionary with them. They are not cut at the border.

    Raises:
        ValueError: for another format, or boxes that have not four numbers.

    >>> affine_transform([[0.0, 0, 2, 1]], 90, 0, 0, 1, 0, 0, 11, 11).numpy().round(2)
    array([[ 0.,  8.,  1., 10.]], dtype=float32)
    """
    source = _checked(bounding_box_format, "affine_transform")

    def transformed(x: Tensor) -> Tensor:
        x = x if dtypes.is_float(x.dtype) else ops.cast(x, "float32")

        def number(value: Any) -> Tensor:
            """One, or one for each image: to be multiplied with (..., boxes, corners)."""
            value = ops.cast(value, x.dtype)
            return value[:, None, None] if value.ndim else value

        turn, slant_x, slant_y = (number(a) * (math.pi / 180) for a in (angle, shear_x, shear_y))
        cos, sin, u, v = ops.cos(turn), ops.sin(turn), ops.tan(slant_x), ops.tan(slant_y)
        last_x, last_y = number(width) - 1, number(height) - 1
        middle_x = number(0.5 if center_x is None else center_x) * last_x
        middle_y = number(0.5 if center_y is None else center_y) * last_y
        left, top, right, bottom = ops.unstack(to_corners(x, source, height, width), 4, axis=-1)
        dx = ops.stack([left, right, right, left], axis=-1)
        dy = ops.stack([top, top, bottom, bottom], axis=-1)
        dx = dx + number(translate_x) * last_x - middle_x
        dy = dy + number(translate_y) * last_y - middle_y
        across = (v * cos - sin) * dx + (cos + v * sin) * dy
        along = cos * dx + sin * dy + u * ((sin - v * cos) * dx + (cos + v * sin) * dy)
        new_x = middle_x + number(scale) * along
        new_y = middle_y + number(scale) * across
        sides = [ops.min(new_x, -1), ops.min(new_y, -1), ops.max(new_x, -1), ops.max(new_y, -1)]
        return from_corners(ops.stack(sides, axis=-1), source, height, width)

    return _of_boxes(boxes, transformed, "affine_transform")


# ---------------------------------------------------------------- anchors


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """How boxes differ from anchors (Ren et al., "Faster R-CNN", 2015): what a detector learns.

    They are the way from the middle of the anchor to that of the box, in parts of the anchor's
    size, and the logarithms of the box's size in parts of the anchor's. Sizes of 0 and below count
    as 1e-7.

    Args:
        anchors: (n, 4) or (batch, n, 4).
        boxes: (n, 4) or (batch, n, 4).
        anchor_format: of the anchors.
        box_format: of the boxes.
        encoding_format: the order of the result: "center_yxhw" or "center_xywh".
        variance: four numbers that the result is divided by.
        image_shape: height, width and channels of the image, for relative formats.

    Returns:
        Deltas, of the shape of the boxes.

    Raises:
        ValueError: for other formats, boxes that have not four numbers, or a variance that has not.

    >>> encode_box_to_deltas([[0, 0, 2, 2]], [[0, 1, 2, 3]], "xyxy", "xyxy").numpy()
    array([[0.5, 0. , 0. , 0. ]], dtype=float32)
    """
    encoding = _encoding(encoding_format, "encode_box_to_deltas")
    factors = _variance(variance, "encode_box_to_deltas")
    size = (None, None) if image_shape is None else image_shape[:2]
    middle, lengths = _halves(convert_format(anchors, anchor_format, encoding, *size))
    box_middle, box_lengths = _halves(convert_format(boxes, box_format, encoding, *size))
    lengths, box_lengths = ops.maximum(lengths, TINY), ops.maximum(box_lengths, TINY)
    way, growth = (box_middle - middle) / lengths, ops.log(box_lengths / lengths)
    deltas = ops.concatenate([way, growth], axis=-1)
    return deltas if factors is None else deltas / factors


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """The boxes that differ by so much from anchors: what a detector has found.

    It undoes `encode_box_to_deltas`.

    Args:
        anchors: (n, 4) or (batch, n, 4), or a dictionary of such, one for each level.
        boxes_delta: (n, 4) or (batch, n, 4), or a dictionary with the same keys.
        anchor_format: of the anchors.
        box_format: of the result.
        encoded_format: the order of the deltas: "center_yxhw" or "center_xywh".
        variance: four numbers that the deltas are multiplied by.
        image_shape: height, width and channels of the image, for relative formats.

    Returns:
        Boxes, of the shape of the deltas, or a dictionary of such.

    Raises:
        ValueError: for other formats, boxes that have not four numbers, a variance that has not, or
            dictionaries of other keys.

    >>> decode_deltas_to_boxes([[0, 0, 2, 2]], [[0.5, 0, 0, 0]], "xyxy", "xyxy").numpy()
    array([[0., 1., 2., 3.]], dtype=float32)
    """
    encoding = _encoding(encoded_format, "decode_deltas_to_boxes")
    factors = _variance(variance, "decode_deltas_to_boxes")
    size = (None, None) if image_shape is None else image_shape[:2]

    def decoded(anchor: Any, delta: Any) -> Tensor:
        deltas = ops.cast(_four(delta, "decode_deltas_to_boxes"), "float32")
        way, growth = _halves(deltas if factors is None else deltas * factors)
        middle, lengths = _halves(convert_format(anchor, anchor_format, encoding, *size))
        boxes = ops.concatenate([way * lengths + middle, ops.exp(growth) * lengths], axis=-1)
        return convert_format(boxes, encoding, box_format, *size)

    if not isinstance(anchors, Mapping):
        return decoded(anchors, boxes_delta)
    if set(anchors) != set(boxes_delta):
        raise ValueError(
            "decode_deltas_to_boxes: anchors and boxes_delta must have the same levels, but got "
            f"{list(anchors)} and {list(boxes_delta)}."
        )
    return {level: decoded(anchor, boxes_delta[level]) for level, anchor in anchors.items()}


def _encoding(name: str, function: str) -> str:
    lower = name.lower() if isinstance(name, str) else name
    if lower not in ("center_xywh", "center_yxhw"):
        raise ValueError(
            f"{function}: the format of deltas must be 'center_xywh' or 'center_yxhw', but got "
            f"{name!r}."
        )
    return lower


def _variance(variance: Any, function: str) -> Tensor | None:
    if variance is None:
        return None
    factors = ops.cast(variance, "float32")
    if factors.shape[-1:] != (4,):
        raise ValueError(f"{function}: variance must be four numbers, but got {variance!r}.")
    return factors


def _halves(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The middles and the sizes of boxes (..., 4) of a "center" format."""
    return boxes[..., :2], boxes[..., 2:]
