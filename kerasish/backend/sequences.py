"""Loops: recurrence, folds, maps; and connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish import config, ops, tree
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor

Step = Callable[[Any, list[Any]], tuple[Any, Sequence[Any]]]


def rnn(
    step_function: Step,
    inputs: Any,
    initial_states: Sequence[Any],
    go_backwards: bool = False,
    mask: Any = None,
    constants: Sequence[Any] | None = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Any, Any, list[Tensor]]:
    """Runs a step along the axis of time.

    Args:
        step_function: takes the inputs of one time step (samples, ...) and a list of states, then
            constants; returns the output and the new states, whose shapes and dtypes stay.
        inputs: (samples, time, ...), or several of them in any structure.
        initial_states: a list, which may be empty.
        go_backwards: whether to start at the end. Outputs are in the order of computation.
        mask: (samples, time) or (samples, time, 1); where it is 0 the states stay as they are, and
            the output is that of the step before, or 0.
        constants: given to each step after the states.
        unroll: whether to write all steps out in the graph. Needs a known number of steps.
        input_length: the number of steps; or that of each sample, (samples,), as a mask.
        time_major: whether time is the first axis of inputs, mask and outputs, before the samples.
        zero_output_for_mask: whether the outputs of masked steps are 0.
        return_all_outputs: whether to return the outputs of all steps, or of the last one only.

    Returns:
        The last output (samples, ...), the outputs (samples, time, ...) and a list of the last
        states, in the dtypes that the step gives them.

    Raises:
        ValueError: for inputs without an axis of time, or a wrong number of steps or states.

    >>> add = lambda x, states: (x + states[0], [x + states[0]])
    >>> last, outputs, states = rnn(add, np.float32([[[1, 1]] * 3]), [np.float32([[0, 0]])])
    >>> outputs.numpy()
    array([[[1., 1.],
            [2., 2.],
            [3., 3.]]], dtype=float32)
    """

    def swapped(x: Any) -> Tensor:
        return ops.convert_to_tensor(x) if time_major else ops.swapaxes(x, 0, 1)

    leaves = [ops.convert_to_tensor(x) for x in tree.flatten(inputs)]
    if any(x.ndim < 2 for x in leaves):
        raise ValueError("K.rnn: inputs need an axis of samples and one of time.")
    xs = tree.map_structure(swapped, inputs)
    first = tree.flatten(xs)[0]
    mask = None if mask is None else swapped(mask)
    mask = _counting(first, mask, input_length)
    if unroll and first.shape[0] is None:
        raise ValueError("K.rnn: unrolling needs a known number of time steps.")
    loop = _Loop(step_function, list(constants or []), zero_output_for_mask)
    states = [ops.convert_to_tensor(state) for state in initial_states]
    body = loop.plain if mask is None else loop.masked
    init = states if mask is None else (loop.no_output(xs, states), states)
    carry, outputs = ops.scan(
        body,
        init,
        xs if mask is None else (xs, mask),
        reverse=go_backwards,
        unroll=True if unroll else 1,
    )
    if go_backwards:
        outputs = tree.map_structure(lambda y: ops.flip(y, 0), outputs)
    last = tree.map_structure(lambda y: y[-1], outputs)
    kept = outputs if return_all_outputs else tree.map_structure(lambda y: y[-1:], outputs)
    return last, tree.map_structure(swapped, kept), list(carry if mask is None else carry[1])


class _Loop:
    """The bodies of the loop, which pass on states, and with a mask the last output too."""

    def __init__(self, step: Step, constants: list[Any], zero_output: bool):
        self.step, self.constants, self.zero_output = step, constants, zero_output

    def plain(self, states: list[Tensor], x: Any) -> tuple[list[Tensor], Any]:
        output, after = self.step(x, [*states, *self.constants])
        if len(after) != len(states):
            raise ValueError(
                f"K.rnn: the step got {len(states)} state(s), but returned {len(after)}."
            )
        new = [ops.cast(s, old.dtype) for s, old in zip(after, states, strict=True)]
        return new, tree.map_structure(ops.convert_to_tensor, output)

    def masked(self, carry: Any, xs: Any) -> tuple[Any, Any]:
        (previous, states), (x, counts) = carry, xs
        after, output = self.plain(states, x)
        after = [_where(counts, new, old) for new, old in zip(after, states, strict=True)]
        output = tree.map_structure(lambda new, old: _where(counts, new, old), output, previous)
        return (previous if self.zero_output else output, after), output

    def no_output(self, xs: Any, states: list[Tensor]) -> Any:
        """Zeros of the shapes of the outputs."""
        output = self.plain(states, tree.map_structure(lambda x: x[0], xs))[1]
        return tree.map_structure(ops.zeros_like, output)


def _where(counts: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` in the samples that count, `old` in the others."""
    wide = ops.reshape(counts, (*ops.shape(counts), *(1,) * (new.ndim - 1)))
    return ops.where(wide, new, old)


def _counting(first: Tensor, mask: Tensor | None, input_length: Any) -> Tensor | None:
    """Which steps count, bool (time, samples); None if all do."""
    steps = first.shape[0]
    if isinstance(input_length, (int, np.integer)):
        if steps not in (None, input_length):
            raise ValueError(f"K.rnn: input_length is {input_length}, but there are {steps} steps.")
    elif input_length is not None and mask is None:
        lengths = ops.cast(input_length, "int32")
        time = ops.expand_dims(ops.arange(ops.shape(first)[0]), 1)
        return ops.less(time, ops.expand_dims(lengths, 0))
    if mask is None:
        return None
    if mask.ndim == 3 and mask.shape[-1] == 1:
        mask = ops.squeeze(mask, -1)
    if mask.ndim != 2:
        raise ValueError(
            f"K.rnn: a mask is (samples, time), or has one more axis of size 1, but got a shape of "
            f"{mask.ndim} axes, {format_shape(mask.shape)} with time first."
        )
    return ops.cast(mask, "bool")


# ---------------------------------------------------------------- folds and maps


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Applies `fn` to each element along the first axis, and stacks the results.

    Args:
        fn: takes an element (of each tensor, in the structure of `elems`), returns tensors.
        elems: a tensor, or several with first axes of one length.
        name: accepted from older programs.
        dtype: of the results, if another; in the structure of them.

    Returns:
        What `fn` returns, with a new first axis, in the same structure.

    Raises:
        ValueError: if the first axes differ in length.

    >>> map_fn(lambda x: x * x, np.float32([1, 2, 3])).numpy()
    array([1., 4., 9.], dtype=float32)
    """
    result = ops.map(fn, elems)
    if dtype is None:
        return result
    dtypes = tree.flatten(dtype)
    tensors = tree.flatten(result)
    dtypes = dtypes * len(tensors) if len(dtypes) == 1 else dtypes
    cast = [ops.cast(x, to) for x, to in zip(tensors, dtypes, strict=True)]
    return tree.pack(result, cast)


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """`fn(... fn(fn(initializer, elems[0]), elems[1]) ..., elems[-1])`.

    Args:
        fn: takes what has been accumulated and an element; returns the new accumulated value.
        elems: a tensor, or several with first axes of one length.
        initializer: the first accumulated value; the first element if None.
        name: accepted from older programs.

    Returns:
        What the last call of `fn` returned: the shape and dtype of `initializer`.

    Raises:
        ValueError: if `fn` changes the shape, or the first axes differ in length.

    >>> float(foldl(lambda total, x: total + x, np.float32([1, 2, 3])))
    6.0
    """
    return _folded(fn, elems, initializer, False)


def foldr(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """`foldl` from the last element to the first.

    Args:
        fn: takes what has been accumulated and an element; returns the new accumulated value.
        elems: a tensor, or several with first axes of one length, gone through from the end.
        initializer: the first accumulated value; the last element if None.
        name: accepted from older programs.

    Returns:
        What the last call of `fn` returned: the shape and dtype of `initializer`.

    Raises:
        ValueError: if `fn` changes the shape, or the first axes differ in length.

    >>> float(foldr(lambda total, x: x - total, np.float32([1, 2, 3])))
    2.0
    """
    return _folded(fn, elems, initializer, True)


def _folded(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, backwards: bool) -> Any:
    xs = tree.map_structure(ops.convert_to_tensor, elems)
    if any(x.rank == 0 for x in tree.flatten(xs)):
        name = "foldr" if backwards else "foldl"
        raise ValueError(f"K.{name}: elems need a first axis, but one is a scalar.")
    if initializer is None:
        at, rest = (-1, slice(None, -1)) if backwards else (0, slice(1, None))
        initializer = tree.map_structure(lambda x: x[at], xs)
        xs = tree.map_structure(lambda x: x[rest], xs)
    return ops.scan(lambda total, x: (fn(total, x), None), initializer, xs, reverse=backwards)[0]


# ---------------------------------------------------------------- sequences of labels


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Tensor:
    """-log of the probability of the labels, summed over all times at which they may stand.

    Source: Graves et al., 2006, https://doi.org/10.1145/1143844.1143891

    Args:
        y_true: labels, ints (samples, labels); the last class stands for none of them.
        y_pred: probabilities, floats (samples, time, classes).
        input_length: how many of the time steps count, ints (samples, 1).
        label_length: how many of the labels count, ints (samples, 1).

    Returns:
        A tensor (samples, 1) of the dtype of y_pred.

    Raises:
        ValueError: if y_pred has other axes, or the number of classes is not known.

    >>> float(ctc_batch_cost([[0]], [[[0.25, 0.75]]], [[1]], [[1]])[0, 0])
    1.386...
    """
    scores = _log(y_pred)
    labels, times = (ops.reshape(n, (-1,)) for n in (label_length, input_length))
    loss = ops.ctc_loss(y_true, scores, labels, times, mask_index=_last_class(scores))
    return ops.expand_dims(loss, 1)


def ctc_decode(
    y_pred: Any,
    input_length: Any,
    greedy: bool = True,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = False,
) -> tuple[list[Tensor], Tensor]:
    """The labels that probabilities tell of.

    Args:
        y_pred: probabilities, floats (samples, time, classes); the last class stands for no label.
        input_length: how many of the time steps count, ints (samples,).
        greedy: whether to take the likeliest class of each time step, or to search.
        beam_width: how many ways the search follows.
        top_paths: how many of the ways it returns.
        merge_repeated: whether repeated labels in what the search found become one.

    Returns:
        The labels of each way, a list of int64 tensors (samples, time), -1 after the last one; and
        floats (samples, ways): for `greedy` minus the sum of the logarithms of the probabilities,
        else its logarithm.

    Raises:
        ValueError: if y_pred has other axes.

    >>> y_pred = [[[0.9, 0.0, 0.1], [0.0, 0.1, 0.9], [0.1, 0.8, 0.1]]]
    >>> ctc_decode(y_pred, [3])[0][0].numpy()
    array([[ 0,  1, -1]])
    """
    scores = _log(y_pred)
    blank, times = _last_class(scores), ops.reshape(input_length, (-1,))
    if greedy:
        labels, score = ops.ctc_decode(scores, times, mask_index=blank)
        return [ops.cast(labels[0], "int64")], score
    labels, score = ops.ctc_decode(
        scores, times, "beam_search", beam_width, top_paths, mask_index=blank
    )
    labels = _without_repeats(labels) if merge_repeated else labels
    return [ops.cast(labels[i], "int64") for i in range(top_paths)], score


def _without_repeats(labels: Tensor) -> Tensor:
    """Labels (..., time) without those that are equal to the one before; -1 at the end."""
    before = ops.concatenate([ops.full_like(labels[..., :1], -1), labels[..., :-1]], axis=-1)
    kept = ops.not_equal(labels, before) & (labels >= 0)
    places = ops.where(kept, ops.cumsum(ops.cast(kept, "int32"), axis=-1) - 1, -1)
    moves = ops.one_hot(places, ops.shape(labels)[-1], dtype="int32")
    return ops.sum(moves * ops.expand_dims(labels + 1, -1), axis=-2) - 1


def _log(y_pred: Any) -> Tensor:
    return ops.log(ops.add(y_pred, config.epsilon()))


def _last_class(scores: Tensor) -> Any:
    if scores.ndim != 3:
        raise ValueError(
            "y_pred must have shape (samples, time, classes), but got "
            f"{format_shape(scores.shape)}."
        )
    return ops.shape(scores)[2] - 1


class SparseLabels(NamedTuple):
    """Labels of different numbers, one after the other."""

    indices: np.ndarray
    values: np.ndarray
    dense_shape: tuple[int, ...]


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> SparseLabels:
    """Labels without what fills up their rows, as arrays. `ctc_batch_cost` does not need it.

    Args:
        labels: (samples, labels), whose values must be known.
        label_lengths: how many of the labels count, ints (samples,).

    Returns:
        Three arrays, as sparse tensors have them: `indices` (n, 2), `values` (n,) of the dtype of
        the labels, and `dense_shape`.

    Raises:
        ValueError: for labels that are known only when a function runs.

    >>> ctc_label_dense_to_sparse([[1, 2], [3, 0]], [2, 1]).values
    array([1, 2, 3], dtype=int32)
    """
    values, lengths = (ops.convert_to_tensor(x).numpy() for x in (labels, label_lengths))
    at = np.argwhere(np.arange(values.shape[1]) < lengths.reshape(-1, 1))
    return SparseLabels(at.astype("int64"), values[tuple(at.T)], values.shape)
