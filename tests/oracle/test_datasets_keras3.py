"""Both load the same from the same small files, as Keras 3 does for all arguments."""

import importlib

import numpy as np
import pytest
from cases.datasets import make_cifar, make_idx, make_npz

from kerasish import config
from kerasish.datasets import sources
from kerasish.utils import files

keras = pytest.importorskip("keras", minversion="3")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("made")
    make_npz(directory)
    make_idx(directory)
    make_cifar(directory, count=10_000)
    for name in ("cifar-10", "cifar-100"):
        files.extract_archive(directory / f"{name}-python.tar.gz", directory / name)
    return directory


@pytest.fixture
def load(made, monkeypatch):
    """Calls a function of a data set, ours or Keras's, on the small files."""

    def local(fname, **options):
        # "cifar-10-batches-py-target" is the directory into which the archive is unpacked.
        unpacked = fname.endswith("-target")
        return str(made / ("-".join(fname.split("-")[:2]) if unpacked else fname))

    def call(package, name, **arguments):
        home, _, function = name.partition(".")
        module = importlib.import_module(f"{package}.datasets.{home}")
        asks = sources if package == "kerasish" else module
        monkeypatch.setattr(asks, "get_file", local)
        return getattr(module, function)(**arguments)

    return call


CASES = [
    *[
        (f"{name}.load_data", arguments)
        for name in ("boston_housing", "california_housing")
        for arguments in (
            {},
            {"test_split": 0.4},
            {"seed": 5},
            {"test_split": 0.33, "seed": 1},
            {"test_split": 0.0},
        )
    ],
    ("california_housing.load_data", {"version": "small", "seed": 3}),
    *[
        (f"{name}.load_data", arguments)
        for name in ("imdb", "reuters")
        for arguments in (
            {},
            {"num_words": 20},
            {"num_words": 20, "skip_top": 5},
            {"num_words": 20, "oov_char": None},
            {"start_char": None},
            {"start_char": None, "index_from": None},
            {"index_from": 0},
            {"maxlen": 7},
            {"maxlen": 7, "num_words": 12, "skip_top": 6, "seed": 4, "oov_char": 0},
            {"skip_top": 10, "oov_char": None, "start_char": 9, "index_from": 20},
            {"num_words": 0, "maxlen": 0},
        )
    ],
    ("reuters.load_data", {"test_split": 0.5}),
    ("imdb.get_word_index", {}),
    ("reuters.get_word_index", {}),
    ("reuters.get_label_names", {}),
    ("fashion_mnist.load_data", {}),
    ("cifar10.load_data", {}),
    ("cifar100.load_data", {}),
    ("cifar100.load_data", {"label_mode": "coarse"}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_loads_what_keras_loads(name, arguments, load):
    ours, theirs = load("kerasish", name, **arguments), load("keras.src", name, **arguments)
    if not name.endswith("load_data"):
        assert ours == theirs
        return
    for part, their_part in zip(ours, theirs, strict=True):
        for array, their_array in zip(part, their_part, strict=True):
            assert (array.dtype, array.shape) == (their_array.dtype, their_array.shape)
            np.testing.assert_array_equal(array, their_array)


def test_channels_first(load):
    config.set_image_data_format("channels_first")
    keras.config.set_image_data_format("channels_first")
    try:
        (theirs, _), _ = load("keras.src", "cifar100.load_data")
    finally:
        keras.config.set_image_data_format("channels_last")
    (ours, _), _ = load("kerasish", "cifar100.load_data")
    np.testing.assert_array_equal(ours, theirs)
