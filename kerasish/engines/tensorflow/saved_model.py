"""SavedModels as functions without state: their variables come in, new values come out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.engines.tensorflow.library import tf
from kerasish.graph import dtypes


@dataclass(frozen=True)
class Slot:
    """A variable of a SavedModel: what it is called, its value in the file, whether it trains."""

    name: str
    value: np.ndarray
    trainable: bool


class SavedModel:
    """Some endpoints of a SavedModel.

    Args:
        path: the directory.
        endpoints: their names: attributes of what was saved, or signatures.

    Attributes:
        slots: the variables of the endpoints, those that train first.

    Raises:
        ValueError: there is no SavedModel, or it has no such endpoint.
    """

    def __init__(self, path: str, endpoints: Sequence[str]):
        if not any((Path(path) / f"saved_model.{end}").is_file() for end in ("pb", "pbtxt")):
            raise ValueError(f"{path} is no SavedModel: a directory with the file saved_model.pb.")
        # Kept: endpoints hold no references to its variables.
        self._loaded = tf.saved_model.load(path)
        self._endpoints = {name: self._endpoint(path, name) for name in endpoints}
        found = {
            id(v): v
            for name in endpoints
            for v in _variables(self._endpoints[name])
            if v.dtype.name in dtypes.ALL
        }
        self._variables = sorted(found.values(), key=lambda v: not v.trainable)
        self.slots = [
            Slot(name, np.asarray(v), v.trainable)
            for name, v in zip(_names(self._variables), self._variables, strict=True)
        ]

    def _endpoint(self, path: str, name: str) -> Any:
        signatures = getattr(self._loaded, "signatures", {})
        found = getattr(self._loaded, name, None)
        if hasattr(found, "concrete_functions"):
            return found
        if name in signatures:
            return signatures[name]
        others = [n for n, v in vars(self._loaded).items() if hasattr(v, "concrete_functions")]
        known = sorted({*others, *signatures})
        raise ValueError(f"The SavedModel {path} has no endpoint {name!r}; it has {known}.")

    def changed(self, name: str) -> list[int]:
        """The positions among `slots` of the variables that an endpoint may change."""
        if not any(_assigns(c) for c in _concrete(self._endpoints[name])):
            return []
        return [i for i, v in enumerate(self._variables) if not v.trainable]

    def function(self, name: str) -> Callable[[Any, list[Any]], tuple[Any, list[Any]]]:
        """The endpoint as a function of inputs and variables.

        Returns:
            A function that returns the endpoint's outputs, and the new values of the variables
            that it may change.
        """
        endpoint, variables, changed = self._endpoints[name], self._variables, self.changed(name)
        trained = [v for v in variables if v.trainable]

        def run(inputs: Any, values: list[Any]) -> tuple[Any, list[Any]]:
            flat = tree.flatten(inputs)
            structure: list[Any] = []

            @tf.custom_gradient
            def stateless(*arguments: Any) -> Any:
                xs = arguments[: len(flat)]
                for variable, value in zip(variables, arguments[len(flat) :], strict=True):
                    variable.assign(value)
                sources = [x for x in xs if x.dtype.is_floating] + trained
                with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                    tape.watch(sources)
                    outputs = _called(endpoint, tree.pack(inputs, list(xs)))
                ys = tree.flatten(outputs)
                structure[:] = [outputs]
                states = [variables[i].read_value() for i in changed]

                def gradient(*gs: Any, variables: Any = None) -> Any:
                    grads = _gradients(tape, ys, sources, gs)
                    both = [*xs, *self._variables]
                    result = [grads.get(id(x)) for x in both]
                    return result if variables is None else (result, [None] * len(variables))

                return (*ys, *states), gradient

            results = list(stateless(*flat, *values))
            count = len(results) - len(changed)
            return tree.pack(structure[0], results[:count]), results[count:]

        run.__name__ = name
        return run


def _gradients(tape: Any, ys: list[Any], sources: list[Any], gs: Sequence[Any]) -> dict[int, Any]:
    """Source -> its gradient, by the sources' identities."""
    pairs = [(y, g) for y, g in zip(ys, gs, strict=False) if y.dtype.is_floating]
    if not pairs:
        return {}
    targets, given = zip(*pairs, strict=True)
    grads = tape.gradient(list(targets), sources, list(given))
    return {id(x): g for x, g in zip(sources, grads, strict=True) if g is not None}


def _called(endpoint: Any, inputs: Any) -> Any:
    """What an endpoint returns. A signature takes its tensors by name, one alone without."""
    names = getattr(endpoint, "structured_input_signature", None)
    if names is None or names[0]:
        return endpoint(inputs)
    if isinstance(inputs, dict):
        return endpoint(**inputs)
    values = tree.flatten(inputs)
    return endpoint(**dict(zip(names[1], values, strict=True)))


def _concrete(endpoint: Any) -> list[Any]:
    """The graphs behind an endpoint; a signature is one."""
    return list(getattr(endpoint, "concrete_functions", [endpoint]))


def _names(variables: Sequence[Any]) -> list[str]:
    """Names for them, no two alike."""
    names: list[str] = []
    for variable in variables:
        name = variable.name.partition(":")[0].replace("/", "_")
        names.append(f"{name}_{len(names)}" if name in names else name)
    return names


def _variables(endpoint: Any) -> list[Any]:
    return [v for concrete in _concrete(endpoint) for v in concrete.graph.variables]


def _assigns(concrete: Any) -> bool:
    definition = concrete.graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    return any("Assign" in n.op or n.op.startswith("ResourceScatter") for n in nodes)
