"""What operations that work element by element share: rules of specs and of gradients."""

from __future__ import annotations

from collections.abc import Callable

from kerasish.graph import dtypes
from kerasish.graph.primitive import Primitive, primitive
from kerasish.graph.shapes import Dim, broadcast_shapes
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor


def named(name: str, rule: Callable[..., Spec]) -> Primitive:
    """A primitive without attributes, by the rule of its specs that it shares with others."""

    def spec_rule(*specs: Spec) -> Spec:
        return rule(*specs)

    spec_rule.__name__ = name
    return primitive(spec_rule)


def one_rule(x: Spec) -> Spec:
    """What comes out is of the shape and dtype of what goes in."""
    return x


def float_rule(x: Spec) -> Spec:
    """As `one_rule`, of floats only."""
    if not dtypes.is_float(x.dtype):
        raise TypeError(f"expected a float, but got {x.dtype}.")
    return x


def pair_rule(x: Spec, y: Spec) -> Spec:
    """Two inputs of one dtype, whose shapes broadcast."""
    if x.dtype != y.dtype:
        raise TypeError(f"both inputs must have one dtype, but got {x.dtype} and {y.dtype}.")
    return Spec(broadcast_shapes(x.shape, y.shape), x.dtype)


def float_pair(x: Spec, y: Spec) -> Spec:
    """As `pair_rule`, of floats only."""
    float_rule(x)
    return pair_rule(x, y)


def number(dtype: str) -> str:
    """Arithmetic on booleans happens in int32."""
    return "int32" if dtype == "bool" else dtype


def sum_to(x: Tensor, like: Tensor) -> Tensor:
    """Undoes broadcasting in a gradient: `x` summed to the shape of `like`."""
    if x.shape == like.shape:
        return x
    extra = x.rank - like.rank
    stretched = [
        i
        for i, size in enumerate(x.shape)
        if i < extra or (like.shape[i - extra] == 1 and size != 1)
    ]
    return x.sum(axis=tuple(stretched)).reshape(tuple(Dim.of(like, i) for i in range(like.rank)))


def constant_gradient(g, *inputs):
    """Nothing: where the result does not change, or jumps."""
    return (None,) * len(inputs)
