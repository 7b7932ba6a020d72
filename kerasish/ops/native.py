"""Calls of an engine's own functions, among our operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kerasish import config, tree
from kerasish.engines import registry
from kerasish.graph import dtypes
from kerasish.graph.native import NativeFunction
from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import Dim, known
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor


@primitive
def native_call_p(
    *inputs: Spec, engine: str, function: NativeFunction, sizes: tuple[Any, ...]
) -> tuple[Spec, ...]:
    """What a function of an engine's own tensors returns; only that engine can say and run it."""
    return registry.load(engine).native_specs(function, inputs, tuple(map(known, sizes)))


@native_call_p.vjp
def _(
    g: Any, *inputs: Tensor, engine: str, function: NativeFunction, sizes: tuple[Any, ...]
) -> list[Tensor | None]:
    # Of the engine too: it differentiates what it alone can compute.
    gradient = _gradient_of(engine, function, len(inputs))
    grads = iter(_called(gradient, (*inputs, *_listed(g)), engine, sizes))
    return [next(grads) if dtypes.is_float(x.dtype) else None for x in inputs]


def _gradient_of(engine: str, function: NativeFunction, inputs: int) -> NativeFunction:
    if "gradient" not in function.notes:
        gradient = registry.load(engine).native_gradient(function, inputs)
        function.notes["gradient"] = NativeFunction(gradient, f"gradient_of_{function.name}")
    return function.notes["gradient"]


def _listed(outputs: Any) -> Sequence[Any]:
    return outputs if isinstance(outputs, (list, tuple)) else (outputs,)


def _called(
    function: NativeFunction, inputs: Sequence[Tensor], engine: str, sizes: tuple[Any, ...]
) -> Sequence[Tensor]:
    return _listed(native_call_p(*inputs, engine=engine, function=function, sizes=sizes))


def native_call(
    function: Callable[..., Any], *args: Any, engine: str | None = None, **kwargs: Any
) -> Any:
    """Calls a function of an engine's own tensors, such as TensorFlow's.

    The engine finds the shapes of the results out by tracing the function, and differentiates
    it. Variables that the function owns are constants to it. A model with such a call runs only
    on that engine; others say that they lack `native_call`.

    Args:
        function: returns tensors of the engine, in lists, tuples and dicts.
        *args: its arguments. Tensors among them, in lists and dicts too, become tensors of the
            engine, unknown sizes become ints; everything else stays as it is. What the function
            takes from around it does not: hand tensors and variables over as arguments.
        engine: the name of the engine; the current one if None.
        **kwargs: its keyword arguments, likewise.

    Returns:
        What the function returns: its lists, tuples and dicts, with tensors of ours in place of the
        engine's, of the same shapes and dtypes.

    Raises:
        NotImplementedError: the engine calls no functions.
        ValueError: the shape of a result depends on numbers, not on shapes alone.

    >>> import tensorflow as tf  # doctest: +SKIP
    >>> native_call(tf.nn.relu, x, engine="tensorflow")  # doctest: +SKIP
    """
    engine = engine or config.backend()
    arguments = [list(args), kwargs]
    leaves = tree.flatten(arguments)
    tensors = [i for i, x in enumerate(leaves) if isinstance(x, Tensor)]
    dims = [i for i, x in enumerate(leaves) if isinstance(x, Dim)]
    # The node has the tensors themselves; this would keep all that is behind them alive.
    plain = [None if isinstance(x, (Tensor, Dim)) else x for x in leaves]

    def run(values: list[Any], sizes: list[Any]) -> Any:
        filled = list(plain)
        for i, value in zip([*tensors, *dims], [*values, *sizes], strict=True):
            filled[i] = value
        positional, named = tree.pack(arguments_like, filled)
        return function(*positional, **named)

    arguments_like = tree.map_structure(lambda _: None, arguments)
    native = NativeFunction(run, getattr(function, "__name__", type(function).__name__))
    inputs, sizes = [as_tensor(leaves[i]) for i in tensors], tuple(leaves[i] for i in dims)
    results = _called(native, inputs, engine, sizes)
    return tree.pack(native.structure, list(results))
