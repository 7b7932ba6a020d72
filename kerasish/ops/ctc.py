"""Connectionist temporal classification: labels of a sequence without their times.

Source: Graves et al., 2006, https://doi.org/10.1145/1143844.1143891
"""

from __future__ import annotations

import math
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.shapes import Dim, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.activations import log_softmax
from kerasish.ops.array import expand_dims, reshape, shape, transpose
from kerasish.ops.binary import floor_divide, maximum, mod, where
from kerasish.ops.comparisons import equal, not_equal
from kerasish.ops.elementwise import exp, log, stop_gradient
from kerasish.ops.filling import arange, full, full_like, one_hot, zeros, zeros_like
from kerasish.ops.indexing import take_along_axis
from kerasish.ops.joining import concatenate, stack
from kerasish.ops.loops import scan
from kerasish.ops.matrices import matmul
from kerasish.ops.promotion import at_least_single, cast, promoted
from kerasish.ops.reduce import all, argmax, cumsum, max, sum
from kerasish.ops.sorting import top_k

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
        mask_index: the class that stands for no label; a negative one counts from the last.

    Returns:
        (batch,): one number per sequence, infinite where the labels do not fit into the times; of
        the dtype of the logits, floatx if that is no float.

    Raises:
        ValueError: if the target has not two axes or the output not three, sizes do not fit, or
            mask_index is no class.
        TypeError: if one of them is no array of numbers, such as a string or None.

    >>> ctc_loss([[1]], [[[0.0, 0.0]]], [1], [1]).numpy()
    array([0.6931472], dtype=float32)
    """
    logits, own = _logits(output)
    labels, lengths, times = (cast(x, "int32") for x in (target, target_length, output_length))
    if logits.rank != 3 or labels.rank != 2:
        raise ValueError(
            "ctc_loss: expected target (batch, labels) and output (batch, times, classes), but "
            f"got {format_shape(labels.shape)} and {format_shape(logits.shape)}."
        )
    for name, counts in (("target_length", lengths), ("output_length", times)):
        _check_counts(f"ctc_loss: {name}", counts, logits)
    if not compatible(labels.shape[:1], logits.shape[:1]):
        raise ValueError(
            "ctc_loss: target and output must have one batch size, but their shapes are "
            f"{format_shape(labels.shape)} and {format_shape(logits.shape)}."
        )
    blank = _blank("ctc_loss", mask_index, shape(logits)[2])
    states = _with_blanks(labels, blank)
    places = arange(shape(states)[1])
    hot = one_hot(states, shape(logits)[2], axis=1, dtype=logits.dtype)
    scores = transpose(matmul(log_softmax(logits), hot), (1, 0, 2))  # (times, batch, states)
    two_before = concatenate([full_like(states[:, :2], blank), states[:, :-2]], axis=1)
    skips = not_equal(states, blank) & not_equal(states, two_before)
    first = where(places < 2, scores[0], _NEVER)

    def step(before: Tensor, now: Any) -> tuple[Tensor, None]:
        score, time = now
        ways = [before, _later(before, 1), where(skips, _later(before, 2), _NEVER)]
        after = _log_sum(ways) + score
        return where(expand_dims(time < times, 1), after, before), None

    steps = cast(arange(1, shape(scores)[0]), "int32")
    last, _ = scan(step, first, (scores[1:], steps))
    # It ends with the last label, or with the blank after it.
    left = expand_dims(2 * lengths, 1) - places
    total = _log_sum([max(where(left == n, last, _NEVER), axis=1) for n in (0, 1)])
    # In no time there are no labels, and that is certain.
    total = where(times > 0, total, where(equal(lengths, 0), 0.0, _NEVER))
    return cast(where(total < _NEVER / 2, math.inf, -total), own)


def _logits(x: Any) -> tuple[Tensor, str]:
    """Logits in at least 32 bits, in which _NEVER is finite, and the float they came in."""
    (logits,) = promoted(x, to=dtypes.floating)
    return cast(logits, at_least_single(logits.dtype)), logits.dtype


def _blank(name: str, mask_index: int, classes: Any) -> Any:
    """The class that stands for no label, counted from the front."""
    from_front = isinstance(mask_index, Dim) or mask_index >= 0
    blank = mask_index if from_front else classes + mask_index
    if not isinstance(blank, Dim) and not isinstance(classes, Dim) and not 0 <= blank < classes:
        raise ValueError(
            f"{name}: mask_index must be one of the {classes} classes, but is {mask_index}."
        )
    return blank


def _check_counts(what: str, counts: Tensor, logits: Tensor) -> None:
    if not compatible(counts.shape, logits.shape[:1]):
        raise ValueError(
            f"{what} must hold one number for each sequence, but its shape is "
            f"{format_shape(counts.shape)} and that of the logits {format_shape(logits.shape)}."
        )


def _with_blanks(labels: Tensor, blank: Any) -> Tensor:
    """A blank before each label and one at the end."""
    batch, count = shape(labels)
    doubled = reshape(stack([full_like(labels, blank), labels], axis=-1), (batch, 2 * count))
    return concatenate([doubled, full((batch, 1), blank, labels.dtype)], axis=1)


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
    """The labels that a sequence of logits tells.

    "greedy" takes the likeliest class at each time. "beam_search" adds up the probabilities of
    all ways to the same labels, among the `beam_width` likeliest beginnings (Hannun et al.,
    2014, arXiv:1408.2873).

    Args:
        inputs: logits (batch, times, classes).
        sequence_lengths: how many of the times count, ints (batch,).
        strategy: "greedy" or "beam_search".
        beam_width: how many beginnings a beam search follows.
        top_paths: how many answers it gives, the likeliest first.
        merge_repeated: whether greedily one class at successive times is one label; in a beam
            search it always is.
        mask_index: the class that stands for no label.

    Returns:
        The labels, int32 (paths, batch, times), with -1 after the last; and (batch, paths) minus
        the sum of the logits along the greedy way, or the logarithms of the probabilities.

    Raises:
        ValueError: if the strategy is none of these, or the inputs have other axes.

    >>> logits = [[[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]]
    >>> ctc_decode(logits, [3])[0].numpy()
    array([[[ 1, -1, -1]]], dtype=int32)
    >>> labels, scores = ctc_decode(logits, [3], "beam_search", beam_width=4, top_paths=2)
    >>> labels[:, 0].numpy()
    array([[ 1, -1, -1],
           [-1, -1, -1]], dtype=int32)
    """
    logits, own = _logits(inputs)
    if logits.rank != 3:
        raise ValueError(
            "ctc_decode: expected inputs (batch, times, classes), but got "
            f"{format_shape(logits.shape)}."
        )
    counts = cast(sequence_lengths, "int32")
    _check_counts("ctc_decode: sequence_lengths", counts, logits)
    lengths = expand_dims(counts, 1)
    blank = _blank("ctc_decode", mask_index, shape(logits)[2])
    if strategy == "greedy":
        labels, scores = _greedy(logits, lengths, merge_repeated, blank)
        return labels, cast(scores, own)
    if strategy != "beam_search":
        raise ValueError(
            f'ctc_decode: strategy must be "greedy" or "beam_search", but got {strategy!r}.'
        )
    if not 1 <= top_paths <= beam_width:
        raise ValueError(
            f"ctc_decode: top_paths must be from 1 to beam_width ({beam_width}), but is "
            f"{top_paths}."
        )
    labels, scores = _beam_search(logits, lengths, beam_width, top_paths, blank)
    return labels, cast(scores, own)


def _greedy(
    logits: Tensor, lengths: Tensor, merge_repeated: bool, blank: int
) -> tuple[Tensor, Tensor]:
    times = shape(logits)[1]
    valid = arange(times) < lengths
    best = argmax(logits, axis=-1)
    kept = valid & not_equal(best, blank)
    if merge_repeated:
        before = concatenate([zeros_like(best[:, :1]) - 1, best[:, :-1]], axis=1)
        kept = kept & not_equal(best, before)
    # The i-th label that is kept goes to place i; the others go nowhere.
    places = where(kept, cumsum(cast(kept, "int32"), axis=1) - 1, -1)
    moves = one_hot(places, times, dtype="int32")
    labels = sum(moves * expand_dims(best + 1, -1), axis=1) - 1
    score = -sum(where(valid, max(logits, axis=-1), 0.0), axis=1, keepdims=True)
    return expand_dims(labels, 0), score


def _beam_search(
    logits: Tensor, lengths: Tensor, width: int, top_paths: int, blank: int
) -> tuple[Tensor, Tensor]:
    batch, times, _ = shape(logits)
    # At first there is one beginning, the empty one; the other beams cannot be.
    nothing = zeros((batch, width), logits.dtype) + _NEVER
    start = (
        zeros((batch, width, times), "int32") - 1,
        where(arange(width) < 1, zeros_like(nothing), nothing),
        nothing,
    )

    def step(state: Any, now: Any) -> tuple[Any, None]:
        scores, time = now
        paths, in_blank, in_label = state
        after = _extended(paths, in_blank, in_label, scores, blank)
        goes_on = time < lengths
        return (
            where(expand_dims(goes_on, -1), after[0], state[0]),
            *(where(goes_on, new, old) for new, old in zip(after[1:], state[1:], strict=True)),
        ), None

    scores = transpose(log_softmax(logits), (1, 0, 2))
    (paths, in_blank, in_label), _ = scan(step, start, (scores, arange(times)))
    totals, order = top_k(_log_sum([in_blank, in_label]), top_paths)
    best = take_along_axis(paths, expand_dims(order, -1), axis=1)
    return transpose(best, (1, 0, 2)), totals


def _extended(
    paths: Tensor, in_blank: Tensor, in_label: Tensor, scores: Tensor, blank: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The likeliest beginnings one time later.

    Args:
        paths: labels of each beginning (batch, beams, times), -1 after the last.
        in_blank: log probabilities (batch, beams) of the ways that end in no label.
        in_label: those of the ways that end in the last label.
        scores: log probabilities of the classes now (batch, classes).
        blank: the class that stands for no label.
    """
    _, width, times = shape(paths)
    classes = shape(scores)[1]
    lengths = sum(cast(paths >= 0, "int32"), axis=2)
    is_last = equal(arange(times), expand_dims(lengths - 1, -1))
    last = one_hot(sum(where(is_last, paths + 1, 0), axis=2) - 1, classes, dtype=scores.dtype)
    either = _log_sum([in_blank, in_label])
    now = expand_dims(scores, 1)
    # One label more: one equal to the last must come after a blank.
    longer = where(last > 0, expand_dims(in_blank, -1), expand_dims(either, -1)) + now
    longer = where(equal(arange(classes), blank), _NEVER, longer)
    # Nothing more. A beginning may also be reached from another beam, its parent.
    stays = in_label + where(lengths > 0, sum(last * now, axis=2), 0.0)
    parents = where(is_last, -1, paths)
    child = all(equal(expand_dims(parents, 2), expand_dims(paths, 1)), axis=3)
    child = child & expand_dims(lengths > 0, -1)
    reached = where(child, matmul(last, transpose(longer, (0, 2, 1))), _NEVER)
    stays = _log_sum([stays, max(reached, axis=2)])
    taken = matmul(transpose(cast(child, scores.dtype), (0, 2, 1)), last) > 0
    longer = where(taken, _NEVER, longer)

    rests = either + scores[:, blank : blank + 1]
    choices = [_log_sum([rests, stays]), reshape(longer, (-1, width * classes))]
    _, chosen = top_k(concatenate(choices, axis=1), width)
    grows = chosen >= width
    parent = where(grows, floor_divide(chosen - width, classes), chosen)
    label = where(grows, mod(chosen - width, classes), -1)
    old = take_along_axis(paths, expand_dims(parent, -1), axis=1)
    place = take_along_axis(lengths, parent, axis=1)
    here = equal(arange(times), expand_dims(place, -1)) & expand_dims(grows, -1)
    grown = take_along_axis(choices[1], maximum(chosen - width, 0), axis=1)
    return (
        where(here, expand_dims(label, -1), old),
        where(grows, _NEVER, take_along_axis(rests, parent, axis=1)),
        where(grows, grown, take_along_axis(stays, parent, axis=1)),
    )
