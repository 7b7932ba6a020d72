"""Weights in the layout of Keras 3: `.weights.h5`, which `.keras` files contain too.

Each object that has weights is a group, named by the way to it from the model: by attributes, and
in lists by class and number: `layers/dense_1/vars/0`. What a layer is called plays no part, so
that weights fit a model made again by the same program.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish.graph.variable import Variable
from kerasish.layers.base import Layer
from kerasish.layers.holder import contents
from kerasish.layers.quantized import Quantizable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.saving import h5
from kerasish.saving.hooks import overrides
from kerasish.utils.naming import snake_case

# Attributes that are no parts of an object, or that another attribute lists in the right order.
_SKIPPED = {"_calls", "_graph", "_init_arguments", "_losses", "_objective", "_stack", "_steps"}
_SKIPPED |= {"_trained", "_variables", "history"}


# Groups of other states than weights; those of metrics start anew.
_STATES = ("optimizer", "seed_generator", "generator", "_metrics")


def parts(obj: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, Any]]:
    """Each object with weights within `obj`, once, and its place in the file."""
    seen = set() if seen is None else seen
    if id(obj) in seen:
        return
    seen.add(id(obj))
    yield path, obj
    if isinstance(obj, Optimizer):
        return
    for name, value in _attributes(obj):
        place = f"{path}/{name}" if path else name
        if _has_parts(value):
            yield from parts(value, place, seen)
        elif isinstance(value, (list, tuple, dict, set)):
            yield from _listed(value, place, seen)


def _attributes(obj: Any) -> list[tuple[str, Any]]:
    """In the order of Keras: public names first, those of properties too."""
    found = {_public(obj, k, v): v for k, v in vars(obj).items() if k not in _SKIPPED}
    if hasattr(type(obj), "layers"):
        found["layers"] = obj.layers
    return sorted(found.items(), key=lambda item: (item[0].startswith("_"), item[0]))


def _public(obj: Any, key: str, value: Any) -> str:
    """The name of an attribute, or of the property that gives it: `dense` of `_dense`."""
    name = key.lstrip("_")
    holds_parts = _has_parts(value) or isinstance(value, (list, tuple, dict, set))
    if not holds_parts or not isinstance(getattr(type(obj), name, None), property):
        return key
    try:
        given = getattr(obj, name)
    except Exception:  # it gives something else, which is not there now
        return key
    return name if given is value else key


def _has_parts(value: Any) -> bool:
    return isinstance(value, (Layer, Optimizer))


def _listed(values: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """The objects in a list, named by their class and how many of it came before."""
    used: dict[str, int] = {}
    for value in contents(values):
        nested = isinstance(value, (list, tuple, dict, set))
        if not nested and not _has_parts(value):
            continue
        name = "container" if nested else class_name(value)
        count = used[name] = used.get(name, -1) + 1
        place = f"{path}/{name}_{count}" if count else f"{path}/{name}"
        yield from (_listed if nested else parts)(value, place, seen)


def class_name(obj: Any) -> str:
    """What Keras calls the class of an object in the files of weights."""
    functional = getattr(obj, "_graph", None) is not None and type(obj).__name__ == "Model"
    return "functional" if functional else snake_case(type(obj).__name__)


def own_variables(obj: Any) -> list[Variable]:
    """The variables of an object itself, in the order of the file."""
    if isinstance(obj, Optimizer):
        return obj.variables
    special = obj._stored_variables() if isinstance(obj, Quantizable) else None
    if special is not None:
        return special
    return sorted(obj._own_variables(), key=lambda v: not v.trainable)


# --- writing -----------------------------------------------------------------------------


def write(model: Any, file: Any, include_optimizer: bool = True) -> None:
    """Writes the weights of a model, and the state of its optimizer, into an HDF5 group."""
    for path, obj in parts(model):
        if isinstance(obj, Optimizer) and not include_optimizer:
            continue
        store: dict[str, Any] = {}
        if overrides(obj, "save_own_variables"):
            obj.save_own_variables(store)
        else:
            store.update((str(i), v) for i, v in enumerate(own_variables(obj)))
        group = file.create_group(f"{path}/vars" if path else "vars")
        group.attrs["name"] = obj.name
        for name, value in store.items():
            h5.put(group, name, value_of(value))


def value_of(variable: Any) -> Any:
    """The newest value as an array, without copying it."""
    return variable._newest() if isinstance(variable, Variable) else np.asarray(variable)


# --- reading -----------------------------------------------------------------------------


def read(
    model: Any, file: h5.Reader, skip_mismatch: bool = False, with_optimizer: bool = True
) -> None:
    """Sets the weights of a model, and the state of its optimizer, from an HDF5 group.

    Args:
        model: built.
        file: the group.
        skip_mismatch: whether to warn of weights that do not fit, and leave them as they are.
        with_optimizer: whether to read the state of the optimizer, if the file has it.

    Raises:
        FileError: something does not fit; the model is unchanged then.
    """
    plan = _Plan(file.file_name, skip_mismatch)
    taken = set()
    owners: dict[str, Any] = {}
    for path, obj in parts(model):
        place = f"{path}/vars" if path else "vars"
        owners[path] = obj
        taken.add(place)
        if isinstance(obj, Optimizer):
            if with_optimizer and file.find(place) is not None:
                owner = owners.get(path.rpartition("/")[0], model)
                plan.optimizer(obj, owner, file, place)
            continue
        plan.add(obj, file, place)
    if not skip_mismatch:
        _check_rest(model, file, taken)
    plan.run()


class _Plan:
    """What is to be assigned, checked before anything is."""

    def __init__(self, file_name: str, skip: bool):
        self.file_name = file_name
        self.skip = skip
        self.actions: list[Callable[[], None]] = []

    def run(self) -> None:
        for action in self.actions:
            action()

    def add(self, obj: Any, file: h5.Reader, place: str) -> None:
        """The weights of one object."""
        try:
            self.actions += self._actions(obj, file, place)
        except h5.FileError as error:
            if not self.skip:
                raise
            warnings.warn(f"Skipped the weights of {obj.name}: {error}", stacklevel=5)

    def _actions(self, obj: Any, file: h5.Reader, place: str) -> list[Callable[[], None]]:
        group = file.find(place)
        if overrides(obj, "load_own_variables"):
            names = group.names() if group else []
            store = {name: group.array(name) for name in names} if group is not None else {}
            return [lambda: obj.load_own_variables(store)]
        variables = own_variables(obj)
        there = len(group.names()) if group else 0
        if isinstance(obj, Optimizer) and there == len(variables) - 1:
            # tf.keras does not have the learning rate among them.
            variables = [v for v in variables if v is not obj._rate]
        if there != len(variables):
            raise h5.FileError(
                f"{self.file_name}: {_label(obj)} has {len(variables)} weight(s), but the file "
                f"has {there} at {place}. Is it of another model?"
            )
        return [_assignment(v, group, str(i), place) for i, v in enumerate(variables)]

    def optimizer(self, optimizer: Optimizer, model: Any, file: h5.Reader, place: str) -> None:
        """The state of the optimizer. Weights without it are of use too: it may not fit."""
        count = len(file.find(place).names())  # type: ignore[union-attr]
        if not optimizer.built and count > len(optimizer.variables):
            optimizer.build(model.trained_variables())
        try:
            self.actions += self._actions(optimizer, file, place)
        except h5.FileError as error:
            warnings.warn(
                f"The state of the optimizer {optimizer.name} was not loaded: {error}",
                stacklevel=5,
            )


def _assignment(variable: Variable, group: Any, name: str, place: str) -> Callable[[], None]:
    """Checks now, reads later: no more than one array is held besides the model's."""
    stored = group.planned(name, f"{variable.path} at {place}")
    if stored.shape != variable.shape:
        raise h5.FileError(
            f"{group.file_name}: the weight {variable.path} has shape {variable.shape}, but the "
            f"file has {stored.shape} at {place}/{name}."
        )
    return lambda: variable.adopt(stored.read())


def _label(obj: Any) -> str:
    kind = "optimizer" if isinstance(obj, Optimizer) else "layer"
    return f"{kind} {obj.name} ({type(obj).__name__})"


def _check_rest(model: Any, file: h5.Reader, taken: set[str]) -> None:
    """Weights in the file that the model has no place for are a sign of another model."""
    waiting = [(file, "")]
    while waiting:
        group, path = waiting.pop()
        for name in group.names():
            place = f"{path}/{name}" if path else name
            inner = group.find(name)
            if inner is None or name in _STATES or place == "metrics":
                continue
            if name == "vars" and place not in taken and inner.names():
                raise h5.FileError(
                    f"{file.file_name}: the file has weights at {place}, for which the model "
                    f"{model.name} has no place. Is it of another model?"
                )
            waiting.append((inner, place))
