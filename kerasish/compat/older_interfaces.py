"""The decorators of `keras.legacy.interfaces`, by which Keras 2 took Keras 1's arguments.

The layers and optimizers here take them without. A method of a program's own that is decorated
stays as it is, and has the arguments that it says it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def generate_legacy_interface(*args: Any, **kwargs: Any) -> Callable[..., Any]:
    """A decorator that changes nothing."""
    return _unchanged


def __getattr__(name: str) -> Callable[..., Any]:
    if name.startswith("legacy_") and name.endswith("_support"):
        return _unchanged
    raise AttributeError(f"keras.legacy.interfaces has no {name!r}.")
