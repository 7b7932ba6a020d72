"""Cases of kerasish.ops.linalg."""

import numpy as np
from cases.case import Case, i32, normal, scalar

from kerasish import ops
from kerasish.ops.matrices import matmul_p

# matmul: what, shapes, whether the second input has the batch too
SHAPES = [
    ("", (2, 3), (3, 4)),
    ("row", (3,), (3, 4)),
    ("column", (2, 3), (3,)),
    ("vectors", (3,), (3,)),
    ("stack by one", (2, 5, 3), (3, 4)),
    ("deep stack by one", (2, 2, 5, 3), (3, 4)),
    ("one by stack", (5, 3), (2, 3, 4)),
    ("stacks", (2, 5, 3), (2, 3, 4)),
    ("broadcast stacks", (2, 1, 5, 3), (4, 3, 2)),
    ("stack by column", (2, 5, 3), (3,)),
]
# What matmul's gradients ask for: every combination of transposed inputs.
TRANSPOSED = [(ta, tb, rank) for ta in (0, 1) for tb in (0, 1) for rank in (2, 3)]


def _primitive(ta, tb):
    return lambda a, b: matmul_p(a, b, transpose_a=bool(ta), transpose_b=bool(tb))


def _reference(ta, tb):
    return lambda a, b: np.matmul(a.swapaxes(-1, -2) if ta else a, b.swapaxes(-1, -2) if tb else b)


CASES = [
    *(
        Case(
            f"matmul {what}".strip(),
            ops.matmul,
            (normal(*a), normal(*b)),
            np.matmul,
            batch=(0,) if len(a) > 1 else (),
        )
        for what, a, b in SHAPES
    ),
    *(
        Case(
            f"matmul {'nt'[ta]}{'nt'[tb]} rank {rank}",
            _primitive(ta, tb),
            (
                normal(*((2, 3, 5) if ta else (2, 5, 3))[3 - rank :]),
                normal(*((2, 4, 3) if tb else (2, 3, 4))[3 - rank :]),
            ),
            _reference(ta, tb),
            batch=() if rank == 2 else (0, 1),
        )
        for ta, tb, rank in TRANSPOSED
    ),
    Case("matmul of ints", ops.matmul, (i32([1, 2], [3, 4]), i32([5], [6])), np.matmul),
    Case("matmul operator", lambda a, b: a @ b, (normal(2, 3), normal(3, 2)), np.matmul),
    Case("dot", ops.dot, (normal(2, 3), normal(3, 4)), np.dot),
    Case("dot of deep ones", ops.dot, (normal(2, 5, 3), normal(2, 3, 4)), np.dot),
    Case("dot vectors", ops.dot, (normal(3), normal(3)), np.dot, batch=()),
    Case("dot with a scalar", ops.dot, (normal(2, 3), scalar(2.0)), np.dot),
    Case("tensordot", ops.tensordot, (normal(2, 3, 4), normal(3, 4, 5)), np.tensordot),
    Case(
        "tensordot one axis",
        lambda a, b: ops.tensordot(a, b, np.int64(1)),
        (normal(2, 3), normal(3, 4)),
        lambda a, b: np.tensordot(a, b, 1),
    ),
    Case(
        "tensordot by axes",
        lambda a, b: ops.tensordot(a, b, [[1, -1], [2, 0]]),
        (normal(2, 3, 4), normal(4, 5, 3)),
        lambda a, b: np.tensordot(a, b, [[1, 2], [2, 0]]),
    ),
    Case(
        "tensordot over the batch",
        lambda a, b: ops.tensordot(a, b, [0, 0]),
        (normal(3, 2), normal(3, 4)),
        lambda a, b: a.T @ b,
        batch=(0, 1),
    ),
    Case("outer", ops.outer, (normal(3), normal(2, 2)), np.outer),
]
