"""Systems of equations, inverses and determinants.

All work on the last two axes; leading axes are a batch.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from kerasish.graph.shapes import Dim, broadcast_shapes, need_sizes
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import broadcast_to, expand_dims, shape, squeeze
from kerasish.ops.decompositions import (
    _diagonal,
    _floats,
    _mm,
    _sides,
    _square_floats,
    cholesky,
    det_p,
    inv_p,
    largest,
    pinv_p,
    slogdet_p,
    solve_p,
    svd_p,
    triangular_solve_p,
)
from kerasish.ops.elementwise import log
from kerasish.ops.promotion import cast
from kerasish.ops.reduce import sum


def _system(name: str, a: Any, b: Any) -> tuple[Tensor, Tensor, bool]:
    """Matrices, right sides with the same batch, and whether those were vectors."""
    a, b = _floats(a, b)
    if a.rank < 2 or b.rank not in (a.rank, a.rank - 1, 2):
        raise ValueError(
            f"{name}: expected a (..., n, n) and b (..., n) or (..., n, k), but got "
            f"{format_shape(a.shape)} and {format_shape(b.shape)}."
        )
    vector = b.rank == a.rank - 1 and b.shape == a.shape[:-1]
    b = expand_dims(b, -1) if vector else b
    if a.shape[:-2] != b.shape[:-2]:
        batch = _common_batch(a, b)
        a, b = (broadcast_to(x, (*batch, *shape(x)[-2:])) for x in (a, b))
    return a, b, vector


def _common_batch(a: Tensor, b: Tensor) -> tuple[Any, ...]:
    """The leading sizes to which those of a and b, which has at most as many, broadcast."""
    missing = a.rank - b.rank
    found = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    sources = [(a, i) if a.shape[i] is None else (b, i - missing) for i in range(len(found))]
    return tuple(
        Dim.of(*source) if size is None else size
        for size, source in zip(found, sources, strict=True)
    )


def solve(a: Any, b: Any) -> Tensor:
    """The x with a @ x = b.

    Args:
        a: square matrices (..., n, n) that have an inverse.
        b: (..., n), or (..., n, k) with leading axes that broadcast with those of a
            (where both sizes are unknown they are taken to be equal).

    Returns:
        x, (..., n) or (..., n, k) as b is, of the dtype in which theirs combine; floatx if that is
        no float.

    Raises:
        ValueError: if a holds no square matrices, or b does not fit them.
        TypeError: if a or b is no array of numbers, such as a string or None.
        numpy.linalg.LinAlgError: on NumPy, when it is computed, if a has no inverse.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).numpy()
    array([1. , 0.5], dtype=float32)
    """
    a, b, vector = _system("solve", a, b)
    x = solve_p(a, b)
    return squeeze(x, -1) if vector else x


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """The x with a @ x = b, where of a only one triangle is read.

    Args:
        a: matrices (..., n, n).
        b: (..., n), or (..., n, k) with leading axes that broadcast with those of a
            (where both sizes are unknown they are taken to be equal).
        lower: whether to read the lower triangle.

    Returns:
        x, (..., n) or (..., n, k) as b is, of the dtype in which theirs combine; floatx if that is
        no float.

    Raises:
        ValueError: if a holds no square matrices, or b does not fit them.
        TypeError: if a or b is no array of numbers, such as a string or None.
        numpy.linalg.LinAlgError: on NumPy, when it is computed, if a 0 is on the diagonal.

    >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True).numpy()
    array([1., 2.], dtype=float32)
    """
    a, b, vector = _system("solve_triangular", a, b)
    x = triangular_solve_p(a, b, lower=bool(lower))
    return squeeze(x, -1) if vector else x


def inv(x: Any) -> Tensor:
    """The inverse of square matrices.

    Args:
        x: matrices (..., n, n).

    Returns:
        A tensor of x's shape and its dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.
        numpy.linalg.LinAlgError: on NumPy, when it is computed, if x has no inverse.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).numpy()
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    x = _square_floats(x)
    need_sizes("inv", "the last two axes", x.shape[-2:])
    return inv_p(x)


def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """The inverse as far as there is one (Moore & Penrose).

    Args:
        x: matrices (..., m, n).
        rcond: singular values of at most this times the largest count as 0; None: the
            precision of the dtype, 10 * max(m, n) times.

    Returns:
        A tensor (..., n, m), of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x holds no matrices.
        TypeError: if x is no array of numbers, such as a string or None, or rcond no number.

    >>> np.round(pinv([[2.0, 0.0]]), 3)
    array([[0.5],
           [0. ]], dtype=float32)
    """
    (x,) = _floats(x)
    return pinv_p(x, rcond=_rcond(x, rcond, 10))


def _rcond(x: Tensor, rcond: float | None, factor: float = 1) -> float:
    _, m, n = _sides(x.spec)
    if rcond is not None and rcond >= 0:
        return float(rcond)
    return factor * builtins.max(m, n) * _precision(x.dtype)


def _precision(dtype: str) -> float:
    return float(np.finfo(dtype if dtype == "float64" else "float32").eps)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The smallest x for which a @ x is next to b.

    Args:
        a: a matrix (m, n).
        b: (m,) or (m, k).
        rcond: singular values of `a` below this times the largest count as 0; None: the
            precision of the dtype, max(m, n) times.

    Returns:
        x: (n,) or (n, k), of the dtype in which theirs combine; floatx if that is no float.

    Raises:
        ValueError: if a is no matrix, or b has other axes or not as many rows.
        TypeError: if a or b is no array of numbers, such as a string or None.

    >>> np.round(lstsq([[1.0], [1.0]], [1.0, 3.0]), 3)
    array([2.], dtype=float32)
    """
    a, b = _floats(a, b)
    if a.rank != 2 or b.rank not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ValueError(
            f"lstsq: expected a (m, n) and b (m,) or (m, k), but got {format_shape(a.shape)} and "
            f"{format_shape(b.shape)}."
        )
    inverse = pinv_p(a, rcond=_rcond(a, rcond))
    return squeeze(_mm(inverse, expand_dims(b, -1)), -1) if b.rank == 1 else _mm(inverse, b)


def matrix_rank(x: Any, tol: Any = None) -> Tensor:
    """How many rows of matrices are independent.

    Args:
        x: matrices (..., m, n).
        tol: singular values of at most this, a number or one per matrix, count as 0; None: the
            largest one times the precision of the dtype, max(m, n) times.

    Returns:
        int32, (...): one number per matrix.

    Raises:
        ValueError: if x holds no matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> int(matrix_rank([[1.0, 2.0], [2.0, 4.0]]))
    1
    """
    (x,) = _floats(x)
    s = svd_p(x, full_matrices=False)[1]
    if tol is None:
        least = largest(s) * _rcond(x, None)
    else:
        least = tol if np.ndim(tol) == 0 else expand_dims(tol, -1)
    return sum(cast(s > least, "int32"), axis=-1)


def det(x: Any) -> Tensor:
    """The determinants of square matrices.

    Args:
        x: matrices (..., n, n).

    Returns:
        A tensor (...), of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> float(det([[2.0, 1.0], [1.0, 2.0]]))
    3.0
    """
    return det_p(_square_floats(x))


def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The sign, and the logarithm of the absolute value, of the determinants.

    Args:
        x: square matrices (..., n, n).

    Returns:
        Both of shape (...), of x's dtype if that is a float, else of floatx; 0 and -inf where the
        determinant is 0.

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> [float(part) for part in slogdet([[0.0, 1.0], [1.0, 0.0]])]
    [-1.0, 0.0]
    """
    return slogdet_p(_square_floats(x))


def logdet(x: Any) -> Tensor:
    """The logarithm of the determinants of positive definite matrices.

    Args:
        x: positive definite matrices (..., n, n).

    Returns:
        A tensor (...), of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.
        numpy.linalg.LinAlgError: on NumPy, when it is computed, if x is not positive definite.

    >>> float(logdet([[2.0, 0.0], [0.0, 0.5]]))
    0.0
    """
    return 2 * sum(log(_diagonal(cholesky(x))), axis=-1)
