"""Layers that prepare data give what those of Keras 3 give."""

import numpy as np
import pytest
from cases.preprocessing import (
    CATEGORIES,
    FIXED,
    HOST,
    IMAGES,
    NUMBERS,
    RANDOM,
    RANDOM_IDS,
    TEXTS,
    WORDS,
    data_for,
)

import kerasish
from kerasish import layers
from kerasish.graph.primitive import as_tensor

keras = pytest.importorskip("keras", minversion="3")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def pair(name, arguments):
    return getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)


def close(actual, desired, tolerance=2e-5):
    actual, desired = np.asarray(actual), np.asarray(desired)
    assert actual.shape == desired.shape
    np.testing.assert_allclose(actual, desired, tolerance, tolerance)


def ids(cases):
    return [f"{name}-{i}" for i, (name, *_) in enumerate(cases)]


@pytest.mark.parametrize(("name", "arguments", "data"), FIXED, ids=ids(FIXED))
def test_equal_outputs_without_chance(name, arguments, data):
    mine, theirs = pair(name, arguments)
    # Sums of few float32 numbers decide between neighbouring shades.
    loose = "Spectrogram" in name or "Histogram" in name
    # TensorFlow looks the weights of cubic curves up in a table.
    table = arguments.get("interpolation") == "bicubic"
    close(mine(data), theirs(data), 3e-2 if table else 1e-3 if loose else 2e-4)


@pytest.mark.parametrize(("name", "arguments", "data"), HOST, ids=ids(HOST))
def test_equal_outputs_of_strings(name, arguments, data):
    mine, theirs = pair(name, arguments)
    tensors = [keras.tree.map_structure(lambda x: x, data)]
    close(mine(data), theirs(*tensors))


def test_strings_of_indices():
    mine, theirs = pair("StringLookup", {"vocabulary": ["a", "b"], "invert": True})
    at = np.array([[1, 2], [0, 9]])
    assert mine(at).tolist() == [[x.decode() for x in row] for row in theirs(at).numpy()]


# Layers that learn from data, which they are then called on.
ADAPTED = [
    ("Normalization", {}, NUMBERS),
    ("Normalization", {"axis": None}, NUMBERS),
    ("Normalization", {"axis": (1, 3)}, IMAGES),
    ("Discretization", {"num_bins": 3}, NUMBERS),
    ("Discretization", {"num_bins": 7, "epsilon": 0.3}, IMAGES),
    ("StringLookup", {}, WORDS),
    ("StringLookup", {"max_tokens": 3, "mask_token": ""}, WORDS),
    ("StringLookup", {"output_mode": "tf_idf"}, WORDS),
    ("StringLookup", {"output_mode": "count"}, WORDS),
    ("IntegerLookup", {"max_tokens": 4}, CATEGORIES),
    ("TextVectorization", {}, TEXTS),
    ("TextVectorization", {"ngrams": 2, "max_tokens": 5}, TEXTS),
    ("TextVectorization", {"output_mode": "tf_idf"}, TEXTS),
    (
        "TextVectorization",
        {"output_mode": "tf_idf", "max_tokens": 20, "pad_to_max_tokens": True},
        TEXTS,
    ),
]


@pytest.mark.parametrize(("name", "arguments", "data"), ADAPTED, ids=ids(ADAPTED))
def test_equal_states_after_adapting(name, arguments, data):
    mine, theirs = pair(name, arguments)
    mine.adapt(data), theirs.adapt(data)
    if hasattr(theirs, "get_vocabulary"):
        assert mine.get_vocabulary() == theirs.get_vocabulary()
    close(mine(data), theirs(data), 1e-4)


BATCHED = [
    ("Normalization", {}, NUMBERS),
    ("Discretization", {"num_bins": 3}, NUMBERS),
    ("TextVectorization", {}, TEXTS),
    ("TextVectorization", {"split": None, "ngrams": 2}, TEXTS),
]


@pytest.mark.parametrize(("name", "arguments", "data"), BATCHED, ids=ids(BATCHED))
def test_adapting_to_batches(name, arguments, data):
    import tensorflow as tf

    mine, theirs = pair(name, arguments)
    batches = tf.data.Dataset.from_tensor_slices(data).batch(4)
    mine.adapt(batches), theirs.adapt(batches)
    close(mine(data), theirs(data), 1e-4)
    again = getattr(layers, name)(**arguments)
    again.adapt(batch.numpy() for batch in batches)
    close(again(data), theirs(data), 1e-4)


@pytest.mark.parametrize(("name", "arguments", "data"), [*FIXED, *HOST], ids=ids([*FIXED, *HOST]))
def test_configs_are_exchanged(name, arguments, data):
    mine, theirs = pair(name, arguments)
    made = getattr(keras.layers, name).from_config(mine.get_config())
    close(made(data), theirs(data))
    back = getattr(layers, name).from_config(theirs.get_config())
    close(back(data), mine(data))


# --- layers that draw numbers ------------------------------------------------------------


@pytest.mark.parametrize(("name", "arguments"), RANDOM, ids=RANDOM_IDS)
def test_configs_of_layers_that_draw_are_exchanged(name, arguments):
    mine = getattr(layers, name)(**arguments)
    made = getattr(keras.layers, name).from_config(mine.get_config())
    back = getattr(layers, name).from_config(made.get_config())
    keys = set(mine.get_config()) - {"name", "seed"}
    one, other = mine.get_config(), back.get_config()
    assert {key: one[key] for key in keys} == {key: other[key] for key in keys}


# Factors of other signs and sizes than most have.
FACTORS = [
    ("CutMix", {"factor": (0.5, 3.0)}),
    ("RandomColorJitter", {"hue_factor": (-0.1, 0.1), "saturation_factor": (0.0, 2.0)}),
    ("RandomGaussianBlur", {"sigma": (0.5, 2.0)}),
    ("RandomHue", {"factor": (-0.5, 0.5)}),
    ("RandomSaturation", {"factor": (0.0, 2.0)}),
    ("RandomSharpness", {"factor": (-0.2, 0.2)}),
]


@pytest.mark.parametrize(("name", "arguments"), FACTORS)
def test_factors_that_keras_takes(name, arguments):
    mine, theirs = pair(name, arguments)
    assert np.isfinite(np.asarray(mine(IMAGES))).all()
    one, other = mine.get_config(), theirs.get_config()
    assert all(tuple(one[key]) == tuple(other[key]) for key in arguments)


# The same numbers drawn give the same images. (The others draw other things than Keras.)
APART = ("RandomCrop", "RandomElasticTransform", "RandomColorJitter", "RandAugment", "AugMix")
DRAWN = [case for case in RANDOM if case[0] not in APART]


@pytest.mark.parametrize(("name", "arguments"), DRAWN, ids=ids(DRAWN))
def test_equal_images_for_equal_draws(name, arguments):
    mine, theirs = pair(name, arguments)
    x = data_for(arguments)
    lazy = mine.get_random_transformation(x)
    drawn = {key: np.asarray(value) for key, value in lazy.items() if key != "sizes"}
    drawn |= {"fill_value": np.float32(3.0), "blur_factor": np.float32([0.7, 0.7])}
    sizes = {"sizes": IMAGES.shape[1:3]}
    mine_drawn = {key: as_tensor(value) for key, value in drawn.items()} | sizes
    found = mine.transform_images(x, mine_drawn)
    expected = theirs.transform_images(keras.ops.convert_to_tensor(x), theirs_of(name, drawn))
    close(found, expected, 2e-3 if name in ("RandomHue", "RandomSaturation") else 5e-4)


def theirs_of(name, drawn):
    """What was drawn in the form of Keras's layer."""
    if name == "RandomGrayscale":
        return drawn["should_apply"]
    if name == "RandomRotation":
        layer = keras.layers.RandomRotation(0.1)
        zeros, ones = np.zeros(3, "float32"), np.ones(3, "float32")
        matrix = layer._compute_affine_matrix(
            0.5, 0.5, drawn["angle"], zeros, zeros, ones, zeros, zeros, 8, 10
        )
        return {"rotation_matrix": matrix}
    result = {key: keras.ops.convert_to_tensor(value) for key, value in drawn.items()}
    if name == "RandomPosterization":
        result["shift_factor"] = keras.ops.cast(result["shift_factor"], "uint8")
    return result | {"input_shape": IMAGES.shape}


@pytest.mark.parametrize("scale", [0.2, 1.0])
def test_images_are_bent_equally_far(scale):
    """With and without neighbouring pixels that move alike."""
    places = np.tile(np.arange(32, dtype="float32")[:, None], (60, 32, 1, 1))
    arguments = {"factor": (1.0, 1.0), "scale": (scale, scale), "value_range": (-99, 99)}
    moved = [layer(places) - places for layer in pair("RandomElasticTransform", arguments)]
    mine, theirs = (np.asarray(moves)[:, 8:-8, 8:-8] for moves in moved)
    np.testing.assert_allclose(mine.std(), theirs.std(), rtol=0.1)
    steps = [np.diff(moves, axis=2).std() for moves in (mine, theirs)]
    np.testing.assert_allclose(*steps, rtol=0.1)


@pytest.mark.parametrize("name", ["Resizing", "ContrastLimitedAdaptiveHistogramEqualization"])
def test_dtypes_of_whole_numbers(name):
    """They stay on data, and become floats in models and datasets."""
    import tensorflow as tf

    pixels = IMAGES.astype("uint8")
    layers_ = pair(name, {"height": 4, "width": 5} if name == "Resizing" else {})
    for layer, library in zip(layers_, (kerasish, keras), strict=True):
        x = library.layers.Input((8, 10, 3), dtype="uint8")
        mapped = tf.data.Dataset.from_tensors(pixels).map(layer)
        assert np.asarray(layer(pixels)).dtype == "uint8"
        assert [v.dtype for v in mapped] == [tf.float32]
        result = library.Model(x, layer(x)).predict(pixels, verbose=0)
        close(result, next(iter(mapped)).numpy(), 1e-4)
        close(result, layer(IMAGES), 1e-4)


BOXES = np.array(
    [[[1.0, 2, 5, 6], [0, 0, 3, 3]], [[2, 2, 9, 7], [5, 1, 6, 3]], [[1, 1, 4, 4], [3, 3, 10, 8]]],
    "float32",
)
MOVED = [
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomTranslation", {"height_factor": (0.25, 0.25), "width_factor": (-0.2, -0.2)}),
    ("RandomRotation", {"factor": (0.1, 0.1)}),
    ("RandomZoom", {"height_factor": (-0.3, -0.3), "width_factor": (0.2, 0.2)}),
    ("Resizing", {"height": 4, "width": 15}),
    ("Resizing", {"height": 16, "width": 10, "pad_to_aspect_ratio": True}),
    ("Resizing", {"height": 5, "width": 9, "crop_to_aspect_ratio": True}),
    ("CenterCrop", {"height": 4, "width": 6}),
    ("CenterCrop", {"height": 12, "width": 6}),
    ("MaxNumBoundingBoxes", {"max_number": 3}),
]


@pytest.mark.parametrize("form", ["xyxy", "rel_xywh"])
@pytest.mark.parametrize(("name", "arguments"), MOVED, ids=ids(MOVED))
def test_equal_boxes(name, arguments, form):
    if name == "RandomRotation" and form != "xyxy":
        pytest.skip("Keras takes them for xyxy")
    mine, theirs = pair(name, arguments | {"bounding_box_format": form})
    boxes = BOXES
    if form == "rel_xywh":
        corners = BOXES / np.array([10, 8, 10, 8], "float32")
        boxes = np.concatenate([corners[..., :2], corners[..., 2:] - corners[..., :2]], -1)
    data = {
        "images": IMAGES,
        "bounding_boxes": {"boxes": boxes, "labels": np.float32([[0, 1], [2, 3], [4, 5]])},
        "segmentation_masks": np.floor(IMAGES[..., :1] / 100),
    }
    if name == "RandomFlip":
        flips = np.array([True, False, True]).reshape(3, 1, 1, 1)
        drawn = {"flips": as_tensor(flips), "sizes": (8, 10)}
        given = keras.tree.map_structure(keras.ops.convert_to_tensor, data["bounding_boxes"])
        of_theirs = {"flips": flips, "input_shape": IMAGES.shape}
        expected = theirs.transform_bounding_boxes(given, of_theirs)
        found = mine.transform_bounding_boxes(data["bounding_boxes"], drawn)
    else:
        copied = keras.tree.map_structure(np.copy, data)
        whole, expected_whole = mine(data), theirs(copied)
        found, expected = whole["bounding_boxes"], expected_whole["bounding_boxes"]
        if name != "CenterCrop":  # whose masks Keras stretches like images
            close(whole["segmentation_masks"], expected_whole["segmentation_masks"], 1e-4)
    close(found["boxes"], expected["boxes"], 1e-3)
    close(found["labels"], expected["labels"])


# --- files -------------------------------------------------------------------------------


def classifier(library):
    """A model with layers that were adapted, and such as draw."""
    L = library.layers
    normalization = L.Normalization(axis=-1)
    normalization.adapt(IMAGES)
    bins = L.Discretization(num_bins=3)
    bins.adapt(IMAGES)
    whole = [
        L.Input((8, 10, 3)),
        L.Resizing(6, 6),
        L.RandomFlip(),
        L.RandAugment(),
        L.RandomColorJitter(brightness_factor=0.1),
        normalization,
        L.Flatten(),
        L.Dense(4),
    ]
    images = whole[0]
    x = images
    for layer in whole[1:]:
        x = layer(x)
    counted = L.CategoryEncoding(4, output_mode="count")(L.Flatten()(bins(images)))
    return library.Model(images, [x, counted])


@pytest.mark.parametrize("source", ["ours", "theirs"])
def test_files_are_exchanged(source, tmp_path):
    writer, reader = (kerasish, keras) if source == "ours" else (keras, kerasish)
    model = classifier(writer)
    model.save(tmp_path / "model.keras")
    again = reader.models.load_model(tmp_path / "model.keras")
    for found, expected in zip(again.predict(IMAGES), model.predict(IMAGES), strict=True):
        close(found, expected, 1e-4)


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
def test_vocabularies_come_with_files_of_keras(mode, tmp_path):
    L = keras.layers
    lookup = L.IntegerLookup(output_mode=mode)
    lookup.adapt(CATEGORIES)
    inputs = L.Input((3,), dtype="int64")
    theirs = keras.Model(inputs, L.Dense(2)(L.Flatten()(lookup(inputs))))
    theirs.save(tmp_path / "model.keras")
    mine = kerasish.models.load_model(tmp_path / "model.keras")
    close(mine.predict(CATEGORIES), theirs.predict(CATEGORIES), 1e-4)
