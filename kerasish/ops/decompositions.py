"""Matrices taken apart (Cholesky, LU, QR, SVD, eigenvalues), and the primitives of equations.

All work on the last two axes; leading axes are a batch. Signs of the vectors in QR, SVD and
eigenvectors are not determined by the mathematics: engines may differ in them.
"""

from __future__ import annotations

import builtins
from typing import Any

from kerasish.graph import dtypes
from kerasish.graph.complex import Complex
from kerasish.graph.primitive import composite, primitive
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import Shape, Spec, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.ops.array import broadcast_to, expand_dims, reshape, shape, swapaxes
from kerasish.ops.binary import where
from kerasish.ops.comparisons import not_equal
from kerasish.ops.creation import tril, triu
from kerasish.ops.elementwise import abs, log, sign
from kerasish.ops.filling import arange, eye, one_hot
from kerasish.ops.joining import concatenate
from kerasish.ops.matrices import matmul_p
from kerasish.ops.promotion import cast, promoted
from kerasish.ops.reduce import max, prod, sum

# --- primitives --------------------------------------------------------------------------


def _sides(x: Spec) -> tuple[Shape, Any, Any]:
    """Batch, rows and columns. Raises unless x holds matrices."""
    if x.rank < 2:
        raise ValueError(f"expected matrices (..., m, n), but got {format_shape(x.shape)}.")
    if not dtypes.is_float(x.dtype):
        raise TypeError(f"expected floats, but got {x.dtype}.")
    *batch, m, n = x.shape
    return tuple(batch), m, n


def _shorter(m: int | None, n: int | None) -> int | None:
    return None if m is None or n is None else builtins.min(m, n)


def _square(x: Spec) -> Spec:
    _, m, n = _sides(x)
    if m != n and None not in (m, n):
        raise ValueError(f"expected square matrices (..., n, n), but got {format_shape(x.shape)}.")
    return x


@primitive
def cholesky_p(x: Spec) -> Spec:
    """The lower triangle L with L @ L^T = x; of x only the lower triangle is read."""
    return _square(x)


@primitive
def lu_p(x: Spec) -> tuple[Spec, Spec]:
    """L (below the diagonal, which is 1) and U in one matrix, and the order p of x's rows."""
    return _square(x), Spec(x.shape[:-1], "int32")


@primitive
def qr_p(x: Spec, *, complete: bool) -> tuple[Spec, Spec]:
    batch, m, n = _sides(x)
    k = m if complete else _shorter(m, n)
    return Spec((*batch, m, k), x.dtype), Spec((*batch, k, n), x.dtype)


@primitive
def svd_p(x: Spec, *, full_matrices: bool) -> tuple[Spec, Spec, Spec]:
    """u, s (falling) and v^T with u @ diag(s) @ v^T = x."""
    batch, m, n = _sides(x)
    k = _shorter(m, n)
    u, vt = (m, m if full_matrices else k), (n if full_matrices else k, n)
    return (
        Spec((*batch, *u), x.dtype),
        Spec((*batch, k), x.dtype),
        Spec((*batch, *vt), x.dtype),
    )


@primitive
def eigh_p(x: Spec) -> tuple[Spec, Spec]:
    """Eigenvalues (rising) and eigenvectors (columns); only the lower triangle is read."""
    return Spec(_square(x).shape[:-1], x.dtype), x


@primitive
def eig_p(x: Spec) -> tuple[Spec, Spec, Spec, Spec]:
    """Eigenvalues and eigenvectors: real and imaginary parts of each."""
    values = Spec(_square(x).shape[:-1], x.dtype)
    return values, values, x, x


@primitive
def solve_p(a: Spec, b: Spec) -> Spec:
    """The x with a @ x = b; both have the same batch."""
    _square(a)
    if a.dtype != b.dtype or not compatible(a.shape[:-1], b.shape[:-1]):
        raise ValueError(
            f"expected right sides (..., {a.shape[-1]}, k) of {a.dtype} for {format_shape(a.shape)}"
            f", but got {format_shape(b.shape)} of {b.dtype}."
        )
    return b


@composite
def triangular_solve_p(a: Tensor, b: Tensor, *, lower: bool) -> Tensor:
    return solve_p(tril(a) if lower else triu(a), b)


@composite
def inv_p(x: Tensor) -> Tensor:
    return solve_p(x, _identity(x))


@composite
def slogdet_p(x: Tensor) -> tuple[Tensor, Tensor]:
    factors, order = lu_p(x)
    diagonal = _diagonal(factors)
    signs = _parity(order, x.dtype) * prod(sign(diagonal), axis=-1)
    return signs, sum(log(abs(diagonal)), axis=-1)


@composite
def det_p(x: Tensor) -> Tensor:
    factors, order = lu_p(x)
    return _parity(order, x.dtype) * prod(_diagonal(factors), axis=-1)


@composite
def pinv_p(x: Tensor, *, rcond: float) -> Tensor:
    u, s, vt = svd_p(x, full_matrices=False)
    kept = s > rcond * largest(s)
    inverse = where(kept, 1 / where(kept, s, 1.0), 0.0)
    return _mm(vt, _t(u * expand_dims(inverse, -2)), "t")


# --- helpers -----------------------------------------------------------------------------


def _t(x: Tensor) -> Tensor:
    return swapaxes(x, -1, -2)


def _mm(a: Tensor, b: Tensor, flags: str = "") -> Tensor:
    """a @ b; "t" transposes the first, "nt" the second."""
    return matmul_p(a, b, transpose_a=flags[:1] == "t", transpose_b=flags[1:] == "t")


def _identity(x: Tensor) -> Tensor:
    """Identity matrices of the shape and dtype of x."""
    n: Any = x.shape[-1]
    return broadcast_to(eye(n, dtype=x.dtype), shape(x))


def _diagonal(x: Tensor) -> Tensor:
    return sum(where(_identity(x) > 0, x, 0.0), axis=-1)


def _parity(order: Tensor, dtype: str) -> Tensor:
    """1 for even orders, -1 for odd ones: by the number of pairs that stand the wrong way."""
    n = order.shape[-1]
    wrong = expand_dims(order, -1) < expand_dims(order, -2)  # [i, j]: order[i] < order[j]
    pairs = sum(cast(wrong & (expand_dims(arange(n), 1) > arange(n)), "int32"), axis=(-2, -1))
    return cast(1 - 2 * (pairs % 2), dtype)


def largest(s: Tensor) -> Tensor:
    """The largest singular value of each matrix, 0 if it has none, on an axis of size 1."""
    return max(s, axis=-1, keepdims=True, initial=None if s.shape[-1] else 0)


def _symmetric(x: Tensor) -> Tensor:
    return (x + _t(x)) / 2


def _differences(x: Tensor) -> Tensor:
    """[i, j]: 1 / (x[j] - x[i]); 0 where both are equal."""
    apart = expand_dims(x, -2) - expand_dims(x, -1)
    return _safe_inverse(apart)


def _safe_inverse(x: Tensor) -> Tensor:
    nonzero = not_equal(x, 0)
    return where(nonzero, 1 / where(nonzero, x, 1.0), 0.0)


# --- gradients ---------------------------------------------------------------------------
# M. Giles, "An extended collection of matrix derivative results" (2008), and for QR of wide
# matrices D. Roberts & L. Roberts, arXiv:2009.10071.


@cholesky_p.vjp
def _(g, x):
    factor = cholesky_p(x)
    inner = tril(_mm(factor, g, "t"))
    inner = inner - _identity(x) * inner / 2
    half = triangular_solve_p(_t(factor), inner, lower=False)
    return _symmetric(triangular_solve_p(_t(factor), _t(half), lower=False))


@lu_p.vjp
def _(g, x):
    g = g[0]
    factors, order = lu_p(x)
    lower, upper = tril(factors, -1) + _identity(x), triu(factors)
    inner = tril(_mm(lower, tril(g, -1), "t"), -1)
    inner = inner + triu(_mm(triu(g), upper, "nt"))
    left = triangular_solve_p(_t(lower), inner, lower=False)
    moved = _t(triangular_solve_p(upper, _t(left), lower=False))
    return _mm(one_hot(order, x.shape[-1], dtype=x.dtype), moved, "t")


@qr_p.vjp
def _(g, x, *, complete):
    m, n = x.shape[-2:]
    if complete and m > n:
        raise NotImplementedError(
            f"qr of {format_shape(x.shape)} in mode 'complete' has no gradient: the columns of q "
            "beyond the rank are not determined. Use mode='reduced'."
        )
    (gq, gr), (q, r) = g, qr_p(x, complete=complete)
    if m >= n:
        return _qr_gradient(q, r, gq, gr)
    rest = x[..., m:]
    left = _qr_gradient(q, r[..., :m], gq + _mm(rest, gr[..., m:], "nt"), gr[..., :m])
    return concatenate([left, _mm(q, gr[..., m:])], axis=-1)


def _qr_gradient(q: Tensor, r: Tensor, gq: Tensor, gr: Tensor) -> Tensor:
    inner = _mm(r, gr, "nt") - _mm(gq, q, "t")
    mirrored = tril(inner) + _t(tril(inner, -1))
    right = gq + _mm(q, mirrored)
    return _t(triangular_solve_p(r, _t(right), lower=False))


@svd_p.vjp
def _(g, x, *, full_matrices):
    m, n = x.shape[-2:]
    if full_matrices and m != n:
        raise NotImplementedError(
            f"svd of {format_shape(x.shape)} with full_matrices=True has no gradient: the vectors "
            "beyond the rank are not determined. Use full_matrices=False."
        )
    (gu, gs, gvt), (u, s, vt) = g, svd_p(x, full_matrices=False)
    row, column = expand_dims(s, -2), expand_dims(s, -1)
    factor = _differences(s * s)
    turn_u, turn_v = factor * _mm(u, gu, "t"), factor * _mm(vt, gvt, "nt")
    inner = (turn_u + _t(turn_u)) * row + column * (turn_v + _t(turn_v))
    inner = inner + _on_diagonal(gs)
    result = _mm(_mm(u, inner), vt)
    if m > n:
        beyond = gu * _safe_inverse(row)
        result = result + _mm(beyond - _mm(u, _mm(u, beyond, "t")), vt)
    if n > m:
        beyond = _safe_inverse(column) * gvt
        result = result + _mm(u, beyond - _mm(_mm(beyond, vt, "nt"), vt))
    return result


def _on_diagonal(x: Tensor) -> Tensor:
    n: Any = x.shape[-1]
    return expand_dims(x, -1) * eye(n, dtype=x.dtype)


@eigh_p.vjp
def _(g, x):
    (gw, gv), (w, v) = g, eigh_p(x)
    inner = _on_diagonal(gw) + _differences(w) * _mm(v, gv, "t")
    return _symmetric(_mm(_mm(v, inner), v, "nt"))


@solve_p.vjp
def _(g, a, b):
    gb = solve_p(_t(a), g)
    return -_mm(gb, solve_p(a, b), "nt"), gb


@inv_p.vjp
def _(g, x):
    inverse = inv_p(x)
    return -_mm(_mm(inverse, g, "t"), inverse, "nt")


@det_p.vjp
def _(g, x):
    return _t(inv_p(x)) * expand_dims(g * det_p(x), (-2, -1))


@slogdet_p.vjp
def _(g, x):
    return _t(inv_p(x)) * expand_dims(g[1], (-2, -1))


@pinv_p.vjp
def _(g, x, *, rcond):
    # G. Golub & V. Pereyra, SIAM J. Numer. Anal. 10 (1973).
    p = pinv_p(x, rcond=rcond)
    direct = _mm(_mm(p, g, "t"), p, "nt")
    gp, pg = _mm(_mm(g, p, "t"), p, "nt"), _mm(p, _mm(p, g, "nt"), "t")
    return (gp - _mm(x, _mm(p, gp))) + (pg - _mm(_mm(pg, p), x)) - direct


# --- decompositions ----------------------------------------------------------------------


def _floats(*values: Any) -> tuple[Tensor, ...]:
    return promoted(*values, to=dtypes.floating)


def _square_floats(x: Any) -> Tensor:
    """Square matrices as floats; what is known of one of their sides is known of both."""
    (x,) = _floats(x)
    _, m, n = _sides(_square(x.spec))
    if m == n:
        return x
    side = n if m is None else m
    return reshape(x, (*shape(x)[:-2], side, side))


def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The triangle L with L @ L^T = x.

    Args:
        x: symmetric, positive definite matrices (..., n, n); the lower triangle is read.
        upper: whether to return L^T instead.

    Returns:
        A tensor of x's shape and its dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.
        numpy.linalg.LinAlgError: on NumPy, when it is computed, if x is not positive definite.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]]).numpy()
    array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    factor = cholesky_p(_square_floats(x))
    return _t(factor) if upper else factor


def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of a matrix of which x is the Cholesky factor.

    Args:
        x: lower triangles (..., n, n).
        upper: whether they are upper triangles.

    Returns:
        A tensor of x's shape and its dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.
        numpy.linalg.LinAlgError: on NumPy, when it is computed, if a 0 is on the diagonal.

    >>> cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).numpy()
    array([[0.25, 0.  ],
           [0.  , 1.  ]], dtype=float32)
    """
    x = _square_floats(x)
    inverse = triangular_solve_p(x, _identity(x), lower=not upper)
    return _mm(inverse, inverse, "nt" if upper else "t")


def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """The triangles L and U, and an order p of rows, with (L @ U)[p] = x.

    Args:
        x: square matrices (..., n, n).

    Returns:
        L below the diagonal (its own is 1) and U on and above it, of x's shape and its dtype if
        that is a float, else of floatx; and p, int32 (..., n).

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> factors, order = lu_factor([[0.0, 2.0], [4.0, 6.0]])
    >>> order.numpy()
    array([1, 0], dtype=int32)
    """
    factors, order = lu_p(_square_floats(x))
    n: Any = order.shape[-1]
    # lu_p says which row comes where; wanted is where each row comes.
    places = one_hot(order, n, dtype="int32") * expand_dims(arange(n), 1)
    return factors, sum(places, axis=-2)


def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Orthonormal columns q and an upper triangle r with q @ r = x.

    Args:
        x: matrices (..., m, n).
        mode: "reduced" for k = min(m, n) columns, "complete" for k = m.

    Returns:
        q (..., m, k) and r (..., k, n), of x's dtype if that is a float, else of floatx.

    Raises:
        ValueError: if x holds no matrices, or `mode` is neither.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> [part.shape for part in qr(np.ones((3, 2)))]
    [(3, 2), (2, 2)]
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f'qr: mode must be "reduced" or "complete", but got {mode!r}.')
    return qr_p(*_floats(x), complete=mode == "complete")


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular values s and orthonormal u, v with u @ diag(s) @ v^T = x.

    Args:
        x: matrices (..., m, n).
        full_matrices: whether u and v are square.
        compute_uv: whether u and v are wanted; else only s is returned.

    Returns:
        u (..., m, m), s (falling, (..., k) with k = min(m, n)) and v^T (..., n, n); or s. Unless
        full_matrices, u is (..., m, k) and v^T (..., k, n). All are of x's dtype if that is a
        float, else of floatx.

    Raises:
        ValueError: if x holds no matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).numpy()
    array([4., 3.], dtype=float32)
    """
    (x,) = _floats(x)
    if not compute_uv:
        return svd_p(x, full_matrices=False)[1]
    return svd_p(x, full_matrices=bool(full_matrices))


def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of symmetric matrices.

    Args:
        x: symmetric matrices (..., n, n); the lower triangle is read.

    Returns:
        Values, rising (..., n), and vectors, as columns (..., n, n), of x's dtype if that is a
        float, else of floatx.

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> eigh([[2.0, 0.0], [0.0, 1.0]])[0].numpy()
    array([1., 2.], dtype=float32)
    """
    return eigh_p(_square_floats(x))


def eig(x: Any) -> tuple[Complex, Complex]:
    """Eigenvalues and eigenvectors of square matrices. They have no gradient.

    Args:
        x: square matrices (..., n, n).

    Returns:
        Values (..., n) and vectors, as columns (..., n, n), as complex numbers
        (`view_as_complex`).

    Raises:
        ValueError: if x holds no square matrices.
        TypeError: if x is no array of numbers, such as a string or None.

    >>> np.asarray(eig([[2.0, 0.0], [0.0, 3.0]])[0])
    array([2.+0.j, 3.+0.j], dtype=complex64)
    """
    real, imaginary, vectors, other = eig_p(_square_floats(x))
    return Complex(real, imaginary), Complex(vectors, other)
