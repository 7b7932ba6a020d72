"""Saving: objects as configs, and configs as objects, in the names of `keras.saving`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerasish.saving.origins import made_on
from kerasish.saving.saveable import load_model, load_weights, save_model, save_weights
from kerasish.saving.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

if TYPE_CHECKING:
    from kerasish.saving.editor import KerasFileEditor

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "made_on",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]


def __getattr__(name: str) -> Any:
    """The editor knows layers, which themselves need this package."""
    if name != "KerasFileEditor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from kerasish.saving.editor import KerasFileEditor

    return KerasFileEditor
