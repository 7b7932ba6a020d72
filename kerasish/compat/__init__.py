"""Older Keras's argument names and orders, translated in one place."""

from kerasish.compat.layers import (
    FirstLayer,
    add_weight_arguments,
    first_layer_arguments,
    layer_config,
    older_names,
)
from kerasish.compat.training import (
    GeneratorMethods,
    compile_arguments,
    data_arguments,
    fit_arguments,
    metrics_arguments,
)

__all__ = [
    "FirstLayer",
    "GeneratorMethods",
    "add_weight_arguments",
    "compile_arguments",
    "data_arguments",
    "first_layer_arguments",
    "fit_arguments",
    "layer_config",
    "metrics_arguments",
    "older_names",
]
