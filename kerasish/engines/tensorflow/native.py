"""TensorFlow's functions, as users call them: among our operations, on our tensors.

A user's `tf.nn.relu(x)` of a tensor of ours fails to convert it. TensorFlow then asks dispatchers
what else to do, and ours makes a node of the call (`native_call`).
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from kerasish import tree
from kerasish.engines.tensorflow.library import tf
from kerasish.graph import dtypes, trace
from kerasish.graph.native import NativeFunction, native_function
from kerasish.graph.operators import operations
from kerasish.graph.passes import variables_in
from kerasish.graph.shapes import Dim
from kerasish.graph.sizes import is_size, size_behind
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Constant, Tensor

_NAME = "tensorflow"


# --- calls -------------------------------------------------------------------------------


def _call(*inputs: Any, engine: str, function: str, sizes: tuple[int, ...]) -> list[Any]:
    native = native_function(function)
    specs = [Spec(tuple(x.shape), x.dtype.name) for x in inputs]
    known = specs_of(native, specs, sizes)
    results = _traced(native)(list(inputs), list(sizes))
    return [
        tf.ensure_shape(x, spec.shape) for x, spec in zip(tree.flatten(results), known, strict=True)
    ]


TABLE: dict[str, Callable[..., Any]] = {"native_call": _call}


def _traced(function: NativeFunction) -> Any:
    """The function as TensorFlow's graph: what it computes does not depend on who runs it."""
    if _NAME not in function.notes:

        def run(values: list[Any], sizes: list[Any]) -> Any:
            with _tracing():
                return tree.map_structure(_tensor, function.function(values, sizes))

        function.notes[_NAME] = tf.function(run, autograph=False)
    return function.notes[_NAME]


def _tensor(x: Any) -> Any:
    if isinstance(x, (Tensor, type(None))):
        raise TypeError(f"a function of TensorFlow must return its tensors, but returned {x!r}.")
    return tf.convert_to_tensor(x)


def specs_of(
    function: NativeFunction, specs: Sequence[Spec], sizes: Sequence[int | None]
) -> tuple[Spec, ...]:
    """The specs of the function's results, which is traced to see them."""
    key = (tuple(specs), tuple(sizes))
    if key not in function.notes:
        values = [tf.TensorSpec(spec.shape, spec.dtype) for spec in specs]
        ints = [tf.TensorSpec([], tf.int32) if n is None else n for n in sizes]
        concrete = _traced(function).get_concrete_function(values, ints)
        function.structure = tree.map_structure(lambda _: None, concrete.structured_outputs)
        found = tuple(map(_spec, tree.flatten(concrete.structured_outputs)))
        if None not in (*sizes, *(n for spec in specs for n in spec.shape)):
            found = _with_all_sizes(function, found, specs, sizes)
        function.notes[key] = found
    return function.notes[key]


def _spec(result: Any) -> Spec:
    if result.shape.rank is None:
        raise ValueError(
            f"TensorFlow cannot tell how many axes the result {result.name} has. Say it in the "
            "function with tf.ensure_shape."
        )
    if result.dtype.name not in dtypes.ALL:
        raise TypeError(f"a result is of TensorFlow's dtype {result.dtype.name}: expected numbers.")
    return Spec(tuple(result.shape.as_list()), result.dtype.name)


def _with_all_sizes(
    function: NativeFunction, found: tuple[Spec, ...], specs: Sequence[Spec], sizes: Sequence[Any]
) -> tuple[Spec, ...]:
    """Sizes that the graph does not tell, such as a SavedModel's batch: tried with numbers."""
    if all(spec.is_concrete for spec in found):
        return found
    tried = set()
    for fill in (tf.zeros, tf.ones):
        try:
            values = [fill(spec.shape, spec.dtype) for spec in specs]
            results = tree.flatten(_traced(function)(values, list(sizes)))
        except tf.errors.OpError:
            break
        tried.add(tuple(Spec(tuple(x.shape), x.dtype.name) for x in results))
    if len(tried) != 1:
        raise ValueError(
            f"the sizes of what {function.name} returns are not known before it runs: "
            f"{', '.join(map(str, found))}. Say them in the function with tf.ensure_shape."
        )
    return tried.pop()


def gradient_of(
    function: NativeFunction, inputs: int
) -> Callable[[list[Any], list[Any]], list[Any]]:
    """The function that `Engine.native_gradient` describes."""

    def gradient(values: list[Any], sizes: list[Any]) -> list[Any]:
        xs = [x for x in values[:inputs] if x.dtype.is_floating]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(xs)
            results = tree.flatten(_traced(function)(values[:inputs], sizes))
        pairs = zip(results, values[inputs:], strict=True)
        ys, gs = zip(*((y, g) for y, g in pairs if y.dtype.is_floating), strict=True)
        unconnected = tf.UnconnectedGradients.ZERO
        grads = tape.gradient(list(ys), xs, list(gs), unconnected_gradients=unconnected)
        return [tf.convert_to_tensor(g) for g in grads]

    return gradient


# --- calls that users write --------------------------------------------------------------

_state = threading.local()


class _Tapes(threading.local):
    """How many of the user's tapes are recording."""

    open = 0


tapes = _Tapes()


@contextmanager
def _tracing() -> Iterator[None]:
    before, _state.tracing = getattr(_state, "tracing", False), True
    try:
        yield
    finally:
        _state.tracing = before


def converted(tensor: Tensor, dtype: Any, name: str | None) -> Any:
    """The tensor's value. Raises TypeError where a graph is made that needs the tensor itself.

    So it is on a tape: what is computed of a weight there has gradients, which its value has not.
    """
    register()
    outside = trace.is_outermost() and not getattr(_state, "tracing", False)
    outside = outside and not (tapes.open and variables_in([tensor]))
    if isinstance(tensor, Constant) or (outside and not tensor.is_symbolic):
        return tf.constant(tensor.numpy(), dtype, name=name)
    raise TypeError(
        f"TensorFlow got {tensor.name}, which has no value before a model runs. Operations of "
        "TensorFlow become part of the model, but what was called here is none. Make one call of "
        "it: kerasish.ops.native_call(function, tensor)."
    )


def _is_of_sizes(x: Any) -> bool:
    """Whether it is computed of sizes and ints alone."""
    if isinstance(x, (list, tuple)):
        return all(map(_is_of_sizes, x))
    if isinstance(x, Tensor):
        return dtypes.is_int(x.dtype) and x.rank <= 1 and is_size(x) and _is_fixed(x)
    return isinstance(x, (int, Dim)) or (tf.is_tensor(x) and x.dtype.is_integer)


def _is_fixed(x: Tensor) -> bool:
    """Whether what it is computed of, sizes apart, are constants."""
    return isinstance(x, Constant) if x.node is None else all(map(_is_fixed, x.node.inputs))


# Of sizes these make sizes, or take them: ours then know them.
_WITH_SIZES = (
    "broadcast_dynamic_shape", "concat", "expand_dims", "reshape", "slice", "stack", "tile"
)  # fmt: skip


def _with_sizes(operation: str, first: Any, second: Any = 0, *rest: Any, **unused: Any) -> Any:
    """The result of our operation, or NotImplemented where not all is as it should be."""
    ops = operations()
    if operation == "broadcast_dynamic_shape":
        return _broadcast(_listed(first), _listed(second))
    if operation == "slice":
        plain = isinstance(first, tuple) and len(rest) == 1
        start, size = (int(n[0]) for n in (second, *rest)) if plain else (0, 0)
        return first[start : start + size] if size > 0 else NotImplemented
    if operation in ("reshape", "tile"):
        known = isinstance(first, Tensor) and _is_of_sizes(second)
        return getattr(ops, operation)(first, second) if known else NotImplemented
    if operation == "expand_dims":
        known = _is_of_sizes(first) and isinstance(second, int)
        return ops.expand_dims(first, second) if known else NotImplemented
    if not _is_of_sizes(first) or not isinstance(second, int):
        return NotImplemented
    parts = [ops.cast(ops.stack(x) if isinstance(x, (list, tuple)) else x, "int32") for x in first]
    return (ops.stack if operation == "stack" else ops.concatenate)(parts, second)


def _listed(sizes: Any) -> list[Any]:
    found = _as_sizes(sizes)
    return list(found.numpy() if isinstance(found, Tensor) else found)


def _broadcast(a: list[Any], b: list[Any]) -> tuple[Any, ...]:
    """The shape that tensors of two shapes have together."""

    def one(n: Any, m: Any) -> Any:
        fixed = [x for x in (n, m) if not isinstance(x, Dim)]
        if 1 in fixed:
            return m if n == 1 else n
        return fixed[0] if fixed else n

    rank = max(len(a), len(b))
    a, b = ([1] * (rank - len(x)) + x for x in (a, b))
    return tuple(map(one, a, b))


_FEW = 8  # as many axes as a shape may have


def _as_sizes(x: Any) -> Any:
    """A tensor that is computed of sizes as a size, or a list of such; all else as it is."""
    if isinstance(x, Constant) and x.dtype == "int32" and x.value.size <= _FEW and x.rank < 2:
        return x.value.tolist()
    if not (isinstance(x, Tensor) and x.node and _is_of_sizes(x)) or None in x.shape:
        return x
    return [size_behind(x[i]) for i in range(len(x))] if x.shape else size_behind(x)


class _Calls(tf.__internal__.dispatch.GlobalOpDispatcher):  # type: ignore[name-defined]
    """Makes nodes of the calls of TensorFlow's operations on our tensors."""

    def handle(self, op: Any, args: Any, kwargs: Any) -> Any:
        leaves = tree.flatten([list(args), kwargs])
        ours = [x for x in leaves if isinstance(x, (Tensor, Dim))]
        if not ours:
            return self.NOT_SUPPORTED
        if getattr(_state, "tracing", False):
            raise TypeError(
                f"a function of TensorFlow uses {ours[0]!r} from outside. Hand it over as an "
                "argument: kerasish.ops.native_call(function, ..., tensor)."
            )
        if op.__name__ == "shape":
            return operations().shape(ours[0])  # known better here than in TensorFlow
        operation = op.__name__.removesuffix("_v2")
        if operation in _WITH_SIZES:
            found = _with_sizes(operation, *inspect.signature(op).bind(*args, **kwargs).args)
            if found is not NotImplemented:
                return found

        def call(args: Any, kwargs: Any) -> Any:
            return op(*args, **kwargs)

        call.__name__ = op.__name__
        given = tree.map_structure(_as_sizes, [list(args), dict(kwargs)])
        return operations().native_call(call, *given, engine=_NAME)


@cache
def register() -> None:
    """Lets TensorFlow ask us about calls that it can't make of our tensors and sizes."""
    _Calls().register()
    trace.leave_out(os.path.dirname(str(tf.__file__)))
