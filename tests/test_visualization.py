"""Boxes, masks and names drawn into images, and galleries of them."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from kerasish import config, ops, visualization

needs_pillow = pytest.mark.skipif(find_spec("PIL") is None, reason="needs Pillow")

rng = np.random.RandomState(0)
IMAGES = rng.randint(0, 256, (3, 8, 10, 3)).astype("uint8")
MASKS = rng.randint(-1, 4, (3, 8, 10, 1))
BOXES = {"boxes": [[[2.0, 1, 6, 5], [4, 4, 8, 7]]] * 3, "labels": [[0, 1]] * 3}


# --- boxes -------------------------------------------------------------------------------


def one_box(box, size=(7, 9), label=0, **options):
    """The drawing of a box in a black image, as text."""
    given = {"boxes": np.array([[box]], "float32"), "labels": np.array([[label]])}
    options = {"bounding_box_format": "xyxy", "line_thickness": 1} | options
    image = visualization.draw_bounding_boxes(np.zeros((1, *size, 3)), given, **options)
    assert image.dtype == "uint8"
    return ["".join(".#"[int(pixel > 0)] for pixel in row) for row in image[0, :, :, 0]]


SMALL = [".........", "..####...", "..#..#...", "..#..#...", "..####...", ".........", "........."]


@pytest.mark.parametrize(
    ("box", "options", "expected"),
    [
        ([2, 1, 5, 4], {}, SMALL),
        ([2.9, 1.2, 5.5, 4.7], {}, SMALL),
        ([1, 2, 4, 5], {"bounding_box_format": "yxyx"}, SMALL),
        ([2, 1, 3, 3], {"bounding_box_format": "XYWH"}, SMALL),
        ([2 / 9, 1 / 7, 5.1 / 9, 4.1 / 7], {"bounding_box_format": "rel_xyxy"}, SMALL),
        ([2, 1, 5, 4], {"label": -1}, ["." * 9] * 7),
        ([-5, -5, 1, 20], {}, [".#......."] * 7),
        ([20, 20, 30, 30], {}, ["." * 9] * 7),
        (
            [2, 1, 6, 5],
            {"line_thickness": 2},
            [".........", "..######.", "..######.", "..##..##.", "..##..##."]
            + ["..######.", "..######."],
        ),
    ],
)
def test_boxes(box, options, expected):
    assert one_box(box, **options) == expected


def test_boxes_in_colour_and_images_of_all_kinds():
    last = visualization.draw_bounding_boxes(IMAGES, BOXES, "xyxy", color=(255, 0, 9))
    assert last[1, 1, 2].tolist() == [255, 0, 9]
    assert (last[1, 3, 4] == IMAGES[1, 3, 4]).all()
    assert not np.shares_memory(last, IMAGES)
    options = {"bounding_box_format": "xyxy", "color": (255, 0, 9)}
    first = ops.convert_to_tensor(IMAGES.transpose(0, 3, 1, 2).astype("float32"))
    boxes = {name: np.asarray(value) for name, value in BOXES.items()}
    for layout in ({"data_format": "channels_first"}, {}):
        config.set_image_data_format("channels_first")
        found = visualization.draw_bounding_boxes(first, boxes, **options, **layout)
        np.testing.assert_array_equal(found, last)
    grey = visualization.draw_bounding_boxes(
        IMAGES[..., :1], BOXES, "xyxy", color=7, data_format="channels_last"
    )
    assert (grey[:, 1, 2] == 7).all()


@needs_pillow
def test_names():
    named = {"class_mapping": {0: "cat"}, "size": (60, 90)}
    above = one_box([4, 40, 40, 55], **named, font_scale=0.5)
    assert any("#" in row for row in above[20:38])
    assert not any("#" in row for row in above[:20] + above[38:40])
    below = one_box([4, 2, 40, 55], **named, font_scale=0.5)
    assert any("#" in row[6:38] for row in below[5:20])
    thick = one_box([4, 40, 40, 55], **named, font_scale=0.5, text_thickness=3)
    assert "".join(thick).count("#") > "".join(above).count("#")
    other = one_box([4, 40, 40, 55], **(named | {"class_mapping": {1: "dog"}}))
    assert not any("#" in row for row in other[:40])
    sure = {"boxes": [[[4, 40, 40, 55]]], "labels": [[0]], "confidences": [[0.87]]}
    images = np.zeros((1, 60, 90, 3))
    widths = []
    for boxes in (sure, {name: sure[name] for name in ("boxes", "labels")}):
        found = visualization.draw_bounding_boxes(images, boxes, "xyxy", {0: "cat"}, font_scale=0.5)
        widths.append(np.flatnonzero(found[0, :38].any(axis=(0, 2))).max())
    assert widths[0] > widths[1]


# --- masks -------------------------------------------------------------------------------


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_masks(data_format):
    images, masks = IMAGES, MASKS
    if data_format == "channels_first":
        images, masks = images.transpose(0, 3, 1, 2), masks.transpose(0, 3, 1, 2)
    colors = {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 255, 0), 3: (9, 9, 9)}
    found = visualization.draw_segmentation_masks(
        images, masks, 3, color_mapping=colors, alpha=0.5, data_format=data_format
    )
    left = (MASKS == -1) | (MASKS == 3)
    painted = np.array([colors[label] for label in MASKS.clip(0).ravel()]).reshape(IMAGES.shape)
    np.testing.assert_array_equal(
        found, np.where(left, IMAGES, IMAGES * 0.5 + painted * 0.5).astype("uint8")
    )


def test_options_of_masks():
    draw = visualization.draw_segmentation_masks
    flat = draw(IMAGES, MASKS[..., 0], blend=False, ignore_index=0)
    np.testing.assert_array_equal(flat, draw(IMAGES, MASKS, alpha=1.0, ignore_index=0))
    kept = (MASKS <= 0)[..., 0]
    np.testing.assert_array_equal(flat[kept], IMAGES[kept])
    shades = [set(map(tuple, flat[MASKS[..., 0] == label])) for label in (1, 2, 3)]
    assert [len(colors) for colors in shades] == [1, 1, 1]
    assert len(set.union(*shades)) == 3


# --- galleries ---------------------------------------------------------------------------


@pytest.fixture
def pyplot():
    """Matplotlib without windows: `show=False` leaves each figure to be looked at."""
    matplotlib = pytest.importorskip("matplotlib", reason="needs Matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def shown(pyplot):
    """Of the current figure: the images, the titles and the size."""
    figure = pyplot.gcf()
    pictures = [image.get_array() for axes in figure.axes for image in axes.images]
    titles = [axes.get_title() for axes in figure.axes]
    assert not any(axes.axison for axes in figure.axes)
    return pictures, titles, figure.get_size_inches().tolist()


@pytest.mark.parametrize(
    ("options", "size", "count"),
    [
        ({}, [4, 4], 3),
        ({"rows": 1}, [6, 2], 3),
        ({"cols": 1, "scale": 3}, [3, 9], 3),
        ({"rows": 1, "cols": 2}, [4, 2], 2),
        ({"rows": 2, "cols": 4}, [8, 4], 3),
    ],
)
def test_grids(options, size, count, pyplot):
    visualization.plot_image_gallery(IMAGES, show=False, **options)
    pictures, _, found = shown(pyplot)
    assert found == size
    assert len(pictures) == count
    for picture, image in zip(pictures, IMAGES, strict=False):
        np.testing.assert_array_equal(picture, image)


@pytest.mark.parametrize("value_range", [(0, 1), (-1, 1)])
def test_ranges_of_values(value_range, pyplot):
    low, high = value_range
    images = (IMAGES / 255 * (high - low) + low).astype("float32")
    visualization.plot_image_gallery(images, value_range=value_range, show=False)
    np.testing.assert_array_equal(np.stack(shown(pyplot)[0]), IMAGES)


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        ({"y_true": [0, 1, 2]}, ["Label: 0", "Label: 1", "Label: 2"]),
        (
            {
                "y_true": np.array([[0], [1], [5]]),
                "y_pred": [1, 1, 1],
                "label_map": {0: "a", 1: "b"},
            },
            ["Label: a  Pred: b", "Label: b  Pred: b", "Label: Unknown  Pred: b"],
        ),
    ],
)
def test_titles(options, titles, pyplot):
    visualization.plot_image_gallery(IMAGES, show=False, rows=1, **options)
    assert shown(pyplot)[1] == titles


def test_files_and_windows(pyplot, tmp_path, monkeypatch):
    windows = []
    monkeypatch.setattr(pyplot, "show", lambda: windows.append(pyplot.gcf()))
    visualization.plot_image_gallery(IMAGES, path=tmp_path / "gallery.png", dpi=30)
    assert (tmp_path / "gallery.png").read_bytes().startswith(b"\x89PNG")
    assert not windows
    visualization.plot_image_gallery(IMAGES[..., :1])
    assert len(windows) == 1
    assert not pyplot.get_fignums()
    with pytest.raises(ValueError, match="either a path or show=True"):
        visualization.plot_image_gallery(IMAGES, path="gallery.png", show=True)


def test_gallery_of_boxes(pyplot):
    visualization.plot_bounding_box_gallery(
        IMAGES / 255,
        "xyxy",
        y_true=BOXES,
        y_pred={"boxes": np.full((3, 1, 4), 0.0), "labels": np.zeros((3, 1))},
        value_range=(0, 1),
        true_color=(1, 2, 3),
        pred_color=(4, 5, 6),
        line_thickness=1,
        legend=True,
        show=False,
    )
    for picture in shown(pyplot)[0]:
        assert picture[1, 2].tolist() == [1, 2, 3]
        assert picture[0, 0].tolist() == [4, 5, 6]
    (legend,) = pyplot.gcf().legends
    assert [text.get_text() for text in legend.get_texts()] == ["Ground Truth", "Prediction"]
    with pytest.raises(ValueError, match="either legend=True or legend_handles"):
        visualization.plot_bounding_box_gallery(IMAGES, "xyxy", legend=True, legend_handles=[])


@pytest.mark.parametrize("configured", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_gallery_of_masks(data_format, configured, pyplot):
    images, masks = IMAGES, MASKS
    if data_format == "channels_first":
        images, masks = images.transpose(0, 3, 1, 2), masks.transpose(0, 3, 1, 2)
    if configured:
        config.set_image_data_format(data_format)
    visualization.plot_segmentation_mask_gallery(
        images,
        3,
        y_true=masks,
        y_pred=masks,
        data_format=None if configured else data_format,
        show=False,
    )
    pictures, _, size = shown(pyplot)
    assert size == [6, 6]
    drawn = visualization.draw_segmentation_masks(IMAGES, MASKS, 3, data_format="channels_last")
    for i in range(3):
        np.testing.assert_array_equal(pictures[3 * i], IMAGES[i])
        np.testing.assert_array_equal(pictures[3 * i + 1], drawn[i])
        np.testing.assert_array_equal(pictures[3 * i + 2], drawn[i])


# --- mistakes ----------------------------------------------------------------------------

draw_boxes, draw_masks = visualization.draw_bounding_boxes, visualization.draw_segmentation_masks


@pytest.mark.parametrize(
    ("act", "complaint"),
    [
        (lambda: draw_boxes(IMAGES[0], BOXES, "xyxy"), r"\(batch, .*, but got \(8, 10, 3\)"),
        (lambda: draw_boxes(IMAGES, BOXES["boxes"], "xyxy"), 'a dict with "boxes" and "labels"'),
        (lambda: draw_boxes(IMAGES, BOXES, "xyx"), "but got 'xyx'"),
        (lambda: draw_boxes(IMAGES[:2], BOXES, "xyxy"), r"\(2, n, 4\) and \(2, n\), but got \(3"),
        (lambda: draw_boxes(IMAGES, BOXES, "xyxy", data_format="last"), "but got 'last'"),
        (lambda: draw_masks(IMAGES, MASKS * 1.0), "whole numbers, but their dtype is float64"),
        (lambda: draw_masks(IMAGES, MASKS[:, :5]), r"masks of shape \(3, 5, 10, 1\)"),
        (lambda: draw_masks(IMAGES, MASKS, color_mapping={0: 1}), r"for class 1; .* for \[0\]"),
        (
            lambda: visualization.plot_image_gallery(IMAGES, y_pred=[1, 2]),
            r"a class for each of 3 images, but got 2 \(pred\)",
        ),
        (lambda: visualization.plot_image_gallery(IMAGES[:0]), "there are no images"),
        (
            lambda: visualization.plot_image_gallery(IMAGES, value_range=(1, 1)),
            r"lowest and the highest number, but got \(1, 1\)",
        ),
    ],
)
def test_mistakes(act, complaint):
    with pytest.raises(ValueError, match=complaint):
        act()


def test_without_matplotlib_and_pillow(monkeypatch):
    for name in ("matplotlib", "matplotlib.pyplot", "PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="plot_image_gallery needs the package matplotlib"):
        visualization.plot_image_gallery(IMAGES)
    with pytest.raises(ImportError, match="class_mapping needs the package pillow"):
        draw_boxes(IMAGES, BOXES, "xyxy", {0: "cat"})
