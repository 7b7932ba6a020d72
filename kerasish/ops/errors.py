"""Errors of public operations name the operation that the user called, and what it got.

Operations are built of each other: what `dot` complains about may be a `reshape`.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from kerasish.graph import trace
from kerasish.graph.shapes import Dim
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.arguments import wrong_argument
from kerasish.ops.unknown import may_wait, put_off

Function = TypeVar("Function", bound=Callable[..., Any])

_calls = threading.local()
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# What mistakes of callers lead to, sooner or later.
_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)


def naming_itself(function: Function, module: str) -> Function:
    """The function, whose errors start with its name and the shapes of its arguments.

    Args:
        function: an operation.
        module: where it is found under its name.
    """

    takes_functions = any("Callable" in str(a) for a in function.__annotations__.values())
    path = f"{module}.{function.__name__}".removeprefix("kerasish.ops.")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if getattr(_calls, "within", False):
            return function(*args, **kwargs)
        _calls.within = True
        try:
            if any(map(_is_symbolic, (*args, *kwargs.values()))):
                with trace.symbolic():
                    return function(*args, **kwargs)
            return function(*args, **kwargs)
        except _ERRORS as error:
            found = put_off(path, args, kwargs)
            if found is not None:
                return found
            wrong = wrong_argument(function, args, kwargs)
            if wrong is not None:
                raise TypeError(f"{function.__name__}: {wrong}") from error
            if not (takes_functions and _is_users(error)):
                _name(error, function.__name__, (*args, *kwargs.values()))
            raise
        finally:
            _calls.within = False

    wrapped.__module__ = module
    may_wait(path, wrapped)
    return wrapped  # type: ignore[return-value]


def _is_users(error: BaseException) -> bool:
    """Whether a function of the user's own raised it, which an operation had called."""
    step = error.__traceback__
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            return True
        step = step.tb_next
    return False


def _name(error: Exception, name: str, args: tuple[Any, ...]) -> None:
    """Puts the name of the operation in front of the error's message."""
    if len(error.args) != 1:
        return
    message = str(error.args[0])
    if not message.startswith(name):
        path = trace.current_path()
        where = f"{name}({', '.join(_shapes(args))})" + (f" in {path}" if path else "")
        error.args = (f"{where}: {message}",)


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_is_symbolic, value))
    return isinstance(value, Dim) or (isinstance(value, Tensor) and value.is_symbolic)


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
