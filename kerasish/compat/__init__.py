"""Older Keras's argument names and orders, and its modules, translated in one place.

Names are looked up when they are first used: `import kerasish` needs the table of modules only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasish.compat.layers import FirstLayer as FirstLayer
    from kerasish.compat.layers import add_weight_arguments as add_weight_arguments
    from kerasish.compat.layers import first_layer_arguments as first_layer_arguments
    from kerasish.compat.layers import layer_config as layer_config
    from kerasish.compat.layers import left_out as left_out
    from kerasish.compat.layers import older_names as older_names
    from kerasish.compat.layers import only as only
    from kerasish.compat.training import GeneratorMethods as GeneratorMethods
    from kerasish.compat.training import compile_arguments as compile_arguments
    from kerasish.compat.training import data_arguments as data_arguments
    from kerasish.compat.training import fit_arguments as fit_arguments
    from kerasish.compat.training import metrics_arguments as metrics_arguments

_NAMES = {
    "FirstLayer": "layers",
    "GeneratorMethods": "training",
    "add_weight_arguments": "layers",
    "compile_arguments": "training",
    "data_arguments": "training",
    "first_layer_arguments": "layers",
    "fit_arguments": "training",
    "layer_config": "layers",
    "left_out": "layers",
    "metrics_arguments": "training",
    "older_names": "layers",
    "only": "layers",
}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"kerasish.compat has no attribute {name!r}.")
    globals()[name] = value = getattr(import_module(f"kerasish.compat.{_NAMES[name]}"), name)
    return value
