"""Unique names of layers, models and weights."""

from __future__ import annotations

import re
from collections import Counter

_uids: Counter[str] = Counter()


def get_uid(prefix: str = "") -> int:
    """The next number for `prefix`, counting from 1.

    Args:
        prefix: any string.

    Returns:
        An int.

    >>> reset_uids(); get_uid("dense"), get_uid("dense")
    (1, 2)
    """
    _uids[prefix] += 1
    return _uids[prefix]


def reset_uids() -> None:
    """Starts all numbers over.

    >>> _ = get_uid("dense")
    >>> reset_uids(); get_uid("dense")
    1
    """
    _uids.clear()


def snake_case(name: str) -> str:
    """`Conv2DTranspose` as `conv2d_transpose`.

    >>> snake_case("MaxPooling2D"), snake_case("LSTM"), snake_case("BatchNormalization")
    ('max_pooling2d', 'lstm', 'batch_normalization')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def unique_name(stem: str) -> str:
    """`dense`, then `dense_1`, `dense_2` ..."""
    uid = get_uid(stem)
    return stem if uid == 1 else f"{stem}_{uid - 1}"
