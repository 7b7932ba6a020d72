"""`keras.legacy.saving`, which is `keras.utils.legacy` too: configs in the form of Keras 2."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from kerasish.saving.custom_objects import (
    CustomObjectScope,
    get_registered_name,
    get_registered_object,
)
from kerasish.saving.serialization import instance_of

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


def serialize_keras_object(instance: Any) -> Any:
    """The name of a class or function; for an object {"class_name", "config"}.

    Raises:
        ValueError: it has neither a config nor a name.

    >>> from kerasish import activations, initializers
    >>> serialize_keras_object(initializers.Zeros()), serialize_keras_object(activations.relu)
    ({'class_name': 'Zeros', 'config': {}}, 'relu')
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config") and not inspect.isclass(instance):
        config = {key: _plain(value) for key, value in instance.get_config().items()}
        return {"class_name": get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(f"Cannot serialize {instance!r:.80}: it has no get_config() and no name.")


def _plain(value: Any) -> Any:
    named = hasattr(value, "get_config") or hasattr(value, "__name__")
    return serialize_keras_object(value) if named else value


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """What `serialize_keras_object` was given, made again from its result.

    Args:
        identifier: its result; functions and None stay as they are. For the name of a class, an
            object of it is made without arguments.
        module_objects: name -> class or function; Keras's own are known anyway.
        custom_objects: the same, and these go first.
        printable_module_name: what the object is, for messages.

    Raises:
        ValueError: the name is not known, or the identifier is nothing of all that.

    >>> deserialize_keras_object({"class_name": "Zeros", "config": {}})
    <Zeros>
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, str):
        found = get_registered_object(identifier, custom_objects, module_objects)
        if found is None:
            raise ValueError(
                f"Unknown {printable_module_name} {identifier!r}. Pass it in custom_objects."
            )
        return found() if inspect.isclass(found) else found
    if not isinstance(identifier, Mapping) or "class_name" not in identifier:
        raise ValueError(f"Expected the config of a {printable_module_name}: {identifier!r:.80}")
    with CustomObjectScope(module_objects, custom_objects):
        return instance_of(identifier, None)
