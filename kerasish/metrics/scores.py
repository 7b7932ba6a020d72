"""F-scores and the coefficient of determination."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.losses.loss import pair
from kerasish.metrics.metric import Mean, Metric
from kerasish.utils.kinds import check_range


class RootMeanSquaredError(Mean):
    """The root of the mean squared error over all batches.

    Args:
        name: the metric's name.
        dtype: the float of the state.

    >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
    3.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = pair(y_true, y_pred, self.name)
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Tensor:
        return ops.sqrt(super().result())


class _PerColumn(Metric):
    """Base class: state with one entry per column of (batch, columns), made at the first batch."""

    _direction = "up"
    keeps: tuple[str, ...] = ()

    def _columns(self, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
        true, pred = (ops.cast(y, self.dtype) for y in (y_true, y_pred))
        y_true, y_pred = pair(true, pred, self.name)
        if y_pred.rank != 2 or y_pred.shape[1] is None:
            raise ValueError(
                f"{type(self).__name__}: expected predictions of shape (batch, columns), but got "
                f"{format_shape(y_pred.shape)}."
            )
        return y_true, y_pred

    def _make_state(self, shape: tuple[int, ...]) -> None:
        if not self._variables:
            for name in self.keeps:
                setattr(self, name, self.add_variable(shape, "zeros", name=name))


def _weights(sample_weight: Any, like: Tensor) -> Tensor:
    weight = ops.cast(1.0 if sample_weight is None else sample_weight, like.dtype)
    weight = ops.expand_dims(weight, -1) if weight.rank == 1 else weight
    return ops.broadcast_to(weight, ops.shape(like))


class FBetaScore(_PerColumn):
    """(1 + beta^2) * precision * recall / (beta^2 * precision + recall), per class.

    Args:
        average: None (one number per class), "micro" (of all classes together), "macro" (the mean
            over classes) or "weighted" (by how often they occur).
        beta: how much more recall counts than precision.
        threshold: above it a class counts as predicted; None takes the largest prediction.
        name: the metric's name.
        dtype: the float of the state.

    >>> FBetaScore(beta=2.0)([[1, 0], [0, 1]], [[0.8, 0.2], [0.1, 0.9]]).numpy().round(4)
    array([1., 1.], dtype=float32)
    """

    keeps = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f'{type(self).__name__}: average must be None, "micro", "macro" or "weighted", '
                f"but got {average!r}."
            )
        if not beta > 0:
            raise ValueError(f"{type(self).__name__}: beta must be above 0, but got {beta!r}.")
        self.average, self.beta, self.threshold = average, beta, threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = self._columns(y_true, y_pred)
        micro = self.average == "micro"
        self._make_state(() if micro else (y_pred.shape[1],))
        if self.threshold is None:
            largest = ops.equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            chosen = ops.logical_and(largest, ops.abs(y_pred) > 1e-9)
        else:
            chosen = y_pred > self.threshold
        pred = ops.cast(chosen, self.dtype)
        weight, axis = _weights(sample_weight, y_true), None if micro else 0
        for variable, hits in (
            (self.true_positives, pred * y_true),  # type: ignore[attr-defined]
            (self.false_positives, pred * (1.0 - y_true)),  # type: ignore[attr-defined]
            (self.false_negatives, (1.0 - pred) * y_true),  # type: ignore[attr-defined]
            (self.intermediate_weights, y_true),  # type: ignore[attr-defined]
        ):
            variable.assign_add(ops.sum(hits * weight, axis=axis))

    def result(self) -> Tensor:
        if not self._variables:
            return ops.zeros((), self.dtype)
        hits, alarms, missed, occurrences = map(ops.convert_to_tensor, self._variables)
        precision = hits / (hits + alarms + config.epsilon())
        recall = hits / (hits + missed + config.epsilon())
        beta = self.beta**2
        score = (1 + beta) * precision * recall / (precision * beta + recall + config.epsilon())
        if self.average == "weighted":
            return ops.sum(score * occurrences / (ops.sum(occurrences) + config.epsilon()))
        return ops.mean(score) if self.average is not None else score


class F1Score(FBetaScore):
    """FBetaScore with beta 1: precision and recall count the same; arguments as of FBetaScore."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)


class R2Score(_PerColumn):
    """1 - squared error / variance of the targets: 1 is exact, 0 no better than their mean.

    Args:
        class_aggregation: "uniform_average" over columns, "variance_weighted_average", or None
            for one number per column.
        num_regressors: how many inputs the model has, to adjust the score for; 0 doesn't, nor
            do fewer numbers than that plus two.
        name: the metric's name.
        dtype: the float of the state.

    >>> float(R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]]))
    1.0
    """

    keeps = ("squared_sum", "sum", "total_mse", "count")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                'R2Score: class_aggregation must be None, "uniform_average" or '
                f'"variance_weighted_average", but got {class_aggregation!r}.'
            )
        check_range(self, 0, num_regressors=num_regressors)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        # How many numbers were seen, without weights, which the adjustment needs.
        self.num_samples: Any = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, pred = self._columns(y_true, y_pred)
        if not self._variables:
            self._make_state((true.shape[1],))  # type: ignore[arg-type]
            self.num_samples = self.add_variable((), "zeros", name="num_samples")
        weight = _weights(sample_weight, true)
        for variable, values in zip(
            self._variables, (ops.square(true), true, ops.square(true - pred), 1.0), strict=False
        ):
            variable.assign_add(ops.sum(weight * values, axis=0))
        self.num_samples.assign_add(ops.cast(ops.convert_to_tensor(ops.size(true)), self.dtype))

    def result(self) -> Tensor:
        if not self._variables:
            return ops.zeros((), self.dtype)
        squares, totals, errors, count, samples = map(ops.convert_to_tensor, self._variables)
        spread = squares - totals * ops.divide_no_nan(totals, count)
        # A constant column has no variance to explain.
        score = ops.where(ops.equal(spread, 0), 0.0, 1.0 - ops.divide_no_nan(errors, spread))
        if self.class_aggregation == "uniform_average":
            score = ops.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = ops.divide_no_nan(ops.sum(score * spread), ops.sum(spread))
        if self.num_regressors:
            rest = samples - self.num_regressors - 1.0
            adjusted = 1.0 - ops.divide_no_nan((1.0 - score) * (samples - 1.0), rest)
            score = ops.where(rest > 0, adjusted, score)
        return score
