"""Orbax checkpoints: what training leaves in them comes back, and damaged ones are refused.

`test_orbax.py` runs these in a process of their own.
"""

import json
import sys

import numpy as np
import pytest

from kerasish import callbacks, layers, models
from kerasish.saving import load_model

# Orbax's own threads, when a read of theirs has failed.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def make(units=2):
    parts = [layers.Input((3,)), layers.Dense(units, name="a"), layers.BatchNormalization(name="b")]
    model = models.Sequential([*parts, layers.Dense(1, name="out")], name="net")
    model.compile("adam", "mse", metrics=["mae"])
    return model


def fitted(directory, epochs=3, **options):
    model = make()
    saving = callbacks.OrbaxCheckpoint(directory, **options)
    model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=[saving])
    return model


def steps(directory):
    return sorted(int(path.name) for path in directory.iterdir() if path.name.isdigit())


@pytest.mark.parametrize("background", [True, False])
def test_a_checkpoint_goes_on_as_the_model_would(tmp_path, background):
    model = fitted(tmp_path / "c", max_to_keep=2, save_on_background=background)
    assert steps(tmp_path / "c") == [1, 2]
    loaded = [load_model(tmp_path / "c"), load_model(tmp_path / "c" / "2"), make()]
    loaded[2].load_weights(tmp_path / "c")
    wanted = model.fit(X, Y, shuffle=False, verbose=0).history["loss"]
    for other in loaded:
        assert other.optimizer.iterations == 6
        assert other.fit(X, Y, shuffle=False, verbose=0).history["loss"] == wanted
    first = load_model(tmp_path / "c" / "1", compile=False)
    assert first.optimizer is None
    assert not np.allclose(first.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"max_to_keep": None}, [0, 1, 2]),
        ({}, [2]),
        ({"save_freq": 2, "max_to_keep": 10}, [2, 4, 6]),
        ({"monitor": "loss", "save_best_only": True, "initial_value_threshold": 1e-9}, []),
    ],
)
def test_when_it_saves(tmp_path, options, found):
    fitted(tmp_path, **options)
    assert steps(tmp_path) == found


def test_what_it_says_and_trains_again(tmp_path, capsys):
    fitted(tmp_path, epochs=1, verbose=1)
    assert f"Epoch 1: saved {tmp_path / '0'}." in capsys.readouterr().out
    again = fitted(tmp_path, epochs=1)  # in the place of the first
    np.testing.assert_array_equal(load_model(tmp_path).get_weights()[0], again.get_weights()[0])


def test_weights_alone_need_the_model(tmp_path):
    model = fitted(tmp_path, epochs=1, save_weights_only=True)
    with pytest.raises(ValueError, match="has weights only"):
        load_model(tmp_path)
    other = make()
    other.load_weights(tmp_path)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_paths_that_begin_with_the_name_of_the_model(tmp_path):
    """As Keras writes them for a Sequential."""
    from orbax.checkpoint import v1

    model = fitted(tmp_path / "own")
    state = model.get_state_tree("numpy_array")
    weights = ("trainable_variables", "non_trainable_variables")
    slots = state["optimizer_variables"]["adam"]
    own = ("iteration", "learning_rate")
    renamed = {k if k in own else f"sequential_{k}": v for k, v in slots.items()}
    tree = {group: {"sequential": state[group]} for group in weights}
    tree["optimizer_variables"] = {"adam": renamed}
    v1.save_checkpointables(tmp_path / "theirs", {"pytree": tree})
    other = make()
    other.load_weights(tmp_path / "theirs")
    wanted = model.fit(X, Y, shuffle=False, verbose=0).history["loss"]
    assert other.fit(X, Y, shuffle=False, verbose=0).history["loss"] == wanted


def _cut(path):
    (path / "pytree" / "_METADATA").write_text("{")


def _without_arrays(path):
    for file in (path / "pytree").rglob("*.ocdbt"):
        file.write_bytes(b"")


def _with_link(path):
    (path / "pytree" / "more").symlink_to("/etc")


def _other_config(path, text):
    file = path / "model_config" / "_strings.json"
    file.write_text(json.dumps({"config": text}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "damaged"),
        (_without_arrays, "damaged"),
        (_with_link, "links to other places"),
        (lambda path: _other_config(path, "{"), "damaged config"),
        (lambda path: _other_config(path, "[]"), "not of a model"),
        (lambda path: _other_config(path, '{"class_name": "Nope", "config": {}}'), "Nope"),
    ],
    ids=["metadata", "arrays", "link", "no json", "list", "class"],
)
def test_damaged_ones_are_refused(tmp_path, damage, words):
    fitted(tmp_path, epochs=1)
    damage(tmp_path / "0")
    with pytest.raises(ValueError, match=words):
        load_model(tmp_path)


def test_what_does_not_fit_changes_nothing(tmp_path):
    fitted(tmp_path, epochs=1)
    other = make(units=3)
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"a/kernel has shape \(3, 2\) there and \(3, 3\) here"):
        other.load_weights(tmp_path)
    for got, wanted in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, wanted)
    with pytest.warns(UserWarning, match="not fit|not loaded") as warned:
        other.load_weights(tmp_path, skip_mismatch=True)
    texts = [str(warning.message) for warning in warned]
    assert any("skipped what does not fit: a/kernel has shape" in text for text in texts)
    assert any("state of the optimizer adam was not loaded" in text for text in texts)


def test_a_state_of_another_optimizer_is_left_out(tmp_path):
    model = fitted(tmp_path, epochs=1)
    other = make()
    other.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="state of the optimizer sgd was not loaded"):
        other.load_weights(tmp_path)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_too_much_for_the_memory_is_refused(tmp_path, monkeypatch):
    from kerasish.saving import orbax

    fitted(tmp_path, epochs=1)
    monkeypatch.setattr(orbax, "memory", lambda: 10)
    with pytest.raises(ValueError, match="bytes of memory"):
        load_model(tmp_path)


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(ImportError, match=r"pip install 'kerasish\[orbax\]'"):
        callbacks.OrbaxCheckpoint(tmp_path)


def test_arguments():
    with pytest.raises(ValueError, match="max_to_keep"):
        callbacks.OrbaxCheckpoint("d", max_to_keep=0)
