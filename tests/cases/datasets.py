"""Small files in the forms of the data sets that Keras downloads."""

import gzip
import io
import json
import pickle
import struct
import tarfile
from typing import ClassVar

import numpy as np


class Python2(pickle._Pickler):
    """Writes as Python 2 did, of which CIFAR's files are: texts are plain bytes."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, text):
        text = text.encode("latin1") if isinstance(text, str) else text
        short = len(text) < 256
        head = b"U" + bytes([len(text)]) if short else b"T" + struct.pack("<i", len(text))
        self.write(head + text)
        self.memoize(text)

    dispatch[bytes] = dispatch[str] = save_bytes


def python2_pickle(value):
    stream = io.BytesIO()
    Python2(stream, 2).dump(value)
    return stream.getvalue().replace(b"numpy._core", b"numpy.core")


def python3_pickle(value):
    """In protocol 4, as np.save writes; 5 would name other functions of NumPy."""
    return pickle.dumps(value, 4)


def early_python3_pickle(value):
    """As np.save wrote before NumPy 1.17: protocol 2, which has no bytes of Python 3."""
    return pickle.dumps(value, 2).replace(b"numpy._core", b"numpy.core")


def lists(rng, count):
    """An array of lists of ranks of words."""
    array = np.empty(count, object)
    array[:] = [rng.integers(1, 40, rng.integers(1, 12)).tolist() for _ in range(count)]
    return array


def make_npz(directory):
    rng = np.random.default_rng(1)
    files = {
        "boston_housing": {"x": rng.random((23, 13)), "y": rng.random(23)},
        "california_housing": {"x": rng.random((700, 8), "f4"), "y": rng.random(700, "f4")},
        "imdb": {
            "x_train": lists(rng, 20),
            "y_train": rng.integers(0, 2, 20),
            "x_test": lists(rng, 15),
            "y_test": rng.integers(0, 2, 15),
        },
        "reuters": {"x": lists(rng, 30), "y": rng.integers(0, 46, 30)},
    }
    for name, arrays in files.items():
        np.savez(directory / f"{name}.npz", **arrays)
    for name, words in (("imdb", {"the": 1, "film": 2, "é": 3}), ("reuters", {"the": 1})):
        (directory / f"{name}_word_index.json").write_text(json.dumps(words))


def make_idx(directory):
    rng = np.random.default_rng(2)
    for part, count in (("train", 12), ("t10k", 7)):
        for kind, shape in (("images-idx3", (count, 28, 28)), ("labels-idx1", (count,))):
            head = struct.pack(f">{1 + len(shape)}I", 2048 + len(shape), *shape)
            numbers = rng.integers(0, 10, shape, "u1").tobytes()
            (directory / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + numbers))


def cifar_batch(rng, count, *keys):
    """A dictionary as CIFAR's files have."""
    labels = {key: rng.integers(0, 10, count).tolist() for key in keys}
    return {"data": rng.integers(0, 256, (count, 3072), "u1"), "batch_label": "one"} | labels


def make_cifar(directory, count=3):
    """Both archives. Keras wants 10,000 images in each file of CIFAR-10."""
    rng = np.random.default_rng(3)
    batches = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    files = {f"cifar-10-batches-py/{name}": (count, "labels") for name in batches}
    for name in ("train", "test"):
        files[f"cifar-100-python/{name}"] = (5, "fine_labels", "coarse_labels")
    for archive in ("cifar-10", "cifar-100"):
        with tarfile.open(directory / f"{archive}-python.tar.gz", "w:gz", compresslevel=1) as tar:
            for name, arguments in files.items():
                if name.startswith(f"{archive}-"):
                    content = python2_pickle(cifar_batch(rng, *arguments))
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
