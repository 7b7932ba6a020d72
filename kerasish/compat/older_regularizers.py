"""Keras 1's names of regularizers: those of activities were others than those of weights."""

from __future__ import annotations

from typing import Any

from kerasish import ops, regularizers
from kerasish.graph.tensor import Tensor
from kerasish.regularizers import L1L2, l1, l1_l2, l2

__all__ = [
    "ActivityRegularizer",
    "EigenvalueRegularizer",
    "WeightRegularizer",
    "activity_l1",
    "activity_l1l2",
    "activity_l2",
    "l1l2",
]

WeightRegularizer = ActivityRegularizer = L1L2
activity_l1, activity_l2 = l1, l2
l1l2 = activity_l1l2 = l1_l2


class EigenvalueRegularizer(regularizers.Regularizer):
    """Adds `k` times the largest singular value of a matrix of weights, of Keras 1.1 and 1.2.

    Source: Ludwig et al., Eigenvalue decay, Neurocomputing 124, 2014

    Args:
        k: how much of it.

    >>> round(float(EigenvalueRegularizer(0.5)(np.diag([3.0, 1.0]))), 3)
    1.5
    """

    _STEPS = 9  # of the power iteration, as in Keras 1

    def __init__(self, k: float):
        self.k = k

    def __call__(self, x: Any) -> Tensor:
        """The loss of a matrix."""
        x = ops.convert_to_tensor(x)
        if x.ndim > 2:
            raise ValueError(f"EigenvalueRegularizer is for matrices, but got shape {x.shape}.")
        square = ops.matmul(ops.transpose(x), x)
        vector = ops.ones((square.shape[0], 1), square.dtype)
        for _ in range(self._STEPS):
            vector = ops.matmul(square, vector)
            vector = vector / ops.norm(vector)
        along = ops.sum(ops.square(ops.matmul(x, vector)))
        return self.k * ops.sqrt(along / ops.sum(ops.square(vector)))
