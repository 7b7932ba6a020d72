"""What all tests share: a home of their own, settings that are put back, and the engines."""

import copy
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

# The engines that tests know. KERASISH_REQUIRE_ENGINES=a,b makes the absence of a and b a failure.
ENGINES = ("numpy", "tensorflow", "theano", "cntk", "jax", "torch")


_PREFIX = "kerasish-tests-"


def _own_home():
    """A fresh KERAS_HOME, in which the environments of host engines are those of the real one."""
    _remove_leftovers()
    engines = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "engines"
    home = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")
    if engines.is_dir():
        (Path(home.name) / "engines").symlink_to(engines)
    os.environ["KERAS_HOME"] = home.name
    return home


def _remove_leftovers():
    """The homes of test runs that were killed: those of processes that are no more."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}[0-9]*-*"):
        process = path.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdigit() and not _is_running(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process):
    if os.name != "posix":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


# Before kerasish is imported. The directory goes when the object does, as Python ends.
_home = _own_home()
os.environ.setdefault("KERAS_BACKEND", "numpy")

from kerasish import config  # noqa: E402
from kerasish.engines import registry  # noqa: E402
from kerasish.graph.function import run_counter  # noqa: E402
from kerasish.ops.random import global_seed  # noqa: E402


@pytest.fixture(autouse=True)
def _settings_and_seeds():
    """Each test starts with the same settings and seeds, and leaves no trace in them."""
    before = copy.copy(config._settings())
    global_seed.reset(0)
    run_counter.next = 0
    np.random.seed(0)
    yield
    config._state = before


@pytest.fixture(scope="module")
def _first_states(request):
    """The random generators that a module of tests has for all of them, as its import left them."""
    found = [v for v in vars(request.module).values() if isinstance(v, np.random.Generator)]
    return [(each.bit_generator, each.bit_generator.state) for each in found]


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order(_first_states):
    """Tests draw the same numbers whichever ran before them, which several processes share out."""
    yield
    for generator, state in _first_states:
        generator.state = state


def pytest_generate_tests(metafunc):
    """Tests with an `engine` run on each one that is installed.

    `test_engine_is_there` says which are not, and why.
    """
    if "loaded_engine" in metafunc.fixturenames:
        there = [name for name in ENGINES if registry.installed(name)[0]]
        metafunc.parametrize("loaded_engine", there, indirect=True, scope="session")


@pytest.fixture(scope="session")
def loaded_engine(request):
    return registry.load(request.param)


@pytest.fixture
def engine(loaded_engine):
    """Runs the test once on each engine, which is the current backend meanwhile."""
    config.set_backend(loaded_engine.name)
    return loaded_engine
