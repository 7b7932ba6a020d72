"""Outputs nested deeper than one list or dict, and what `compile` and `fit` are given for them."""

from __future__ import annotations

from typing import Any

from kerasish import tree
from kerasish.utils.arguments import suggestion


def is_deep(outputs: Any) -> bool:
    """Whether some entry of the outputs is itself a list or dict.

    >>> is_deep({"x": [1, 2], "y": 3}), is_deep([1, 2])
    (True, False)
    """
    return any(len(path) > 1 for path, _ in tree.flatten_with_path(outputs))


def along(outputs: Any, given: Any, what: str) -> list[Any]:
    """One entry of `given` per output, where it is nested as the outputs are.

    A list with an entry for each output will do too, and a single entry counts for all below.

    Args:
        outputs: the outputs, in lists and dicts.
        given: losses, lists of metrics, targets ..., of which dicts may leave entries out.
        what: names it in messages.

    Raises:
        ValueError: for a key that the outputs don't have, or another number of entries.

    >>> along({"x": [1, 2], "y": 3}, {"x": ["mse", "mae"]}, "loss")
    ['mse', 'mae', None]
    """
    if not tree.is_nested(outputs):
        return [given]
    count = len(tree.flatten(outputs))
    if isinstance(given, dict) and isinstance(outputs, dict):
        unknown = [key for key in given if key not in outputs]
        if unknown:
            raise ValueError(
                f"{what}: there is no output called {unknown[0]!r}."
                f"{suggestion(str(unknown[0]), list(outputs))} They are called {sorted(outputs)}."
            )
        return [x for key in sorted(outputs) for x in along(outputs[key], given.get(key), what)]
    if not tree.is_nested(given):
        return [given] * count
    if not isinstance(given, dict):
        if not isinstance(outputs, dict) and len(given) == len(outputs):
            pairs = zip(outputs, given, strict=True)
            return [x for own, part in pairs for x in along(own, part, what)]
        if len(given) == count:
            return list(given)
    raise ValueError(
        f"{what}: expected one entry per output, nested as the outputs are "
        f"({tree.map_structure(lambda _: 'output', outputs)}), but got {given!r:.200}."
    )


def loss_names(outputs: Any, names: list[str]) -> list[str]:
    """What the losses of deep outputs are called in logs: by their place, as in Keras 3.

    >>> loss_names({"x": [1, 2], "y": 3}, ["a", "b", "c"])
    ['x/a', 'x/b', 'y']
    """
    paths = [list(path) for path, _ in tree.flatten_with_path(outputs)]
    for path, name in zip(paths, names, strict=True):
        path[-1] = name if isinstance(path[-1], int) else path[-1]
    return ["/".join(map(str, path)) for path in paths]
