"""Connectionist temporal classification: labels of a sequence without their times.

Source: Graves et al., 2006, https://doi.org/10.1145/1143844.1143891
"""

from __future__ import annotations

import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import (
    arange,
    concatenate,
    expand_dims,
    full_like,
    one_hot,
    reshape,
    shape,
    stack,
    transpose,
    zeros_like,
)
from kerasish.ops.elementwise import cast, exp, log, not_equal, promoted, stop_gradient, where
from kerasish.ops.linalg import matmul
from kerasish.ops.loops import scan
from kerasish.ops.nn import log_softmax
from kerasish.ops.reduce import argmax, cumsum, max, sum

# The logarithm of what cannot be. Not infinite: differences of it must not become NaN.
_NEVER = -1e30


def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """-log of the probability of the labels, summed over all times at which they may stand.

    Args:
        target: labels, ints (batch, labels).
        output: logits (batch, times, classes).
        target_length: how many of the labels count, ints (batch,).
        output_length: how many of the times count, ints (batch,).
        mask_index: the class that stands for no label.

    Returns:
        One number per sequence, infinite where the labels do not fit into the times.

    >>> ctc_loss([[1]], [[[0.0, 0.0]]], [1], [1]).numpy()
    array([0.6931472], dtype=float32)
    """
    (logits,) = promoted(output, to=dtypes.floating)
    labels, lengths, times = (cast(x, "int32") for x in (target, target_length, output_length))
    if logits.rank != 3 or labels.rank != 2 or None in (labels.shape[1], logits.shape[2]):
        raise ValueError(
            "ctc_loss: expected target (batch, labels) and output (batch, times, classes), but "
            f"got {format_shape(labels.shape)} and {format_shape(logits.shape)}."
        )
    states = _with_blanks(labels, mask_index)
    hot = one_hot(states, logits.shape[2], axis=1, dtype=logits.dtype)  # type: ignore[arg-type]
    scores = transpose(matmul(log_softmax(logits), hot), (1, 0, 2))  # (times, batch, states)
    two_before = concatenate([full_like(states[:, :2], mask_index), states[:, :-2]], axis=1)
    skips = not_equal(states, mask_index) & not_equal(states, two_before)
    first = where(arange(states.shape[1]) < 2, scores[0], _NEVER)

    def step(before: Tensor, now: Any) -> tuple[Tensor, None]:
        score, time = now
        ways = [before, _later(before, 1), where(skips, _later(before, 2), _NEVER)]
        after = _log_sum(ways) + score
        return where(expand_dims(time < times, 1), after, before), None

    steps = cast(arange(1, shape(scores)[0]), "int32")
    last, _ = scan(step, first, (scores[1:], steps))
    # It ends with the last label, or with the blank after it.
    left = expand_dims(2 * lengths, 1) - arange(states.shape[1])
    total = _log_sum([max(where(left == n, last, _NEVER), axis=1) for n in (0, 1)])
    return where(total < _NEVER / 2, math.inf, -total)


def _with_blanks(labels: Tensor, blank: int) -> Tensor:
    """A blank before each label and one at the end."""
    between = stack([full_like(labels, blank), labels], axis=-1)
    doubled = reshape(between, (shape(labels)[0], 2 * labels.shape[1]))  # type: ignore[operator]
    return concatenate([doubled, full_like(labels[:, :1], blank)], axis=1)


def _later(scores: Tensor, count: int) -> Tensor:
    """Moved on by `count` states."""
    return concatenate([full_like(scores[:, :count], _NEVER), scores[:, :-count]], axis=1)


def _log_sum(scores: list[Tensor]) -> Tensor:
    together = stack(scores, axis=0)
    top = stop_gradient(max(together, axis=0))
    return top + log(sum(exp(together - top), axis=0))


def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """The labels that are told by the likeliest class at each time.

    Args:
        inputs: logits (batch, times, classes).
        sequence_lengths: how many of the times count, ints (batch,).
        strategy: "greedy", the only one so far.
        beam_width: for another strategy.
        top_paths: for another strategy.
        merge_repeated: whether one class at successive times is one label.
        mask_index: the class that stands for no label.

    Returns:
        The labels, int32 (1, batch, times), with -1 after the last; and minus the sum of the
        logits along the way, (batch, 1).

    >>> ctc_decode([[[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]], [3])[0].numpy()
    array([[[ 1, -1, -1]]], dtype=int32)
    """
    if strategy != "greedy":
        raise NotImplementedError(
            f'ctc_decode: strategy {strategy!r} is not there yet; use strategy="greedy".'
        )
    (logits,) = promoted(inputs, to=dtypes.floating)
    lengths = expand_dims(cast(sequence_lengths, "int32"), 1)
    times = logits.shape[1]
    if logits.rank != 3 or times is None:
        raise ValueError(
            "ctc_decode: expected inputs (batch, times, classes) of known times, but got "
            f"{format_shape(logits.shape)}."
        )
    valid = arange(times) < lengths
    best = argmax(logits, axis=-1)
    kept = valid & not_equal(best, mask_index)
    if merge_repeated:
        before = concatenate([zeros_like(best[:, :1]) - 1, best[:, :-1]], axis=1)
        kept = kept & not_equal(best, before)
    # The i-th label that is kept goes to place i; the others go nowhere.
    places = where(kept, cumsum(cast(kept, "int32"), axis=1) - 1, -1)
    moves = one_hot(places, times, dtype="int32")
    labels = sum(moves * expand_dims(best + 1, -1), axis=1) - 1
    score = -sum(where(valid, max(logits, axis=-1), 0.0), axis=1, keepdims=True)
    return expand_dims(labels, 0), score
