"""Products of matrices."""

from __future__ import annotations

import math
import numbers
from typing import Any

from kerasish.graph.primitive import as_tensor, primitive
from kerasish.graph.shapes import broadcast_shapes, canonical_axis
from kerasish.graph.spec import Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, reshape, shape, squeeze, transpose
from kerasish.ops.promotion import cast, joined, promoted
from kerasish.ops.rules import sum_to


@primitive
def matmul_p(a: Spec, b: Spec, *, transpose_a: bool, transpose_b: bool) -> Spec:
    m, k = a.shape[-2:][::-1] if transpose_a else a.shape[-2:]
    other, n = b.shape[-2:][::-1] if transpose_b else b.shape[-2:]
    if None not in (k, other) and k != other:
        raise ValueError(
            f"the inner sizes must be equal, but they are {k} and {other} (of "
            f"{format_shape(a.shape)} and {format_shape(b.shape)})."
        )
    return Spec((*broadcast_shapes(a.shape[:-2], b.shape[:-2]), m, n), a.dtype)


def factors(*xs: Any) -> tuple[Tensor, ...]:
    """Tensors of the dtype in which they are multiplied and summed: int8 in int32."""
    tensors = promoted(*xs)
    narrow = len(xs) > 1 and all(as_tensor(x).dtype == "int8" for x in xs)
    return tuple(cast(t, "int32") for t in tensors) if narrow else tensors


def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product over the last two axes; leading axes broadcast.

    Args:
        x1: shape (..., m, k), or (k,) for a row.
        x2: shape (..., k, n), or (k,) for a column.

    Returns:
        A tensor (..., m, n), without m for a row and without n for a column, of the dtype in which
        theirs combine; int8 and int8 give int32.

    Raises:
        ValueError: if the inner sizes differ, leading axes do not broadcast, or one is a scalar.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy()
    array([[11.]], dtype=float32)
    """
    a, b = factors(x1, x2)
    if a.rank == 0 or b.rank == 0:
        raise ValueError("matmul: a scalar has no matrix product; use ops.multiply.")
    row, column = a.rank == 1, b.rank == 1
    a = expand_dims(a, 0) if row else a
    b = expand_dims(b, 1) if column else b
    out = _product(a, b)
    gone = ([-2] if row else []) + ([-1] if column else [])
    return squeeze(out, tuple(gone)) if gone else out


def _product(a: Tensor, b: Tensor, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    # Many rows times one matrix is one large product, which every engine does best.
    if a.rank > 2 and b.rank == 2 and not transpose_a:
        rows = reshape(a, (-1, a.shape[-1])) if a.shape[-1] is not None else None
        if rows is not None:
            flat = matmul_p(rows, b, transpose_a=False, transpose_b=transpose_b)
            return reshape(flat, (*shape(a)[:-1], flat.shape[-1]))
    return matmul_p(a, b, transpose_a=transpose_a, transpose_b=transpose_b)


def dot(x1: Any, x2: Any) -> Tensor:
    """NumPy's dot: the last axis of x1 with the second-to-last of x2 (the only one of a vector).

    Args:
        x1: a tensor.
        x2: another one.

    Returns:
        A tensor of the dtype in which theirs combine, with the other axes of x1 and then those of
        x2; if one is a scalar, of the shape of the other.

    Raises:
        ValueError: if the two axes differ in size.
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> float(dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    a, b = joined(x1, x2)
    if a.rank == 0 or b.rank == 0:
        return a * b
    return tensordot(a, b, axes=[[a.rank - 1], [max(b.rank - 2, 0)]])


def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """The product of x1 and x2 summed over pairs of axes.

    Args:
        x1: a tensor.
        x2: a tensor.
        axes: an int n (the last n axes of x1 with the first n of x2), or two lists of axes.

    Returns:
        A tensor of the dtype in which theirs combine, with the other axes of x1 and then those of
        x2.

    Raises:
        ValueError: if there are no such axes, not as many of both, they differ in size, or n is
            negative.
        TypeError: if axes are no ints, or x1 or x2 is no array of numbers, such as a string.

    >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1).numpy()
    array([[11.]], dtype=float32)
    """
    a, b = joined(x1, x2)
    if isinstance(axes, numbers.Integral):
        n = int(axes)
        if not 0 <= n <= min(a.rank, b.rank):
            raise ValueError(
                f"axes must be from 0 to the rank of both, {format_shape(a.shape)} and "
                f"{format_shape(b.shape)}, but it is {n}."
            )
        left, right = list(range(a.rank - n, a.rank)), list(range(n))
    elif len(axes) != 2:
        raise ValueError(f"axes must be an int, or two lists of axes, but got {axes!r}.")
    else:
        left, right = ([int(s)] if isinstance(s, numbers.Integral) else list(s) for s in axes)
    left = [canonical_axis(i, a.rank) for i in left]
    right = [canonical_axis(i, b.rank) for i in right]
    pairs = [(a.shape[i], b.shape[j]) for i, j in zip(left, right, strict=False)]
    if len(left) != len(right) or any(m != n and None not in (m, n) for m, n in pairs):
        raise ValueError(
            f"the axes {left} of {format_shape(a.shape)} and {right} of {format_shape(b.shape)} "
            "must be as many, and of equal sizes."
        )
    free_a = [i for i in range(a.rank) if i not in left]
    free_b = [i for i in range(b.rank) if i not in right]
    sizes_a, sizes_b = shape(a), shape(b)
    kept_a, kept_b = [sizes_a[i] for i in free_a], [sizes_b[i] for i in free_b]
    inner = math.prod(sizes_a[i] for i in left)
    rows = reshape(transpose(a, free_a + left), (math.prod(kept_a), inner))
    columns = reshape(transpose(b, right + free_b), (inner, math.prod(kept_b)))
    out = matmul_p(rows, columns, transpose_a=False, transpose_b=False)
    return reshape(out, (*kept_a, *kept_b))


@matmul_p.vjp
def _(g, a, b, *, transpose_a, transpose_b):
    if transpose_a:
        grad_a = _product(b, g, transpose_a=transpose_b, transpose_b=True)
        grad_b = _product(g, a, True, True) if transpose_b else _product(a, g)
    else:
        grad_a = _product(g, b, transpose_b=not transpose_b)
        grad_b = _crossed(g, a) if transpose_b else _crossed(a, g)
    return sum_to(grad_a, a), sum_to(grad_b, b)


def _crossed(a: Tensor, b: Tensor) -> Tensor:
    """a^T @ b, of each pair of matrices.

    What a kernel reads transposed it copies first: in products of many, the smaller one.
    """
    sizes = a.shape[-1], b.shape[-1]
    if min(a.rank, b.rank) > 2 and None not in sizes and sizes[0] > sizes[1]:  # type: ignore[operator]
        turned = _product(b, a, transpose_a=True)
        return transpose(turned, (*range(turned.rank - 2), turned.rank - 1, turned.rank - 2))
    return _product(a, b, transpose_a=True)


def outer(x1: Any, x2: Any) -> Tensor:
    """All products of an element of x1 with one of x2.

    Args:
        x1: a tensor, which is flattened.
        x2: another one, likewise.

    Returns:
        A tensor (elements of x1, elements of x2) of the dtype in which theirs combine.

    Raises:
        TypeError: if x1 or x2 is no array of numbers, such as a string or None.

    >>> outer([1, 2], [3, 4]).numpy()
    array([[3, 4],
           [6, 8]], dtype=int32)
    """
    a, b = as_tensor(x1), as_tensor(x2)
    return reshape(a, (-1, 1)) * reshape(b, (1, -1))
