"""Checks of layers' arguments: each returns the value in its one canonical form."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from kerasish import config
from kerasish.graph.spec import format_shape


def positive(value: Any, what: str) -> int:
    """An int of at least 1.

    >>> positive(3, "Dense: units")
    3
    """
    number = _int(value)
    if number is None or number < 1:
        raise ValueError(f"{what} must be a positive int, but got {value!r}.")
    return number


def are_shapes(shape: Any) -> bool:
    """Whether it is a list of shapes, and not one.

    >>> are_shapes([(None, 3), (None, 4)]), are_shapes([None, 3])
    (True, False)
    """
    several = isinstance(shape, (list, tuple)) and bool(shape)
    return several and isinstance(shape[0], (list, tuple))


def features(shape: Sequence[Any], layer: str) -> int:
    """The size of the last axis of a layer's inputs, which has to be known.

    >>> features((None, 3), "d")
    3
    """
    if not all(size is None or isinstance(size, int) for size in shape):
        raise ValueError(f"Layer {layer} takes one tensor, but got inputs of the shapes {shape}.")
    if shape[-1] is None:
        raise ValueError(
            f"Layer {layer}: the last axis of the inputs must have a known size, but their shape "
            f"is {format_shape(tuple(shape))}. Give it in Input(shape=...)."
        )
    return shape[-1]


def per_axis(value: Any, rank: int, what: str, least: int = 1) -> tuple[int, ...]:
    """One int per spatial axis; a single int counts for all.

    >>> per_axis(2, 3, "strides")
    (2, 2, 2)
    """
    items = list(value) if isinstance(value, (Sequence, np.ndarray)) else [value] * rank
    sizes = [_int(item) for item in items]
    if len(sizes) != rank or any(size is None or size < least for size in sizes):
        wanted = "a positive int" if least == 1 else f"an int of at least {least}"
        many = "" if rank == 1 else f" or {rank} of them"
        raise ValueError(f"{what} must be {wanted}{many}, but got {value!r}.")
    return tuple(sizes)  # type: ignore[arg-type]


def pairs_per_axis(value: Any, rank: int, what: str) -> tuple[tuple[int, int], ...]:
    """(before, after) per spatial axis, from an int, one int per axis, or the pairs themselves.

    For one axis a pair is (before, after).

    >>> pairs_per_axis((1, 2), 2, "padding"), pairs_per_axis((1, 2), 1, "padding")
    (((1, 1), (2, 2)), ((1, 2),))
    """
    items = [value] * rank if _int(value) is not None else _listed(value)
    if rank == 1 and len(items) == 2 and all(_int(item) is not None for item in items):
        items = [tuple(items)]
    pairs = [(item, item) if _int(item) is not None else _listed(item) for item in items]
    flat = [_int(size) for pair in pairs for size in pair]
    if (
        len(pairs) != rank
        or any(len(pair) != 2 for pair in pairs)
        or any(size is None or size < 0 for size in flat)
    ):
        raise ValueError(
            f"{what} must be an int, or an int or a (before, after) pair for each of {rank} "
            f"axes, none negative, but got {value!r}."
        )
    return tuple((int(before), int(after)) for before, after in pairs)


def one_of(value: Any, allowed: Sequence[str], what: str) -> str:
    """One of some strings, in lower case."""
    name = value.lower() if isinstance(value, str) else value
    if name not in allowed:
        listed = " or ".join(map(repr, allowed))
        raise ValueError(f"{what} must be {listed}, but got {value!r}.")
    return name


def padding(value: Any, allowed: Sequence[str], rank: int, what: str) -> Any:
    """One of some words; or, as models of Theano need it, (before, after) per spatial axis.

    >>> padding("Same", ("valid", "same"), 2, "padding"), padding([[1, 0]], (), 1, "padding")
    ('same', ((1, 0),))
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        return pairs_per_axis(value, rank, what)
    return one_of(value, allowed, what)


def data_format(value: Any, what: str) -> str:
    """ "channels_last" or "channels_first"; that of the configuration for None."""
    if value is None:
        return config.image_data_format()
    return one_of(value, config.IMAGE_DATA_FORMATS, f"{what}: data_format")


def flag(value: Any, what: str) -> bool:
    """True or False, also as 1 or 0.

    >>> flag(1, "trainable")
    True
    """
    if value not in (True, False):
        raise TypeError(f"{what} must be True or False, but got {value!r}.")
    return bool(value)


def fraction(value: Any, what: str, whole: bool = False) -> float:
    """A number from 0 to below 1, such as a dropout rate; 1 too if it may be the `whole`."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (0 <= value < 1 or (whole and value == 1)):
        most = "1" if whole else "below 1"
        raise ValueError(f"{what} must be a number from 0 to {most}, but got {value!r}.")
    return value


def _listed(value: Any) -> list[Any]:
    """The items of a sequence; none of anything else."""
    return list(value) if isinstance(value, Iterable) else []


def _int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
