"""A graph for one element turned into the graph for all of them at once.

Each value that depends on the element gets the elements as a new first axis. What a primitive
becomes then is its rule here; composites without one are taken apart. Where a primitive has no
rule (loops, branches), the caller goes through the elements one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasish.graph.gradients import expand
from kerasish.graph.passes import topological_order
from kerasish.graph.primitive import Primitive
from kerasish.graph.tensor import Node, Placeholder, Tensor, size_tensors
from kerasish.ops.array import broadcast_to, moveaxis, reshape, shape
from kerasish.ops.filling import arange
from kerasish.ops.selection import take_p


class NoBatchRule(Exception):
    """An operation that is not known to run on all elements at once."""


# Rules: the primitive, its inputs, which of them have the new axis, its attributes, and the
# number of elements in; results with the new axis out.
Rule = Callable[[Primitive, Sequence[Tensor], Sequence[bool], dict[str, Any], Any], Any]
RULES: dict[str, Rule] = {}


def batched(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], stacked: Sequence[Tensor], size: Any
) -> list[Tensor]:
    """`outputs` for all elements.

    Args:
        outputs: what is computed from `inputs`, which stand for one element.
        inputs: placeholders.
        stacked: for each of them the values of all elements, on a first axis.
        size: the number of elements.

    Raises:
        NoBatchRule: if there is no rule for an operation among them.
    """
    walk = _Walk(size)
    walk.new.update((id(x), s) for x, s in zip(inputs, stacked, strict=True))
    walk.kept = list(inputs)
    return walk.values(outputs)


class _Walk:
    def __init__(self, size: Any):
        self.size = size
        self.new: dict[int, Tensor] = {}
        self.kept: list[Tensor] = []  # what the keys of `new` are the ids of

    def values(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        for node in topological_order(outputs, stop=self.kept):
            if id(node.outputs[0]) not in self.new:
                self._visit(node)
        return [
            self.new[id(t)] if id(t) in self.new else broadcast_to(t, (self.size, *shape(t)))
            for t in outputs
        ]

    def _visit(self, node: Node) -> None:
        flags = [id(t) in self.new for t in node.inputs]
        if any(id(t) in self.new for value in node.attrs.values() for t in size_tensors(value)):
            raise NoBatchRule(f"{node.primitive.name} with sizes of the element")
        if not any(flags) and not node.attrs.get("counted"):
            return
        inputs = [self.new.get(id(t), t) for t in node.inputs]
        results = self._results(node, inputs, flags)
        for old, new in zip(node.outputs, results, strict=True):
            self.new[id(old)] = new
            self.kept.append(old)

    def _results(self, node: Node, inputs: list[Tensor], flags: list[bool]) -> Sequence[Tensor]:
        primitive = node.primitive
        if primitive.name == "gradients":
            return self.values(expand(node.inputs[0], node.inputs[1:]))
        rule = RULES.get(primitive.name)
        if rule is not None:
            return _all(rule(primitive, inputs, flags, node.attrs, self.size))
        # Nor can what needs sizes be taken apart: those of the elements may not be known yet.
        if primitive.expansion is None or primitive.own_gradient or primitive.needs_sizes:
            raise NoBatchRule(primitive.name)
        leaves = [
            Placeholder(t.shape, t.dtype) if flag else t
            for t, flag in zip(node.inputs, flags, strict=True)
        ]
        inner = _Walk(self.size)
        inner.kept = [leaf for leaf, flag in zip(leaves, flags, strict=True) if flag]
        inner.new = {
            id(leaf): x for leaf, x, flag in zip(leaves, inputs, flags, strict=True) if flag
        }
        return inner.values(_all(primitive.expansion(*leaves, **node.attrs)))


def _all(results: Any) -> Sequence[Tensor]:
    return results if isinstance(results, (list, tuple)) else (results,)


def _rule(names: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names.split(), rule))
        return rule

    return register


def _aligned(inputs: Sequence[Tensor], flags: Sequence[bool]) -> list[Tensor]:
    """The elements' axes filled up with axes of size 1, so that they broadcast as before."""
    rank = max(t.rank - flag for t, flag in zip(inputs, flags, strict=True))
    return [
        reshape(t, (shape(t)[0], *(1,) * (rank + 1 - t.rank), *shape(t)[1:])) if flag else t
        for t, flag in zip(inputs, flags, strict=True)
    ]


@_rule(
    """
    negative abs sign square floor ceil round exp expm1 log log1p sqrt rsqrt sin cos tanh erf
    sigmoid softplus relu isnan isfinite logical_not stop_gradient cast identity add subtract
    multiply divide power maximum minimum floor_divide mod equal not_equal less less_equal greater
    greater_equal logical_and logical_or where arctan2 nextafter phase matmul
    softmax_cross_entropy sigmoid_cross_entropy bitwise_and bitwise_or bitwise_xor left_shift
    right_shift gcd erfc erfinv cbrt arcsinh arccosh
    """
)
def _(primitive, inputs, flags, attrs, size):
    return primitive(*_aligned(inputs, flags), **attrs)


@_rule("cholesky lu qr svd eigh eig inv det slogdet pinv")
def _(primitive, inputs, flags, attrs, size):
    return primitive(*inputs, **attrs)


@_rule("sum mean prod max min any all extreme_from")
def _(primitive, inputs, flags, attrs, size):
    if any(flags[1:]):
        raise NoBatchRule(f"{primitive.name} with an initial value for each element")
    return primitive(*inputs, **(attrs | {"axis": tuple(a + 1 for a in attrs["axis"])}))


@_rule("argmax argmin cumsum cumprod softmax log_softmax")
def _(primitive, inputs, flags, attrs, size):
    return primitive(*inputs, **(attrs | {"axis": attrs["axis"] + 1}))


@_rule("flip")
def _(primitive, inputs, flags, attrs, size):
    return primitive(*inputs, axes=tuple(a + 1 for a in attrs["axes"]))


@_rule("transpose")
def _(primitive, inputs, flags, attrs, size):
    return primitive(*inputs, axes=(0, *(a + 1 for a in attrs["axes"])))


@_rule("reshape")
def _(primitive, inputs, flags, attrs, size):
    return primitive(*inputs, shape=(size, *attrs["shape"]))


@_rule("broadcast_to")
def _(primitive, inputs, flags, attrs, size):
    (x,) = inputs
    missing = len(attrs["shape"]) + 1 - x.rank
    wide = reshape(x, (size, *(1,) * missing, *shape(x)[1:]))
    return primitive(wide, shape=(size, *attrs["shape"]))


@_rule("concatenate")
def _(primitive, inputs, flags, attrs, size):
    wide = [
        t if flag else broadcast_to(t, (size, *shape(t)))
        for t, flag in zip(inputs, flags, strict=True)
    ]
    return primitive(*wide, axis=attrs["axis"] + 1)


@_rule("slice slice_grad")
def _(primitive, inputs, flags, attrs, size):
    more: dict[str, Any] = {"start": 0, "stop": size, "step": 1, "shape": size}
    return primitive(*inputs, **{key: (more[key], *value) for key, value in attrs.items()})


@_rule("pad")
def _(primitive, inputs, flags, attrs, size):
    return primitive(*inputs, widths=((0, 0), *attrs["widths"]), value=attrs["value"])


@_rule("take")
def _(primitive, inputs, flags, attrs, size):
    (x, indices), axis = inputs, attrs["axis"]
    if not flags[0]:
        return moveaxis(take_p(x, indices, axis=axis), axis, 0)
    if not flags[1]:
        return take_p(x, indices, axis=axis + 1)
    # All elements in one: those of element i start at i times the length of the axis.
    x = moveaxis(x, axis + 1, 1)
    length = shape(x)[1]
    starts = arange(size, dtype=indices.dtype) * length
    places = indices + reshape(starts, (-1, *(1,) * (indices.rank - 1)))
    taken = take_p(reshape(x, (size * length, *shape(x)[2:])), places, axis=0)
    around = range(1, indices.rank)
    return moveaxis(taken, list(around), [axis + i for i in around])


@_rule("random_uniform random_normal dropout_mask")
def _(primitive, inputs, flags, attrs, size):
    return primitive(**(attrs | {"shape": (size, *attrs["shape"])}))


@_rule("conv max_pool avg_pool")
def _(primitive, inputs, flags, attrs, size):
    x, *kernel = inputs
    if any(flags[1:]):
        raise NoBatchRule(f"{primitive.name} with a kernel for each element")
    folded = reshape(x, (shape(x)[0] * shape(x)[1], *shape(x)[2:]))
    y = primitive(folded, *kernel, **attrs)
    return reshape(y, (size, -1, *shape(y)[1:]))
