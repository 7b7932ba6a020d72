"""Metrics: what is measured over the batches of an epoch.

Most are means of functions of (y_true, y_pred, options); their classes are made of these.
"""

from __future__ import annotations

from typing import Any

from kerasish import losses
from kerasish.graph.spec import Shape
from kerasish.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from kerasish.losses.loss import class_of
from kerasish.metrics.confusion import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from kerasish.metrics.confusion import _AtBound as SensitivitySpecificityBase
from kerasish.metrics.functions import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    concordance_correlation,
    cosine_similarity,
    kind_of_targets,
    pearson_correlation,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from kerasish.metrics.metric import Mean, MeanMetricWrapper, Metric, Sum
from kerasish.metrics.reduce import Reduce
from kerasish.metrics.regions import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from kerasish.metrics.scores import F1Score, FBetaScore, R2Score, RootMeanSquaredError
from kerasish.saving.serialization import Registry

_objects: list[Any] = [
    AUC,
    BinaryIoU,
    F1Score,
    FBetaScore,
    FalseNegatives,
    FalsePositives,
    IoU,
    Mean,
    MeanIoU,
    MeanMetricWrapper,
    OneHotIoU,
    OneHotMeanIoU,
    Precision,
    PrecisionAtRecall,
    R2Score,
    Recall,
    RecallAtPrecision,
    RootMeanSquaredError,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    Sum,
    TrueNegatives,
    TruePositives,
]


def _mean_of(
    class_name: str, function: Any, name: str | None = None, order: str = "name dtype"
) -> Any:
    """The class that averages a function. `order`: which of its arguments come first."""
    defaults = {"name": name or function.__name__, "dtype": None}
    made = class_of(
        function, class_name, MeanMetricWrapper, defaults, __name__, tuple(order.split())
    )
    # What is no loss either is a share of right answers or a likeness.
    made._direction = "up"
    _objects.append(made)
    return made


Accuracy = _mean_of("Accuracy", accuracy)
BinaryAccuracy = _mean_of("BinaryAccuracy", binary_accuracy)
BinaryCrossentropy = _mean_of("BinaryCrossentropy", binary_crossentropy)
CategoricalAccuracy = _mean_of("CategoricalAccuracy", categorical_accuracy)
CategoricalCrossentropy = _mean_of("CategoricalCrossentropy", categorical_crossentropy)
CategoricalHinge = _mean_of("CategoricalHinge", categorical_hinge)
ConcordanceCorrelation = _mean_of("ConcordanceCorrelation", concordance_correlation)
CosineSimilarity = _mean_of("CosineSimilarity", cosine_similarity)
Hinge = _mean_of("Hinge", hinge)
KLDivergence = _mean_of("KLDivergence", kl_divergence)
LogCoshError = _mean_of("LogCoshError", log_cosh, "logcosh")
MeanAbsoluteError = _mean_of("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _mean_of(
    "MeanAbsolutePercentageError", mean_absolute_percentage_error
)
MeanSquaredError = _mean_of("MeanSquaredError", mean_squared_error)
MeanSquaredLogarithmicError = _mean_of(
    "MeanSquaredLogarithmicError", mean_squared_logarithmic_error
)
PearsonCorrelation = _mean_of("PearsonCorrelation", pearson_correlation)
Poisson = _mean_of("Poisson", poisson)
SparseCategoricalAccuracy = _mean_of("SparseCategoricalAccuracy", sparse_categorical_accuracy)
SparseCategoricalCrossentropy = _mean_of(
    "SparseCategoricalCrossentropy", sparse_categorical_crossentropy
)
SparseTopKCategoricalAccuracy = _mean_of(
    "SparseTopKCategoricalAccuracy", sparse_top_k_categorical_accuracy, order="k name dtype"
)
SquaredHinge = _mean_of("SquaredHinge", squared_hinge)
TopKCategoricalAccuracy = _mean_of(
    "TopKCategoricalAccuracy", top_k_categorical_accuracy, order="k name dtype"
)


def get_accuracy(y_true_shape: Shape, y_pred_shape: Shape) -> Metric:
    """The metric that "accuracy" means for targets and predictions of these shapes.

    >>> get_accuracy((None, 1), (None, 10)).name
    'sparse_categorical_accuracy'
    """
    return registry.get(f"{kind_of_targets(y_true_shape, y_pred_shape)}_accuracy")


def get_crossentropy(y_true_shape: Shape, y_pred_shape: Shape) -> Metric:
    """The metric that "crossentropy" means for targets and predictions of these shapes.

    >>> get_crossentropy((None, 10), (None, 10)).name
    'categorical_crossentropy'
    """
    return registry.get(f"{kind_of_targets(y_true_shape, y_pred_shape)}_crossentropy")


def __getattr__(name: str) -> Any:
    """The functions under their other names, which may be upper case: `metrics.MSE`."""
    target = losses.ALIASES.get(name.lower() if name.isupper() else name)
    if target is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[target]


registry = Registry(
    "metric",
    # A loss without a class of its own stays a function.
    [*_objects, binary_focal_crossentropy, categorical_focal_crossentropy, huber],
    {**losses.ALIASES, "log_cosh": "LogCoshError", "logcosh": "LogCoshError"},
)
get = registry.get


def as_metric(identifier: Any) -> Any:
    """`get`, with a function (or a Loss) wrapped so that it is averaged; None for None.

    >>> as_metric("huber").name
    'huber'
    """
    found = get(identifier)
    if found is None or isinstance(found, Metric):
        return found
    return MeanMetricWrapper(found, getattr(found, "name", None))


serialize = registry.serialize
deserialize = registry.deserialize
