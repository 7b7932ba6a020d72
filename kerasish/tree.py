"""Nested structures of tensors: lists, tuples and dicts, walked in one order.

Dicts are walked in the order of their sorted keys, so that two dicts with equal keys
always match.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
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


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves, in order, each with the keys and positions that lead to it.

    >>> flatten_with_path({"a": [5, 6]})
    [(('a', 0), 5), (('a', 1), 6)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, item in _items(structure)
        for path, leaf in flatten_with_path(item)
    ]


def _items(structure: Any) -> list[tuple[Any, Any]]:
    """What a list, tuple or dict holds, each with its position or key."""
    if isinstance(structure, dict):
        return [(key, structure[key]) for key in sorted(structure)]
    return list(enumerate(structure))


def map_structure(
    func: Callable[..., Any], structure: Any, *others: Any, none_is_leaf: bool = True
) -> Any:
    """`structure` with each leaf replaced by func(leaf, *leaves of the others).

    Args:
        func: takes as many leaves as there are structures.
        structure: a nested structure.
        others: structures like it.
        none_is_leaf: whether `func` is called for leaves that are None; if not, they stay.

    Raises:
        ValueError: the structures differ.

    >>> map_structure(lambda a, b: a + b, {"x": 1}, {"x": 2})
    {'x': 3}
    """
    for other in others:
        assert_same_structure(structure, other)
    groups = zip(*(flatten(s) for s in (structure, *others)), strict=True)
    return pack(
        structure,
        [None if group[0] is None and not none_is_leaf else func(*group) for group in groups],
    )


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Like `map_structure`, but what stands at a leaf of `shallow_structure` is taken whole.

    >>> map_structure_up_to([0, 0], len, [[1, 2], [3]])
    [2, 1]
    """
    groups = zip(*(_cut(shallow_structure, s) for s in structures), strict=True)
    return pack(shallow_structure, [func(*group) for group in groups])


def _cut(shallow: Any, structure: Any) -> list[Any]:
    """The parts of `structure` that stand where `shallow` has its leaves."""
    if not is_nested(shallow):
        return [structure]
    if not is_nested(structure) or [k for k, _ in _items(shallow)] != [
        k for k, _ in _items(structure)
    ]:
        raise ValueError(f"The structure {structure!r} does not begin like {shallow!r}.")
    parts = zip(_items(shallow), _items(structure), strict=True)
    return [part for (_, above), (_, below) in parts for part in _cut(above, below)]


def map_shape_structure(func: Callable[..., Any], structure: Any) -> Any:
    """`structure` with each shape in it, a tuple or list of ints and None, replaced.

    >>> map_shape_structure(len, {"a": (None, 3), "b": [(2,)]})
    {'a': 2, 'b': [1]}
    """
    if isinstance(structure, (tuple, list)) and all(
        size is None or isinstance(size, int) for size in structure
    ):
        return func(tuple(structure))
    if not is_nested(structure):
        raise ValueError(f"Expected shapes in lists, tuples or dicts, but got {structure!r}.")
    return _rebuilt(structure, [map_shape_structure(func, x) for _, x in _items(structure)])


class MAP_TO_NONE:
    """What a function given to `traverse` returns for None to take a part's place."""


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """`structure` with parts replaced by what `func` returns for them.

    Args:
        func: takes a part: a list, tuple, dict or leaf. None keeps the part, `MAP_TO_NONE`
            puts None in its place.
        structure: a nested structure.
        top_down: whether a list is asked for before what it holds (which is then not asked for
            if the list was replaced), or after.

    >>> traverse(lambda part: tuple(part) if isinstance(part, list) else None, [1, [2]], False)
    (1, (2,))
    """
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(structure):
        parts = [traverse(func, part, top_down) for _, part in _items(structure)]
        structure = _rebuilt(structure, parts)
    if top_down:
        return structure
    found = func(structure)
    if found is None:
        return structure
    return None if found is MAP_TO_NONE else found


def lists_to_tuples(structure: Any) -> Any:
    """`structure` with tuples in place of its lists.

    >>> lists_to_tuples({"a": [1, [2]]})
    {'a': (1, (2,))}
    """
    return traverse(
        lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False
    )


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """`structure` with its leaves replaced by those of a flat sequence, in order.

    >>> pack_sequence_as({"b": 0, "a": (0,)}, [1, 2])
    {'b': 2, 'a': (1,)}
    """
    return pack(structure, list(flat_sequence))


def pack(structure: Any, leaves: list[Any]) -> Any:
    """`structure` with its leaves replaced by `leaves`, in order.

    >>> pack([0, (0, 0)], [1, 2, 3])
    [1, (2, 3)]
    """
    count = len(flatten(structure))
    if len(leaves) != count:
        raise ValueError(f"The structure {structure!r} has {count} leaves, but got {len(leaves)}.")
    return _packed(structure, iter(leaves))


def _packed(structure: Any, leaves: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return _rebuilt(structure, [_packed(item, leaves) for _, item in _items(structure)])


def _rebuilt(structure: Any, parts: list[Any]) -> Any:
    """A structure of the same type and keys that holds `parts`, which are in our order."""
    if isinstance(structure, dict):
        rebuilt = copy.copy(structure)  # of any subclass, with its keys in their order
        rebuilt.update(zip(sorted(structure), parts, strict=True))
        return rebuilt
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*parts)
    return type(structure)(parts)


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Raises ValueError unless two structures match, leaf for leaf.

    Args:
        a: a nested structure.
        b: another one.
        check_types: whether a list and a tuple differ.

    >>> assert_same_structure([1, {"x": 2}], [3, {"x": 4}])
    """
    if not same_structure(a, b) or (check_types and _types(a) != _types(b)):
        raise ValueError(f"The structures differ: {a!r} and {b!r}.")


def _types(structure: Any) -> list[type]:
    if not is_nested(structure):
        return []
    return [type(structure), *(t for _, item in _items(structure) for t in _types(item))]


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises ValueError unless the same keys and positions lead to the leaves of both.

    >>> assert_same_paths([1, 2], (3, 4))
    """
    only = {path for path, _ in flatten_with_path(a)} ^ {path for path, _ in flatten_with_path(b)}
    if only:
        raise ValueError(f"These paths are in one of the structures only: {sorted(only, key=str)}.")


def same_structure(a: Any, b: Any) -> bool:
    """Whether two structures match, leaf for leaf."""
    if isinstance(a, dict) or isinstance(b, dict):
        both = isinstance(a, dict) and isinstance(b, dict) and sorted(a) == sorted(b)
        return both and all(same_structure(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        both = isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b)
        return both and all(same_structure(x, y) for x, y in zip(a, b, strict=True))
    return True
