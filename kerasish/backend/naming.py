"""Errors of `K.conv2d` say so, for the operation below that complains has another name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def name_themselves(namespace: dict[str, Any]) -> None:
    """Has the functions that this package defines name themselves in errors.

    Args:
        namespace: that of `kerasish.backend`.
    """
    named: dict[Any, Any] = {}  # an alias stays the same function
    for name, value in namespace.items():
        own = inspect.isfunction(value) and value.__module__.startswith(f"{__package__}.")
        if own and not name.startswith("_"):
            named[value] = named.get(value) or _naming_itself(value)
            namespace[name] = named[value]


def _naming_itself(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, IndexError) as error:
            _name(error, function.__name__, (*args, *kwargs.values()))
            raise

    return wrapped


def _name(error: Exception, name: str, args: tuple[Any, ...]) -> None:
    # What a user's own function raises is the user's.
    if len(error.args) == 1 and not any(map(callable, args)):
        message = str(error.args[0])
        if message.startswith((f"{name}:", f"{name}(")):
            error.args = (f"K.{message}",)
        elif not message.startswith("K."):
            error.args = (f"K.{name}: {message}",)
