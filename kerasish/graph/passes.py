"""Passes over the graph on its way to a Program: small functions, graph in, graph out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from kerasish.graph import trace
from kerasish.graph.primitive import Primitive
from kerasish.graph.shapes import Dim, size_of
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import (
    Constant,
    Node,
    Placeholder,
    Subgraph,
    Tensor,
    size_tensors,
    subgraphs_of,
)
from kerasish.graph.variable import Variable

# Folding a larger result would only make the Program bigger.
_LARGEST_FOLDED = 4096


def topological_order(
    outputs: Iterable[Tensor],
    stop: Iterable[Tensor] = (),
    is_known: Callable[[Tensor], bool] = lambda tensor: False,
) -> list[Node]:
    """The nodes behind `outputs`, each after those it depends on.

    Not those behind `stop`, nor behind tensors that are known.
    """
    seen = {id(t) for t in stop}
    order: list[Node] = []
    done: set[int] = set()
    # An explicit stack: graphs are deeper than Python's recursion limit.
    stack = [(t, False) for t in reversed(list(outputs))]
    while stack:
        tensor, expanded = stack.pop()
        node = tensor.node
        if node is None or id(tensor) in seen or id(node) in done or is_known(tensor):
            continue
        if expanded:
            done.add(id(node))
            order.append(node)
            continue
        stack.append((tensor, True))
        for x in (*_attr_tensors(node), *reversed(node.inputs)):
            if x.node is not None and id(x.node) not in done:
                stack.append((x, False))
    return order


def _attr_tensors(node: Node) -> list[Tensor]:
    return [t for value in node.attrs.values() for t in size_tensors(value)]


def with_subgraphs(
    primitive: Primitive,
    args: Sequence[Tensor],
    attrs: dict[str, Any],
    convert: Callable[[Subgraph, Sequence[Spec]], Subgraph],
) -> dict[str, Any]:
    """`attrs` with each subgraph converted, given the specs of its inputs."""
    if primitive.inner_specs is None:
        return attrs
    inner = primitive.inner_specs([t.spec for t in args], attrs)
    return attrs | {key: convert(attrs[key], specs) for key, specs in inner.items()}


def is_expanded(primitive: Primitive, takes_whole: Callable[[str], bool]) -> bool:
    """Whether an engine gets the primitives that a composite is made of."""
    if primitive.expansion is None:
        return False
    return primitive.needs_sizes or not takes_whole(primitive.name)


def map_subgraphs(
    node: Node, function: Callable[[Sequence[Tensor]], Sequence[Tensor]]
) -> dict[str, Any]:
    """The node's attributes with `function` applied to the outputs of its subgraphs."""
    return node.attrs | {
        key: Subgraph(sub.inputs, function(sub.outputs), sub.origin)
        for key, sub in subgraphs_of(node).items()
    }


def resolve(attr: Any, size_of: Callable[[Tensor, int], int]) -> Any:
    """An attribute with the run-time sizes in it made ints."""
    if isinstance(attr, Dim):
        return attr.resolve(size_of)
    if isinstance(attr, tuple):
        return tuple(resolve(item, size_of) for item in attr)
    return attr


def expand_composites(
    outputs: Sequence[Tensor], takes_whole: Callable[[str], bool], done: Iterable[Tensor] = ()
) -> list[Tensor]:
    """Replaces composites that gradient rules brought in and the engine can't take.

    What is behind `done` has none any more. It stays as it is: copies of it would double with
    every shortcut around a composite.
    """
    new: dict[int, Tensor] = {}
    for node in topological_order(outputs, done):
        args = [new.get(id(t), t) for t in node.inputs]
        if is_expanded(node.primitive, takes_whole):
            with trace.derived_from(node.source):
                results = node.primitive.expansion(*args, **node.attrs)  # type: ignore[misc]
            results = results if isinstance(results, tuple) else (results,)
            results = tuple(expand_composites(results, takes_whole, args))
        else:
            specs = tuple(t.spec for t in node.outputs)
            attrs = map_subgraphs(node, lambda inner: expand_composites(inner, takes_whole))
            results = Node(node.primitive, tuple(args), attrs, specs, node.source).outputs
        new.update((id(old), t) for old, t in zip(node.outputs, results, strict=True))
    return [new.get(id(t), t) for t in outputs]


def differentiated(nodes: Iterable[Node]) -> set[int]:
    """The ids of the tensors that gradients among the nodes are with respect to."""
    return {id(t) for n in nodes if n.primitive.name == "gradients" for t in n.inputs[1:]}


Fold = Callable[[Node], "Sequence[np.ndarray] | None"]


def simplify(outputs: Sequence[Tensor], fold: Fold) -> list[Tensor]:
    """Merges equal subexpressions and computes what depends on constants alone."""
    new: dict[int, Tensor] = {}
    built: dict[Any, tuple[Tensor, ...]] = {}
    nodes = topological_order(outputs)
    # What an engine differentiates with respect to stays apart from what merely equals it.
    apart = differentiated(nodes)
    for node in nodes:
        args = tuple(
            new.get(id(t), t) if id(t) in apart else _share(new.get(id(t), t), built)
            for t in node.inputs
        )
        key: Any = (node.primitive.name, tuple(map(id, args)), tuple(sorted(node.attrs.items())))
        if any(id(t) in apart for t in node.outputs):
            key = id(node)
        if key not in built:
            kept = any(id(t) in apart for t in (*node.inputs, *node.outputs))
            built[key] = _folded(node, args, fold, kept)
        new.update((id(old), t) for old, t in zip(node.outputs, built[key], strict=True))
    return [new.get(id(t), t) for t in outputs]


def _share(tensor: Tensor, built: dict[Any, tuple[Tensor, ...]]) -> Tensor:
    """One Constant for each scalar value, so that equal expressions are seen as equal."""
    if not isinstance(tensor, Constant) or tensor.value.size > 1:
        return tensor
    key = ("constant", tensor.shape, tensor.dtype, tensor.value.tobytes())
    return built.setdefault(key, (tensor,))[0]


def _folded(node: Node, args: tuple[Tensor, ...], fold: Fold, kept: bool) -> tuple[Tensor, ...]:
    specs = tuple(t.spec for t in node.outputs)
    attrs = map_subgraphs(node, lambda inner: simplify(inner, fold))
    result = Node(node.primitive, args, attrs, specs, node.source)
    foldable = not kept and "stream" not in attrs and not subgraphs_of(node)
    if foldable and all(isinstance(t, Constant) for t in args) and _is_small(specs):
        values = fold(result)
        if values is not None:
            return tuple(Constant(np.asarray(value)) for value in values)
    return result.outputs


def _is_small(specs: Iterable[Spec]) -> bool:
    return all((size_of(spec.shape) or 0) <= _LARGEST_FOLDED for spec in specs)


def variables_in(tensors: Iterable[Tensor]) -> list[Variable]:
    """The variables that `tensors` depend on, in the order of their making."""
    tensors = list(tensors)
    leaves = [t for node in topological_order(tensors) for t in node.inputs] + tensors
    found = {t.key: t for t in leaves if isinstance(t, Variable)}
    return [found[key] for key in sorted(found)]


@trace.autocast(None)
def replace(
    tensors: Sequence[Tensor],
    new: Mapping[Tensor, Tensor],
    keep_sources: bool = False,
    kept: Callable[[Node], Mapping[Tensor, Tensor]] = lambda node: {},
) -> list[Tensor]:
    """`tensors` recomputed with some of the tensors behind them replaced.

    Args:
        tensors: what to compute.
        new: old tensor -> the one that takes its place.
        keep_sources: whether the new nodes come from where the old ones came from, and not
            from here.
        kept: what takes the place of inputs of one node alone.
    """
    known = {id(old): t for old, t in new.items()}

    def axis_size(tensor: Tensor, axis: int) -> Any:
        return Dim.of(known.get(id(tensor), tensor), axis)

    for node in topological_order(tensors, stop=list(new)):
        own = kept(node)
        args = [own[t] if t in own else known.get(id(t), t) for t in node.inputs]
        changed = (t in own or id(t) in known for t in (*node.inputs, *_attr_tensors(node)))
        if not any(changed):
            continue
        attrs = {key: resolve(value, axis_size) for key, value in node.attrs.items()}
        attrs = with_subgraphs(node.primitive, args, attrs, _fitted)
        with trace.derived_from(node.source) if keep_sources else nullcontext():
            results = node.primitive(*args, **attrs)
        results = results if isinstance(results, tuple) else (results,)
        known.update((id(old), t) for old, t in zip(node.outputs, results, strict=True))
    return [known.get(id(t), t) for t in tensors]


def _fitted(subgraph: Subgraph, specs: Sequence[Spec]) -> Subgraph:
    """The subgraph for inputs of other shapes."""
    if all(t.spec == spec for t, spec in zip(subgraph.inputs, specs, strict=True)):
        return subgraph
    inputs = [Placeholder(spec.shape, spec.dtype) for spec in specs]
    outputs = replace(subgraph.outputs, dict(zip(subgraph.inputs, inputs, strict=True)))
    return Subgraph(inputs, outputs)
