"""`kerasish setup`: with a fake engine, so that no network and no old Python is needed."""

import ctypes
import json
import platform
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kerasish.engines.host import recipes, setup
from kerasish.engines.host.elfstub import FAIL, write_library
from kerasish.engines.host.setup import SetupError

HERE = "{}.{}".format(*sys.version_info)
FACTS = {"engine": "fake", "version": "1", "python": HERE, "numpy": "1"}


class Machine:
    """Stands in for what setup runs: pip fails if told so, the proof takes a moment."""

    def __init__(self, home):
        self.directory = home / "engines" / "fake"
        self.commands, self.said = [], []
        self.failing = ""

    def run(self, command):
        self.commands.append(command[3])
        if self.failing == command[3]:
            return subprocess.CompletedProcess(command, 1, "line\n" * 50 + "no route to the index")
        if command[3] == "venv":
            python = Path(command[4]) / "bin" / "python"
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0, "")

    def prove(self, recipe):
        if self.failing == "proof":
            raise SetupError("it computes wrong numbers here")
        self.commands.append("proof")
        time.sleep(0.05)
        return FACTS

    def set_up(self, **options):
        return setup.setup("fake", progress=self.said.append, **options)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    machine = Machine(tmp_path)
    recipe = recipes.Recipe(
        name="fake",
        display="Fake",
        pythons=(HERE,),
        packages=("fake==1",),
        platforms=(),
        prepare=lambda directory: (directory / "lib").mkdir(),
        variables=lambda directory: {},
        warn=lambda: "it will be slow",
    )
    monkeypatch.setitem(recipes.RECIPES, "fake", recipe)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(setup, "_run", machine.run)
    monkeypatch.setattr(setup, "_prove", machine.prove)
    monkeypatch.setattr(setup, "_candidates", lambda versions: [Path(sys.executable)])
    return machine


BUILT = ["venv", "--disable-pip-version-check", "proof"]


def test_an_environment_is_built_once_and_then_only_proved(machine):
    assert machine.set_up() == {**FACTS, "interpreter": sys.executable}
    assert machine.commands == BUILT
    assert json.loads((machine.directory / "engine.json").read_text())["version"] == "1"
    assert machine.said[0] == "it will be slow"
    machine.set_up()
    assert machine.commands == [*BUILT, "proof"]


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("venv", "could not make a virtual environment.*venv"),
        (
            "--disable-pip-version-check",
            "no route to the index.*network.*kerasish setup fake again",
        ),
        ("proof", "wrong numbers"),
    ],
)
def test_a_failed_step_says_what_to_do_and_the_next_try_starts_anew(machine, failing, words):
    machine.failing = failing
    with pytest.raises(SetupError, match=f"(?s){words}"):
        machine.set_up()
    assert not setup.is_complete("fake")
    machine.failing = ""
    machine.set_up()
    assert setup.is_complete("fake")


def test_two_setups_at_once_take_turns(machine):
    other = threading.Thread(target=machine.set_up)
    other.start()
    machine.set_up()
    other.join()
    assert machine.commands == [*BUILT, "proof"]


def test_without_a_fitting_interpreter_the_ways_to_one_are_named(machine, monkeypatch):
    monkeypatch.setattr(setup, "_candidates", lambda versions: [Path("/nowhere/python")])
    with pytest.raises(SetupError, match=r"(?s)none was found.*pyenv.*conda create.*--python"):
        machine.set_up()


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("/nowhere/python", "does not run"),
        (sys.executable, "runs on 2.7 only"),
    ],
)
def test_an_interpreter_that_does_not_fit_is_refused(machine, monkeypatch, python, words):
    import dataclasses

    old = dataclasses.replace(recipes.RECIPES["fake"], pythons=("2.7",))
    monkeypatch.setitem(recipes.RECIPES, "fake", old)
    with pytest.raises(SetupError, match=words):
        machine.set_up(python=python)


def test_other_names_and_other_platforms_are_refused(machine, monkeypatch):
    with pytest.raises(SetupError, match="'numpy' needs no setup; it is for theano and cntk"):
        setup.setup("numpy")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(SetupError, match="built for Linux x86_64, this machine is Darwin"):
        setup.setup("cntk")


def test_a_home_that_cannot_be_written_is_named(machine, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(SetupError, match=r"Cannot write to .*Set KERAS_HOME"):
        machine.set_up()


def test_the_users_theano_flags_come_last(monkeypatch, tmp_path):
    monkeypatch.setenv("THEANO_FLAGS", "openmp=False")
    flags = recipes.RECIPES["theano"].variables(tmp_path)["THEANO_FLAGS"].split(",")
    assert flags[0] == "floatX=float32"
    assert flags[-1] == "openmp=False"


def test_theanos_old_blas_gets_the_kernels_that_suit_the_processor(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setattr(recipes, "_openblas", lambda directory: tmp_path / "libopenblas.so")
    for processor, kernels in ((recipes.AVX512, "SkylakeX"), (recipes.AVX2, "Haswell")):
        monkeypatch.setattr(recipes, "_processor", lambda processor=processor: processor)
        variables = recipes.RECIPES["theano"].variables(tmp_path)
        assert variables["OPENBLAS_CORETYPE"] == kernels


def test_any_path_survives_theanos_flags(monkeypatch, tmp_path):
    """Theano splits them at commas as a shell would, and the linker's at blanks."""
    monkeypatch.delenv("THEANO_FLAGS", raising=False)
    directory = tmp_path / "it's a home, or so"
    library = directory / "env/lib/python3.9/site-packages/numpy.libs/libopenblasp.so"
    library.parent.mkdir(parents=True)
    library.touch()
    variables = recipes.RECIPES["theano"].variables(directory)
    splitter = shlex.shlex(variables["THEANO_FLAGS"], posix=True)
    splitter.whitespace, splitter.whitespace_split = ",", True
    flags = dict(flag.split("=", 1) for flag in splitter)
    assert flags["base_compiledir"] == str(directory / "compiled")
    assert flags["blas.ldflags"] == "-l:libopenblasp.so"
    assert variables["LIBRARY_PATH"].split(":")[0] == str(library.parent)


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="the stubs are for it"
)
def test_a_stub_library_loads_and_its_functions_fail(tmp_path):
    path = tmp_path / "libstub.so.1"
    write_library(path, "libstub.so.1", ["first", "second"], ["table", "other"])
    library = ctypes.CDLL(str(path))
    assert (library.first(), library.second()) == (FAIL, FAIL)
    assert bytes((ctypes.c_char * 1024).in_dll(library, "other")) == bytes(1024)
