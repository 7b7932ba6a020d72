"""Images beside and below each other, in one figure."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasish.utils.optional import needed
from kerasish.visualization.drawing import (
    Color,
    as_masks,
    as_pictures,
    draw_bounding_boxes,
    draw_segmentation_masks,
)


def plot_image_gallery(
    images: Any,
    y_true: Any = None,
    y_pred: Any = None,
    label_map: Mapping[int, str] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    value_range: tuple[float, float] = (0, 255),
    scale: float = 2,
    path: str | os.PathLike[str] | None = None,
    show: bool | None = None,
    transparent: bool = True,
    dpi: int = 60,
    legend_handles: Sequence[Any] | None = None,
    data_format: str | None = None,
) -> None:
    """Shows images in a grid, or writes the figure to a file. Needs Matplotlib.

    Args:
        images: (batch, height, width, channels).
        y_true: the class of each (batch,), for its title.
        y_pred: the predicted class of each (batch,), likewise.
        label_map: class -> name; the numbers are shown if None.
        rows: of the grid; as many as are needed if None.
        cols: of the grid; about as many as rows if None. Images beyond the grid are left out.
        value_range: the darkest and the brightest number of the images.
        scale: the side of an image in inches.
        path: of the file that is written instead of showing the figure.
        show: whether to show it; None for whether there is no path. False without a path leaves
            the figure to the program, as Matplotlib's current one.
        transparent: whether the file's background is.
        dpi: pixels per inch of the file.
        legend_handles: what the legend shows: Matplotlib's patches, lines and the like.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.

    Raises:
        ValueError: for images of another shape or none, another number of classes than images, or
            if the figure is to be shown and written.
        ImportError: Matplotlib is missing.

    Example:
        >>> plot_image_gallery(x_train[:9], y_train[:9])  # doctest: +SKIP
    """
    if path is not None and show:
        raise ValueError("plot_image_gallery takes either a path or show=True.")
    pictures = as_pictures(images, "plot_image_gallery", data_format, value_range)
    if not len(pictures):
        raise ValueError("plot_image_gallery: there are no images.")
    titles = _titles(len(pictures), y_true, y_pred, label_map)
    if cols is None:
        cols = math.ceil(len(pictures) / rows if rows else math.sqrt(len(pictures)))
    rows = rows or math.ceil(len(pictures) / cols)
    plt = needed("matplotlib.pyplot", "plot_image_gallery", "matplotlib")
    figure, grid = plt.subplots(rows, cols, squeeze=False, figsize=(cols * scale, rows * scale))
    figure.subplots_adjust(wspace=0, hspace=0 if not any(titles) else 0.2)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, picture, title in zip(grid.flat, pictures, titles, strict=False):
        grey = picture.shape[-1] == 1
        axes.imshow(picture[..., 0] if grey else picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title, fontsize=8)
    if legend_handles is not None:
        figure.legend(handles=list(legend_handles), loc="lower center")
    if path is not None:
        figure.savefig(path, transparent=transparent, dpi=dpi, bbox_inches="tight", pad_inches=0)
    elif show is not False:
        plt.show()
    else:
        return
    plt.close(figure)


def _titles(count: int, y_true: Any, y_pred: Any, names: Mapping[int, str] | None) -> list[str]:
    """What is written above each image."""
    parts: list[list[str]] = [[] for _ in range(count)]
    for what, given in (("Label", y_true), ("Pred", y_pred)):
        if given is None:
            continue
        labels = np.asarray(given).reshape(-1).tolist()
        if len(labels) != count:
            raise ValueError(
                f"plot_image_gallery: expected a class for each of {count} images, but got "
                f"{len(labels)} ({what.lower()})."
            )
        for part, label in zip(parts, labels, strict=True):
            part.append(f"{what}: {label if names is None else names.get(label, 'Unknown')}")
    return ["  ".join(part) for part in parts]


def plot_bounding_box_gallery(
    images: Any,
    bounding_box_format: str,
    y_true: Mapping[str, Any] | None = None,
    y_pred: Mapping[str, Any] | None = None,
    value_range: tuple[float, float] = (0, 255),
    true_color: Color = (0, 188, 212),
    pred_color: Color = (255, 235, 59),
    line_thickness: int = 2,
    font_scale: float = 1.0,
    text_thickness: int | None = None,
    class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None,
    prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False,
    legend_handles: Sequence[Any] | None = None,
    rows: int | None = None,
    cols: int | None = None,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows images with true and predicted bounding boxes in a grid. Needs Matplotlib.

    Args:
        images: (batch, height, width, channels).
        bounding_box_format: of the boxes: "xyxy", "rel_yxyx", ... as in `utils.bounding_boxes`.
        y_true: the true boxes, as `draw_bounding_boxes` takes them.
        y_pred: the predicted ones, likewise.
        value_range: the darkest and the brightest number of the images.
        true_color: of the true boxes: red, green and blue from 0 to 255.
        pred_color: of the predicted ones, likewise.
        line_thickness: of the boxes, in pixels.
        font_scale: the size of names; 1 is for letters of about 20 pixels.
        text_thickness: of names, 1 if None.
        class_mapping: label -> name, which is written to the boxes (needs Pillow).
        ground_truth_mapping: the same for true boxes alone.
        prediction_mapping: the same for predicted boxes alone.
        legend: whether there is a legend of the two colours.
        legend_handles: another legend: Matplotlib's patches, lines and the like.
        rows: of the grid; as many as are needed if None.
        cols: of the grid; about as many as rows if None.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `scale`, `path`, `show`, `transparent` and `dpi` of `plot_image_gallery`.

    Raises:
        ValueError: for images, boxes or a format of another kind, or two legends.
        ImportError: Matplotlib is missing, or Pillow for names.

    Example:
        >>> plot_bounding_box_gallery(images, "xyxy", y_true=boxes)  # doctest: +SKIP
    """
    if legend and legend_handles is not None:
        raise ValueError("plot_bounding_box_gallery takes either legend=True or legend_handles.")
    pictures = as_pictures(images, "plot_bounding_box_gallery", data_format, value_range)
    drawn = (
        ("Ground Truth", y_true, true_color, ground_truth_mapping),
        ("Prediction", y_pred, pred_color, prediction_mapping),
    )
    for _, boxes, color, mapping in drawn:
        if boxes is not None:
            pictures = draw_bounding_boxes(
                pictures,
                boxes,
                bounding_box_format,
                class_mapping=class_mapping if mapping is None else mapping,
                color=color,
                line_thickness=line_thickness,
                text_thickness=text_thickness or 1,
                font_scale=font_scale,
                data_format="channels_last",
            )
    if legend:
        patches = needed("matplotlib.patches", "plot_bounding_box_gallery", "matplotlib")
        legend_handles = [
            patches.Patch(color=np.divide(color, 255), label=name) for name, _, color, _ in drawn
        ]
    plot_image_gallery(
        pictures,
        rows=rows,
        cols=cols,
        legend_handles=legend_handles,
        data_format="channels_last",
        **kwargs,
    )


def plot_segmentation_mask_gallery(
    images: Any,
    num_classes: int,
    value_range: tuple[float, float] = (0, 255),
    y_true: Any = None,
    y_pred: Any = None,
    color_mapping: Mapping[int, Color] | None = None,
    blend: bool = True,
    alpha: float = 0.8,
    ignore_index: int = -1,
    data_format: str | None = None,
    **kwargs: Any,
) -> None:
    """Shows each image in a row, beside it with its true and predicted masks. Needs Matplotlib.

    Args:
        images: (batch, height, width, 3).
        num_classes: pixels of classes from this one on stay as they are.
        value_range: the darkest and the brightest number of the images.
        y_true: the true masks, as `draw_segmentation_masks` takes them.
        y_pred: the predicted ones, likewise.
        color_mapping: class -> red, green and blue from 0 to 255; made-up ones if None.
        blend: False for the colours alone.
        alpha: how much of the colour there is, from 0 to 1.
        ignore_index: pixels of this class stay as they are.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        **kwargs: `scale`, `path`, `show`, `transparent`, `dpi` and `legend_handles` of
            `plot_image_gallery`.

    Raises:
        ValueError: for images or masks of another kind.
        ImportError: Matplotlib is missing.

    Example:
        >>> plot_segmentation_mask_gallery(images, 3, y_true=masks)  # doctest: +SKIP
    """
    user = "plot_segmentation_mask_gallery"
    columns = [as_pictures(images, user, data_format, value_range)]
    for masks in (y_true, y_pred):
        if masks is not None:
            drawn = draw_segmentation_masks(
                columns[0],
                as_masks(masks, columns[0], data_format),
                num_classes,
                color_mapping,
                alpha,
                blend,
                ignore_index,
                data_format="channels_last",
            )
            columns.append(drawn)
    pictures = np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:])
    plot_image_gallery(
        pictures,
        rows=len(columns[0]),
        cols=len(columns),
        data_format="channels_last",
        **kwargs,
    )
