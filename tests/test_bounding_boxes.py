"""utils.bounding_boxes, by numbers that can be seen. tests/oracle compares it with Keras."""

import numpy as np
import pytest

import kerasish
from kerasish import layers, models
from kerasish.utils import bounding_boxes as bb

# One box in an image of 40 rows and 60 columns, in all formats.
SAME = {
    "xyxy": [12, 4, 36, 20],
    "yxyx": [4, 12, 20, 36],
    "xywh": [12, 4, 24, 16],
    "center_xywh": [24, 12, 24, 16],
    "center_yxhw": [12, 24, 16, 24],
    "rel_xyxy": [0.2, 0.1, 0.6, 0.5],
    "rel_yxyx": [0.1, 0.2, 0.5, 0.6],
    "rel_xywh": [0.2, 0.1, 0.4, 0.4],
    "rel_center_xywh": [0.4, 0.3, 0.4, 0.4],
}
SIZE = {"height": 40, "width": 60}
PIXELS = [name for name in SAME if not name.startswith("rel_")]


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("source", SAME)
@pytest.mark.parametrize("target", SAME)
def test_formats(source, target):
    for shape in ((4,), (1, 4), (2, 3, 4)):
        boxes = np.broadcast_to(np.array(SAME[source], float), shape)
        converted = bb.convert_format(boxes, source.upper(), target, **SIZE).numpy()
        close(converted, np.broadcast_to(SAME[target], shape))
        assert converted.dtype == np.float32
    double = bb.convert_format({"boxes": boxes, "labels": [1]}, source, target, 40, 60, None)
    assert double["labels"] == [1]
    assert double["boxes"].dtype == "float64"


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 1, 1)])
@pytest.mark.parametrize("name", SAME)
def test_one_size_for_each_image(name, shape):
    sizes = [np.array(n, float).reshape(shape) for n in ([40, 80], [60, 120])]
    boxes = np.array([[SAME["xyxy"]] * 3, [[2 * n for n in SAME["xyxy"]]] * 3])
    there = bb.convert_format(boxes, "xyxy", name, *sizes)
    if name.startswith("rel_"):
        close(there.numpy(), np.broadcast_to(SAME[name], (2, 3, 4)))
    close(bb.convert_format(there, name, "xyxy", *sizes).numpy(), boxes)


@pytest.mark.parametrize("name", PIXELS)
def test_moving_and_cutting(name):
    def seen(boxes):
        return bb.convert_format(boxes, name, "xyxy").numpy()

    box = [SAME[name]]
    close(seen(bb.pad(box, 5, 7, bounding_box_format=name)), [[19, 9, 43, 25]])
    close(seen(bb.crop(box, 6, 20, 10, 50, name)), [[0, 0, 16, 10]])
    clipped = bb.clip_to_image_size({"boxes": box, "labels": [3]}, 10, 30, name)
    close(seen(clipped["boxes"]), [[12, 4, 30, 10]])
    assert clipped["labels"].numpy() == [3]
    moved = bb.affine_transform(box, 0, 0.1, 0.1, 1, 0, 0, 41, 61, bounding_box_format=name)
    close(seen(moved), [[18, 8, 42, 24]])


def test_clipping():
    boxes = np.array([[[-9, -9, 5, 5], [50, 50, 60, 60]]], "int32")
    clipped = bb.clip_to_image_size({"boxes": boxes, "labels": [[7, 8]], "more": 1}, 20, 30)
    assert clipped["boxes"].numpy().tolist() == [[[0, 0, 5, 5], [30, 20, 30, 20]]]
    assert clipped["labels"].numpy().tolist() == [[7, -1]]
    assert clipped["more"] == 1
    relative = bb.clip_to_image_size([[-0.5, 0.2, 2, 0.5]], bounding_box_format="rel_xyxy")
    close(relative.numpy(), [[0, 0.2, 1, 0.5]])


IOU = [
    ([0, 0, 2, 2], [0, 0, 2, 2], 1, 1),
    ([0, 0, 2, 2], [1, 0, 3, 2], 1 / 3, 1 / 3 - 1 / 13),
    ([0, 0, 1, 1], [2, 0, 3, 1], 0, -4 / 10),
    ([0, 0, 4, 1], [0, 0, 1, 4], 1 / 7, None),
    ([1, 1, 1, 1], [1, 1, 1, 1], 0, 0),
]


@pytest.mark.parametrize(("a", "b", "iou", "ciou"), IOU)
def test_iou(a, b, iou, ciou):
    close(bb.compute_iou([a], [b], "xyxy").numpy(), [[iou]])
    result = bb.compute_ciou(a, b, "xyxy").numpy()
    if ciou is None:  # 4:1 and 1:4
        unlike = 4 / np.pi**2 * (np.arctan(4) - np.arctan(0.25)) ** 2
        ciou = iou - (1.5**2 * 2) / 32 - unlike**2 / (1 - iou + unlike)
    close(result, ciou)


def test_iou_of_sets():
    a, b = np.arange(24.0).reshape(2, 3, 4), np.arange(8.0).reshape(2, 4)
    for first, second, shape in ((a, b, (2, 3, 2)), (b, a, (2, 2, 3)), (a[0], b, (3, 2))):
        assert bb.compute_iou(first, second, "xywh").shape == shape
    masked = bb.compute_iou([[-1, -1, -1, -1], *b], b, "xywh", use_masking=True, mask_val=-7)
    assert masked.numpy()[0].tolist() == [-7, -7]
    close(np.diag(masked.numpy()[1:]), 1)
    shape = (40, 60, 3)
    relative = bb.compute_iou([SAME["rel_xywh"]], [SAME["rel_xywh"]], "rel_xywh", False, -1, shape)
    close(relative.numpy(), [[1]])


MOVES = [
    ({"angle": 90}, [20, 19, 30, 39]),
    ({"translate_x": 0.1}, [15.9, 10, 35.9, 20]),
    ({"translate_y": 0.1}, [10, 13.9, 30, 23.9]),
    ({"scale": 2}, [-9.5, 0.5, 30.5, 20.5]),
    ({"scale": 2, "center_x": 0, "center_y": 0}, [20, 20, 60, 40]),
    ({"shear_x": 45}, [0.5, 10, 30.5, 20]),
    ({"shear_y": 45}, [10, -9.5, 30, 20.5]),
    ({"shear_x": 45, "shear_y": 45}, [20, -9.5, 30, 20.5]),
]
STAY = {"angle": 0, "translate_x": 0, "translate_y": 0, "scale": 1, "shear_x": 0, "shear_y": 0}


@pytest.mark.parametrize(("move", "expected"), MOVES)
def test_affine_transform(move, expected):
    arguments = SIZE | STAY | move
    close(bb.affine_transform([[10, 10, 30, 20]], **arguments).numpy(), [expected])
    batch = SIZE | {
        name: np.array([value, STAY.get(name, 0.5)], "float32")
        for name, value in (STAY | move).items()
    }
    boxes = np.array([[[10, 10, 30, 20]]] * 2, "float32")
    close(bb.affine_transform(boxes, **batch).numpy(), [[expected], [[10, 10, 30, 20]]])


@pytest.mark.parametrize("order", ["center_yxhw", "center_xywh"])
@pytest.mark.parametrize("variance", [None, [0.1, 0.1, 0.2, 0.2]])
def test_deltas(order, variance):
    rng = np.random.default_rng(0)
    anchors = rng.uniform(1, 9, (5, 4))
    boxes = rng.uniform(1, 9, (2, 5, 4))
    arguments = ("xywh", "center_xywh", order, variance)
    deltas = bb.encode_box_to_deltas(anchors, boxes, *arguments).numpy()
    close(bb.decode_deltas_to_boxes(anchors, deltas, *arguments).numpy(), boxes)
    levels = bb.decode_deltas_to_boxes({"P3": anchors}, {"P3": deltas}, *arguments)
    close(levels["P3"].numpy(), boxes)
    one = bb.encode_box_to_deltas(
        [[2, 2, 4, 8]], [[4, 2, 4, 16]], "center_xywh", "center_xywh", order, variance
    ).numpy()[0]
    way, growth = (0.5, np.log(2)) if variance is None else (5, 5 * np.log(2))
    yx = order == "center_yxhw"
    close(one, [0, way, growth, 0] if yx else [way, 0, 0, growth])
    assert not bb.encode_box_to_deltas([[0] * 4], [[0] * 4], "xyxy", "xyxy", order).numpy().any()


def test_in_a_model():
    given = kerasish.Input((3, 4))
    shown = bb.convert_format(given, "xywh", "xyxy")
    model = models.Model(given, layers.Flatten()(bb.compute_iou(shown, shown, "xyxy")))
    boxes = np.array([[[0, 0, 2, 2], [1, 0, 2, 2], [5, 5, 1, 1]]], "float32")
    close(model.predict(boxes, verbose=0).reshape(3, 3), [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]])


BOX = [[0, 0, 1, 1]]
WRONG = [
    (lambda: bb.convert_format(BOX, "xyxy", "xyz"), "convert_format: the format must be one of"),
    (lambda: bb.convert_format(BOX, "xyxy", None), "the format must be one of .* got None"),
    (lambda: bb.convert_format([[1, 2, 3]], "xyxy", "xywh"), r"\(\.\.\., 4\), but got \(1, 3\)"),
    (lambda: bb.convert_format(BOX, "rel_xyxy", "xywh", 4), "must be given, but got 4 and None"),
    (lambda: bb.compute_iou(BOX[0], BOX, "xyxy"), r"compute_iou: boxes must .* got \(4,\) and"),
    (lambda: bb.compute_iou(BOX, BOX, "rel_xyxy"), "height and width of the image must be given"),
    (lambda: bb.clip_to_image_size(BOX), "clip_to_image_size: .* must be given, but got None"),
    (lambda: bb.crop(BOX, 1, 1, 2, 2, "rel_xyxy"), "crop: the format must be one of pixels"),
    (lambda: bb.pad(BOX, 1, 1, bounding_box_format="rel_xywh"), "pad: the format must be one of"),
    (
        lambda: bb.encode_box_to_deltas(BOX, BOX, "xyxy", "xyxy", "xyxy"),
        "encode_box_to_deltas: the format of deltas must be 'center_xywh' or 'center_yxhw'",
    ),
    (
        lambda: bb.decode_deltas_to_boxes(BOX, BOX, "xyxy", "xyxy", variance=[1, 2]),
        "decode_deltas_to_boxes: variance must be four numbers",
    ),
    (
        lambda: bb.decode_deltas_to_boxes({1: BOX}, {2: BOX}, "xyxy", "xyxy"),
        r"the same levels, but got \[1\] and \[2\]",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
