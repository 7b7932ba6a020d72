"""Gradients: one node in the graph, and their expansion by the primitives' rules.

Engines that differentiate natively get the node as it is. For the others (NumPy), and
for differentiating again where an engine can't, `expand` walks backwards over the
graph and applies each primitive's vector-Jacobian rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish.graph import dtypes, trace
from kerasish.graph.passes import replace, topological_order
from kerasish.graph.primitive import Primitive, as_tensor, primitive
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Node, Placeholder, Tensor


@primitive
def gradients_p(loss: Spec, *xs: Spec) -> tuple[Spec, ...]:
    if not dtypes.is_float(loss.dtype):
        raise TypeError(f"only a float can be differentiated, but the loss is {loss.dtype}.")
    for x in xs:
        if not dtypes.is_float(x.dtype):
            raise TypeError(f"gradients exist only with respect to floats, not {x.dtype}.")
    return xs


def gradients(loss: Any, variables: Any) -> Any:
    """The gradients of `loss` with respect to `variables`.

    Args:
        loss: a float tensor; if it is not a scalar, the gradients are those of its sum.
        variables: a variable or tensor that `loss` was computed from, or a list of them.

    Returns:
        A tensor of the variable's shape, or a list of them; zeros where the loss does not
        depend on it.

    >>> x = Variable(3.0)
    >>> float(gradients(x * x, x))
    6.0
    """
    single = not isinstance(variables, (list, tuple))
    xs = [variables] if single else list(variables)
    if not xs:
        return []
    result = gradients_p(as_tensor(loss), *xs)
    if single:
        return result
    return list(result) if len(xs) > 1 else [result]


def expand(loss: Tensor, xs: Sequence[Tensor]) -> list[Tensor]:
    """Builds the graph of the gradients from the primitives' own rules."""
    from kerasish.ops.array import full, zeros_like

    grads: dict[int, Tensor] = {id(loss): full(loss.shape, 1, loss.dtype)}
    wanted = {id(x) for x in xs}
    for node in reversed(_between(xs, loss)):
        cotangents = [grads.get(id(out)) for out in node.outputs]
        if all(g is None for g in cotangents):
            continue
        with trace.derived_from(node.source):
            results = _apply_rule(node, cotangents)
        for x, grad in zip(node.inputs, results, strict=True):
            if grad is not None and (x.node is not None or id(x) in wanted):
                known = grads.get(id(x))
                grads[id(x)] = grad if known is None else known + grad
    return [grads[id(x)] if id(x) in grads else zeros_like(x) for x in xs]


def _between(xs: Sequence[Tensor], loss: Tensor) -> list[Node]:
    """The nodes that depend on any of `xs` and that `loss` depends on, in order."""
    dependent = {id(x) for x in xs}
    nodes = []
    for node in topological_order([loss]):
        if any(id(t) in dependent for t in node.inputs):
            dependent.update(id(t) for t in node.outputs)
            nodes.append(node)
    return nodes


def _apply_rule(node: Node, cotangents: list[Tensor | None]) -> Sequence[Tensor | None]:
    rule = node.primitive.vjp_rule
    if rule is None:
        if node.primitive.expansion is not None:
            return _through_expansion(node, cotangents)
        raise NotImplementedError(
            f"{node.primitive.name} has no gradient rule, but the loss depends on its inputs "
            f"through it ({node.source}). Wrap its result in ops.stop_gradient if it should "
            "count as a constant."
        )
    filled = [_or_zeros(g, out) for g, out in zip(cotangents, node.outputs, strict=True)]
    result = rule(filled[0] if len(filled) == 1 else filled, *node.inputs, **node.attrs)
    return result if isinstance(result, (tuple, list)) else (result,)


def _through_expansion(node: Node, cotangents: list[Tensor | None]) -> list[Tensor]:
    """The gradient of a composite without a rule: that of what it is built from."""
    primitive: Primitive = node.primitive
    # Leaves in place of the inputs: one input may be computed from another.
    leaves = [Placeholder(t.shape, t.dtype) for t in node.inputs]
    outputs = primitive.expansion(*leaves, **node.attrs)  # type: ignore[misc]
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    terms = [(out * g).sum() for out, g in zip(outputs, cotangents, strict=True) if g is not None]
    grads = expand(sum(terms[1:], start=terms[0]), leaves)
    return replace(grads, dict(zip(leaves, node.inputs, strict=True)))


def _or_zeros(grad: Tensor | None, like: Tensor) -> Tensor:
    from kerasish.ops.array import zeros_like

    return zeros_like(like) if grad is None else grad
