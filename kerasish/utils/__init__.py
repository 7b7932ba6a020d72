"""Helpers beside the models: files, labels, arrays, seeds, progress bars."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasish.saving import CustomObjectScope as CustomObjectScope
    from kerasish.saving import custom_object_scope as custom_object_scope
    from kerasish.saving import deserialize_keras_object as deserialize_keras_object
    from kerasish.saving import get_custom_objects as get_custom_objects
    from kerasish.saving import get_registered_name as get_registered_name
    from kerasish.saving import get_registered_object as get_registered_object
    from kerasish.saving import register_keras_serializable as register_keras_serializable
    from kerasish.saving import serialize_keras_object as serialize_keras_object
    from kerasish.utils.files import get_file as get_file
    from kerasish.utils.io_utils import HDF5Matrix as HDF5Matrix
    from kerasish.utils.nan import find_nan as find_nan
    from kerasish.utils.numerical import normalize as normalize
    from kerasish.utils.numerical import to_categorical as to_categorical
    from kerasish.utils.progbar import Progbar as Progbar
    from kerasish.utils.seeds import set_random_seed as set_random_seed
    from kerasish.utils.sequence import PyDataset as PyDataset
    from kerasish.utils.sequence import Sequence as Sequence

# Public name -> its module. Looked up when first used: reading a file needs no layers.
_NAMES = {
    "CustomObjectScope": "saving",
    "HDF5Matrix": "utils.io_utils",
    "Progbar": "utils.progbar",
    "PyDataset": "utils.sequence",
    "Sequence": "utils.sequence",
    "custom_object_scope": "saving",
    "deserialize_keras_object": "saving",
    "find_nan": "utils.nan",
    "get_custom_objects": "saving",
    "get_file": "utils.files",
    "get_registered_name": "saving",
    "get_registered_object": "saving",
    "normalize": "utils.numerical",
    "register_keras_serializable": "saving",
    "serialize_keras_object": "saving",
    "set_random_seed": "utils.seeds",
    "to_categorical": "utils.numerical",
}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"kerasish.utils has no attribute {name!r}.")
    globals()[name] = value = getattr(import_module(f"kerasish.{_NAMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(_NAMES)
