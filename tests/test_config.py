"""keras.json, the settings, and which engine is chosen. No engine is imported here."""

import json
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec

import pytest

from kerasish import config
from kerasish.engines import current_engine, registry

KERAS_JSON = {
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A fresh KERAS_HOME, and settings that nobody has read yet."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(config, "_state", None)
    return tmp_path / "home"


@pytest.fixture
def engines(monkeypatch):
    """Call it with the names of the engines whose Python modules shall be found."""

    def only(*there):
        def find_spec(name):
            return (
                ModuleSpec(name, None, origin="x")
                if name in there or name.startswith("kerasish.")
                else None
            )

        monkeypatch.setattr(registry, "find_spec", find_spec)

    return only


def write(home, text):
    home.mkdir()
    (home / "keras.json").write_text(text if isinstance(text, str) else json.dumps(text))


def test_file_is_created_and_never_written_again(home):
    assert config.floatx() == "float32"
    file = home / "keras.json"
    assert json.loads(file.read_text()) == KERAS_JSON
    assert os.listdir(home) == ["keras.json"]
    before = file.stat()
    config.set_floatx("float64")
    config._state = None
    assert config.floatx() == "float32"
    assert file.stat() == before


def test_existing_file_is_used_and_kept(home):
    text = '{"floatx": "float64", "epsilon": 1e-3, "image_dim_ordering": "th",\n\n "mine": [1]}'
    write(home, text)
    assert (config.floatx(), config.epsilon()) == ("float64", 1e-3)
    assert config.image_data_format() == "channels_last"
    assert (home / "keras.json").read_text() == text


def test_a_misspelt_setting_warns(home):
    home.mkdir()
    (home / "keras.json").write_text('{"float": "float64", "nnx_enabled": false}')
    with pytest.warns(UserWarning, match=r"keras\.json: 'float' is no setting.*'floatx'") as said:
        assert config.floatx() == "float32"
    assert len(said) == 1


def test_creating_does_not_replace_a_file_made_meanwhile(home):
    write(home, "{}")
    config._create(home / "keras.json")
    assert (home / "keras.json").read_text() == "{}"
    assert os.listdir(home) == ["keras.json"]


def test_home_that_cannot_be_written(home):
    home.write_text("a file where the directory should be")
    with pytest.warns(UserWarning, match=r"could not create .*keras\.json"):
        assert config.floatx() == "float32"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"floatx": "float32",\n "epsilon" 1}', r"keras\.json, line 2, column \d+: not valid"),
        ("", r"line 1, column 1: not valid JSON"),
        ("[]", "expected a JSON object"),
        ({"floatx": "foo"}, "floatx must be one of float16, .* got 'foo'"),
        ({"floatx": ["float32"]}, "floatx must be one of"),
        ({"epsilon": "abc"}, "epsilon must be a number above 0; got 'abc'"),
        ({"epsilon": 0}, "epsilon must be a number above 0; got 0"),
        ({"epsilon": True}, "epsilon must be a number"),
        ({"image_data_format": "th"}, "image_data_format must be one of channels_last"),
        ({"backend": 1}, "backend must be the name"),
        ({"backend": "tensorflo"}, "Did you mean 'tensorflow'"),
    ],
)
def test_damaged_file(home, text, message):
    write(home, text)
    with pytest.raises(config.ConfigError, match=message) as caught:
        config.backend()
    assert str(home / "keras.json") in str(caught.value)
    assert "delete the file" in str(caught.value)


def test_file_that_is_not_text(home):
    home.mkdir()
    (home / "keras.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(config.ConfigError, match=r"keras\.json cannot be read"):
        config.floatx()


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("floatx", "bfloat16", "float31"),
        ("epsilon", 1e-3, -1.0),
        ("image_data_format", "channels_first", "channels_middle"),
    ],
)
def test_setters(home, name, good, bad):
    getter, setter = getattr(config, name), getattr(config, f"set_{name}")
    setter(good)
    assert getter() == good
    with pytest.raises(ValueError, match=f"{name} must be"):
        setter(bad)
    assert getter() == good


def test_backend_from_the_file(home, engines, capsys):
    engines("tensorflow", "numpy")
    config.announce()
    assert config.backend() == "tensorflow"
    assert capsys.readouterr().err == "Using TensorFlow backend.\n"


def test_backend_of_the_file_is_missing(home, engines, capsys):
    engines("numpy")
    config.announce()
    assert config.backend() == "numpy"
    error = capsys.readouterr().err
    assert "TensorFlow is not installed (no Python module tensorflow)" in error
    assert 'pip install "kerasish[tensorflow]"' in error
    assert error.endswith(" (until then NumPy is used)\nUsing NumPy backend.\n")


def test_backend_from_the_environment(home, engines, monkeypatch, capsys):
    engines("tensorflow", "jax", "numpy")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    config.announce()
    assert config.backend() == "jax"
    assert capsys.readouterr().err == "Using JAX backend.\n"


def test_backend_of_the_environment_is_missing(home, engines, monkeypatch, capsys):
    engines("numpy")
    monkeypatch.setenv("KERAS_BACKEND", "cntk")
    config.announce()
    error = capsys.readouterr().err
    assert "CNTK is not installed" in error
    assert "Using" not in error
    with pytest.raises(registry.EngineNotInstalledError, match="KERAS_BACKEND=cntk") as caught:
        current_engine()
    assert "kerasish setup cntk" in str(caught.value)
    assert "Installed: numpy." in str(caught.value)
    with config.backend_scope("numpy"):  # others still work
        assert config.backend() == "numpy"


def test_backend_of_the_environment_is_unknown(home, engines, monkeypatch):
    engines("numpy")
    monkeypatch.setenv("KERAS_BACKEND", "pytorch")
    with pytest.raises(registry.UnknownEngineError, match=r"Did you mean 'torch'.*Known: tensorf"):
        config.announce()


def test_engine_that_this_version_lacks(home, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert "pip install --upgrade kerasish" in registry.installed("jax")[1]


def test_host_engine_needs_its_environment(home, engines):
    engines("numpy")
    assert registry.installed("theano")[0] is False
    (home / "engines" / "theano").mkdir(parents=True)
    assert "kerasish setup theano" in registry.installed("theano")[1]
    (home / "engines" / "theano" / "engine.json").write_text("{}")
    assert registry.installed("theano") == (True, "")


def test_changing_the_backend(home, engines):
    engines("tensorflow", "torch", "numpy")
    config.set_backend("torch")
    with config.backend_scope("numpy"):
        assert config.backend() == "numpy"
    assert config.backend() == "torch"
    with pytest.raises(registry.EngineNotInstalledError, match="jax"):
        config.set_backend("jax")
    with pytest.raises(registry.UnknownEngineError, match="nonsense"):
        config.set_backend("nonsense")
    assert config.backend() == "torch"


def test_scope_ends_after_an_error(home, engines):
    engines("tensorflow", "numpy")
    with pytest.raises(KeyError), config.backend_scope("numpy"):
        raise KeyError
    assert config.backend() == "tensorflow"


def test_engine_of_another_package(home, tmp_path, monkeypatch):
    (tmp_path / "other_engine.py").write_text("def create():\n    return ['the engine']\n")
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kerasish.engines]\nother = other_engine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "other" in registry.names()
    assert "other" in registry.installed_names()
    with config.backend_scope("other"):
        assert current_engine() == ["the engine"]
        assert current_engine() is current_engine()


def test_directory_with_an_engines_name_is_no_engine(tmp_path, monkeypatch):
    (tmp_path / "some_engine").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not registry._has_module("some_engine")


def test_import_loads_no_engine(home):
    code = (
        "import sys; from kerasish import config; config.backend();"
        "print(*{'tensorflow', 'jax', 'torch', 'importlib.metadata', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
