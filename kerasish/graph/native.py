"""Functions of an engine's own tensors, as nodes hold them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

_numbers = itertools.count()
_living: weakref.WeakValueDictionary[str, NativeFunction] = weakref.WeakValueDictionary()


class NativeFunction:
    """A function that only its engine can call. In a Program stands its `id`.

    It lives as long as a node or an executable holds it.

    Args:
        function: takes a list of the engine's tensors and a list of ints, returns tensors in
            lists, tuples and dicts.
        name: for printed programs.

    Attributes:
        id: a name that is unique in the process.
        structure: the lists, tuples and dicts in which it returns results, known once the engine
            traced it.
        notes: what the engine wants to remember about it.
    """

    def __init__(self, function: Callable[[list[Any], list[Any]], Any], name: str):
        self.function = function
        self.name = name
        self.id = f"{name}#{next(_numbers)}"
        self.structure: Any = None
        self.notes: dict[Any, Any] = {}
        _living[self.id] = self

    def get_config(self) -> dict[str, Any]:
        """Raises: code cannot be saved."""
        raise TypeError(
            f"{self.name} is a function of an engine's own that is called between the layers of a "
            "model, and no file can hold that. Call it in a Layer of your own, or in a Lambda."
        )

    def __repr__(self) -> str:
        return self.id


def native_function(name: str) -> NativeFunction:
    """The function with this id. Raises KeyError if nothing holds it any more."""
    return _living[name]
