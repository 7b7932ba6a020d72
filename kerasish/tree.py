"""Nested structures of tensors: lists, tuples and dicts, walked in one order.

Dicts are walked in the order of their sorted keys, so that two dicts with equal keys
always match.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a list, tuple or dict."""
    return isinstance(structure, (list, tuple, dict))


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order.

    >>> flatten({"b": 2, "a": [1, (3,)]})
    [1, 3, 2]
    """
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


def map_structure(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """`structure` with each leaf replaced by function(leaf, *leaves of the others).

    >>> map_structure(lambda a, b: a + b, {"x": 1}, {"x": 2})
    {'x': 3}
    """
    leaves = zip(*(flatten(s) for s in (structure, *others)), strict=True)
    return pack(structure, [function(*group) for group in leaves])


def pack(structure: Any, leaves: list[Any]) -> Any:
    """`structure` with its leaves replaced by `leaves`, in order.

    >>> pack([0, (0, 0)], [1, 2, 3])
    [1, (2, 3)]
    """
    iterator = iter(leaves)
    result = _packed(structure, iterator)
    if next(iterator, iterator) is not iterator:
        raise ValueError(f"{len(leaves)} leaves are too many for the structure {structure!r}.")
    return result


def _packed(structure: Any, leaves: Any) -> Any:
    if isinstance(structure, dict):
        values = {key: _packed(structure[key], leaves) for key in sorted(structure)}
        return type(structure)((key, values[key]) for key in structure)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_packed(item, leaves) for item in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(_packed(item, leaves) for item in structure)
    return next(leaves)


def same_structure(a: Any, b: Any) -> bool:
    """Whether two structures match, leaf for leaf."""
    if isinstance(a, dict) or isinstance(b, dict):
        both = isinstance(a, dict) and isinstance(b, dict) and sorted(a) == sorted(b)
        return both and all(same_structure(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        both = isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b)
        return both and all(same_structure(x, y) for x, y in zip(a, b, strict=True))
    return True
