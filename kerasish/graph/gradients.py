"""Gradients: one node in the graph, and their expansion by the primitives' rules.

Engines that differentiate natively get the node as it is. For the others (NumPy), and
for differentiating again where an engine can't, `expand` walks backwards over the
graph and applies each primitive's vector-Jacobian rule.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from kerasish.graph import dtypes, trace
from kerasish.graph.operators import operations
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
        A tensor of the variable's shape and dtype, or a list of them; zeros where the loss does not
        depend on it.

    Raises:
        TypeError: if the loss or a variable is no tensor of floats.
        NotImplementedError: when they are computed, if the loss depends on a variable through an
            operation that has no gradient on the engine.

    >>> x = Variable(3.0)
    >>> float(gradients(x * x, x))
    6.0
    """
    single = not isinstance(variables, (list, tuple))
    xs = [variables] if single else list(variables)
    for x in xs:
        if not isinstance(x, Tensor):
            raise TypeError(
                "gradients: what to differentiate with respect to must be a tensor or a variable "
                f"that the loss was computed from, but got {x!r:.80}."
            )
    if not xs:
        return []
    with trace.autocast(None):
        result = gradients_p(as_tensor(loss), *xs)
    if single:
        return result
    return list(result) if len(xs) > 1 else [result]


def expand(loss: Tensor, xs: Sequence[Tensor]) -> list[Tensor]:
    """Builds the graph of the gradients from the primitives' own rules."""
    grads = pull_back([loss], [operations().ones_like(loss)], xs)
    return [or_zeros(grad, x) for grad, x in zip(grads, xs, strict=True)]


def pull_back(
    outputs: Sequence[Tensor], weights: Sequence[Tensor], xs: Sequence[Tensor]
) -> list[Tensor | None]:
    """The gradients of the sum of `outputs` times `weights`; None where nothing depends on x."""
    terms: dict[int, list[Tensor]] = {}  # tensor -> what adds up to its gradient
    for out, weight in zip(outputs, weights, strict=True):
        terms.setdefault(id(out), []).append(weight)
    wanted = {id(x) for x in xs}

    def total(x: Tensor) -> Tensor | None:
        if id(x) not in terms:
            return None
        terms[id(x)] = [_sum(terms[id(x)])]
        return terms[id(x)][0]

    for node in reversed(between(xs, outputs)):
        cotangents = [total(out) for out in node.outputs]
        if all(g is None for g in cotangents):
            continue
        with trace.derived_from(node.source):
            results = _apply_rule(node, cotangents)
        for x, grad in zip(node.inputs, results, strict=True):
            if grad is not None and (x.node is not None or id(x) in wanted):
                terms.setdefault(id(x), []).append(grad)
    return [total(x) for x in xs]


def _sum(terms: Sequence[Tensor]) -> Tensor:
    joined = _joined(terms) if len(terms) > 1 else None
    if joined is not None:
        return joined
    dtype = terms[0].dtype
    if len(terms) > 2:  # many would not add up in 16 bits
        wide = dtypes.result_type(dtype, "float32")
        terms = [operations().cast(t, wide) for t in terms]
    return operations().cast(functools.reduce(operator.add, terms), dtype)


def _joined(terms: Sequence[Tensor]) -> Tensor | None:
    """The sum of gradients of slices that together make up the whole: the slices side by side."""
    nodes = [t.node for t in terms if t.node is not None and t.node.primitive.name == "slice_grad"]
    if len(nodes) < len(terms) or any(step != 1 for n in nodes for step in n.attrs["step"]):
        return None
    shape = nodes[0].attrs["shape"]
    bounds = [list(zip(n.attrs["start"], n.attrs["stop"], strict=True)) for n in nodes]
    axes = {
        i
        for b in bounds
        for i, (part, n) in enumerate(zip(b, shape, strict=True))
        if part != (0, n)
    }
    if len(axes) != 1:
        return None
    (axis,) = axes
    order = sorted(range(len(nodes)), key=lambda i: bounds[i][axis])
    ends = [0, *(bounds[i][axis][1] for i in order)]
    if [bounds[i][axis][0] for i in order] != ends[:-1] or ends[-1] != shape[axis]:
        return None
    return operations().concatenate([nodes[i].inputs[0] for i in order], axis)


def between(xs: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Node]:
    """The nodes that depend on any of `xs` and that `outputs` depend on, in order."""
    dependent = {id(x) for x in xs}
    nodes = []
    for node in topological_order(outputs):
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
    filled: Sequence[Tensor | None] = cotangents
    if not node.primitive.own_gradient:
        filled = [or_zeros(g, out) for g, out in zip(cotangents, node.outputs, strict=True)]
    result = rule(filled[0] if len(filled) == 1 else filled, *node.inputs, **node.attrs)
    return result if isinstance(result, (tuple, list)) else (result,)


def _through_expansion(node: Node, cotangents: list[Tensor | None]) -> list[Tensor | None]:
    """The gradient of a composite without a rule: that of what it is built from."""
    primitive: Primitive = node.primitive
    # Leaves in place of the inputs: one input may be computed from another.
    leaves = [Placeholder(t.shape, t.dtype) for t in node.inputs]
    outputs = primitive.expansion(*leaves, **node.attrs)  # type: ignore[misc]
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    reached = [(out, g) for out, g in zip(outputs, cotangents, strict=True) if g is not None]
    grads = pull_back([out for out, _ in reached], [g for _, g in reached], leaves)
    inputs: dict[Tensor, Tensor] = dict(zip(leaves, node.inputs, strict=True))
    found = iter(replace([g for g in grads if g is not None], inputs))
    return [None if g is None else next(found) for g in grads]


def or_zeros(grad: Tensor | None, like: Tensor) -> Tensor:
    """A gradient; zeros where nothing depends on `like`."""
    return operations().zeros_like(like) if grad is None else grad
