"""Keras 2's Reduce."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.losses.loss import aligned, same_rank
from kerasish.metrics.metric import Metric

_REDUCTIONS = ("sum", "sum_over_batch_size", "weighted_mean")


class Reduce(Metric):
    """Keras 2's base of means and sums.

    Args:
        reduction: "sum", "sum_over_batch_size" (over the number of values), or "weighted_mean".
        name: the metric's name.
        dtype: the float of the state.

    >>> metric = Reduce("sum_over_batch_size", "mean")
    >>> float(metric([1.0, 3.0], sample_weight=[1.0, 0.0]))
    0.5
    """

    def __init__(self, reduction: str, name: str, dtype: Any = None):
        if reduction not in _REDUCTIONS:
            raise ValueError(f"Reduce: reduction must be one of {_REDUCTIONS}, got {reduction!r}.")
        super().__init__(dtype, name)
        self.reduction = reduction
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = ops.cast(values, self.dtype)
        weight = ops.ones_like(values)
        if sample_weight is not None:
            values, given = same_rank(values, ops.cast(sample_weight, self.dtype))
            weight = ops.ones_like(values) * aligned(given, values)
        counted = weight if self.reduction == "weighted_mean" else ops.ones_like(values)
        self.total.assign_add(ops.sum(values * weight))
        self.count.assign_add(ops.sum(counted))

    def result(self) -> Tensor:
        if self.reduction == "sum":
            return ops.convert_to_tensor(self.total)
        return ops.divide_no_nan(self.total, self.count)
