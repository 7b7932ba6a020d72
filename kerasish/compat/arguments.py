"""Positional arguments in the orders of older Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


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
