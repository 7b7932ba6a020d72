"""Saving and loading: what comes back, what cannot, and that no file is ever torn."""

import copy
import errno
import io
import json
import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import ways

from kerasish import (
    callbacks,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    saving,
    tree,
    utils,
)
from kerasish.saving import atomic, h5, stored, window

pytest.importorskip("h5py")
X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")
QUIET = {"batch_size": 4, "shuffle": False, "verbose": 0}


def small(name="small"):
    return models.Sequential(
        [layers.Input((4,)), layers.Dense(3, "tanh", name="one"), layers.Dense(2, name="two")],
        name=name,
    )


def trained(optimizer="adam", **arguments):
    model = small()
    model.compile(optimizer, **({"loss": "mse", "metrics": ["mae"]} | arguments))
    model.fit(X, Y, epochs=2, **QUIET)
    return model


class Scaled(layers.Layer):
    """A user's layer, with a layer inside."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.inner = layers.Dense(2)

    def call(self, x):
        return self.inner(x) * self.factor


class Own(models.Model):
    """A user's model, made by its class, with layers in lists and dicts."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units)
        self.rest = [layers.Dense(units), Scaled()]
        self.heads = {"a": layers.Dense(1)}

    def call(self, x):
        for layer in (self.first, *self.rest, self.heads["a"]):
            x = layer(x)
        return x


def double(x):
    return x * 2


def own_loss(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


OWN = {"Scaled": Scaled, "Own": Own, "double": double, "own_loss": own_loss}


def equal(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    "optimizer",
    [
        "adam",
        optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 3, 0.5), amsgrad=True),
        optimizers.Nadam(clipnorm=1.0),
        optimizers.AdamW(weight_decay=0.1, use_ema=True, ema_momentum=0.9),
    ],
    ids=repr,
)
def test_training_goes_on_as_if_nothing_was(optimizer, suffix, tmp_path):
    model = trained(copy.deepcopy(optimizer))
    model.save(tmp_path / f"m{suffix}")
    loaded = models.load_model(tmp_path / f"m{suffix}")
    equal(loaded.optimizer.get_weights(), model.optimizer.get_weights())
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    histories = [m.fit(X, Y, epochs=2, **QUIET).history for m in (model, loaded)]
    assert histories[0] == histories[1]
    equal(loaded.get_weights(), model.get_weights())


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_custom_objects(suffix, tmp_path):
    x = layers.Input((4,))
    model = models.Model(x, layers.Lambda(double)(Scaled(3.0)(x)))
    model.compile("sgd", own_loss, metrics=[own_loss])
    path = tmp_path / f"m{suffix}"
    model.save(path)
    with pytest.raises(ValueError, match="custom_objects"):
        models.load_model(path)
    loaded = models.load_model(path, OWN)
    equal([loaded.predict(X, verbose=0)], [model.predict(X, verbose=0)])
    assert loaded.loss is own_loss
    with saving.custom_object_scope(OWN):
        assert models.load_model(path, compile=False).optimizer is None


def test_a_model_that_is_a_class_of_its_own(tmp_path):
    model = Own(units=5)
    model.compile("adam", "mse")
    model.fit(X, Y[:, :1], **QUIET)
    model.save(tmp_path / "m.keras")
    loaded = models.load_model(tmp_path / "m.keras", OWN)
    assert loaded.units == 5
    equal([loaded.predict(X, verbose=0)], [model.predict(X, verbose=0)])
    for name in ("w.weights.h5", "w.h5"):
        model.save_weights(tmp_path / name)
        fresh = Own(units=5)
        with pytest.raises(ValueError, match="call it on data first"):
            fresh.load_weights(tmp_path / name)
        fresh(X)
        fresh.load_weights(tmp_path / name)
        equal(fresh.get_weights(), model.get_weights())


def test_compile_arguments(tmp_path):
    x = layers.Input((4,), name="x")
    model = models.Model(x, [layers.Dense(1, name="p")(x), layers.Dense(1, name="q")(x)])
    model.compile(
        "sgd",
        loss={"p": losses.Huber(delta=0.5), "q": "mae"},
        loss_weights={"p": 2.0, "q": 1.0},
        metrics={"p": [metrics.MeanSquaredError(name="error")], "q": ["mse"]},
        weighted_metrics=[["mae"], None],
        steps_per_execution=3,
    )
    y = [Y[:, :1], Y[:, 1:]]
    expected = model.evaluate(X, y, verbose=0, return_dict=True)
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"m{suffix}")
        loaded = models.load_model(tmp_path / f"m{suffix}")
        assert loaded.evaluate(X, y, verbose=0, return_dict=True) == expected


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("nested", "loss", "judged", "loss_weights"),
    [
        (lambda p, q, r: {"a": p, "b": q}, {"a": "mse", "b": losses.Huber(delta=0.3)},
         {"a": ["mae"], "b": []}, {"a": 2.0, "b": 0.5}),
        (lambda p, q, r: {"b": p, "a": q}, {"a": "mae"}, {"a": "mse"}, None),
        (lambda p, q, r: {"a": p}, {"a": "mse"}, {"a": ["mae"]}, None),
        (lambda p, q, r: [p, {"a": q, "b": r}], ["mse", {"a": "mae", "b": "mse"}],
         ["mae", {"a": "mse", "b": ["mae"]}], None),
        (lambda p, q, r: {"u": [p, q], "v": r}, {"u": ["mse", "mae"], "v": "mse"},
         {"u": ["mae", "mse"], "v": ["mse", "mae"]}, {"u": [1.0, 2.0], "v": 0.5}),
    ],
)  # fmt: skip
def test_nested_outputs_and_what_compile_had_for_them(
    nested, loss, judged, loss_weights, suffix, tmp_path
):
    x = layers.Input((4,), name="x")
    outputs = nested(layers.Dense(2)(x), small()(x), layers.Dense(2)(x))
    model = models.Model({"key": x}, outputs)
    model.compile("sgd", loss, judged, loss_weights, weighted_metrics=judged)
    data, y = {"key": X}, tree.map_structure(lambda _: Y, outputs)
    expected = model.evaluate(data, y, verbose=0, return_dict=True)
    model.save(tmp_path / f"m{suffix}")
    loaded = models.load_model(tmp_path / f"m{suffix}")
    assert loaded.evaluate(data, y, verbose=0, return_dict=True) == expected
    predicted, again = model.predict(data, verbose=0), loaded.predict(data, verbose=0)
    tree.map_structure(np.testing.assert_array_equal, predicted, again)


def test_a_lambda_as_loss_is_warned_of(tmp_path):
    model = trained(loss=lambda t, p: ops.mean(ops.square(t - p), axis=-1))
    for suffix in (".keras", ".h5"):
        with pytest.warns(UserWarning, match="compiled again after loading"):
            model.save(tmp_path / f"m{suffix}")
        loaded = models.load_model(tmp_path / f"m{suffix}")
        assert not loaded.compiled
        equal(loaded.get_weights(), model.get_weights())


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5", "m.keras", "m.h5"])
def test_weights_fit_or_say_why(name, tmp_path):
    model, path = trained(), tmp_path / name
    (model.save_weights if name[0] == "w" else model.save)(path)
    fresh = small()
    fresh.load_weights(path)
    equal(fresh.get_weights(), model.get_weights())
    wider = models.Sequential(
        [layers.Input((4,)), layers.Dense(3, "tanh", name="one"), layers.Dense(5, name="two")]
    )
    before = wider.get_weights()
    with pytest.raises(ValueError, match=r"two/kernel has shape \(3, 5\).*\(3, 2\)"):
        wider.load_weights(path)
    equal(wider.get_weights(), before)  # nothing was changed
    with pytest.warns(UserWarning, match="Skipped the weights of.*two"):
        wider.load_weights(path, skip_mismatch=True)
    equal(wider.get_weights(), [*model.get_weights()[:2], *before[2:]])
    deeper = models.Sequential([layers.Input((4,)), *(layers.Dense(3) for _ in range(3))])
    with pytest.raises(ValueError, match=r"weight"):
        deeper.load_weights(path)


def test_weights_by_name(tmp_path):
    model = trained()
    model.save_weights(tmp_path / "w.h5")
    other = models.Sequential(
        [layers.Input((4,)), layers.Dense(3, name="one"), layers.Dense(7, name="new")]
    )
    other.load_weights(tmp_path / "w.h5", by_name=True)
    equal(other.get_weights()[:2], model.get_weights()[:2])
    model.save_weights(tmp_path / "w.weights.h5")
    for option in ("by_name", "reshape"):
        with pytest.raises(ValueError, match=f"{option} is for files of Keras 2"):
            other.load_weights(tmp_path / "w.weights.h5", **{option: True})


def test_weights_of_another_shape(tmp_path):
    """As older Kerases had of some convolutions: the numbers in their order."""
    model = models.Sequential([layers.Input((4, 4)), layers.Conv1D(2, 3, name="c")])
    other = models.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(2, (3, 4), name="c")])
    model.save_weights(tmp_path / "w.h5")
    for by_name in (True, False):
        with pytest.raises(ValueError, match=r"c/kernel has shape"):
            other.load_weights(tmp_path / "w.h5", by_name)
        other.load_weights(tmp_path / "w.h5", by_name, reshape=True)
        equal([w.ravel() for w in other.get_weights()], [w.ravel() for w in model.get_weights()])


def test_a_model_saved_on_one_engine_loads_on_another(engine, tmp_path):
    model = small()
    model.compile("sgd", "mse")
    model.fit(X, Y, **QUIET)
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "m.keras")
    from kerasish import config

    config.set_backend("numpy")
    loaded = models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), expected, 1e-5, 1e-5)
    loaded.save(tmp_path / "back.h5")
    config.set_backend(engine.name)
    back = models.load_model(tmp_path / "back.h5")
    np.testing.assert_allclose(back.predict(X, verbose=0), expected, 1e-5, 1e-5)


def test_model_checkpoint(tmp_path):
    model = small()
    model.compile("adam", "mse")
    saved = [
        callbacks.ModelCheckpoint(tmp_path / "all" / "{epoch:02d}-{loss:.3f}.keras"),
        callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", "loss", 0, True, True),
        callbacks.ModelCheckpoint(tmp_path / "last.h5", save_freq=2),
    ]
    history = model.fit(X, Y, epochs=3, callbacks=saved, **QUIET).history
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == [f"{i + 1:02d}-{v:.3f}.keras" for i, v in enumerate(history["loss"])]
    last = models.load_model(tmp_path / "all" / names[-1])
    equal(last.get_weights(), model.get_weights())
    best = small()
    best.load_weights(tmp_path / "best.weights.h5")
    equal(best.get_weights(), model.get_weights())
    assert int(models.load_model(tmp_path / "last.h5").optimizer.iterations) == 8


def test_text():
    model = trained()
    config = json.loads(model.to_json(indent=1))
    assert models.model_from_json(model.to_json()).get_config() == model.get_config()
    assert models.model_from_config(config).get_config() == model.get_config()
    with pytest.raises(ValueError, match="not JSON"):
        models.model_from_json("{")
    with pytest.raises(ValueError, match="Expected the config of a model"):
        models.model_from_json("[]")


def test_yaml():
    pytest.importorskip("yaml")
    model = trained()
    assert models.model_from_yaml(model.to_yaml()).get_config() == model.get_config()
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
    )
    for text in ("!!python/object/apply:os.system ['true']", bomb, "[", "a: b"):
        with pytest.raises(ValueError, match=r"YAML|Expected the config"):
            models.model_from_yaml(text)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_pickles(copied):
    x = layers.Input((4,))
    nested = models.Model(x, [Scaled()(small()(x)), layers.Dropout(0.5)(x) + 1.0])
    own = Own()
    own(X)
    for model in (trained(), nested, own, layers.Dense(2)):
        other = copied(model)
        if not isinstance(model, models.Model):
            continue
        equal(listed(other.predict(X, verbose=0)), listed(model.predict(X, verbose=0)))
        other.set_weights([w + 1 for w in other.get_weights()])
        assert np.any(other.get_weights()[0] != model.get_weights()[0])
    model = trained()
    other = copied(model)
    assert model.fit(X, Y, **QUIET).history == other.fit(X, Y, **QUIET).history


def listed(x):
    return x if isinstance(x, list) else [x]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lambda_is_saved_as_byte_code(suffix, tmp_path):
    three, x = 3.0, layers.Input((4,))
    plus = layers.Lambda(lambda t, by=1: t * three + by, output_shape=lambda s: s, name="plus")
    model = models.Model(x, layers.Dense(2, activation=lambda t: t / 2, name="half")(plus(x)))
    path = tmp_path / f"m{suffix}"
    with pytest.warns(UserWarning, match=r"layer plus is a lambda.*custom_objects=\{'plus'"):
        model.save(path)
    with pytest.raises(ValueError, match="Layer plus: its function is byte code"):
        models.load_model(path)
    own = {"plus": lambda t: t * 3 + 1, "half": lambda t: t / 2}
    for loaded in (models.load_model(path, own), models.load_model(path, safe_mode=False)):
        equal([loaded.predict(X, verbose=0)], [model.predict(X, verbose=0)])
    around = models.Model(x, layers.Lambda(lambda t: t + len(path.parts))(x))
    with pytest.raises(TypeError, match="lambda that uses path from around it"):
        around.save(path)


def test_a_lambda_can_be_copied_but_not_pickled():
    x = layers.Input((4,))
    model = models.Model(x, layers.Lambda(lambda t: t * 3)(x))
    equal([copy.deepcopy(model).predict(X, verbose=0)], [model.predict(X, verbose=0)])
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(model)


# --- whole or not at all -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_a_full_disk_leaves_the_old_file(name, tmp_path, monkeypatch):
    model, path = trained(), tmp_path / name
    save = model.save_weights if "weights" in name else model.save
    save(path)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for target, what in ((h5, "put"), (atomic, "_to_disk")):
        with monkeypatch.context() as patch:
            patch.setattr(target, what, full)
            with pytest.raises(OSError, match="No space left"):
                save(path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(sys.platform != "linux", reason="a limit that Linux knows")
@pytest.mark.parametrize("name", ways.NAMES)
@pytest.mark.parametrize("limit", [1000, 100_000, 330_000])
def test_no_room_for_the_whole_file_leaves_the_old_one(name, limit, tmp_path):
    """The kernel refuses what goes beyond a size."""
    import resource

    model = models.Sequential([layers.Input((300,)), layers.Dense(300, use_bias=False)])
    save = ways.saver(model, tmp_path / name)
    save()
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    model.set_weights([w + 1 for w in model.get_weights()])
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        with pytest.raises(OSError):  # noqa: PT011  (HDF5 has words of its own for it)
            save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


KILLED = """
import os, signal, sys, time
import numpy as np
import ways
from kerasish import layers, models

model = models.Sequential([layers.Input((300,)), layers.Dense(300, use_bias=False)])
path = sys.argv[1]


def number():
    weights = ways.weights_in(model, path)
    assert weights.min() == weights.max(), "a torn file"
    return int(weights.min())


for delay in map(float, sys.argv[2:]):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        save = ways.saver(model, path)
        for i in range(1, 10000):
            model.set_weights([np.full((300, 300), i, "float32")])
            save()
            os.write(writing, b"x")
    os.close(writing)
    assert os.read(reading, 1), "nothing was saved"
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    done = 1 + sum(map(len, iter(lambda: os.read(reading, 4096), b"")))
    found = number()
    assert found in (done, done + 1), (found, done)
    print("whole", found)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", ways.NAMES)
def test_kill_leaves_the_old_file_or_the_new(name, tmp_path):
    """A process that saves over and over is killed at many moments."""
    delays = [f"{0.0007 * i * i:.4f}" for i in range(8)]
    folders = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]
    found = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / name), *delays],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "KERAS_BACKEND": "numpy"},
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("whole") == len(delays)


def test_where_files_go(tmp_path):
    model = small()
    model.save(tmp_path / "m.keras")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(tmp_path / "m.keras", overwrite=False)
    with pytest.raises(FileNotFoundError, match="no directory"):
        model.save(tmp_path / "none" / "m.keras")
    with pytest.raises(IsADirectoryError, match="is a directory"):
        model.save(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        models.load_model(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="SavedModel"):
        models.load_model(tmp_path)
    with pytest.raises(ValueError, match="save_format"):
        model.save(tmp_path / "m", save_format="tf")
    (tmp_path / "link.keras").symlink_to(tmp_path / "m.keras")
    (tmp_path / "m.keras").chmod(0o640)
    model.save(tmp_path / "link.keras")
    assert (tmp_path / "link.keras").is_symlink()
    assert (tmp_path / "m.keras").stat().st_mode & 0o777 == 0o640
    assert len(list(tmp_path.iterdir())) == 2
    for path in (tmp_path / f"{'n' * 249}.keras", os.fsencode(tmp_path / "bytes.keras")):
        model.save(path)
        assert models.load_model(path).count_params() == model.count_params()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_plain_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for write in (small().save, small().save_weights):
        with pytest.raises(OSError, match="not a plain file"):
            write(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


def test_names_of_layers_as_groups_of_h5(tmp_path):
    """Names may be paths, and one may begin like another; but they tell the layers apart."""
    x = layers.Input((4,))
    y = layers.Dense(2, name="a")(layers.Dense(3, name="a/b/c")(layers.Dense(5, name="a/b")(x)))
    model = models.Model(x, y)
    model.save(tmp_path / "m.h5")
    equal(models.load_model(tmp_path / "m.h5").get_weights(), model.get_weights())

    class Twice(models.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(2, name="same"), layers.Dense(2, name="same")

        def call(self, x):
            return self.second(self.first(x))

    model = Twice()
    model(X)
    with pytest.raises(ValueError, match="2 layers called 'same'"):
        model.save_weights(tmp_path / "w.h5")
    model.save_weights(tmp_path / "w.weights.h5")


class Attention(layers.Layer):
    """A user's own, with the name of one of Keras's, in the words of Keras 1."""

    def __init__(self, step_dim, input_dim=None, W_regularizer=None, bias=True, **kwargs):
        super().__init__(**kwargs)
        self.given = step_dim, input_dim, W_regularizer, bias

    def call(self, x):
        return x

    def get_config(self):
        words = ("step_dim", "input_dim", "W_regularizer", "bias")
        return super().get_config() | dict(zip(words, self.given, strict=True))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_words_of_own_layers_stay_as_they_are(suffix, tmp_path):
    x = layers.Input((4,))
    model = models.Model(x, layers.Dense(1)(Attention(0, 7, None, False)(x)))
    model.save(tmp_path / f"m{suffix}")
    loaded = models.load_model(tmp_path / f"m{suffix}", {"Attention": Attention})
    assert loaded.layers[1].given == (0, 7, None, False)


def test_functions_of_a_lambda(tmp_path):
    """`output_shape` as a function, too, is found by its name."""

    def doubled(shape):
        return (shape[0], 2 * shape[1])

    def beside(x):
        return ops.concatenate([x, x], axis=-1)

    x = layers.Input((4,))
    model = models.Model(x, layers.Lambda(beside, output_shape=doubled, name="l")(x))
    for name in ("m.h5", "m.keras"):
        model.save(tmp_path / name)
        with pytest.raises(ValueError, match="custom_objects"):
            models.load_model(tmp_path / name, {"beside": beside})
        loaded = models.load_model(tmp_path / name, {"beside": beside, "doubled": doubled})
        equal([loaded.predict(X, verbose=0)], [model.predict(X, verbose=0)])


def test_configs_in_the_form_of_keras_2():
    from kerasish.legacy import saving as older

    assert utils.legacy.serialize_keras_object is older.serialize_keras_object
    layer = layers.Dense(3, "relu", kernel_initializer="zeros", name="one")
    entry = older.serialize_keras_object(layer)
    assert set(entry) == {"class_name", "config"}
    assert json.loads(json.dumps(entry)) == entry
    again = older.deserialize_keras_object(entry)
    assert again.get_config() == layer.get_config()

    def twice(x):
        return 2 * x

    assert older.serialize_keras_object(twice) == "twice"
    assert older.deserialize_keras_object("twice", {"twice": twice}) is twice
    made = older.deserialize_keras_object("Mine", custom_objects={"Mine": layers.Flatten})
    assert type(made) is layers.Flatten
    assert older.deserialize_keras_object(None) is None
    for wrong in ("thrice", 5, {"config": {}}, {"class_name": "Thrice", "config": {}}):
        with pytest.raises(ValueError, match=r"Unknown|config of a loss"):
            older.deserialize_keras_object(wrong, {"twice": twice}, None, "loss")
    with pytest.raises(ValueError, match="Cannot serialize"):
        older.serialize_keras_object(5)


def test_check_sums_are_those_of_zlib(tmp_path):
    content, path = np.random.default_rng(0).bytes(12_000_000), tmp_path / "numbers"
    path.write_bytes(content)
    width = stored._WIDTH
    for start, size in enumerate((0, 1, width - 1, width, width + 1, 9_999_999, 12_000_000 - 6)):
        assert stored.check_sum(path, start, size) == zlib.crc32(content[start : start + size])
    with pytest.raises(ValueError, match="ends too early"):
        stored.check_sum(path, 1, len(content))


PAIR = [(4, 2), (2,)]


@pytest.mark.parametrize(
    ("optimizer", "shapes"),
    [
        ("sgd", [()]),
        ("rmsprop", [(), *PAIR]),
        ("adadelta", [(), *PAIR, *PAIR]),
        ("adam", [(), *PAIR, *PAIR, (1,), (1,)]),
        ("nadam", [(), (), *PAIR, *PAIR]),
    ],
)
def test_h5_files_have_the_optimizer_of_keras_2(optimizer, shapes, tmp_path):
    """Its arguments, and its state slot by slot; the learning rate is an argument only."""
    h5py = pytest.importorskip("h5py")
    model = models.Sequential([layers.Input((4,)), layers.Dense(2)])
    model.compile(optimizer, "mse")
    model.fit(X, Y, **QUIET)
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        group = file["optimizer_weights"]
        names = list(group.attrs["weight_names"].astype(str))
        assert [group[name].shape for name in names] == shapes
        config = json.loads(file.attrs["training_config"])["optimizer_config"]["config"]
    assert names[0] == "iterations:0"
    assert "momentum" not in config  # of which RMSprop of Keras 2.3 does not know
    equal(
        models.load_model(tmp_path / "m.h5").optimizer.get_weights(), model.optimizer.get_weights()
    )


def test_nadam_of_tf_keras(tmp_path):
    """It does not write the product of all steps' momentum, which follows from their number."""
    h5py = pytest.importorskip("h5py")
    model = trained("nadam")
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        group = file["optimizer_weights"]
        names = [n for n in group.attrs["weight_names"].astype(str) if "product" not in n]
        group.attrs["weight_names"] = np.array(names, "S")
    loaded = models.load_model(tmp_path / "m.h5")
    for ours, theirs in zip(
        loaded.optimizer.get_weights(), model.optimizer.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, 1e-5)


def test_mixed_precision_as_h5(tmp_path):
    model = models.Sequential([layers.Input((3,)), layers.Dense(2, dtype="mixed_float16")])
    model.compile(optimizers.LossScaleOptimizer("adam"), "mse")
    x = np.ones((4, 3))
    model.fit(x, x[:, :2], **QUIET)
    model.save(tmp_path / "m.h5")
    loaded = models.load_model(tmp_path / "m.h5")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    equal(loaded.get_weights(), model.get_weights())
    loaded.fit(x, x[:, :2], **QUIET)


def test_why_writing_failed_is_said(monkeypatch):
    """HDF5 goes on after that, and h5py may stumble over something else."""

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space")

    def flush(self):
        raise AttributeError("flush")

    monkeypatch.setattr(window.Window, "flush", flush)
    target = window.Window(Full(), 0, 0, "full")
    with pytest.raises(OSError, match="No space"), h5.writing(target) as file:
        file["x"] = X
    monkeypatch.undo()
