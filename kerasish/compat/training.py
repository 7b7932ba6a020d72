"""What Keras 1 and 2 programs give to compile, fit and their like."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, TypeVar

from kerasish import tree
from kerasish.compat import tensors
from kerasish.compat.generation import speaks_keras_1
from kerasish.graph.tensor import Tensor
from kerasish.utils.sequence import PyDataset
from kerasish.utils.tracebacks import warn_user

Method = TypeVar("Method", bound=Callable[..., Any])


def compile_arguments(kwargs: dict[str, Any]) -> bool:
    """Takes out what older programs say, and refuses what can't be done.

    Returns:
        Whether sample weights are promised to be per time step (`sample_weight_mode`).
    """
    if kwargs.pop("target_tensors", None) is not None:
        raise ValueError(
            "compile(target_tensors=...) is not needed any more: targets are passed to fit."
        )
    modes = tree.flatten(kwargs.pop("sample_weight_mode", None))
    unknown = [mode for mode in modes if mode not in ("temporal", "samplewise", None)]
    if unknown:
        raise ValueError(
            f'compile: sample_weight_mode must be "temporal", "samplewise" or None, but got '
            f"{unknown[0]!r}."
        )
    return bool(modes) and all(mode == "temporal" for mode in modes)


def fit_arguments(kwargs: dict[str, Any], epochs: int) -> tuple[int, dict[str, Any]]:
    """The number of epochs, which Keras 1 calls nb_epoch, and how batches are to be made."""
    for name in ("samples_per_epoch", "nb_val_samples"):
        if name in kwargs:
            new = "steps_per_epoch" if name == "samples_per_epoch" else "validation_steps"
            raise TypeError(
                f"{name}={kwargs[name]} counts samples, as Keras 1 did. Pass {new}, the number of "
                "batches."
            )
    older = kwargs.pop("nb_epoch", epochs)
    if epochs not in (1, older):
        raise TypeError(f"epochs was given twice: {epochs}, and {older} under its older name.")
    return older, data_arguments(kwargs)


def counting_samples(steps: str, samples: str) -> Callable[[Method], Method]:
    """Decorator of a method that takes a generator: numbers of samples, as Keras 1 counted.

    Programs of Keras 1 say how many samples an epoch has. What they say becomes a number of
    batches, of which the last may have more samples.

    Args:
        steps: the number of batches, the method's second argument.
        samples: the number of samples, which Keras 1 had in its place.
    """

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def counted(self: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
            if args and samples not in kwargs and speaks_keras_1(kwargs):
                kwargs[samples], args = args[0], args[1:]
            if samples in kwargs:
                if args or steps in kwargs:
                    raise TypeError(f"{steps} was given twice: {samples} counts the same.")
                generator, kwargs[steps] = _batches_of(generator, kwargs.pop(samples), samples)
            held_out = kwargs.get("validation_data")
            for source in (generator, held_out):
                _go_round(source)
            count = kwargs.pop("nb_val_samples", None)
            if count is not None and held_out is not None and not isinstance(held_out, _ARRAYS):
                source, number = _batches_of(held_out, count, "nb_val_samples")
                kwargs |= {"validation_data": source, "validation_steps": number}
            return method(self, generator, *args, **kwargs)

        return counted  # type: ignore[return-value]

    return decorate


_ARRAYS = (tuple, list)


def _go_round(source: Any) -> None:
    """Lets a Sequence begin anew when steps ask for more batches than it has.

    So do these methods in Keras 2. In Keras 3 an epoch then ends early.
    """
    if isinstance(source, PyDataset) and not hasattr(source, "goes_round"):
        source.goes_round = True  # type: ignore[attr-defined]


def _batches_of(source: Any, samples: int, what: str) -> tuple[Any, int]:
    """The source, and how many of its batches hold so many samples.

    A generator is asked for its first batch to see how large they are, and given back with it.
    """
    size = getattr(source, "batch_size", None)
    if size is None and hasattr(source, "__next__"):
        first = next(source)
        source = itertools.chain([first], source)
        size = len(tree.flatten(first)[0])
    if not size:
        raise TypeError(
            f"{what}={samples} counts samples, as Keras 1 did, but how many are in a batch of the "
            f"{type(source).__name__} is not known. Pass the number of batches instead."
        )
    return source, math.ceil(samples / size)


# Keras 2's name -> Keras 1's.
_LOADING = {
    "workers": "nb_worker",
    "use_multiprocessing": "pickle_safe",
    "max_queue_size": "max_q_size",
}


def data_arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Takes out how batches are to be made ahead of time, as far as it was said.

    Keras 3 asks the PyDataset instead.
    """
    found = {}
    for name, older in _LOADING.items():
        if older in kwargs and name in kwargs:
            raise TypeError(f"{name} was given twice: {older} is its older name.")
        for key in (older, name):
            if key in kwargs:
                found[name] = kwargs.pop(key)
    for name in ("workers", "max_queue_size"):
        value, least = found.get(name, 1), 0 if name == "workers" else 1
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be an int of at least {least}, but got {value!r}.")
    return found


def ignores_class_weight(given: Any, outputs: int) -> bool:
    """Whether a class_weight is to be ignored, as Keras 1 and 2 did with what is no dict.

    They took "auto", lists and arrays for one output, and weighed nothing.
    """
    by_output = isinstance(given, (list, tuple)) and len(given) == max(outputs, 1)
    by_output = by_output and all(w is None or isinstance(w, dict) for w in given)
    if not tensors.ignores_other_class_weights() or isinstance(given, dict) or by_output:
        return False
    warn_user(
        f"class_weight={given!r:.60} is ignored, as Keras 1 and 2 did: only a dict from class "
        "numbers to weights says which class weighs how much."
    )
    return True


def metrics_arguments(kwargs: dict[str, Any]) -> bool:
    """Whether the metrics start over with this batch (Keras 2's reset_metrics)."""
    return bool(kwargs.pop("reset_metrics", True))


class CompiledMetrics:
    """`model.compiled_metrics`, as a `train_step` of tf.keras has it."""

    def __init__(self, model: Any):
        self._model = model

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Updates the metrics that `compile` got with one batch."""
        self._model.compute_metrics(None, y_true, y_pred, sample_weight)


class GeneratorMethods:
    """The methods of Keras 1 and 2 that are called `fit`, `evaluate` and `predict` since.

    And what the steps of tf.keras are made of, before it was `compute_loss` and `compute_metrics`.
    """

    def compiled_loss(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        regularization_losses: Any = None,
    ) -> Tensor:
        """The loss that `compile` got, for one batch, which also goes into the mean in the logs.

        Args:
            y_true: the targets.
            y_pred: what the model computed.
            sample_weight: weights, one per output.
            regularization_losses: further losses to add, `self.losses` mostly.
        """
        model: Any = self
        objective = model._require_objective()
        names, targets, outputs, weights = model._matched_outputs(y_true, y_pred, sample_weight)
        objective.build(names, targets, outputs, y_pred)
        others = list(regularization_losses or ())
        loss = objective.compute_loss(targets, outputs, weights, others)
        model._track_loss(loss, y_true)
        return loss

    def _prepare(self) -> None:
        """Does nothing. Web services call it before their threads predict; here each step is
        compiled when it is first used, in whatever thread."""

    _make_predict_function = _make_test_function = _make_train_function = _prepare

    @property
    def compiled_metrics(self) -> CompiledMetrics:
        """What updates the metrics that `compile` got."""
        return CompiledMetrics(self)

    @counting_samples("steps_per_epoch", "samples_per_epoch")
    def fit_generator(
        self,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: Any = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        validation_freq: Any = 1,
        class_weight: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
        **kwargs: Any,
    ) -> Any:
        """`fit` from a generator or `Sequence`."""
        return self.fit(  # type: ignore[attr-defined]
            generator,
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            class_weight=class_weight,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
            **_loading(max_queue_size, workers, use_multiprocessing),
            **kwargs,
        )

    @counting_samples("steps", "val_samples")
    def evaluate_generator(
        self,
        generator: Any,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Any = 0,
        **kwargs: Any,
    ) -> Any:
        """`evaluate` on a generator or `Sequence`."""
        return self.evaluate(  # type: ignore[attr-defined]
            generator,
            steps=steps,
            callbacks=callbacks,
            verbose=verbose,
            **_loading(max_queue_size, workers, use_multiprocessing),
            **kwargs,
        )

    @counting_samples("steps", "val_samples")
    def predict_generator(
        self,
        generator: Any,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Any = 0,
        **kwargs: Any,
    ) -> Any:
        """`predict` for a generator or `Sequence`."""
        return self.predict(  # type: ignore[attr-defined]
            generator,
            steps=steps,
            callbacks=callbacks,
            verbose=verbose,
            **_loading(max_queue_size, workers, use_multiprocessing),
            **kwargs,
        )


def _loading(max_queue_size: int, workers: int, use_multiprocessing: bool) -> dict[str, Any]:
    """What differs from the defaults; a PyDataset decides about the rest itself."""
    given = {
        "max_queue_size": (max_queue_size, 10),
        "workers": (workers, 1),
        "use_multiprocessing": (use_multiprocessing, False),
    }
    return {name: value for name, (value, default) in given.items() if value != default}
