"""`keras.wrappers.scikit_learn`: models in scikit-learn's searches, as in Keras 1 and 2.

Nothing here needs scikit-learn itself. Newer programs have `keras.wrappers`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerasish.compat.older_utils import has_arg
from kerasish.models import Model
from kerasish.utils.numerical import to_categorical

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]

# What these methods take beside the arguments in their signature.
_LOADING = {"max_queue_size", "workers", "use_multiprocessing"}
_METHODS: dict[Callable[..., Any], set[str]] = {
    Model.fit: {"nb_epoch", *_LOADING},
    Model.evaluate: _LOADING,
    Model.predict: _LOADING,
}


def _takes(function: Callable[..., Any], name: str) -> bool:
    return has_arg(function, name) or name in _METHODS.get(function, ())


class BaseWrapper:
    """What the wrappers have in common; use `KerasClassifier` or `KerasRegressor`.

    Args:
        build_fn: makes and compiles a model: a function, or an object that is called like one.
            None for a subclass with a `__call__` that does it.
        **sk_params: arguments of `build_fn`, or of the model's `fit`, `predict` and `evaluate`.
            scikit-learn's searches vary them.

    Raises:
        ValueError: nothing of these takes an argument of that name.
        TypeError: there is no function that makes a model.
    """

    _estimator_type: str | None = None  # where scikit-learn before 1.6 looks

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any):
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def check_params(self, params: Mapping[str, Any]) -> None:
        """Raises ValueError if there is a name among `params` that nothing takes."""
        for name in params:
            if not any(_takes(function, name) for function in (*_METHODS, self._builder())):
                raise ValueError(
                    f"{name} is not a legal parameter of {type(self).__name__}: neither fit, "
                    f"evaluate or predict of a model nor {self._builder()!r:.80} has an argument "
                    "of that name."
                )

    def _builder(self) -> Callable[..., Any]:
        """The function that makes a model."""
        build: Any = self if self.build_fn is None else self.build_fn
        if not callable(build):
            raise TypeError(
                f"{type(self).__name__}: build_fn must be a function that makes a model, but got "
                f"{self.build_fn!r:.80}."
            )
        return build if inspect.isroutine(build) else build.__call__

    def get_params(self, **params: Any) -> dict[str, Any]:
        """The arguments of the constructor, as scikit-learn wants them.

        Args:
            **params: scikit-learn's `deep`, which says nothing here.
        """
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> BaseWrapper:
        """Changes some of `sk_params`, and returns this wrapper.

        Raises:
            ValueError: nothing takes an argument of that name.
        """
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def filter_sk_params(
        self, fn: Callable[..., Any], override: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Those of `sk_params` that a function takes.

        Args:
            fn: the function.
            override: further ones, which go before these.

        >>> wrapper = BaseWrapper(lambda units: None, units=3, epochs=2)
        >>> wrapper.filter_sk_params(wrapper.build_fn, {"name": "m"})
        {'units': 3, 'name': 'm'}
        """
        taken = {name: value for name, value in self.sk_params.items() if _takes(fn, name)}
        return {**taken, **(override or {})}

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Makes a new model and trains it.

        Args:
            x: the inputs (samples, ...).
            y: the targets (samples,) or (samples, outputs).
            **kwargs: to the model's `fit`. They go before `sk_params`.

        Returns:
            The `History` of the training.
        """
        build = self._builder()
        self.model = build(**self.filter_sk_params(build))
        options = self.filter_sk_params(Model.fit, kwargs)
        return self.model.fit(x, self._targets(y), **options)

    def _targets(self, y: Any) -> Any:
        """Numbers of classes as one number per class, where the loss wants that."""
        names = (self.model.loss, getattr(self.model.loss, "__name__", None))
        wanted = "categorical_crossentropy" in (*names, getattr(self.model.loss, "name", None))
        classes = getattr(self, "n_classes_", None)  # of a classifier; y may lack some of them
        return to_categorical(y, classes) if wanted and np.ndim(y) < 2 else y

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{type(self).__name__} has no model yet: call fit first.")

    def _asked(self, method: Callable[..., Any], *data: Any, **kwargs: Any) -> Any:
        """What a method of the trained model returns."""
        self._check_fitted()
        return method(self.model, *data, **self.filter_sk_params(method, kwargs))

    def _outputs(self, x: Any, kwargs: Mapping[str, Any]) -> np.ndarray:
        verbose = self.sk_params.get("verbose", 0)  # Keras 2's default
        return self._asked(Model.predict, x, **{"verbose": verbose, **kwargs})

    # --- what newer versions of scikit-learn ask for -------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        kind = self._estimator_type
        return Tags(
            estimator_type=kind,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
        )


class KerasClassifier(BaseWrapper):
    """A model as a classifier of scikit-learn.

    Args:
        build_fn: as of BaseWrapper. The model's outputs are one probability per class, or that of
            the second of two classes.
        **sk_params: as of BaseWrapper.

    Attributes:
        classes_: the classes, sorted.
        model: the trained model.

    Example:
        >>> from kerasish import Sequential, layers
        >>> def build(units=4):
        ...     model = Sequential([layers.Dense(units), layers.Dense(3, activation="softmax")])
        ...     model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> classifier = KerasClassifier(build, units=8, epochs=2, verbose=0)
        >>> history = classifier.fit(np.eye(3), ["red", "green", "blue"])
        >>> print(*classifier.classes_)
        blue green red
        >>> classifier.predict_proba(np.eye(3)).shape
        (3, 3)
    """

    _estimator_type = "classifier"

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Makes a new model and trains it.

        Args:
            x: the inputs (samples, ...).
            y: classes (samples,), numbers or others; or (samples, classes) of 0 and 1.
            sample_weight: a weight per sample.
            **kwargs: to the model's `fit`. They go before `sk_params`.

        Returns:
            The `History` of the training.

        Raises:
            ValueError: y has another number of axes.
        """
        y = np.asarray(y)
        if y.ndim not in (1, 2):
            raise ValueError(
                f"{type(self).__name__}: y must have shape (samples,) or (samples, classes), but "
                f"got {y.shape}."
            )
        several = y.ndim == 2 and y.shape[1] > 1
        self.classes_ = np.arange(y.shape[1]) if several else np.unique(y)
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        return super().fit(x, self._numbered(y), **kwargs)

    def _numbered(self, y: np.ndarray) -> np.ndarray:
        if y.ndim == 2 and y.shape[1] > 1:
            return y
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(
                f"{type(self).__name__}: y has classes that fit was not given: "
                f"{', '.join(map(str, unknown[:5]))}."
            )
        return np.searchsorted(self.classes_, y)

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The class of each of x (samples, ...); `kwargs` go to the model's `predict`.

        Returns:
            (samples,), or (samples, 1) if the model has one output.
        """
        outputs = self._outputs(x, kwargs)
        if outputs.shape[-1] > 1:
            return self.classes_[outputs.argmax(axis=-1)]
        return self.classes_[(outputs > 0.5).astype("int64")]

    def predict_proba(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The probability of each class, (samples, classes); `kwargs` go to `predict`."""
        outputs = self._outputs(x, kwargs)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The share of x (samples, ...) whose class in y is predicted.

        Args:
            x: the inputs.
            y: as for `fit`.
            **kwargs: to the model's `evaluate`.

        Raises:
            AttributeError: before `fit`.
            ValueError: the model is not compiled with the metric, or y has other classes.
        """
        self._check_fitted()
        numbers = self._numbered(np.asarray(y))
        found = self._asked(Model.evaluate, x, self._targets(numbers), return_dict=True, **kwargs)
        for name, value in found.items():
            if name == "acc" or name.endswith("accuracy"):
                return float(value)
        raise ValueError(
            f"{type(self).__name__}: score needs the accuracy, but the model computes "
            f'{", ".join(found)}. Compile it with metrics=["accuracy"].'
        )


class KerasRegressor(BaseWrapper):
    """A model as a regressor of scikit-learn.

    Args:
        build_fn: as of BaseWrapper.
        **sk_params: as of BaseWrapper.

    Attributes:
        model: the trained model.

    Example:
        >>> from kerasish import Sequential, layers
        >>> def build(optimizer="sgd"):
        ...     model = Sequential([layers.Dense(1)])
        ...     model.compile(optimizer, "mse")
        ...     return model
        >>> regressor = KerasRegressor(build, optimizer="adam", verbose=0)
        >>> history = regressor.fit(np.eye(3), np.ones(3))
        >>> regressor.predict(np.eye(3)).shape
        (3,)
        >>> regressor.score(np.eye(3), np.ones(3)) <= 0
        True
    """

    _estimator_type = "regressor"

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """What is predicted for x (samples, ...); `kwargs` go to the model's `predict`.

        Returns:
            (samples,), or (samples, outputs) if the model has several.
        """
        outputs = self._outputs(x, kwargs)
        return outputs[..., 0] if outputs.shape[-1] == 1 else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The loss, negated: scikit-learn looks for what is greatest.

        Args:
            x: the inputs (samples, ...).
            y: the targets, as for `fit`.
            **kwargs: to the model's `evaluate`.

        Raises:
            AttributeError: before `fit`.
        """
        self._check_fitted()
        found = self._asked(Model.evaluate, x, self._targets(y), return_dict=True, **kwargs)
        return -float(found["loss"])
