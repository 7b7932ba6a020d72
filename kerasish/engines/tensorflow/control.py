"""Loops and branches. Programs within come as functions (inputs, counter) -> outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasish.engines.numpy.control import MIX
from kerasish.engines.tensorflow.library import tf

Body = Callable[..., list[Any]]


def mixed(counter: Any, position: Any) -> Any:
    """The run counter of one step of a loop: all steps draw other random numbers."""
    return counter * tf.constant(MIX - 2**64, tf.int64) + tf.cast(position, tf.int64) + 1


def scan(
    *inputs: Any,
    body: Body,
    carries: int,
    sequences: int,
    length: int,
    reverse: bool,
    history: tuple[int, ...],
    specs: Sequence[Any],
    counter: Any,
) -> list[Any]:
    state = list(inputs[:carries])
    xs, captures = inputs[carries : carries + sequences], inputs[carries + sequences :]

    def step(state: Sequence[Any], i: Any) -> tuple[list[Any], list[Any]]:
        elements = [tf.gather(x, i) for x in xs]
        results = body([*state, *elements, *captures], mixed(counter, i))
        return results[:carries], [*results[carries:], *(state[c] for c in history)]

    if tf.executing_eagerly() and length:
        rows: list[list[Any]] = [[] for _ in range(length)]
        for i in reversed(range(length)) if reverse else range(length):
            state, rows[i] = step(state, i)
        return [*state, *(tf.stack(column) for column in zip(*rows, strict=True))]

    stacks = [
        tf.TensorArray(spec.dtype, length, element_shape=spec.shape[1:]) for spec in specs[carries:]
    ]

    def one(count: Any, state: Any, stacks: Any) -> Any:
        i = length - 1 - count if reverse else count
        state, row = step(state, i)
        return count + 1, state, [s.write(i, x) for s, x in zip(stacks, row, strict=True)]

    _, state, stacks = tf.while_loop(
        lambda count, *_: count < length,
        one,
        (tf.constant(0), state, stacks),
        parallel_iterations=1,
    )
    return [*state, *(s.stack() for s in stacks)]


def while_(
    *inputs: Any,
    condition: Body,
    body: Body,
    states: int,
    maximum: int | None,
    specs: Sequence[Any],
    counter: Any,
) -> list[Any]:
    captures = inputs[states:]

    def goes_on(count: Any, state: Any) -> Any:
        return condition([*state, *captures], mixed(counter, count))[0]

    def one(count: Any, state: Any) -> Any:
        return count + 1, body([*state, *captures], mixed(counter, count))

    start = (tf.constant(0), list(inputs[:states]))
    _, state = tf.while_loop(goes_on, one, start, maximum_iterations=maximum, parallel_iterations=1)
    return state


def cond(
    pred: Any, *captures: Any, then: Body, otherwise: Body, specs: Sequence[Any], counter: Any
) -> list[Any]:
    results = tf.cond(pred, lambda: then(captures, counter), lambda: otherwise(captures, counter))
    return list(results) if isinstance(results, (list, tuple)) else [results]


TABLE: dict[str, Callable[..., Any]] = {"scan": scan, "while": while_, "cond": cond}
