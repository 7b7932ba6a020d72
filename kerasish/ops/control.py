"""Choices: by the training phase, or by a value; and functions with a gradient of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from kerasish import tree
from kerasish.graph import dtypes, trace
from kerasish.graph.gradients import or_zeros, pull_back
from kerasish.graph.liveness import reached
from kerasish.graph.primitive import Pruned, as_tensor, composite, primitive
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.subgraph import Traced, closed, inline, leaves_of, packed
from kerasish.graph.tensor import Constant, Node, Placeholder, Subgraph, Tensor
from kerasish.ops.elementwise import phase_p
from kerasish.ops.promotion import cast, promoted


def in_train_phase(
    x: Any | Callable[[], Any], alt: Any | Callable[[], Any], training: bool | None = None
) -> Tensor:
    """`x` while training, `alt` otherwise.

    Args:
        x: a tensor, or a function without arguments that makes one.
        alt: likewise.
        training: True or False decides now. None leaves it to the call that is being traced,
            and if that is undecided too, to the Function that runs the graph.

    Returns:
        The chosen one as a tensor of its own shape and dtype; while that is undecided, a tensor of
        the broadcast shape and the promoted dtype.

    Raises:
        ValueError: if it is undecided and the shapes do not broadcast.
        TypeError: if what is chosen, or while undecided either, is no array of numbers.

    >>> float(in_train_phase(1.0, 2.0, training=False))
    2.0
    """
    if training is None:
        training = trace.current_phase()
    if training is not None:
        return _made(x if training else alt)
    return phase_p(*promoted(_made(x), _made(alt)))


def _made(value: Any | Callable[[], Any]) -> Tensor:
    return as_tensor(value() if callable(value) else value)


# --- by a value --------------------------------------------------------------------------


@primitive
def cond_p(pred: Spec, *captures: Spec, then: Subgraph, otherwise: Subgraph) -> tuple[Spec, ...]:
    """The results of `then` or else of `otherwise`, which both take the captures."""
    if pred.shape or pred.dtype != "bool":
        raise ValueError(f"the condition must be a scalar bool, but it is {pred}.")
    pairs = zip(then.outputs, otherwise.outputs, strict=True)
    return tuple(_merged(i, a.spec, b.spec) for i, (a, b) in enumerate(pairs))


def _merged(i: int, a: Spec, b: Spec) -> Spec:
    if a.dtype != b.dtype or not compatible(a.shape, b.shape):
        raise ValueError(
            f"both branches must return the same shapes and dtypes, but for result {i} the first "
            f"returns {a} and the second {b}."
        )
    return Spec(
        tuple(y if x is None else x for x, y in zip(a.shape, b.shape, strict=True)), a.dtype
    )


def _prune_cond(node: Node, live: Sequence[bool]) -> Pruned:
    kept = [i for i, needed in enumerate(live) if needed]
    branches = {key: node.attrs[key] for key in ("then", "otherwise")}
    reads = [reached([b.outputs[i] for i in kept], b.inputs) for b in branches.values()]
    inputs = [i for i, used in enumerate(zip(*reads, strict=True)) if any(used)]
    attrs = {
        key: Subgraph([b.inputs[i] for i in inputs], [b.outputs[i] for i in kept], b.origin)
        for key, b in branches.items()
    }
    captures = [node.inputs[1 + i] for i in inputs]
    return [node.inputs[0], *captures], attrs, {old: new for new, old in enumerate(kept)}


cond_p.inner_specs = lambda specs, attrs: {"then": specs[1:], "otherwise": specs[1:]}
cond_p.prune = _prune_cond


@cond_p.own_vjp
def _(g, pred, *captures, then, otherwise):
    gs = g if isinstance(g, (list, tuple)) else [g]
    used = [i for i, t in enumerate(gs) if t is not None and dtypes.is_float(t.dtype)]
    weights = [Placeholder(gs[i].shape, gs[i].dtype) for i in used]
    wanted = [i for i, t in enumerate(captures) if dtypes.is_float(t.dtype)]
    found = [
        pull_back([b.outputs[i] for i in used], weights, [b.inputs[i] for i in wanted])
        for b in (then, otherwise)
    ]
    pairs = list(zip(*found, strict=True))
    connected = [i for i, (a, b) in enumerate(pairs) if not (a is None and b is None)]
    grads: list[Tensor | None] = [None] * (1 + len(captures))
    if not connected:
        return grads
    bodies = [
        closed([*weights, *b.inputs], [or_zeros(some[i], b.inputs[wanted[i]]) for i in connected])
        for b, some in zip((then, otherwise), found, strict=True)
    ]
    results = cond_p(pred, *(gs[i] for i in used), *captures, then=bodies[0], otherwise=bodies[1])
    results = results if isinstance(results, tuple) else (results,)
    for i, result in zip(connected, results, strict=True):
        grads[1 + wanted[i]] = result
    return grads


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """The results of one of two functions; only the chosen one runs.

    Args:
        pred: a scalar. Python's True and False choose at once.
        true_fn: called without arguments if `pred` is true. Returns tensors in any structure.
        false_fn: called otherwise. Its results have the structure, shapes and dtypes of the
            other's.

    Returns:
        The results.

    Raises:
        ValueError: if `pred` is no scalar, or the results differ in more than their values.

    >>> x = Variable(3.0)
    >>> float(cond(x > 2, lambda: x * 10, lambda: x))
    30.0
    """
    condition = as_tensor(pred)
    if condition.shape:
        raise ValueError(
            f"cond: the condition must be a scalar, but has shape {format_shape(condition.shape)}. "
            "Use ops.where to choose element by element."
        )
    if isinstance(condition, Constant):
        return tree.map_structure(_leaf, true_fn() if condition.value else false_fn())
    branches = [Traced(f, [], "cond", hoist=False) for f in (true_fn, false_fn)]
    first, second = (branch.result for branch in branches)
    if not tree.same_structure(first, second) or len(branches[0].outputs) != len(
        branches[1].outputs
    ):
        raise ValueError(
            f"cond: both functions must return the same structure, but the first returned "
            f"{first!r} and the second {second!r}."
        )
    captures = list({id(t): t for branch in branches for t in branch.captures}.values())
    if not branches[0].outputs:
        return first
    then, otherwise = (branch.close(captures) for branch in branches)
    results = cond_p(cast(condition, "bool"), *captures, then=then, otherwise=otherwise)
    return packed(first, results if isinstance(results, tuple) else (results,))


def _leaf(value: Any) -> Any:
    return None if value is None else as_tensor(value)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """The results of one of several functions; only the chosen one runs.

    Args:
        index: a scalar int, which function to call; one beyond the ends is the first or last.
        branches: functions of the operands, whose results are alike but for the values.
        operands: what they are called with.

    Returns:
        The results of the chosen function, as tensors of their own shapes and dtypes.

    Raises:
        ValueError: if there is no branch, index is no scalar int, or, unless index is a constant,
            the results differ in more than their values.
        TypeError: if index or a result is no array of numbers.

    >>> i = Variable(1)
    >>> float(switch(i, [lambda x: x, lambda x: x * x], 3.0))
    9.0
    """
    if not branches:
        raise ValueError("switch: expected at least one branch.")
    choice = as_tensor(index)
    if choice.shape or not dtypes.is_int(choice.dtype):
        raise ValueError(f"switch: index must be a scalar int, but it is {choice.spec}.")

    def among(first: int, last: int) -> Any:
        if first + 1 == last:
            return branches[first](*operands)
        middle = (first + last) // 2
        if isinstance(choice, Constant):
            return among(first, middle) if choice.value < middle else among(middle, last)
        return cond(choice < middle, lambda: among(first, middle), lambda: among(middle, last))

    return tree.map_structure(_leaf, among(0, len(branches)))


# --- gradients ---------------------------------------------------------------------------


@composite
def custom_gradient_p(
    *tensors: Tensor, outputs: int, backward: Subgraph, given: tuple[bool, ...]
) -> tuple[Tensor, ...]:
    """The first `outputs` inputs, with `backward` for the gradients of those that follow.

    Inputs: results, arguments, captures. `backward` takes the gradients of the results and the
    captures, and returns those of the arguments that are `given`.
    """
    return tensors[:outputs]


custom_gradient_p.inner_specs = lambda specs, attrs: {
    "backward": [
        *specs[: attrs["outputs"]],
        *specs[attrs["outputs"] + len(attrs["given"]) :],
    ]
}


@custom_gradient_p.own_vjp
def _(g, *tensors, outputs, backward, given):
    gs = g if isinstance(g, (list, tuple)) else [g]
    captures = tensors[outputs + len(given) :]
    arriving = [or_zeros(t, like) for t, like in zip(gs, tensors, strict=False)]
    found = iter(inline(backward, [*arriving, *captures]))
    grads = [next(found) if has else None for has in given]
    return [None] * outputs + grads + [None] * len(captures)


def custom_gradient(f: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """A function with a gradient of its own. May be used as a decorator.

    Args:
        f: takes tensors (nested as they like); returns its outputs and a function from their
            gradients to those of its arguments: one tensor, or a list with one for each
            argument (None where it has none).

    Returns:
        A function that returns f's outputs.

    Raises:
        ValueError: when it is called, if f returns anything else, or gradients do not fit the
            arguments.

    >>> @custom_gradient
    ... def halved_gradient(x):
    ...     return x * 1, lambda upstream: upstream * 0.5
    >>> from kerasish.ops import gradients
    >>> x = Variable(3.0)
    >>> float(gradients(halved_gradient(x), x))
    0.5
    """

    @functools.wraps(f)
    def wrapped(*args: Any) -> Any:
        arguments = [as_tensor(x) for x in leaves_of(args)]
        name, made = getattr(f, "__name__", "f"), f(*packed(args, arguments))
        if not isinstance(made, (tuple, list)) or len(made) != 2 or not callable(made[1]):
            raise ValueError(
                f"custom_gradient: {name} must return its outputs and a function of their "
                f"gradients, but returned {made!r}."
            )
        result, grad = made
        results = [as_tensor(x) for x in leaves_of(result)]
        traced = Traced(lambda *gs: _list(grad(*gs)), [t.spec for t in results], name, hoist=False)
        given = _given(name, traced, arguments)
        new = custom_gradient_p(
            *results,
            *arguments,
            *traced.captures,
            outputs=len(results),
            backward=traced.close(),
            given=given,
        )
        return packed(result, new if isinstance(new, tuple) else (new,))

    return wrapped


def _list(grads: Any) -> list[Any]:
    return tree.flatten(grads)


def _given(name: str, traced: Traced, arguments: Sequence[Tensor]) -> tuple[bool, ...]:
    """Which arguments have a gradient; checks that they fit."""
    if len(traced.result) != len(arguments):
        raise ValueError(
            f"{name}: its gradient function must return one gradient for each of the "
            f"{len(arguments)} argument(s), but returned {len(traced.result)}."
        )
    given = tuple(grad is not None for grad in traced.result)
    with_gradient = (x for x, has in zip(arguments, given, strict=True) if has)
    for grad, x in zip(traced.outputs, with_gradient, strict=True):
        if grad.dtype != x.dtype or not compatible(grad.shape, x.shape):
            raise ValueError(
                f"{name}: its gradient function returned {grad.spec} for an argument {x.spec}."
            )
    return given
