"""The user's own objects, known by name while configs are read."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

_registered: dict[str, Any] = {}


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.stack: list[Mapping[str, Any]] = []


_scopes = _Scopes()


def get_custom_objects() -> dict[str, Any]:
    """The process-wide table of custom objects, by name; it may be changed in place.

    >>> get_custom_objects()["my_loss"] = lambda y_true, y_pred: y_pred
    >>> "my_loss" in get_custom_objects()
    True
    >>> del get_custom_objects()["my_loss"]
    """
    return _registered


class CustomObjectScope:
    """Makes objects known by name inside a `with` block.

    Args:
        custom_objects: one or more mappings from names to classes or functions.

    >>> with CustomObjectScope({"double": lambda x: x * 2}):
    ...     get_registered_object("double")(4)
    8
    """

    def __init__(self, *custom_objects: Mapping[str, Any] | None):
        self.objects = {k: v for table in custom_objects for k, v in (table or {}).items()}

    def __enter__(self) -> CustomObjectScope:
        _scopes.stack.append(self.objects)
        return self

    def __exit__(self, *exc: Any) -> None:
        _scopes.stack.pop()


custom_object_scope = CustomObjectScope


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable:
    """Decorator: makes a class or function known to loading under "package>name".

    Args:
        package: keeps equal names of different projects apart.
        name: defaults to the name of the class or function.

    Raises:
        ValueError: a class without `get_config`, which could not be saved.

    >>> @register_keras_serializable("docs")
    ... def twice(x):
    ...     return x * 2
    >>> get_registered_name(twice)
    'docs>twice'
    """

    def decorate(item: Any) -> Any:
        if inspect.isclass(item) and not hasattr(item, "get_config"):
            raise ValueError(
                f"register_keras_serializable: class {item.__name__} has no get_config(), so it "
                "could not be saved. Add one that returns the arguments of __init__ as a dict."
            )
        _registered[f"{package}>{name or item.__name__}"] = item
        return item

    return decorate


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered, else its own name."""
    for name, item in _registered.items():
        if item is obj:
            return name
    return obj.__name__


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The custom object called `name`, None if there is none.

    Looked for in `custom_objects`, then in the open scopes from the innermost on, then among the
    registered ones, then in `module_objects`. "MyLayer" finds "Package>MyLayer" too.
    """
    found = known_as(name, custom_objects, module_objects)
    if found is not None:
        return found
    bare = [item for key, item in _registered.items() if key.rpartition(">")[2] == name]
    return bare[-1] if bare else None


def known_as(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The custom object of exactly this name, packages included, None if there is none."""
    tables = [custom_objects, *reversed(_scopes.stack), _registered, module_objects]
    return next((table[name] for table in filter(None, tables) if name in table), None)
