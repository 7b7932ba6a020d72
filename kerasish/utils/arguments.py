"""Errors for misspelt names that say what was probably meant."""

from __future__ import annotations

import difflib
import inspect
import weakref
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
    wrong, known = next(iter(kwargs)), _known(function)
    raise TypeError(
        f"{name} got an unexpected argument {wrong!r}.{suggestion(wrong, known)} "
        f"It takes: {', '.join(known)}."
    )


def reject_misspelt(
    cls: type, init: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Raises TypeError if `init` of a class can't be called so and an unknown name is to blame.

    Of `Dense(unit=3)` Python would say that `units` is missing.
    """
    own = _parameters(init)[1:]
    names = {p.name for p in own}
    unknown = [name for name in kwargs if name not in names]
    if not unknown:
        return
    if any(p.kind is p.VAR_KEYWORD for p in own):
        # A base class judges them, if it comes to that.
        lacking = (p for p in own[len(args) :] if p.name not in kwargs and p.default is p.empty)
        if not any(p.kind is p.POSITIONAL_OR_KEYWORD for p in lacking):
            return
        known = _known(cls)
        unknown = [name for name in unknown if name not in known and suggestion(name, known)]
    reject_unknown({name: kwargs[name] for name in unknown}, cls, cls.__name__)


def _known(function: Callable[..., Any] | type) -> list[str]:
    functions = [function]
    if isinstance(function, type):
        functions = [vars(c)["__init__"] for c in function.__mro__[:-1] if "__init__" in vars(c)]
    known: dict[str, None] = {}
    for each in functions:
        parameters = _parameters(each)
        several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        known.update((p.name, None) for p in parameters if p.kind not in several)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break  # nothing gets further
    return [name for name in known if name != "self"]


_found: weakref.WeakKeyDictionary[Callable[..., Any], list[inspect.Parameter]]
_found = weakref.WeakKeyDictionary()


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function, remembered: finding them takes longer than many a layer."""
    if not inspect.isfunction(function):
        return list(inspect.signature(function).parameters.values())
    if function not in _found:
        _found[function] = list(inspect.signature(function).parameters.values())
    return _found[function]
