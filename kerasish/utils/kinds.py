"""Checks that the arguments of a constructor are of the kinds that its annotations name."""

from __future__ import annotations

import inspect
import math
import numbers
import weakref
from typing import Any

import numpy as np


class Checked:
    """Base of classes whose constructors refuse arguments of a wrong kind, such as
    `patience="3"`: numbers, switches and names, as far as they are annotated as such.

    A whole number may be a float without a fraction, or infinite.

    >>> class Widget(Checked):
    ...     def __init__(self, size: float = 1.0):
    ...         self.size = size
    >>> Widget(2).size
    2
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        init = cls.__init__
        kinds = kinds_of(cls)
        if kinds:
            # A decorator may put arguments of older generations into another order.
            older = getattr(init, "older_names", lambda args: hasattr(init, "__wrapped__"))(args)
            places = () if older else zip(kinds, args, strict=False)
            for name, value in (*places, *kwargs.items()):
                check_kind(cls.__name__, name, value, kinds.get(name))
        parent = super().__new__
        return parent(cls) if parent is object.__new__ else parent(cls, *args, **kwargs)


def check_kind(owner: str, name: str, value: Any, kinds: frozenset[str] | None) -> None:
    """Raises TypeError if `value` is of none of the kinds "float", "int", "bool", "str", "None".

    >>> check_kind("SGD", "momentum", "0.9", frozenset({"float"}))
    Traceback (most recent call last):
        ...
    TypeError: SGD: momentum must be a number, but got '0.9'.
    """
    if not kinds or any(_TESTS[kind](value) for kind in kinds):
        return
    expected = " or ".join(word for kind, word in _WORDS.items() if kind in kinds)
    raise TypeError(f"{owner}: {name} must be {expected}, but got {value!r}.")


def check_range(owner: object, least: float, most: float = np.inf, **values: Any) -> None:
    """Raises ValueError if one of the values is given and not from `least` to `most`.

    >>> check_range(np.ones(1), 0, 1, rate=2)
    Traceback (most recent call last):
        ...
    ValueError: ndarray: rate must be from 0 to 1, but got 2.
    """
    for name, value in values.items():
        if isinstance(value, numbers.Real) and not least <= float(value) <= most:
            wanted = f"at least {least}" if most == np.inf else f"from {least} to {most}"
            raise ValueError(f"{type(owner).__name__}: {name} must be {wanted}, but got {value!r}.")


Kinds = dict[str, "frozenset[str] | None"]
_known: weakref.WeakKeyDictionary[type, Kinds] = weakref.WeakKeyDictionary()


def kinds_of(cls: type) -> Kinds:
    """The kinds of each argument of the constructor, in order; None if it may be anything.

    Nothing for constructors that aren't the library's own.
    """
    if cls not in _known:
        _known[cls] = _found_kinds(cls)
    return _known[cls]


def _found_kinds(cls: type) -> Kinds:
    found: Kinds = {}
    for each in (c for c in cls.__mro__[:-1] if "__init__" in vars(c)):
        init = vars(each)["__init__"]
        if not each.__module__.startswith(__name__.partition(".")[0] + "."):
            return found
        parameters = list(inspect.signature(init).parameters.values())[1:]
        for p in parameters:
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                kinds = frozenset(str(p.annotation).replace(" ", "").split("|"))
                found.setdefault(p.name, kinds if kinds <= _TESTS.keys() else None)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break  # nothing gets further
    return found


def _is_number(value: Any) -> bool:
    """Also an array or a tensor of one number."""
    if isinstance(value, numbers.Real):
        return True
    return hasattr(type(value), "__float__") and tuple(getattr(value, "shape", ())) in ((), (1,))


def _is_whole(value: Any) -> bool:
    known = isinstance(value, numbers.Real)  # what a tensor holds is seen when it is used
    return _is_number(value) and not (known and math.isfinite(value) and value % 1)


def _is_switch(value: Any) -> bool:
    return value is None or isinstance(value, np.bool_) or (_is_number(value) and value in (0, 1))


_TESTS: dict[str, Any] = {
    "float": _is_number,
    "int": _is_whole,
    "bool": _is_switch,
    "str": lambda value: isinstance(value, str),
    "None": lambda value: value is None,
}
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "bool": "True or False",
    "str": "a string",
    "None": "None",
}
