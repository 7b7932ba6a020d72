"""Layers that prepare data: alone, in models, in files. Numbers: oracle/."""

import json

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
    SOME,
    TEXTS,
    WORDS,
    data_for,
)

import kerasish
from kerasish import config, layers, models, ops, tree
from kerasish.graph.function import Function, run_counter
from kerasish.graph.primitive import as_tensor
from kerasish.graph.shapes import compatible

L = layers


def ids(cases):
    return [f"{name}-{i}" for i, (name, *_) in enumerate(cases)]


def copied(layer):
    """Another layer of the same config, which has gone through JSON."""
    return L.deserialize(json.loads(json.dumps(L.serialize(layer))))


# --- all layers --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "arguments", "data"), [*FIXED, *HOST], ids=ids([*FIXED, *HOST]))
def test_a_config_makes_an_equal_layer(name, arguments, data):
    layer = getattr(L, name)(**arguments)
    twin = copied(layer)
    assert json.dumps(twin.get_config()) == json.dumps(layer.get_config())
    np.testing.assert_array_equal(twin(data), layer(data))


@pytest.mark.parametrize(("name", "arguments", "data"), FIXED, ids=ids(FIXED))
def test_symbolic_results_are_those_of_data(name, arguments, data):
    layer = getattr(L, name)(**arguments)
    batch = data.shape[0] if data.ndim < 2 or (data.ndim == 3 and "Crop" in name) else None
    dtype = "int32" if data.dtype == "int64" else data.dtype.name
    x = L.Input(batch_shape=(batch, *data.shape[1:]), dtype=dtype)
    y = layer(x)
    (value,) = Function([x], [y])(data)
    # Images of whole numbers become floats in a graph.
    expected = np.asarray(layer(data.astype("float32") if dtype == "uint8" else data))
    assert compatible(y.shape, value.shape)
    assert y.shape[1:] == value.shape[1:]
    if name == "Equalization":  # which changes data for training
        np.testing.assert_array_equal(value, data)
        (value,) = Function([x], [y], training=True)(data)
    np.testing.assert_allclose(value, expected, 1e-5, 1e-4)
    assert layer.compute_output_shape(data.shape) == expected.shape


@pytest.mark.parametrize(("name", "arguments"), RANDOM, ids=RANDOM_IDS)
def test_layers_that_draw_act_while_training(name, arguments):
    layer = getattr(L, name)(seed=5, **arguments)
    assert json.dumps(copied(layer).get_config()) == json.dumps(layer.get_config())
    data = data_for(arguments)
    x = L.Input(batch_shape=(None, *data.shape[1:]))
    y = layer(x)
    (tested,) = Function([x], [y])(data)
    run_counter.next = 0
    train = Function([x], [y], training=True)
    first, *others = (train(data)[0] for _ in range(6))
    assert tested.shape == first.shape == (3, *y.shape[1:])
    assert any((first != other).any() for other in others)
    if name != "RandomCrop":
        np.testing.assert_allclose(tested, data)
    # Called by itself it acts as well, by the numbers of every layer of its seed.
    twin = copied(layer)
    np.testing.assert_allclose(twin(data), first, 1e-4, 1e-3)
    np.testing.assert_allclose(twin(data, training=False), tested)
    assert twin(data[0]).shape == first.shape[1:]


@pytest.mark.parametrize(("name", "arguments"), RANDOM, ids=RANDOM_IDS)
def test_channels_first_is_channels_last_transposed(name, arguments):
    data = data_for(arguments)
    run_counter.next = 0
    expected = np.asarray(getattr(L, name)(seed=5, **arguments)(data))
    first = getattr(L, name)(seed=5, data_format="channels_first", **arguments)
    run_counter.next = 0
    found = np.asarray(first(np.moveaxis(data, -1, 1)))
    if name == "RandomErasing" and "fill_value" not in arguments:
        return  # noise is drawn in the order of the axes
    np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected, 1e-4, 1e-3)


FORMATS = [
    (name, arguments, data)
    for name, arguments, data in FIXED
    if "data_format" in getattr(L, name)(**arguments).get_config()
    and "data_format" not in arguments
    and data.ndim == 4
]


@pytest.mark.parametrize(("name", "arguments", "data"), FORMATS, ids=ids(FORMATS))
def test_channels_first_is_channels_last_transposed_without_chance(name, arguments, data):
    expected = np.asarray(getattr(L, name)(**arguments)(data))
    first = getattr(L, name)(**arguments, data_format="channels_first")
    found = np.asarray(first(np.moveaxis(data, -1, 1)))
    np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected, 1e-4, 1e-3)


# One case of each layer that works in models.
ONCE = {name: (arguments, data) for name, arguments, data in FIXED}
ONCE |= {name: (arguments, data_for(arguments)) for name, arguments in RANDOM}


@pytest.mark.parametrize("name", ONCE)
def test_engines_agree(name, loaded_engine):
    arguments, data = ONCE[name]
    layer = getattr(L, name)(**arguments)
    draws = hasattr(layer, "seed_generator")
    # What is drawn is handed over: engines draw other numbers.
    drawn = layer.get_random_transformation(data) if draws else None
    results = []
    for backend in ("numpy", loaded_engine.name):
        with config.backend_scope(backend):
            result = layer.transform_images(as_tensor(data), drawn) if draws else layer(data)
            results.append(np.asarray(result))
    np.testing.assert_allclose(*results, 1e-3, 1e-2)
    with config.backend_scope(loaded_engine.name):
        assert np.isfinite(np.asarray(layer(data))).all()


@pytest.mark.parametrize("policy", ["float64", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "name", sorted(ONCE.keys() - {"IntegerLookup"})
)  # which is of whole numbers
def test_dtypes_follow_the_policy(name, policy):
    arguments, data = ONCE[name]
    layer = getattr(L, name)(**arguments, dtype=policy)
    assert layer.dtype_policy.name == policy
    result = layer(data)
    assert result.dtype == layer.compute_dtype
    assert np.isfinite(np.asarray(result).astype("float64")).all()


# --- images and what belongs to them -----------------------------------------------------

BOXES = np.array([[[1.0, 2, 5, 6]], [[2, 2, 9, 7]], [[3, 3, 10, 8]]], "float32")
GEOMETRY = [
    ("RandomFlip", {}),
    ("RandomCrop", {"height": 5, "width": 6}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2}),
    ("RandomRotation", {"factor": 0.1}),
    ("RandomZoom", {"height_factor": 0.2}),
    ("RandomShear", {"x_factor": 0.2, "y_factor": 0.1}),
    ("RandomPerspective", {"scale": 0.3}),
]


@pytest.mark.parametrize(("name", "arguments"), GEOMETRY, ids=ids(GEOMETRY))
def test_masks_and_boxes_move_with_the_images(name, arguments):
    """A box filled with 1 in the image and in the mask is around what is left of it."""
    still = {} if name in ("RandomFlip", "RandomCrop") else {"interpolation": "nearest"}
    fill = {"fill_mode": "constant"} if still and name != "RandomPerspective" else {}
    layer = getattr(L, name)(bounding_box_format="xyxy", **still, **fill, **arguments)
    images = np.zeros((3, 24, 30, 1), "float32")
    boxes = BOXES * 3
    for image, ((left, top, right, bottom),) in zip(images, boxes.astype(int), strict=True):
        image[top:bottom, left:right] = 1
    if name == "RandomCrop":
        layer = L.RandomCrop(20, 24, bounding_box_format="xyxy")
    data = {
        "images": images,
        "segmentation_masks": images.astype("int32"),
        "bounding_boxes": {"boxes": boxes, "labels": np.ones((3, 1), "int32")},
        "labels": np.arange(3),
    }
    result = layer(data)
    filled = np.asarray(result["images"])[..., 0]
    np.testing.assert_array_equal(filled, np.asarray(result["segmentation_masks"])[..., 0])
    assert result["segmentation_masks"].dtype == "int32"
    np.testing.assert_array_equal(result["labels"], np.arange(3))
    found = np.asarray(result["bounding_boxes"]["boxes"])[:, 0]
    for image, (left, top, right, bottom) in zip(filled, found, strict=True):
        rows, columns = np.nonzero(image)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(seen, [left, top, right, bottom], atol=1.5)


def test_a_dict_of_one_image():
    boxes = {"boxes": BOXES[0], "labels": np.ones(1)}
    data = {"images": IMAGES[0], "bounding_boxes": boxes}
    result = L.Resizing(4, 5, bounding_box_format="xyxy")(data)
    assert result["images"].shape == (4, 5, 3)
    np.testing.assert_allclose(result["bounding_boxes"]["boxes"], [[0.5, 1, 2.5, 3]])


def test_boxes_outside_lose_their_label():
    layer = L.CenterCrop(2, 2, bounding_box_format="rel_center_xywh")
    boxes = {
        "boxes": np.float32([[[0.1, 0.1, 0.1, 0.1], [0.5, 0.5, 0.2, 0.25]]]),
        "labels": [[4, 5]],
    }
    boxes["labels"] = np.array(boxes["labels"])
    result = layer({"images": IMAGES[:1], "bounding_boxes": boxes})["bounding_boxes"]
    np.testing.assert_array_equal(result["labels"], [[-1, 5]])
    np.testing.assert_allclose(result["boxes"][0, 1], [0.5, 0.5, 1, 1], atol=1e-6)


def test_mixing_images_mixes_labels():
    x = np.stack([np.zeros((4, 4, 1)), np.ones((4, 4, 1))]).astype("float32")
    for layer in (L.MixUp(alpha=5.0), L.CutMix((0.9, 1.0))):
        result = layer({"images": x, "labels": np.eye(2, dtype="float32")})
        np.testing.assert_allclose(np.asarray(result["labels"]).sum(-1), 1, rtol=1e-5)
        if type(layer) is L.MixUp:
            share = np.asarray(result["images"]).mean((1, 2, 3))
            np.testing.assert_allclose(share, np.asarray(result["labels"])[:, 1], atol=1e-6)
    pair = {"boxes": BOXES[:2], "labels": np.ones((2, 1))}
    both = L.MixUp(bounding_box_format="xyxy")({"images": x, "bounding_boxes": pair})
    assert both["bounding_boxes"]["boxes"].shape == (2, 2, 4)


def test_texts_beside_images_stay():
    data = {"images": IMAGES, "id": np.array(["a", "b", "c"]), "labels": ["x", "y", "z"]}
    for layer in (L.RandomFlip(), L.Resizing(4, 4)):
        result = layer(data)
        assert list(result) == list(data)
        assert (result["id"] == data["id"]).all()
        assert result["labels"] == data["labels"]
    tf = pytest.importorskip("tensorflow")
    for row in tf.data.Dataset.from_tensor_slices(data).map(L.Resizing(4, 4)).take(1):
        assert (row["id"], row["images"].shape) == (b"a", (4, 4, 3))


FIXED_COLOURS = [
    ("RandomBrightness", {"factor": (0.2, 0.2)}),
    ("RandomContrast", {"factor": (0.0, 0.0)}),
    ("RandomColorDegeneration", {"factor": (0.3, 0.3)}),
    ("RandomGrayscale", {"factor": 1.0}),
    ("RandomInvert", {"factor": (1.0, 1.0)}),
    ("RandomPosterization", {"factor": (3, 3)}),
    ("RandomSharpness", {"factor": (0.3, 0.3)}),
    ("Solarization", {"addition_factor": (0.2, 0.2), "threshold_factor": (0.4, 0.4)}),
    ("AutoContrast", {}),
    ("Equalization", {}),
    ("Resizing", {"height": 4, "width": 5}),
]


@pytest.mark.parametrize(("name", "arguments"), FIXED_COLOURS, ids=ids(FIXED_COLOURS))
def test_layers_of_whole_numbers_round(name, arguments):
    images = np.floor(IMAGES / 2)
    wide, whole = (getattr(L, name)(**arguments, dtype=d)(images) for d in ("float32", "uint8"))
    assert whole.dtype == "uint8"
    np.testing.assert_allclose(np.asarray(whole), np.asarray(wide), atol=0.501)


def test_images_may_have_different_numbers_of_boxes():
    layer = L.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    lists = {"boxes": [BOXES[0], BOXES[:2, 0]], "labels": [[4], [5, 6]]}
    result = layer({"images": IMAGES[:2], "bounding_boxes": lists})["bounding_boxes"]
    np.testing.assert_array_equal(result["labels"], [[4, -1, -1], [5, 6, -1]])
    np.testing.assert_array_equal(result["boxes"][1, :2], BOXES[:2, 0])
    np.testing.assert_array_equal(result["boxes"][0, 1], [0, 0, 0, 0])


def test_an_image_with_fewer_pixels_than_parts():
    layer = L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(8, 8))
    assert layer(IMAGES[:, :2, :3]).shape == (3, 2, 3, 3)


# --- in models ---------------------------------------------------------------------------

ANY_SIZE = [
    ("Resizing", {"height": 5, "width": 7}),
    ("Resizing", {"height": 5, "width": 7, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 5, "width": 7, "pad_to_aspect_ratio": True}),
    ("CenterCrop", {"height": 4, "width": 5}),
    ("CenterCrop", {"height": 12, "width": 5}),
    ("RandomCrop", {"height": 4, "width": 5}),
    ("RandomRotation", {"factor": 0.2}),
    ("MixUp", {}),
]


@pytest.mark.parametrize(("name", "arguments"), ANY_SIZE, ids=ids(ANY_SIZE))
def test_boxes_in_images_of_any_size(name, arguments):
    """In a model that does not know the size, and is given one and then another."""
    layer = getattr(L, name)(bounding_box_format="rel_xyxy", **arguments)
    boxes = {"boxes": L.Input((1, 4)), "labels": L.Input((1,))}
    data = {"images": L.Input((None, None, 3)), "bounding_boxes": boxes}
    model = models.Model(data, layer(data))
    given = {"boxes": BOXES[:2] / 16, "labels": np.ones((2, 1), "float32")}
    for images in (IMAGES[:2], IMAGES[:2, 2:, :6]):
        data = {"images": images, "bounding_boxes": given}
        found, expected = model.predict(data, verbose=0), layer(data, training=False)
        for a, b in zip(*map(tree.flatten, (found, expected)), strict=True):
            np.testing.assert_allclose(a, b, 1e-5, 1e-5)
        for trained in (model(data, training=True), layer(data)):
            shapes = [tree.map_structure(np.shape, x) for x in (trained, found)]
            assert shapes[0] == shapes[1]


def test_a_model_with_adapted_and_random_layers_trains_and_is_saved(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 128)
    x = (rng.random((128, 6, 6, 1)) * 100 + y[:, None, None, None] * 60).astype("float32")
    normalization = L.Normalization(axis=None)
    normalization.adapt(x)
    augment = L.Pipeline([L.RandomFlip(), L.RandomTranslation(0.1, 0.1)], name="augment")
    model = models.Sequential(
        [L.Input((6, 6, 1)), augment, normalization, L.Flatten(), L.Dense(2, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=30, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.9
    path = tmp_path / "model.keras"
    model.save(path)
    again = models.load_model(path)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert [type(layer) for layer in again.layers[0].layers] == [L.RandomFlip, L.RandomTranslation]
    model.save(tmp_path / "model.h5")
    old = models.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(old.predict(x, verbose=0), model.predict(x, verbose=0))


def test_whole_numbers_are_looked_up_in_a_model(tmp_path):
    lookup = L.IntegerLookup(mask_token=0, num_oov_indices=2)
    lookup.adapt(CATEGORIES * 1000)
    inputs = L.Input((3,), dtype="int32")
    embedded = L.Embedding(lookup.vocabulary_size(), 2)(lookup(inputs))
    model = models.Model(inputs, L.Dense(1)(L.Flatten()(embedded)))
    model.compile("sgd", "mse")
    data = np.array([[1000, 2000, 7], [0, 3000, 8]])
    model.fit(data, np.ones(2), verbose=0)
    model.save(tmp_path / "model.keras")
    again = models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))
    (indices,) = Function([inputs], [lookup(inputs)])(data)
    np.testing.assert_array_equal(indices, lookup(data))


def test_texts_for_a_model():
    texts = ["good film", "bad film", "a good one", "a bad one"] * 8
    vectorize = L.TextVectorization(output_sequence_length=3)
    vectorize.adapt(texts)
    model = models.Sequential(
        [
            L.Embedding(vectorize.vocabulary_size(), 4, mask_zero=True),
            L.GlobalAveragePooling1D(),
            L.Dense(1),
        ]
    )
    model.compile(kerasish.optimizers.Adam(0.1), "mse")
    history = model.fit(vectorize(texts), np.array([1.0, 0, 1, 0] * 8), epochs=20, verbose=0)
    assert history.history["loss"][-1] < 0.05


def test_data_of_other_kinds():
    tf = pytest.importorskip("tensorflow")
    layer = L.StringLookup(vocabulary=["dog", "cat"])
    np.testing.assert_array_equal(layer(tf.constant(["cat", "?"])), [2, 0])
    np.testing.assert_array_equal(layer([b"cat", b"?"]), [2, 0])
    np.testing.assert_array_equal(L.Rescaling(2.0)([1, 2]), [2, 4])
    np.testing.assert_array_equal(L.Rescaling(2.0)(tf.constant([1.0, 2.0])), [2, 4])


MAPPED = [
    (lambda: L.Rescaling(2.0), NUMBERS),
    (lambda: L.Resizing(4, 4), IMAGES),
    (lambda: L.RandomFlip(), IMAGES),
    (lambda: L.Pipeline([L.Resizing(4, 4), L.RandomTranslation(0.1, 0.1)]), IMAGES),
    (lambda: L.StringLookup(vocabulary=["dog"]), WORDS),
    (lambda: L.TextVectorization(vocabulary=["cat"], output_sequence_length=4), TEXTS),
    (lambda: L.TextVectorization(vocabulary=["cat"]), TEXTS),
    (lambda: L.Hashing(5, output_mode="multi_hot"), WORDS),
]


@pytest.mark.parametrize("engine", ["numpy", "tensorflow"])
@pytest.mark.parametrize(("make", "data"), MAPPED)
def test_layers_map_datasets(make, data, engine):
    tf = pytest.importorskip("tensorflow")
    config.set_backend(engine)
    layer = make()
    source = tf.data.Dataset.from_tensor_slices(data).batch(2)
    result = source.map(layer)
    expected = layer(data[:2])
    for found in result.take(1):
        assert found.shape == expected.shape
        assert compatible(tuple(result.element_spec.shape), expected.shape)
        assert result.element_spec.shape.rank is not None
        if not isinstance(layer, (L.RandomFlip, L.Pipeline)):
            np.testing.assert_allclose(found.numpy(), np.asarray(expected))


@pytest.mark.parametrize("engine", ["numpy", "tensorflow"])
def test_a_dataset_of_images_and_all_that_belongs_to_them(engine):
    """Of a size that is not known, and with different numbers of boxes."""
    tf = pytest.importorskip("tensorflow")
    config.set_backend(engine)
    boxes = tf.ragged.constant([[[1.0, 2, 5, 6]], [[2, 2, 9, 7], [0, 0, 4, 4]]], ragged_rank=1)
    labels = tf.ragged.constant([[1], [2, 3]])
    source = tf.data.Dataset.from_tensor_slices(
        {
            "images": IMAGES[:2],
            "labels": np.eye(2, dtype="float32"),
            "segmentation_masks": IMAGES[:2, ..., :1],
            "bounding_boxes": {"boxes": boxes, "labels": labels},
        }
    )
    source = source.ragged_batch(2)
    options = {"bounding_box_format": "xyxy"}
    for layer in (L.Resizing(4, 5, **options), L.RandomShear(0.1, **options)):
        for result in source.map(layer):
            assert set(result) == set(source.element_spec)
            np.testing.assert_array_equal(result["bounding_boxes"]["labels"][:, :1], [[1], [2]])
        assert result["images"].shape[1:] == layer(IMAGES).shape[1:]


@pytest.mark.parametrize(("name", "arguments", "data"), HOST, ids=ids(HOST))
def test_shapes_of_outputs(name, arguments, data):
    layer = getattr(L, name)(**arguments)
    shapes = [x.shape for x in data] if isinstance(data, list) else data.shape
    found, expected = layer.compute_output_shape(shapes), layer(data).shape
    assert compatible(found, expected)
    assert None not in found or name == "TextVectorization"


# --- learning from data ------------------------------------------------------------------


def test_lists_of_single_values_of_arrays():
    """As `list(frame["column"])` has them."""
    words, numbers = L.StringLookup(), L.IntegerLookup()
    words.adapt(list(np.array(["b", "a", "b"])))
    numbers.adapt(list(np.array([7, 5, 7])))
    assert words.get_vocabulary() == ["[UNK]", "b", "a"]
    np.testing.assert_array_equal(words(list(np.array(["a", "?"]))), [2, 0])
    np.testing.assert_array_equal(numbers(list(np.array([5, 7]))), [2, 1])


def test_adapting_forgets_what_was_before():
    layer = L.Normalization()
    layer.adapt(NUMBERS + 100)
    layer.adapt(NUMBERS)
    np.testing.assert_allclose(np.asarray(layer(NUMBERS)).mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(np.asarray(layer(NUMBERS)).std(0), 1, atol=1e-5)
    inverse = L.Normalization(invert=True)
    inverse.adapt(NUMBERS)
    np.testing.assert_allclose(inverse(layer(NUMBERS)), NUMBERS, 1e-4, 1e-4)
    words = L.StringLookup()
    words.adapt(["a", "b"])
    words.adapt(["c"])
    assert words.get_vocabulary() == ["[UNK]", "c"]


def test_a_layer_that_nothing_was_adapted_to():
    """Its first model may be made before."""
    layers_ = [L.StringLookup(), L.TextVectorization(output_sequence_length=2), L.IntegerLookup()]
    for layer in layers_:
        data = np.array([[3]]) if isinstance(layer, L.IntegerLookup) else np.array([["a"]])
        with pytest.raises(RuntimeError, match="has no vocabulary yet"):
            layer(data)
        if not isinstance(layer, L.IntegerLookup):
            x = L.Input((1,), dtype="string")
            model = models.Model(x, layer(x))
            with pytest.raises(RuntimeError, match="has no vocabulary yet"):
                model.predict(data, verbose=0)
        layer.adapt(data)
        assert np.asarray(layer(data)).max() > 0
    empty = L.TextVectorization()
    empty.adapt(np.array([""]))
    np.testing.assert_array_equal(empty(["a"]), [[1]])


def test_numbers_of_numpy_are_arguments():
    made = [
        L.RandomRotation(np.float32(0.25)),
        L.RandomBrightness(0.2, value_range=np.array([0, 1])),
        L.RandomGaussianBlur(kernel_size=np.int64(3)),
        L.Hashing(3, salt=np.int64(7)),
        L.RandomZoom(0.5, 1.0),
    ]
    for layer in made:
        assert json.dumps(copied(layer).get_config()) == json.dumps(layer.get_config())
    config.set_floatx("bfloat16")
    assert L.Rescaling(2.0)([1.5, 2.0]).dtype == "bfloat16"


def test_adapting_with_steps_and_pairs():
    def pairs():
        while True:
            yield NUMBERS, NUMBERS[:, 0]

    layer = L.Normalization()
    layer.adapt(pairs(), steps=3)
    np.testing.assert_allclose(layer.adapt_mean.numpy(), NUMBERS.mean(0), rtol=1e-5)


def test_bins_hold_about_equally_many_values():
    values = np.random.default_rng(0).normal(size=(5000, 1))
    layer = L.Discretization(num_bins=4)
    layer.adapt(values)
    assert (abs(np.bincount(np.asarray(layer(values)).ravel()) - 1250) < 60).all()
    assert copied(layer).bin_boundaries == layer.bin_boundaries


def test_a_vocabulary_in_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("dog\ncat\n")
    layer = L.StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "dog", "cat"]
    assert layer.get_config()["vocabulary"] == ["[UNK]", "dog", "cat"]
    layer = L.TextVectorization(vocabulary=["dog", "cat"])
    layer.save_assets(tmp_path)
    again = L.TextVectorization()
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == layer.get_vocabulary() == ["", "[UNK]", "dog", "cat"]
    for kind in (L.StringLookup, L.TextVectorization):
        with pytest.raises(ValueError, match="never opened"):
            kind.from_config({"vocabulary": str(path)})


def test_functions_that_standardize_and_split():
    layer = L.TextVectorization(
        standardize=lambda texts: np.char.replace(texts, "-", " "),
        split=lambda texts: [text.split(" ")[:2] for text in texts],
        vocabulary=["b", "a"],
    )
    np.testing.assert_array_equal(layer(["a-b c", "b"]), [[3, 2], [2, 0]])


# --- what goes wrong ---------------------------------------------------------------------

X = np.ones((2, 4, 4, 3), "float32")
BOXED = {"images": X, "bounding_boxes": {"boxes": np.ones((2, 1, 4)), "labels": np.ones((2, 1))}}
MISTAKES = [
    (lambda: L.Normalization(mean=1.0), "mean and variance must be given together"),
    (lambda: L.Normalization(axis=3, name="n")(NUMBERS), "Layer n: axis .3,. does not fit"),
    (lambda: L.Normalization(name="n")(L.Input((None,))), "Layer n: the sizes of the axes"),
    (lambda: L.Normalization(mean=1.0, variance=1.0).adapt(NUMBERS), "was given its mean"),
    (lambda: L.Discretization(), "either bin_boundaries or num_bins"),
    (lambda: L.Discretization(num_bins=3, name="d")(NUMBERS), "Layer d has no boundaries yet"),
    (lambda: L.Discretization([2.0, 1.0]), "ascending"),
    (lambda: L.CategoryEncoding(), "num_tokens must be a positive int"),
    (lambda: L.CategoryEncoding(3, "int"), "CategoryEncoding: output_mode must be"),
    (lambda: L.CategoryEncoding(3, name="c")([3]), "Layer c: the categories must be from 0 to 2"),
    (lambda: L.CategoryEncoding(3)([1], count_weights=[1.0]), "count_weights go with"),
    (lambda: L.CategoryEncoding(3, sparse=True), "sparse=True is not supported"),
    (lambda: L.Hashing(0), "num_bins must be a positive int"),
    (lambda: L.Hashing(3, salt="x"), "salt must be"),
    (lambda: L.HashedCrossing(3, name="h")([WORDS]), "Layer h takes a list of at least two"),
    (lambda: L.StringLookup(name="s")(L.Input((2,))), "Layer s takes strings, but got .* float32"),
    (
        lambda: L.StringLookup(**SOME, name="s")(NUMBERS),
        "Layer s takes strings, but got .* float32",
    ),
    (lambda: L.StringLookup(vocabulary=["a", "a"]), "has tokens twice: ..a"),
    *(
        (lambda cls=cls, given=given: cls(vocabulary=given, name="v"), f"must be a list .* {words}")
        for cls in (L.StringLookup, L.IntegerLookup, L.TextVectorization)
        for given, words in [
            ({"a": 1}, "got .'a': 1."),
            ({"a": {"b": 1}}, "got .'a': "),
            ({3, 4}, "got .3, 4."),
            (5, "got 5"),
            ([{"a": 1}], ".'a': 1. is in it"),
            ([["a"], ["b", "c"]], ".'a'. is in it"),
            ([None], "None is in it"),
        ]
    ),
    (
        lambda: L.StringLookup.from_config({"name": "v", "vocabulary": {"class_name": "X"}}),
        "Layer v: vocabulary must be a list",
    ),
    (lambda: L.IntegerLookup(vocabulary=[1.5]), "the vocabulary holds 1.5, not a whole number"),
    (lambda: L.IntegerLookup(vocabulary=["a"]), "the vocabulary holds 'a', not a whole number"),
    (lambda: L.StringLookup(vocabulary=["a"], max_tokens=1), "max_tokens must be above 1"),
    (lambda: L.StringLookup(vocabulary=["a", "b"], max_tokens=2), "has 3 tokens"),
    (lambda: L.StringLookup(invert=True, output_mode="count"), "invert goes with"),
    (lambda: L.StringLookup(vocabulary=["a"]).adapt(["b"]), "was given its vocabulary"),
    (
        lambda: L.StringLookup(vocabulary=["a"], num_oov_indices=0, name="s")(["b"]),
        "Layer s: 'b' is not in the vocabulary",
    ),
    (lambda: L.StringLookup(output_mode="count", name="s")(["b"]), "Layer s has no vocabulary"),
    (lambda: L.Flatten(name="f")(L.Input((1,), dtype="string")), "Layer f .Flatten. takes numbers"),
    (lambda: adapted_too_late(), "Layer i is part of a model already"),
    (lambda: L.IntegerLookup(salt=3), "salt goes with oov_method"),
    (lambda: L.IntegerLookup(max_tokens=2.5), "max_tokens must be a positive int"),
    (lambda: L.StringLookup(num_oov_indices=None), "num_oov_indices must be an int of at least 0"),
    (lambda: L.StringLookup(name="s").adapt(None), "Layer s: adapt takes an array"),
    (lambda: L.Normalization(name="n").adapt({"x": NUMBERS}), "Layer n: adapt takes an array"),
    (lambda: L.Normalization(name="n").adapt(NUMBERS[:0]), "Layer n: there is no data"),
    (lambda: L.TextVectorization(name="t")(["a"]), "Layer t has no vocabulary yet"),
    (lambda: L.TextVectorization(ragged=True), "ragged=True is not supported"),
    (lambda: L.TextVectorization(split="lines"), "split must be None, a function, or one of"),
    (lambda: L.TextVectorization(**SOME, name="t")(WORDS), "Layer t takes texts of shape"),
    (lambda: L.Resizing(4, 4, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "only one of"),
    (lambda: L.Resizing(4, 4, name="r")(NUMBERS), "Layer r takes an image .rank 3. or a batch"),
    (lambda: L.Resizing(4, 4, name="r")(BOXED), "Layer r: there are bounding boxes"),
    (lambda: L.Resizing(4, 4, name="r")({"image": X}), "Layer r: the dict has no"),
    (lambda: L.Resizing(4, 4, bounding_box_format="xxyy"), "bounding_box_format must be one of"),
    (lambda: L.Normalization(None, [1, 2], [1, 2])(X), r"mean has shape \(2,\), more axes than"),
    (lambda: L.RandomFlip("sideways"), "RandomFlip: mode must be"),
    (lambda: L.RandomRotation(2.0), "RandomRotation: factor must be a number from -1"),
    (lambda: L.RandomShear((-0.5, 0.2)), "RandomShear: x_factor must be from 0"),
    (lambda: L.RandomBrightness(0.1, value_range=3), "value_range must be two"),
    (lambda: L.RandomPerspective(scale=2.0), "scale must be from 0 to 1"),
    (lambda: L.RandomElasticTransform(bounding_box_format="xyxy")(BOXED), "does not support bound"),
    (lambda: L.CutMix(bounding_box_format="xyxy")(BOXED), "does not support bounding boxes"),
    (lambda: boxes_of(np.ones((2, 1, 3)), np.ones((2, 1))), "Layer r: .* 4 numbers each"),
    (lambda: boxes_of(np.ones((2, 1, 4)), np.ones((2, 3))), "and one label"),
    (lambda: L.AugMix(alpha=0), "AugMix: alpha must be a number above 0"),
    (lambda: L.RandAugment(interpolation="x"), "RandAugment: interpolation must be"),
    (lambda: L.RandomContrast((1.5, 2.0)), "the lower factor must be from 0 to 1"),
    (lambda: L.RandomZoom((-1.0, 0.2)), "RandomZoom: the factors must be above -1"),
    (
        lambda: L.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(0, 3)),
        "tile_grid_size must be a positive int or 2 of them",
    ),
    (lambda: L.Pipeline([], dtype="float16"), "Pipeline got an unexpected argument 'dtype'"),
    (lambda: L.Pipeline([3]), "Pipeline takes a list of layers"),
    (lambda: L.STFTSpectrogram("loud"), "STFTSpectrogram: mode must be"),
    (lambda: L.STFTSpectrogram(frame_length=4, frame_step=5), "frame_step must be from 1"),
    (lambda: L.MelSpectrogram(fft_length=4, sequence_length=5), "must not be above"),
]


def boxes_of(boxes, labels):
    layer = L.Resizing(4, 4, bounding_box_format="xyxy", name="r")
    layer({"images": X, "bounding_boxes": {"boxes": boxes, "labels": labels}})


def adapted_too_late():
    layer = L.IntegerLookup(name="i")
    layer(L.Input((2,), dtype="int32"))
    layer.adapt([1, 2])


@pytest.mark.parametrize(("mistake", "message"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_messages(mistake, message):
    with pytest.raises((ValueError, TypeError, NotImplementedError, RuntimeError), match=message):
        mistake()


def test_gradients_pass_through_images():
    x = L.Input((8, 10, 3))
    y = L.RandomRotation((0.1, 0.1))(x)
    (slope,) = Function([x], [ops.gradients(ops.sum(y), [x])[0]], training=True)(IMAGES)
    assert slope.shape == IMAGES.shape
    assert abs(slope).sum() > 0


# --- images whose sizes are known only when they come ------------------------------------

OF_IMAGES = [case for case in FIXED if case[2] is IMAGES]


def of_any_size(layer):
    """A model of the layer that takes images of any size."""
    last = layer.data_format == "channels_last"
    x = L.Input((None, None, 3) if last else (IMAGES.shape[1], None, None))
    return models.Model(x, layer(x))


@pytest.mark.parametrize(("name", "arguments", "images"), OF_IMAGES)
def test_images_of_any_size(name, arguments, images):
    layer = getattr(L, name)(**arguments)
    if not hasattr(layer, "data_format"):
        return
    model = of_any_size(layer)
    for data in (images, images[:, :6, :7] if layer.data_format == "channels_last" else images):
        np.testing.assert_allclose(model(data, training=True), layer(data), 1e-5, 1e-3)


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_chance_with_images_of_any_size(name, arguments):
    layer = getattr(L, name)(**arguments)
    model = of_any_size(layer)
    for data in (IMAGES, IMAGES[:, :6, :7]):
        assert model(data, training=True).shape == layer(data).shape
