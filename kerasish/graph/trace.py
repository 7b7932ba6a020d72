"""What is going on while a graph is built: who is building, and which state it changes.

A `Trace` collects what a traced call does beside returning tensors: new values of
variables, extra losses. Outside of any trace an assignment happens at once.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasish.graph.tensor import Tensor
    from kerasish.graph.variable import Variable

# Where code lies that is no user's: nodes come from the lines that called it.
_not_the_users = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep]


class Trace:
    """The effects of one traced call.

    Attributes:
        training: True, False, or None where it is not decided yet.
        updates: variable -> its new value, applied together when the Function has run.
        losses: scalars added by `add_loss`, each with the layer that added it.
        draws: how often each random stream was used, so that two uses differ. None leaves
            the count to the streams, as outside of any trace.
        replayed: tensors of functional models that were called, each with what it became.
        at_once: whether what is traced runs once and now, so that values may be looked at.
    """

    def __init__(self, training: bool | None = None, at_once: bool = False):
        self.training = training
        self.at_once = at_once
        self.updates: dict[Variable, Tensor] = {}
        self.losses: list[tuple[Any, Tensor]] = []
        self.draws: dict[int, int] | None = {}
        self.replayed: list[tuple[Tensor, Tensor]] = []

    def __enter__(self) -> Trace:
        _state.traces.append(self)
        _state.phases.append(self.training)
        return self

    def __exit__(self, *exc: Any) -> None:
        _state.phases.pop()
        _state.traces.pop()


class _State(threading.local):
    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self.phases: list[bool | None] = []
        self.layers: list[str] = []
        self.autocasts: list[str | None] = []
        self.source: str | None = None
        self.symbolic = False
        self.lowering = False


_state = _State()
_default_phase: bool | None = None


def current_trace() -> Trace | None:
    """The innermost open trace."""
    return _state.traces[-1] if _state.traces else None


def outermost_trace() -> Trace | None:
    """The first that was opened, of the graph that everything else belongs to."""
    return _state.traces[0] if _state.traces else None


def is_deferred() -> bool:
    """Whether what is built now runs later, when variables may have other values."""
    return _state.symbolic or (
        bool(_state.traces) and not any(active.at_once for active in _state.traces)
    )


def is_building() -> bool:
    """Whether a graph is being built, even if to run once and now."""
    return bool(_state.traces) or _state.symbolic


def is_outside_of_graphs() -> bool:
    """Whether what is made now is a value, and neither a part of a graph nor of its Program."""
    return not (is_building() or _state.lowering)


@contextmanager
def lowering() -> Iterator[None]:
    """What is made within becomes a Program."""
    before, _state.lowering = _state.lowering, True
    try:
        yield
    finally:
        _state.lowering = before


@contextmanager
def symbolic() -> Iterator[None]:
    """What is built within has an Input behind it, and so runs later, in a trace or not."""
    before, _state.symbolic = _state.symbolic, True
    try:
        yield
    finally:
        _state.symbolic = before


def current_phase() -> bool | None:
    """Whether what is being built is for training; None if that is left open."""
    return _state.phases[-1] if _state.phases else _default_phase


def set_default_phase(training: bool | None) -> None:
    """Decides what is built from now on, where nothing closer does (`K.set_learning_phase`)."""
    global _default_phase
    _default_phase = training


@contextmanager
def phase(training: bool | None) -> Iterator[None]:
    """What is built within is for training (or not)."""
    _state.phases.append(training)
    try:
        yield
    finally:
        _state.phases.pop()


def current_autocast() -> str | None:
    """The float that variables are cast to where they are used; None if they stay as they are."""
    return _state.autocasts[-1] if _state.autocasts else None


@contextmanager
def autocast(dtype: str | None) -> Iterator[None]:
    """Where float variables are used within, they are cast to `dtype`; None leaves them alone."""
    _state.autocasts.append(dtype)
    try:
        yield
    finally:
        _state.autocasts.pop()


@contextmanager
def outside() -> Iterator[None]:
    """What is done within happens as if no trace were open: assignments happen at once."""
    before = _state.traces, _state.phases, _state.autocasts, _state.symbolic
    _state.traces, _state.phases, _state.autocasts, _state.symbolic = [], [], [], False
    try:
        yield
    finally:
        _state.traces, _state.phases, _state.autocasts, _state.symbolic = before


class Scope(str):
    """A name around layers, which is none of a layer: a part of the paths of those within."""

    __slots__ = ()


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Nodes built within belong to the layer (or step, or Scope) `name`, for error messages."""
    _state.layers.append(name)
    try:
        yield
    finally:
        _state.layers.pop()


def is_calling() -> bool:
    """Whether a layer is being called: not where one is built, nor outside of layers."""
    return bool(_state.phases) and _within_layers()


def is_outermost() -> bool:
    """Whether nothing is being traced, and no layer called or built."""
    return not (_state.traces or _state.source or _within_layers())


def _within_layers() -> bool:
    return any(not isinstance(name, Scope) for name in _state.layers)


def current_scope() -> str:
    """The Scopes that are open, outermost first; "" in a layer, whose path has them already."""
    return "" if _within_layers() else "/".join(_state.layers)


@contextmanager
def at_scope(path: str) -> Iterator[None]:
    """What is built within has this path before its names, whatever is around."""
    before, _state.layers = _state.layers, [Scope(part) for part in path.split("/") if part]
    try:
        yield
    finally:
        _state.layers = before


def current_path() -> str:
    """The layers being called, outermost first: `model/encoder/dense_1`."""
    return _state.source or "/".join(_state.layers)


@contextmanager
def derived_from(source: str) -> Iterator[None]:
    """Nodes built within come from another node: its expansion or its gradient."""
    previous, _state.source = _state.source, source
    try:
        yield
    finally:
        _state.source = previous


def source() -> str:
    """Where the node being built comes from: layer path and the user's line."""
    if _state.source is not None:
        return _state.source
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(tuple(_not_the_users)):
        frame = frame.f_back
    line = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
    path = "/".join(_state.layers)
    return f"{path} ({line})" if path and line else path or line


def leave_out(directory: str) -> None:
    """Nodes never come from lines of code in this directory, but from those that called it."""
    _not_the_users.append(directory.rstrip(os.sep) + os.sep)
