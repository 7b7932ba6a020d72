"""Tracing functions into subgraphs, and putting subgraphs back in line.

A subgraph is closed: what its function uses from outside (tensors, variables) becomes a
further input of the node that holds it, a *capture*. Within, placeholders stand for all inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kerasish import tree
from kerasish.graph import trace
from kerasish.graph.passes import replace, topological_order
from kerasish.graph.primitive import as_tensor
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import (
    Constant,
    Node,
    Placeholder,
    Subgraph,
    Tensor,
    node_count,
    size_tensors,
    subgraphs_of,
)
from kerasish.graph.variable import Variable


class Traced:
    """What a function did when it was called with placeholders.

    Args:
        function: takes tensors, returns tensors, nested as it likes, and None.
        specs: of the tensors it takes.
        name: for messages.
        hoist: whether nodes made by it that do not depend on its arguments are taken as made
            before, so that a loop computes them once.
        scope: the trace that the function is called in; None for one that forbids effects.

    Attributes:
        inputs: the placeholders.
        result: what the function returned, its tensors and numbers replaced by None.
        outputs: the tensors in it.
        captures: the tensors from outside that the outputs need.

    Raises:
        ValueError: if the function assigns to a variable or adds a loss.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        specs: Sequence[Spec],
        name: str,
        hoist: bool = True,
        scope: trace.Trace | None = None,
    ):
        self.inputs = [Placeholder(spec.shape, spec.dtype) for spec in specs]
        start = node_count()
        with scope or _scope(name):
            self.result = function(*self.inputs)
            self.outputs = [as_tensor(x) for x in leaves_of(self.result)]
        self.captures = _captured(self.inputs, self.outputs, start, hoist)

    def close(self, captures: Sequence[Tensor] | None = None) -> Subgraph:
        """The subgraph, whose last inputs are `captures` (its own ones if None)."""
        captures = self.captures if captures is None else captures
        return closed([*self.inputs, *captures], self.outputs)


class Effects(trace.Trace):
    """The trace of a function within another trace, which is told of its effects afterwards."""

    def __init__(self, name: str):
        super().__init__(trace.current_phase())
        self.name = name
        outer = trace.current_trace()
        # Within, variables have the values that were assigned to them before, and random
        # streams go on counting.
        self.before = dict(outer.updates) if outer else {}
        self.updates = dict(self.before)
        self.draws = outer.draws if outer else None

    def changed(self) -> dict[Variable, Tensor]:
        """The variables that were assigned to within, with their new values."""
        return {v: new for v, new in self.updates.items() if self.before.get(v) is not new}


class _scope(Effects):
    """The trace of a function that may not change anything outside of it."""

    def __exit__(self, *exc: Any) -> None:
        super().__exit__(*exc)
        if exc[0] is not None:
            return
        changed = [v.path for v in self.changed()]
        if changed or self.losses:
            what = f"assigns to {', '.join(changed)}" if changed else "adds a loss"
            raise ValueError(
                f"{self.name}: its function {what}. Nothing outside can be changed from within a "
                "loop or a branch: return the value, and use it afterwards."
            )


def leaves_of(structure: Any) -> list[Any]:
    """The leaves of a nested structure, without None."""
    return [leaf for leaf in tree.flatten(structure) if leaf is not None]


def packed(structure: Any, leaves: Iterable[Any]) -> Any:
    """`structure` with its leaves replaced in order; None stays."""
    new = iter(leaves)
    return tree.pack(structure, [None if x is None else next(new) for x in tree.flatten(structure)])


def _captured(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], start: int, hoist: bool
) -> list[Tensor]:
    """The tensors from outside that the outputs use."""
    inside = {id(x) for x in inputs}
    order = topological_order(outputs, stop=inputs)
    for node in order:
        new = node.number >= start
        # Random numbers drawn within must be drawn anew each time round.
        if (new and (not hoist or draws(node))) or any(id(t) in inside for t in operands(node)):
            inside.update(id(t) for t in node.outputs)
    used: dict[int, Tensor] = {}
    for node in order:
        if id(node.outputs[0]) in inside:
            used.update((id(t), t) for t in operands(node) if id(t) not in inside)
    used.update((id(t), t) for t in outputs if id(t) not in inside)
    return [t for t in used.values() if not isinstance(t, Constant)]


def operands(node: Node) -> list[Tensor]:
    """What a node is computed from: its inputs, and the tensors whose sizes it needs."""
    return [*node.inputs, *(t for value in node.attrs.values() for t in size_tensors(value))]


def varies(value: Any) -> bool:
    """Whether a value may differ from run to run: an input, a variable or a draw is behind it."""
    pending, seen = [value] if isinstance(value, Tensor) else [], set()
    while pending:
        tensor = pending.pop()
        node = tensor.node
        if node is None:
            if not isinstance(tensor, Constant):
                return True
        elif node.number not in seen:
            if tensor.is_symbolic or draws(node):
                return True
            seen.add(node.number)
            pending.extend(node.inputs)
    return False


def draws(node: Node) -> bool:
    """Whether each run of the node gives other random numbers."""
    return bool(node.attrs.get("counted")) or any(
        draws(inner)
        for sub in subgraphs_of(node).values()
        for inner in topological_order(sub.outputs, stop=sub.inputs)
    )


def inline(subgraph: Subgraph, arguments: Sequence[Tensor]) -> list[Tensor]:
    """The subgraph's outputs, computed from `arguments` by nodes of the graph around it."""
    return replace(subgraph.outputs, dict(zip(subgraph.inputs, arguments, strict=True)))


def closed(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Subgraph:
    """What computes `outputs` from `inputs` (any tensors behind them) as a subgraph."""
    placeholders = [Placeholder(t.shape, t.dtype) for t in inputs]
    new = dict(zip(inputs, placeholders, strict=True))
    return Subgraph(placeholders, replace(outputs, new, keep_sources=True))
