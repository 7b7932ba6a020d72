"""The table of engines: what they are called, where they live, how to get them.

Nothing here imports an engine. An engine in another package announces itself with an entry point
of the group `kerasish.engines`: the name is the engine's, the value is a module with `create()`.
"""

from __future__ import annotations

import importlib
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kerasish.home import keras_home

ENTRY_POINTS = "kerasish.engines"
DEFAULT = "tensorflow"  # what a new keras.json says, as Keras's own does
EMBEDDED = "numpy"  # the engine that is always there
MARKER = "engine.json"  # in a host engine's directory: `kerasish setup` has built all of it


class UnknownEngineError(ValueError):
    """No engine has this name."""


class EngineNotInstalledError(ImportError):
    """The engine is known, but it cannot run here as things are."""


@dataclass(frozen=True)
class EngineInfo:
    """One engine.

    kind: "in-process", or "host" for an engine that runs in a worker process of its own, from an
        environment that `kerasish setup` builds (see `host_directory`).
    probe: the Python module that must be there for an in-process engine.
    """

    name: str
    display: str
    module: str
    install: str
    kind: str
    probe: str = ""


def _in_process(name: str, display: str, install: str = "") -> EngineInfo:
    install = install or f'pip install "kerasish[{name}]"'
    return EngineInfo(name, display, f"kerasish.engines.{name}", install, "in-process", name)


def _host(name: str, display: str) -> EngineInfo:
    return EngineInfo(name, display, f"kerasish.engines.{name}", f"kerasish setup {name}", "host")


BUILT_IN = {
    engine.name: engine
    for engine in (
        _in_process("tensorflow", "TensorFlow"),
        _host("theano", "Theano"),
        _host("cntk", "CNTK"),
        _in_process("jax", "JAX"),
        _in_process("torch", "PyTorch"),
        _in_process("numpy", "NumPy", "pip install numpy"),
    )
}


def _from_entry_points() -> dict[str, EngineInfo]:
    from importlib.metadata import entry_points  # slow to import, seldom needed

    found = {}
    for point in entry_points(group=ENTRY_POINTS):
        package = point.module.partition(".")[0]
        install = f"pip install {point.dist.name if point.dist else package}"
        found[point.name] = EngineInfo(
            point.name, point.name, point.module, install, "in-process", package
        )
    return found


def names() -> list[str]:
    """The names of all known engines, installed or not; those of other packages come last.

    Example:
        >>> "numpy" in names()
        True
    """
    return list(BUILT_IN | _from_entry_points())


def info(name: str) -> EngineInfo:
    """What is known of the engine `name`.

    Raises `UnknownEngineError`, which lists the known and the installed engines.

    Example:
        >>> info("cntk").display
        'CNTK'
    """
    found = BUILT_IN.get(name) or _from_entry_points().get(name)
    if found is None:
        raise UnknownEngineError(_unknown(name))
    return found


def _unknown(name: object) -> str:
    from difflib import get_close_matches

    known = names()
    close = get_close_matches(str(name).lower(), known, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return f"There is no engine {name!r}.{guess} Known: {', '.join(known)}. {_what_is_installed()}"


def host_directory(name: str) -> Path:
    """Where the private environment of a host engine lives. It is complete once it holds `MARKER`.

    Example:
        >>> host_directory("cntk").name
        'cntk'
    """
    return keras_home() / "engines" / name


def _has_module(name: str) -> bool:
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # a parent package is missing
        return False
    # A directory that only happens to have this name is a namespace package, without an origin.
    return spec is not None and spec.origin is not None


def installed(name: str) -> tuple[bool, str]:
    """Whether the engine `name` can be loaded; if not, why, and the command that changes this.

    Imports nothing. Raises `UnknownEngineError`.

    Example:
        >>> installed("numpy")
        (True, '')
    """
    engine = info(name)
    if not _has_module(engine.module):
        return False, (
            f"{engine.display} is not part of this version of its package "
            f"(no module {engine.module}). Get a newer one with: pip install --upgrade "
            f"{engine.module.partition('.')[0]}"
        )
    if engine.kind == "host":
        if (host_directory(name) / MARKER).is_file():
            return True, ""
        reason = f"no environment for it in {host_directory(name)}"
    elif _has_module(engine.probe):
        return True, ""
    else:
        reason = f"no Python module {engine.probe}"
    return False, f"{engine.display} is not installed ({reason}). Get it with: {engine.install}"


def installed_names() -> list[str]:
    """The names of the engines that can be loaded.

    Example:
        >>> "numpy" in installed_names()
        True
    """
    return [name for name in names() if installed(name)[0]]


def _what_is_installed() -> str:
    return f"Installed: {', '.join(installed_names()) or 'none'}."


def require(name: str) -> None:
    """Raise `EngineNotInstalledError`, with the remedy, unless the engine `name` can be loaded.

    Example:
        >>> require("numpy")
    """
    there, problem = installed(name)
    if not there:
        raise EngineNotInstalledError(f"{problem}\n{_what_is_installed()}")


_loaded: dict[str, Any] = {}
_loading = threading.RLock()  # two engines of one name would be two stores of variables


def load(name: str) -> Any:
    """The one engine called `name`, imported and made on the first call.

    Raises `UnknownEngineError` or `EngineNotInstalledError`.

    Example:
        >>> load("numpy") is load("numpy")  # doctest: +SKIP
        True
    """
    with _loading:
        if name not in _loaded:
            require(name)
            _loaded[name] = importlib.import_module(info(name).module).create()
        return _loaded[name]
