"""Data sets of files in directories. Keras 3 gives the same batches, labels and subsets."""

import wave

import numpy as np
import pytest

import kerasish
from kerasish import layers, models, ops
from kerasish.utils import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    save_img,
    text_dataset_from_directory,
)

SORTED = ["a/y.bmp", "a/z.png", "b/10.PNG", "b/2.png", "b/in/1.gif", "c/q.png"]
CLASSES = [0, 0, 1, 1, 1, 2]


@pytest.fixture
def directory(tmp_path):
    """Images that hold their number in SORTED, a text, and a hidden directory."""
    for i, name in enumerate([*SORTED, ".hidden/h.png"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_img(path, np.full((2, 3, 3), i), scale=False)
    (tmp_path / "a" / "x.txt").write_text("no image")
    (tmp_path / "empty").mkdir()
    return tmp_path


def read(directory, **options):
    options = {"image_size": (4, 5), "shuffle": False, "verbose": False} | options
    return image_dataset_from_directory(directory, **options)


LABELS = [
    ({}, range(6), np.int32(CLASSES)),
    ({"label_mode": "categorical"}, range(6), np.eye(4, dtype="float32")[CLASSES]),
    (
        {"class_names": ["b", "a"], "label_mode": "binary"},
        [2, 3, 4, 0, 1],
        [[0.0]] * 3 + [[1.0]] * 2,
    ),
    ({"class_names": ["c"]}, [5], [0]),
    ({"labels": [3, 1, 2, 0, 5, 4, 1]}, [6, *range(6)], [3, 1, 2, 0, 5, 4, 1]),
    ({"validation_split": 0.4, "subset": "training"}, range(4), CLASSES[:4]),
    ({"validation_split": 0.4, "subset": "validation"}, [4, 5], CLASSES[4:]),
]


@pytest.mark.parametrize(("options", "numbers", "labels"), LABELS)
def test_images_and_labels(directory, options, numbers, labels):
    found = read(directory, **options)
    assert len(found) == 1
    x, y = found[0]
    assert (x.shape, x.dtype) == ((len(numbers), 4, 5, 3), "float32")
    assert x[:, 0, 0, 0].tolist() == list(numbers)
    np.testing.assert_array_equal(y, labels)
    assert len(found.file_paths) == len(numbers)
    names = {"labels": list("012345"), "class_names": options.get("class_names")}
    default = ["a", "b", "c", "empty"]
    assert found.class_names == next((names[key] for key in names if key in options), default)


def test_images_alone(directory):
    for options in ({"labels": None}, {"label_mode": None}):
        x = read(directory, **options)[0]
        assert x[:, 0, 0, 0].tolist() == [6, *range(6)]  # also where no class would be


def test_batches(directory):
    found = read(directory, batch_size=4)
    assert [len(x) for x, _ in found] == [4, 2]
    (x, y), *others = read(directory).take(1)
    assert (tuple(x.shape), tuple(y.shape), others) == ((6, 4, 5, 3), (6,), [])
    x, y = read(directory, batch_size=None)[3]
    assert (x.shape, y) == ((4, 5, 3), 1)


def numbers(dataset):
    """What the images hold, one after the other."""
    return [int(x[0, 0, 0]) for batch in dataset for x in batch[0]]


def test_orders(directory):
    options = {"shuffle": True, "seed": 7, "validation_split": 0.4}
    train, test = read(directory, subset="both", **options)
    order = np.random.RandomState(7).permutation(6).tolist()
    assert numbers(train) + numbers(test) == order
    assert numbers(read(directory, subset="validation", **options)) == numbers(test)
    orders = []
    for _ in range(3):
        orders.append(tuple(numbers(train)))
        assert numbers(train) == list(orders[-1])  # looking changes nothing
        assert [SORTED[i][0] for i in orders[-1]] == ["abc"[y] for y in train[0][1]]
        train.on_epoch_end()
    assert len(set(orders)) > 1


PICTURE = np.random.RandomState(0).randint(0, 255, (7, 9, 3))


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "area", "lanczos3"])
@pytest.mark.parametrize("size", [(4, 4), (12, 5)])
@pytest.mark.parametrize("crop", [False, True])
def test_sizes(tmp_path, interpolation, size, crop):
    save_img(tmp_path / "a.png", PICTURE, scale=False)
    how = {"interpolation": interpolation, "crop_to_aspect_ratio": crop}
    x = read(tmp_path, image_size=size, labels=None, **how)[0][0]
    wanted = ops.image.resize(PICTURE.astype("float32"), size, **how).numpy()
    np.testing.assert_allclose(x, wanted, atol=1e-3)
    first = read(tmp_path, image_size=size, labels=None, data_format="channels_first", **how)
    np.testing.assert_array_equal(first[0][0], x.transpose(2, 0, 1))


def test_sizes_that_leave_little_of_an_image(tmp_path):
    save_img(tmp_path / "a.png", PICTURE, scale=False)
    for size in ((1, 30), (30, 1)):
        for how in ("crop", "pad"):
            options = {"image_size": size, "labels": None, f"{how}_to_aspect_ratio": True}
            assert read(tmp_path, **options)[0].shape == (1, *size, 3)


@pytest.mark.parametrize(
    ("shape", "size", "columns"),
    [((7, 9, 1), (10, 30), slice(8, 20)), ((5, 9, 1), (29, 60), slice(3, 55))],
)
def test_margins(shape, size, columns, tmp_path):
    save_img(tmp_path / "a.png", np.full(shape, 50), scale=False)
    how = {"labels": None, "pad_to_aspect_ratio": True, "color_mode": "grayscale"}
    x = read(tmp_path, image_size=size, **how)[0][0, ..., 0]
    wanted = np.zeros(size)
    wanted[:, columns] = 50  # as Keras 3 does
    np.testing.assert_allclose(x, wanted, atol=1e-4)
    save_img(tmp_path / "a.png", np.full((*shape[1::-1], 1), 50), scale=False)
    x = read(tmp_path, image_size=size[::-1], **how)[0][0, ..., 0]
    np.testing.assert_allclose(x, wanted.T, atol=1e-4)


@pytest.fixture
def texts(tmp_path):
    for name, text in [("pos/1.txt", "gut größer"), ("pos/0.txt", "good"), ("neg/0.txt", "bad")]:
        path = tmp_path / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "texts"


def test_texts(texts, capsys):
    found = text_dataset_from_directory(texts, shuffle=False)
    x, y = found[0]
    assert (x.tolist(), y.tolist()) == (["bad", "good", "gut größer"], [0, 1, 1])
    assert found.class_names == ["neg", "pos"]
    assert capsys.readouterr().out == "Found 3 files belonging to 2 classes.\n"
    cut = text_dataset_from_directory(texts, labels=None, max_length=7, shuffle=False)
    assert cut[0].tolist() == ["bad", "good", "gut gr"]  # not half a letter
    assert capsys.readouterr().out == "Found 3 files.\n"
    (texts / "neg" / "1.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"1\.txt is no text in UTF-8"):
        text_dataset_from_directory(texts, shuffle=False)[0]


def test_texts_for_a_vocabulary(texts):
    vectorize = layers.TextVectorization()
    vectorize.adapt(text_dataset_from_directory(texts, labels=None))
    ((x, y),) = text_dataset_from_directory(texts, shuffle=False).take(1)
    assert (vectorize(x).shape, y.shape) == ((3, 2), (3,))


SOUNDS = {"a/1.wav": 5, "a/2.WAV": 3, "b/1.wav": 7}  # how many samples each has


@pytest.fixture
def sounds(tmp_path):
    """Sounds of two channels, 1, 2, 3, ... in one and -1, -2, -3, ... in the other."""
    for name, count in SOUNDS.items():
        path = tmp_path / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sound(path, np.arange(1, count + 1)[:, None] * [1, -1])
    return tmp_path / "sounds"


def write_sound(path, samples, dtype="<i2"):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(np.dtype(dtype).itemsize)
        file.setframerate(8000)
        file.writeframes(samples.astype(dtype).tobytes())


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ({}, 7),
        ({"output_sequence_length": 4}, 4),
        ({"output_sequence_length": 9, "sampling_rate": 8000}, 9),
        ({"batch_size": 2}, 5),
    ],
)
def test_sounds(sounds, options, length):
    x, y = audio_dataset_from_directory(sounds, shuffle=False, verbose=False, **options)[0]
    assert (x.shape[1:], x.dtype, y.tolist()) == ((length, 2), "float32", [0, 0, 1][: len(x)])
    for sound, count in zip(x * 2**15, SOUNDS.values(), strict=False):
        wanted = [i if i <= count else 0 for i in range(1, length + 1)]
        np.testing.assert_array_equal(sound, np.transpose([wanted, np.negative(wanted)]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ragged": True}, "ragged must be False"),
        ({"sampling_rate": 16000}, r"1\.wav has 8000 samples per second, .*16000"),
        ({"sampling_rate": 0}, "sampling_rate must be a positive int, but got 0"),
        ({"output_sequence_length": 1.5}, "output_sequence_length must be .* 1.5"),
        ({"class_names": ["bytes"]}, r"16 bits, but those of .*1\.wav have 8"),
        ({"class_names": ["none"]}, r"1\.wav can't be read"),
        ({"class_names": ["cut"]}, r"1\.wav can't be read: it ends within a sample"),
        ({"class_names": ["long"]}, r"1\.wav can't be read: it is damaged"),
    ],
)
def test_sounds_that_are_wrong(sounds, options, message):
    for name in ("bytes", "none", "cut", "long"):
        (sounds / name).mkdir()
    whole = (sounds / "a" / "1.wav").read_bytes()
    (sounds / "cut" / "1.wav").write_bytes(whole[:-3])
    (sounds / "long" / "1.wav").write_bytes(whole[:16] + b"\xff\xff\xff\x7f" + whole[20:])
    write_sound(sounds / "bytes" / "1.wav", np.ones((3, 1)), "uint8")
    (sounds / "none" / "1.wav").write_bytes(b"RIFF no wave")
    options = {"class_names": ["a"]} | options
    with pytest.raises(ValueError, match=message):
        audio_dataset_from_directory(sounds, verbose=False, **options)[0]


def test_training(directory):
    train = read(directory, shuffle=True, seed=1, batch_size=2, class_names=["a", "b", "c"])
    model = models.Sequential([layers.Flatten(), layers.Dense(3)])
    loss = kerasish.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    history = model.fit(train, epochs=10, validation_data=train, verbose=0).history
    assert history["val_loss"][-1] < history["val_loss"][0]
    assert model.predict(train, verbose=0).shape == (6, 3)


def test_chains(directory):
    """What programs put behind these data sets since Keras 2.3."""
    made = []

    def halved(x, y):
        made.append(len(x))
        return layers.Rescaling(0.5)(x), y

    data = read(directory, batch_size=2, shuffle=True, seed=1, class_names=["a", "b", "c"])
    first = [x / 2 for x, _ in data]
    data = data.map(halved, num_parallel_calls=3).cache()
    assert (data.workers, len(data)) == (3, 3)
    data.on_epoch_end()
    for (x, _), wanted in zip(data, first, strict=True):
        np.testing.assert_array_equal(x.numpy(), wanted)
    assert made == [2, 2, 2]
    data = data.shuffle(1000, seed=3).prefetch(buffer_size=4)
    assert data.max_queue_size == data.prefetch(-1).max_queue_size == 4
    orders = []
    for _ in range(4):
        orders.append(tuple(float(x[0, 0, 0, 0]) for x, _ in data))
        data.on_epoch_end()
    assert len(set(orders)) > 1
    assert len({tuple(sorted(order)) for order in orders}) == 1
    model = models.Sequential([layers.Flatten(), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    assert len(model.fit(data, epochs=2, verbose=0).history["loss"]) == 2
    assert made == [2, 2, 2]  # not again
    alone = read(directory, labels=None).map(lambda x: x.shape)
    assert list(alone) == [(7, 4, 5, 3)]


WRONG = [
    ({"labels": [1, 2]}, "7 files .* but got 2"),
    ({"labels": "none"}, "labels must be .* 'none'"),
    ({"labels": [0] * 7, "class_names": ["a"]}, "labels that are inferred"),
    ({"label_mode": "binary"}, "2 classes, but got 4: a, b, c, empty"),
    ({"label_mode": "one_hot"}, "label_mode must be one of int, .* 'one_hot'"),
    ({"class_names": ["a", "d"]}, r"no directory .*d for its class"),
    ({"labels": [1, 2] * 3 + [1], "label_mode": "binary"}, "the ints from 0 to 1, but got 1, 2"),
    ({"labels": [0, 1, 3] * 2 + [1], "label_mode": "categorical"}, "0 to 2, but got 0, 1, 3"),
    ({"class_names": ["empty"]}, r"no files \.bmp, .* in "),
    ({"color_mode": "bgr"}, "color_mode must be .* 'bgr'"),
    ({"interpolation": "box"}, "interpolation must be .* 'box'"),
    ({"image_size": (1, 2, 3)}, r"image_size must be .* \(1, 2, 3\)"),
    ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "only one of"),
    ({"validation_split": 0.4}, "need each other"),
    ({"subset": "training"}, "need each other"),
    ({"validation_split": 4, "subset": "training"}, "between 0 and 1, .* 4"),
    ({"validation_split": 0.4, "subset": "test"}, "subset must be .* 'test'"),
    ({"validation_split": 0.4, "subset": "training", "shuffle": True}, "give a seed"),
    ({"format": "grain"}, "format must be .* 'grain'"),
    ({"data_format": "last"}, "data_format must be .* 'last'"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_errors(directory, options, message):
    with pytest.raises(ValueError, match=message):
        read(directory, **options)


def test_names():
    from kerasish import preprocessing

    assert preprocessing.image_dataset_from_directory is image_dataset_from_directory
    assert preprocessing.text_dataset_from_directory is text_dataset_from_directory
    assert preprocessing.timeseries_dataset_from_array is (
        kerasish.utils.timeseries_dataset_from_array
    )
