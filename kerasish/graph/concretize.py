"""The first pass on the way to a Program: the graph again, for inputs of known shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.graph import trace
from kerasish.graph.gradients import between, expand
from kerasish.graph.operators import operations
from kerasish.graph.passes import is_expanded, resolve, topological_order, with_subgraphs
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Constant, Node, Placeholder, Subgraph, Tensor

if TYPE_CHECKING:
    from kerasish.engines.base import Engine


def concretize(
    inputs: Sequence[Tensor],
    specs: Sequence[Spec],
    outputs: Sequence[Tensor],
    training: bool,
    engine: Engine,
    by_rules: bool = False,
) -> tuple[list[Placeholder], list[Tensor]]:
    """Rebuilds the graph for inputs of known shapes.

    Every shape rule runs again with real sizes, run-time sizes become ints, the training
    flag is decided, composites that the engine does not take whole are expanded, and so
    are gradients unless the engine differentiates natively.

    Args:
        inputs: what the outputs are computed from.
        specs: what each of them really is.
        outputs: what is computed.
        training: the training flag.
        engine: whom the graph is for.
        by_rules: whether all gradients are expanded, whatever the engine can do.

    Returns:
        The new inputs, and the new outputs.
    """
    placeholders = [
        Placeholder(spec.shape, spec.dtype, name=old.name)
        for old, spec in zip(inputs, specs, strict=True)
    ]
    order = topological_order(outputs, stop=inputs)
    concrete = _Concrete(inputs, placeholders, training, engine, by_rules)
    if not (by_rules or engine.higher_gradients):
        concrete.spelled_out = _differentiated_again(order)
    for node in order:
        with trace.derived_from(node.source):
            results = concrete.rebuild(node)
        if results is None:
            return concretize(inputs, specs, outputs, training, engine, by_rules=True)
        results = results if isinstance(results, tuple) else (results,)
        concrete.new.update((id(old), t) for old, t in zip(node.outputs, results, strict=True))
    return placeholders, [concrete.lookup(t) for t in outputs]


def _differentiated_again(order: Sequence[Node]) -> set[int]:
    """The gradients among the nodes that other gradients' losses depend on."""
    losses = [node.inputs[0] for node in order if node.primitive.name == "gradients"]
    return {id(n) for n in topological_order(losses) if n.primitive.name == "gradients"}


class _Concrete:
    """A graph while it is rebuilt.

    Attributes:
        new: the id of an old tensor -> the one that took its place.
        spelled_out: the ids of the gradients that are expanded in any case.
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        placeholders: Sequence[Placeholder],
        training: bool,
        engine: Engine,
        by_rules: bool,
    ):
        self.new: dict[int, Tensor] = {
            id(old): placeholder for old, placeholder in zip(inputs, placeholders, strict=True)
        }
        self.spelled_out: set[int] = set()
        self._inputs = inputs
        self._training = training
        self._engine = engine
        self._by_rules = by_rules or not engine.native_gradients

    def lookup(self, tensor: Tensor) -> Tensor:
        """What took a tensor's place."""
        found = self.new.get(id(tensor), tensor)
        if isinstance(found, Placeholder) and found is tensor:
            raise ValueError(
                f"The graph needs a value for {tensor!r}, which is not among the Function's "
                f"inputs: {[t.name for t in self._inputs]}."
            )
        return found

    def rebuild(self, node: Node) -> Any:
        """What takes the place of a node's outputs; None if all gradients need rules for it."""
        args = [self.lookup(t) for t in node.inputs]
        attrs = {key: resolve(value, self._axis_size) for key, value in node.attrs.items()}
        primitive = node.primitive
        attrs = with_subgraphs(primitive, args, attrs, self._inner)
        if primitive.name == "size":
            return Constant(np.asarray(attrs["size"], "int32"))
        if primitive.name == "phase":
            (spec,) = primitive.infer(tuple(t.spec for t in args), attrs)
            return operations().broadcast_to(args[0] if self._training else args[1], spec.shape)
        if primitive.name == "identity":
            return args[0]
        if primitive.name == "gradients":
            behind = between(args[1:], args[:1])
            if self._by_rules or id(node) in self.spelled_out or self._need_rules(behind):
                # Rules lead through gradients only if these are spelled out, too.
                nested = any(n.primitive.name == "gradients" for n in behind)
                return None if nested else tuple(expand(args[0], args[1:]))
        elif is_expanded(primitive, self._engine.lowers) and not primitive.own_gradient:
            return primitive.expansion(*args, **attrs)  # type: ignore[misc]
        specs = primitive.infer(tuple(t.spec for t in args), attrs)
        return Node(primitive, tuple(args), attrs, specs, node.source).outputs

    def _axis_size(self, tensor: Tensor, axis: int) -> int:
        return self.lookup(tensor).shape[axis]  # type: ignore[return-value]

    def _inner(self, subgraph: Subgraph, specs: Sequence[Spec]) -> Subgraph:
        # Gradients within are spelled out, so that those of the node itself can be built.
        graph = concretize(
            subgraph.inputs, specs, subgraph.outputs, self._training, self._engine, by_rules=True
        )
        return Subgraph(*graph)

    def _need_rules(self, nodes: Sequence[Node]) -> bool:
        """Whether gradients that lead through the nodes need the primitives' rules.

        So do those through tensors without elements, which not every engine knows.
        """
        without = self._engine.without_gradient
        tensors = [t for node in nodes for t in (*node.inputs, *node.outputs)]
        return any(t.dtype in without or 0 in t.shape for t in tensors) or any(
            node.primitive.own_gradient or node.primitive.name in without for node in nodes
        )
