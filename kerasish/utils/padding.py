"""Sequences of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Makes sequences equally long: shorter ones are filled up, longer ones cut.

    Args:
        sequences: lists or arrays, such as the words of texts; steps may be arrays themselves.
        maxlen: the length that all get; that of the longest if None.
        dtype: of the result; `object` for strings.
        padding: where to fill up, "pre" or "post".
        truncating: where to cut, "pre" or "post".
        value: to fill up with.

    Shapes:
        -> (number of sequences, maxlen, ...)

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
    array([[0, 1],
           [2, 3],
           [5, 6]], dtype=int32)
    """
    for name, where in (("padding", padding), ("truncating", truncating)):
        if where not in ("pre", "post"):
            raise ValueError(f'pad_sequences: {name} must be "pre" or "post", but got {where!r}.')
    strings = isinstance(value, str) and not np.issubdtype(dtype, np.str_)
    if strings and np.dtype(dtype) != object:
        raise ValueError(f"pad_sequences: strings, as value={value!r}, need dtype=object.")
    if not all(hasattr(x, "__len__") for x in sequences):
        found = next(x for x in sequences if not hasattr(x, "__len__"))
        raise ValueError(f"pad_sequences: expected a list of sequences, but it contains {found!r}.")
    length = max(map(len, sequences), default=0) if maxlen is None else maxlen
    steps = next((np.shape(x)[1:] for x in sequences if len(x)), ())
    result = np.full((len(sequences), length, *steps), value, dtype)
    for i, x in enumerate(sequences):
        kept = x[len(x) - min(len(x), length) :] if truncating == "pre" else x[:length]
        if len(kept) and np.shape(kept)[1:] != steps:
            raise ValueError(
                f"pad_sequences: the steps of sequence {i} have shape {np.shape(kept)[1:]}, those "
                f"of the first one {steps}."
            )
        if len(kept):
            start = length - len(kept) if padding == "pre" else 0
            result[i, start : start + len(kept)] = kept
    return result
