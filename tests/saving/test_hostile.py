"""Damaged and hostile files give one clear error, run nothing and take no memory."""

import base64
import json
import marshal
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import fuzz
from fuzz import small

from kerasish import config, layers, metrics, models
from kerasish.saving import KerasFileEditor, building, deserialize_keras_object

h5py = pytest.importorskip("h5py")


@pytest.fixture(params=["m.keras", "m.h5", "m.weights.h5"])
def saved(request, tmp_path):
    path = tmp_path / request.param
    model = small()
    (model.save_weights if "weights" in request.param else model.save)(path)
    return path


def read(path):
    if ".weights." in path.name:
        small().load_weights(path)
    else:
        models.load_model(path)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def rezip(path, parts, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def with_config(path, change):
    """A file whose config was changed by a function."""
    parts = members(path)
    config = json.loads(parts["config.json"])
    change(config)
    rezip(path, parts | {"config.json": json.dumps(config)})


def test_cut_and_empty_files(saved):
    whole = saved.read_bytes()
    for size in (0, 1, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=saved.name):
            read(saved)
    saved.write_bytes(b"no model at all" * 100)
    with pytest.raises(ValueError, match="damaged, or not"):
        read(saved)


def test_a_packed_keras_file_is_read(tmp_path):
    small().save(tmp_path / "m.keras")
    rezip(tmp_path / "m.keras", members(tmp_path / "m.keras"), zipfile.ZIP_DEFLATED)
    assert models.load_model(tmp_path / "m.keras").count_params() == 23


def layer_of(config):
    return config["config"]["layers"][1]


def set_to(**entries):
    return lambda config: layer_of(config).update(entries)


code = base64.b64encode(marshal.dumps((lambda x: x * 5).__code__)).decode()
LAMBDA = {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_to(module="os", class_name="system", registered_name=None), "never imported"),
        (set_to(module="builtins", class_name="eval", registered_name=None), "never imported"),
        (
            set_to(class_name="Lambda", config={"name": "tricky", "function": LAMBDA}),
            "Layer tricky: .*byte code.*custom_objects.*safe_mode=False",
        ),
        (
            set_to(class_name="Lambda", config={"name": "old", "function": [code, None, None]}),
            "Layer old: .*byte code.*safe_mode=False",
        ),
        (lambda c: layer_of(c)["config"].update(activation=LAMBDA), "Layer one: .*byte code"),
        (lambda c: layer_of(c)["config"].update(units=10**12), "only .* numbers for all weights"),
        (lambda c: layer_of(c)["config"].update(units=-1), "units"),
        (lambda c: layer_of(c)["config"].update(units="3"), "m.keras|units"),
        (lambda c: c["config"].update(layers=5), "could not be made into a model"),
        (lambda c: c.update(class_name="Dense", module="keras.layers"), "Expected a model|made"),
        (lambda c: c.pop("class_name"), "Expected the config of a model"),
        (lambda c: c.update(config=None), "could not be made into a model"),
        (
            set_to(class_name="__slice__", config={"start": "a", "stop": None, "step": None}),
            "slice of something else",
        ),
        (lambda c: c["compile_config"].update(loss="nonsense"), "Unknown loss"),
        (lambda c: c["compile_config"].update(optimizer=[]), "m.keras|optimizer"),
    ],
)  # fmt: skip
def test_configs(change, words, tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    with_config(path, change)
    with pytest.raises((ValueError, TypeError), match=words):
        models.load_model(path)


@pytest.mark.parametrize("function", [LAMBDA, [code, None, None]])
def test_byte_code_runs_only_if_asked_for(function, tmp_path, monkeypatch):
    x = layers.Input((4,))
    path = tmp_path / "m.keras"
    models.Model(x, layers.Activation("relu", name="five")(x)).save(path)
    with_config(path, set_to(class_name="Lambda", config={"name": "five", "function": function}))
    ones = np.ones((1, 4), "float32")
    assert models.load_model(path, safe_mode=False)(ones).numpy()[0, 0] == 5
    monkeypatch.setattr(config._settings(), "safe_mode", True)
    with pytest.raises(ValueError, match="byte code"):
        models.load_model(path)
    config.enable_unsafe_deserialization()
    assert models.load_model(path)(ones).numpy()[0, 0] == 5
    with pytest.raises(ValueError, match="byte code"):
        models.load_model(path, safe_mode=True)
    entry = {"class_name": "Lambda", "config": {"name": "five", "function": function}}
    assert deserialize_keras_object(entry, safe_mode=False)(ones).numpy()[0, 0] == 5
    with pytest.raises(ValueError, match="byte code"):
        deserialize_keras_object(entry, safe_mode=True)
    replaced = models.load_model(path, custom_objects={"five": lambda x: x * 7})
    assert replaced(ones).numpy()[0, 0] == 7


@pytest.mark.parametrize(
    ("shape", "layer", "change", "words"),
    [
        ((4,), layers.Dense(3), {"units": 10**12}, r"shape \(4, 1000000000000\)"),
        ((4,), layers.Embedding(9, 3), {"input_dim": 10**12}, r"shape \(1000000000000, 3\)"),
        ((8, 8, 3), layers.Resizing(4, 4), {"height": 10**9}, "height=1000000000"),
        ((8, 8, 3), layers.CenterCrop(4, 4), {"width": 10**9}, "width=1000000000"),
        ((8, 8, 3), layers.UpSampling2D(), {"size": [2, 10**9]}, "size=1000000000"),
        ((8, 8, 3), layers.RandAugment(), {"num_ops": 10**9}, "more operations than"),
        ((4, 2), layers.LSTM(3), {"unroll": True}, "more operations than"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else "",
)
@pytest.mark.parametrize("kind", ["keras", "h5", "json"])
def test_absurd_sizes(shape, layer, change, words, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_MOST_NODES", 3000)
    x = layers.Input(shape)
    path = tmp_path / f"m.{kind}"
    model = models.Model(x, layer(x))

    def enlarged(config):
        entrance, other = config["config"]["layers"]
        other["config"].update(change)
        if "unroll" in change:
            key = {"batch_shape", "batch_input_shape"} & set(entrance["config"])
            entrance["config"][key.pop()] = [None, 10**9, 2]

    tracemalloc.start()
    with pytest.raises(ValueError, match=words):  # noqa: PT012
        if kind == "json":
            enlarged(config := json.loads(model.to_json()))
            models.model_from_json(json.dumps(config))
        model.save(path)
        if kind == "keras":
            with_config(path, enlarged)
        else:
            with h5py.File(path, "r+") as file:
                enlarged(config := json.loads(file.attrs["model_config"]))
                file.attrs["model_config"] = json.dumps(config)
        models.load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


def test_many_windows_need_no_large_table():
    x = layers.Input((100_000, 1))
    text = models.Model(x, layers.AdaptiveAveragePooling1D(7)(x)).to_json()
    tracemalloc.start()
    model = models.model_from_json(text.replace("[7]", "[99999]"))
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert model.output_shape == (None, 99_999, 1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Split", [10**6, 0]), ("ArraySplit", [10**6, 1]), ("Unstack", [10**6, 0]), ("Diff", [10**6])],
)
def test_many_parts_need_no_large_table(name, parts, monkeypatch):
    """Of an operation of Keras, which is a function here."""
    monkeypatch.setattr(building, "_MOST_NODES", 1000)
    x = layers.Input((4,), name="in")
    config = json.loads(models.Model(x, x * 2.0).to_json())
    history = {"config": {"keras_history": ["in", 0, 0]}}
    operand = {"class_name": "__keras_tensor__", **history}
    entry = config["config"]["layers"][1]
    entry |= {"module": "keras.src.ops.numpy", "class_name": name, "config": {}}
    entry |= {"registered_name": name, "inbound_nodes": [{"args": [operand, *parts], "kwargs": {}}]}
    tracemalloc.start()
    with pytest.raises(ValueError, match="more operations than a model may have"):
        models.model_from_json(json.dumps(config))
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
@pytest.mark.parametrize(
    ("metric", "change", "words"),
    [
        (metrics.AUC(), {"num_thresholds": 10**12}, "num_thresholds=1000000000000"),
        (metrics.MeanIoU(2), {"num_classes": 30_000}, r"shape \(30000, 30000\)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, metrics.Metric) else "",
)
def test_absurd_metrics(metric, change, words, name, tmp_path):
    model = small()
    model.compile("adam", "mse", metrics=[metric])
    path = tmp_path / name
    model.save(path)
    if name == "m.keras":
        with_config(path, lambda c: c["compile_config"]["metrics"][0]["config"].update(change))
    else:
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["training_config"])
            config["metrics"][0]["config"].update(change)
            file.attrs["training_config"] = json.dumps(config)
    tracemalloc.start()
    with pytest.raises(ValueError, match=words):
        models.load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def bomb(parts):
    return parts | {"config.json": b" " * (1 << 27)}


@pytest.mark.parametrize(
    ("change", "compression", "words"),
    [
        (bomb, zipfile.ZIP_DEFLATED, "bytes"),
        (lambda p: p | {"config.json": b"[" * 100_000}, zipfile.ZIP_STORED, "not JSON"),
        (lambda p: p | {"config.json": b"\xff\xfe"}, zipfile.ZIP_STORED, "not JSON"),
        (lambda p: p | {"config.json": b"3"}, zipfile.ZIP_STORED, "must hold an object"),
        (lambda p: {k: v for k, v in p.items() if "h5" not in k}, 0, "one member model.weights.h5"),
        (lambda p: p | {"model.weights.h5": b""}, 0, "damaged"),
        (lambda p: p | {"../evil": b"x", "/evil": b"y"}, 0, None),  # never looked at
    ],
)
def test_zips(change, compression, words, tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    rezip(path, change(members(path)), compression)
    if words is None:
        models.load_model(path)
    else:
        with pytest.raises(ValueError, match=words):
            models.load_model(path)
    assert not (tmp_path.parent / "evil").exists()


def test_zip_with_wrong_sizes_and_sums(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("model.weights.h5")
    middle = info.header_offset + info.file_size // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(ValueError, match="check sum"):
        models.load_model(path)
    size = info.file_size.to_bytes(4, "little")
    path.write_bytes(whole.replace(size, (1 << 31).to_bytes(4, "little")))
    with pytest.raises(ValueError, match=r"m\.keras"):
        models.load_model(path)


def external(file, name):
    item = file.create_dataset(name, (4, 3), "f4", external=[("/etc/hostname", 0, 48)])
    assert item.external


def virtual(file, name):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (4, 3))
    file.create_virtual_dataset(name, layout)


def linked(file, name):
    file[name] = h5py.ExternalLink("other.h5", "/data")


def soft(file, name):
    file["elsewhere"] = np.zeros((4, 3), "f4")
    file[name] = h5py.SoftLink("/elsewhere")


def declared(file, name):
    file.create_dataset(name, (1 << 40, 3), "f4", chunks=(1, 3))


def unwritten(file, name):
    file.create_dataset(name, (4, 3), "f4", chunks=(1, 3))


def text(file, name):
    file[name] = "kernel"


def objects(file, name):
    file.create_dataset(name, (4, 3), h5py.special_dtype(ref=h5py.Reference))


@pytest.mark.parametrize(
    ("replace", "words"),
    [
        (external, "of another file"),
        (virtual, "of another file"),
        (linked, "not followed"),
        (soft, "not followed"),
        (declared, "declares|shape"),
        (unwritten, "declares"),
        (text, "expected numbers|shape"),
        (objects, "expected numbers"),
    ],
)
@pytest.mark.parametrize(
    ("name", "place"), [("w.weights.h5", "layers/dense/vars/0"), ("w.h5", "one/one/kernel:0")]
)
def test_arrays_that_are_not_plain(replace, words, name, place, tmp_path):
    small().save_weights(tmp_path / name)
    with h5py.File(tmp_path / name, "r+") as file:
        del file[place]
        replace(file, place)
    model = small()
    before = model.get_weights()
    tracemalloc.start()
    with pytest.raises(ValueError, match=words):
        model.load_weights(tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def circle(file):
    group = file.create_group("x")
    group["y"] = file["/"]


def lattice(file):
    group = file.create_group("x0")
    for i in range(1, 50):
        below = file.create_group(f"x{i}")
        group["left"], group["right"], group = below, below, below


def well(file):
    file.create_group("x/" * 3000)


@pytest.mark.parametrize("change", [circle, lattice, well])
@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5"])
def test_groups_in_a_circle(change, name, tmp_path):
    small().save_weights(tmp_path / name)
    with h5py.File(tmp_path / name, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match="several ways, or a very long one"):
        small().load_weights(tmp_path / name)
    with pytest.raises(ValueError, match=r"several ways"):
        KerasFileEditor(tmp_path / name)


def test_weights_without_a_place(tmp_path):
    path = tmp_path / "w.weights.h5"
    small().save_weights(path)
    with h5py.File(path, "r+") as file:
        file["more/vars/0"] = np.zeros(3)
    with pytest.raises(ValueError, match="weights at more/vars, for which"):
        small().load_weights(path)


def test_random_damage(tmp_path):
    done, good = fuzz.run(tmp_path, 300)
    assert 0 < good < done == 300
