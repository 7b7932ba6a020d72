"""Derivatives along a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasish import tree
from kerasish.graph import dtypes
from kerasish.graph.gradients import gradients
from kerasish.graph.primitive import as_tensor, identity_p
from kerasish.graph.shapes import compatible
from kerasish.graph.subgraph import leaves_of, packed
from kerasish.graph.tensor import Tensor
from kerasish.ops.filling import full_like, zeros_like
from kerasish.ops.promotion import cast
from kerasish.ops.reduce import sum


def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of a function, and its derivative along a direction.

    Args:
        fun: takes tensors in any structure, returns tensors in any structure.
        primals: the arguments, a tuple or list.
        tangents: the direction: for each argument a change of its structure and shape.
        has_aux: whether `fun` returns its results and something more, which is passed on.

    Returns:
        The results; their changes, in the same structure; and with `has_aux` what more there was.
        Results that are no floats have the change 0.

    Raises:
        ValueError: if tangents and primals differ in structure or shapes.

    >>> value, change = jvp(lambda x: x * x, (3.0,), (1.0,))
    >>> float(value), float(change)
    (9.0, 6.0)
    """
    # Under a new name, for an argument may stand in `fun` by itself too.
    points = [identity_p(as_tensor(x)) for x in leaves_of(list(primals))]
    directions = [as_tensor(x) for x in leaves_of(list(tangents))]
    alike = tree.same_structure(list(primals), list(tangents)) and len(points) == len(directions)
    if not alike or not all(
        compatible(x.shape, v.shape) for x, v in zip(points, directions, strict=True)
    ):
        raise ValueError(
            "jvp: tangents must have the structure and the shapes of primals, but these are "
            f"{[str(v.spec) for v in directions]} and {[str(x.spec) for x in points]}."
        )
    result = fun(*packed(list(primals), points))
    result, *aux = result if has_aux else (result,)
    values = [as_tensor(y) for y in leaves_of(result)]
    changes = _changes(values, points, directions)
    return packed(result, values), packed(result, changes), *aux


def _changes(
    values: Sequence[Tensor], points: Sequence[Tensor], directions: Sequence[Tensor]
) -> list[Tensor]:
    """The gradient of (weights times the derivative times the direction) by the weights.

    That is linear in the weights, so their values do not matter. They differ, for equal
    expressions become one.
    """
    floats = [i for i, y in enumerate(values) if dtypes.is_float(y.dtype)]
    pairs = [(x, v) for x, v in zip(points, directions, strict=True) if dtypes.is_float(x.dtype)]
    changes = [zeros_like(y) for y in values]
    if not floats or not pairs:
        return changes
    weights = [full_like(values[i], 1 + k) for k, i in enumerate(floats)]
    loss = _total([values[i] * w for i, w in zip(floats, weights, strict=True)])
    back = gradients(loss, [x for x, _ in pairs])
    along = _total([g * cast(v, g.dtype) for g, (_, v) in zip(back, pairs, strict=True)])
    for i, change in zip(floats, gradients(along, weights), strict=True):
        changes[i] = change
    return changes


def _total(terms: Sequence[Tensor]) -> Tensor:
    first, *others = (cast(sum(t), "float32") if t.dtype != "float64" else sum(t) for t in terms)
    for other in others:
        first = first + other
    return first
