"""Objects as plain data and back: names, configs, and the user's own classes.

A config is data only. Nothing in one is evaluated, and no module that one names is
imported: names are looked up in the registries of this package and among the objects
that the user registered or passed as `custom_objects`.
"""

from __future__ import annotations

import base64
import importlib
import inspect
import json
import marshal
import re
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from kerasish.graph import dtypes
from kerasish.graph.tensor import Tensor
from kerasish.saving.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    known_as,
    register_keras_serializable,
)
from kerasish.saving.registry import (
    HOMES,
    Registry,
    home_of,
    registries,
    registry_at,
    registry_of,
)
from kerasish.utils.arguments import reject_misspelt

__all__ = [
    "Configurable",
    "CustomObjectScope",
    "Registry",
    "config_of",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "parameters_of",
    "register_keras_serializable",
    "serialize_keras_object",
    "snake_case",
]


def snake_case(name: str) -> str:
    """A class name as the name of an object.

    >>> snake_case("MeanSquaredError"), snake_case("RMSprop"), snake_case("L1L2")
    ('mean_squared_error', 'rm_sprop', 'l1_l2')
    """
    apart = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", apart).lower()


# --- to data -----------------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """`obj` as plain data in Keras 3's form.

    Args:
        obj: None, a number, a string, a slice, an array, a (nested) list, tuple or dict of such,
            a function with a name, or an object with `get_config`.

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
    if isinstance(obj, slice):
        parts = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_keras_object(parts)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, (list, tuple)):
        return type(obj)(map(serialize_keras_object, obj))
    if isinstance(obj, Mapping) and not hasattr(obj, "get_config"):
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
    ("keras.dtype_policies", "DTypePolicy"): ("keras", "DTypePolicy"),
    ("keras.dtype_policies", "DTypePolicyMap"): ("keras", "DTypePolicyMap"),
    ("keras.layers", "GroupedQueryAttention"): ("keras.layers", "GroupQueryAttention"),
}


def _object_config(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    home = home_of(cls)
    address = (f"keras.{home}" if home else None, cls.__name__)
    module, class_name = _WRITTEN_AS.get(address, address)
    return {
        "module": module,
        "class_name": class_name,
        "config": serialize_keras_object(obj.get_config()),
        "registered_name": None if home else get_registered_name(cls),
    }


class _Keeping(threading.local):
    functions = False


_keeping = _Keeping()


@contextmanager
def keeping_functions() -> Iterator[None]:
    """Within, functions stay in configs as they are, which so are for this program only.

    >>> with keeping_functions():
    ...     serialize_keras_object([max])
    [<built-in function max>]
    """
    before, _keeping.functions = _keeping.functions, True
    try:
        yield
    finally:
        _keeping.functions = before


def _function_config(function: Any) -> Any:
    if _keeping.functions:
        return function
    if function.__name__ == "<lambda>":
        return _lambda_config(function)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": get_registered_name(function),
        "registered_name": "function",
    }


def _lambda_config(function: Any) -> dict[str, Any]:
    """A lambda, which no name leads back to, as byte code. Loading refuses it unless it is told to
    run it, or what to put in its place.

    Raises:
        TypeError: it uses something from around it that is no plain data.
    """
    value = dict(zip(("code", "defaults", "closure"), code_of(function), strict=True))
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        names = ", ".join(function.__code__.co_freevars) or "objects as defaults"
        raise TypeError(
            f"A lambda that uses {names} from around it has no form in a config. Write it with "
            "def, and pass it as custom_objects when loading."
        ) from None
    # Keras 3 has one form of it in layers that consist of a function, and another elsewhere.
    return {"class_name": "__lambda__", "config": {"value": [*value.values()], **value}}


# Byte code that was written here -> the function of this very program.
functions_of_code: WeakValueDictionary[str, Any] = WeakValueDictionary()


def code_of(function: Any) -> tuple[str, Any, Any]:
    """The byte code of a function as text, its defaults, and what it uses from around it."""
    code = base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")
    functions_of_code[code] = function
    cells = function.__closure__
    return code, function.__defaults__, cells and tuple(cell.cell_contents for cell in cells)


def has_code(config: Any) -> bool:
    """Whether there is byte code in a config."""
    if isinstance(config, Mapping):
        inner: Iterable[Any] = config.values()
        return config.get("class_name") == "__lambda__" or any(map(has_code, inner))
    return isinstance(config, (list, tuple)) and any(map(has_code, config))


# --- from data ---------------------------------------------------------------------------


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool | None = None
) -> Any:
    """What `serialize_keras_object` was given, made again from its result.

    Args:
        config: plain data; configs of Keras 2 ({"class_name", "config"}) and Keras 3.
        custom_objects: name -> class or function, for names that are not Keras's.
        safe_mode: False runs byte code that the config may have; None as in `load_model`.

    Raises:
        ValueError: an unknown name, or a config that holds code.

    >>> deserialize_keras_object({"class_name": "Zeros", "config": {}, "module": "initializers"})
    <Zeros>
    """
    from kerasish.saving.lambdas import with_functions

    with CustomObjectScope(custom_objects):
        return _revived(with_functions(config, safe_mode, custom_objects))


def _revived(config: Any) -> Any:
    if isinstance(config, (list, tuple)):
        return type(config)(map(_revived, config))
    if not isinstance(config, Mapping):
        return config
    if "class_name" in config and "config" in config:
        return instance_of(config, registry_of(config.get("module")))
    return {key: _revived(value) for key, value in config.items()}


def instance_of(config: Mapping[str, Any], registry: Registry | None) -> Any:
    """The object of a {"class_name", "config"}."""
    class_name, inner = config["class_name"], config.get("config", {})
    if class_name in _SPECIAL:
        return _SPECIAL[class_name](inner)
    item = _named(class_name, config, registry)
    if not inspect.isclass(item):
        return item(**inner) if isinstance(inner, Mapping) and inner else item
    return item.from_config(inner) if hasattr(item, "from_config") else item(**inner)


def custom_of(config: Mapping[str, Any]) -> Any:
    """The user's own class or function that a {"class_name", ...} names, None if it names none."""
    registered, name = config.get("registered_name"), config["class_name"]
    if registered:
        return get_registered_object(registered) or get_registered_object(name)
    of_keras = f"{config.get('module')}.".startswith("keras.")
    # Keras's own is not to be taken for one that a program registered in another package.
    return known_as(name) if of_keras else get_registered_object(name)


def _named(class_name: str, config: Mapping[str, Any], registry: Registry | None) -> Any:
    """The class or function that a config names."""
    custom = custom_of(config)
    if custom is not None:
        return custom
    home = registry_of(config.get("module")) or registry
    if home is not None:
        found = home.built_in(class_name)
        if found is None and home.kind == "activation":  # one that is a layer
            found = registry_at("layers").built_in(class_name)  # type: ignore[union-attr]
        return home.find(class_name) if found is None else found
    if config.get("module") is None:
        for name in HOMES:
            found = registry_at(name)
            if found is not None and class_name in found.names:
                return found.names[class_name]
        if class_name == "Layer":  # of Keras 2, where it stood for an input
            from kerasish.layers import Layer

            return Layer
    raise ValueError(
        f"Unknown class {class_name!r} of module {config.get('module')!r}. Modules that a config "
        f"names are never imported: pass custom_objects={{{class_name!r}: {class_name}}}, or "
        "decorate the class with @register_keras_serializable()."
    )


def function_named(name: Any) -> Any:
    """The registered or built-in function of this name, as configs hold functions."""
    custom = get_registered_object(name)
    if custom is not None:
        return custom
    for home in ("activations", "losses", "metrics", "initializers"):
        known = registry_at(home)
        if known is not None and name in known.names:
            return known.names[name]
        if known is not None and known.built_in(str(name)) is not None:
            # Metrics are registered as classes, beside which their functions stand.
            beside = getattr(importlib.import_module(f"kerasish.{home}"), str(name), None)
            if inspect.isfunction(beside):
                return beside
    raise ValueError(
        f"Unknown function {name!r}. Pass custom_objects={{{name!r}: ...}}, or decorate the "
        "function with @register_keras_serializable()."
    )


def _array(config: Mapping[str, Any]) -> np.ndarray:
    """Numbers or texts. Other dtypes could ask for any size, or for objects."""
    name = str(config["dtype"])
    if not name.startswith("str"):
        return np.asarray(config["value"], dtypes.numpy_dtype(dtypes.standardize(name)))
    found = np.asarray(config["value"])
    if found.dtype.kind != "U":
        raise ValueError(f"The config has an array of texts that are {found.dtype.name}.")
    return found


def _slice(config: Mapping[str, Any]) -> slice:
    ends = [config.get(name) for name in ("start", "stop", "step")]
    if not all(end is None or isinstance(end, int) for end in ends):
        raise ValueError(f"The config has a slice of something else than whole numbers: {ends}.")
    return slice(*ends)


def _refuse_code(config: Any) -> Any:
    raise ValueError(
        "The config holds the code of a lambda, which is never run. Write the function with def "
        "in your program, and save the model again from there."
    )


# Keras 3 writes of these that they are in its top-level module, as models are.
_TOP_LEVEL_POLICIES = ("DTypePolicy", "DTypePolicyMap", "QuantizedDTypePolicy")


def _policy_maker(name: str) -> Callable[[Any], Any]:
    return lambda config: registry_at("dtype_policies").find(name).from_config(config)  # type: ignore[union-attr]


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "function": function_named,
    "__lambda__": _refuse_code,
    "__numpy__": _array,
    "__tensor__": _array,
    "__slice__": _slice,
    "__ellipsis__": lambda config: ...,
    **{name: _policy_maker(name) for name in _TOP_LEVEL_POLICIES},
}


# --- configs from signatures -------------------------------------------------------------


_parameters: weakref.WeakKeyDictionary[type, dict[str, inspect.Parameter]]
_parameters = weakref.WeakKeyDictionary()


def parameters_of(cls: type) -> dict[str, inspect.Parameter]:
    """The parameters of `__init__`, and those of the bases to which its **kwargs lead."""
    if cls not in _parameters:
        _parameters[cls] = _found_parameters(cls)
    return dict(_parameters[cls])


def _found_parameters(cls: type) -> dict[str, inspect.Parameter]:
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
    for name, parameter in parameters_of(_configured(type(obj))).items():
        if name in obj._not_in_config:
            continue
        value = getattr(obj, name, _MISSING)
        if value is _MISSING or inspect.ismethod(value):
            default = None if parameter.default is parameter.empty else parameter.default
            value = given.get(name, default)
        config[name] = _plain_value(value)
    return config


_MISSING = object()


def _configured(cls: type) -> type:
    """The class whose arguments `get_config` has to find.

    A class of the user's own with a `get_config` adds its arguments there itself: what it gets
    from `super().get_config()` are those of the class that it derives from.
    """
    here = __name__.partition(".")[0]
    own = [c for c in cls.__mro__ if c.__module__.partition(".")[0] != here]
    own = [c for c in own if "get_config" in vars(c)]
    if not own:
        return cls
    behind = cls.__mro__[cls.__mro__.index(own[-1]) + 1 :]
    return next(c for c in behind if "__init__" in vars(c))


def _given_arguments(obj: Configurable) -> dict[str, Any]:
    args, kwargs = obj._init_arguments
    cls = type(obj)
    own = list(inspect.signature(cls.__init__).parameters.values())[1:]
    names = [p.name for p in own if p.kind is p.POSITIONAL_OR_KEYWORD]
    if any(p.kind is p.VAR_POSITIONAL for p in own):
        names = list(parameters_of(cls))
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _plain_value(value: Any) -> Any:
    activations = registries.get("activations")
    name = activations.name_of(value) if activations is not None else None
    return serialize_keras_object(value) if name is None else name


class Configurable:
    """An object with a config: `cls.from_config(obj.get_config())` makes another like it.

    The config follows from the signature of `__init__`, so that most classes need no
    `get_config` of their own. A class keeps its arguments as attributes of their names.
    """

    _init_arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    _not_in_config: frozenset[str] = frozenset()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        init = cls.__init__
        # A decorator may know other names.
        if kwargs and (hasattr(init, "older_names") or not hasattr(init, "__wrapped__")):
            reject_misspelt(cls, init, args, kwargs)
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
