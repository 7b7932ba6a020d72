"""Checkpoints of the Orbax library: folders that hold a model and the state of its training.

In each lie two parts, as Keras 3 has them: `pytree`, what `get_state_tree` returns, and, unless it
has weights only, `model_config`, the model as JSON. The JSON is trusted no more than that of other
files. The arrays are read by Orbax, in formats whose tables say in which file their bytes lie: what
such a table may point to is up to that library.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph.spec import format_shape
from kerasish.graph.variable import Variable
from kerasish.saving import lambdas
from kerasish.saving.building import building, memory, model_from_entry
from kerasish.saving.h5 import FileError
from kerasish.saving.keras_file import model_entry
from kerasish.saving.legacy_config import readable
from kerasish.saving.serialization import CustomObjectScope
from kerasish.saving.weights import parts
from kerasish.utils.optional import needed
from kerasish.utils.tracebacks import warn_user

STATE, CONFIG = "pytree", "model_config"
_MARK = "_CHECKPOINT_METADATA"
_WEIGHTS = ("trainable_variables", "non_trainable_variables")
_OPTIMIZER = "optimizer_variables"


def library() -> Any:
    """The package, in its present form.

    Raises:
        ImportError: it is not installed.
    """
    package = needed(
        "orbax.checkpoint",
        "An Orbax checkpoint",
        "orbax-checkpoint",
        "'kerasish[orbax]'",
        "ModelCheckpoint saves without it.",
    )
    return package.v1  # a name there, no module of its own


def content(model: Any, weights_only: bool) -> dict[str, Any]:
    """What a checkpoint of a model holds, part by part.

    Raises:
        ValueError: for a model with layers that keep files of their own.
    """
    state = model.get_state_tree("numpy_array")
    found: dict[str, Any] = {STATE: _without_empty(state)}
    if weights_only:
        return found
    owners = [path for path, obj in parts(model) if hasattr(type(obj), "save_assets")]
    if owners:
        raise ValueError(
            f"An Orbax checkpoint of model {model.name} has no place for the files that its part "
            f"{owners[0]!r} keeps. Save it with ModelCheckpoint to a .keras file, or save the "
            "weights only."
        )
    return found | {CONFIG: {"config": json.dumps(model_entry(model))}}


def _without_empty(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state without arrays of no elements and branches of no arrays: Orbax writes neither."""
    pairs = {k: _without_empty(v) if isinstance(v, dict) else v for k, v in state.items()}
    return {k: v for k, v in pairs.items() if (v if isinstance(v, dict) else v.size)}


def is_checkpoint(path: Path) -> bool:
    """Whether a folder is a checkpoint, or holds those of several steps."""
    return path.is_dir() and ((path / _MARK).is_file() or bool(_steps(path)))


def _steps(path: Path) -> list[Path]:
    found = [p for p in path.iterdir() if p.name.isdecimal() and (p / _MARK).is_file()]
    return sorted(found, key=lambda p: int(p.name))


def load(
    path: Path, custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool | None
) -> Any:
    """The model in a checkpoint; of several steps, in the latest one.

    Raises:
        FileError: the folder is damaged, or has weights only.
    """
    found = _read(path)
    state = _State(path, found)
    with CustomObjectScope(custom_objects):
        with building(path, state.count()):
            entry = readable(_config(found, path), None)
            entry = lambdas.with_functions(entry, safe_mode, custom_objects)
            model = model_from_entry(entry)
        config = entry.get("compile_config") if compile else None
        with building(path, state.count(), compiling=True):
            if config:
                model.compile_from_config(config)
            state.give_to(model, skip_mismatch=False, with_optimizer=bool(config))
    return model


def load_weights(model: Any, path: Path, skip_mismatch: bool) -> None:
    """Sets the weights of a model, and its optimizer's state if it has one, from a checkpoint.

    Raises:
        FileError: the folder is damaged, or the weights do not fit; nothing was changed then.
    """
    _State(path, _read(path)).give_to(model, skip_mismatch)


def _read(path: Path) -> dict[str, Any]:
    """The parts of a checkpoint."""
    if not (path / _MARK).is_file():
        path = _steps(path)[-1]
    if any(file.is_symlink() for file in path.rglob("*")):
        raise FileError(f"{path} holds links to other places, which are not followed.")
    v1 = library()
    try:
        described = v1.checkpointables_metadata(path).metadata
        wanted = {name: _wanted(part) for name, part in described.items()}
        size = sum(array.nbytes for array in tree.flatten(wanted) if array is not str)
        if size > memory():
            raise FileError(
                f"{path} asks for {size:.3g} bytes of memory, but there are {memory():.3g}."
            )
        return v1.load_checkpointables(path, wanted)
    except FileError:
        raise
    except Exception as error:  # whatever the library and those below it may raise
        raise FileError(
            f"{path} is not an Orbax checkpoint of a model, or is damaged: "
            f"{type(error).__name__}: {error!s:.200}"
        ) from error


def _wanted(described: Any) -> Any:
    """What is to be read, in the form that asks Orbax for NumPy's arrays, not those of JAX."""
    if isinstance(described, Mapping):
        return {key: _wanted(part) for key, part in described.items()}
    if not hasattr(described, "shape"):
        return str
    # One number in all places, which takes no memory.
    return np.broadcast_to(np.zeros((), described.dtype), described.shape)


def _config(found: Mapping[str, Any], path: Path) -> dict[str, Any]:
    try:
        entry = json.loads(found[CONFIG]["config"])
    except KeyError:
        raise FileError(
            f"{path} has weights only. Make the model, and call its load_weights."
        ) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise FileError(f"{path} has a damaged config: {error}") from None
    if not isinstance(entry, dict):
        raise FileError(f"{path} has a damaged config, which is not of a model.")
    return entry


class _State:
    """The arrays of a checkpoint by the paths of variables, group by group.

    Args:
        path: of the checkpoint, for messages.
        found: its parts.
    """

    def __init__(self, path: Path, found: Mapping[str, Any]):
        state = found.get(STATE)
        if not isinstance(state, dict):
            raise FileError(f"{path} is not an Orbax checkpoint of a model: it has no {STATE!r}.")
        self._path = path
        self._groups = {group: dict(_leaves(branch)) for group, branch in state.items()}

    def count(self) -> int:
        """How many numbers the weights have."""
        return sum(array.size for group in _WEIGHTS for array in self._of(group).values())

    def _of(self, group: str) -> dict[str, np.ndarray]:
        return self._groups.get(group, {})

    def give_to(self, model: Any, skip_mismatch: bool, with_optimizer: bool = True) -> None:
        """Sets a model's weights, and its optimizer's state if it has one and that fits."""
        groups = model._state_groups()
        prefix = self._name_in_front({v.path for group in _WEIGHTS for v in groups[group]})
        plan: list[tuple[Variable, np.ndarray]] = []
        for group in _WEIGHTS:
            given = {path.removeprefix(f"{prefix}/"): a for path, a in self._of(group).items()}
            plan += self._pairs(model, groups[group], given, skip_mismatch)
        optimizer = getattr(model, "optimizer", None)
        if with_optimizer and optimizer is not None and _OPTIMIZER in self._groups:
            plan += self._optimizer_pairs(model, optimizer, prefix)
        for variable, array in plan:
            variable.set_value(array)

    def _name_in_front(self, known: set[str]) -> str:
        """The model's name, where all paths begin with it, as Keras's often do and ours do not."""
        fronts = {path.partition("/")[0] for group in _WEIGHTS for path in self._of(group)}
        own = {path.partition("/")[0] for path in known}
        return fronts.pop() if len(fronts) == 1 and not fronts & own else ""

    def _optimizer_pairs(
        self, model: Any, optimizer: Any, prefix: str
    ) -> list[tuple[Variable, np.ndarray]]:
        optimizer.build(model.trained_variables())
        given = {}
        for path, array in self._of(_OPTIMIZER).items():
            front, _, name = path.partition("/")
            given[f"{front}/{name.removeprefix(f'{prefix}_') if prefix else name}"] = array
        try:
            return self._pairs(model, optimizer.variables, given, skip_mismatch=False)
        except FileError as error:  # weights without it are of use too
            warn_user(f"The state of the optimizer {optimizer.name} was not loaded: {error}")
            return []

    def _pairs(
        self,
        model: Any,
        variables: Sequence[Variable],
        given: dict[str, np.ndarray],
        skip_mismatch: bool,
    ) -> list[tuple[Variable, np.ndarray]]:
        """Each variable and its array."""
        known = {v.path: v for v in variables if 0 not in v.shape}
        problems = [f"it has no {path}" for path in known if path not in given]
        problems += [f"the model has no {path}" for path in given if path not in known]
        pairs = [(variable, given[path]) for path, variable in known.items() if path in given]
        problems += [
            f"{v.path} has shape {format_shape(a.shape)} there and {format_shape(v.shape)} here"
            for v, a in pairs
            if a.shape != v.shape
        ]
        if problems and not skip_mismatch:
            raise FileError(f"{self._path} does not fit model {model.name}: {problems[0]}.")
        if problems:
            warn_user(f"{self._path}: skipped what does not fit: {'; '.join(problems)}.")
        return [(v, a) for v, a in pairs if a.shape == v.shape]


def _leaves(branch: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    if not isinstance(branch, dict):
        yield path, np.asarray(branch)
        return
    for key, item in branch.items():
        yield from _leaves(item, f"{path}/{key}" if path else str(key))
