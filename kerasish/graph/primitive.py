"""Primitives: the operations that an engine lowers; composites: those built from them.

A primitive is one function, specs in, spec out. It is the only place where its shape
and dtype rule stands. Its gradient rule (a vector-Jacobian product) stands beside it:

    @primitive
    def sqrt_p(x):
        return x

    @sqrt_p.vjp
    def _(g, x):
        return 0.5 * g / sqrt(x)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from kerasish.graph import dtypes, trace
from kerasish.graph.operators import operations
from kerasish.graph.shapes import Dim
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Constant, Node, Subgraph, Tensor, as_array, size_tensors
from kerasish.graph.variable import Variable

PRIMITIVES: dict[str, Primitive] = {}

# What is left of a node: its inputs, attributes, and old -> new position of its outputs.
Pruned = tuple[Sequence[Tensor], dict[str, Any], dict[int, int]]


class Primitive:
    """An operation. Calling it with tensors builds a node and returns its output(s).

    Attributes:
        name: what engines' tables call it.
        rule: specs and attributes in, output spec (or a tuple of specs) out.
        vjp_rule: gradient(s) of the output(s), inputs and attributes in, one gradient
            per input out (None where it is not differentiable).
        expansion: for a composite, the function over primitives that defines it.
        needs_sizes: whether it is always expanded, as soon as sizes are known.
        own_gradient: whether its gradient is always that of its rule, on engines that
            differentiate natively too. Its rule gets None for outputs without a gradient.
        inner_specs: for one that holds subgraphs, the specs of their inputs: specs and
            attributes in, attribute name -> specs out.
        prune: for one that holds subgraphs, what remains of a node: a node and whether each
            output is needed in; inputs, attributes, and old -> new output position out.
    """

    needs_sizes = False
    own_gradient = False
    inner_specs: Callable[..., dict[str, Sequence[Spec]]] | None = None
    prune: Callable[[Node, Sequence[bool]], Pruned] | None = None

    def __init__(self, name: str, rule: Callable[..., Any], expansion: Callable | None = None):
        self.name = name
        self.rule = rule
        self.expansion = expansion
        self.vjp_rule: Callable[..., Any] | None = None
        self.__doc__ = (expansion or rule).__doc__

    def vjp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Registers the gradient rule."""
        self.vjp_rule = rule
        return rule

    def own_vjp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Registers a gradient rule that every engine has to use."""
        self.own_gradient = True
        return self.vjp(rule)

    def infer(self, specs: tuple[Spec, ...], attrs: dict[str, Any]) -> tuple[Spec, ...]:
        """The specs of the outputs; errors name the operation and what came in."""
        try:
            result = self.rule(*specs, **attrs)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{self._where(specs)}: {error}") from None
        return (result,) if isinstance(result, Spec) else tuple(result)

    def _where(self, specs: tuple[Spec, ...]) -> str:
        path = trace.current_path()
        shapes = ", ".join(format_shape(spec.shape) for spec in specs)
        return f"{self.name}({shapes})" + (f" in {path}" if path else "")

    def __call__(self, *inputs: Any, **attrs: Any) -> Any:
        tensors = tuple(_used(x) if isinstance(x, Variable) else as_tensor(x) for x in inputs)
        specs = self.infer(tuple(t.spec for t in tensors), attrs)
        node = Node(self, tensors, attrs, specs, trace.source())
        if trace.is_outside_of_graphs() and not node.outputs[0].is_symbolic:
            node.kept = {}
            for tensor in tensors:
                if isinstance(tensor, Variable):
                    tensor.readers.add(node)
        return node.outputs[0] if len(specs) == 1 else node.outputs

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def primitive(rule: Callable[..., Any]) -> Primitive:
    """Makes a primitive of its shape rule. `cumsum_p` is called cumsum in programs."""
    return _register(Primitive(rule.__name__.removesuffix("_p"), rule))


def composite(function: Callable[..., Any], rule: Callable[..., Any] | None = None) -> Primitive:
    """Marks a function over primitives so that the graph keeps a call to it as one node.

    An engine whose table has the name takes it whole (a fused kernel); any other gets
    the expansion. `function` takes tensors, then keyword attributes. Where it needs sizes
    that may be unknown until the graph runs, `rule` says what comes out, and the expansion is
    what all engines get.
    """

    def trace_specs(*specs: Spec, **attrs: Any) -> Any:
        with trace.Trace():
            result = function(*(Tensor(spec, is_symbolic=True) for spec in specs), **attrs)
        return tuple(t.spec for t in result) if isinstance(result, tuple) else result.spec

    remembered = lru_cache(maxsize=4096, typed=True)(trace_specs)

    def traced(*specs: Spec, **attrs: Any) -> Any:
        # Tensors, and all that is behind them, would live as long as the memory of their specs.
        holds = any(isinstance(v, Subgraph) or size_tensors(v) for v in attrs.values())
        return (trace_specs if holds else remembered)(*specs, **attrs)

    made = Primitive(function.__name__.removesuffix("_p"), rule or traced, expansion=function)
    made.needs_sizes = rule is not None
    return _register(made)


def _register(item: Primitive) -> Primitive:
    if item.name in PRIMITIVES:
        raise ValueError(f"There is already a primitive called {item.name}.")
    PRIMITIVES[item.name] = item
    return item


@primitive
def size_p(*, size: Any) -> Spec:
    """A size known at run time as an int32 scalar; a constant in every Program."""
    return Spec((), "int32")


@primitive
def identity_p(x: Spec) -> Spec:
    """The same value under a new name; gone from every Program."""
    return x


@identity_p.vjp
def _(g, x):
    return g


# By `id`: values of other libraries, and the tensors that stand for them while someone wants to
# know later what was computed from them.
STAND_INS: dict[int, tuple[Any, Tensor]] = {}


def as_tensor(value: Any, dtype: str | None = None) -> Tensor:
    """`value` as a tensor: tensors as they are, numbers and arrays as constants.

    A variable stands for its value of now; inside a trace, for the value last assigned to it
    there; in a layer that computes in another float, for that value cast to it.
    """
    if isinstance(value, Variable):
        used = _used(value)
        return identity_p(used) if used is value and trace.is_outside_of_graphs() else used
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Dim):
        return size_p(size=value)
    if STAND_INS and id(value) in STAND_INS:
        return STAND_INS[id(value)][1]
    if isinstance(value, (list, tuple)) and _is_computed(value):
        stacked = operations().stack([as_tensor(x) for x in value])
        return stacked if dtype is None else operations().cast(stacked, dtype)
    return Constant(_kept(value, as_array(value, dtype)))


def _kept(value: Any, array: np.ndarray) -> np.ndarray:
    """`array`, made of `value`, for a graph that is run later: nobody else may change it."""
    fresh = isinstance(value, (bool, int, float, list, tuple, np.generic))
    if isinstance(value, np.ndarray):
        fresh = not np.may_share_memory(value, array)
    return array if fresh or not array.flags.writeable else array.copy()


def _is_computed(value: Any) -> bool:
    """Whether tensors other than constants are among nested lists of numbers."""
    if isinstance(value, (list, tuple)):
        return any(map(_is_computed, value))
    return isinstance(value, (Tensor, Dim)) and not isinstance(value, Constant)


def _used(variable: Variable) -> Tensor:
    active, wanted = trace.current_trace(), trace.current_autocast()
    value = variable if active is None else active.updates.get(variable, variable)
    if wanted in (None, value.dtype) or not variable.autocast or not dtypes.is_float(value.dtype):
        return value
    with trace.autocast(None):
        return PRIMITIVES["cast"](value, dtype=wanted)
