"""Layers whose `call` changes them: in Keras 1 and 2 it is called once for each tensor, and keeps
what it made. Models here call their layers anew where they are trained and predict."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerasish import tree
from kerasish.graph import trace
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.base import Layer

_ABSENT = object()
# Layer -> what those attributes were at first that `call` replaced by tensors of the graph.
_first: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()
_called = Layer.__call__
_built_here = Layer._build_here


class _Calls(threading.local):
    """Whether a layer is being called, around which there is none; what was built in it."""

    going_on = False

    def __init__(self) -> None:
        self.built: dict[Any, dict[str, Any]] = {}


_calls = _Calls()


def call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """`Layer.__call__`, within which layers are as they were before any call changed them.

    So a mask of dropout that `call` keeps in an attribute is drawn anew in each graph, and a
    kernel that it replaces by an expression is the weight again.
    """
    if _calls.going_on:
        return _called(self, *args, **kwargs)
    _calls.going_on = True
    try:
        return _outermost_call(self, args, kwargs)
    finally:
        _calls.going_on = False


def build_here(self: Any, *shapes: Any, **named: Any) -> None:
    """`Layer._build_here`, after which is noted what a layer is like before it computes."""
    _built_here(self, *shapes, **named)
    if _calls.going_on:
        _calls.built[self] = dict(vars(self))


def inputs_as_they_are(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    """`Layer.call` of a layer that has none of its own."""
    return inputs


def methods() -> list[tuple[type, str, Any]]:
    """Class, name and value of what layers have instead of their own."""
    return [
        (Layer, "__call__", call),
        (Layer, "_build_here", build_here),
        (Layer, "call", inputs_as_they_are),
    ]


def _outermost_call(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if trace.current_trace() is not None:
        with _as_at_first(self._flatten_layers()):
            return _called(self, *args, **kwargs)
    if not any(isinstance(x, Tensor) and x.is_symbolic for x in tree.flatten([list(args), kwargs])):
        return _called(self, *args, **kwargs)
    before = {layer: dict(vars(layer)) for layer in self._flatten_layers()}
    _calls.built = {}
    result = _called(self, *args, **kwargs)
    for layer, attributes in (before | _calls.built).items():
        _note(layer, attributes)
    _calls.built = {}
    for layer in self._flatten_layers():
        _constrain(layer)
    return result


def _constrain(layer: Any) -> None:
    """Weights get the constraints that a layer of Keras 1 has put into a dict for them."""
    constraints = vars(layer).get("constraints")
    if isinstance(constraints, dict):
        for weight, constraint in constraints.items():
            if isinstance(weight, Variable):
                weight.constraint = constraint


def _note(layer: Any, before: dict[str, Any]) -> None:
    for name, value in vars(layer).items():
        old = before.get(name, _ABSENT)
        if old is not value and name not in _KEPT and _is_of_graph(value):
            _first.setdefault(layer, {}).setdefault(name, old)


_KEPT = ("_calls", "_call_losses", "_losses", "_seen_shapes")


def _is_of_graph(value: Any) -> bool:
    if not isinstance(value, (Tensor, list, tuple, dict)):
        return False
    return any(isinstance(x, Tensor) and x.node is not None for x in tree.flatten(value))


@contextmanager
def _as_at_first(layers: list[Any]) -> Iterator[None]:
    changed = [(layer, _first[layer]) for layer in layers if layer in _first]
    now = [{name: vars(layer).get(name, _ABSENT) for name in first} for layer, first in changed]
    for layer, first in changed:
        _set(layer, first)
    try:
        yield
    finally:
        for (layer, _), values in zip(changed, now, strict=True):
            _set(layer, values)


def _set(layer: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is _ABSENT:
            vars(layer).pop(name, None)
        else:
            vars(layer)[name] = value
