"""Intersection over union: how well predicted classes cover the true ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

from kerasish import config, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.losses.loss import aligned, same_rank
from kerasish.metrics.metric import Metric
from kerasish.utils.kinds import check_range


class IoU(Metric):
    """The mean over some classes of intersection / union, from the confusion matrix.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes to average over.
        name: the metric's name.
        dtype: the float of the state.
        ignore_class: targets of this class count for nothing.
        sparse_y_true: whether targets are class numbers, not one number per class.
        sparse_y_pred: the same of predictions.
        axis: the axis of the classes where there is one.

    >>> float(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1]).numpy().round(3))
    0.3330000042915344
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype, name)
        check_range(self, 1, num_classes=num_classes)
        ids = target_class_ids if isinstance(target_class_ids, Iterable) else [target_class_ids]
        if not all(isinstance(i, Real) and 0 <= i < num_classes for i in ids):
            raise ValueError(
                f"{type(self).__name__}: target_class_ids must be numbers from 0 to "
                f"{num_classes - 1}, but got {target_class_ids!r}."
            )
        self.num_classes, self.target_class_ids = num_classes, list(ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable((num_classes, num_classes), "zeros", name="total_cm")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true = y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis)
        pred = y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis)
        self._check_classes(ops.convert_to_tensor(true), ops.convert_to_tensor(pred))
        weight = ops.cast(1.0 if sample_weight is None else sample_weight, self.dtype)
        true, weight = same_rank(ops.cast(true, "int32"), weight)
        weight = ops.flatten(ops.broadcast_to(aligned(weight, true), ops.shape(true)))
        true, pred = ops.flatten(true), ops.flatten(ops.cast(pred, "int32"))
        if self.ignore_class is not None:
            weight = weight * ops.cast(ops.not_equal(true, self.ignore_class), self.dtype)
        rows = ops.one_hot(true, self.num_classes, dtype=self.dtype) * ops.expand_dims(weight, 1)
        columns = ops.one_hot(pred, self.num_classes, dtype=self.dtype)
        self.total_cm.assign_add(ops.matmul(ops.transpose(rows), columns))

    def _check_classes(self, true: Tensor, pred: Tensor) -> None:
        if abs(pred.rank - true.rank) == 1 and self.num_classes > 1:
            more, which = max((pred, "pred"), (true, "true"), key=lambda pair: pair[0].rank)
            if more.shape[-1] == self.num_classes:
                raise ValueError(
                    f"{self.name}: expected class numbers, but y_{which} of shape "
                    f"{format_shape(more.shape)} has one number per class. Make the metric with "
                    f"sparse_y_{which}=False."
                )

    def result(self) -> Tensor:
        matrix = ops.convert_to_tensor(self.total_cm)
        shared = ops.sum(matrix * ops.eye(self.num_classes, dtype=self.dtype), axis=0)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - shared
        shared, union = (ops.take(t, self.target_class_ids) for t in (shared, union))
        # A class that occurs nowhere says nothing.
        present = ops.sum(ops.cast(union > 1e-9, self.dtype))
        return ops.divide_no_nan(ops.sum(shared / (union + config.epsilon())), present)


class BinaryIoU(IoU):
    """`IoU` of two classes that a threshold on the predictions separates.

    Args:
        target_class_ids: the classes to average over.
        threshold: from there on a prediction counts as class 1.
        name: the metric's name.
        dtype: the float of the state.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        chosen = ops.cast(ops.greater_equal(y_pred, self.threshold), "int32")
        super().update_state(y_true, chosen, sample_weight)


class MeanIoU(IoU):
    """`IoU` averaged over all classes; arguments as of IoU."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


class OneHotIoU(IoU):
    """`IoU` for targets with one number per class; arguments as of IoU."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for targets with one number per class; arguments as of IoU."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
