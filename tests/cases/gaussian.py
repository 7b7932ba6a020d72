"""Cases of kerasish.ops.gaussian."""

import math

import numpy as np
from cases.case import Case, f32

from kerasish import ops

GRID = np.linspace(-2, 2, 4001)

CASES = [
    Case(
        "erfc",
        ops.erfc,
        (f32(-5, -2.2, -0.3, 0.0, 0.2, 0.7, 1.5, 3.9, 4.1, 6.0, 9.0),),
        np.vectorize(math.erfc),
        batch=(),
    ),
    Case(
        "erfc relative",
        lambda x: ops.erfc(x) * ops.exp(x * x),
        (f32(1.5, 3.9, 4.1, 6.0, 8.0),),
        np.vectorize(lambda x: math.erfc(x) * math.exp(x * x)),
        batch=(),
        tolerance=1e-4,
    ),
    Case(
        "erfinv",
        ops.erfinv,
        (f32(-0.97, -0.9, -0.5, -0.01, 0.0, 0.3, 0.84, 0.86, 0.95),),
        np.vectorize(lambda y: float(np.interp(y, np.vectorize(math.erf)(GRID), GRID))),
    ),
    Case(
        "erfinv at the ends",
        ops.erfinv,
        (f32(-1, 1, 1.5),),
        lambda x: f32(-np.inf, np.inf, np.nan),
        grad=False,
    ),
    Case(
        "erfinv of far ones",
        lambda x: ops.erfinv(ops.erf(x)),
        (f32(-3, -2, 2, 3),),
        lambda x: x,
        tolerance=2e-2,
        grad=False,
    ),
]
