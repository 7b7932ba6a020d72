"""Loops and branches: their definitions.

They get the Programs within as functions (inputs, counter) -> outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.graph import dtypes

Array = np.ndarray
Body = Callable[..., Sequence[Array]]  # (inputs, counter) -> outputs


# An odd number near 2**64 divided by the golden ratio.
MIX = 0x9E3779B97F4A7C15


def mixed(counter: int, position: int) -> int:
    """The run counter of one step of a loop: all steps draw other random numbers."""
    return (counter * MIX + position + 1) % 2**64


def scan(
    *inputs: Array,
    body: Body,
    carries: int,
    sequences: int,
    length: int,
    reverse: bool,
    history: tuple[int, ...],
    specs: Any,
    counter: int,
) -> tuple[Array, ...]:
    state = list(inputs[:carries])
    xs, captures = inputs[carries : carries + sequences], inputs[carries + sequences :]
    stacks = [np.empty(spec.shape, dtypes.numpy_dtype(spec.dtype)) for spec in specs[carries:]]
    for i in reversed(range(length)) if reverse else range(length):
        results = body([*state, *(x[i] for x in xs), *captures], mixed(counter, i))
        rows = [*results[carries:], *(state[c] for c in history)]
        for stack, row in zip(stacks, rows, strict=True):
            stack[i] = row
        state = list(results[:carries])
    return (*state, *stacks)


def while_(
    *inputs: Array,
    condition: Body,
    body: Body,
    states: int,
    maximum: int | None,
    specs: Any,
    counter: int,
) -> tuple[Array, ...]:
    state, captures = list(inputs[:states]), inputs[states:]
    rounds = 0
    while maximum is None or rounds < maximum:
        now = mixed(counter, rounds)
        if not condition([*state, *captures], now)[0]:
            break
        state = list(body([*state, *captures], now))
        rounds += 1
    return tuple(state)


def cond(
    pred: Array, *captures: Array, then: Body, otherwise: Body, specs: Any, counter: int
) -> tuple[Array, ...]:
    return tuple((then if pred else otherwise)(captures, counter))


TABLE: dict[str, Callable[..., Any]] = {"scan": scan, "while": while_, "cond": cond}
