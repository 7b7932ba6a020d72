"""Models as plain data and back: the configs of Keras 3, and reading those of Keras 2."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from kerasish import ops, tree
from kerasish.graph.tensor import Tensor
from kerasish.layers import registry as layer_registry
from kerasish.layers.base import Layer, mask_of
from kerasish.layers.input import InputLayer
from kerasish.models.functional import LayerGraph, given_arguments
from kerasish.models.operation import OperationLayer
from kerasish.saving.hooks import Storable, overrides
from kerasish.saving.serialization import (
    CustomObjectScope,
    deserialize_keras_object,
    serialize_keras_object,
)

# Where a tensor comes from: the name of a layer, which of its calls, which of its outputs.
Place = tuple[str, int, int]


def takes(cls: type, *names: str) -> bool:
    """Whether `__init__` of a class of models takes these arguments.

    A user's class may make its layers itself. Its config is then that of a plain layer.
    """
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    anything = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    return anything or all(name in parameters for name in names)


# --- to data -----------------------------------------------------------------------------


def functional_config(model: Any) -> dict[str, Any]:
    """The layers of a functional model and how they are connected."""
    found = connections(model._graph)
    inner = {layer.name for layer in model._graph.layers if _is_functional(layer)}
    found["output_layers"] = _shifted(found["output_layers"], inner, 1)
    layers = zip(model._graph.layers, found["layers"], strict=True)
    return {
        "name": model.name,
        "trainable": model._trainable,
        **found,
        "layers": [layer_entry(layer) | nodes for layer, nodes in layers],
    }


def connections(graph: LayerGraph) -> dict[str, Any]:
    """The calls of each layer, by name, and where the inputs and outputs are."""

    def place(x: Tensor) -> list[Any]:
        layer, node, index = graph.origin(x)
        return [layer.name, node, index]

    def entry(layer: Layer) -> dict[str, Any]:
        nodes = [_node_config(call, place) for call in graph.calls if call.layer is layer]
        return {"name": layer.name, "inbound_nodes": nodes}

    return {
        "layers": [entry(layer) for layer in graph.layers],
        "input_layers": tree.map_structure(place, graph.inputs),
        "output_layers": tree.map_structure(place, graph.outputs),
    }


def connected(layers: list[Layer], found: Mapping[str, Any]) -> LayerGraph:
    """The graph of layers that `connections` describes."""
    by_name = {layer.name: layer for layer in layers}
    results = _Replay(found["layers"], by_name, found["output_layers"]).run()
    ends = (_at_places(found[key], results) for key in ("input_layers", "output_layers"))
    graph = LayerGraph(*ends)
    graph.arrange([layer.name for layer in layers])
    return graph


def layer_entry(layer: Layer) -> dict[str, Any]:
    """A layer of a model: its class, its config, and the shape that it was built for."""
    if isinstance(layer, OperationLayer):
        return {
            "module": "kerasish.models",
            "class_name": "OperationLayer",
            "config": layer.get_config(),
            "registered_name": None,
        }
    entry = serialize_keras_object(layer)
    if overrides(layer, "get_build_config"):
        entry["build_config"] = layer.get_build_config()
    elif layer.weights and layer._calls and layer._calls[0].args:
        entry["build_config"] = Storable.get_build_config(layer)
    if getattr(layer, "compiled", False):  # a model within, which was trained by itself
        compiled = layer.get_compile_config()
        if compiled is not None:
            entry["compile_config"] = compiled
    return entry


def _node_config(call: Any, place: Callable[[Tensor], list[Any]]) -> dict[str, Any]:
    def plain(x: Any) -> Any:
        if not isinstance(x, Tensor) or not x.is_symbolic:
            return serialize_keras_object(x)
        history = {"shape": list(x.shape), "dtype": x.dtype, "keras_history": place(x)}
        return {"class_name": "__keras_tensor__", "config": history}

    return {
        "args": tree.map_structure(plain, list(call.args)),
        "kwargs": {k: tree.map_structure(plain, v) for k, v in given_arguments(call).items()},
    }


def sequential_config(model: Any) -> dict[str, Any]:
    """The layers of a Sequential, and the shape of its input where that is known."""
    graph: LayerGraph | None = model._graph
    layers = [*(graph.layers[:1] if graph else ()), *model.layers]
    config = {
        "name": model.name,
        "trainable": model._trainable,
        "layers": [layer_entry(layer) for layer in layers],
    }
    if graph:
        config["build_input_shape"] = list(graph.flat_inputs[0].shape)
    return config


# --- from data ---------------------------------------------------------------------------


def sequential_from_config(cls: type, config: Any, custom_objects: Any = None) -> Any:
    """A Sequential from the config of Keras 3, Keras 2, or Keras 1 (a list of layers)."""
    if not isinstance(config, Mapping):
        config = {"layers": config}
    with CustomObjectScope(custom_objects):
        layers = [_layer(entry) for entry in config["layers"]]
    model = cls(layers, name=config.get("name"), trainable=config.get("trainable", True))
    shape = config.get("build_input_shape")
    if not model.built and model.layers and shape is not None:
        model.build(tuple(shape))
    return model


def functional_from_config(cls: type, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
    """A functional model from the config of Keras 3, 2 or 1.

    Raises:
        ValueError: a class that isn't known, or a connection to a layer that isn't there.
    """
    with CustomObjectScope(custom_objects):
        layers = {entry["name"]: _layer(entry) for entry in config["layers"]}
        results = _Replay(config["layers"], layers, config["output_layers"]).run()
    # Keras 2 always has lists here, of one for a model with one input.
    unpack = any(isinstance(node, list) for e in config["layers"] for node in e["inbound_nodes"])
    inner = set() if unpack else {name for name, x in layers.items() if _is_functional(x)}

    def ends(places: Any) -> Any:
        found = _at_places(_shifted(places, inner, -1), results)
        return found[0] if unpack and isinstance(found, list) and len(found) == 1 else found

    model = cls(
        inputs=ends(config["input_layers"]),
        outputs=ends(config["output_layers"]),
        name=config.get("name"),
        trainable=config.get("trainable", True),
    )
    model._graph.arrange([entry["name"] for entry in config["layers"]])
    return model


def _is_functional(layer: Any) -> bool:
    """Whether it is a model that keeps the graph of its layers as such: no Sequential."""
    from kerasish.models.sequential import Sequential  # which needs this module itself

    graph = getattr(layer, "_graph", None)
    return isinstance(graph, LayerGraph) and not isinstance(layer, Sequential)


def _shifted(places: Any, names: Collection[str], by: int) -> Any:
    """The places of outputs; those in the layers of some names one call further, or back.

    Among the outputs, and only there, Keras 3 counts the making of a functional model as its
    first call. (Files of the first releases of kerasish have 0 there.)
    """
    if _is_place(places):
        name, node, index = places
        return [name, max(node + by, 0) if name in names else node, index]
    if isinstance(places, Mapping):
        return {key: _shifted(value, names, by) for key, value in places.items()}
    return [_shifted(item, names, by) for item in places]


def _layer(entry: Mapping[str, Any]) -> Any:
    """The layer of an entry, or the function of an operation that Keras 3 has there."""
    module = entry.get("module") or ""
    if entry["class_name"] == "OperationLayer" and module == "kerasish.models":
        return OperationLayer.from_config(entry["config"])
    if module.startswith("keras.src.ops"):
        return _keras_operation(entry)
    if not module and layer_registry.built_in(entry["class_name"]) is not None:
        # Keras 2 doesn't say it; there is an initializer called Identity too.
        entry = {**entry, "module": "keras.layers"}
    layer = deserialize_keras_object(entry)
    if overrides(layer, "build_from_config") and entry.get("build_config"):
        layer.build_from_config(entry["build_config"])
        layer.built = True
    if entry.get("compile_config") and hasattr(layer, "compile_from_config"):
        layer.compile_from_config(entry["compile_config"])
    return layer


# Keras's classes of operations whose functions have longer names.
_OTHERWISE_CALLED = {
    "BatchNorm": "BatchNormalization",
    "LayerNorm": "LayerNormalization",
    "RMSNorm": "RMSNormalization",
}


def _keras_operation(entry: Mapping[str, Any]) -> Callable[..., Any]:
    """The function of `ops` that is called like an operation of Keras 3."""
    name = _OTHERWISE_CALLED.get(entry["class_name"], entry["class_name"]).lower()
    alike = (
        getattr(module, key)
        for module in (ops, ops.image)
        for key in dir(module)
        if key.replace("_", "") == name and not key.startswith("_")
    )
    function = next(filter(inspect.isfunction, alike), None)
    if function is None or not f"{function.__module__}.".startswith("kerasish.ops."):
        raise ValueError(
            f"The model contains the operation {entry['class_name']} of Keras, which has no "
            "counterpart in ops."
        )
    known = inspect.signature(function).parameters
    apart = {"name"} if "dtype" in known else {"name", "dtype"}  # what `cast` casts to stays
    given = {
        key: value
        for key, value in entry.get("config", {}).items()
        if key not in apart and (key in known or value)
    }
    if function is ops.get_item:  # places along several axes are a tuple, which JSON has not got
        return lambda x, key: ops.get_item(x, tuple(key) if isinstance(key, list) else key)
    return functools.partial(function, **given)


class _Replay:
    """Calls layers on each other's outputs as the nodes of a config say.

    Args:
        entries: the layers of the config.
        layers: name -> layer.
        outputs: the places of the outputs of the model.
    """

    def __init__(self, entries: list[Any], layers: dict[str, Any], outputs: Any):
        self.layers = layers
        nodes = [node for entry in entries for node in entry.get("inbound_nodes", ())]
        # In Keras 2 the making of a model counts as its first call; not so that of each
        # Sequential. All calls are used, so the first number tells.
        self.first: dict[str, int] = {}
        if any(isinstance(node, list) for node in nodes):
            for name, index, *_ in _places_in([*nodes, outputs]):
                if isinstance(getattr(layers.get(name), "layers", None), list):
                    self.first[name] = min(self.first.get(name, index), index)
        self.results: dict[tuple[str, int], list[Any]] = {
            (name, 0): [layer.output]
            for name, layer in layers.items()
            if isinstance(layer, InputLayer)
        }
        self.waiting = [
            (entry["name"], index, node)
            for entry in entries
            for index, node in enumerate(entry.get("inbound_nodes", ()))
        ]

    def run(self) -> dict[tuple[str, int], list[Any]]:
        """(layer, call) -> outputs. Shared layers make no order of the entries the right one."""
        while self.waiting:
            blocked = [item for item in self.waiting if not self._call(*item)]
            if len(blocked) == len(self.waiting):
                raise ValueError(self._problem())
            self.waiting = blocked
        return self.results

    def _problem(self) -> str:
        """Why none of the calls that are left can be made."""
        coming = {(name, index + self.first.get(name, 0)) for name, index, _ in self.waiting}
        for name, _, node in self.waiting:
            for place in _places_in(node):
                if tuple(place[:2]) not in self.results.keys() | coming:
                    return (
                        f"The config connects layer {name!r} to the output of {place[0]!r} "
                        f"(call {place[1]}), which is not there."
                    )
        return f"The config connects these layers in a circle: {sorted({n for n, _ in coming})}."

    def _call(self, name: str, index: int, node: Any) -> bool:
        """Makes one call if all its inputs are there."""
        if any(tuple(place[:2]) not in self.results for place in _places_in(node)):
            return False
        read = _arguments if isinstance(node, Mapping) else _old_arguments
        args, kwargs = read(node, self.results)
        layer = self.layers[name]
        outputs = layer(*args, **_still_needed(args, kwargs))
        self.results[name, index + self.first.get(name, 0)] = tree.flatten(outputs)
        return True


def _still_needed(args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Without the masks that Keras 3 writes down, where layers find them on their inputs."""
    masked = any(mask_of(x) is not None for x in tree.flatten(args))
    found = {"mask", "query_mask", "value_mask", "key_mask"} if masked else set()
    return {k: v for k, v in kwargs.items() if v is not None and k not in found}


def _is_place(value: Any) -> bool:
    """[layer, call, output], in Keras 2 with keyword arguments of the call behind."""
    return (
        isinstance(value, (list, tuple))
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(type(i) is int for i in value[1:3])
    )


def _places_in(node: Any) -> Iterator[Any]:
    """The places that a node of any generation refers to."""
    if _is_place(node):
        yield node
        node = node[3] if len(node) == 4 else None
    if isinstance(node, Mapping):
        if node.get("class_name") == "__keras_tensor__":
            yield node["config"]["keras_history"]
            return
        node = list(node.values())
    for item in node if isinstance(node, (list, tuple)) else ():
        yield from _places_in(item)


def _at_places(places: Any, results: Mapping[tuple[str, int], list[Any]]) -> Any:
    """A structure with its places replaced by the tensors there."""
    if _is_place(places):
        found = results.get((places[0], places[1]))
        if found is None or places[2] >= len(found):
            raise ValueError(f"The config names output {list(places)}, which is not there.")
        return found[places[2]]
    if isinstance(places, Mapping):
        return {key: _at_places(value, results) for key, value in places.items()}
    if isinstance(places, (list, tuple)):
        return [_at_places(item, results) for item in places]
    return places


def _arguments(node: Mapping[str, Any], results: Any) -> tuple[list[Any], dict[str, Any]]:
    """Keras 3: {"args": [...], "kwargs": {...}} with {"class_name": "__keras_tensor__"}."""

    def revived(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [revived(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if value.get("class_name") == "__keras_tensor__":
            return _at_places(value["config"]["keras_history"], results)
        if "class_name" in value and "config" in value:
            return deserialize_keras_object(value)
        return {key: revived(item) for key, item in value.items()}

    return revived(node["args"]), revived(node["kwargs"])


def _old_arguments(node: Any, results: Any) -> tuple[list[Any], dict[str, Any]]:
    """Keras 2: [[layer, call, output, kwargs], ...], or just one of these."""
    first = node if _is_place(node) else node[0]
    inputs = _at_places(node, results)
    if isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]
    kwargs = first[3] if len(first) == 4 else {}
    return [inputs], {key: _at_places(value, results) for key, value in kwargs.items()}
