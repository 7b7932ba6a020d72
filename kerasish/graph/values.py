"""Values of tensors that no Input is behind, which are computed when somebody looks at them.

A tensor made outside of any graph has the value that it would have if it had been computed at
once: what becomes of the variables behind it later changes nothing, and all that is made of
random numbers sees the same ones. A tensor made while a graph was built has the value of now.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from kerasish import engines
from kerasish.graph import trace
from kerasish.graph.function import Function, run_counter
from kerasish.graph.gradients import between
from kerasish.graph.passes import replace, topological_order, variables_in
from kerasish.graph.spec import format_shape
from kerasish.graph.subgraph import draws, varies
from kerasish.graph.tensor import Constant, Node, Tensor


def has_value(tensor: Tensor) -> bool:
    """Whether the tensor's value may be looked at now.

    Not if an Input is behind it; nor, while a graph is built that runs later, if a variable or
    a draw is, which may be another one then: what is made of it would be frozen.
    """
    return not tensor.is_symbolic and not (trace.is_deferred() and varies(tensor))


def value_of(tensor: Tensor) -> np.ndarray:
    """The value of a tensor, which is computed once if it cannot change any more.

    Raises:
        ValueError: if a placeholder stands behind the tensor.
        TypeError: if a variable or a draw does while a graph is built that runs later.
    """
    if _is_known(tensor):
        return tensor._value  # type: ignore[attr-defined]
    order, through = _unknown([tensor])
    wanted = [tensor, *(t for t in _wanted(order) if t is not tensor and not _is_known(t))]
    values = evaluate(_as_made(wanted, order, through))
    for t, value in zip(wanted, values, strict=True):
        if _was_made_now(t.node) or (t.node is not None and not varies(t)):
            t._value = value  # type: ignore[attr-defined]
    return values[0]


def evaluate(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """The values of tensors over the newest values of variables, and new random numbers.

    Raises:
        ValueError: if a placeholder stands behind one.
        TypeError: if a variable or a draw does while a graph is built that runs later.
    """
    for tensor in tensors:
        _check_value(tensor)
    engine = engines.current_engine()
    program, variables = Function([], tensors, name="value").lower([], engine)
    engine.check(program)
    for variable in variables:
        variable.place_on(engine)
    counter = run_counter.take(1) if program.is_random else 0
    return [np.asarray(value) for value in engine.evaluate(program, [], counter)]


def _check_value(tensor: Tensor) -> None:
    if tensor.is_symbolic:
        raise ValueError(
            f"Tensor {tensor.name} of shape {format_shape(tensor.shape)} has no value yet: it "
            "depends on an Input. Call a Model or a Function with data to compute it. In a step "
            "of training, a loss or a metric, compile(run_eagerly=True) shows the numbers."
        )
    if not has_value(tensor):
        behind = variables_in([tensor])
        raise TypeError(
            f"The value of {', '.join(v.path for v in behind) or tensor.name} may be another one "
            "in each run of the graph that is being built, so it cannot become a size, a bound of "
            "a slice, or a Python or NumPy number. Give a number there, or use operations that "
            "take tensors, such as ops.slice, ops.take, ops.where or ops.cond."
        )


def _was_made_now(node: Node | None) -> bool:
    """Whether a node was made outside of any graph, so that what is behind it is known."""
    return node is not None and node.kept is not None


def _is_known(tensor: Tensor) -> bool:
    return hasattr(tensor, "_value")


def _unknown(tensors: Sequence[Tensor]) -> tuple[list[Node], set[int]]:
    """The nodes that have to be computed for `tensors`, and the ids of those among them which a
    gradient goes through: they are computed even if their values are known."""
    through: set[int] = set()

    def is_passed_by(tensor: Tensor) -> bool:
        return _is_known(tensor) and id(tensor.node) not in through

    while True:
        order = topological_order(tensors, is_known=is_passed_by)
        more = {
            id(inner)
            for node in order
            if node.primitive.name == "gradients"
            for inner in between(node.inputs[1:], node.inputs[:1])
        }
        if more <= through:
            return order, through
        through |= more


def _wanted(order: Sequence[Node]) -> list[Tensor]:
    """What is worth keeping of what is computed on the way: more may be made of it.

    Those are the random numbers, which have to be the same then, and the tensors that somebody
    beside the graph holds. Without them a loop over `x = f(x)` that looks at something made of x in
    each round would begin from the start each time.
    """
    uses = Counter(id(x) for node in order for x in node.inputs)
    return [
        output
        for node in order
        if _was_made_now(node)
        for output in node.outputs
        # The node, the loop and the question itself hold it, too.
        if draws(node) or sys.getrefcount(output) > uses[id(output)] + 3
    ]


def _as_made(
    tensors: Sequence[Tensor], order: Sequence[Node], through: Collection[int]
) -> list[Tensor]:
    """The tensors over what variables and draws behind them were when their nodes were made."""
    known = {
        x: Constant(x._value)  # type: ignore[attr-defined]
        for node in order
        for x in node.inputs
        if _is_known(x) and id(x.node) not in through
    }
    before: dict[Tensor, Tensor] = {}
    for node in order:
        for variable, value in (node.kept or {}).items():
            before.setdefault(variable, value)

    def kept(node: Node) -> dict[Tensor, Tensor]:
        # What a loss is differentiated by is what it was made of.
        return before if node.primitive.name == "gradients" else node.kept or {}

    return replace(tensors, known, kept=kept) if known or before else list(tensors)
