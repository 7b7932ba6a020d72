"""Configs of Keras 1 in the words of Keras 2.

What merely has another name in one layer is known to that layer (`compat.older_names`). Here is
the rest: layers that went into others, several entries that became one, nested objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_RENAMED = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",
}
_KERNELS = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
_PREFIXED = {"SeparableConv2D": ("depthwise_", "pointwise_"), "Embedding": ("embeddings_",)}
_MERGES = {
    "ave": "Average",
    "concat": "Concatenate",
    "cos": "Dot",
    "dot": "Dot",
    "max": "Maximum",
    "mul": "Multiply",
    "sum": "Add",
}
# Entries that say how to compute, not what; or what later Kerases find out by themselves.
_DROPPED = ("consume_less", "input_dtype", "input_length")
_MODES = {1: "each sample", 2: "each batch"}
_CONSTRAINTS = {"MaxNorm": "MaxNorm", "NonNeg": "NonNeg", "UnitNorm": "UnitNorm"}


def is_of_keras1(config: Mapping[str, Any]) -> bool:
    """Whether the config of a layer has a word that only Keras 1 uses."""
    return not _MARKS.isdisjoint(config)


_MARKS = {"W_regularizer", "init", "nb_filter", "output_dim", "p", "sigma", "border_mode"}
_MARKS |= {"concat_axis", "consume_less", "dim_ordering", "input_dtype", "length", "mode"}


def layer_in_words_of_keras2(name: str, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and config of one layer, whose layers within are done already.

    Args:
        name: of the class in Keras 1.
        config: as it stands in the file.

    Raises:
        ValueError: the layer did what no layer of later Kerases does.
    """
    label = f"Layer {config.get('name')!r} of Keras 1"
    if name == "Merge":
        return _merge(config, label)
    name = _RENAMED.get(name, name)
    found = {key: _object(value) for key, value in config.items() if key not in _DROPPED}
    if name == "InputLayer" and config.get("input_dtype"):
        found["dtype"] = config["input_dtype"]
    if not name.endswith("Embedding"):
        found.pop("input_dim", None)  # beside batch_input_shape, or of no effect
    for keys in _KERNELS:
        if all(key in found for key in keys):
            found["kernel_size"] = [found.pop(key) for key in keys]
    if "bias" in found:
        found["use_bias"] = found.pop("bias")
    _forget_bias(found)
    if name == "BatchNormalization" and (mode := found.pop("mode", 0)):
        raise ValueError(
            f"{label} normalizes in mode {mode}, by the statistics of {_MODES.get(mode)} also in "
            "predict, which no layer does any more. Make the model anew with a layer of your own "
            "in this place, and call load_weights."
        )
    if name == "Conv2DTranspose":
        found.pop("output_shape", None)
    if name == "UpSampling1D" and "length" in found:
        found["size"] = found.pop("length")
    if name == "PReLU" and "init" in found:
        found["alpha_initializer"] = found.pop("init")
    if name == "Embedding" and found.pop("dropout", 0):
        raise ValueError(f"{label}: the dropout of Embedding became a layer, SpatialDropout1D.")
    for prefix in _PREFIXED.get(name, ()):
        _prefixed(found, prefix)
    return name, found


def _forget_bias(config: dict[str, Any]) -> None:
    given = config.pop("forget_bias_init", None)
    if given is not None:
        config["unit_forget_bias"] = given in ("one", "ones")


def _prefixed(config: dict[str, Any], prefix: str) -> None:
    """`init` as `embeddings_initializer` ..., for layers with other weights than a kernel."""
    for old, new in (("init", "initializer"), ("W_regularizer", "regularizer")):
        if old in config:
            config[prefix + new] = config[old] if prefix == "depthwise_" else config.pop(old)
    if "W_constraint" in config:
        config[f"{prefix}constraint"] = config.pop("W_constraint")


def _object(value: Any) -> Any:
    """A regularizer or constraint: {"name": ..., and its arguments}."""
    if not isinstance(value, Mapping) or "class_name" in value or "name" not in value:
        return value
    name, arguments = value["name"], {k: v for k, v in value.items() if k != "name"}
    if name in _CONSTRAINTS:
        if "m" in arguments:
            arguments["max_value"] = arguments.pop("m")
        return {"class_name": _CONSTRAINTS[name], "config": arguments}
    if {"l1", "l2"} & arguments.keys():
        return {"class_name": "L1L2", "config": arguments}
    return value


def _merge(config: Mapping[str, Any], label: str) -> tuple[str, dict[str, Any]]:
    mode = config.get("mode")
    if mode not in _MERGES:
        raise ValueError(f"{label} merges by {mode!r}: make the model anew, and load_weights.")
    found: dict[str, Any] = {"name": config.get("name")}
    if mode == "concat":
        found["axis"] = config.get("concat_axis", -1)
    if mode in ("dot", "cos"):
        axes = config.get("dot_axes", -1)
        found |= {"axes": axes, "normalize": mode == "cos"}
    return _MERGES[mode], found


# --- whole models ------------------------------------------------------------------------

# What did not say which axis the channels are on.
_SILENT = ("Cropping2D", "Cropping3D", "ZeroPadding2D", "ZeroPadding3D")


def with_orderings(config: Any) -> Any:
    """A config whose silent layers have the channels where all others have them."""
    orderings = {entry["config"].get("dim_ordering") for entry in _layers(config)} - {None}
    if orderings == {"th"}:
        for entry in _layers(config):
            if entry["class_name"] in _SILENT and "data_format" not in entry["config"]:
                entry["config"]["dim_ordering"] = "th"
    return config


def _layers(value: Any) -> Iterator[dict[str, Any]]:
    """The entries of layers in a config, at any depth."""
    if isinstance(value, dict):
        if "class_name" in value and isinstance(value.get("config"), dict):
            yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _layers(item)


def is_merging(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is of a Sequential that begins with a Merge of models."""
    stack = entry.get("config")
    if entry.get("class_name") != "Sequential" or not isinstance(stack, list) or not stack:
        return False
    first = stack[0]
    return first["class_name"] == "Merge" and bool(first["config"].get("layers"))


def as_graph(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of such a Sequential as that of a Model, whose connections are spelled out."""
    graph = _Graph()
    end = graph.stack(entry["config"])
    name = entry.get("name", "sequential")
    config = {
        "name": name,
        "layers": graph.entries,
        "input_layers": graph.inputs,
        "output_layers": [end],
    }
    return {**entry, "class_name": "Model", "config": config}


class _Graph:
    """Collects layers and their connections in the form of a Model's config."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.inputs: list[Any] = []

    def stack(self, entries: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Adds the layers of a Sequential; returns the place of the last one's output."""
        first, *rest = entries
        if first["class_name"] == "Merge" and first["config"].get("layers"):
            config = dict(first["config"])
            places = [self._branch(branch) for branch in config.pop("layers")]
            end = self._add({**first, "config": config}, places)
        else:
            end = self._add(first, [self._input_of(first)])
        for entry in rest:
            end = self._add(entry, [end])
        return end

    def _branch(self, entry: Mapping[str, Any]) -> list[Any]:
        config = entry["config"]
        if entry["class_name"] == "Sequential":
            return self.stack(config)
        if "input_layers" not in config:
            return self.stack([entry])
        self.entries += config["layers"]
        self.inputs += config["input_layers"]
        return list(config["output_layers"][0])

    def _input_of(self, first: Mapping[str, Any]) -> list[Any]:
        """Adds the input that a first layer was told of."""
        config = first["config"]
        while isinstance(config, list):  # a Sequential within
            config = config[0]["config"]
        name = f"{config['name']}_input"
        described = {
            "name": name,
            "batch_input_shape": config["batch_input_shape"],
            "dtype": config.get("input_dtype", "float32"),
        }
        place = self._add({"class_name": "InputLayer", "config": described}, [])
        self.inputs.append(place)
        return place

    def _add(self, entry: Mapping[str, Any], places: list[list[Any]]) -> list[Any]:
        config = entry["config"]
        name = config["name"] if "name" in config else f"sequential_{len(self.entries)}"
        node = [[[*place, {}] for place in places]] if places else []
        self.entries.append({**entry, "name": name, "inbound_nodes": node})
        return [name, 0, 0]
