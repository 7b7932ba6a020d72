"""Tracebacks that show the user's lines, and not those of this package."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from kerasish import config

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

Function = TypeVar("Function", bound=Callable[..., Any])


def filtered(function: Function) -> Function:
    """Decorator: errors that leave `function` have no lines of this package in their traceback.

    The user's lines stay, also those further in: of a layer's `call`, a generator, a callback.
    `config.disable_traceback_filtering` keeps all of them.

    Example:
        >>> @filtered
        ... def fails():
        ...     raise ValueError("no")
        >>> try:
        ...     fails()
        ... except ValueError as error:
        ...     print(error)
        no
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not config.is_traceback_filtering_enabled():
                raise
            error.__traceback__ = without_package(error.__traceback__)
            raise

    return wrapped  # type: ignore[return-value]


def without_package(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this package, of which there may be none left."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    kept = [t for t in frames if not t.tb_frame.f_code.co_filename.startswith(_PACKAGE)]
    result: TracebackType | None = None
    for frame in reversed(kept):
        result = TracebackType(result, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return result


def warn_user(text: str, category: type[Warning] = UserWarning) -> None:
    """Warns, naming the user's line that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
