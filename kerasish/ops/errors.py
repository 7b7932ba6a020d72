"""Errors of public operations name the operation that the user called, and what it got.

Operations are built of each other: what `dot` complains about may be a `reshape`.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from kerasish.graph import trace
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])

_calls = threading.local()


def naming_itself(function: Function, module: str) -> Function:
    """The function, whose errors start with its name and the shapes of its arguments.

    Args:
        function: an operation.
        module: where it is found under its name.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if getattr(_calls, "within", False):
            return function(*args, **kwargs)
        _calls.within = True
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, IndexError) as error:
            _name(error, function.__name__, (*args, *kwargs.values()))
            raise
        finally:
            _calls.within = False

    wrapped.__module__ = module
    return wrapped  # type: ignore[return-value]


def _name(error: Exception, name: str, args: tuple[Any, ...]) -> None:
    """Puts the name of the operation in front of the error's message."""
    # What a user's own function raises is the user's.
    if len(error.args) != 1 or any(map(_calls_back, args)):
        return
    message = str(error.args[0])
    if not message.startswith(name):
        path = trace.current_path()
        where = f"{name}({', '.join(_shapes(args))})" + (f" in {path}" if path else "")
        error.args = (f"{where}: {message}",)


def _calls_back(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_calls_back, value))
    return callable(value) and not isinstance(value, type)


def _shapes(args: tuple[Any, ...]) -> list[str]:
    """The shapes of the tensors and arrays among the arguments, also within lists."""
    found = []
    for value in args:
        if isinstance(value, (Tensor, np.ndarray)):
            found.append(format_shape(tuple(value.shape)))
        elif isinstance(value, (list, tuple)):
            found += _shapes(tuple(value))
    return found


def name_themselves(namespace: dict[str, Any]) -> None:
    """Has all public functions of a module's namespace name themselves in errors."""
    named: dict[Any, Any] = {}  # an alias stays the same function
    for name, value in namespace.items():
        if inspect.isfunction(value) and not name.startswith("_"):
            if value not in named:
                named[value] = naming_itself(value, namespace["__name__"])
            namespace[name] = named[value]
