"""Norms of vectors and of matrices."""

from __future__ import annotations

import builtins
import math
from typing import Any

from kerasish.graph.shapes import canonical_axis
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import expand_dims, moveaxis, squeeze
from kerasish.ops.binary import power
from kerasish.ops.comparisons import not_equal
from kerasish.ops.decompositions import svd
from kerasish.ops.elementwise import abs, sqrt, square
from kerasish.ops.promotion import as_float, cast, widened
from kerasish.ops.reduce import max, min, sum


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The size of vectors or of matrices.

    The Euclidean norm has no gradient at 0: there it is NaN, as in Keras. Where vectors may be 0,
    use `normalize` or `l2_normalize`, or the square.

    Args:
        x: a tensor.
        ord: which norm. Of vectors: None or 2 (Euclidean), infinity (largest absolute value),
            -infinity (smallest), 0 (how many are not 0), or p: sum(|x|^p)^(1/p). Of matrices:
            None or "fro" (Euclidean), 1 and infinity (largest absolute sum of a column, of a
            row), -1 and -infinity (smallest), 2 and -2 (largest and smallest singular value),
            "nuc" (the sum of singular values).
        axis: an int: vectors lie along this axis. Two: matrices lie on these. None: x is one
            vector or matrix, or, without ord, anything.
        keepdims: whether the axes stay, with size 1.

    Returns:
        A float tensor of the dtype of x if that is a float, else of floatx: of the shape of x
        without the axes (all of them if axis is None), which keepdims keeps with size 1.

    Raises:
        ValueError: if there is no such norm, or the axes are out of range, not one or two, or
            twice the same.
        TypeError: if x is no array of numbers, or an axis is no int.

    >>> float(norm([3.0, 4.0]))
    5.0
    >>> float(norm([[1.0, -2.0], [3.0, 4.0]], ord=1, axis=(0, 1)))
    6.0
    """
    x = as_float(x)
    return cast(_norm(widened(x), ord, axis, keepdims), x.dtype)


def _norm(x: Tensor, ord: Any, axis: Any, keepdims: bool) -> Tensor:
    if axis is None and ord is None:
        return sqrt(sum(square(x), keepdims=keepdims))
    chosen = range(x.rank) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(canonical_axis(a, x.rank) for a in chosen)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(
            f"norm: with ord={ord!r}, axis must be one axis (of vectors) or two (of matrices), "
            f"but got {axes}."
        )
    return _matrix_norm(x, ord, axes, keepdims)


def _vector_norm(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if ord is None or ord == 2:
        return sqrt(sum(square(x), axis=axis, keepdims=keepdims))
    if isinstance(ord, str):
        raise ValueError(f"norm: there is no norm {ord!r} of vectors; it is one of matrices.")
    if math.isinf(ord):
        return (max if ord > 0 else min)(abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return sum(cast(not_equal(x, 0), x.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum(abs(x), axis=axis, keepdims=keepdims)
    return power(sum(power(abs(x), float(ord)), axis=axis, keepdims=keepdims), 1.0 / ord)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if ord is None or ord == "fro":
        return sqrt(sum(square(x), axis=axes, keepdims=keepdims))
    if ord in ("nuc", 2, -2):
        s = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
        result = {"nuc": sum, 2: max, -2: min}[ord](s, axis=-1)
        return expand_dims(result, tuple(sorted(axes))) if keepdims else result
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"norm: there is no norm {ord!r} of matrices. Expected None, 'fro', 'nuc', 1, -1, 2, "
            "-2 or (-)infinity."
        )
    row, column = axes
    summed, over = (row, column) if builtins.abs(ord) == 1 else (column, row)
    sums = sum(abs(x), axis=summed, keepdims=True)
    result = (max if ord > 0 else min)(sums, axis=over, keepdims=True)
    return result if keepdims else squeeze(result, axes)
