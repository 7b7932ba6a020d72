"""Metrics as functions of targets and predictions: one value per sample, or per number.

The losses are metrics too; here is what nobody could train with.
"""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.graph.spec import Shape, format_shape
from kerasish.graph.tensor import Tensor
from kerasish.losses.loss import class_pair, comparable, pair, sparse_pair


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether predictions equal targets, one by one.

    >>> accuracy([1, 2], [1, 3]).numpy()
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = comparable(y_true, y_pred, "accuracy")
    return ops.cast(ops.equal(y_true, y_pred), config.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Whether predictions are on the right side of the threshold, one by one.

    Args:
        y_true: labels 0 and 1.
        y_pred: probabilities.
        threshold: above it a prediction counts as label 1.

    >>> binary_accuracy([1, 1], [0.9, 0.1]).numpy()
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = pair(y_true, y_pred, "binary_accuracy")
    chosen = ops.cast(y_pred > threshold, y_true.dtype)
    return ops.cast(ops.equal(y_true, chosen), config.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the class with the largest prediction is the one with the largest target.

    >>> categorical_accuracy([[0, 1], [0, 1]], [[0.1, 0.9], [0.8, 0.2]]).numpy()
    array([1., 0.], dtype=float32)
    """
    y_true, y_pred = class_pair(y_true, y_pred, "categorical_accuracy")
    return _hits(ops.argmax(y_true, axis=-1), y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the class with the largest prediction is the one that the target names.

    >>> sparse_categorical_accuracy([1, 1], [[0.1, 0.9], [0.8, 0.2]]).numpy()
    array([1., 0.], dtype=float32)
    """
    return _hits(*sparse_pair(y_true, y_pred, "sparse_categorical_accuracy"))


def _hits(classes: Tensor, y_pred: Tensor) -> Tensor:
    chosen = ops.argmax(y_pred, axis=-1)
    return ops.cast(ops.equal(ops.cast(classes, chosen.dtype), chosen), config.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether the class with the largest target is among the k largest predictions.

    Args:
        y_true: one number per class.
        y_pred: predictions of the same shape.
        k: how many predictions count.
    """
    y_true, y_pred = class_pair(y_true, y_pred, "top_k_categorical_accuracy")
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """Whether the class that the target names is among the k largest predictions.

    Args:
        y_true: class numbers.
        y_pred: predictions per class, or class numbers from the most likely on.
        k: how many predictions count.
        from_sorted_ids: whether y_pred holds class numbers.
    """
    classes, y_pred = sparse_pair(y_true, y_pred, "sparse_top_k_categorical_accuracy")
    if not from_sorted_ids:
        return _in_top_k(ops.cast(classes, "int32"), y_pred, k)
    listed = ops.equal(ops.expand_dims(ops.cast(classes, y_pred.dtype), -1), y_pred[..., :k])
    return ops.cast(ops.any(listed, axis=-1), config.floatx())


def _in_top_k(classes: Tensor, y_pred: Tensor, k: int) -> Tensor:
    """Ties at the border are all in. A prediction that is not finite is out."""
    number = ops.shape(y_pred)[-1]
    hot = ops.one_hot(classes, number, dtype="bool")
    own = ops.max(ops.where(hot, y_pred, float("-inf")), axis=-1)
    better = ops.sum(ops.cast(y_pred > ops.expand_dims(own, -1), "int32"), axis=-1)
    return ops.cast(ops.logical_and(better < k, ops.isfinite(own)), config.floatx())


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between targets and predictions: 1 if they point the same way.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: the axis of the vectors.
    """
    y_true, y_pred = pair(y_true, y_pred, "cosine_similarity")
    return ops.sum(ops.l2_normalize(y_true, axis) * ops.l2_normalize(y_pred, axis), axis=axis)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Pearson's correlation of targets and predictions along `axis`, from -1 to 1.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: along which to compare.
    """
    y_true, y_pred = pair(y_true, y_pred, "pearson_correlation")
    true = ops.l2_normalize(y_true - ops.mean(y_true, axis=axis, keepdims=True), axis)
    pred = ops.l2_normalize(y_pred - ops.mean(y_pred, axis=axis, keepdims=True), axis)
    return ops.sum(true * pred, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Lin's concordance of targets and predictions along `axis`: 1 if they are equal.

    Source: Lin, 1989, https://doi.org/10.2307/2532051

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: along which to compare.
    """
    y_true, y_pred = pair(y_true, y_pred, "concordance_correlation")
    true_mean = ops.mean(y_true, axis=axis, keepdims=True)
    pred_mean = ops.mean(y_pred, axis=axis, keepdims=True)
    covariance = ops.mean((y_true - true_mean) * (y_pred - pred_mean), axis=axis)
    distance = ops.mean(ops.square(true_mean - pred_mean), axis=axis)
    spread = ops.var(y_true, axis=axis) + ops.var(y_pred, axis=axis) + distance
    return 2.0 * covariance / (spread + config.epsilon())


# --- "accuracy" and "crossentropy" by shape ----------------------------------------------


def kind_of_targets(y_true_shape: Shape, y_pred_shape: Shape) -> str:
    """What a model is trained for, judged by shapes: "binary", "categorical" or "sparse".

    >>> kind_of_targets((None, 1), (None, 10))
    'sparse_categorical'
    """
    if not y_pred_shape:
        raise ValueError(
            f"Cannot choose a metric by shape: y_pred has shape {format_shape(y_pred_shape)}."
        )
    if y_pred_shape[-1] == 1:
        return "binary"
    fewer_axes = len(y_true_shape) < len(y_pred_shape)
    return "sparse_categorical" if fewer_axes or y_true_shape[-1] == 1 else "categorical"
