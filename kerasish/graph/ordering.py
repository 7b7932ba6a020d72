"""The order in which the nodes of a Program run, where that decides how much memory it takes."""

from __future__ import annotations

from collections.abc import Sequence

from kerasish.graph.shapes import size_of
from kerasish.graph.tensor import Node, Tensor


def for_memory(nodes: Sequence[Node]) -> list[Node]:
    """The nodes in an order in which each runs when it can, those that set memory free first.

    What is computed a second time for a gradient so lives until the gradient has passed. In the
    order of `topological_order` the gradients of weights come last, and keep all of it.

    Args:
        nodes: each after those it depends on. Those without inputs keep to this order.
    """
    readers: dict[int, list[Node]] = {}  # tensor -> who is yet to read it
    missing: dict[int, int] = {}
    here = {id(node) for node in nodes}
    for node in nodes:
        computed = {id(t): t for t in node.inputs if t.node is not None and id(t.node) in here}
        missing[id(node)] = len(computed)
        for key in computed:
            readers.setdefault(key, []).append(node)

    def gain(node: Node) -> int:
        """The numbers that are not needed any more afterwards, less those that are new."""
        sources = {id(t): t for t in node.inputs}
        last = (t for key, t in sources.items() if readers.get(key) == [node])
        return sum(map(_size, last)) - sum(map(_size, node.outputs))

    order: list[Node] = []
    done: set[int] = set()
    for first in nodes:
        possible = [] if missing[id(first)] or id(first) in done else [first]
        while possible:
            # Of equal ones the latest: it goes on with what was begun.
            at = max(range(len(possible)), key=lambda i: (gain(possible[i]), i))
            node = possible.pop(at)
            order.append(node)
            done.add(id(node))
            for key in {id(t) for t in node.inputs} & readers.keys():
                readers[key].remove(node)
            for reader in {id(n): n for t in node.outputs for n in readers.get(id(t), ())}.values():
                missing[id(reader)] -= sum(
                    id(t) in {id(x) for x in reader.inputs} for t in node.outputs
                )
                if not missing[id(reader)]:
                    possible.append(reader)
    return order


def _size(tensor: Tensor) -> int:
    return size_of(tensor.shape) or 0
