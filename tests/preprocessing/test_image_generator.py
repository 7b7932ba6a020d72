"""`keras.preprocessing.image`. The numbers were computed by Keras 2.3.1."""

import pickle
import sys
import time

import numpy as np
import pytest

from kerasish import config, layers, models, preprocessing
from kerasish.compat.run import run_script
from kerasish.utils import save_img

image = preprocessing.image
ImageDataGenerator = image.ImageDataGenerator

X = np.arange(12.0).reshape(3, 4, 1)
TWO = (np.arange(12) ** 2 % 23).astype("float32").reshape(2, 3, 2, 1)
MANY = np.arange(7 * 2 * 2).reshape(7, 2, 2, 1)

# ---------------------------------------------------------------- single images

AFFINE = [
    ({}, range(12)),
    ({"theta": 90}, [8.5, 8.5, 8.5, 6.5, 9.5, 9.5, 9.5, 7.5, 10.5, 10.5, 10.5, 8.5]),
    (
        {"theta": 30},
        [6.072, 4.273, 3.139, 2.005, 8, 8.237, 7.103, 5.969, 8.335, 9.201, 10.067, 9.933],
    ),
    ({"tx": 1}, [4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11]),
    (
        {"ty": -1.5, "fill_mode": "constant", "cval": -1.0},
        [-1, -1, 0.5, 1.5, -1, -1, 4.5, 5.5, -1, -1, 8.5, 9.5],
    ),
    (
        {"shear": 30},
        [5.335, 4.201, 3.067, 2.933, 8.335, 8.201, 7.067, 5.933, 8.335, 9.201, 10.067, 9.933],
    ),
    ({"zx": 0.5, "zy": 2}, [4, 4, 5.5, 7, 6, 6, 7.5, 9, 8, 8, 9.5, 11]),
    (
        {
            "theta": -20,
            "tx": 0.5,
            "ty": 1,
            "shear": 10,
            "zx": 1.5,
            "zy": 0.8,
            "fill_mode": "reflect",
        },
        [2.325, 3, 3, 2.56, 6.032, 7.376, 8.331, 8.712, 9.299, 10.087, 10.875, 11],
    ),
    (
        {"theta": 45, "order": 0, "fill_mode": "wrap"},
        [2, 8, 5, 1, 4, 1, 9, 6, 9, 5, 2, 11],
    ),
]


@pytest.mark.parametrize(("options", "pixels"), AFFINE)
def test_apply_affine_transform(options, pixels):
    found = image.apply_affine_transform(X, **options)
    np.testing.assert_allclose(found.ravel(), list(pixels), atol=1e-3)
    axes = {"row_axis": 1, "col_axis": 2, "channel_axis": 0}
    first = image.apply_affine_transform(np.moveaxis(X, 2, 0), **axes, **options)
    np.testing.assert_array_equal(first[0], found[..., 0])
    turned = image.apply_affine_transform(
        X.swapaxes(0, 1), row_axis=1, col_axis=0, channel_axis=2, **options
    )
    np.testing.assert_allclose(turned.swapaxes(0, 1), found, atol=1e-12)


@pytest.mark.parametrize(
    ("brightness", "pixels"),
    [
        (0.5, [0, 11, 23, 34, 46, 57, 69, 81, 92, 104, 115, 127]),
        (1.5, [0, 34, 69, 103, 138, 172, 208, 243, 255, 255, 255, 255]),
    ],
)
def test_apply_brightness_shift(brightness, pixels):
    found = image.apply_brightness_shift(X, brightness)
    assert found.ravel().tolist() == pixels
    unscaled = image.apply_brightness_shift(X * 2, 0.5, scale=False)
    np.testing.assert_array_equal(unscaled, X)


def test_apply_channel_shift():
    assert image.apply_channel_shift(X, -3).ravel().tolist() == [0, 0, 0, *range(9)]
    bytes_ = X.astype("uint8")
    assert image.apply_channel_shift(bytes_, -3.0).ravel().tolist() == [0, 0, 0, *range(9)]


AXES = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
RANDOM = [
    (lambda: image.random_rotation(X, 40, **AXES), lambda u: {"theta": u(40)}),
    (lambda: image.random_shear(X, 40, 0, 1, 2), lambda u: {"shear": u(40)}),
    (lambda: image.random_shift(X, 0.5, 0.25, **AXES), lambda u: {"tx": u(0.75), "ty": u(2)}),
    (
        lambda: image.random_zoom(X, (0.5, 1.5), row_index=0, col_index=1, channel_index=2),
        lambda u: {"zx": 1 + u(0.5), "zy": 1 + u(0.5)},
    ),
    (lambda: image.random_zoom(X, (1, 1), **AXES), lambda u: {}),
]


@pytest.mark.parametrize(("change", "parameters"), RANDOM)
def test_random_functions(change, parameters):
    np.random.seed(3)
    found = change()
    np.random.seed(3)
    wanted = image.apply_affine_transform(X, **parameters(lambda x: np.random.uniform(-x, x)))
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_random_brightness_and_channel_shift():
    np.random.seed(3)
    found = image.random_brightness(X, (0.5, 1.5)), image.random_channel_shift(X, 4, 2)
    np.random.seed(3)
    np.testing.assert_array_equal(
        found[0], image.apply_brightness_shift(X, np.random.uniform(0.5, 1.5))
    )
    np.testing.assert_array_equal(found[1], image.apply_channel_shift(X, np.random.uniform(-4, 4)))


def test_get_random_transform():
    generator = ImageDataGenerator(
        rotation_range=30,
        width_shift_range=0.5,
        height_shift_range=3,
        shear_range=10,
        zoom_range=[0.5, 2],
        channel_shift_range=9.0,
        horizontal_flip=True,
        vertical_flip=True,
        brightness_range=(0.5, 1.5),
    )
    found = generator.get_random_transform((8, 6, 3), seed=1)
    assert {name: round(float(value), 5) for name, value in found.items()} == {
        "theta": -4.97868,
        "tx": 0,
        "ty": -2.99931,
        "shear": -3.95335,
        "zx": 0.72013,
        "zy": 0.63851,
        "flip_horizontal": 1,
        "flip_vertical": 1,
        "channel_shift_intensity": -1.85819,
        "brightness": 1.03882,
    }
    x = np.random.rand(8, 6, 3)
    np.testing.assert_array_equal(
        generator.random_transform(x, seed=1), generator.apply_transform(x, found)
    )


def test_apply_transform():
    generator = ImageDataGenerator(data_format="channels_first", fill_mode="constant", cval=9)
    x = np.arange(4.0).reshape(1, 2, 2)
    for parameters, pixels in [
        ({}, [0, 1, 2, 3]),
        ({"flip_horizontal": True}, [1, 0, 3, 2]),
        ({"flip_vertical": True}, [2, 3, 0, 1]),
        ({"tx": 1}, [2, 3, 9, 9]),
        ({"channel_shift_intensity": 2.0}, [2, 3, 3, 3]),
        ({"brightness": 0.0}, [0, 0, 0, 0]),
    ]:
        assert generator.apply_transform(x, parameters).ravel().tolist() == pixels


def test_shifts():
    """Whole pixels from an int or a list, parts of the size below 1."""
    size = (10, 20, 3)
    drawn = {
        (spec if np.ndim(spec) == 0 else tuple(spec)): {
            abs(ImageDataGenerator(width_shift_range=spec).get_random_transform(size)["ty"])
            for _ in range(50)
        }
        for spec in (3, [2, 5], [0.1, 0.2], 0.1, 2.5, 1.0)
    }
    assert drawn[3] == {0, 1, 2}
    assert drawn[2, 5] == {2, 5}
    assert drawn[0.1, 0.2] == {2, 4}
    assert 1.5 < max(drawn[0.1]) <= 2
    assert 2 < max(drawn[2.5]) <= 2.5
    assert 0.5 < max(drawn[1.0]) <= 1


STANDARDIZED = [
    ({}, [0, 1, 4, 9, 16, 2]),
    ({"rescale": 0.5}, [0, 0.5, 2, 4.5, 8, 1]),
    ({"samplewise_center": True}, [-5.333, -4.333, -1.333, 3.667, 10.667, -3.333]),
    ({"samplewise_std_normalization": True}, [-0.954, -0.776, -0.239, 0.656, 1.909, -0.597]),
    ({"featurewise_center": True}, [-7.667, -6.667, -3.667, 1.333, 8.333, -5.667]),
    ({"featurewise_std_normalization": True}, [-1.33, -1.157, -0.636, 0.231, 1.446, -0.983]),
    ({"zca_whitening": True, "zca_epsilon": 1.0}, [-0.694, -0.673, -0.273, 0.16, 0.8, -0.555]),
    (
        {
            "rescale": 0.1,
            "featurewise_std_normalization": True,
            "preprocessing_function": lambda x: x - 1.0,
        },
        [-1.504, -1.33, -0.81, 0.058, 1.272, -1.157],
    ),
]


@pytest.mark.parametrize(("options", "pixels"), STANDARDIZED)
def test_standardize(options, pixels):
    generator = ImageDataGenerator(**options)
    generator.fit(TWO)
    found = generator.standardize(TWO[0].copy())
    np.testing.assert_allclose(found.ravel(), pixels, atol=1e-3)
    np.testing.assert_allclose(generator.standardize(TWO[0].astype("uint8")), found, atol=1e-6)
    batch = next(generator.flow(TWO, batch_size=1, shuffle=False))
    np.testing.assert_allclose(batch[0], found, atol=1e-6)


def test_standardize_changes_its_argument():
    x = np.ones((2, 2, 1))
    ImageDataGenerator(rescale=0.5).standardize(x)
    assert x.tolist() == np.full((2, 2, 1), 0.5).tolist()


def test_fit():
    generator = ImageDataGenerator(featurewise_std_normalization=True, vertical_flip=True)
    generator.fit(X=TWO, augment=True, rounds=3, seed=1)  # flips change neither
    np.testing.assert_allclose(generator.mean, TWO.mean().reshape(1, 1, 1), rtol=1e-5)
    np.testing.assert_allclose(generator.std, TWO.std().reshape(1, 1, 1), rtol=1e-5)
    with pytest.warns(UserWarning, match="featurewise_center does nothing before fit"):
        ImageDataGenerator(featurewise_center=True).standardize(X.copy())
    with pytest.warns(UserWarning, match="zca_whitening takes the place"):
        generator = ImageDataGenerator(zca_whitening=True, featurewise_std_normalization=True)
    assert generator.featurewise_center
    assert not generator.featurewise_std_normalization


# ---------------------------------------------------------------- batches from arrays


def flow(generator=None, **options):
    options = {"batch_size": 3, "shuffle": False} | options
    return (generator or ImageDataGenerator()).flow(MANY, np.arange(7), **options)


def test_batches_by_number_and_one_after_the_other():
    batches = flow(seed=5, shuffle=True)
    assert len(batches) == 3
    found = [next(batches)[1].tolist() for _ in range(4)]
    assert found == [[6, 2, 4], [1, 0, 5], [3], [2, 0, 6]]
    batches = flow()
    assert [batches[i][1].tolist() for i in (1, 2, 0)] == [[3, 4, 5], [6], [0, 1, 2]]
    assert batches.next()[1].tolist() == [0, 1, 2]
    batches.reset()
    assert [next(iter(batches))[1].tolist() for _ in range(2)] == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(IndexError, match="3 batches, no number 3"):
        batches[3]


def test_epochs_have_other_orders():
    batches = flow(shuffle=True, batch_size=7)
    orders = []
    for _ in range(3):
        orders.append(batches[0][1].tolist())
        batches.on_epoch_end()
    assert [sorted(order) for order in orders] == [list(range(7))] * 3
    assert len(set(map(tuple, orders))) > 1


def test_what_goes_with_images():
    weights, other = np.arange(7) / 7, np.arange(7) * 2
    generator = ImageDataGenerator()
    x, y, w = generator.flow(MANY, weights, sample_weight=other, shuffle=False)[0]
    np.testing.assert_array_equal(x, MANY)
    assert (y.tolist(), w.tolist()) == (weights.tolist(), other.tolist())
    (x, a, b), _ = generator.flow((MANY, [weights, other]), other, shuffle=False, batch_size=2)[1]
    assert (x[0, 0, 0, 0], a[0], b[0]) == (8, 2 / 7, 4)
    x = generator.flow(MANY, shuffle=False, batch_size=2)[0]
    assert (x.shape, x.dtype) == ((2, 2, 2, 1), "float32")
    assert ImageDataGenerator(dtype="float64").flow(MANY)[0].dtype == "float64"


def test_subsets():
    generator = ImageDataGenerator(validation_split=0.3)
    y = np.arange(7) % 2
    for subset, rows in (("validation", [0, 1]), ("training", [2, 3, 4, 5, 6]), (None, range(7))):
        batches = generator.flow(MANY, y, subset=subset, shuffle=False)
        np.testing.assert_array_equal(batches[0][0], MANY[rows])
        assert batches.n == len(rows)
    with pytest.raises(ValueError, match="first 2 of 7"):
        flow(generator, subset="training")
    assert flow(generator, subset="training", ignore_class_split=True).n == 5


def test_batches_are_written(tmp_path):
    flow(save_to_dir=tmp_path, save_prefix="seen", save_format="bmp")[1]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.rsplit("_", 1)[0] for name in names] == ["seen_3", "seen_4", "seen_5"]
    assert all(name.endswith(".bmp") for name in names)


def test_iterators_go_to_other_processes():
    batches = flow()
    next(batches)
    copy = pickle.loads(pickle.dumps(batches))
    assert copy[1][1].tolist() == [3, 4, 5]
    assert next(copy)[1].tolist() == [0, 1, 2]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_take_batches_of_one_order():
    """Else some samples come several times, and others not at all."""

    def slowly(image):  # so that each process has some to do
        time.sleep(0.03)
        return image

    batches = flow(ImageDataGenerator(preprocessing_function=slowly), shuffle=True, batch_size=1)
    model = models.Sequential([layers.Input((2, 2, 1)), layers.Flatten()])
    with_processes = {"workers": 2, "use_multiprocessing": True}
    found = model.predict_generator(batches, **with_processes)
    assert sorted(found[:, 0]) == MANY[:, 0, 0, 0].tolist()


def test_iterator_of_ones_own():
    class Squares(image.Iterator):
        def _get_batches_of_transformed_samples(self, index_array):
            return index_array**2

    batches = Squares(5, 2, False, None)
    assert [batches[i].tolist() for i in range(3)] == [[0, 1], [4, 9], [16]]
    with pytest.raises(NotImplementedError, match="_get_batches_of_transformed_samples"):
        image.Iterator(5, 2, False, None)[0]


# ---------------------------------------------------------------- batches from files

FILES = ["b/10.PNG", "b/2.png", "b/in/1.png", "a/z.png", "a/y.bmp", "a/x.txt", "c/q.png"]
SORTED = ["a/y.bmp", "a/z.png", "b/10.PNG", "b/2.png", "b/in/1.png", "c/q.png"]


@pytest.fixture
def directory(tmp_path):
    """Images that hold their number in SORTED."""
    for name in FILES:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in SORTED:
            save_img(path, np.full((2, 3, 3), SORTED.index(name)), scale=False)
        else:
            path.write_text("no image")
    (tmp_path / "data" / "empty").mkdir()
    return tmp_path / "data"


def from_directory(directory, generator=None, **options):
    options = {"target_size": (4, 5), "shuffle": False} | options
    return (generator or ImageDataGenerator()).flow_from_directory(directory, **options)


DIRECTORIES = [
    ({"class_mode": "sparse"}, [0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 1, 2]),
    ({"class_mode": "binary"}, [0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 1, 2]),
    ({}, [0, 1, 2, 3, 4, 5], np.eye(4)[[0, 0, 1, 1, 1, 2]]),
    ({"class_mode": "sparse", "classes": ["c", "a"]}, [5, 0, 1], [0, 1, 1]),
    ({"class_mode": "sparse", "subset": "validation"}, [0, 2], [0, 1]),
    ({"class_mode": "sparse", "subset": "training"}, [1, 3, 4, 5], [0, 1, 1, 2]),
]


@pytest.mark.parametrize(("options", "numbers", "targets"), DIRECTORIES)
def test_flow_from_directory(directory, options, numbers, targets, capsys):
    batches = from_directory(directory, ImageDataGenerator(validation_split=0.5), **options)
    classes = 2 if "classes" in options else 4
    assert capsys.readouterr().out == (
        f"Found {len(numbers)} images belonging to {classes} classes.\n"
    )
    x, y = batches[0]
    assert x.shape == (len(numbers), 4, 5, 3)
    assert x[:, 0, 0, 0].tolist() == numbers
    np.testing.assert_array_equal(y, targets)
    assert batches.filenames == [SORTED[i] for i in numbers]
    assert batches.samples == batches.n == len(batches.classes) == len(batches.filepaths)
    assert list(batches.class_indices) == options.get("classes", ["a", "b", "c", "empty"])


def test_flow_from_directory_without_classes(directory):
    x, y = from_directory(directory, class_mode="input", color_mode="grayscale")[0]
    assert x.shape == (6, 4, 5, 1)
    np.testing.assert_array_equal(x, y)
    generator = ImageDataGenerator(rescale=2, data_format="channels_first")
    x = from_directory(directory, generator, class_mode=None, color_mode="rgba", batch_size=2)[2]
    assert x[:, :, 0, 0].tolist() == [[8, 8, 8, 510], [10, 10, 10, 510]]


pandas = pytest.importorskip("pandas")
TABLE = pandas.DataFrame(
    {
        "filename": ["a/z.png", "b/2.png", "nowhere.png", "a/x.txt", "c/q.png", "b/10.PNG"],
        "class": ["p", "q", "q", "p", "p", "r"],
        "many": [["p"], ["q", "p"], ["r"], ["p"], [], ["r", "q"]],
        "two": ["v", "u", "v", "u", "u", "v"],
        "number": [1.5, 2, 3, 4, 5, 6],
        "other": [1, 2, 3, 4, 5, 6],
    },
    index=np.arange(6) / 10,  # in which a slice would not be of places
)
TABLES = [
    ({}, [1, 3, 5, 2], np.eye(3)[[0, 1, 0, 2]]),
    ({"class_mode": "sparse"}, [1, 3, 5, 2], [0, 1, 0, 2]),
    ({"class_mode": "sparse", "classes": ["r", "p"]}, [1, 5, 2], [1, 1, 0]),
    ({"class_mode": "sparse", "classes": set("rqp")}, [1, 3, 5, 2], [0, 1, 0, 2]),
    ({"class_mode": "binary", "y_col": "two"}, [1, 3, 5, 2], [1, 0, 0, 1]),
    ({"y_col": "many"}, [1, 3, 5, 2], [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]]),
    ({"y_col": "many", "classes": ["q", "p"]}, [1, 3, 2], [[0, 1], [1, 1], [1, 0]]),
    ({"class_mode": "raw", "y_col": "number"}, [1, 3, 5, 2], [1.5, 2, 5, 6]),
    ({"class_mode": "other", "y_col": ["number", "other"]}, [1, 3, 5, 2], None),
    ({"class_mode": "multi_output", "y_col": ["number", "other"]}, [1, 3, 5, 2], None),
    ({"class_mode": "sparse", "subset": "validation"}, [1, 3], [0, 1]),
    ({"class_mode": "sparse", "subset": "training"}, [5, 2], [0, 2]),
]


@pytest.mark.filterwarnings("ignore:DataFrameIterator. 2 of 6 rows:UserWarning")
@pytest.mark.parametrize(("options", "numbers", "targets"), TABLES)
def test_flow_from_dataframe(directory, options, numbers, targets):
    options = {"target_size": (2, 3), "shuffle": False} | options
    generator = ImageDataGenerator(validation_split=0.5)
    x, y = generator.flow_from_dataframe(TABLE, directory, **options)[0]
    assert x[:, 0, 0, 0].tolist() == numbers
    if targets is None:
        two = [[1.5, 2, 5, 6], [1, 2, 5, 6]]
        targets = np.transpose(two) if options["class_mode"] == "other" else two
    np.testing.assert_array_equal(y, targets)


def test_flow_from_dataframe_and_what_is_missing(directory, capsys):
    generator = ImageDataGenerator()
    with pytest.warns(UserWarning, match=r"2 of 6 rows are left out.*nowhere"):
        generator.flow_from_dataframe(TABLE, directory)
    assert "Found 4 validated image filenames belonging to 3 classes." in capsys.readouterr().out
    whole = TABLE.iloc[[0, 1, 0]].assign(
        filename=lambda t: [f"{directory}/{n}" for n in t.filename]
    )
    batches = generator.flow_from_dataframe(
        whole, weight_col="number", validate_filenames=False, shuffle=False, drop_duplicates=True
    )
    assert "Found 2 non-validated image" in capsys.readouterr().out
    assert batches[0][2].tolist() == [1.5, 2]


# ---------------------------------------------------------------- training


def small_network(shape, classes):
    model = models.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("fit", ["fit", "fit_generator"])
def test_training(fit):
    """Dark and bright images, moved, turned around and brought to a common range."""
    y = np.arange(64) % 2
    x = np.random.rand(64, 8, 8, 1) + y[:, None, None, None]
    generator = ImageDataGenerator(
        width_shift_range=0.1, horizontal_flip=True, featurewise_std_normalization=True
    )
    generator.fit(x)
    model = small_network((8, 8, 1), 2)
    batches = generator.flow(x, np.eye(2)[y], batch_size=16, seed=1)
    history = getattr(model, fit)(batches, epochs=8, verbose=0, validation_data=batches).history
    assert history["loss"][-1] < history["loss"][0] / 2
    assert history["val_accuracy"][-1] > 0.9
    assert model.predict(generator.flow(x, shuffle=False), verbose=0).shape == (64, 2)


@pytest.mark.parametrize(("steps", "epochs"), [(7, 2), (2, 4), (3, 3), (len(MANY) / 3, 2)])
def test_any_number_of_steps(steps, epochs):
    """Batches have no end: more steps than batches begin anew, fewer go on where they were."""
    seen = []

    class Seen(image.NumpyArrayIterator):
        def _get_batches_of_transformed_samples(self, index_array):
            seen.append(index_array[0] // 3)
            return super()._get_batches_of_transformed_samples(index_array)

    model = models.Sequential([layers.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = Seen(MANY, np.arange(7.0), ImageDataGenerator(), batch_size=3)
    history = model.fit(
        batches, steps_per_epoch=steps, epochs=epochs, shuffle=False, verbose=0
    ).history
    assert len(history["loss"]) == epochs
    assert seen == [i % 3 for i in range(int(np.ceil(steps)) * epochs)]


def test_program_of_keras_2(directory, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(f"""
import numpy as np
from tensorflow.keras.preprocessing import image
from tensorflow.keras.preprocessing.image import ImageDataGenerator, img_to_array, load_img
from keras.preprocessing.text import Tokenizer
from keras.models import Sequential
from keras.layers import Dense, Flatten
import keras

from keras_preprocessing.image import ImageDataGenerator as once_a_package_of_its_own

assert keras.preprocessing.image.ImageDataGenerator is ImageDataGenerator
assert once_a_package_of_its_own is ImageDataGenerator
generator = ImageDataGenerator(rescale=1.0 / 255, rotation_range=10, validation_split=0.4)
batches = generator.flow_from_directory({str(directory)!r}, (6, 6), batch_size=2, subset="training")
model = Sequential([Flatten(input_shape=(6, 6, 3)), Dense(4, activation="softmax")])
model.compile("sgd", "categorical_crossentropy")
model.fit_generator(batches, steps_per_epoch=3, epochs=2, verbose=0)
assert model.predict_generator(batches).shape == (5, 4)
assert img_to_array(load_img({str(directory / SORTED[3])!r}, target_size=(5, 5)))[0, 0, 0] == 3
""")
    run_script(str(program), keras=2)


# ---------------------------------------------------------------- errors

WRONG = [
    (lambda d: ImageDataGenerator(zoom_range=(1, 2, 3)), r"zoom_range .* \(1, 2, 3\)"),
    (lambda d: ImageDataGenerator(brightness_range=0.5), "brightness_range .* 0.5"),
    (lambda d: ImageDataGenerator(validation_split=1.0), "between 0 and 1, .* 1.0"),
    (lambda d: ImageDataGenerator(data_format="first"), "data_format .* 'first'"),
    (lambda d: ImageDataGenerator().fit(X), r"4 axes, .* \(3, 4, 1\)"),
    (lambda d: ImageDataGenerator().flow(X), r"4 axes, .* \(3, 4, 1\)"),
    (lambda d: flow(subset="test"), "subset must be .* 'test'"),
    (lambda d: ImageDataGenerator().flow(MANY, [1, 2]), "x and y .* 7 and 2"),
    (lambda d: ImageDataGenerator().flow([X, X, X]), "pair .* a list of 3"),
    (lambda d: from_directory(d, class_mode="raw"), "class_mode must be .* 'raw'"),
    (lambda d: from_directory(d, color_mode="bgr"), "grayscale, rgb, rgba, .* 'bgr'"),
    (lambda d: from_directory(d, subset="test"), "subset must be .* 'test'"),
    (
        lambda d: ImageDataGenerator().flow_from_dataframe(TABLE, d, class_mode="binary"),
        "2 classes, but got 3",
    ),
    (lambda d: ImageDataGenerator().flow_from_dataframe(TABLE, d, has_ext=False), "must be True"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_wrong_values(wrong, message, directory):
    with pytest.raises(ValueError, match=message):
        wrong(directory)


TABLE_COLUMNS = [
    ({"y_col": "number"}, "'number' must hold names of classes, or lists .* 1.5"),
    ({"class_mode": "sparse", "y_col": "many"}, r"'many' must hold names of classes, .* \['p'\]"),
    ({"x_col": "number"}, "'number' must hold the paths"),
    ({"weight_col": "two"}, "'two' must hold numbers"),
    ({"class_mode": "multi_output"}, "y_col must be a list"),
    ({"classes": "p"}, "classes must be a list, .* 'p'"),
    ({"shufle": True}, "Did you mean 'shuffle'"),
]


@pytest.mark.parametrize(("options", "message"), TABLE_COLUMNS)
def test_wrong_columns(options, message, directory):
    with pytest.raises(TypeError, match=message):
        ImageDataGenerator().flow_from_dataframe(TABLE, directory, **options)


def test_images_of_another_format():
    with pytest.warns(UserWarning, match="1, 3 or 4 channels, but got 2"):
        ImageDataGenerator().flow(np.zeros((3, 1, 2, 2)))
    config.set_image_data_format("channels_first")
    assert ImageDataGenerator().flow(np.zeros((3, 1, 2, 2)))[0].shape == (3, 1, 2, 2)
    assert ImageDataGenerator(dim_ordering="tf").channel_axis == 3


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.ndimage", None)
    generator = ImageDataGenerator(horizontal_flip=True, rescale=0.5)
    assert generator.flow(MANY)[0].shape == MANY.shape
    with pytest.raises(ImportError, match="needs the package scipy: pip install scipy"):
        image.random_rotation(X, 3)
