"""The built-in objects of each kind, found by their names."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from kerasish.saving.custom_objects import CustomObjectScope, get_registered_object

# The modules of this package in which a config may name something, under their public
# names. Each has a Registry.
HOMES = (
    "activations",
    "applications",
    "constraints",
    "distillation",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "optimizers.schedules",
    "quantizers",
    "regularizers",
    "utils",
)
# The module that makes the registry of a home, where that is another.
_MADE_IN = {"utils": "layers.preprocessing.feature_space"}

registries: dict[str, Registry] = {}


def _plain(name: str) -> str:
    """What the spellings of one name have in common: `BinaryAccuracy`, `binary_accuracy`."""
    return name.replace("_", "").replace(" ", "").lower()


class Registry:
    """The objects of one kind, found by any of their names.

    Args:
        kind: what error messages call one of them: "loss".
        objects: classes and functions.
        aliases: other name -> name.
        home: the public module, the plural of `kind` if None.
        callables: whether any function may take the place of an object.
        older: modules of this package that add more, imported when a name is not known.

    >>> registry = Registry("demo", [CustomObjectScope], {"scope": "CustomObjectScope"})
    >>> registry.find("custom_object_scope") is registry.find("scope") is CustomObjectScope
    True
    """

    def __init__(
        self,
        kind: str,
        objects: Iterable[Any],
        aliases: Mapping[str, str] | None = None,
        *,
        home: str | None = None,
        callables: bool = True,
        older: Iterable[str] = (),
    ):
        self.kind = kind
        self.home = home or f"{kind}s"
        self.callables = callables
        self._older = list(older)
        self.names: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}
        for item in objects:
            self.add(item)
        for alias, target in (aliases or {}).items():
            self.add(self.built_in(target), alias)
        registries[self.home] = self

    def add(self, item: Any, name: str | None = None) -> Any:
        """Takes in a class or function under `name`, else its own; usable as a decorator."""
        name = name or item.__name__
        self.names[name] = item
        self._plain.setdefault(_plain(name), item)
        return item

    def find(self, name: str) -> Any:
        """The class or function called `name`; custom objects go first.

        Raises:
            ValueError: there is none; the message lists the names most like it.
        """
        for found in (get_registered_object(name), self.built_in(name)):
            if found is not None:
                return found
        raise ValueError(self._unknown(name))

    def built_in(self, name: str) -> Any:
        """The built-in object called `name`, None if there is none."""
        found = self.names.get(name, self._plain.get(_plain(name)))
        if found is None and self._older:
            importlib.import_module(f"kerasish.{self._older.pop(0)}")
            return self.built_in(name)
        return found

    def _unknown(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.names, n=3) or [
            found.__name__
            for key, found in self._plain.items()
            if key in difflib.get_close_matches(_plain(name), self._plain, n=3)
        ]
        guess = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        known = ", ".join(sorted(self.names, key=str.lower))
        return (
            f"Unknown {self.kind} {name!r}.{guess} Known: {known}. To use your own, pass the "
            "object itself, or make its name known with custom_objects={...} or "
            "@register_keras_serializable()."
        )

    def get(self, identifier: Any) -> Any:
        """The object that `identifier` stands for.

        Args:
            identifier: None (gives None), a name in any spelling, a class (gives an instance), a
                config as of `serialize`, or the object itself.

        Raises:
            ValueError: an unknown name; TypeError: something else altogether.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            identifier = self.find(identifier)
        elif isinstance(identifier, Mapping):
            identifier = self.deserialize(identifier)
        if inspect.isclass(identifier):
            return identifier()
        if (self.callables and callable(identifier)) or self._is_ours(identifier):
            return identifier
        raise TypeError(
            f"Expected {_article(self.kind)} {self.kind}: its name, its config, "
            f"{'a function, ' if self.callables else ''}or an instance, but got {identifier!r:.80}."
        )

    def _is_ours(self, obj: Any) -> bool:
        bases = tuple(item for item in self.names.values() if inspect.isclass(item))
        return isinstance(obj, bases)

    def serialize(self, obj: Any) -> Any:
        """The name of a built-in function; else the config of the object."""
        from kerasish.saving import serialization

        name = self.name_of(obj)
        return serialization.serialize_keras_object(obj) if name is None else name

    def name_of(self, obj: Any) -> str | None:
        """The name of a built-in function or class, None for anything else."""
        name = getattr(obj, "__name__", None)
        return name if name is not None and self.names.get(name) is obj else None

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object of a config or name; None for None."""
        from kerasish.saving import serialization

        with CustomObjectScope(custom_objects):
            if not isinstance(config, Mapping):
                return self.get(config)
            if "class_name" not in config:
                raise ValueError(
                    f"The config of {_article(self.kind)} {self.kind} needs the entries "
                    f"class_name and config, but has {sorted(config)}."
                )
            return serialization.instance_of(config, self)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


# --- registries by place ----------------------------------------------------------------


def home_of(item: Any) -> str | None:
    """The public module of a built-in class or function."""
    for home, known in registries.items():
        if known.name_of(item) is not None:
            return home
    return None


def registry_of(module: str | None) -> Registry | None:
    """The registry for a module path of any Keras: "keras.src.optimizers.adam"."""
    parts = (module or "").split(".")
    if not parts[0].startswith(("keras", "tensorflow", "tf_keras", *HOMES)):
        return None
    homes = ["optimizers.schedules"] if {"schedules", "learning_rate_schedule"} & {*parts} else []
    homes += [part for part in parts if part in HOMES]
    if not homes and (len(parts) == 1 or "engine" in parts):
        homes = ["models"]  # Keras's top level, where its models are; tf.keras's place for them
    return registry_at(homes[0]) if homes else None


def registry_at(home: str) -> Registry | None:
    """The registry of one of this package's own modules, which is imported for it."""
    if home not in registries:
        try:
            importlib.import_module(f"kerasish.{_MADE_IN.get(home, home)}")
        except ModuleNotFoundError as error:
            if error.name != f"kerasish.{home}":
                raise
    return registries.get(home)
