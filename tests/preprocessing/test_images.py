"""Images as files and arrays: `utils.load_img` and its like."""

import io
import sys

import numpy as np
import pytest

import kerasish
from kerasish import config, preprocessing, utils
from kerasish.utils import array_to_img, img_to_array, load_img, save_img

image = preprocessing.image

RGB = np.arange(24).reshape(2, 4, 3)
DEEP = np.array([[[10.0], [50]], [[200], [300]]])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "image.png"
    save_img(path, RGB, scale=False)
    return path


@pytest.mark.parametrize(
    ("array", "options", "mode", "pixels"),
    [
        (DEEP, {}, "L", [0, 35, 167, 255]),
        (DEEP, {"scale": False}, "I", [10, 50, 200, 300]),
        (DEEP - 20, {}, "L", [0, 35, 167, 255]),
        (np.full((1, 2, 3), 7), {}, "RGB", [0] * 6),
        (RGB, {"scale": False}, "RGB", list(range(24))),
        (RGB.transpose(2, 0, 1), {"data_format": "channels_first", "scale": False}, "RGB", None),
        (RGB.transpose(2, 0, 1), {"dim_ordering": "th", "scale": False}, "RGB", list(range(24))),
        (RGB.reshape(2, 3, 4), {"scale": False}, "RGBA", list(range(24))),
    ],
)
def test_array_to_img(array, options, mode, pixels):
    img = array_to_img(array, **options)
    assert img.mode == mode
    assert np.asarray(img).ravel().tolist() == (pixels or list(range(24)))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (2, 4, 3)),
        ({"data_format": "channels_first"}, (3, 2, 4)),
        ({"dim_ordering": "th"}, (3, 2, 4)),
        ({"dim_ordering": "default"}, (2, 4, 3)),
    ],
)
def test_img_to_array(path, options, shape):
    found = img_to_array(load_img(path), **options)
    assert found.shape == shape
    assert found.dtype == config.floatx()
    assert sorted(found.ravel()) == list(range(24))
    assert img_to_array(np.zeros((2, 5)), dtype="int8").dtype == "int8"


@pytest.mark.parametrize(
    ("args", "options", "mode", "size"),
    [
        ((), {}, "RGB", (4, 2)),
        ((), {"target_size": (3, 5)}, "RGB", (5, 3)),
        ((), {"color_mode": "grayscale", "target_size": [2, 2]}, "L", (2, 2)),
        (("rgba", (2, 2), "lanczos"), {}, "RGBA", (2, 2)),
        ((False, (1, 2)), {}, "RGB", (2, 1)),  # Keras 1
        ((True,), {"target_size": (1, 2)}, "L", (2, 1)),
        ((True, "rgb", (1, 2), "box"), {}, "L", (2, 1)),  # Keras 2
        ((False, "rgba", (1, 2), "box"), {}, "RGBA", (2, 1)),
        ((), {"grayscale": True}, "L", (4, 2)),
    ],
)
def test_load_img(path, args, options, mode, size):
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        img = load_img(source, *args, **options)
        assert (img.mode, img.size) == (mode, size)


def test_load_img_keeps_the_proportions(path):
    img = load_img(path, target_size=(2, 2), keep_aspect_ratio=True)
    np.testing.assert_array_equal(np.asarray(img), RGB[:, 1:3])

    # However long the new proportions, there is something of it left.
    assert load_img(path, target_size=(1, 9), keep_aspect_ratio=True).size == (9, 1)
    assert load_img(path, target_size=(9, 1), keep_aspect_ratio=True).size == (1, 9)


def test_damaged_files_are_named(path):
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(OSError, match=r"load_img: .*image\.png: .*truncated"):
        load_img(path)
    path.write_text("no image")
    with pytest.raises(OSError, match=r"cannot identify image file .*image\.png'"):
        load_img(path)


def test_save_img(tmp_path):
    file = io.BytesIO()
    save_img(file, DEEP, file_format="png", scale=False)
    found = img_to_array(load_img(file, color_mode="grayscale"))  # of more than 8 bits
    np.testing.assert_array_equal(found, DEEP)
    with pytest.warns(UserWarning, match="alpha"):
        save_img(tmp_path / "a.jpg", RGB.reshape(2, 3, 4))
    assert load_img(tmp_path / "a.jpg").size == (3, 2)


def test_smart_resize():
    x = np.arange(8, dtype="float32").reshape(2, 4, 1)
    np.testing.assert_array_equal(image.smart_resize(x, (2, 2)), x[:, 1:3])
    found = image.smart_resize(kerasish.ops.array(x[None]), (1, 1), interpolation="nearest")
    assert found.shape == (1, 1, 1, 1)
    assert not isinstance(found, np.ndarray)
    first = image.smart_resize(x.transpose(2, 0, 1), (2, 2), data_format="channels_first")
    np.testing.assert_array_equal(first[0], x[:, 1:3, 0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda path: load_img(path, "bgr"), "color_mode must be one of grayscale, .* 'bgr'"),
        (lambda path: load_img(path, target_size=(1, 1), interpolation="x"), "nearest, .* 'x'"),
        (lambda path: array_to_img(np.zeros((2, 2))), r"\(height, width, channels\), .* \(2, 2\)"),
        (lambda path: array_to_img(np.zeros((2, 2, 2))), r"1, 3 or 4 channels, .* \(2, 2, 2\)"),
        (lambda path: array_to_img(RGB, "last"), "data_format must be .* 'last'"),
        (lambda path: img_to_array(np.zeros(3)), r"height, width.* \(3,\)"),
        (lambda path: image.smart_resize(RGB, (2,)), r"size must be \(height, width\)"),
    ],
)
def test_errors(path, wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong(path)


def test_without_pillow(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    for use in (lambda: load_img(path), lambda: array_to_img(RGB), lambda: save_img(path, RGB)):
        with pytest.raises(ImportError, match=r"(load_img|array_to_img) needs .* pip install pill"):
            use()
    assert img_to_array(RGB).shape == (2, 4, 3)


def test_names():
    for name in ("img_to_array", "array_to_img", "load_img", "save_img"):
        assert getattr(image, name) is getattr(utils, name)
