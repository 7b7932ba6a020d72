"""The quick forms of primitives, for compiled programs: they write into given buffers.

Two tables. `ELEMENTWISE` maps an operation to a function (*arrays, out) whose `out` may be
one of the inputs, so that the planner can reuse buffers and run chains of them in pieces
that stay in the cache. `BINDERS` maps an operation to a function that gets all buffers once,
when a program is compiled, and returns what to call in each run (or None if it has no quick
form for these arrays: then the definition in `table` runs).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kerasish.engines.numpy import random
from kerasish.engines.numpy.table import TABLE, slices

Array = np.ndarray
Step = Callable[[], Any]
Scratch = Callable[..., Array]  # (shape, dtype) -> a buffer for this operation alone

# --- elementwise -------------------------------------------------------------------------

UFUNCS = {op: function for op, function in TABLE.items() if isinstance(function, np.ufunc)}


def _cast(x: Array, out: Array) -> None:
    np.copyto(out, x, casting="unsafe")


def _relu(x: Array, out: Array) -> None:
    np.maximum(x, out.dtype.type(0), out=out)


def _rsqrt(x: Array, out: Array) -> None:
    np.sqrt(x, out)
    np.divide(out.dtype.type(1), out, out)


def _sigmoid(x: Array, out: Array) -> None:
    # Overflow of exp to infinity gives 0, as it should.
    one = out.dtype.type(1)
    np.negative(x, out)
    np.exp(out, out)
    np.add(out, one, out)
    np.divide(one, out, out)


def _softplus(x: Array, out: Array) -> None:
    np.minimum(x, out.dtype.type(80), out=out)
    np.exp(out, out)
    np.log1p(out, out)
    np.maximum(out, x, out=out)


def _where(condition: Array, x: Array, y: Array, out: Array) -> None:
    if out is not y:
        np.copyto(out, y)
    np.copyto(out, x, where=condition)


# The rational approximation on [-4, 4] that Eigen and XLA use, within 4e-7 of the value.
_ERF_OVER = np.array(
    [
        -2.72614225801306e-10,
        2.77068142495902e-08,
        -2.10102402082508e-06,
        -5.69250639462346e-05,
        -7.34990630326855e-04,
        -2.95459980854025e-03,
        -1.60960333262415e-02,
    ],
    "float32",
)
_ERF_UNDER = np.array(
    [
        -1.45660718464996e-05,
        -2.13374055278905e-04,
        -1.68282697438203e-03,
        -7.37332916720468e-03,
        -1.42647390514189e-02,
    ],
    "float32",
)


def _erf(x: Array, out: Array) -> None:
    four, one = np.float32(4), np.float32(1)
    x = np.clip(x, -four, four)
    square = x * x
    np.multiply(x, _polynomial(_ERF_OVER, square), out)
    np.divide(out, _polynomial(_ERF_UNDER, square), out)
    np.clip(out, -one, one, out=out)


def _polynomial(coefficients: Array, x: Array) -> Array:
    result = np.multiply(coefficients[0], x, out=np.empty_like(x))
    for coefficient in coefficients[1:-1]:
        np.add(result, coefficient, result)
        np.multiply(result, x, result)
    return np.add(result, coefficients[-1], result)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **UFUNCS,
    "cast": _cast,
    "relu": _relu,
    "rsqrt": _rsqrt,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "where": _where,
    "erf": _erf,
}

# Which inputs `out` may be, where not all: these read their inputs again after writing.
ALIASABLE = {"where": (2,), "softplus": ()}

# Forms that would lose precision or have no room in other dtypes.
_ONLY_FOR = {
    "rsqrt": ("float32", "float64"),
    "sigmoid": ("float32", "float64"),
    "softplus": ("float32", "float64"),
    "erf": ("float32",),
}


def is_elementwise(op: str, dtype: str) -> bool:
    return op in ELEMENTWISE and dtype in _ONLY_FOR.get(op, (dtype,))


# --- products and reductions -------------------------------------------------------------


def is_wide(array: Array) -> bool:
    return array.dtype in (np.float32, np.float64)


def both(first: Step | None, then: Step | None) -> Any:
    """One step after the other; None is no step."""
    if first is None or then is None:
        return first or then

    def run() -> None:
        first()
        then()

    return run


def for_blas(scratch: Scratch, x: Array) -> tuple[Array, Step | None]:
    """`x`, or a copy and the step that makes it, so that BLAS takes the last two axes."""
    size, rows, columns = x.itemsize, *x.strides[-2:]
    if size in (rows, columns) and max(rows, columns) >= size and min(rows, columns) > 0:
        return x, None
    copy = scratch(x.shape, x.dtype)
    return copy, partial(np.copyto, copy, x)


def _matmul(
    scratch: Scratch, out: Array, a: Array, b: Array, *, transpose_a: bool, transpose_b: bool
) -> Step | None:
    if not is_wide(out):
        return None
    a, copy_a = for_blas(scratch, np.swapaxes(a, -1, -2) if transpose_a else a)
    b, copy_b = for_blas(scratch, np.swapaxes(b, -1, -2) if transpose_b else b)
    step = partial(np.matmul, a, b, out)
    return both(copy_a, both(copy_b, step))


def _reduction(ufunc: Any) -> Callable[..., Step | None]:
    def bind(scratch: Scratch, out: Array, x: Array, *, axis: Any, keepdims: bool) -> Step | None:
        if x.dtype != out.dtype or not (is_wide(x) or x.dtype == np.bool_):
            return None
        return partial(ufunc.reduce, x, axis, None, out, keepdims)

    return bind


def _sum(scratch: Scratch, out: Array, x: Array, *, axis: Any, keepdims: bool) -> Step | None:
    leading = axis == tuple(range(len(axis)))
    if not (is_wide(x) and leading and x.flags.c_contiguous and out.size > 1):
        return _reduction(np.add)(scratch, out, x, axis=axis, keepdims=keepdims)
    # Sums of rows are a product with ones, which BLAS does best.
    rows = x.reshape(-1, out.size)
    return partial(np.matmul, np.ones(len(rows), x.dtype), rows, out.reshape(-1))


def _mean(scratch: Scratch, out: Array, x: Array, *, axis: Any, keepdims: bool) -> Step | None:
    total = _sum(scratch, out, x, axis=axis, keepdims=keepdims)
    if total is None or not x.size:
        return None
    count = out.dtype.type(x.size // out.size)
    return both(total, partial(np.divide, out, count, out))


def _cumsum(scratch: Scratch, out: Array, x: Array, *, axis: int) -> Step | None:
    return partial(np.cumsum, x, axis, None, out) if is_wide(x) else None


# --- arrays ------------------------------------------------------------------------------


def _reshape(scratch: Scratch, out: Array, x: Array, *, shape: Any) -> Step:
    return partial(np.copyto, out.reshape(x.shape), x)


def _concatenate(scratch: Scratch, out: Array, *xs: Array, axis: int) -> Step:
    return partial(np.concatenate, xs, axis, out)


def _filled(out: Array, index: Any, x: Array, value: Any) -> Step:
    inside = out[index]

    def run() -> None:
        out.fill(value)
        np.copyto(inside, x)

    return run


def _pad(scratch: Scratch, out: Array, x: Array, *, widths: Any, value: Any) -> Step:
    index = tuple(slice(lo, lo + n) for (lo, _), n in zip(widths, x.shape, strict=True))
    return _filled(out, index, x, value)


def _slice_grad(
    scratch: Scratch, out: Array, g: Array, *, shape: Any, start: Any, stop: Any, step: Any
) -> Step:
    return _filled(out, slices(start, stop, step), g, 0)


def checked(indices: Array, size: int) -> Array:
    """`indices`, which NumPy would check too late: when the results are buffered already."""
    if indices.size and (indices.min() < -size or indices.max() >= size):
        raise IndexError(
            f"indices must be from {-size} to {size - 1}, but they go from {indices.min()} to "
            f"{indices.max()}."
        )
    return indices


def _take(scratch: Scratch, out: Array, x: Array, indices: Array, *, axis: int) -> Step:
    size = x.shape[axis]

    def run() -> None:
        np.take(x, checked(indices, size), axis, out, "wrap")

    return run


def add_rows(out: Array, rows: Array, indices: Array) -> None:
    """Puts rows at their indices; those that belong to one are brought together and summed."""
    order = np.argsort(indices, kind="stable")
    ordered = indices[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    out[ordered[first]] = np.add.reduceat(rows[order], first, axis=0)


def _take_grad(
    scratch: Scratch, out: Array, g: Array, indices: Array, *, shape: Any, axis: int
) -> Step | None:
    if not is_wide(out) or not g.size:
        return None
    target = np.moveaxis(out, axis, 0)
    moved = np.moveaxis(g, range(axis, axis + indices.ndim), range(indices.ndim))
    rest = moved.shape[indices.ndim :]
    size = shape[axis]

    def run() -> None:
        flat = checked(indices, size).reshape(-1) % size
        out.fill(0)
        add_rows(target, moved.reshape(-1, *rest), flat)

    return run


BINDERS: dict[str, Callable[..., Step | None]] = {
    "matmul": _matmul,
    "sum": _sum,
    "mean": _mean,
    "prod": _reduction(np.multiply),
    "max": _reduction(np.maximum),
    "min": _reduction(np.minimum),
    "any": _reduction(np.logical_or),
    "all": _reduction(np.logical_and),
    "cumsum": _cumsum,
    "reshape": _reshape,
    "concatenate": _concatenate,
    "pad": _pad,
    "slice_grad": _slice_grad,
    "take": _take,
    "take_grad": _take_grad,
}


# --- views: no work at run time ----------------------------------------------------------


def _reshaped(x: Array, *, shape: Any) -> Array | None:
    view = x.reshape(shape)
    return view if np.may_share_memory(view, x) else None


VIEWS: dict[str, Callable[..., Array | None]] = {
    "reshape": _reshaped,
    "transpose": lambda x, *, axes: x.transpose(axes),
    # A view of the same shape would be read-only for nothing, and stop writing in place.
    "broadcast_to": lambda x, *, shape: x if x.shape == shape else np.broadcast_to(x, shape),
    "slice": lambda x, *, start, stop, step: x[slices(start, stop, step)],
    "flip": lambda x, *, axes: np.flip(x, axes),
    "stop_gradient": lambda x: x,
    "held_back": lambda x, *after: x,
}


# --- random ------------------------------------------------------------------------------


def draw(op: str, out: Array, attrs: dict[str, Any], run: Any) -> Step | None:
    """A step that fills `out`; `run.counter` is the number of the run."""
    stream, counted = attrs["stream"], attrs["counted"]
    if op == "dropout_mask":
        rate = attrs["rate"]
        return lambda: random.fill_dropout(out, rate, stream, counted, run.counter)
    if not is_wide(out):
        return None
    fill = random.fill_uniform if op == "random_uniform" else random.fill_normal
    return lambda: fill(out, stream, counted, run.counter)
