"""The data sets that Keras downloads, from small files on a server on this machine."""

import functools
import gzip
import hashlib
import inspect
import io
import os
import pickle
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from cases.datasets import (
    cifar_batch,
    early_python3_pickle,
    make_cifar,
    make_idx,
    make_npz,
    python2_pickle,
    python3_pickle,
)

import kerasish
from kerasish import config
from kerasish.compat.run import keras_is_kerasish
from kerasish.datasets import (
    boston_housing,
    california_housing,
    cifar,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    pickles,
    reuters,
    sources,
)
from kerasish.utils import files


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A directory with small files of all data sets."""
    directory = tmp_path_factory.mktemp("made")
    make_npz(directory)
    make_idx(directory)
    make_cifar(directory)
    return directory


@pytest.fixture
def cache(made, tmp_path, monkeypatch):
    """An empty cache; what goes there comes from a server with the small files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(made)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for name, source in sources.SOURCES.items():
        file = made / source.url.rpartition("/")[2]
        if file.exists():
            here = source._replace(
                url=f"http://127.0.0.1:{server.server_port}/{file.name}",
                file_hash=hashlib.sha256(file.read_bytes()).hexdigest(),
            )
            monkeypatch.setitem(sources.SOURCES, name, here)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "home" / "datasets"
    server.shutdown()
    thread.join()
    server.server_close()


def shapes(loaded):
    return [array.shape for part in loaded for array in part]


def pairs(made, name, x="x", y="y"):
    """What a file has: rows (as tuples) -> targets."""
    with np.load(made / name, allow_pickle=True) as file:
        return {tuple(row): target for row, target in zip(file[x], file[y], strict=True)}


# ---------------------------------------------------------------- the sources


# The signatures of Keras 3.15, with which those of 2.3.1 agree.
SIGNATURES = {
    boston_housing.load_data: "path='boston_housing.npz', test_split=0.2, seed=113",
    california_housing.load_data: (
        "version='large', path='california_housing.npz', test_split=0.2, seed=113"
    ),
    cifar10.load_data: "",
    cifar100.load_data: "label_mode='fine'",
    fashion_mnist.load_data: "",
    imdb.load_data: (
        "path='imdb.npz', num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, "
        "oov_char=2, index_from=3"
    ),
    imdb.get_word_index: "path='imdb_word_index.json'",
    mnist.load_data: "path='mnist.npz'",
    reuters.load_data: (
        "path='reuters.npz', num_words=None, skip_top=0, maxlen=None, test_split=0.2, seed=113, "
        "start_char=1, oov_char=2, index_from=3"
    ),
    reuters.get_word_index: "path='reuters_word_index.json'",
    reuters.get_label_names: "",
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_signatures(function):
    parameters = inspect.signature(function).parameters.values()
    assert ", ".join(f"{p.name}={p.default!r}" for p in parameters) == SIGNATURES[function]


def test_sources_are_checked_and_safe():
    for source in sources.SOURCES.values():
        assert source.url.startswith("https://")
        assert len(source.file_hash) in files.HASH_LENGTHS
        bytes.fromhex(source.file_hash)


def test_without_network(tmp_path, monkeypatch):
    """The message says which file is missing, where it may be put, and what needs none."""
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def nobody(request, **options):
        raise OSError("no route")

    monkeypatch.setattr(files.urllib.request, "urlopen", nobody)
    loads = {f: f.__module__.rpartition(".")[2] for f in SIGNATURES if f.__name__ == "load_data"}
    assert len(loads) == 8
    for load, name in loads.items():
        with pytest.raises(files.DownloadError, match="no route") as caught:
            load()
        message = str(caught.value)
        [source] = [source for source in sources.SOURCES.values() if source.url in message]
        assert f"put it at {tmp_path / source.cache_subdir}" in message
        images = any(word in name for word in ("mnist", "cifar"))
        assert ("datasets.synthetic_digits" in message) == images


def test_import_loads_none_of_it():
    assert "datasets" in dir(kerasish)
    code = "import kerasish, sys; assert not [m for m in sys.modules if 'datasets' in m]"
    path = str(Path(kerasish.__file__).parents[1])
    env = os.environ | {"PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env)


def test_names_of_keras():
    with keras_is_kerasish():
        import keras
        from keras.datasets import cifar10 as found
        from keras.datasets.cifar import load_batch
        from keras.datasets.imdb import get_word_index

        assert keras.datasets.reuters.get_label_names()[0] == "cocoa"
    assert (found, load_batch, get_word_index) == (cifar10, cifar.load_batch, imdb.get_word_index)


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize("module", [boston_housing, california_housing])
def test_tables(module, cache, made):
    name = f"{module.__name__.rpartition('.')[2]}.npz"
    all_pairs = pairs(made, name)
    loaded = module.load_data()
    for x, y in loaded:
        assert x.dtype == y.dtype
        assert all(all_pairs[tuple(row)] == target for row, target in zip(x, y, strict=True))
    count = len(all_pairs)
    train = int(0.8 * count)
    assert shapes(loaded)[1::2] == [(train,), (count - train,)]
    assert not {tuple(row) for row in loaded[0][0]} & {tuple(row) for row in loaded[1][0]}
    other = module.load_data(seed=1)
    assert (other[0][0] != loaded[0][0]).any()
    assert shapes(module.load_data(test_split=0.0))[1::2] == [(count,), (0,)]
    assert sorted(path.name for path in cache.iterdir()) == [name]
    for wrong in (1.0, -0.1):
        with pytest.raises(ValueError, match=f"test_split must be at least 0 .* got {wrong}"):
            module.load_data(test_split=wrong)


def test_small_california(cache, made):
    first = list(pairs(made, "california_housing.npz"))[:600]
    (x, _), (x_test, _) = california_housing.load_data("small", test_split=0.5)
    assert sorted(map(tuple, np.concatenate([x, x_test]))) == sorted(first)
    with pytest.raises(ValueError, match="'small' or 'large', got 'tiny'"):
        california_housing.load_data("tiny")


# ---------------------------------------------------------------- texts


def test_texts_and_labels_stay_together(cache, made):
    train, test = imdb.load_data(num_words=99)
    for (x, y), name in ((train, "train"), (test, "test")):
        original = pairs(made, "imdb.npz", f"x_{name}", f"y_{name}")
        assert len(x) == len(original)
        for text, label in zip(x, y, strict=True):
            assert type(text) is list
            assert text[0] == 1
            assert original[tuple(word - 3 for word in text[1:])] == label
    (x, y), (x_test, y_test) = reuters.load_data(num_words=99)
    assert (len(x), len(x_test)) == (24, 6)
    original = pairs(made, "reuters.npz")
    for text, label in zip([*x, *x_test], [*y, *y_test], strict=True):
        assert original[tuple(word - 3 for word in text[1:])] == label


FILTERS = [
    ({"num_words": 9}, [1, 7, 2, 8, 2]),
    ({"nb_words": 9}, [1, 7, 2, 8, 2]),
    ({}, [1, 7, 12, 8, 2]),  # the highest number is left out
    ({"num_words": 9, "oov_char": None}, [1, 7, 8]),
    ({"num_words": 9, "skip_top": 8}, [2, 2, 2, 8, 2]),
    ({"num_words": 9, "skip_top": 8, "oov_char": 0}, [0, 0, 0, 8, 0]),
    ({"num_words": 99, "start_char": None}, [7, 12, 8, 40]),
    ({"num_words": 99, "start_char": None, "index_from": None}, [4, 9, 5, 37]),
    ({"num_words": 99, "index_from": 0, "start_char": 50}, [50, 4, 9, 5, 37]),
    ({"num_words": 99, "maxlen": 6}, [1, 7, 12, 8, 40]),
    ({"num_words": 0, "maxlen": 0}, [1, 7, 12, 8, 2]),
]


@pytest.mark.parametrize("module", [imdb, reuters])
@pytest.mark.parametrize(("arguments", "expected"), FILTERS)
def test_filters(module, arguments, expected, tmp_path):
    x = np.empty(1, object)
    x[0] = [4, 9, 5, 37]
    arrays = {"x_train": x, "y_train": [1], "x_test": x, "y_test": [0], "x": x, "y": [1]}
    np.savez(tmp_path / "own.npz", **arrays)
    (x_train, y_train), (x_test, _) = module.load_data(tmp_path / "own.npz", **arguments)
    x = x_train if module is imdb else x_test  # of one text, the training part is none
    assert x.tolist() == [expected]
    assert y_train.dtype == np.int64


@pytest.mark.parametrize("module", [imdb, reuters])
def test_maxlen(module, cache):
    (x, y), (x_test, y_test) = module.load_data(maxlen=6)
    assert max(map(len, [*x, *x_test])) == 5
    assert (len(x), len(x_test)) == (len(y), len(y_test))
    every = [tuple(text) for part in module.load_data() for text in part[0]]
    assert len(x) + len(x_test) == sum(len(text) < 6 for text in every)
    least = min(map(len, every))
    with pytest.raises(ValueError, match=rf"than maxlen={least}; the shortest has \d numbers"):
        module.load_data(maxlen=least)


def test_lists_of_one_length(tmp_path):
    x = np.empty(2, object)
    x[:] = [[1, 2], [3, 4]]
    np.savez(tmp_path / "own.npz", x=x, y=[0, 1])
    (x_train, _), _ = reuters.load_data(tmp_path / "own.npz", test_split=0, num_words=9)
    assert sorted(x_train.tolist()) == [[1, 4, 5], [1, 6, 7]]
    assert x_train.shape == (2,)


def test_reuters_test_split(cache):
    assert shapes(reuters.load_data(test_split=1)) == [(0,), (0,), (30,), (30,)]
    with pytest.raises(ValueError, match=r"test_split must be from 0 to 1, got 1\.5"):
        reuters.load_data(test_split=1.5)


def test_word_indices(cache, tmp_path):
    assert imdb.get_word_index() == {"the": 1, "film": 2, "é": 3}
    assert reuters.get_word_index() == {"the": 1}
    assert len(set(reuters.get_label_names())) == 46
    for text in ("[1, 2]", '{"the": "1"}', "{", ""):
        (tmp_path / "own.json").write_text(text)
        with pytest.raises(ValueError, match=r"own\.json is not the word index of IMDB"):
            imdb.get_word_index(tmp_path / "own.json")


# ---------------------------------------------------------------- images


def test_fashion_mnist(cache, made):
    (x, y), (x_test, y_test) = fashion_mnist.load_data()
    assert [a.shape for a in (x, y, x_test, y_test)] == [(12, 28, 28), (12,), (7, 28, 28), (7,)]
    assert {a.dtype for a in (x, y, x_test, y_test)} == {np.dtype("uint8")}
    content = gzip.decompress((made / "t10k-images-idx3-ubyte.gz").read_bytes())
    assert x_test.tobytes() == content[16:]
    x += 1  # it is the caller's
    assert len(list((cache / "fashion-mnist").iterdir())) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes([0, 0, 8, 3, 0, 0, 0, 7]) + bytes(7), "magic number is 00000803, expected 00000801"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 7]) + bytes(6), "cannot reshape"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 7]) + bytes(8), "more than the 7"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 6]) + bytes(6), r"images \(7, 28, 28\) with labels \(6,\)"),
        (bytes([0, 0, 8, 1, 255]), "buffer size"),
        (b"", "magic number is ,"),
    ],
)
def test_wrong_idx_files(content, message, cache, made, monkeypatch):
    fashion_mnist.load_data()
    name = "t10k-labels-idx1-ubyte.gz"
    content = gzip.compress(content)
    (cache / "fashion-mnist" / name).write_bytes(content)
    source = sources.SOURCES[name]._replace(file_hash=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(sources.SOURCES, name, source)
    with pytest.raises(ValueError, match=rf"{name} is not Fashion-MNIST's, .*{message}"):
        fashion_mnist.load_data()


def batch_of(made, archive, name):
    """The images of a file in an archive, as CIFAR's own description has them read."""
    with tarfile.open(made / archive) as tar:
        return pickle.load(tar.extractfile(name), encoding="bytes")


def test_cifar10(cache, made):
    (x, y), (x_test, y_test) = cifar10.load_data()
    assert shapes([(x, y), (x_test, y_test)]) == [(15, 32, 32, 3), (15, 1), (3, 32, 32, 3), (3, 1)]
    assert {a.dtype for a in (x, y, x_test, y_test)} == {np.dtype("uint8")}
    second = batch_of(made, "cifar-10-python.tar.gz", "cifar-10-batches-py/data_batch_2")
    assert y[3:6, 0].tolist() == second[b"labels"]
    red, green = second[b"data"][1, :1024], second[b"data"][1, 1024:2048]
    assert x[4, :, :, 0].ravel().tolist() == red.tolist()
    assert x[4, :, :, 1].ravel().tolist() == green.tolist()
    config.set_image_data_format("channels_first")
    (first, _), _ = cifar10.load_data()
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), x)
    # From then on, no archive is needed where the directory is as Keras 2 left it.
    (cache / "cifar-10-batches-py-target" / "cifar-10-batches-py").rename(
        cache / "cifar-10-batches-py"
    )
    (cache / "cifar-10-batches-py-target_archive").unlink()
    np.testing.assert_array_equal(cifar10.load_data()[0][0], first)
    assert not (cache / "cifar-10-batches-py-target_archive").exists()


@pytest.mark.parametrize("mode", ["fine", "coarse"])
def test_cifar100(mode, cache, made):
    loaded = cifar100.load_data(mode)
    assert shapes(loaded) == [(5, 32, 32, 3), (5, 1)] * 2
    test = batch_of(made, "cifar-100-python.tar.gz", "cifar-100-python/test")
    assert loaded[1][1][:, 0].tolist() == test[f"{mode}_labels".encode()]
    with pytest.raises(ValueError, match="'fine' or 'coarse', got 'rough'"):
        cifar100.load_data("rough")


@pytest.mark.parametrize("write", [python3_pickle, early_python3_pickle, python2_pickle])
@pytest.mark.parametrize("order", ["C", "F"])
def test_pickles_of_both_pythons(write, order, tmp_path):
    batch = cifar_batch(np.random.default_rng(0), 4, "labels")
    batch["data"] = np.asarray(batch["data"], order=order)
    (tmp_path / "batch").write_bytes(write(batch))
    images, labels = cifar.load_batch(tmp_path / "batch")
    np.testing.assert_array_equal(images.reshape(4, -1), batch["data"])
    assert labels == batch["labels"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": np.zeros((4, 3071), "u1")}, r"it has data \(4, 3071\) of uint8 with 4 labels"),
        ({"data": np.zeros((4, 3072), "i2")}, r"of int16 with 4"),
        ({"data": np.array([{}, 1, 2, 3], object)}, r"of the type \|O8 is none of numbers"),
        ({"data": [1, 2, 3, 4]}, "its data is no array"),
        ({"labels": [1, 2, 3]}, "with 3 labels"),
        ({"labels": [1, 2, 3, "4"]}, "not all labels are whole numbers"),
        ({"labels": None}, "not iterable"),
        ({"labels": ...}, "Ellipsis"),
    ],
)
def test_wrong_batches(changes, message, tmp_path):
    batch = cifar_batch(np.random.default_rng(0), 4, "labels") | changes
    (tmp_path / "batch").write_bytes(python3_pickle(batch))
    with pytest.raises(ValueError, match=rf"batch is not a file of CIFAR's, .*{message}"):
        cifar.load_batch(tmp_path / "batch")


@pytest.mark.parametrize("write", [python3_pickle, early_python3_pickle])
@pytest.mark.parametrize("version", ["1_0", "2_0"])
def test_lists_of_all_pythons(write, version, tmp_path):
    x, header = np.empty(2, object), io.BytesIO()
    x[:] = [[1, 2], [3]]
    write_header = getattr(np.lib.format, f"write_array_header_{version}")
    write_header(header, {"descr": "|O", "fortran_order": False, "shape": (2,)})
    np.savez(tmp_path / "own.npz", y=[0, 1])
    with zipfile.ZipFile(tmp_path / "own.npz", "a") as file:
        file.writestr("x.npy", header.getvalue() + write(x))
    (found, _), _ = reuters.load_data(tmp_path / "own.npz", test_split=0, num_words=9)
    assert sorted(found.tolist()) == [[1, 4, 5], [1, 6]]


def test_batch_without_labels(tmp_path):
    (tmp_path / "batch").write_bytes(python3_pickle({"data": np.zeros((0, 3072), "u1")}))
    with pytest.raises(ValueError, match="it has no 'fine_labels'"):
        cifar.load_batch(tmp_path / "batch", "fine_labels")
    (tmp_path / "batch").write_bytes(python3_pickle([1]))
    with pytest.raises(ValueError, match="it is no dictionary"):
        cifar.load_batch(tmp_path / "batch")
    with pytest.raises(ValueError, match="No such file"):
        cifar.load_batch(tmp_path / "nothing")


# ---------------------------------------------------------------- files that nobody should trust


class Hostile:
    """Its pickle calls a function when it is read."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def hostile_pickles(proof):
    """Pickles that would leave `proof` behind, or change something, if they were run."""
    touch = Hostile(Path.touch, proof)
    dtype = Hostile(np.dtype, "u1")
    return [
        touch,
        {"data": touch, "labels": [1]},
        Hostile(eval, f"open({str(proof)!r}, 'w')"),
        Hostile(getattr, dtype, "newbyteorder"),
        Hostile(np.load, str(proof)),
        np.array([touch, touch], object),
    ]


@pytest.mark.parametrize("number", range(6))
def test_pickles_run_nothing(number, tmp_path):
    proof = tmp_path / "proof"
    value = hostile_pickles(proof)[number]
    (tmp_path / "batch").write_bytes(python3_pickle(value))
    with pytest.raises(ValueError, match=r"its pickle asks for [\w.]+; files of data sets"):
        cifar.load_batch(tmp_path / "batch")
    x = np.empty(1, object)
    x[0] = value
    np.savez(tmp_path / "own.npz", x=x, y=[1])
    with pytest.raises(ValueError, match=r"its pickle asks for [\w.]+; files of data sets"):
        reuters.load_data(tmp_path / "own.npz")
    assert not proof.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cnumpy\ndtype\n}(Vname\nVx\nu\x86b.",  # tells a class of ours that it has other parts
        b"cnumpy\ndtype\nN}(Vname\nVx\nu\x86b.",
        b"cnumpy.core.multiarray\n_reconstruct\n(t\x81N}(V__reduce__\nI1\nu\x86b.",
        b"cnumpy\nndarray\n(tR.",  # calls what is not there to be called
        b"cnumpy\ndtype\nN}b.",
        b"cnumpy\ndtype.__init__\n.",
        b"Pid\n.",
        b"c_codecs\nencode\n}(Vx\nVy\nub.",
        b"c_codecs\nencode\nN}(V__call__\nVy\nu\x86b.",
        b"c_codecs\nencode\n(Va\nVzip\ntR.",
        b"\x82\x01.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    ],
)
def test_pickles_change_nothing(code):
    before = [dict(vars(kind)) for kind in (pickles.PickledType, pickles.PickledArray)]
    with pytest.raises(sources.DAMAGES):
        pickles.read_pickle(io.BytesIO(code))
    assert [dict(vars(kind)) for kind in (pickles.PickledType, pickles.PickledArray)] == before


def rows_pickled_as(rows):
    x = np.empty(len(rows), object)
    x[:] = rows
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (rows_pickled_as([[1], "text"]), "more than lists of whole numbers"),
        (rows_pickled_as([[1], [2.5]]), "more than lists of whole numbers"),
        (rows_pickled_as([[1], [True]]), "more than lists of whole numbers"),
        (np.array([[None, 1]]), r"shape \(1, 2\) is no row of lists"),
        (np.zeros((2, 3)), r"it has texts \(2, 3\), labels \(2,\)"),
        (rows_pickled_as([[1]] * 3), r"it has texts \(3,\), labels \(2,\)"),
        (rows_pickled_as([list(range(999))] * 2000), r"1998000 numbers in \d+ bytes"),
    ],
)
def test_wrong_texts(x, message, tmp_path):
    np.savez(tmp_path / "own.npz", x=x, y=[0, 1])
    with pytest.raises(ValueError, match=rf"own\.npz is not Reuters.*{message}"):
        reuters.load_data(tmp_path / "own.npz")


@pytest.mark.parametrize("module", [boston_housing, california_housing, imdb, reuters])
@pytest.mark.parametrize("damage", ["cut", "text", "empty", "lacks", "pickle", "overwritten"])
def test_damaged_files(module, damage, made, tmp_path):
    name = f"{module.__name__.rpartition('.')[2]}.npz"
    content = (made / name).read_bytes()
    path = tmp_path / "own.npz"
    cases = {"cut": content[:-900], "text": b"hello", "empty": b"", "pickle": python3_pickle({})}
    cases["overwritten"] = content[:400] + bytes(300) + content[700:]
    if damage == "lacks":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("z.npy", "")
    else:
        path.write_bytes(cases[damage])
    with pytest.raises(ValueError, match=r"own\.npz is not .*'s? npz file, or is damaged"):
        module.load_data(path=path)
