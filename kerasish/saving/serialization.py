"""Objects as plain data and back: names, configs, and the user's own classes.

A config is data only. Nothing in one is evaluated, and no module that one names is
imported: names are looked up in the registries of this package and among the objects
that the user registered or passed as `custom_objects`.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from kerasish.graph.tensor import Tensor

# The modules of this package in which a config may name something, under their public
# names. Each has a Registry.
HOMES = (
    "activations",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "optimizers.schedules",
    "regularizers",
)

_registries: dict[str, Registry] = {}


def snake_case(name: str) -> str:
    """A class name as the name of an object.

    >>> snake_case("MeanSquaredError"), snake_case("RMSprop"), snake_case("L1L2")
    ('mean_squared_error', 'rm_sprop', 'l1_l2')
    """
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", apart).lower()


# --- the user's own objects --------------------------------------------------------------

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
    tables = [custom_objects, *reversed(_scopes.stack), _registered, module_objects]
    for table in filter(None, tables):
        if name in table:
            return table[name]
    bare = [item for key, item in _registered.items() if key.rpartition(">")[2] == name]
    return bare[-1] if bare else None


# --- built-in objects by name ------------------------------------------------------------


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
    ):
        self.kind = kind
        self.home = home or f"{kind}s"
        self.callables = callables
        self.names: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}
        for item in objects:
            self.add(item)
        for alias, target in (aliases or {}).items():
            self.add(self.built_in(target), alias)
        _registries[self.home] = self

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
        return self.names.get(name, self._plain.get(_plain(name)))

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
        name = self.name_of(obj)
        return serialize_keras_object(obj) if name is None else name

    def name_of(self, obj: Any) -> str | None:
        """The name of a built-in function or class, None for anything else."""
        name = getattr(obj, "__name__", None)
        return name if name is not None and self.names.get(name) is obj else None

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object of a config or name; None for None."""
        with CustomObjectScope(custom_objects):
            if not isinstance(config, Mapping):
                return self.get(config)
            if "class_name" not in config:
                raise ValueError(
                    f"The config of {_article(self.kind)} {self.kind} needs the entries "
                    f"class_name and config, but has {sorted(config)}."
                )
            return _instance(config, self)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


# --- to data -----------------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """`obj` as plain data in Keras 3's form.

    Args:
        obj: None, a number, a string, an array, a (nested) list, tuple or dict of such, a
            function with a name, or an object with `get_config`.

    Raises:
        TypeError: the object has no such form.

    >>> serialize_keras_object([1, np.float32(2)])
    [1, 2.0]
    """
    if obj is None or isinstance(obj, (str, bool, int, float)):
        return obj
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, (np.ndarray, Tensor)):
        return _array_config(obj)
    if isinstance(obj, (list, tuple)):
        return type(obj)(map(serialize_keras_object, obj))
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if hasattr(obj, "get_config") and not inspect.isclass(obj):
        return _object_config(obj)
    if callable(obj) and hasattr(obj, "__name__") and not inspect.isclass(obj):
        return _function_config(obj)
    raise TypeError(
        f"{type(obj).__name__} {obj!r:.80} cannot become a config. It needs a method "
        "get_config(self) that returns the arguments of __init__ as a dict."
    )


def _array_config(obj: Any) -> Any:
    value = np.asarray(obj)
    if value.ndim == 0:
        return value.item()
    kind = "__tensor__" if isinstance(obj, Tensor) else "__numpy__"
    return {"class_name": kind, "config": {"value": value.tolist(), "dtype": value.dtype.name}}


# What Keras 3 writes under another address than the public one.
_WRITTEN_AS: dict[tuple[str | None, str], tuple[str | None, str]] = {
    ("keras.models", "Model"): ("keras.src.models.functional", "Functional"),
    ("keras.models", "Sequential"): ("keras", "Sequential"),
    ("keras.layers", "GroupedQueryAttention"): ("keras.layers", "GroupQueryAttention"),
}


def _object_config(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    home = _home_of(cls)
    address = (f"keras.{home}" if home else None, cls.__name__)
    module, class_name = _WRITTEN_AS.get(address, address)
    return {
        "module": module,
        "class_name": class_name,
        "config": serialize_keras_object(obj.get_config()),
        "registered_name": None if home else get_registered_name(cls),
    }


def _function_config(function: Any) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        raise TypeError(
            "A lambda has no name by which loading could find it again. Write it with def, and "
            "pass it as custom_objects when loading."
        )
    return {
        "module": "builtins",
        "class_name": "function",
        "config": get_registered_name(function),
        "registered_name": "function",
    }


def _home_of(item: Any) -> str | None:
    """The public module of a built-in class or function."""
    for home, registry in _registries.items():
        if registry.name_of(item) is not None:
            return home
    return None


# --- from data ---------------------------------------------------------------------------


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """What `serialize_keras_object` was given, made again from its result.

    Args:
        config: plain data; configs of Keras 2 ({"class_name", "config"}) and Keras 3.
        custom_objects: name -> class or function, for names that are not Keras's.
        safe_mode: kept for Keras's signature; code in a config is refused either way.

    Raises:
        ValueError: an unknown name, or a config that holds code.

    >>> deserialize_keras_object({"class_name": "Zeros", "config": {}, "module": "initializers"})
    <Zeros>
    """
    with CustomObjectScope(custom_objects):
        return _revived(config)


def _revived(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return type(config)(map(_revived, config))
    if not isinstance(config, Mapping):
        return config
    if "class_name" in config and "config" in config:
        return _instance(config, _registry_of(config.get("module")))
    return {key: _revived(value) for key, value in config.items()}


def _instance(config: Mapping[str, Any], registry: Registry | None) -> Any:
    """The object of a {"class_name", "config"}."""
    class_name, inner = config["class_name"], config.get("config", {})
    if class_name in _SPECIAL:
        return _SPECIAL[class_name](inner)
    item = _named(class_name, config, registry)
    if not inspect.isclass(item):
        return item(**inner) if isinstance(inner, Mapping) and inner else item
    return item.from_config(inner) if hasattr(item, "from_config") else item(**inner)


def _named(class_name: str, config: Mapping[str, Any], registry: Registry | None) -> Any:
    """The class or function that a config names."""
    for name in (config.get("registered_name"), class_name):
        custom = get_registered_object(name) if name else None
        if custom is not None:
            return custom
    home = _registry_of(config.get("module")) or registry
    if home is not None:
        return home.find(class_name)
    if config.get("module") is None:
        for name in HOMES:
            found = _registry(name)
            if found is not None and class_name in found.names:
                return found.names[class_name]
    raise ValueError(
        f"Unknown class {class_name!r} of module {config.get('module')!r}. Modules that a config "
        f"names are never imported: pass custom_objects={{{class_name!r}: {class_name}}}, or "
        "decorate the class with @register_keras_serializable()."
    )


def _registry_of(module: str | None) -> Registry | None:
    """The registry for a module path of any Keras: "keras.src.optimizers.adam"."""
    parts = (module or "").split(".")
    if not parts[0].startswith(("keras", "tensorflow", "tf_keras", *HOMES)):
        return None
    homes = ["optimizers.schedules"] if {"schedules", "learning_rate_schedule"} & {*parts} else []
    homes += [part for part in parts if part in HOMES]
    if len(parts) == 1 and not homes:
        homes = ["models"]  # Keras's top level, where its models are
    return _registry(homes[0]) if homes else None


def _registry(home: str) -> Registry | None:
    """The registry of one of this package's own modules, which is imported for it."""
    if home not in _registries:
        try:
            importlib.import_module(f"kerasish.{home}")
        except ModuleNotFoundError as error:
            if error.name != f"kerasish.{home}":
                raise
    return _registries.get(home)


def _function(name: Any) -> Any:
    custom = get_registered_object(name)
    if custom is not None:
        return custom
    for home in ("activations", "losses", "metrics", "initializers"):
        registry = _registry(home)
        if registry is not None and name in registry.names:
            return registry.names[name]
    raise ValueError(
        f"Unknown function {name!r}. Pass custom_objects={{{name!r}: ...}}, or decorate the "
        "function with @register_keras_serializable()."
    )


def _array(config: Mapping[str, Any]) -> np.ndarray:
    return np.asarray(config["value"], dtype=config["dtype"])


def _refuse_code(config: Any) -> Any:
    raise ValueError(
        "The config holds the code of a lambda, which is never run. Write the function with def "
        "in your program, and save the model again from there."
    )


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "function": _function,
    "__lambda__": _refuse_code,
    "__numpy__": _array,
    "__tensor__": _array,
    "DTypePolicy": lambda config: config["name"],
}


# --- configs from signatures -------------------------------------------------------------


def parameters_of(cls: type) -> dict[str, inspect.Parameter]:
    """The parameters of `__init__`, and those of the bases to which its **kwargs lead."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None or base is object:
            continue
        own = list(inspect.signature(init).parameters.values())[1:]
        for parameter in own:
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                found.setdefault(parameter.name, parameter)
        if not any(p.kind is p.VAR_KEYWORD for p in own):
            break
    return found


def config_of(obj: Configurable) -> dict[str, Any]:
    """The arguments that make an object like `obj`, as plain data.

    Each parameter of `__init__` is read from the attribute of its name; where there is none, it
    is what `__init__` was given.
    """
    given = _given_arguments(obj)
    config = {}
    for name, parameter in parameters_of(type(obj)).items():
        value = getattr(obj, name, _MISSING)
        if value is _MISSING or inspect.ismethod(value):
            default = None if parameter.default is parameter.empty else parameter.default
            value = given.get(name, default)
        config[name] = _plain_value(value)
    return config


_MISSING = object()


def _given_arguments(obj: Configurable) -> dict[str, Any]:
    args, kwargs = obj._init_arguments
    cls = type(obj)
    own = list(inspect.signature(cls.__init__).parameters.values())[1:]
    names = [p.name for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]
    if any(p.kind is p.VAR_POSITIONAL for p in own):
        names = list(parameters_of(cls))
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _plain_value(value: Any) -> Any:
    activations = _registries.get("activations")
    name = activations.name_of(value) if activations is not None else None
    return serialize_keras_object(value) if name is None else name


class Configurable:
    """An object with a config: `cls.from_config(obj.get_config())` makes another like it.

    The config follows from the signature of `__init__`, so that most classes need no
    `get_config` of their own. A class keeps its arguments as attributes of their names.
    """

    _init_arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        # Past any __setattr__ that tracks layers and weights, which isn't ready yet.
        instance.__dict__["_init_arguments"] = (args, kwargs)
        return instance

    def get_config(self) -> dict[str, Any]:
        """The arguments of `__init__` as plain data."""
        return config_of(self)

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: all but what belongs to the graphs that the object is part of."""
        state = dict(self.__dict__)
        state.update((name, make()) for name, make in _OF_GRAPHS.items() if name in state)
        if any(map(_is_symbolic, _leaves_of(self._init_arguments))):
            state["_init_arguments"] = ((), {})
        return state

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """An object made of what `get_config` returned."""
        return cls(**{key: _nested(value) for key, value in config.items()})

    def __repr__(self) -> str:
        given = ", ".join(
            f"{name}={getattr(value, '__name__', None) or repr(value)}"
            for name, value in _given_arguments(self).items()
        )
        return f"<{type(self).__name__}({given})>" if given else f"<{type(self).__name__}>"


# Attributes that refer to graphs and compiled functions -> what a copy starts with.
_OF_GRAPHS: dict[str, Callable[[], Any]] = {
    "_calls": list,
    "_eager": lambda: None,
    "fit_position": lambda: None,
    "history": lambda: None,
}


def _is_symbolic(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_symbolic


def _leaves_of(value: Any) -> Iterable[Any]:
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves_of(item)
    else:
        yield value


def _nested(value: Any) -> Any:
    """Objects inside a config are revived if they are in the full form of Keras 3."""
    if isinstance(value, Mapping) and {"class_name", "config", "module"} <= value.keys():
        return _revived(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_nested, value))
    return value
