"""Metrics made of true and false positives and negatives, at one threshold or at many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import config, ops
from kerasish.compat.arguments import is_text, older_order
from kerasish.graph.shapes import canonical_axis
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.losses.loss import aligned, pair, weighted_mask
from kerasish.metrics.metric import Metric
from kerasish.utils.kinds import check_range

_COUNTS = ("true_positives", "true_negatives", "false_positives", "false_negatives")


def confusion(
    y_true: Any,
    y_pred: Any,
    thresholds: list[float],
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    per_label: bool = False,
    where: str = "confusion",
) -> dict[str, Tensor]:
    """Weighted counts at each threshold, by name.

    A mask of the predictions counts, as for all metrics of Keras 2. Those of Keras 3 that count
    like this leave it out, so that what fills up a sequence is taken for predictions.

    Args:
        y_true: labels 0 and 1.
        y_pred: predictions of the same shape; above a threshold they count as positive.
        thresholds: numbers.
        sample_weight: one weight per sample or prediction.
        top_k: only the k largest predictions along the last axis can be positive.
        class_id: only this entry of the last axis counts.
        per_label: whether the last axis is kept.
        where: the name of the metric, for messages.

    Returns:
        Four tensors of shape (thresholds,), or (thresholds, labels).
    """
    mask = getattr(y_pred, "mask", None)
    y_true, y_pred = pair(y_true, y_pred, where)
    weight = weighted_mask(sample_weight, mask, y_pred.dtype, rescale=False)
    weight = _like(1.0 if weight is None else weight, y_pred)
    y_true = ops.broadcast_to(y_true, ops.shape(y_pred))
    if top_k is not None:
        y_pred = ops.where(_largest(y_pred, top_k), y_pred, float("-inf"))
    if class_id is not None:
        y_true, y_pred, weight = (t[..., class_id] for t in (y_true, y_pred, weight))
    label = ops.cast(ops.not_equal(y_true, 0), y_pred.dtype)
    size = math.prod(_MANY if n is None else n for n in y_pred.shape[1:])
    shape = (-1, y_pred.shape[-1]) if per_label else (-1,)
    label, y_pred, weight = (ops.reshape(t, shape) for t in (label, y_pred, weight))
    positive, negative = label * weight, (1.0 - label) * weight
    many = not per_label and size >= _MANY and len(thresholds) > _FEW
    above = _above_by_place if many and thresholds == sorted(thresholds) else _above
    hits, alarms = above(y_pred, thresholds, [positive, negative])
    return {
        "true_positives": hits,
        "true_negatives": ops.sum(negative, axis=0) - alarms,
        "false_positives": alarms,
        "false_negatives": ops.sum(positive, axis=0) - hits,
    }


# From so many predictions per sample on, and more than so many thresholds, pairs of the two take
# more memory than there may be: images with a prediction for each pixel.
_MANY, _FEW = 1024, 10


def _above(y_pred: Tensor, thresholds: list[float], sides: list[Tensor]) -> list[Tensor]:
    """The sum of each side over the predictions above each threshold."""
    limits = ops.reshape(ops.convert_to_tensor(thresholds, y_pred.dtype), (-1, *(1,) * y_pred.rank))
    chosen = ops.cast(y_pred > limits, y_pred.dtype)
    return [ops.sum(chosen * side, axis=1) for side in sides]


def _above_by_place(y_pred: Tensor, thresholds: list[float], sides: list[Tensor]) -> list[Tensor]:
    """`_above` for thresholds in ascending order, of which each prediction finds its place."""
    limits = ops.convert_to_tensor(thresholds, y_pred.dtype)
    known = ops.where(ops.isnan(y_pred), float("-inf"), y_pred)  # NaN is above nothing
    place = ops.searchsorted(limits, known)
    sums = [ops.segment_sum(side, place, len(thresholds) + 1)[1:] for side in sides]
    return [ops.flip(ops.cumsum(ops.flip(x, 0)), 0) for x in sums]


def _like(weight: Any, y_pred: Tensor) -> Tensor:
    """The weights, which may lack the last axes, in the shape of the predictions."""
    weight = aligned(ops.cast(weight, y_pred.dtype), y_pred)
    return ops.broadcast_to(weight, ops.shape(y_pred))


def _largest(x: Tensor, k: int) -> Tensor:
    """Where the k largest along the last axis are; of equal ones the first."""
    k = k if x.shape[-1] is None else min(k, x.shape[-1])
    least = ops.top_k(x, k)[0][..., -1:]
    above, ties = x > least, ops.equal(x, least)
    room = k - ops.sum(ops.cast(above, "int32"), axis=-1, keepdims=True)
    return ops.logical_or(above, ops.logical_and(ties, ops.cumsum(ties, axis=-1) <= room))


def _checked(metric: Metric, thresholds: Any, default: float = 0.5) -> list[float]:
    """The thresholds as a list of numbers; the default, which may be any, if None."""
    if thresholds is None:
        return [default]
    numbers = thresholds if np.ndim(thresholds) else [thresholds]
    if any(t is None or not 0 <= t <= 1 for t in numbers):
        raise ValueError(
            f"{type(metric).__name__}: thresholds must be numbers from 0 to 1, but got "
            f"{thresholds!r}."
        )
    return [float(t) for t in numbers]


def _number_if_one(values: Tensor) -> Tensor:
    return values[0] if values.shape == (1,) else values


class _Counting(Metric):
    """Base class: keeps the counts named in `keeps`, one number per threshold."""

    keeps: tuple[str, ...] = _COUNTS
    top_k: int | None = None
    class_id: int | None = None

    def _make_state(self, thresholds: list[float], *labels: int) -> None:
        self._limits = thresholds
        self._counts: dict[str, Variable] = {}
        for name in self.keeps:
            variable = self.add_variable((len(thresholds), *labels), "zeros", name=name)
            self._counts[name] = variable
            setattr(self, name, variable)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        options = {"top_k": self.top_k, "class_id": self.class_id}
        self._count(y_true, y_pred, sample_weight, **options)

    def _count(self, y_true: Any, y_pred: Any, sample_weight: Any, **options: Any) -> None:
        counts = confusion(y_true, y_pred, self._limits, sample_weight, where=self.name, **options)
        for name, variable in self._counts.items():
            variable.assign_add(ops.cast(counts[name], self.dtype))

    def _state(self) -> tuple[Tensor, ...]:
        return tuple(ops.convert_to_tensor(v) for v in self._counts.values())


class _Count(_Counting):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(dtype, name)
        self.thresholds = thresholds
        self._make_state(_checked(self, thresholds))

    def result(self) -> Tensor:
        return _number_if_one(self._state()[0])


class TruePositives(_Count):
    """How many positives were predicted to be so.

    Args:
        thresholds: a number from 0 to 1 or a list of them, 0.5 if None.
        name: the metric's name.
        dtype: the float of the state.

    >>> float(TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
    2.0
    """

    keeps = ("true_positives",)


class TrueNegatives(_Count):
    """How many negatives were predicted to be so; arguments as of TruePositives."""

    keeps = ("true_negatives",)


class FalsePositives(_Count):
    """How many negatives were predicted to be positive; arguments as of TruePositives."""

    keeps = ("false_positives",)


class FalseNegatives(_Count):
    """How many positives were predicted to be negative; arguments as of TruePositives."""

    keeps = ("false_negatives",)


class _Share(_Counting):
    """True positives over themselves plus another count."""

    _direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        check_range(self, 1, top_k=top_k)
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self._make_state(_checked(self, thresholds, 0.5 if top_k is None else float("-inf")))

    def result(self) -> Tensor:
        hits, others = self._state()
        return _number_if_one(ops.divide_no_nan(hits, hits + others))


class Precision(_Share):
    """The share of predicted positives that are positive.

    Args:
        thresholds: a number from 0 to 1 or a list of them, 0.5 if None.
        top_k: instead of a threshold, the k largest predictions of a sample are positive.
        class_id: only this entry of the last axis counts.
        name: the metric's name.
        dtype: the float of the state.

    >>> float(Precision()([0, 1, 1, 1], [1, 0, 1, 0]))
    0.5
    """

    keeps = ("true_positives", "false_positives")


class Recall(_Share):
    """The share of positives that were predicted to be so; arguments as of Precision.

    >>> float(Recall()([0, 1, 1, 0], [1, 0, 1, 0]))
    0.5
    """

    keeps = ("true_positives", "false_negatives")


class _AtBound(_Counting):
    """The best of one rate among the thresholds at which another is at least `bound`."""

    _direction = "up"

    def __init__(
        self, bound: float, num_thresholds: int, class_id: int | None, name: Any, dtype: Any
    ):
        super().__init__(dtype, name)
        if not 0 <= bound <= 1:
            raise ValueError(
                f"{type(self).__name__}: the rate must be from 0 to 1, but got {bound}."
            )
        check_range(self, 1, num_thresholds=num_thresholds)
        self._bound, self.num_thresholds, self.class_id = bound, num_thresholds, class_id
        gaps = num_thresholds - 1
        self._make_state([i / gaps for i in range(num_thresholds)] if gaps else [0.5])

    def rates(self, tp: Tensor, tn: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
        """The bounded rate and the one to maximise."""
        raise NotImplementedError

    def result(self) -> Tensor:
        bounded, wanted = self.rates(*self._state())
        return ops.max(ops.where(bounded >= self._bound, wanted, 0.0))


class SensitivityAtSpecificity(_AtBound):
    """The largest sensitivity at a threshold at which the specificity is large enough.

    Args:
        specificity: the least specificity, from 0 to 1.
        num_thresholds: how many thresholds are tried.
        class_id: only this entry of the last axis counts.
        name: the metric's name.
        dtype: the float of the state.
    """

    @older_order((2, is_text, ("specificity", "num_thresholds", "name", "dtype")))
    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def rates(self, tp: Tensor, tn: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
        return ops.divide_no_nan(tn, tn + fp), ops.divide_no_nan(tp, tp + fn)


class SpecificityAtSensitivity(_AtBound):
    """The largest specificity at a threshold at which the sensitivity is large enough.

    Args:
        sensitivity: the least sensitivity, from 0 to 1.
        num_thresholds: how many thresholds are tried.
        class_id: only this entry of the last axis counts.
        name: the metric's name.
        dtype: the float of the state.
    """

    @older_order((2, is_text, ("sensitivity", "num_thresholds", "name", "dtype")))
    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def rates(self, tp: Tensor, tn: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
        return ops.divide_no_nan(tp, tp + fn), ops.divide_no_nan(tn, tn + fp)


class PrecisionAtRecall(_AtBound):
    """The largest precision at a threshold at which the recall is large enough.

    Args:
        recall: the least recall, from 0 to 1.
        num_thresholds: how many thresholds are tried.
        class_id: only this entry of the last axis counts.
        name: the metric's name.
        dtype: the float of the state.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def rates(self, tp: Tensor, tn: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
        return ops.divide_no_nan(tp, tp + fn), ops.divide_no_nan(tp, tp + fp)


class RecallAtPrecision(_AtBound):
    """The largest recall at a threshold at which the precision is large enough.

    Args:
        precision: the least precision, from 0 to 1.
        num_thresholds: how many thresholds are tried.
        class_id: only this entry of the last axis counts.
        name: the metric's name.
        dtype: the float of the state.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def rates(self, tp: Tensor, tn: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
        return ops.divide_no_nan(tp, tp + fp), ops.divide_no_nan(tp, tp + fn)


class AUC(_Counting):
    """The area under the ROC or precision-recall curve, through evenly spaced thresholds.

    Args:
        num_thresholds: how many points the curve has.
        curve: "ROC" or "PR", in any case.
        summation_method: "interpolation", "minoring" (below the steps) or "majoring" (above).
        name: the metric's name.
        dtype: the float of the state.
        thresholds: the inner thresholds, instead of evenly spaced ones.
        multi_label: whether the areas of the labels on the last axis are averaged.
        num_labels: how many labels there are; found out from the first batch if None.
        label_weights: the weight of each label in the average.
        from_logits: whether predictions are logits.

    >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
    0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        curve, summation_method = curve.upper(), summation_method.lower()
        if curve not in ("ROC", "PR"):
            raise ValueError(f'AUC: curve must be "ROC" or "PR", but got {curve!r}.')
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                'AUC: summation_method must be "interpolation", "minoring" or "majoring", but '
                f"got {summation_method!r}."
            )
        if thresholds is None:
            check_range(self, 2, num_thresholds=num_thresholds)
        if not multi_label and not (num_labels is None and label_weights is None):
            raise ValueError("AUC: num_labels and label_weights are for multi_label=True only.")
        inner = (
            sorted(_checked(self, thresholds))
            if thresholds is not None
            else [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
        )
        # A little more than the whole range, so that the curve has both of its ends.
        self._limits = [-config.epsilon(), *inner, 1.0 + config.epsilon()]
        self.num_thresholds, self.thresholds = len(self._limits), thresholds
        self.curve, self.summation_method = curve, summation_method
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights, self.from_logits = label_weights, from_logits
        self._counts = {}
        if not multi_label:
            self._make_state(self._limits)
        elif num_labels is not None:
            self._make_state(self._limits, num_labels)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        mask = getattr(y_pred, "mask", None)
        y_pred = ops.convert_to_tensor(y_pred)
        if self.multi_label and not self._counts:
            self._make_state(self._limits, _labels(y_pred))
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        if mask is not None:
            sample_weight = weighted_mask(sample_weight, mask, self.dtype, rescale=False)
        self._count(y_true, y_pred, sample_weight, per_label=self.multi_label)

    def result(self) -> Tensor:
        if not self._counts:
            return ops.zeros((), self.dtype)
        tp, tn, fp, fn = self._state()
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._average(_interpolated_pr(tp, fp, fn))
        recall = ops.divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            x, y = ops.divide_no_nan(fp, fp + tn), recall
        else:
            x, y = recall, ops.divide_no_nan(tp, tp + fp)
        heights = {
            "interpolation": lambda a, b: (a + b) / 2.0,
            "minoring": ops.minimum,
            "majoring": ops.maximum,
        }[self.summation_method](y[:-1], y[1:])
        return self._average(ops.sum((x[:-1] - x[1:]) * heights, axis=0))

    def _average(self, areas: Tensor) -> Tensor:
        """One number of the areas of all labels."""
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.convert_to_tensor(self.label_weights, self.dtype)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))


def _labels(y_pred: Tensor) -> int:
    count = y_pred.shape[canonical_axis(-1, y_pred.rank)]
    if count is None:
        raise ValueError(
            "AUC(multi_label=True) needs num_labels for predictions of shape "
            f"{format_shape(y_pred.shape)}."
        )
    return count


def _interpolated_pr(tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
    """The area under precision by recall, where between two thresholds the true positives grow
    in proportion to all predicted ones.

    Source: Davis & Goadrich, 2006, https://doi.org/10.1145/1143844.1143874
    """
    predicted = tp + fp
    more_hits, more = tp[:-1] - tp[1:], predicted[:-1] - predicted[1:]
    slope = ops.divide_no_nan(more_hits, ops.maximum(more, 0.0))
    start = tp[1:] - slope * predicted[1:]
    both = ops.logical_and(predicted[:-1] > 0, predicted[1:] > 0)
    ratio = ops.where(both, ops.divide_no_nan(predicted[:-1], predicted[1:]), 1.0)
    areas = slope * (more_hits + start * ops.log(ratio))
    return ops.sum(ops.divide_no_nan(areas, ops.maximum(tp[1:] + fn[1:], 0.0)), axis=0)
