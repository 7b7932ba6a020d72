"""Rematerialization: what a gradient needs of a function is computed again, not kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.graph import trace
from kerasish.graph.gradients import pull_back
from kerasish.graph.primitive import composite
from kerasish.graph.subgraph import Effects, Traced, inline, leaves_of, packed
from kerasish.graph.tensor import Subgraph, Tensor
from kerasish.graph.variable import Variable


@composite
def held_back_p(x: Tensor, *after: Tensor) -> Tensor:
    """`x`, not to be used before `after` are there; so what is made of it is made a second time."""
    return x


@composite
def remat_p(*inputs: Tensor, body: Subgraph) -> tuple[Tensor, ...]:
    """What `body` computes of the inputs. Its gradient computes it again, when it is its turn."""
    return tuple(inline(body, inputs))


remat_p.inner_specs = lambda specs, attrs: {"body": specs}


@remat_p.own_vjp
def _(g, *inputs, body):
    gs = g if isinstance(g, (list, tuple)) else [g]
    arriving = [x for x in gs if x is not None]
    fresh = [held_back_p(x, *arriving) for x in inputs]
    pairs = [(y, g) for y, g in zip(inline(body, fresh), gs, strict=True) if g is not None]
    return pull_back([y for y, _ in pairs], [g for _, g in pairs], fresh)


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose gradient computes it again instead of keeping what it computed.

    Training then needs less memory and more time. The numbers stay the same, those of dropout
    included. It is of use around what is large inside and small at its ends: a block of a deep
    model. On NumPy and TensorFlow memory is saved, but not where a just-in-time compiler is asked
    for (`jit_compile=True`), nor on CNTK: these take the second computation for the first. On
    Theano it was not measured.

    Args:
        f: takes and returns tensors, nested as it likes, and other arguments. It may call layers.

    Returns:
        A function of the same arguments.

    Raises:
        TypeError: `f` is no function.

    Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174

    >>> from kerasish import ops
    >>> block = remat(lambda x: ops.exp(ops.sin(x)))
    >>> x = Variable(0.0)
    >>> float(block(x)), float(ops.gradients(block(x), x))
    (1.0, 1.0)
    """
    if not callable(f):
        raise TypeError(f"remat takes a function of tensors, but got {f!r:.80}.")

    @functools.wraps(f, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        active = trace.current_trace()
        if active is not None and not trace.is_deferred():
            return f(*args, **kwargs)  # run once and now, on numbers that can be looked at
        return _as_node(f, args, kwargs)

    return wrapped


def _as_node(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls `f`, and makes one node of what it did."""
    leaves = tree.flatten([list(args), kwargs])
    places = [i for i, x in enumerate(leaves) if _is_computed(x)]
    tensors = [leaves[i] for i in places]
    name = getattr(f, "__name__", type(f).__name__)
    effects = Effects(name)
    found: list[Any] = []

    def run(*given: Tensor) -> list[Any]:
        filled = list(leaves)
        for i, x in zip(places, given, strict=True):
            filled[i] = _like(x, leaves[i])
        positional, named = tree.pack([list(args), kwargs], filled)
        found.append(f(*positional, **named))
        results = leaves_of(found[0])
        masks = [getattr(x, "mask", None) for x in results]
        losses = [loss for _, loss in effects.losses]
        return [results, masks, list(effects.changed().values()), losses]

    traced = Traced(run, [x.spec for x in tensors], name, hoist=False, scope=effects)
    made = remat_p(*tensors, *traced.captures, body=traced.close())
    results, masks, values, losses = packed(
        traced.result, made if isinstance(made, tuple) else (made,)
    )
    for x, mask in zip(results, masks, strict=True):
        x.mask = mask
    for variable, value in zip(effects.changed(), values, strict=True):
        variable.assign(value)
    outer = trace.current_trace()
    if outer is not None:
        outer.losses += [(o, x) for (o, _), x in zip(effects.losses, losses, strict=True)]
    return packed(found[0], results)


def _is_computed(x: Any) -> bool:
    """Whether it is a tensor that something is to be differentiated by; variables are captured."""
    return isinstance(x, Tensor) and not isinstance(x, Variable) and x.dtype != "string"


def _like(new: Tensor, old: Tensor) -> Tensor:
    mask = getattr(old, "mask", None)
    if mask is not None:
        new.mask = mask  # type: ignore[attr-defined]
    return new
