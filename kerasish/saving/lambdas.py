"""Functions whose byte code is part of a config: refused, unless the user asks for them.

A lambda is written so (`serialization`), since no name leads back to it.
"""

from __future__ import annotations

import base64
import binascii
import marshal
import types
from collections.abc import Iterator, Mapping
from typing import Any

from kerasish import config as settings
from kerasish.compat.tensors import is_program_of_keras
from kerasish.layers.foreign import TrustedPath, untrusted
from kerasish.saving.serialization import functions_of_code
from kerasish.utils.tracebacks import warn_user


def with_functions(
    config: Any, safe_mode: bool | None = None, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """A config with its byte code replaced by functions.

    A layer's function is looked for among the custom objects first, by the name of the layer.

    Args:
        config: plain data.
        safe_mode: whether to refuse byte code; the setting of the program if None.
        custom_objects: name -> function.

    Raises:
        ValueError: there is byte code, for which there is no custom object; the message names the
            layer. Also for byte code of another version of Python.
    """
    safe = settings.safe_mode() if safe_mode is None else safe_mode
    return _Resolver(safe, custom_objects or {}).walk(config, None)


def warn_of_code(config: Any) -> None:
    """Warns of byte code in a config that goes into a file, with the first layer that has some."""
    names = [str(name) for name in _layers_with_code(config, "?")]
    if names:
        warn_user(
            f"The function of layer {names[0]} is a lambda, which is saved as byte code of this "
            f"Python. Loading needs it as custom_objects={{{names[0]!r}: function}}, or "
            "safe_mode=False. One written with def is found by its name."
        )


def _layers_with_code(config: Any, owner: Any) -> Iterator[Any]:
    if isinstance(config, Mapping):
        if config.get("class_name") == "__lambda__":
            yield owner
            return
        inner = config.get("config")
        owner = inner.get("name", owner) if isinstance(inner, Mapping) else owner
        config = list(config.values())
    for item in config if isinstance(config, (list, tuple)) else ():
        yield from _layers_with_code(item, owner)


class _Resolver:
    def __init__(self, safe_mode: bool, known: Mapping[str, Any]):
        self.safe_mode = safe_mode
        self.known = known

    def walk(self, value: Any, owner: Any) -> Any:
        if isinstance(value, list):
            return [self.walk(item, owner) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "__lambda__":
            inner = value.get("config")
            inner = inner.get("value", inner) if isinstance(inner, Mapping) else inner
            return self.function(inner, owner)
        config = value.get("config")
        if "class_name" in value and isinstance(config, dict) and "name" in config:
            owner = config["name"]
            if value["class_name"] == "Lambda" and self.given(owner) is not None:
                # That is the function. What else is code is not needed.
                others = {k for k, v in config.items() if _is_code(v)} - {"function"}
                value = {**value, "config": config | dict.fromkeys(others)}
        found = {key: self.walk(item, owner) for key, item in value.items()}
        if value.get("class_name") == "Lambda" and isinstance(config, dict):
            found["config"] = self._keras2(found["config"], owner)
        if value.get("class_name") == "TFSMLayer" and isinstance(config, dict):
            found["config"] = self._trusted(found["config"])
        return found

    def _trusted(self, config: dict[str, Any]) -> dict[str, Any]:
        """The config of a layer that runs a SavedModel, which may hold any code."""
        if isinstance(config.get("filepath"), TrustedPath):
            return config  # from the program itself, or allowed already
        if self.safe_mode:
            raise untrusted(config)
        return {**config, "filepath": TrustedPath(config["filepath"])}

    def _keras2(self, config: dict[str, Any], owner: Any) -> dict[str, Any]:
        """Keras 2 has [code, defaults, closure], and says so beside it."""
        result = dict(config)
        for key in ("function", "output_shape", "mask"):
            item = config.get(key)
            said = config.get(f"{key}_type") in ("lambda", None)
            if said and isinstance(item, list) and _is_code(item):
                result[key] = self.function(item, owner)
                result[f"{key}_type"] = "function"
        return result

    def given(self, owner: Any) -> Any:
        """The custom object that has the name of a layer."""
        found = self.known.get(owner) if isinstance(owner, str) else None
        return found if callable(found) else None

    def function(self, code: Any, owner: Any) -> Any:
        given = self.given(owner)
        if given is not None:
            return given
        own = _of_this_program(code)
        if own is not None:
            return own
        if self.safe_mode:
            where, remedy = "A config", "If"
            if owner:
                where = f"Layer {owner}"
                remedy = f"Pass the function as custom_objects={{{owner!r}: function}}; or, if"
            raise ValueError(
                f"{where}: its function is byte code, which is not run. {remedy} the file comes "
                "from someone you trust with this computer, load it with safe_mode=False."
            )
        return _made(code, owner)


def _is_code(item: Any) -> bool:
    """Whether an entry of a Lambda is byte code: of Keras 3, or [code, defaults, closure]."""
    if isinstance(item, list):
        return len(item) == 3 and isinstance(item[0], str)
    return isinstance(item, dict) and item.get("class_name") == "__lambda__"


def _of_this_program(code: Any) -> Any:
    """The function of byte code that comes from a function of this program; else None.

    That is what `from_config(model.get_config())` finds in a program of Keras 2, where it works.
    To run it needs no trust.
    """
    parts = _parts(code) if is_program_of_keras() else ()
    if len(parts) != 3 or not isinstance(parts[0], str):
        return None
    text, defaults, closure = parts
    found = functions_of_code.get(text)
    if found is None or len(closure or ()) != len(found.__closure__ or ()):
        return None
    cells = tuple(types.CellType(value) for value in closure or ())
    kept = None if defaults is None else tuple(defaults)
    return types.FunctionType(found.__code__, found.__globals__, None, kept, cells or None)


def _parts(code: Any) -> list[Any]:
    """Byte code, defaults and closure, from a config of Keras 3 ({...}) or Keras 2 ([...])."""
    if isinstance(code, Mapping):
        return [code.get("code"), code.get("defaults"), code.get("closure")]
    return list(code)


def _made(code: Any, owner: Any) -> Any:
    """A function of the byte code in a config."""
    import numpy

    import kerasish

    text, defaults, closure = _parts(code)
    try:
        raw = base64.b64decode(text.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error):
        raw = text.encode("raw_unicode_escape")  # as older Kerases wrote it
    try:
        program = marshal.loads(raw)
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(
            f"Layer {owner}: the byte code of its function is of another version of Python, or "
            f"damaged ({error}). Pass the function as custom_objects={{{owner!r}: function}}."
        ) from error
    scope = {"keras": kerasish, "K": kerasish.backend, "ops": kerasish.ops, "np": numpy}
    cells = tuple(types.CellType(value) for value in closure or ())
    if not isinstance(program, types.CodeType):
        raise ValueError(f"Layer {owner}: the file has no byte code for its function.")
    scope["__builtins__"] = __builtins__
    return types.FunctionType(
        program, scope, None, None if defaults is None else tuple(defaults), cells or None
    )
