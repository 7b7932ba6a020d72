"""Equal graphs that engines compute faster: small rules, each for one operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kerasish.graph import trace
from kerasish.graph.passes import differentiated, map_subgraphs, topological_order
from kerasish.graph.primitive import PRIMITIVES
from kerasish.graph.shapes import size_of
from kerasish.graph.tensor import Node, Tensor

# What a rule makes of an operation's inputs; None: it stays as it is.
Rule = Callable[[Node, Sequence[Tensor]], "Tensor | None"]


def rewrite(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The same outputs, computed by what the rules put in the place of operations."""
    new: dict[int, Tensor] = {}
    nodes = topological_order(outputs)
    fixed = differentiated(nodes)
    for node in nodes:
        args = tuple(new.get(id(t), t) for t in node.inputs)
        rule = RULES.get(node.primitive.name)
        found = None
        # The way round an input would lead round its gradient, too.
        if rule and not any(id(t) in fixed and t.node for t in node.inputs):
            with trace.derived_from(node.source):
                found = rule(node, args)
        if found is not None:
            new[id(node.outputs[0])] = found
            continue
        attrs = map_subgraphs(node, rewrite)
        if attrs != node.attrs or any(x is not t for x, t in zip(args, node.inputs, strict=True)):
            specs = tuple(t.spec for t in node.outputs)
            results = Node(node.primitive, args, attrs, specs, node.source).outputs
            new.update((id(old), t) for old, t in zip(node.outputs, results, strict=True))
    return [new.get(id(t), t) for t in outputs]


def _behind(tensor: Tensor) -> tuple[Tensor, ...]:
    return () if tensor.node is None else tensor.node.inputs


def _made_by(tensor: Tensor, *names: str) -> bool:
    return tensor.node is not None and tensor.node.primitive.name in names


def _one_transpose(node: Node, args: Sequence[Tensor]) -> Tensor | None:
    """Axes that are moved twice are moved once."""
    (x,) = args
    if not _made_by(x, "transpose"):
        return None
    first = x.node.attrs["axes"]  # type: ignore[union-attr]
    return _transposed(_behind(x)[0], tuple(first[i] for i in node.attrs["axes"]))


def _transposed(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x if axes == tuple(range(x.rank)) else PRIMITIVES["transpose"](x, axes=axes)


def _one_reshape(node: Node, args: Sequence[Tensor]) -> Tensor | None:
    """Of two shapes the second counts."""
    (x,) = args
    return _reshaped(_behind(x)[0], node.outputs[0].shape) if _made_by(x, "reshape") else None


def _reshaped(x: Tensor, shape: Sequence[int | None]) -> Tensor:
    return x if x.shape == shape else PRIMITIVES["reshape"](x, shape=shape)


def _on_rows(node: Node, args: Sequence[Tensor]) -> Tensor | None:
    """A product's bias and activation come before its rows are spread over several axes.

    So they follow the product itself, with which engines fuse them.
    """
    spread, *others = args
    if not _made_by(spread, "reshape") or node.outputs[0].shape != spread.shape:
        return None
    (rows,) = _behind(spread)
    if rows.rank != 2 or not _made_by(rows, "matmul", *_ON_ROWS):
        return None
    if any(not _runs_along_rows(x, spread, rows) for x in others):
        return None
    flat = [_reshaped(x, rows.shape[1:]) for x in others]
    return _reshaped(node.primitive(rows, *flat, **node.attrs), spread.shape)


def _runs_along_rows(x: Tensor, spread: Tensor, rows: Tensor) -> bool:
    """Whether `x` has one element for each column of `rows`, also where these are `spread`."""
    trailing = spread.shape[spread.rank - x.rank :]
    return 0 < x.rank < spread.rank and x.shape == trailing and size_of(x.shape) == rows.shape[1]


_ON_ROWS = ("add", "relu", "sigmoid", "tanh")

RULES: dict[str, Rule] = {
    "transpose": _one_transpose,
    "reshape": _one_reshape,
    **dict.fromkeys(_ON_ROWS, _on_rows),
}
