"""TensorFlow's functions that take functions, or nothing of ours, in layers of programs.

Dispatchers (`native`) are asked about operations on tensors. Loops and branches call back, what
draws has no tensors, and what has a gradient of its own is no operation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.engines.tensorflow.library import tf
from kerasish.engines.tensorflow.native import tapes
from kerasish.graph import trace
from kerasish.graph.operators import operations
from kerasish.graph.tensor import Tensor
from kerasish.graph.values import has_value


def teach() -> None:
    """Lets these functions understand our tensors, wherever a graph of ours is being built."""
    loops: dict[str, Callable[..., Any]] = {
        "map_fn": _map_fn,
        "scan": _scan,
        "foldl": _foldl,
        "vectorized_map": _vectorized_map,
    }
    for name, ours in loops.items():
        setattr(tf, name, _either(getattr(tf, name), ours, _second_is_ours))
    others: dict[str, Callable[..., Any]] = {
        "while_loop": _while_loop,
        "cond": _cond,
        "TensorArray": _Array,
    }
    for name, ours in others.items():
        setattr(tf, name, _either(getattr(tf, name), ours, _something_is_ours))
    setattr(tf, "custom_gradient", _with_own_gradient(tf.custom_gradient))  # noqa: B010
    from kerasish import random

    draws: dict[str, Callable[..., Any]] = {
        "normal": random.normal,
        "uniform": _uniform,
        "truncated_normal": random.truncated_normal,
    }
    for name, draw in draws.items():
        given = getattr(tf.random, name)
        setattr(tf.random, name, _either(given, _drawn(draw), _graph_of_plain))


def _is_ours(structure: Any) -> bool:
    return any(isinstance(x, Tensor) for x in tree.flatten(structure))


def _second_is_ours(fn: Any, elems: Any, *args: Any, **kwargs: Any) -> bool:
    return _is_ours(elems)


def _something_is_ours(*args: Any, **kwargs: Any) -> bool:
    """Whether the functions that are given may well return tensors of ours."""
    return trace.is_building() or bool(tapes.open) or _is_ours([list(args), kwargs])


def _graph_of_plain(*args: Any, **kwargs: Any) -> bool:
    """Of a shape that is a tensor, TensorFlow's function becomes part of the graph itself."""
    return trace.is_building() and not _is_ours([list(args), kwargs])


def _either(
    theirs: Callable[..., Any], ours: Callable[..., Any], wants_ours: Callable[..., bool]
) -> Callable[..., Any]:
    """`ours` where `wants_ours` of the arguments, but never in TensorFlow's own graphs."""

    @functools.wraps(theirs, updated=())
    def chosen(*args: Any, **kwargs: Any) -> Any:
        mine = not tf.inside_function() and wants_ours(*args, **kwargs)
        return (ours if mine else theirs)(*args, **kwargs)

    return chosen


# --- loops and branches ------------------------------------------------------------------


def _map_fn(fn: Any, elems: Any, *unused: Any, **options: Any) -> Any:
    return operations().map(fn, elems)


def _vectorized_map(fn: Any, elems: Any, *unused: Any, **options: Any) -> Any:
    return operations().vectorized_map(fn, elems)


def _scan(
    fn: Any, elems: Any, initializer: Any = None, reverse: bool = False, **unused: Any
) -> Any:
    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        after = fn(carry, x)
        return after, after

    ops = operations()
    if initializer is not None:
        return ops.scan(step, initializer, elems, reverse=reverse)[1]
    first, rest = (-1, slice(None, -1)) if reverse else (0, slice(1, None))
    start = tree.map_structure(lambda x: x[first], elems)
    found = ops.scan(step, start, tree.map_structure(lambda x: x[rest], elems), reverse=reverse)[1]

    def joined(one: Tensor, others: Tensor) -> Tensor:
        parts = [ops.expand_dims(one, 0), others]
        return ops.concatenate(parts[::-1] if reverse else parts, axis=0)

    return tree.map_structure(joined, start, found)


def _foldl(fn: Any, elems: Any, initializer: Any = None, **unused: Any) -> Any:
    from kerasish.backend import foldl

    return foldl(fn, elems, initializer)


def _while_loop(
    cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any = None, **unused: Any
) -> Any:
    values = tree.map_structure(operations().convert_to_tensor, loop_vars)
    steps = 0
    while has_value(goes_on := operations().convert_to_tensor(cond(*values))):
        # How often it runs is known now, so that there are gradients.
        if not bool(goes_on) or steps == maximum_iterations:
            return values
        values = tree.map_structure(operations().convert_to_tensor, list(body(*values)))
        steps += 1
    found = operations().while_loop(cond, body, values, maximum_iterations)
    return tree.pack(loop_vars, tree.flatten(found))


def _cond(pred: Any, true_fn: Any, false_fn: Any, name: str | None = None) -> Any:
    if isinstance(pred, Tensor):
        return operations().cond(pred, true_fn, false_fn)
    return true_fn() if bool(pred) else false_fn()


class _Array:
    """A `tf.TensorArray` of tensors of ours, in a loop that Python runs."""

    def __init__(self, dtype: Any = None, size: Any = None, *unused: Any, **options: Any):
        self._items: dict[int, Any] = {}

    def write(self, index: Any, value: Any) -> _Array:
        """Puts a tensor at a position."""
        self._items[int(index)] = value
        return self

    def read(self, index: Any) -> Any:
        """The tensor at a position."""
        return self._items[int(index)]

    def unstack(self, value: Any) -> _Array:
        """Fills the array with the elements along the first axis."""
        self._items = dict(enumerate(operations().unstack(value)))
        return self

    def _listed(self) -> list[Any]:
        return [self._items[i] for i in sorted(self._items)]

    def stack(self) -> Tensor:
        """The elements along a new first axis."""
        return operations().stack(self._listed())

    def concat(self) -> Tensor:
        """The elements one after the other."""
        return operations().concatenate(self._listed(), axis=0)

    def size(self) -> int:
        """The number of elements."""
        return len(self._items)


# --- draws and gradients -----------------------------------------------------------------


def _drawn(draw: Callable[..., Any]) -> Callable[..., Any]:
    """As those of TensorFlow, with a dtype of theirs and a name."""

    def drawn(
        shape: Any,
        first: Any = 0.0,
        second: Any = 1.0,
        dtype: Any = tf.float32,
        seed: int | None = None,
        name: str | None = None,
        **named: Any,
    ) -> Tensor:
        first = named.get("mean", named.get("minval", first))
        second = named.get("stddev", named.get("maxval", second))
        return draw(shape, first, second, dtype=tf.as_dtype(dtype).name, seed=seed)

    return drawn


def _uniform(shape: Any, low: Any, high: Any, dtype: str, seed: int | None) -> Tensor:
    from kerasish import random

    if dtype.startswith(("int", "uint")):
        return random.randint(shape, int(low), int(high), dtype=dtype, seed=seed)
    return random.uniform(shape, low, 1.0 if high is None else high, dtype=dtype, seed=seed)


def _with_own_gradient(decorate: Callable[..., Any]) -> Callable[..., Any]:
    """The decorator, whose functions become part of the graph if they get tensors of ours."""

    @functools.wraps(decorate, updated=())
    def decorated(f: Any = None) -> Any:
        if f is None:
            return decorated
        theirs = decorate(f)

        @functools.wraps(f)
        def called(*args: Any, **kwargs: Any) -> Any:
            if not _is_ours([list(args), kwargs]):
                return theirs(*args, **kwargs)
            return operations().native_call(theirs, *args, engine="tensorflow", **kwargs)

        return called

    return decorated
