"""Positional arguments in the orders of older Keras."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def by_name(
    owner: str, order: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Positional arguments by their names, and those that were given by name.

    Args:
        owner: what is called, for messages.
        order: the names of positional arguments.
        args: the positional arguments.
        kwargs: the others.

    Raises:
        TypeError: there are more than names, or one was given by name, too.

    >>> by_name("range", ("start", "stop"), (1, 5), {"step": 2})
    {'start': 1, 'stop': 5, 'step': 2}
    """
    if len(args) > len(order):
        raise TypeError(
            f"{owner} takes at most {len(order)} positional arguments in this order "
            f"({', '.join(order)}), but got {len(args)}."
        )
    named = dict(zip(order, args, strict=False))
    twice = [name for name in named if name in kwargs]
    if twice:
        raise TypeError(f"{owner} got {twice[0]!r} twice: positionally, and by name.")
    return {**named, **kwargs}


def older_order(*orders: tuple[int, Callable[[Any], bool], tuple[str, ...]]) -> Callable:
    """Decorator of `__init__`: positional arguments in the order of an older Keras.

    Keras 1 and 2 had other arguments in the same places. Where a value shows which Keras is
    meant (`SGD(0.1, 0.9, 1e-6, True)`: a decay, where now `nesterov` is), it is understood.

    Args:
        *orders: a place, a test of the value there that only the older order passes, and the
            older names of all arguments.
    """

    def names_of(args: tuple[Any, ...]) -> tuple[str, ...] | None:
        fitting = (n for place, is_it, n in orders if len(args) > place and is_it(args[place]))
        return next(fitting, None)

    def decorate(init: Callable) -> Callable:
        @functools.wraps(init)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
            names = names_of(args)
            if names:
                args, kwargs = (), by_name(type(self).__name__, names, args, kwargs)
                if type(self).__init__ is wrapped:  # else a class's own __init__ was called
                    self._init_arguments = args, dict(kwargs)
            init(self, *args, **kwargs)

        wrapped.older_names = names_of  # type: ignore[attr-defined]
        return wrapped

    return decorate


def older_keywords(**renamed: str) -> Callable[[Function], Function]:
    """Decorator of a function: arguments under their older names (old=new) are understood.

    >>> @older_keywords(y="x")
    ... def double(x):
    ...     return 2 * x
    >>> double(y=3)
    6
    """

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            for old in renamed.keys() & kwargs.keys():
                new = renamed[old]
                if new in kwargs:
                    raise TypeError(
                        f"{function.__name__} got {new!r} twice: {old!r} is an older name of it."
                    )
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]

    return decorate


def is_number(value: Any) -> bool:
    """Whether a value is a number, where now a bool is expected."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_bool(value: Any) -> bool:
    """Whether a value is a bool, where now a number is expected."""
    return isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Whether a value is a string, where now another kind is expected."""
    return isinstance(value, str)


def is_none(value: Any) -> bool:
    """Whether a value is None, where now a number is expected."""
    return value is None
