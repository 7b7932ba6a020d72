"""What classes do otherwise when they are saved; weights in several files; the editor."""

import json
import zipfile

import numpy as np
import pytest

from kerasish import gradients, layers, models, ops, optimizers, saving
from kerasish.saving import h5

pytest.importorskip("h5py")
X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.ones((6, 2), "float32")


class Counted(layers.Layer):
    """Has its own say in each part of a file."""

    def __init__(self, words=(), **kwargs):
        super().__init__(**kwargs)
        self.words = list(words)
        self.built_by = "build"

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale

    def get_config(self):
        return {"name": self.name}

    def get_build_config(self):
        return {"width": self.scale.shape[0]}

    def build_from_config(self, config):
        self.build((None, config["width"]))
        self.built_by = "config"

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["doubled"] = 2 * self.scale.numpy()

    def load_own_variables(self, store):
        np.testing.assert_array_equal(store["doubled"], 2 * store["0"])
        self.scale.assign(store["doubled"])

    def save_assets(self, folder):
        with open(f"{folder}/words.txt", "w") as file:
            file.write("\n".join(self.words))

    def load_assets(self, folder):
        with open(f"{folder}/words.txt") as file:
            self.words = file.read().split("\n")


class Compiled(models.Sequential):
    """Says by itself how it is compiled."""

    def get_compile_config(self):
        return {"rate": float(self.optimizer.learning_rate)}

    def compile_from_config(self, config):
        self.compile(optimizer="sgd", loss="mae")
        self.optimizer.learning_rate = config["rate"]


def counted():
    model = models.Sequential([layers.Input((4,)), Counted(["a", "b"], name="mine")])
    model.layers[0].scale.assign([1.0, 2.0, 3.0, 4.0])
    return model


def test_layers_have_their_say(tmp_path):
    path = tmp_path / "m.keras"
    counted().save(path)
    layer = models.load_model(path, {"Counted": Counted}).layers[0]
    assert layer.words == ["a", "b"]
    assert layer.built_by == "config"
    np.testing.assert_array_equal(layer.scale.numpy(), [2, 4, 6, 8])


@pytest.mark.parametrize("name", ["assets/layers/counted/../../x", "assets/layers/counted//x"])
def test_assets_stay_in_their_folder(name, tmp_path):
    counted().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as archive:
        archive.writestr(name, "evil")
    with pytest.raises(ValueError, match="outside of its folder"):
        models.load_model(tmp_path / "m.keras", {"Counted": Counted})


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"other.txt": b""}, "No such file"),
        ({"vocabulary.txt": b"", "vocabulary.txt/x": b""}, "files in it for layer words"),
        ({"vocabulary.txt/x": b"", "vocabulary.txt": b""}, "files in it for layer words"),
        ({"v" * 300: b""}, "too long"),
        ({"vocabulary.txt": b"\xff"}, "can't decode"),
    ],
)
def test_assets_that_do_not_fit(files, words, tmp_path):
    lookup = layers.StringLookup(name="words")
    model = models.Sequential([layers.Input((1,), dtype="string"), lookup])
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if "assets" not in name}
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
        for name, content in files.items():
            archive.writestr(f"assets/layers/string_lookup/{name}", content)
    with pytest.raises(ValueError, match=words):
        models.load_model(tmp_path / "m.keras")


def test_own_variables_by_other_names():
    layer = layers.Dense(1)
    layer.build((None, 2))
    with pytest.raises(ValueError, match=r"must be called \['0', '1'\]"):
        layer.load_own_variables({"kernel": np.ones((2, 1)), "bias": np.ones(1)})


def test_compile_hooks(tmp_path):
    model = Compiled([layers.Input((4,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.5
    model.save(tmp_path / "m.keras")
    loaded = models.load_model(tmp_path / "m.keras", {"Compiled": Compiled})
    assert loaded.loss == "mae"
    assert float(loaded.optimizer.learning_rate) == 0.5


def test_a_model_within_stays_compiled(tmp_path):
    inner = models.Sequential([layers.Input((4,)), layers.Dense(2)], name="inner")
    inner.compile("adam", "mse")
    inner.fit(X, Y, epochs=2, batch_size=3, verbose=0)
    x = layers.Input((4,))
    outer = models.Model(x, layers.Dense(1)(inner(x)))
    outer.compile("sgd", "mae")
    outer.fit(X, Y[:, :1], verbose=0)
    outer.save(tmp_path / "m.keras")
    loaded = models.load_model(tmp_path / "m.keras")
    assert loaded.loss == "mae"
    again = loaded.get_layer("inner")
    assert again.loss == "mse"
    for a, b in zip(again.optimizer.get_weights(), inner.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    histories = [
        m.fit(X, Y, batch_size=3, shuffle=False, verbose=0).history for m in (inner, again)
    ]
    assert histories[0] == histories[1]


def test_build_config():
    layer = layers.Dense(3)
    assert layer.get_build_config() is None
    layer(layers.Input((4,)))
    other = layers.Dense(3)
    other.build_from_config(layer.get_build_config())
    assert other.kernel.shape == (4, 3)
    with pytest.raises(ValueError, match="2 weights, but there are 1"):
        other.load_own_variables({"0": np.ones((4, 3))})


def test_build_config_of_several_shapes(tmp_path):
    x, y = layers.Input((5, 3)), layers.Input((4, 2))
    layer = layers.MultiHeadAttention(2, 3)
    model = models.Model([x, y], layer(x, value=y))
    config = layer.get_build_config()
    shapes = {"query_shape": [None, 5, 3], "value_shape": [None, 4, 2]}
    assert config == {"shapes_dict": shapes}
    other = layers.MultiHeadAttention(2, 3)
    other.build_from_config(config)
    assert [w.shape for w in other.weights] == [w.shape for w in layer.weights]
    # In files it has the names that Keras finds first: those of properties.
    model.save_weights(tmp_path / "m.weights.h5")
    with h5.reading(tmp_path / "m.weights.h5") as file:
        names = set(file.find("layers/multi_head_attention").names())
    assert names == {"query_dense", "key_dense", "value_dense", "output_dense", "vars"}


class Heads(models.Model):
    """With properties that give the attributes of their names, something else, or nothing."""

    def __init__(self):
        super().__init__()
        self._first, self._second, self._third = (layers.Dense(2) for _ in range(3))

    @property
    def first(self):
        return self._first

    @property
    def second(self):
        return self._third

    @property
    def third(self):
        raise RuntimeError("not yet")

    def call(self, inputs):
        return self._first(inputs) + self._second(inputs) + self._third(inputs)


def test_names_of_properties(tmp_path):
    model, other = Heads(), Heads()
    expected = model(X)
    other(X)
    model.save_weights(tmp_path / "m.weights.h5")
    with h5.reading(tmp_path / "m.weights.h5") as file:
        assert file.find("first/vars") is not None
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other(X), expected)


class Pair(models.Model):
    """With optimizers of its own, as a GAN has."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(2), layers.Dense(1)

    def compile(self, one, other):
        super().compile()
        self.one, self.other = one, other

    def train_step(self, data):
        loss = ops.mean(ops.square(self.second(self.first(data))))
        for optimizer, layer in ((self.one, self.first), (self.other, self.second)):
            weights = layer.trainable_weights
            optimizer.apply(gradients(loss, weights), weights)
        return {"loss": loss}


def test_optimizers_under_names_of_their_own(tmp_path):
    def fitted():
        model = Pair()
        model.compile(optimizers.Adam(0.1), optimizers.SGD(0.1, momentum=0.9))
        model.fit(X, verbose=0)
        return model

    model, other = fitted(), fitted()
    model.fit(X, epochs=2, verbose=0)
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    for name in ("one", "other"):
        for a, b in zip(
            getattr(other, name).variables, getattr(model, name).variables, strict=True
        ):
            np.testing.assert_array_equal(a, b)


# --- several files -----------------------------------------------------------------------


def wide():
    model = models.Sequential([layers.Input((4,)), layers.Dense(60), layers.Dense(2)])
    model.compile("adam", "mse")
    return model


def test_weights_in_several_files(tmp_path):
    model, path = wide(), tmp_path / "w.weights.json"
    model.fit(X, Y, verbose=0)
    model.save_weights(path, max_shard_size=1e-6)
    first = {p.name for p in tmp_path.iterdir()}
    assert len(first) > 4
    fresh = wide()
    fresh.load_weights(path)
    for a, b in zip(fresh.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(fresh.optimizer.iterations) == 1
    model.save_weights(path)  # into one, and the old ones go
    now = {p.name for p in tmp_path.iterdir()}
    assert first & now == {"w.weights.json", "w_00000.weights.h5"}
    assert len(now) == 3
    fresh.load_weights(path)
    with pytest.raises(ValueError, match=r"ends in \.weights\.json"):
        model.save_weights(tmp_path / "w.weights.h5", max_shard_size=1)
    with pytest.raises(ValueError, match="above 0"):
        model.save_weights(path, max_shard_size=0)
    with pytest.raises(ValueError, match="by_name"):
        fresh.load_weights(path, by_name=True)


def test_files_of_keras_3_are_whole_until_the_new_list_is_there(tmp_path, monkeypatch):
    """There the first one, whose name stays the same, has weights in it."""
    model, path = wide(), tmp_path / "w.weights.json"
    first = tmp_path / "w_00000.weights.h5"
    model.save_weights(first)
    places = {f"/layers/{name}/vars": first.name for name in ("dense", "dense_1")}
    path.write_text(json.dumps({"weight_map": places}))
    before, dumps = first.read_bytes(), json.dumps
    with monkeypatch.context() as patch:
        patch.setattr(json, "dumps", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model.save_weights(path)
    assert first.read_bytes() == before
    assert json.dumps is dumps
    model.save_weights(path)
    assert first.stat().st_size < len(before)
    fresh = wide()
    fresh.load_weights(path)
    np.testing.assert_array_equal(fresh.get_weights()[0], model.get_weights()[0])


def test_a_failed_save_into_several_files_leaves_the_old_ones(tmp_path, monkeypatch):
    model, path = wide(), tmp_path / "w.weights.json"
    model.save_weights(path, max_shard_size=1e-6)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    put, calls = h5.put, []

    def full(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise OSError("No space left")
        put(*arguments)

    monkeypatch.setattr(h5, "put", full)
    with pytest.raises(OSError, match="No space"):
        model.save_weights(path, max_shard_size=1e-6)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no weight_map"),
        ('{"weight_map": {"/vars": ["/etc/x.weights.h5"]}}', "no file of weights"),
        ('{"weight_map": {"/vars": ["../x.weights.h5"]}}', "no file of weights"),
        ('{"weight_map": {"/vars": ["passwd"]}}', "no file of weights"),
        ('{"weight_map": {"/vars": [3]}}', "no file of weights"),
        ('{"weight_map": {"/vars": "x.weights.h5"}}', "not beside it"),
        ('{"weight_map": {"/vars": "link.weights.h5"}}', "not beside it"),
        ('{"weight_map": {}}', "weight"),
    ],
)
def test_hostile_lists_of_files(content, words, tmp_path):
    (tmp_path / "w.weights.json").write_text(content)
    (tmp_path / "link.weights.h5").symlink_to("/etc/hostname")
    with pytest.raises(ValueError, match=words):
        wide().load_weights(tmp_path / "w.weights.json")


# --- the editor --------------------------------------------------------------------------


def test_editor(tmp_path, capsys):
    model = wide()
    model.save(tmp_path / "m.keras")
    editor = saving.KerasFileEditor(tmp_path / "m.keras")
    assert editor.config["class_name"] == "Sequential"
    assert editor.compare(model)["status"] == "success"
    editor.summary()
    assert "dense_1\n      0: shape (60, 2), float32" in capsys.readouterr().out
    editor.rename_object("dense_1", "last")
    editor.add_object("layers/more", {"0": np.ones(3)})
    editor.add_weights("layers/more", {"1": [1.0]})
    editor.delete_weight("more", "0")
    editor.delete_object("optimizer")
    assert editor.compare(model)["status"] == "error"
    editor.save(tmp_path / "e.weights.h5")
    again = saving.KerasFileEditor(tmp_path / "e.weights.h5").weights_dict
    assert json.dumps({k: sorted(v) for k, v in again["layers"].items()}) == (
        '{"dense": ["0", "1"], "last": ["0", "1"], "more": ["1"]}'
    )
    np.testing.assert_array_equal(again["layers"]["last"]["0"], model.get_weights()[2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda e: e.rename_object("none", "x"), "no object called 'none'"),
        (lambda e: e.rename_object("dense", "dense_1"), "there already"),
        (lambda e: e.delete_weight("dense", "7"), "has no weight '7'"),
        (lambda e: e.add_object("layers/dense", {}), "something at"),
        (lambda e: e.add_object("layers/dense/0/x", {}), "through a weight"),
        (lambda e: e.save("m.h5"), r"\.weights\.h5"),
    ],
)
def test_what_the_editor_refuses(call, words, tmp_path):
    wide().save_weights(tmp_path / "w.weights.h5")
    editor = saving.KerasFileEditor(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match=words):
        call(editor)
    wide().save_weights(tmp_path / "w.h5")
    with pytest.raises(ValueError, match="layout of Keras 2"):
        saving.KerasFileEditor(tmp_path / "w.h5")


# --- clones ------------------------------------------------------------------------------


def test_clones_of_models_within_and_with_other_calls():
    inner = models.Sequential([layers.Input((4,)), layers.Dense(2, name="deep")], name="inner")
    x = layers.Input((4,))
    model = models.Model(x, layers.Dense(3, name="top")(inner(x)) + 1.0)

    def renamed(layer):
        return type(layer).from_config(layer.get_config() | {"name": f"new_{layer.name}"})

    called = []

    def call(layer, *args, **kwargs):
        called.append(layer.name)
        return layer(*args, **kwargs)

    whole = models.clone_model(model, clone_function=renamed)
    assert [layer.name for layer in whole.get_layer("new_inner").layers] == ["deep"]
    each = models.clone_model(model, clone_function=renamed, recursive=True, call_function=call)
    assert [layer.name for layer in each.get_layer("inner").layers] == ["new_deep"]
    assert called == ["inner", "new_top"]
    each.set_weights(model.get_weights())
    np.testing.assert_array_equal(each.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(ValueError, match="not for Sequential"):
        models.clone_model(inner, call_function=call)
