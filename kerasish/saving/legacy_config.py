"""Configs in the form of Keras 2: classes without modules, connections as lists."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from kerasish.saving import generations, keras1, origins
from kerasish.saving.serialization import custom_of, parameters_of

# Initializers that Keras 2 has only as functions: scale, mode, distribution.
_SCALINGS = {
    "GlorotUniform": (1.0, "fan_avg", "uniform"),
    "GlorotNormal": (1.0, "fan_avg", "normal"),
    "HeUniform": (2.0, "fan_in", "uniform"),
    "HeNormal": (2.0, "fan_in", "normal"),
    "LecunUniform": (1.0, "fan_in", "uniform"),
    "LecunNormal": (1.0, "fan_in", "normal"),
}
_DISTRIBUTIONS = {"truncated_normal": "normal", "untruncated_normal": "normal"}
# Entries that Keras 2 does not know, by the values with which they mean what it does anyway.
_NEWER = {
    "autocast": (True,),
    "dilation_rate": (1, [1], [1, 1], (1, 1)),
    "flash_attention": (None,),
    "groups": (1,),
    "keepdims": (False,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "renorm_momentum": (0.99,),
    "seed": (None,),
    "sliding_window": (None,),
    "synchronized": (False,),
    "use_cudnn": ("auto",),
    "use_gate": (False,),
    "zero_output_for_mask": (False,),
}
_KNOWN_HERE = {
    "seed": ("Dropout", "AlphaDropout"),
    "dilation_rate": ("Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D"),
}
_ABSENT = {("ZeroPadding1D", "data_format"): "channels_last"}
_RENAMED = {
    ("LeakyReLU", "negative_slope"): "alpha",
    ("InputLayer", "batch_shape"): "batch_input_shape",
}

_SEEDLESS = (
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
)


# What tf.keras remembers of the inputs of MultiHeadAttention.
_MEMORIZED = ("query_shape", "key_shape", "value_shape")
# What Lambda takes functions for.
_FUNCTIONS = ("function", "output_shape")
# What CuDNN's layers leave no choice of.
_CUDNN_FIXED = {"activation", "recurrent_activation", "use_bias", "dropout", "recurrent_dropout"}
_CUDNN_FIXED |= {"reset_after", "unroll", "implementation"}


def model_config(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a model, from that of Keras 3.

    Args:
        entry: {"module", "class_name", "config", ...}.

    Raises:
        ValueError: the model has something that Keras 2 has not.
    """
    return _layer(entry)


def _layer(entry: Mapping[str, Any]) -> dict[str, Any]:
    name, config = entry["class_name"], entry["config"]
    if name == "OperationLayer":
        raise ValueError(
            f"The operation {config['name']} between layers has no place in the files of Keras 2. "
            "Save the model as .keras, or use a layer such as Add, Multiply or Lambda for it."
        )
    if "input_layers" in config:
        return {"class_name": "Model" if name == "Functional" else name, "config": _graph(config)}
    if "layers" in config and entry.get("module") == "keras":
        layers = [_layer(inner) for inner in config["layers"]]
        return {"class_name": name, "config": {**_plain(name, config), "layers": layers}}
    return {"class_name": name, "config": _translated(entry)}


def _translated(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The config of an object; of a class of the program's own it stays as that wrote it."""
    if entry.get("registered_name") is not None:
        return {key: _value(value) for key, value in entry["config"].items()}
    return _plain(entry["class_name"], entry["config"])


def _bidirectional(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the wrapper makes itself of the layer in it is left out: Keras 2.3 knows no more."""
    there, back = ({**config[key]["config"]} for key in ("layer", "backward_layer"))
    turned = there.pop("go_backwards") != back.pop("go_backwards")
    there.pop("name"), back.pop("name")
    found = {key: value for key, value in config.items() if key != "backward_layer"}
    if not turned or there != back:
        found["backward_layer"] = config["backward_layer"]
    if there.get("zero_output_for_mask") == there.get("return_sequences"):
        inner = {k: v for k, v in config["layer"]["config"].items() if k != "zero_output_for_mask"}
        found["layer"] = {**config["layer"], "config": inner}
    return found


def _plain(layer: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config of one layer."""
    if layer == "Bidirectional" and config.get("backward_layer"):
        config = _bidirectional(config)
    result = {}
    for key, value in config.items():
        same = value in _NEWER.get(key, ()) and layer not in _KNOWN_HERE.get(key, ())
        same |= value == _ABSENT.get((layer, key), _ABSENT)
        seedless = key == "seed" and layer in _SEEDLESS
        fixed = layer.startswith("CuDNN") and key in _CUDNN_FIXED
        fixed |= key == "build_input_shape" or (key == "layers" and layer != "Pipeline")
        if not (same or seedless or fixed):
            result[_RENAMED.get((layer, key), key)] = _value(value)
    if layer == "InputLayer":
        result["sparse"] = False
    if layer == "Lambda":
        for key in _FUNCTIONS:
            result[key], result[f"{key}_type"] = _function(result.get(key), config.get(key))
    if layer == "MultiHeadAttention":  # tf.keras needs them, and finds them out by itself if None
        result |= dict.fromkeys(_MEMORIZED)
    return result


def _function(plain: Any, value: Any) -> tuple[Any, str]:
    """An argument of Lambda that may be a function as Keras 2 has it, and what it writes beside."""
    kind = value.get("class_name") if isinstance(value, Mapping) else None
    if kind == "__lambda__":
        return value["config"]["value"], "lambda"
    return plain, "function" if kind == "function" else "raw"


def _value(value: Any) -> Any:
    """What is inside of a config: objects without their modules, functions by their names."""
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value or "config" not in value:
        return {key: _value(item) for key, item in value.items()}
    name, config = value["class_name"], value["config"]
    if name == "function":
        return config
    if name == "__lambda__":
        return dict(value)
    if "input_layers" in config or "layers" in config or "units" in config:
        return _layer(value)
    if name in _SCALINGS:
        scale, mode, distribution = _SCALINGS[name]
        return {
            "class_name": "VarianceScaling",
            "config": {
                "scale": scale,
                "mode": mode,
                "distribution": distribution,
                "seed": config.get("seed"),
            },
        }
    if name == "VarianceScaling":
        kind = config["distribution"]
        known = {key: config[key] for key in ("scale", "mode", "seed") if key in config}
        config = {**known, "distribution": _DISTRIBUTIONS.get(kind, kind)}
    if name in ("L1", "L2"):
        name, config = "L1L2", {"l1": 0.0, "l2": 0.0, **config}
    if isinstance(config, Mapping):
        config = _translated({**value, "class_name": name, "config": config})
    return {"class_name": name, "config": config}


# --- reading -----------------------------------------------------------------------------

# tf.keras gives these to layers that have them for each of their kernels.
_UNUSED = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
_USUALLY_1 = ("groups", "implementation")


def readable(config: Any, version: Any = None, backend: Any = None) -> Any:
    """A config of any Keras in today's words.

    Entries of layers go that are unknown here and ask for nothing.

    Args:
        config: plain data.
        version: of the Keras that wrote it, if its file says so.
        backend: the engine that it ran on, likewise.
    """
    version = generations.version_of(config, version)
    if backend is None and isinstance(config, Mapping):
        backend = config.get("backend")
    found = generations.understood(config, version)
    found = _readable(keras1.with_orderings(found))
    engine = origins.engine_of(version, backend)
    if engine == origins.THEANO:
        return origins.with_padding(found)
    if engine is None and version.startswith("1"):
        origins.warn_of_padding(found)
    return found


def _readable(config: Any) -> Any:
    from kerasish.layers import registry

    if isinstance(config, list):
        return [_readable(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    if keras1.is_merging(config):
        config = keras1.as_graph(config)
    found = {key: _readable(value) for key, value in config.items()}
    name, inner = found.get("class_name"), found.get("config")
    if isinstance(name, str) and custom_of(found) is not None:
        return found  # whatever a class of the user's own is called, its words are its own
    if isinstance(name, str) and isinstance(inner, dict) and _is_of_keras1(found, inner):
        name, inner = keras1.layer_in_words_of_keras2(name, inner)
        found |= {"class_name": name, "config": inner}
    if name == "Sequential" and isinstance(inner, list) and "name" in found:
        found["config"] = {"name": found["name"], "layers": inner}  # of Keras 1, within a model
    if name in ("GRU", "GRUCell") and "module" not in found and isinstance(inner, dict):
        inner.setdefault("reset_after", False)  # the only way there was, before Keras 2.1.4
    if name == "ThresholdedReLU" and isinstance(inner, dict):  # of Keras 1 and 2
        inner = {("threshold" if k == "theta" else k): v for k, v in inner.items()}
        name, found["class_name"], found["config"] = "ReLU", "ReLU", inner
    layer = registry.built_in(name) if isinstance(name, str) else None
    if layer is None or not isinstance(inner, dict) or not _is_old(found):
        return found
    known = parameters_of(layer)

    def idle(key: str, value: Any) -> bool:
        asks_nothing = value is None or value is False or (key in _USUALLY_1 and value == 1)
        unused = key in _UNUSED and "depthwise" in str(known)
        return asks_nothing or unused or (key in _MEMORIZED and name == "MultiHeadAttention")

    found["config"] = {
        key: value for key, value in inner.items() if key in known or not idle(key, value)
    }
    return found


def _is_of_keras1(entry: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    if "module" in entry:
        return False
    if entry["class_name"] == "Merge":
        return True
    return "layers" not in config and keras1.is_of_keras1(config)


def _is_old(entry: Mapping[str, Any]) -> bool:
    return not (entry.get("module") or "").startswith("keras.src")


# --- connections -------------------------------------------------------------------------


def _graph(config: Mapping[str, Any]) -> dict[str, Any]:
    models = {entry["name"] for entry in config["layers"] if _is_model(entry)}
    layers = []
    for entry in config["layers"]:
        nodes = [_node(node, entry["name"]) for node in entry["inbound_nodes"]]
        layers.append(_layer(entry) | {"name": entry["name"], "inbound_nodes": nodes})
    found = {
        "name": config["name"],
        "trainable": config.get("trainable", True),
        "layers": layers,
        "input_layers": _ends(config["input_layers"]),
        "output_layers": _ends(config["output_layers"]),
    }
    for place in _all_places(found):
        if place[0] in models:
            place[1] += 1  # in Keras 2 the making of a model counts as its first call
    counted = {entry["name"] for entry in config["layers"] if "output_layers" in entry["config"]}
    for place in _places_in(found["output_layers"]):
        place[1] -= place[0] in counted  # as it does there in Keras 3 already
    return found


def _all_places(graph: dict[str, Any]) -> Iterator[list[Any]]:
    yield from _places_in(graph["input_layers"])
    yield from _places_in(graph["output_layers"])
    for entry in graph["layers"]:
        for node in entry["inbound_nodes"]:
            for place in node:
                yield place
                yield from (x for x in place[3].values() if _is_place(x))


def _places_in(nested: Any) -> Iterator[list[Any]]:
    if _is_place(nested):
        yield nested
        return
    for inner in nested.values() if isinstance(nested, Mapping) else nested:
        yield from _places_in(inner)


def _is_place(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)


def _ends(places: Any) -> Any:
    """In lists and dicts as the model has them, but Keras 2 has a list also for a single one."""
    return [list(places)] if _is_place(places) else copy.deepcopy(places)


def _node(node: Mapping[str, Any], layer: str) -> list[Any]:
    """[[layer, call, output, keyword arguments], ...] for the tensors of the first argument."""
    first, *others = node["args"]
    if others:
        raise ValueError(
            f"Layer {layer} is called with more than one positional argument, for which the files "
            "of Keras 2 have no form. Save the model as .keras."
        )
    given = dict(node["kwargs"])
    tensors = list(first) if isinstance(first, list) else [first]
    # Keras 2 has the states that a recurrent layer starts with behind its input.
    states = given.pop("initial_state", None) or []
    tensors += states if isinstance(states, list) else [states]
    kwargs = {key: _argument(value) for key, value in given.items()}
    places = [_place(item, layer) for item in tensors]
    return [[*place, kwargs if i == 0 else {}] for i, place in enumerate(places)]


def _argument(value: Any) -> Any:
    if isinstance(value, list):
        return [_argument(item) for item in value]
    return list(_place(value, "")) if _is_tensor(value) else value


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__"


def _place(value: Any, layer: str) -> list[Any]:
    if not _is_tensor(value):
        raise ValueError(
            f"Layer {layer} is called with {value!r:.60}, for which the files of Keras 2 have no "
            "form. Save the model as .keras."
        )
    return list(value["config"]["keras_history"])


def _is_model(entry: Mapping[str, Any]) -> bool:
    """Whether a layer is a model; a layer of the program's own may have `layers` as well."""
    config = entry["config"]
    sequential = entry["class_name"] == "Sequential" and "layers" in config
    return sequential or "input_layers" in config
