"""Errors for misspelt names that say what was probably meant."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def suggestion(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'compile'?` or nothing.

    >>> suggestion("complie", ["compile", "fit"])
    " Did you mean 'compile'?"
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    # `batch` for `batch_size`: the beginning of a longer name.
    close = close or [k for k in known if k.startswith(f"{name}_") or name.startswith(f"{k}_")]
    return f" Did you mean {close[0]!r}?" if close else ""


def reject_unknown(kwargs: dict[str, Any], function: Callable[..., Any] | type, name: str) -> None:
    """Raises TypeError if `kwargs`, the arguments that `function` doesn't know, has any.

    Of a class, what is known are the arguments of its constructor and of those that it extends.
    """
    if not kwargs:
        return
    wrong = next(iter(kwargs))
    functions = [function]
    if isinstance(function, type):
        functions = [vars(c)["__init__"] for c in function.__mro__[:-1] if "__init__" in vars(c)]
    known = dict.fromkeys(
        p.name
        for f in functions
        for p in inspect.signature(f).parameters.values()
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name != "self"
    )
    raise TypeError(
        f"{name} got an unexpected argument {wrong!r}.{suggestion(wrong, known)} "
        f"It takes: {', '.join(known)}."
    )
