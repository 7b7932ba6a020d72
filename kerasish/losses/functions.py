"""Losses as functions of targets and predictions, which they reduce along the last axis.

Options that the class of a loss takes too are documented here, where they are used.
"""

from __future__ import annotations

import math
from typing import Any

from kerasish import config, ops
from kerasish.graph import dtypes
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.losses.loss import class_pair, pair, sparse_pair

# --- regression --------------------------------------------------------------------------


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((y_true - y_pred)^2) along the last axis.

    >>> mean_squared_error([[0.0, 2.0]], [[1.0, 4.0]]).numpy()
    array([2.5], dtype=float32)
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_error")
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(|y_true - y_pred|) along the last axis."""
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_error")
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 * mean(|y_true - y_pred| / |y_true|), where |y_true| is at least epsilon."""
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_percentage_error")
    size = ops.maximum(ops.abs(y_true), config.epsilon())
    return 100.0 * ops.mean(ops.abs((y_true - y_pred) / size), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((log(y_true + 1) - log(y_pred + 1))^2), where negatives count as epsilon."""
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_logarithmic_error")
    logs = [ops.log(ops.maximum(y, config.epsilon()) + 1.0) for y in (y_true, y_pred)]
    return ops.mean(ops.square(logs[0] - logs[1]), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between targets and predictions: -1 if they point the same way.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: the axis of the vectors.

    >>> cosine_similarity([[1.0, 1.0]], [[2.0, 2.0]]).numpy().round(4)
    array([-1.], dtype=float32)
    """
    y_true, y_pred = pair(y_true, y_pred, "cosine_similarity")
    return -ops.sum(ops.l2_normalize(y_true, axis) * ops.l2_normalize(y_pred, axis), axis=axis)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """The mean of half the squared error up to `delta`, and of a straight line beyond.

    Source: Huber, 1964, https://doi.org/10.1214/aoms/1177703732

    Args:
        y_true: targets.
        y_pred: predictions.
        delta: where the line begins.
    """
    y_true, y_pred = pair(y_true, y_pred, "huber")
    error = ops.abs(y_true - y_pred)
    line = delta * error - 0.5 * delta**2
    return ops.mean(ops.where(error <= delta, 0.5 * ops.square(error), line), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean(log(cosh(y_pred - y_true))) along the last axis, computed without overflow."""
    y_true, y_pred = pair(y_true, y_pred, "log_cosh")
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean(y_pred - y_true * log(y_pred)) along the last axis."""
    y_true, y_pred = pair(y_true, y_pred, "poisson")
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


# --- margins -----------------------------------------------------------------------------


def _signs(y_true: Tensor) -> Tensor:
    """Labels 0 and 1 as -1 and 1; those that are -1 and 1 already stay."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true * y_pred, 0)) along the last axis.

    Args:
        y_true: labels -1 and 1, or 0 and 1.
        y_pred: predictions.
    """
    y_true, y_pred = pair(y_true, y_pred, "hinge")
    return ops.mean(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true * y_pred, 0)^2) along the last axis.

    Args:
        y_true: labels -1 and 1, or 0 and 1.
        y_pred: predictions.
    """
    y_true, y_pred = pair(y_true, y_pred, "squared_hinge")
    return ops.mean(ops.square(ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(wrong - right + 1, 0): the largest prediction of a wrong class against the right one."""
    y_true, y_pred = pair(y_true, y_pred, "categorical_hinge")
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


# --- probabilities -----------------------------------------------------------------------


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """sum(y_true * log(y_true / y_pred)) along the last axis, both kept within epsilon and 1."""
    y_true, y_pred = pair(y_true, y_pred, "kl_divergence")
    p, q = (ops.clip(y, config.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(p * ops.log(p / q), axis=-1)


def _smoothed(y_true: Tensor, smoothing: float, classes: int | None = None) -> Tensor:
    """Labels moved towards equal shares of `classes`, of the size of the last axis if None.

    The last one whatever the axis of the classes, as in Keras 3.
    """
    if not smoothing:
        return y_true
    if not 0 < smoothing <= 1:
        raise ValueError(f"label_smoothing must be between 0 and 1, but got {smoothing}.")
    count = ops.cast(ops.shape(y_true)[-1] if classes is None else classes, y_true.dtype)
    return y_true * (1.0 - smoothing) + smoothing / count


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)) along `axis`.

    Args:
        y_true: labels 0 and 1, or probabilities.
        y_pred: probabilities, or logits.
        from_logits: whether y_pred holds logits.
        label_smoothing: from 0 to 1, how far to move the labels towards 1/2.
        axis: what the mean is taken along.

    >>> binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)
    """
    y_true, y_pred = pair(y_true, y_pred, "binary_crossentropy")
    y_true = _smoothed(y_true, label_smoothing, 2)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum(y_true * log(y_pred)) along `axis`.

    Args:
        y_true: one number per class, such as one-hot rows; the shape of y_pred.
        y_pred: probabilities, or logits.
        from_logits: whether y_pred holds logits.
        label_smoothing: from 0 to 1, how far to move the labels towards equal shares.
        axis: the axis of the classes.

    Raises:
        ValueError: y_true holds class numbers; `sparse_categorical_crossentropy` is for them.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)
    """
    y_true, y_pred = class_pair(y_true, y_pred, "categorical_crossentropy")
    y_true = _smoothed(y_true, label_smoothing)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits, axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log(y_pred) of the class that y_true names.

    Args:
        y_true: class numbers, without the axis of the classes (or with size 1 there).
        y_pred: probabilities, or logits. A row of zeros has no probabilities and gives NaN, as
            in Keras on JAX, PyTorch and NumPy (on TensorFlow it counts as equal shares).
        from_logits: whether y_pred holds logits.
        ignore_class: targets of this class count for nothing, neither in a mean.
        axis: the axis of the classes.

    Raises:
        ValueError: y_true has the shape of y_pred; `categorical_crossentropy` is for that.

    >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]]).numpy()
    array([0.6931472], dtype=float32)
    """
    y_true, y_pred = sparse_pair(y_true, y_pred, "sparse_categorical_crossentropy")
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    valid = ops.not_equal(y_true, ignore_class)
    target = ops.where(valid, y_true, ops.zeros_like(y_true))
    losses = ops.sparse_categorical_crossentropy(target, y_pred, from_logits, axis)
    losses = ops.where(valid, losses, 0.0)
    losses.mask = valid
    return losses


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary cross entropy times (1 - p)^gamma, p the probability of the right label.

    Source: Lin et al., 2017, arXiv:1708.02002

    Args:
        y_true: labels 0 and 1.
        y_pred: probabilities, or logits.
        apply_class_balancing: whether to weight label 1 with alpha and label 0 with 1 - alpha.
        alpha: the weight of label 1.
        gamma: how strongly easy samples are faded out.
        from_logits: whether y_pred holds logits.
        label_smoothing: from 0 to 1, how far to move the labels towards 1/2.
        axis: what the mean is taken along.
    """
    y_true, y_pred = pair(y_true, y_pred, "binary_focal_crossentropy")
    y_true = _smoothed(y_true, label_smoothing, 2)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    right = y_true * p + (1.0 - y_true) * (1.0 - p)
    losses = ops.power(1.0 - right, gamma) * ops.binary_crossentropy(y_true, p)
    if apply_class_balancing:
        losses = losses * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(losses, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum(alpha * (1 - y_pred)^gamma * y_true * log(y_pred)) along `axis`.

    Source: Lin et al., 2017, arXiv:1708.02002

    Args:
        y_true: one number per class, such as one-hot rows.
        y_pred: probabilities, or logits.
        alpha: a weight, or one per class.
        gamma: how strongly easy samples are faded out.
        from_logits: whether y_pred holds logits.
        label_smoothing: from 0 to 1, how far to move the labels towards equal shares.
        axis: the axis of the classes.
    """
    y_true, y_pred = class_pair(y_true, y_pred, "categorical_focal_crossentropy")
    y_true = _smoothed(y_true, label_smoothing)
    p = ops.softmax(y_pred, axis) if from_logits else y_pred
    p = p / ops.sum(p, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    return ops.sum(-y_true * ops.log(p) * (ops.power(1.0 - p, gamma) * alpha), axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float = 0.5) -> Tensor:
    """(1 - p^q) / q, p the probability of the right class: robust against wrong labels.

    Source: Zhang & Sabuncu, 2018, arXiv:1805.07836

    Args:
        y_true: class numbers.
        y_pred: probabilities.
        q: from near 0 (cross entropy) to 1 (mean absolute error).
    """
    if not 0 < q < 1:
        raise ValueError(f"categorical_generalized_cross_entropy: q must be in (0, 1), not {q}.")
    y_true, y_pred = sparse_pair(y_true, y_pred, "categorical_generalized_cross_entropy")
    hot = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    return (1.0 - ops.power(ops.sum(hot * y_pred, axis=-1), q)) / q


# --- overlap of regions ------------------------------------------------------------------


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Tensor:
    """1 - 2 * overlap / (size of y_true + size of y_pred).

    Args:
        y_true: labels 0 and 1.
        y_pred: probabilities of the same shape.
        axis: the axes of a region, all if None.
    """
    y_true, y_pred = pair(y_true, y_pred, "dice")
    overlap = 2.0 * ops.sum(y_true * y_pred, axis=axis)
    sizes = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - overlap / (sizes + config.epsilon())


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Tensor:
    """1 - overlap / (overlap + alpha * false negatives + beta * false positives).

    Source: Salehi et al., 2017, arXiv:1706.05721, where alpha and beta are the other way round;
    these are Keras's.

    Args:
        y_true: labels 0 and 1.
        y_pred: probabilities of the same shape.
        alpha: the weight of false negatives.
        beta: the weight of false positives.
        axis: the axes of a region, all if None.
    """
    y_true, y_pred = pair(y_true, y_pred, "tversky")
    overlap = ops.sum(y_true * y_pred, axis=axis)
    missed = alpha * ops.sum(y_true * (1.0 - y_pred), axis=axis)
    wrong = beta * ops.sum((1.0 - y_true) * y_pred, axis=axis)
    return 1.0 - overlap / (overlap + missed + wrong + config.epsilon())


# --- pairs of samples, and sequences -----------------------------------------------------


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Tensor:
    """Draws embeddings of one class together and those of others apart, the worst ones most.

    0 for a sample that has no other of its class, or none of another class, beside it.

    Source: Sun et al., 2020, arXiv:2002.10857

    Args:
        y_true: class numbers (batch,), or (batch, 1).
        y_pred: embeddings (batch, size), each of length 1 (`layers.UnitNormalization`).
        ref_labels: the class numbers of `ref_embeddings`.
        ref_embeddings: what to compare with; the batch itself if None.
        remove_diagonal: whether a sample isn't compared with the reference of its own place.
        gamma: how strongly the largest terms outweigh the others.
        margin: similarities above 1 - margin, or below it for other classes, are good enough.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_pred = ops.cast(y_pred, dtypes.floating(y_pred.dtype))
    labels = ops.reshape(y_true, (-1, 1))
    others = labels if ref_labels is None else ref_labels
    references = y_pred if ref_embeddings is None else ops.cast(ref_embeddings, y_pred.dtype)
    similarity = ops.minimum(ops.matmul(y_pred, ops.transpose(references)), 1.0)
    same = ops.equal(labels, ops.cast(ops.reshape(others, (1, -1)), labels.dtype))
    alike, apart = same, ops.logical_not(same)
    if remove_diagonal:
        rows = ops.cumsum(ops.ones_like(similarity), axis=0)
        columns = ops.cumsum(ops.ones_like(similarity), axis=1)
        alike = ops.logical_and(alike, ops.not_equal(rows, columns))
    near = ops.maximum(similarity + margin, 0.0) * (similarity - margin)
    far = ops.maximum(1.0 + margin - similarity, 0.0) * (1.0 - margin - similarity)
    # Where there is no pair, a number that no other term makes up for; infinity would give NaN.
    near = ops.logsumexp(ops.where(apart, gamma * near, _NO_PAIR), axis=1)
    far = ops.logsumexp(ops.where(alike, gamma * far, _NO_PAIR), axis=1)
    return ops.softplus(near + far)


_NO_PAIR = -1e9


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """How unlikely a sequence of labels is, when steps may repeat labels or be blank.

    Source: Graves et al., 2006, https://doi.org/10.1145/1143844.1143891

    Args:
        y_true: labels (batch, length) from 1 on, filled up with 0.
        y_pred: logits (batch, steps, classes); class 0 is the blank.

    Raises:
        ValueError: for other numbers of axes.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if (y_true.rank, y_pred.rank) != (2, 3):
        raise ValueError(
            "ctc: expected y_true of shape (batch, length) and y_pred of shape (batch, steps, "
            f"classes), but got {format_shape(y_true.shape)} and {format_shape(y_pred.shape)}."
        )
    labels = ops.cast(y_true, "int32")
    lengths = ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=1)
    steps = ops.zeros_like(lengths) + ops.shape(y_pred)[1]
    return ops.ctc_loss(labels, y_pred, lengths, steps, mask_index=0)
