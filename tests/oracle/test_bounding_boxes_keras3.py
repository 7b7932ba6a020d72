"""utils.bounding_boxes against Keras 3, for what Keras can do."""

import numpy as np
import pytest

from kerasish.utils import bounding_boxes as ours
from kerasish.utils.box_formats import FORMATS

keras = pytest.importorskip("keras", minversion="3")
theirs = pytest.importorskip("keras.utils.bounding_boxes")

RNG = np.random.default_rng(0)
BOXES = np.concatenate([c := RNG.uniform(0, 30, (5, 2)), c + RNG.uniform(1, 20, (5, 2))], -1)
BOXES = BOXES.astype("float32")
OTHERS = BOXES[::-1] + np.array([1, -2, 4, 3], "float32")
BATCH = np.stack([BOXES, OTHERS])
SHAPE = (40, 60, 3)
HEIGHTS = np.array([[[40.0]], [[50.0]]], "float32")  # one for each image
NO_SIZES = np.array([[0, 0, 2, 2], [0, 0, 0, 2], [3, 3, 1, 1], [1, 1, 1, 3]], "float32")
MOVES = {
    name: RNG.uniform(low, high, 2).astype("float32")
    for name, low, high in (
        ("angle", -90, 90),
        ("translate_x", -0.3, 0.3),
        ("translate_y", -0.3, 0.3),
        ("scale", 0.5, 2),
        ("shear_x", -40, 40),
        ("shear_y", -40, 40),
        ("center_x", 0, 1),
        ("center_y", 0, 1),
    )
}
CENTRES = ("center_x", "center_y")
CASES = [
    *[("convert_format", (BATCH / 60, a, b, 40, 60)) for a in FORMATS for b in FORMATS],
    *[("compute_iou", (BATCH / 60, BATCH[::-1] / 60 - 0.1, a, True, -2, SHAPE)) for a in FORMATS],
    *[("compute_ciou", (BOXES, OTHERS, a)) for a in FORMATS if not a.startswith("rel")],
    *[
        (f"{function}_deltas{rest}", (BOXES / 60, BATCH / 60, a, b, c, v, SHAPE))
        for function, rest in (("encode_box_to", ""), ("decode", "_to_boxes"))
        for a, b in zip(FORMATS, FORMATS[1:] + FORMATS[:1], strict=True)
        for c, v in (("center_xywh", None), ("center_yxhw", [0.1, 0.1, 0.2, 0.2]))
    ],
    # Sizes of 0 and below, of either or both.
    ("encode_box_to_deltas", (NO_SIZES, NO_SIZES[::-1], "xyxy", "xyxy")),
    ("encode_box_to_deltas", (NO_SIZES, NO_SIZES, "xywh", "xyxy", "center_xywh", [0.1, 1, 0.2, 2])),
    ("convert_format", (BATCH, "xyxy", "rel_xywh", HEIGHTS, 1.5 * HEIGHTS)),
    ("convert_format", (BATCH / 60, "rel_xyxy", "yxyx", HEIGHTS, 1.5 * HEIGHTS)),
    ("crop", (BOXES, 5, 7, 20, 30)),
    ("pad", (BATCH, 5, 7, 60, 80)),
    ("clip_to_image_size", ({"boxes": BATCH * 2 - 20, "labels": np.ones((2, 5))}, 40, 60)),
    ("clip_to_image_size", ({"boxes": BATCH / 20 - 0.5}, None, None, "rel_xyxy")),
]


def same(actual, expected):
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for key in expected:
            same(actual[key], expected[key])
        return
    expected = np.asarray(expected)
    actual = np.asarray(actual)
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("function", "arguments"), CASES)
def test_as_keras(function, arguments):
    same(getattr(ours, function)(*arguments), getattr(theirs, function)(*arguments))


@pytest.mark.parametrize("centres", [True, False])
def test_affine_transform(centres):
    moves = {k: v for k, v in MOVES.items() if centres or k not in CENTRES}
    arguments = moves | {"height": 40, "width": 60}
    same(ours.affine_transform(BATCH, **arguments), theirs.affine_transform(BATCH, **arguments))
