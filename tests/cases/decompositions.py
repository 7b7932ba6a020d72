"""Cases of kerasish.ops.decompositions and norms.

What is not determined (signs of vectors) is brought into one form in both.
"""

import numpy as np
from cases.case import Case, f32, normal, shared

from kerasish import ops

EYE = np.eye(4, dtype="float32")


def well(*shape):
    """Square matrices far from singular."""
    return normal(*shape) + 3 * np.eye(shape[-1], dtype="float32")


def transposed(x):
    return ops.swapaxes(x, -1, -2) if not isinstance(x, np.ndarray) else x.swapaxes(-1, -2)


def definite(x):
    """A positive definite matrix made of any."""
    return x @ transposed(x) + EYE[: x.shape[-1], : x.shape[-1]]


def both(x):
    return x + transposed(x)


def times_signs(columns, signs):
    return columns * signs[..., None, :]


def fixed_qr(lib, x, **options):
    """Reduced q and r, such that r has a positive diagonal."""
    q, r = (lib.linalg if lib is np else lib).qr(x, **options)
    k = min(x.shape[-2:])
    signs = lib.sign((r[..., :k] * np.eye(k, dtype="float32")).sum(-1))
    return times_signs(q, signs), r * signs[..., :, None]


def fixed_svd(lib, x):
    """u and v such that the columns of u have positive sums."""
    u, s, vt = (lib.linalg if lib is np else lib).svd(x, full_matrices=False)
    signs = lib.sign(u.sum(-2))
    return times_signs(u, signs), s, vt * signs[..., :, None]


def fixed_eigh(lib, x):
    w, v = (lib.linalg if lib is np else lib).eigh(x)
    return w, times_signs(v, lib.sign(v.sum(-2)))


def lu_reference(x):
    """Gaussian elimination of one matrix, in plain steps."""
    x, n = x.astype("float64"), len(x)
    order = np.arange(n)
    for i in range(n):
        best = i + np.abs(x[i:, i]).argmax()
        x[[i, best]], order[[i, best]] = x[[best, i]], order[[best, i]]
        for j in range(i + 1, n):
            x[j, i] /= x[i, i]
            x[j, i + 1 :] -= x[j, i] * x[i, i + 1 :]
    return x, np.argsort(order).astype("int32")


def each_matrix(function):
    return lambda x: tuple(map(np.stack, zip(*map(function, x), strict=True)))


def eig_again(x):
    """The matrix, put together again from its eigenvalues and eigenvectors."""
    (wr, wi), (vr, vi) = ops.eig(x)
    wr, wi = wr[..., None, :], wi[..., None, :]
    turned = vr * wr - vi * wi, vr * wi + vi * wr

    # turned @ v^-1, with complex matrices as real ones of twice the size
    def block(re, im):
        top = ops.concatenate([re, -im], axis=-1)
        return ops.concatenate([top, ops.concatenate([im, re], axis=-1)], axis=-2)

    n = x.shape[-1]
    return ops.matmul(block(*turned), ops.inv(block(vr, vi)))[..., :n, :n]


NORMS = [
    *((o, 1) for o in (None, 1, 2, 3, 0.5, 0, np.inf, -np.inf)),
    *((o, (0, 2)) for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
]

CASES = [
    Case(
        "cholesky",
        lambda x: ops.cholesky(definite(x)),
        (normal(2, 3, 3),),
        lambda x: np.linalg.cholesky(definite(x)),
    ),
    Case(
        "cholesky upper",
        lambda x: ops.cholesky(definite(x), upper=True),
        (normal(3, 3),),
        lambda x: np.linalg.cholesky(definite(x)).T,
        batch=(),
    ),
    *(
        Case(
            f"cholesky_inverse {'upper' if upper else 'lower'}",
            lambda x, upper=upper: ops.cholesky_inverse(ops.cholesky(definite(x), upper), upper),
            (normal(2, 3, 3),),
            lambda x: np.linalg.inv(definite(x)),
            tolerance=1e-4,
        )
        for upper in (False, True)
    ),
    Case("lu_factor", ops.lu_factor, (normal(3, 4, 4),), each_matrix(lu_reference), tolerance=1e-4),
    Case("lu_factor in order", ops.lu_factor, (f32([4, 1], [1, 3]),), lu_reference, batch=()),
    Case(
        "qr",
        lambda x: fixed_qr(ops, x),
        (normal(2, 4, 3),),
        lambda x: fixed_qr(np, x),
        tolerance=1e-4,
    ),
    Case(
        "qr square", lambda x: fixed_qr(ops, x), (well(3, 3),), lambda x: fixed_qr(np, x), batch=()
    ),
    Case(
        "qr wide",
        lambda x: fixed_qr(ops, x),
        (well(3, 3)[:2],),
        lambda x: fixed_qr(np, x),
        batch=(),
        tolerance=1e-4,
    ),
    Case(
        "qr complete",
        lambda x: [ops.abs(y) for y in ops.qr(x, mode="complete")],
        (normal(4, 3),),
        lambda x: [np.abs(y) for y in np.linalg.qr(x, "complete")],
        batch=(),
        grad=False,
    ),
    *(
        Case(
            f"svd {what}",
            lambda x: fixed_svd(ops, x),
            (normal(*shape),),
            lambda x: fixed_svd(np, x),
            tolerance=2e-4,
        )
        for what, shape in (("tall", (2, 4, 3)), ("wide", (2, 3, 4)), ("square", (2, 3, 3)))
    ),
    Case(
        "svd values",
        lambda x: ops.svd(x, compute_uv=False),
        (normal(2, 4, 3),),
        lambda x: np.linalg.svd(x, compute_uv=False),
    ),
    Case(
        "svd full",
        lambda x: [ops.abs(y) for y in ops.svd(x)],
        (normal(4, 3),),
        lambda x: [np.abs(y) for y in np.linalg.svd(x)],
        batch=(),
        grad=False,
    ),
    Case(
        "eigh",
        lambda x: fixed_eigh(ops, both(x)),
        (normal(2, 4, 4),),
        lambda x: fixed_eigh(np, both(x)),
        tolerance=2e-4,
    ),
    Case("eig", eig_again, (normal(2, 3, 3),), lambda x: x, grad=False, tolerance=1e-4),
    Case("solve", ops.solve, (well(2, 3, 3), normal(2, 3, 2)), np.linalg.solve, batch=(0, 1)),
    Case(
        "solve vectors",
        ops.solve,
        (well(2, 3, 3), normal(2, 3)),
        lambda a, b: np.linalg.solve(a, b[..., None])[..., 0],
        batch=(0, 1),
    ),
    Case(
        "solve with leading axes that broadcast",
        ops.solve,
        (well(2, 1, 3, 3), normal(1, 4, 3, 2)),
        np.linalg.solve,
        batch=(0,),
    ),
    Case("solve one", ops.solve, (well(3, 3), normal(3)), np.linalg.solve, batch=()),
    *(
        Case(
            f"solve_triangular {'lower' if lower else 'upper'}",
            lambda a, b, lower=lower: ops.solve_triangular(a, b, lower),
            (well(2, 3, 3), normal(2, 3, 2)),
            lambda a, b, lower=lower: np.linalg.solve((np.tril if lower else np.triu)(a), b),
            batch=(0, 1),
        )
        for lower in (False, True)
    ),
    Case("inv", ops.inv, (well(2, 3, 3),), np.linalg.inv),
    Case("det", ops.det, (normal(3, 4, 4),), np.linalg.det, tolerance=1e-4),
    Case("det of one", ops.det, (f32([1, 2], [3, 4]),), np.linalg.det, batch=()),
    Case("slogdet", ops.slogdet, (normal(3, 4, 4),), lambda x: tuple(np.linalg.slogdet(x))),
    Case(
        "logdet",
        lambda x: ops.logdet(definite(x)),
        (normal(2, 3, 3),),
        lambda x: np.linalg.slogdet(definite(x))[1],
    ),
    *(
        Case(f"pinv {what}", ops.pinv, (normal(*shape),), np.linalg.pinv, tolerance=1e-4)
        for what, shape in (("tall", (2, 4, 3)), ("wide", (2, 3, 4)))
    ),
    *(
        Case(
            f"lstsq {what}",
            ops.lstsq,
            (normal(*a), normal(*b)),
            lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
            batch=(),
            tolerance=1e-4,
        )
        for what, a, b in (
            ("tall", (4, 3), (4, 2)),
            ("wide", (3, 4), (3, 2)),
            ("vector", (4, 3), (4,)),
        )
    ),
    Case(
        "matrix_rank",
        ops.matrix_rank,
        (np.stack([np.outer(f32(1, 2, 3), f32(1, 1)), shared("well", well(3, 3)[:, :2])]),),
        lambda x: np.linalg.matrix_rank(x).astype("int32"),
    ),
    Case(
        "matrix_rank by tolerance",
        lambda x: ops.matrix_rank(x, 2.0),
        (np.diag(f32(1, 2, 3)),),
        lambda x: np.array(1, "int32"),
        batch=(),
    ),
    Case(
        "matrix_rank of nothing",
        ops.matrix_rank,
        (np.zeros((2, 0, 3), "float32"),),
        lambda x: np.zeros(2, "int32"),
    ),
    Case(
        "pinv of nothing",
        ops.pinv,
        (np.zeros((2, 0, 3), "float32"),),
        lambda x: np.zeros((2, 3, 0), "float32"),
        grad=False,
    ),
    Case(
        "matrix_rank by a tolerance for each",
        lambda x: ops.matrix_rank(x, f32(0.5, 2.5)),
        (np.stack([np.diag(f32(1, 2))] * 2),),
        lambda x: np.array([2, 0], "int32"),
        batch=(),
    ),
    Case("norm", ops.norm, (normal(3, 2),), np.linalg.norm),
    Case("norm of ints", ops.norm, (np.array([3, 4], "int32"),), np.linalg.norm),
    Case("norm of all", ops.norm, (normal(2, 3, 2),), np.linalg.norm),
    *(
        Case(
            f"norm {ord} along {axis}",
            lambda x, o=ord, a=axis, k=keep: ops.norm(x, o, a, k),
            (normal(3, 2, 4, scale=10.0),),
            lambda x, o=ord, a=axis, k=keep: np.linalg.norm(x, o, a, k),
            tolerance=1e-4,
            batch=() if isinstance(axis, tuple) else (0,),
        )
        for i, (ord, axis) in enumerate(NORMS)
        for keep in [i % 2 == 0]
    ),
    Case(
        "norm of turned matrices",
        lambda x: ops.norm(x, 1, (2, 0)),
        (normal(3, 2, 4),),
        lambda x: np.linalg.norm(x, 1, (2, 0)),
        batch=(),
    ),
]
