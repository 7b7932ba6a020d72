"""The models of `kerasish.applications`: arguments, weights of files, pixels, names of classes."""

import json
import urllib.error

import numpy as np
import pytest

from kerasish import applications, layers, models, optimizers
from kerasish.applications import building, convnext, imagenet_utils, published, resnet
from kerasish.compat.run import keras_is_kerasish
from kerasish.utils import files

SMALL = {"weights": None, "alpha": 0.25, "input_shape": (32, 32, 3)}


def small(**arguments):
    return applications.MobileNet(**SMALL | arguments)


# What is asked for -> what is said about it.
MISTAKES = [
    ("VGG16", {"weights": "imagnet"}, r"VGG16\(weights=...\) must be None .*'imagnet'"),
    ("VGG16", {"pooling": "mean"}, r"pooling=...\) must be None, 'avg' or 'max'; got 'mean'"),
    ("VGG16", {"classes": 0}, "classes=...\\) must be a positive integer; got 0"),
    ("VGG16", {"input_shape": (32, 32)}, r"must be \(height, width, channels\); got \(32, 32\)"),
    ("VGG16", {"input_shape": (31, 32, 3)}, "at least 32 x 32 pixels"),
    ("VGG16", {"input_shape": (None, 32, 3)}, r"\(height, width, channels\) in numbers"),
    ("InceptionV3", {"input_shape": (74, 75, 3)}, "at least 75 x 75 pixels"),
    ("NASNetMobile", {"input_shape": (None, None, 3), "include_top": False}, "in numbers"),
    ("MobileNet", {"alpha": 0}, r"MobileNet\(alpha=...\) must be a positive number; got 0"),
    ("ResNet50", {"weights": "imagenet", "classes": 10}, "classes=...\\) must be 1000"),
    ("ResNet50", {"weights": "imagenet", "classifier_activation": "relu"}, "'softmax' or None"),
    ("ResNet50", {"weights": "imagenet", "input_shape": (32, 32, 3)}, "224 x 224 pixels"),
    (
        "ResNet50",
        {"weights": "imagenet", "include_top": False, "input_shape": (32, 32, 1)},
        "3 channels",
    ),
    ("MobileNet", {"weights": "imagenet", "alpha": 0.3}, "one of 0.25, 0.5, 0.75, 1.0 .*got 0.3"),
    (
        "MobileNet",
        {"weights": "imagenet", "depth_multiplier": 2},
        r"depth_multiplier=...\) must be",
    ),
    (
        "MobileNetV3Small",
        {"weights": "imagenet", "minimalistic": True, "alpha": 0.75},
        "one of 1.0",
    ),
    ("VGG16", {"input_tensor": np.ones((1, 32, 32, 3))}, "must be an Input .* got ndarray"),
    ("VGG16", {"input_tensor": layers.Input((32,))}, r"must be an Input .*\(\?, 32\)|None, 32"),
]


@pytest.mark.parametrize(("title", "arguments", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes(title, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(applications, title)(**{"weights": None} | arguments)


def test_an_input_tensor():
    image = layers.Input((32, 32, 1))
    colours = layers.Concatenate()([image] * 3)
    model = small(input_tensor=colours, input_shape=None, include_top=False, pooling="max")
    assert model.input_shape == (None, 32, 32, 1)
    assert model.output_shape == (None, 256)
    with pytest.raises(ValueError, match=r"input_shape=\(64, 64, 3\) is not"):
        small(input_tensor=colours, input_shape=(64, 64, 3))


def test_channels_first(monkeypatch):
    monkeypatch.setattr(building.config, "image_data_format", lambda: "channels_first")
    model = small(input_shape=(3, 32, 64), include_top=False)
    assert model.output_shape == (None, 256, 1, 2)  # rows and columns are halved five times
    assert resnet.ResNet50(weights=None).input_shape == (None, 3, 224, 224)
    with pytest.raises(ValueError, match=r"\(channels, height, width\) of at least 32 x 32"):
        small(input_shape=(32, 32, 3))
    with pytest.raises(ValueError, match=r"ConvNeXtTiny needs images with the channels last"):
        convnext.ConvNeXtTiny(weights=None)


def test_training():
    model = small(input_shape=(64, 64, 3), classes=3, dropout=0.0)
    model.compile(optimizers.SGD(1e-3), "categorical_crossentropy")
    x = np.random.default_rng(0).uniform(-1, 1, (8, 64, 64, 3)).astype("float32")
    y = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2, 0, 1]]
    before = model.get_weights()
    assert np.isfinite(model.train_on_batch(x, y))
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(changed)


# --- weights ------------------------------------------------------------------------------


def test_weights_of_a_file(tmp_path, monkeypatch):
    trained = small(classes=1000)
    path = tmp_path / "mobilenet.h5"
    trained.save_weights(path)
    same = small(weights=path)
    np.testing.assert_array_equal(same.get_weights()[-2], trained.get_weights()[-2])
    asked = []
    monkeypatch.setattr(building, "published_file", lambda *what: asked.append(what) or path)
    found = applications.MobileNet(alpha=0.25, input_shape=(128, 128, 3))
    np.testing.assert_array_equal(found.get_weights()[-2], trained.get_weights()[-2])
    assert asked == [(("mobilenet/mobilenet_2_5_128_tf", None, None, "_no_top", ""), True)]
    assert found.name == "mobilenet_0.25_128"


KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"


@pytest.mark.parametrize(
    ("title", "top", "name", "url"),
    [
        ("VGG16", True, None, f"{KERAS}vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5"),
        ("ConvNeXtTiny", False, None, f"{KERAS}convnext/convnext_tiny_notop.h5"),
        ("NASNetLarge", True, "nasnet_large.h5", f"{KERAS}nasnet/NASNet-large.h5"),
        ("NASNetLarge", False, "nasnet_large_no_top.h5", f"{KERAS}nasnet/NASNet-large-no-top.h5"),
        (
            "EfficientNetB0",
            True,
            None,
            "https://storage.googleapis.com/keras-applications/efficientnetb0.h5",
        ),
        (
            "MobileNetV3Small 0.75",
            False,
            None,
            f"{KERAS}mobilenet_v3/weights_mobilenet_v3_small_224_0.75_float_no_top_v2.h5",
        ),
    ],
)
def test_where_weights_are(title, top, name, url, monkeypatch):
    asked = []
    monkeypatch.setattr(published, "get_file", lambda *args, **more: asked.append((args, more)))
    file = published.FILES[title]
    published.published_file(file, top)
    file_hash = file.top_hash if top else file.no_top_hash
    assert asked == [((name, url), {"cache_subdir": "models", "file_hash": file_hash})]


def test_hashes_are_hashes():
    for file in published.FILES.values():
        for digits in (file.top_hash, file.no_top_hash):
            assert len(digits) in files.HASH_LENGTHS
            int(digits, 16)


def test_every_model_has_its_weights():
    titles = {name for name in applications.__all__ if name[0].isupper()}
    listed = {title.split()[0] for title in published.FILES}
    assert titles - listed == {"MobileNet", "MobileNetV2"}  # whose files go by their sizes
    assert listed <= titles


def test_without_a_network(tmp_path, monkeypatch):
    def fails(*args, **more):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(files.urllib.request, "urlopen", fails)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    imagenet_utils.class_index.cache_clear()
    place = tmp_path / "models" / "mobilenet_2_5_224_tf_no_top.h5"
    with pytest.raises(files.DownloadError, match=f"no network.* put it at {place}"):
        applications.MobileNet(alpha=0.25, include_top=False)
    with pytest.raises(files.DownloadError, match=r"put it at .*imagenet_class_index.json"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))


@pytest.mark.parametrize("title", ["ConvNeXtTiny", "MobileNetV3Small"])
def test_files_of_models_with_operations_between_layers(title, tmp_path):
    make = getattr(applications, title)
    model = make(weights=None, input_shape=(32, 32, 3), include_top=False, pooling="avg")
    model.save(tmp_path / "model.keras")
    again = models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(again.predict(x), model.predict(x), 1e-5, 1e-5)


# --- pixels and classes -------------------------------------------------------------------


def test_pixels():
    red = np.zeros((1, 2, 2, 3), "uint8")
    red[..., 0] = 255
    caffe = imagenet_utils.preprocess_input(red)
    np.testing.assert_allclose(caffe[0, 0, 0], [-103.939, -116.779, 255 - 123.68], 1e-6)
    first = imagenet_utils.preprocess_input(red.transpose(0, 3, 1, 2), "channels_first")
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), caffe)
    one = imagenet_utils.preprocess_input(red[0], mode="tf")
    np.testing.assert_array_equal(one[0, 0], [1, -1, -1])
    assert red.max() == 255  # integers are not written over
    with pytest.raises(ValueError, match=r"mode=...\) must be one of .*'theano'"):
        imagenet_utils.preprocess_input(red, mode="theano")
    with pytest.raises(ValueError, match=r"data_format=...\) must be one of .*'last'"):
        imagenet_utils.preprocess_input(red, "last")
    with pytest.raises(ValueError, match=r"needs images .*got shape \(1, 2, 2, 1\)"):
        imagenet_utils.preprocess_input(red[..., :1])


def test_pixels_in_a_model():
    x = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    for mode in imagenet_utils.MODES:
        image = layers.Input((4, 4, 3))
        model = models.Model(image, imagenet_utils.preprocess_input(image, mode=mode))
        expected = imagenet_utils.preprocess_input(x.copy(), mode=mode)
        np.testing.assert_allclose(model.predict(x), expected, 1e-4, 1e-4)


@pytest.fixture
def class_file(tmp_path, monkeypatch):
    path = tmp_path / "classes.json"
    path.write_text(json.dumps({str(i): [f"n{i}", f"class {i}"] for i in range(1000)}))
    monkeypatch.setattr(imagenet_utils, "get_file", lambda *args, **more: str(path))
    imagenet_utils.class_index.cache_clear()
    yield path
    imagenet_utils.class_index.cache_clear()


def test_names_of_classes(class_file):
    scores = np.zeros((2, 1000), "float32")
    scores[0, [3, 7]] = 0.25, 0.75
    scores[1, 999] = 1.0
    found = resnet.decode_predictions(scores, top=2)
    assert found[0] == [("n7", "class 7", 0.75), ("n3", "class 3", 0.25)]
    assert found[1][0] == ("n999", "class 999", 1.0)
    with pytest.raises(ValueError, match=r"\(batch, 1000\); got shape \(2, 10\)"):
        resnet.decode_predictions(scores[:, :10])
    with pytest.raises(ValueError, match=r"top=...\) must be a positive integer, got 0"):
        resnet.decode_predictions(scores, top=0)


def test_a_damaged_list_of_classes(class_file):
    class_file.write_text("[]")
    with pytest.raises(ValueError, match=r"classes\.json is not the list of ImageNet's classes"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))


def test_older_places():
    with keras_is_kerasish():
        import keras.applications.mobilenetv2
        import keras_applications.vgg16
        from keras.applications.resnet50 import ResNet50, decode_predictions, preprocess_input

    assert keras_applications.vgg16.VGG16 is applications.VGG16
    assert keras.applications.mobilenetv2.MobileNetV2 is applications.MobileNetV2
    assert ResNet50 is applications.ResNet50
    assert (decode_predictions, preprocess_input) == (
        resnet.decode_predictions,
        resnet.preprocess_input,
    )


def test_documentation():
    for name in applications.__all__:
        model = getattr(applications, name)
        if name[0].isupper():
            assert model.__name__ == name
            assert "arXiv" in model.__doc__
            assert "input_shape" in model.__doc__
