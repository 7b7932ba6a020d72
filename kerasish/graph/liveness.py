"""Passes over loops and branches: one loop for all that is asked of it, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish.graph.passes import map_subgraphs, topological_order
from kerasish.graph.primitive import Pruned
from kerasish.graph.tensor import Node, Subgraph, Tensor, subgraphs_of


def merge_loops(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Makes one of loops that differ only in what they hand out.

    The gradient of a loop asks for values from within; it does so by a second loop that
    gives more than the first.
    """
    nodes = topological_order(outputs)
    groups: dict[Any, list[Node]] = {}
    for node in nodes:
        if "history" in node.attrs:
            groups.setdefault(_family(node), []).append(node)
    new: dict[int, Tensor] = {}
    for node in nodes:
        if id(node.outputs[0]) in new:
            continue
        args = tuple(new.get(id(t), t) for t in node.inputs)
        group = groups.get(_family(node), []) if "history" in node.attrs else []
        if len(group) > 1:
            new.update(_united(group, args))
            continue
        attrs = map_subgraphs(node, merge_loops)
        specs = tuple(t.spec for t in node.outputs)
        results = Node(node.primitive, args, attrs, specs, node.source).outputs
        new.update((id(old), t) for old, t in zip(node.outputs, results, strict=True))
    return [new.get(id(t), t) for t in outputs]


def _family(node: Node) -> Any:
    body, attrs = node.attrs["body"], node.attrs
    shared = tuple(attrs[key] for key in ("carries", "sequences", "length", "reverse"))
    return (
        node.primitive.name,
        id(body.origin),
        tuple(map(id, body.inputs)),
        tuple(map(id, node.inputs)),
        shared,
    )


def _united(group: list[Node], args: tuple[Tensor, ...]) -> dict[int, Tensor]:
    """One loop that gives what all of the group give: old output -> new output."""
    # All hand out the same at first; those that were asked for more have it behind that.
    common = min(len(node.attrs["body"].outputs) for node in group)
    most = max(group, key=lambda node: len(node.attrs["body"].outputs))
    group = [most, *(node for node in group if node is not most)]
    body: Subgraph = most.attrs["body"]
    results, history, old = list(body.outputs), list(most.attrs["history"]), list(most.outputs)
    end = len(results)  # of what is no history
    for node in group[1:]:
        count = len(node.attrs["body"].outputs)
        more = node.outputs[common:count]
        results += node.attrs["body"].outputs[common:]
        old[end:end] = more
        end += len(more)
        old += node.outputs[count:]
        history += node.attrs["history"]
    attrs = most.attrs | {
        "body": Subgraph(body.inputs, merge_loops(results), body.origin),
        "history": tuple(history),
    }
    specs = tuple(t.spec for t in old)
    united = Node(most.primitive, args, attrs, specs, most.source).outputs
    new = {id(t): r for t, r in zip(old, united, strict=True)}
    for node in group:
        new.update((id(t), r) for t, r in zip(node.outputs[:common], united, strict=False))
    return new


def prune(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Drops what nothing needs from loops and branches: results, carries, captures."""
    nodes = topological_order(outputs)
    needed = {id(t) for t in outputs}
    plans: dict[int, Pruned] = {}
    for node in reversed(nodes):
        live = [id(t) in needed for t in node.outputs]
        if not any(live):
            continue
        plans[id(node)] = _plan(node, live)
        needed.update(map(id, plans[id(node)][0]))
    new: dict[int, Tensor] = {}
    for node in nodes:
        if not any(id(t) in needed for t in node.outputs):
            continue
        inputs, attrs, kept = plans[id(node)]
        specs: list[Any] = [None] * len(set(kept.values()))
        for position, target in kept.items():
            specs[target] = node.outputs[position].spec
        args = tuple(new.get(id(t), t) for t in inputs)
        rest = Node(node.primitive, args, attrs, tuple(specs), node.source)
        rest.attrs = map_subgraphs(rest, prune)
        results = rest.outputs
        new.update((id(node.outputs[i]), results[j]) for i, j in kept.items())
    return [new.get(id(t), t) for t in outputs]


def _plan(node: Node, live: Sequence[bool]) -> Pruned:
    """What remains of a node: inputs, attributes, old -> new position of the outputs."""
    if node.primitive.prune is None:
        return node.inputs, node.attrs, {i: i for i in range(len(live))}
    # What is dropped within may need less from without, so first from within to without.
    specs = tuple(t.spec for t in node.outputs)
    node = Node(node.primitive, node.inputs, map_subgraphs(node, prune), specs, node.source)
    return node.primitive.prune(node, live)  # type: ignore[misc]


def reached(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[bool]:
    """Which of `inputs` the outputs depend on."""
    found = {id(t) for node in topological_order(outputs) for t in node.inputs}
    found.update(map(id, outputs))
    return [id(t) in found for t in inputs]


def has_subgraphs(outputs: Sequence[Tensor]) -> bool:
    """Whether there is a loop or a branch behind `outputs`."""
    return any(subgraphs_of(node) for node in topological_order(outputs))
