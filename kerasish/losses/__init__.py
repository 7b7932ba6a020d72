"""Losses: what training makes small.

Each is a function of (y_true, y_pred, options) and a class with a reduction around it. The
classes are made of the functions, so that an option and its default are written once.
"""

from __future__ import annotations

from typing import Any

from kerasish.losses.functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
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
    tversky,
)
from kerasish.losses.loss import Loss, LossFunctionWrapper, class_of
from kerasish.saving.serialization import Registry

_REDUCTION = "sum_over_batch_size"
_objects: list[Any] = []


def _loss(
    class_name: str, function: Any, name: str | None = None, order: str = "", older: str = ""
) -> Any:
    """The class of a loss function. `order`, and `older` of Keras 2, only where they are others."""
    defaults = {"reduction": _REDUCTION, "name": name or function.__name__, "dtype": None}
    orders = order.split(), older.split()
    made = class_of(function, class_name, LossFunctionWrapper, defaults, __name__, *orders)
    _objects.extend((function, made))
    return made


BinaryCrossentropy = _loss(
    "BinaryCrossentropy",
    binary_crossentropy,
    older="from_logits label_smoothing reduction name",
)
BinaryFocalCrossentropy = _loss("BinaryFocalCrossentropy", binary_focal_crossentropy)
CategoricalCrossentropy = _loss(
    "CategoricalCrossentropy",
    categorical_crossentropy,
    older="from_logits label_smoothing reduction name",
)
CategoricalFocalCrossentropy = _loss("CategoricalFocalCrossentropy", categorical_focal_crossentropy)
CategoricalGeneralizedCrossEntropy = _loss(
    "CategoricalGeneralizedCrossEntropy", categorical_generalized_cross_entropy
)
CategoricalHinge = _loss("CategoricalHinge", categorical_hinge)
CTC = _loss("CTC", ctc)
CosineSimilarity = _loss("CosineSimilarity", cosine_similarity)
Dice = _loss("Dice", dice, order="reduction name axis dtype")
Hinge = _loss("Hinge", hinge)
Huber = _loss("Huber", huber, "huber_loss")
KLDivergence = _loss("KLDivergence", kl_divergence)
LogCosh = _loss("LogCosh", log_cosh)
MeanAbsoluteError = _loss("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _loss("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredError = _loss("MeanSquaredError", mean_squared_error)
MeanSquaredLogarithmicError = _loss("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
Poisson = _loss("Poisson", poisson)
SparseCategoricalCrossentropy = _loss(
    "SparseCategoricalCrossentropy",
    sparse_categorical_crossentropy,
    order="from_logits ignore_class reduction axis name dtype",
    older="from_logits reduction name",
)
SquaredHinge = _loss("SquaredHinge", squared_hinge)
Tversky = _loss("Tversky", tversky, order="alpha beta reduction name axis dtype")


class Circle(LossFunctionWrapper):
    __doc__ = circle.__doc__

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = _REDUCTION,
        name: str | None = "circle",
        dtype: Any = None,
    ):
        options = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
        super().__init__(circle, reduction, name, dtype, **options)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal


_objects.extend((circle, Circle))


def is_categorical_crossentropy(loss: Any) -> bool:
    """Whether a loss, or its name, is the categorical cross entropy."""
    if isinstance(loss, str):
        return registry.built_in(loss) in (categorical_crossentropy, CategoricalCrossentropy)
    return loss is categorical_crossentropy or isinstance(loss, CategoricalCrossentropy)


class Reduction:
    """Keras 2's names of the reductions."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


# Other names of the functions; every generation of Keras had its own.
ALIASES = {
    "bce": "binary_crossentropy",
    "cosine": "cosine_similarity",
    "cosine_proximity": "cosine_similarity",
    "huber_loss": "huber",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}


def __getattr__(name: str) -> Any:
    """The functions under their other names, which may be upper case: `losses.MSE`."""
    target = ALIASES.get(name.lower() if name.isupper() else name)
    if target is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[target]


registry = Registry("loss", _objects, ALIASES, home="losses")
get = registry.get


def as_loss(identifier: Any) -> Any:
    """`get`, with a function wrapped so that it takes weights and is reduced; None for None.

    >>> as_loss("mse")
    <LossFunctionWrapper(fn=mean_squared_error)>
    """
    found = get(identifier)
    return found if found is None or isinstance(found, Loss) else LossFunctionWrapper(found)


serialize = registry.serialize
deserialize = registry.deserialize
