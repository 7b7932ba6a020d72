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

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Trace:
    """The effects of one traced call.

    Attributes:
        training: True, False, or None where it is not decided yet.
        updates: variable -> its new value, applied together when the Function has run.
        losses: scalars added by `add_loss`.
        draws: how often each random stream was used, so that two uses differ. None leaves
            the count to the streams, as outside of any trace.
    """

    def __init__(self, training: bool | None = None):
        self.training = training
        self.updates: dict[Variable, Tensor] = {}
        self.losses: list[Tensor] = []
        self.draws: dict[int, int] | None = {}

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
        self.source: str | None = None


_state = _State()


def current_trace() -> Trace | None:
    """The innermost open trace."""
    return _state.traces[-1] if _state.traces else None


def current_phase() -> bool | None:
    """Whether what is being built is for training; None if that is left open."""
    return _state.phases[-1] if _state.phases else None


@contextmanager
def phase(training: bool | None) -> Iterator[None]:
    """What is built within is for training (or not)."""
    _state.phases.append(training)
    try:
        yield
    finally:
        _state.phases.pop()


@contextmanager
def outside() -> Iterator[None]:
    """What is done within happens as if no trace were open: assignments happen at once."""
    traces, phases = _state.traces, _state.phases
    _state.traces, _state.phases = [], []
    try:
        yield
    finally:
        _state.traces, _state.phases = traces, phases


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Nodes built within belong to the layer (or step) `name`, for error messages."""
    _state.layers.append(name)
    try:
        yield
    finally:
        _state.layers.pop()


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
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    line = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
    path = "/".join(_state.layers)
    return f"{path} ({line})" if path and line else path or line
