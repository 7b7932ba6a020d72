"""Models that scikit-learn can train: a classifier, a regressor and a transformer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from kerasish.models import Model, clone_model
from kerasish.saving.serialization import keeping_functions
from kerasish.utils.numerical import to_categorical


class _ModelEstimator(BaseEstimator):
    """What the estimators have in common: a model is made, trained and asked.

    The arguments are stored as they are given, as scikit-learn wants it: they are looked at when
    `fit` is called.
    """

    # `fit` hands these on to the model; scikit-learn can only see that if it is told.
    __metadata_request__fit: ClassVar = {"sample_weight": None}

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
    ):
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True  # weights start at random
        return tags

    @property
    def epoch_(self) -> int:
        """The number of epochs after which the last `fit` ended; 0 before the first one."""
        epochs = self.history_.epoch if hasattr(self, "history_") else []
        return epochs[-1] + 1 if epochs else 0

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Trains a model: a new one, unless `warm_start` is set.

        Args:
            X: an array (samples, features) of numbers, or a DataFrame.
            y: an array (samples,) of targets.
            **kwargs: to the model's `fit`. They go before `fit_kwargs`.

        Returns:
            This estimator.

        Raises:
            ValueError: the data is not of that kind, has NaNs, or does not fit the model.
            TypeError: what should be a model or a function that makes one is something else.
            RuntimeError: the model is not compiled with a loss and an optimizer.
        """
        X, targets = self._encoded(X, y)
        if not (self.warm_start and hasattr(self, "model_")):
            self.model_ = self._new_model(X, targets)
        options = {**(self.fit_kwargs or {}), **kwargs}
        self.history_ = self.model_.fit(X, targets, **options)
        return self

    def predict(self, X: Any) -> Any:
        """What the model predicts for X (samples, features), in the form of the targets.

        Raises:
            NotFittedError: before `fit`.
            ValueError: X has another number of features than `fit` was given.
        """
        return self._decoded(self._outputs(X))

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False)
        return self.model_.predict(X, verbose=(self.fit_kwargs or {}).get("verbose", "auto"))

    def _new_model(self, X: np.ndarray, targets: np.ndarray | None) -> Model:
        if isinstance(self.model, Model):
            model = self.model if self.warm_start else _like(self.model)
        elif callable(self.model):
            model = self.model(X, targets, **(self.model_kwargs or {}))
        else:
            model = self.model
        name = type(self).__name__
        if not isinstance(model, Model):
            raise TypeError(
                f"{name}: model must be a model, or a function of X, y and model_kwargs that makes "
                f"one, but {'got' if model is self.model else 'it made'} {model!r:.100}."
            )
        aimless = targets is not None and not model.loss
        if not model.compiled or model.optimizer is None or aimless:
            raise RuntimeError(
                f"{name}: model {model.name} must be compiled with a loss and an optimizer: "
                'model.compile("adam", loss="mse") or the like.'
            )
        return model

    # --- targets: as the model is trained on them, and back ------------------------------

    def _encoded(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
        X, y = validate_data(self, X, y, y_numeric=True)
        return X, y[:, None]

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0] if outputs.shape[1:] == (1,) else outputs


def _like(model: Model) -> Model:
    """A model of the same layers, not yet trained, and compiled alike."""
    with keeping_functions():
        made = clone_model(model)
        config = model.get_compile_config()
        if config is not None:
            made.compile_from_config(config)
    return made


class SKLearnClassifier(ClassifierMixin, _ModelEstimator):
    """A model as a classifier of scikit-learn.

    The model is trained on one number per class, so its last layer needs as many units as there
    are classes, also of two, and its loss is `"categorical_crossentropy"` or the like.

    Args:
        model: a compiled model, of which each `fit` trains a copy that starts anew. Or a function
            of X, y (samples, classes) and `model_kwargs` that makes one for each `fit`.
        warm_start: whether `fit` goes on with the model that the last one trained, and uses a
            given model itself instead of a copy.
        model_kwargs: for the function.
        fit_kwargs: for the model's `fit`, such as {"epochs": 10}.

    Attributes:
        model_: the trained model.
        history_: what its last `fit` returned.
        classes_: the classes, sorted.

    Example:
        >>> from kerasish import Sequential, layers
        >>> def perceptron(X, y, units):
        ...     model = Sequential([layers.Input(X.shape[1:]), layers.Dense(units, "relu")])
        ...     model.add(layers.Dense(y.shape[1], "softmax"))
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> X = np.random.RandomState(0).normal(size=(60, 2))
        >>> y = np.where(X[:, 0] > 0, "right", "left")
        >>> options = {"epochs": 50, "verbose": 0}
        >>> classifier = SKLearnClassifier(perceptron, False, {"units": 16}, options)
        >>> classifier.fit(X, y).score(X, y) > 0.8
        True
        >>> print(*classifier.classes_)
        left right
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # nobody knows what the model is good for
        return tags

    def decision_function(self, X: Any) -> np.ndarray:
        """The outputs of the model for X (samples, features), one per class."""
        return self._outputs(X)

    def _encoded(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        classes, numbers = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__}: y must have at least two classes, but all of it is of one "
                f"class: {classes[0]!r}."
            )
        goes_on = self.warm_start and hasattr(self, "model_")
        before = self.classes_ if goes_on else classes
        if not np.array_equal(classes, before):
            raise ValueError(
                f"{type(self).__name__}: with warm_start, y must have the classes of the last fit, "
                f"{before.tolist()}, but has {classes.tolist()}."
            )
        self.classes_: np.ndarray = classes
        return X, to_categorical(numbers, len(classes))

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        if outputs.shape[1:] != self.classes_.shape:
            raise ValueError(
                f"{type(self).__name__}: the model must have one output for each of "
                f"{len(self.classes_)} classes, but its outputs have shape {outputs.shape}."
            )
        return self.classes_[outputs.argmax(axis=1)]


class SKLearnRegressor(RegressorMixin, _ModelEstimator):
    """A model as a regressor of scikit-learn; it is trained on targets (samples, 1).

    Args:
        model: a compiled model, of which each `fit` trains a copy that starts anew. Or a function
            of X, y (samples, 1) and `model_kwargs` that makes one for each `fit`.
        warm_start: whether `fit` goes on with the model that the last one trained, and uses a
            given model itself instead of a copy.
        model_kwargs: for the function.
        fit_kwargs: for the model's `fit`, such as {"epochs": 10}.

    Attributes:
        model_: the trained model.
        history_: what its last `fit` returned.

    Example:
        >>> from kerasish import Sequential, layers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
        >>> model.compile("rmsprop", "mse")
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> regressor = SKLearnRegressor(model, fit_kwargs={"epochs": 3, "verbose": 0})
        >>> regressor.fit(X, X[:, 0]).predict(X[:5]).shape
        (5,)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # as of the classifier
        return tags


class SKLearnTransformer(TransformerMixin, _ModelEstimator):
    """A model as a transformer of scikit-learn: its outputs are features for the next step.

    Args:
        model: a compiled model, of which each `fit` trains a copy that starts anew. Or a function
            of X, y (samples, 1) and `model_kwargs` that makes one for each `fit`. y is None where
            `fit` is not given targets; the model then needs losses of its own (`add_loss`).
        warm_start: whether `fit` goes on with the model that the last one trained, and uses a
            given model itself instead of a copy.
        model_kwargs: for the function.
        fit_kwargs: for the model's `fit`, such as {"epochs": 10}.

    Attributes:
        model_: the trained model.
        history_: what its last `fit` returned.

    Example:
        >>> from kerasish import layers, ops
        >>> def encoder(X, y):
        ...     x = layers.Input(X.shape[1:])
        ...     code = layers.Dense(2)(x)
        ...     model = Model(x, code)
        ...     model.add_loss(ops.mean((layers.Dense(X.shape[1])(code) - x) ** 2))
        ...     model.compile("rmsprop")
        ...     return model
        >>> transformer = SKLearnTransformer(encoder, fit_kwargs={"verbose": 0})
        >>> transformer.fit_transform(np.ones((6, 4))).shape
        (6, 2)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the model's own, whatever X has
        return tags

    def fit(self, X: Any, y: Any = None, **kwargs: Any) -> Any:
        """Trains a model, as the other estimators do; but it needs no targets."""
        return super().fit(X, y, **kwargs)

    def transform(self, X: Any) -> Any:
        """The outputs of the model for X (samples, features).

        Raises:
            NotFittedError: before `fit`.
            ValueError: X has another number of features than `fit` was given.
        """
        return self._outputs(X)

    def _encoded(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
        if y is None:
            return validate_data(self, X), None
        return super()._encoded(X, y)
