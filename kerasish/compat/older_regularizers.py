"""Keras 1's names of regularizers: those of activities were others than those of weights."""

from __future__ import annotations

from kerasish.regularizers import L1L2, l1, l1_l2, l2

__all__ = [
    "ActivityRegularizer",
    "WeightRegularizer",
    "activity_l1",
    "activity_l1l2",
    "activity_l2",
    "l1l2",
]

WeightRegularizer = ActivityRegularizer = L1L2
activity_l1, activity_l2 = l1, l2
l1l2 = activity_l1l2 = l1_l2
