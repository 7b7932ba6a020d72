"""The models of `applications` are Keras's: layers, weights, outputs, files, and where they are."""

import importlib
import json

import h5py
import numpy as np
import pytest

from kerasish import applications, backend, config
from kerasish.applications import building, imagenet_utils, published

keras = pytest.importorskip("keras", minversion="3.15")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _names_start_over():
    """Both libraries number layers without a name through the process: names depend on what ran."""
    backend.reset_uids()
    keras.utils.clear_session(free_memory=False)


def both(title, **arguments):
    theirs = getattr(keras.applications, title)(**arguments)
    return theirs, getattr(applications, title)(**arguments)


def layers_of(model):
    """Kinds and names; what is between layers is none in Keras."""
    found = [(type(layer).__name__, layer.name) for layer in model.layers]
    return [item for item in found if item[0] != "OperationLayer"]


# What the same numbers are said by, and what is Keras's alone.
SAID_ELSEWHERE = {"dtype", "axis", "layers", "optional", "bias_initializer", "mean", "variance"}
SAID_ELSEWHERE |= {"build_input_shape", "batch_shape"}


def wrong_settings(theirs, ours):
    """Settings of layers that differ: numbers, names and flags that both libraries have."""
    for layer in theirs.layers:
        own = ours.get_layer(layer.name).get_config()
        for key, value in layer.get_config().items():
            if value is None or key not in own or key in SAID_ELSEWHERE:
                continue
            if isinstance(value, dict):
                kind = own[key]["class_name"] if isinstance(own[key], dict) else own[key]
                if kind != value["class_name"]:
                    yield layer.name, key, value, own[key]
            else:
                same = json.dumps(own[key]) == json.dumps(value)
                if not same and not (isinstance(value, float) and abs(own[key] - value) < 1e-12):
                    yield layer.name, key, value, own[key]


# A model of each family as small as it comes, and variants.
NO_TOP = {"include_top": False}
SAME = [
    ("VGG16", (32, 32, 3), NO_TOP | {"pooling": "max"}),
    ("ResNet50", (32, 32, 3), {}),
    ("ResNet50V2", (32, 40, 3), {}),
    ("MobileNet", (32, 33, 3), {"alpha": 0.25}),
    ("MobileNetV2", (33, 32, 3), {"alpha": 0.35}),
    ("MobileNetV3Small", (32, 40, 3), {}),
    ("MobileNetV3Large", (32, 32, 1), {"alpha": 0.75, "minimalistic": True}),
    ("EfficientNetB0", (33, 32, 3), {}),
    ("EfficientNetV2B0", (32, 33, 3), {}),
    ("ConvNeXtTiny", (32, 32, 3), {}),
    ("Xception", (71, 71, 3), NO_TOP | {"pooling": "avg"}),
    ("DenseNet121", (32, 32, 3), {}),
    ("InceptionV3", (75, 75, 3), {}),
]


@pytest.mark.parametrize(("title", "shape", "more"), SAME, ids=[case[0] for case in SAME])
def test_layers_weights_and_outputs(title, shape, more):
    if "include_top" not in more:
        more = more | {"classes": 5, "classifier_activation": None}
    theirs, ours = both(title, weights=None, input_shape=shape, **more)
    assert ours.name == theirs.name
    assert layers_of(ours) == layers_of(theirs)
    assert list(wrong_settings(theirs, ours)) == []
    random = np.random.default_rng(0)
    weights = theirs.get_weights()
    for i, weight in enumerate(weights):
        if weight.ndim == 1:  # biases, and what normalizes
            weights[i] = weight + random.uniform(0, 0.1, weight.shape).astype(weight.dtype)
    theirs.set_weights(weights)
    ours.set_weights(weights)
    x = random.uniform(0, 255, (1, *shape)).astype("float32")
    expected = np.asarray(theirs(x, training=False))
    with config.backend_scope("numpy"):  # which compiles nothing
        found = ours.predict(x, verbose=0)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-4)


# Those that take long: their layers and shapes say what their outputs are.
LARGE = [
    ("InceptionResNetV2", (75, 75, 3), NO_TOP | {"pooling": "avg"}),
    ("NASNetMobile", (32, 33, 3), {}),
    ("EfficientNetV2B3", (32, 32, 1), NO_TOP | {"pooling": "max"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("title", "shape", "more"), LARGE, ids=[case[0] for case in LARGE])
def test_layers_and_weights(title, shape, more):
    theirs, ours = both(title, weights=None, input_shape=shape, **more)
    assert layers_of(ours) == layers_of(theirs)
    assert [tuple(w.shape) for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert list(wrong_settings(theirs, ours)) == []


def test_files(tmp_path):
    legacy = importlib.import_module("keras.src.legacy.saving.legacy_h5_format")
    arguments = {"weights": None, "input_shape": (32, 32, 3), "alpha": 0.25, "classes": 5}
    theirs, ours = both("MobileNet", **arguments)
    theirs.save_weights(tmp_path / "new.weights.h5")
    with h5py.File(tmp_path / "old.h5", "w") as file:
        legacy.save_weights_to_hdf5_group(file, theirs)
    for name, more in (("new.weights.h5", {}), ("old.h5", {}), ("old.h5", {"by_name": True})):
        ours.set_weights([np.zeros(w.shape, w.dtype) for w in ours.weights])
        ours.load_weights(tmp_path / name, **more)
        for own, their in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(own, their)
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")


class _AskedError(Exception):
    pass


@pytest.mark.parametrize(
    ("title", "arguments"),
    [
        ("VGG19", {"include_top": False}),
        ("MobileNet", {"alpha": 0.5, "input_shape": (160, 160, 3)}),
        ("MobileNetV2", {"alpha": 1.3, "include_top": False}),
        ("MobileNetV3Small", {"minimalistic": True, "include_top": False}),
        ("EfficientNetB0", {}),
    ],
)
def test_published_weights(title, arguments, monkeypatch):
    """Both fetch the same file, for models of the same layers."""
    asked, models = [], []

    def fetches(name, url, **more):
        asked.append((name or url.rpartition("/")[2], url, more.get("file_hash")))
        return "fetched.h5"

    monkeypatch.setattr(importlib.import_module("keras.src.utils.file_utils"), "get_file", fetches)
    monkeypatch.setattr(published, "get_file", fetches)
    for kind in (keras.Model, building.Model):
        monkeypatch.setattr(kind, "load_weights", lambda self, *a, **more: models.append(self))
    both(title, weights="imagenet", **arguments)
    assert asked[0] == asked[1]
    assert layers_of(models[0]) == layers_of(models[1])
    assert models[0].name == models[1].name
    scales = [[x.scale for x in m.layers if type(x).__name__ == "Rescaling"] for m in models]
    assert json.dumps(scales[0]) == json.dumps(scales[1])


MODULES = [name for name in applications.__all__ if name.islower() and name != "imagenet_utils"]


@pytest.mark.parametrize("name", MODULES)
def test_pixels(name):
    theirs = importlib.import_module(f"keras.applications.{name}").preprocess_input
    ours = getattr(applications, name).preprocess_input
    x = np.random.default_rng(0).uniform(0, 255, (2, 4, 4, 3)).astype("float32")
    first, second = x.copy(), x.copy()
    np.testing.assert_allclose(ours(first), theirs(second), 1e-6, 1e-5)
    np.testing.assert_allclose(first, second, 1e-6, 1e-5)  # which is written over, or not
    whole = x.astype("uint8")
    np.testing.assert_allclose(ours(whole), theirs(whole), 1e-6, 1e-5)
    images = x.transpose(0, 3, 1, 2)[0]
    found = ours(images.copy(), data_format="channels_first")
    np.testing.assert_allclose(found, theirs(images.copy(), "channels_first"), 1e-6, 1e-5)


def test_names_of_classes(monkeypatch):
    classes = {str(i): [f"n{i}", f"class {i}"] for i in range(1000)}
    module = importlib.import_module("keras.src.applications.imagenet_utils")
    monkeypatch.setattr(module, "CLASS_INDEX", classes)
    monkeypatch.setattr(imagenet_utils, "class_index", lambda: [tuple(c) for c in classes.values()])
    scores = np.random.default_rng(0).permutation(2000).reshape(2, 1000).astype("float32")
    for top in (1, 5):
        found = imagenet_utils.decode_predictions(scores, top)
        assert found == keras.applications.imagenet_utils.decode_predictions(scores, top)
