"""`kerasish setup theano` and `kerasish setup cntk`: build an engine's private environment.

An environment lies in `<keras home>/engines/<name>`:

    env/         a virtual environment of an old Python, with the engine
    lib/         CNTK: stubs of the MPI libraries
    compiled/    Theano: what it has compiled
    engine.json  written last; without it the environment is incomplete and is built anew
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.engines.host.parent import EngineDied, EngineError, EngineMissing, EngineProcess
from kerasish.engines.host.recipes import (
    RECIPES,
    Recipe,
    engine_directory,
    environment_python,
    unsupported_platform,
)
from kerasish.engines.registry import MARKER


class SetupError(RuntimeError):
    """The environment could not be built; the message says what to do."""


def setup(
    name: str, python: str | None = None, progress: Callable[[str], None] = print
) -> dict[str, Any]:
    """Build and prove the environment of an engine; a complete one is only proved.

    Args:
        name: "theano" or "cntk".
        python: the old interpreter to build on; looked for if None.
        progress: takes a line of text per step.

    Returns:
        What `engine.json` says: the versions of engine, Python and NumPy, and the interpreter.

    Raises:
        SetupError: a step failed; the message names the step and what to do about it.

    >>> setup("cntk")  # doctest: +SKIP
    {'engine': 'cntk', 'version': '2.7', 'python': '3.6.15', ...}
    """
    if name not in RECIPES:
        raise SetupError(f"{name!r} needs no setup; it is for {' and '.join(RECIPES)}.")
    recipe = RECIPES[name]
    problem = unsupported_platform(recipe)
    if problem:
        raise SetupError(problem)
    directory = engine_directory(name)
    with _only_one(directory, progress):
        warning = recipe.warn()
        if warning:
            progress(warning)
        if is_complete(name):
            progress(f"{recipe.display} is set up in {directory}; proving it ...")
            return _prove(recipe)
        return _build(recipe, directory, python, progress)


def is_complete(name: str) -> bool:
    """Whether the engine's environment was built to its end."""
    return (engine_directory(name) / MARKER).is_file() and environment_python(name).exists()


def _build(
    recipe: Recipe, directory: Path, python: str | None, progress: Callable[[str], None]
) -> dict[str, Any]:
    interpreter, version = find_python(recipe, python)
    progress(f"Building {recipe.display}'s environment in {directory} on {interpreter} ({version})")
    (directory / MARKER).unlink(missing_ok=True)
    for leftover in ("env", "lib", "compiled"):
        shutil.rmtree(directory / leftover, ignore_errors=True)
    _make_venv(recipe, interpreter, directory / "env")
    progress(f"Installing {', '.join(p.partition(';')[0] for p in recipe.packages)} ...")
    _install(recipe, directory)
    recipe.prepare(directory)
    progress("Proving it with a training step (the first one compiles) ...")
    facts = {**_prove(recipe), "interpreter": str(interpreter)}
    _write_marker(directory, facts)
    progress(f"{recipe.display} {facts['version']} is ready: KERAS_BACKEND={recipe.name}")
    return facts


@contextlib.contextmanager
def _only_one(directory: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Hold the engine's lock, so that two setups at once take turns."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = open(directory / "lock", "w")  # noqa: SIM115
    except OSError as error:
        raise SetupError(
            f"Cannot write to {directory}: {error.strerror}. Set KERAS_HOME to a "
            "directory of your own and try again."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another setup of this engine is running; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# ---------------------------------------------------------------- the interpreter


def find_python(recipe: Recipe, asked: str | None = None) -> tuple[Path, str]:
    """An interpreter that the engine runs on, and its version: `asked`, else one found here."""
    if asked is not None:
        found = Path(shutil.which(asked) or asked).expanduser()
        version = _version(found)
        if version is None:
            raise SetupError(f"{asked} does not run as a Python interpreter.")
        if _minor(version) not in recipe.pythons:
            raise SetupError(
                f"{asked} is Python {version}; {recipe.display} runs on {_or(recipe.pythons)} only."
            )
        return found, version
    versions: dict[str, tuple[Path, str]] = {}
    for candidate in _candidates(recipe.pythons):
        version = _version(candidate)
        if version and _minor(version) in recipe.pythons:
            versions.setdefault(_minor(version), (candidate, version))
    for minor in recipe.pythons:
        if minor in versions:
            return versions[minor]
    raise SetupError(
        f"{recipe.display} needs Python {_or(recipe.pythons)}, and none was found (looked in "
        f"pyenv, conda environments, uv and PATH). Get one with, for example,\n"
        f"    pyenv install {recipe.pythons[0]}\n"
        f"    conda create -n python{recipe.pythons[0]} python={recipe.pythons[0]}\n"
        f"and run this again, or name one: kerasish setup {recipe.name} --python PATH"
    )


def _candidates(versions: Sequence[str]) -> Iterator[Path]:
    """Where interpreters of these versions usually are."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or home / ".local/share/uv/python")
    for version in versions:
        yield from sorted(pyenv.glob(f"versions/{version}*/bin/python"), reverse=True)
        yield from sorted(uv.glob(f"*-{version}*/bin/python3"), reverse=True)
        on_path = shutil.which(f"python{version}")
        if on_path:
            yield Path(on_path)
    for environment in _conda_environments(home):
        yield environment / "bin" / "python"


def _conda_environments(home: Path) -> Iterator[Path]:
    listed = home / ".conda" / "environments.txt"
    if listed.is_file():
        yield from (Path(line) for line in listed.read_text().split("\n") if line)
    if "CONDA_PREFIX" in os.environ:
        yield Path(os.environ["CONDA_PREFIX"])
    for root in ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba"):
        yield from sorted((home / root / "envs").glob("*"))


def _version(python: Path) -> str | None:
    """The interpreter's version, None if it does not run."""
    code = (
        "import sys, struct; "
        "print('%d.%d.%d %d' % (sys.version_info[:3] + (struct.calcsize('P'),)))"
    )
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split()
    return words[0] if done.returncode == 0 and len(words) == 2 and words[1] == "8" else None


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)


# ---------------------------------------------------------------- the packages


def _make_venv(recipe: Recipe, interpreter: Path, target: Path) -> None:
    done = _run([interpreter, "-I", "-m", "venv", target])
    if done.returncode:
        raise SetupError(
            f"{interpreter} could not make a virtual environment:\n{_tail(done)}\n"
            "Distributions' Pythons often lack venv or pip (Debian: apt install pythonX.Y-venv); "
            f"install them, or name another: kerasish setup {recipe.name} --python PATH"
        )


def _install(recipe: Recipe, directory: Path) -> None:
    """Install the packages with the user's own pip settings."""
    pip = [environment_python(recipe.name), "-m", "pip", "--disable-pip-version-check", "install"]
    done = _run([*pip, *recipe.packages])
    if done.returncode:
        raise SetupError(
            f"pip could not install {recipe.display}:\n{_tail(done)}\n"
            "If the network or the package index was out of reach: check the connection and pip's "
            f"settings (pip config list), then run kerasish setup {recipe.name} again. What was "
            f"built so far lies in {directory} and will be replaced."
        )


def _run(command: Sequence[Any]) -> subprocess.CompletedProcess:
    # The user's environment for pip's sake, but no PYTHON* variables of the Python that runs now.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def _tail(done: subprocess.CompletedProcess, lines: int = 12) -> str:
    return "\n".join("    " + line for line in done.stdout.rstrip().split("\n")[-lines:])


# ---------------------------------------------------------------- the proof


def _prove(recipe: Recipe) -> dict[str, Any]:
    """Train one step in a worker and compare it with the same step by hand."""
    process = EngineProcess(
        recipe.display,
        environment_python(recipe.name),
        recipe.name,
        recipe.variables(engine_directory(recipe.name)),
    )
    try:
        hello = process.start()
        weights = _one_step(process, hello["native_gradients"])
    except (EngineDied, EngineError, EngineMissing, OSError) as error:
        raise SetupError(
            f"{recipe.display} was installed, but does not work here:\n{error}\n"
            f"To build it anew, delete {engine_directory(recipe.name)} and run "
            f"kerasish setup {recipe.name} again."
        ) from error
    finally:
        process.stop()
    x, w = _PROOF
    expected = w - 0.1 * x.T @ (2 * (x @ w))
    if not np.allclose(weights, expected, atol=1e-4):
        raise SetupError(
            f"{recipe.display} computes wrong numbers here: a training step gave\n"
            f"{weights}\ninstead of\n{expected}"
        )
    return {key: hello[key] for key in ("engine", "version", "python", "numpy")}


_PROOF = (
    np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3),
    np.linspace(1, 2, 6, dtype="float32").reshape(3, 2),
)


def _one_step(process: EngineProcess, native_gradients: bool) -> np.ndarray:
    """w <- w - 0.1 d/dw sum((x w)^2), computed by the engine."""
    x, w = _PROOF
    spec_x, spec_w, spec_y = ([list(s), "float32"] for s in (x.shape, w.shape, (4, 2)))
    matmul = {"transpose_a": False, "transpose_b": False}
    gradient = [
        ["add", [3, 3], {}, [9], [spec_y], ""],
        ["matmul", [0, 9], {**matmul, "transpose_a": True}, [6], [spec_w], ""],
    ]
    if native_gradients:
        gradient = [["gradients", [5, 1], {}, [6], [spec_w], ""]]
    program = {
        "name": "proof",
        "jit": True,
        "inputs": [[0, *spec_x]],
        "variables": [[1, 0, *spec_w, "w"]],
        "constants": [2],
        "instructions": [
            ["matmul", [0, 1], matmul, [3], [spec_y], ""],
            ["square", [3], {}, [4], [spec_y], ""],
            ["sum", [4], {"axis": [0, 1], "keepdims": False}, [5], [[[], "float32"]], ""],
            *gradient,
            ["multiply", [6, 2], {}, [7], [spec_w], ""],
            ["subtract", [1, 7], {}, [8], [spec_w], ""],
        ],
        "outputs": [5],
        "updates": [[0, 8]],
    }
    process.call("write", [w], keys=[0])
    answer, _ = process.call("compile", [np.float32(0.1)], program=program, about="proof")
    process.call(
        "run", [x], executable=answer["executable"], inputs=[None], counter=0, about="proof"
    )
    return process.call("read", keys=[0])[1][0]


def _write_marker(directory: Path, facts: dict[str, Any]) -> None:
    temporary = directory / (MARKER + ".new")
    temporary.write_text(json.dumps(facts, indent=2) + "\n")
    os.replace(temporary, directory / MARKER)
