"""Configs of Keras 1 in the words of Keras 2.

What merely has another name in one layer is known to that layer (`compat.older_names`). Here is
the rest: layers that went into others, several entries that became one, nested objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RENAMED = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
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
    if name == "BatchNormalization" and found.pop("mode", 0) not in (0, 2):
        raise ValueError(f"{label}: batch normalization of mode 1 became LayerNormalization.")
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
    if mode not in _MERGES or "layers" in config:
        what = "models, as the first of a Sequential" if "layers" in config else f"by {mode!r}"
        raise ValueError(f"{label} merges {what}: make the model anew with Model and load_weights.")
    found: dict[str, Any] = {"name": config.get("name")}
    if mode == "concat":
        found["axis"] = config.get("concat_axis", -1)
    if mode in ("dot", "cos"):
        axes = config.get("dot_axes", -1)
        found |= {"axes": axes, "normalize": mode == "cos"}
    return _MERGES[mode], found
