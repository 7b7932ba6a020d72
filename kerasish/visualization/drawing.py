"""Bounding boxes and segmentation masks, drawn into images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasish.graph.spec import format_shape
from kerasish.utils.bounding_boxes import convert_format
from kerasish.utils.images import is_channels_last
from kerasish.utils.optional import needed

Color = Sequence[int]


def as_pictures(
    images: Any,
    user: str,
    data_format: str | None = None,
    value_range: tuple[float, float] = (0, 255),
) -> np.ndarray:
    """Images as they are drawn into: a new array (batch, height, width, channels) of uint8.

    Args:
        images: (batch, height, width, channels), or as `data_format` says.
        user: the function's name, for messages.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        value_range: the darkest and the brightest number.

    Raises:
        ValueError: for another shape, value range or data format.
    """
    pictures = np.array(images)
    if pictures.ndim != 4:
        raise ValueError(
            f"{user}: images must have the shape (batch, height, width, channels), but got "
            f"{format_shape(pictures.shape)}."
        )
    if not is_channels_last(user, data_format):
        pictures = pictures.transpose(0, 2, 3, 1)
    low, high = value_range
    if not low < high:
        raise ValueError(
            f"{user}: value_range must be the lowest and the highest number, but got {value_range}."
        )
    if (low, high) != (0, 255):
        pictures = (pictures - low) * (255 / (high - low))
        pictures = pictures.round()  # 254.99999 of a division is meant to be 255
    return np.ascontiguousarray(np.clip(pictures, 0, 255).astype("uint8"))


# --- bounding boxes ----------------------------------------------------------------------


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: Mapping[str, Any],
    bounding_box_format: str,
    class_mapping: Mapping[int, str] | None = None,
    color: Color = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:
    """Images with bounding boxes drawn into them.

    Args:
        images: (batch, height, width, channels) with numbers from 0 to 255.
        bounding_boxes: a dict with "boxes" (batch, n, 4) and "labels" (batch, n), and perhaps
            "confidences" (batch, n). Boxes of the label -1 are left out.
        bounding_box_format: of the boxes: "xyxy", "rel_yxyx", ... as in `utils.bounding_boxes`.
        class_mapping: label -> name, which is written to the boxes of the label, with the
            confidence (needs Pillow).
        color: of the boxes, one number per channel, or one for all.
        line_thickness: in pixels.
        text_thickness: by how much names are bolder than 1, in pixels.
        font_scale: the size of names; 1 is for letters of about 20 pixels.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        A new array (batch, height, width, channels) of uint8.

    Raises:
        ValueError: for images, boxes or a format of another kind.
        ImportError: a name is to be written, and Pillow is missing.

    >>> boxes = {"boxes": np.array([[[1, 1, 4, 3]]]), "labels": np.array([[0]])}
    >>> image = draw_bounding_boxes(np.zeros((1, 5, 6, 3)), boxes, "xyxy", line_thickness=1)
    >>> image[0, :, :, 0]
    array([[  0,   0,   0,   0,   0,   0],
           [  0, 128, 128, 128, 128,   0],
           [  0, 128,   0,   0, 128,   0],
           [  0, 128, 128, 128, 128,   0],
           [  0,   0,   0,   0,   0,   0]], dtype=uint8)
    """
    pictures = as_pictures(images, "draw_bounding_boxes", data_format)
    if not isinstance(bounding_boxes, Mapping) or not {"boxes", "labels"} <= set(bounding_boxes):
        raise ValueError(
            'draw_bounding_boxes: bounding_boxes must be a dict with "boxes" and "labels", but got '
            f"{bounding_boxes!r:.80}."
        )
    height, width = pictures.shape[1:3]
    given = np.asarray(bounding_boxes["boxes"], "float32")
    boxes = np.asarray(convert_format(given, bounding_box_format, "xyxy", height, width))
    labels = np.asarray(bounding_boxes["labels"])
    confidences = bounding_boxes.get("confidences")
    if boxes.shape[:-1] != labels.shape or boxes.ndim != 3 or len(boxes) != len(pictures):
        raise ValueError(
            f"draw_bounding_boxes: for {len(pictures)} images, boxes and labels must have the "
            f"shapes ({len(pictures)}, n, 4) and ({len(pictures)}, n), but got "
            f"{format_shape(boxes.shape)} and {format_shape(labels.shape)}."
        )
    for i, picture in enumerate(pictures):
        for k, (box, label) in enumerate(zip(boxes[i], labels[i], strict=True)):
            if label == -1:
                continue
            corners = [int(side) for side in box]
            _frame(picture, corners, color, line_thickness)
            if class_mapping is None or int(label) not in class_mapping:
                continue
            text = str(class_mapping[int(label)])
            if confidences is not None:
                text += f" | {float(np.asarray(confidences)[i, k]):.2f}"
            _write(picture, text, corners, color, line_thickness, text_thickness, font_scale)
    return pictures


def _frame(picture: np.ndarray, corners: list[int], color: Color, thickness: int) -> None:
    """Draws a box's four lines, whose middles are at left, top, right, bottom."""
    before = (thickness - 1) // 2
    left, top, right, bottom = (side - before for side in corners)
    columns, rows = (left, right + thickness), (top, bottom + thickness)
    for y in (top, bottom):
        _fill(picture, (y, y + thickness), columns, color)
    for x in (left, right):
        _fill(picture, rows, (x, x + thickness), color)


def _fill(
    picture: np.ndarray, rows: tuple[int, int], columns: tuple[int, int], color: Color
) -> None:
    """Fills what of a rectangle is within the picture."""
    y, x = (slice(max(start, 0), max(stop, 0)) for start, stop in (rows, columns))
    picture[y, x] = color


def _write(
    picture: np.ndarray,
    text: str,
    corners: list[int],
    color: Color,
    line_thickness: int,
    text_thickness: int,
    font_scale: float,
) -> None:
    """Writes above a box, or within it where there is no room above."""
    image, draw, fonts = (
        needed(f"PIL.{name}", "draw_bounding_boxes with class_mapping", "pillow")
        for name in ("Image", "ImageDraw", "ImageFont")
    )
    font = fonts.load_default(size=max(round(28 * font_scale), 1))
    options = {"font": font, "stroke_width": max(text_thickness - 1, 0), "anchor": "lt"}
    canvas = image.new("L", picture.shape[1::-1])
    pen = draw.Draw(canvas)
    height = pen.textbbox((0, 0), text, **options)[3]
    gap = line_thickness // 2 + 2
    left, top = corners[:2]
    y = top - gap - height if top - gap - height >= 0 else top + gap + 1
    pen.text((max(left, 0), y), text, fill=255, **options)
    opacity = np.asarray(canvas, "float32")[..., None] / 255
    picture[:] = (picture * (1 - opacity) + np.asarray(color) * opacity).round()


# --- segmentation masks ------------------------------------------------------------------


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Color] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray:
    """Images with the pixels of each class coloured.

    Args:
        images: (batch, height, width, 3) with numbers from 0 to 255.
        segmentation_masks: the class of each pixel, whole numbers (batch, height, width, 1) or
            (batch, height, width).
        num_classes: pixels of classes from this one on stay as they are; None for none.
        color_mapping: class -> red, green and blue from 0 to 255; made-up ones if None.
        alpha: how much of the colour there is, from 0 to 1.
        blend: False for the colours alone.
        ignore_index: pixels of this class stay as they are.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Returns:
        A new array (batch, height, width, 3) of uint8.

    Raises:
        ValueError: for images or masks of another kind, or a class without a colour.

    >>> image, mask = np.full((1, 1, 3, 3), 100), np.array([[[-1, 0, 1]]])
    >>> red, white = (255, 0, 0), (255, 255, 255)
    >>> draw_segmentation_masks(image, mask, color_mapping={0: red, 1: white}, alpha=1.0)
    array([[[[100, 100, 100],
             [255,   0,   0],
             [255, 255, 255]]]], dtype=uint8)
    """
    pictures = as_pictures(images, "draw_segmentation_masks", data_format)
    masks = as_masks(segmentation_masks, pictures, data_format)
    share = alpha if blend else 1.0
    for label in np.unique(masks).tolist():
        if label == ignore_index or label < 0 or (num_classes is not None and label >= num_classes):
            continue
        if color_mapping is not None and label not in color_mapping:
            raise ValueError(
                f"draw_segmentation_masks: color_mapping has no colour for class {label}; it has "
                f"them for {sorted(color_mapping)}."
            )
        color = np.asarray(_made_up(label) if color_mapping is None else color_mapping[label])
        where = masks == label
        behind = pictures[where].astype("float32")  # in which 100 × (1 - 0.8) is 20
        pictures[where] = (behind * (1 - share) + color.astype("float32") * share).astype("uint8")
    return pictures


def as_masks(given: Any, pictures: np.ndarray, data_format: str | None = None) -> np.ndarray:
    """Masks as (batch, height, width).

    Args:
        given: (batch, height, width), or with an axis of one channel, as `data_format` says.
        pictures: to which they belong, as `as_pictures` returns them.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Raises:
        ValueError: for masks of another shape, or that hold no whole numbers.
    """
    masks = np.asarray(given)
    if not np.issubdtype(masks.dtype, np.integer):
        raise ValueError(
            "draw_segmentation_masks: segmentation_masks must hold whole numbers, but their dtype "
            f"is {masks.dtype}."
        )
    if masks.ndim == 4:
        axis = 3 if is_channels_last("draw_segmentation_masks", data_format) else 1
        masks = masks.squeeze(axis) if masks.shape[axis] == 1 else masks
    if masks.shape != pictures.shape[:3] or pictures.shape[3] != 3:
        raise ValueError(
            "draw_segmentation_masks: expected images of 3 channels and masks with a class for "
            f"each pixel, but got {format_shape(pictures.shape)} (channels last) and masks of "
            f"shape {format_shape(np.shape(given))}."
        )
    return masks


def _made_up(label: int) -> list[int]:
    """The colour of a class: neighbours differ much. Keras's, so that pictures look the same."""
    return [label * factor % 255 for factor in (1, 127, 31)]
