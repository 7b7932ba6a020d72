"""The definition of every primitive, as plain NumPy: what other engines are tested against.

A lowering takes arrays, then the attributes, and returns an array (or a tuple). The engine
casts results to the dtype that the shape rule promises, so that lowerings need not.
Clear comes before quick here; `kernels` has the quick forms that compiled programs use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from kerasish.engines.numpy import control, conv, linalg, random, special
from kerasish.engines.numpy.errors import named
from kerasish.graph import dtypes
from kerasish.graph.erf import MIDDLE, NEAR
from kerasish.graph.program import Program
from kerasish.graph.spec import Spec

Array = np.ndarray


def is_half(dtype: np.dtype) -> bool:
    """Whether it is float16 or bfloat16 (whose kind NumPy does not know as a float)."""
    return dtype.itemsize == 2 and dtype.kind not in "iu"


def in_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with half precision floats widened: sums of them would lose too much."""

    @wraps(function)
    def widened(*arrays: Array, **attrs: Any) -> Any:
        return function(*(a.astype("float32") if is_half(a.dtype) else a for a in arrays), **attrs)

    return widened


# --- elementwise -------------------------------------------------------------------------


@in_float32
def sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, small) / (1 + small)


@in_float32
def softplus(x: Array) -> Array:
    # Beyond 80, log(1 + exp(x)) is x in any precision.
    return np.maximum(np.log1p(np.exp(np.minimum(x, 80))), x)


def erf(x: Array) -> Array:
    x = np.asarray(x, "float64")
    size = np.minimum(np.abs(x), 6)  # erf(6) is 1 in double precision
    square = x * x
    near = x * np.polyval(NEAR[0], square) / np.polyval(NEAR[1], square)
    far = 1 - np.exp(-size * size) * np.polyval(MIDDLE[0], size) / np.polyval(MIDDLE[1], size)
    return np.where(size <= 0.46875, near, np.copysign(far, x))


# --- reductions --------------------------------------------------------------------------


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    return in_float32(lambda x, *, axis, keepdims: function(x, axis=axis, keepdims=keepdims))


# --- arrays ------------------------------------------------------------------------------


def slices(start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> Any:
    """The index of a slice; its bounds are those of `range`, where -1 may be before 0."""
    return tuple(
        slice(a, None if s < 0 and b < 0 else b, s)
        for a, b, s in zip(start, stop, step, strict=True)
    )


def slice_grad(g: Array, *, shape: Any, start: Any, stop: Any, step: Any) -> Array:
    out = np.zeros(shape, g.dtype)
    out[slices(start, stop, step)] = g
    return out


@in_float32
def take_grad(g: Array, indices: Array, *, shape: Any, axis: int) -> Array:
    out = np.zeros(shape, g.dtype)
    index: Any = (slice(None),) * axis + (indices,)
    np.add.at(out, index, g)
    return out


@in_float32
def matmul(a: Array, b: Array, *, transpose_a: bool, transpose_b: bool) -> Array:
    return np.matmul(
        np.swapaxes(a, -1, -2) if transpose_a else a, np.swapaxes(b, -1, -2) if transpose_b else b
    )


TABLE: dict[str, Callable[..., Any]] = {
    "negative": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "square": np.square,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda x: np.maximum(x, x.dtype.type(0)),
    "softplus": softplus,
    "erf": erf,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "logical_not": np.logical_not,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "cast": lambda x, *, dtype: x.astype(dtypes.numpy_dtype(dtype)),
    "stop_gradient": lambda x: x,
    "held_back": lambda x, *after: x,
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "floor_divide": np.floor_divide,
    "mod": np.mod,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "where": np.where,
    "sum": _reduction(np.sum),
    "mean": _reduction(np.mean),
    "prod": _reduction(np.prod),
    "max": _reduction(np.max),
    "min": _reduction(np.min),
    "any": _reduction(np.any),
    "all": _reduction(np.all),
    "argmax": lambda x, *, axis: np.argmax(x, axis),
    "argmin": lambda x, *, axis: np.argmin(x, axis),
    "cumsum": in_float32(lambda x, *, axis: np.cumsum(x, axis)),
    "reshape": lambda x, *, shape: np.reshape(x, shape),
    "transpose": lambda x, *, axes: np.transpose(x, axes),
    "broadcast_to": lambda x, *, shape: np.broadcast_to(x, shape),
    "concatenate": lambda *xs, axis: np.concatenate(xs, axis),
    "slice": lambda x, *, start, stop, step: x[slices(start, stop, step)],
    "slice_grad": slice_grad,
    "pad": lambda x, *, widths, value: np.pad(x, widths, constant_values=value),
    "flip": lambda x, *, axes: np.flip(x, axes),
    "take": lambda x, indices, *, axis: np.take(x, indices, axis),
    "take_grad": take_grad,
    "full": lambda *, shape, value, dtype: np.full(shape, value, dtypes.numpy_dtype(dtype)),
    "iota": lambda *, size, dtype: np.arange(size).astype(dtypes.numpy_dtype(dtype)),
    "matmul": matmul,
    "conv": in_float32(conv.conv),
    "conv_input_grad": in_float32(conv.conv_input_grad),
    "conv_kernel_grad": in_float32(conv.conv_kernel_grad),
    "max_pool": conv.max_pool,
    "max_pool_grad": conv.max_pool_grad,
    "avg_pool": in_float32(conv.avg_pool),
    "avg_pool_grad": in_float32(conv.avg_pool_grad),
    **{name: in_float32(function) for name, function in linalg.TABLE.items()},
    **special.TABLE,
    **{name: in_float32(function) for name, function in special.WIDENED.items()},
    **random.TABLE,
    **control.TABLE,
}


def apply(op: str, values: Any, attrs: dict[str, Any], specs: Any, counter: int = 0) -> list[Array]:
    """One operation. Results are cast to the dtypes of `specs`.

    Raises AssertionError if a lowering returns another shape than the rule says.
    """
    more: dict[str, Any] = {"counter": counter} if "counted" in attrs else {}
    if op in control.TABLE:
        more = {"counter": counter, "specs": specs}
        programs = {k: v for k, v in attrs.items() if isinstance(v, Program)}
        more.update((k, partial(outputs_of, program)) for k, program in programs.items())
    results = TABLE[op](*values, **{**attrs, **more})
    results = results if isinstance(results, tuple) else (results,)
    arrays = [
        np.asarray(r).astype(dtypes.numpy_dtype(spec.dtype), copy=False)
        for r, spec in zip(results, specs, strict=True)
    ]
    for array, spec in zip(arrays, specs, strict=True):
        if array.shape != tuple(spec.shape):
            raise AssertionError(f"{op} made {array.shape}, but its shape rule says {spec.shape}.")
    return arrays


def evaluate(
    program: Program, inputs: Any, counter: int, variables: dict[int, Array] | None = None
) -> dict[int, Array]:
    """All values of a Program by the definitions: value number -> array.

    Args:
        program: what to compute.
        inputs: one array per input.
        counter: the run counter.
        variables: value number -> array of the variables; an inner Program has none.
    """
    values = {**program.constants, **(variables or {})}
    for (number, spec), value in zip(program.inputs, inputs, strict=True):
        values[number] = np.asarray(value, dtypes.numpy_dtype(spec.dtype))
    for instruction in program.instructions:
        arrays = [values[i] for i in instruction.inputs]
        with named(instruction, program, [Spec(a.shape, a.dtype.name) for a in arrays]):
            results = apply(instruction.op, arrays, instruction.attrs, instruction.specs, counter)
        values.update(zip(instruction.outputs, results, strict=True))
    return values


def outputs_of(program: Program, inputs: Any, counter: int) -> list[Array]:
    """What a Program without variables returns, by the definitions."""
    values = evaluate(program, inputs, counter)
    return [values[number] for number in program.outputs]
