"""Trainer: compile, fit, evaluate and predict, mixed into Model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from kerasish import compat, engines, optimizers, tree
from kerasish.callbacks import CallbackList
from kerasish.graph import trace
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.ops.random import global_seed
from kerasish.training import loop, steps
from kerasish.training.compiled import Objective
from kerasish.training.data import Data, check_classes, class_weights
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.progbar import end_line


class Trainer:
    """The training half of Model."""

    name: str

    def _init_training(self) -> None:
        self.optimizer: Any = None
        self.stop_training = False
        self.history: Any = None
        self._objective: Objective | None = None
        self._steps: dict[Any, steps.Step] = {}
        self._steps_per_execution = 1
        self._compile_arguments: dict[str, Any] = {}
        self._trained: list[Variable] | None = None
        self._warned = False

    # --- compile -------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """Says how to train.

        Args:
            optimizer: name or Optimizer.
            loss: name, Loss, or function (y_true, y_pred) -> loss per sample; a list or dict
                of them for several outputs.
            metrics: a list of names, Metrics or functions; per output as a list or dict.
            loss_weights: a number per output, as a list or dict.
            weighted_metrics: metrics that count sample weights in.
            run_eagerly: whether each step runs operation by operation, uncompiled.
            steps_per_execution: how many steps one call of the engine takes. 1 lets `fit`
                choose the number itself.
            jit_compile: True or False demands or forbids the engine's just-in-time compiler;
                "auto" leaves it to what was measured to be faster.

        Example:
            >>> from kerasish import layers, models
            >>> model = models.Sequential([layers.Input((4,)), layers.Dense(1)])
            >>> model.compile("adam", loss="mse", metrics=["mae"])
        """
        compat.compile_arguments(kwargs)
        reject_unknown(kwargs, Trainer.compile, f"{type(self).__name__}.compile")
        if steps_per_execution < 1:
            raise ValueError(f"steps_per_execution must be at least 1, not {steps_per_execution}.")
        if jit_compile not in ("auto", None, True, False):
            raise ValueError(f'jit_compile must be True, False or "auto", not {jit_compile!r}.')
        self.optimizer = optimizers.get(optimizer)
        self._objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self._run_eagerly = bool(run_eagerly)
        self._jit = None if jit_compile in ("auto", None) else bool(jit_compile)
        self._steps_per_execution = steps_per_execution
        self._steps = {}
        # As in Keras, what is trainable is settled here: a GAN's discriminator is compiled,
        # then frozen inside the GAN, and still trains by itself. A model that has no weights
        # yet settles it with its first step.
        self._trained = list(self.trainable_weights) if self.built else None  # type: ignore[attr-defined]
        self._compile_arguments = {
            "optimizer": optimizer,
            "loss": loss,
            "metrics": metrics,
            "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics,
        }

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._objective is not None

    @property
    def loss(self) -> Any:
        """The loss as given to `compile`."""
        return self._compile_arguments.get("loss")

    @property
    def metrics(self) -> list[Any]:
        """The metric objects, the loss first; without those that no data was seen for yet."""
        return self._objective.metrics if self._objective is not None else []

    @property
    def metrics_names(self) -> list[str]:
        """The names under which logs and histories list the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Starts all metrics over."""
        for metric in self.metrics:
            metric.reset_state()

    def _require_compiled(self, method: str) -> Objective:
        if self._objective is None:
            raise RuntimeError(
                f"Model {self.name} must be compiled before {method}(): call "
                'model.compile(optimizer="adam", loss=...) first.'
            )
        return self._objective

    def trained_variables(self) -> list[Variable]:
        """The variables that training changes: those trainable when `compile` was called."""
        now = list(self.trainable_weights)  # type: ignore[attr-defined]
        if self._trained is None:
            self._trained = now
        changed = {v.key for v in now} != {v.key for v in self._trained}
        if changed and not self._warned:
            self._warned = True
            warnings.warn(
                f"Model {self.name}: `trainable` was changed after compile(), which has no effect "
                "on its training until compile() is called again.",
                stacklevel=2,
            )
        return self._trained

    # --- one step, traced ----------------------------------------------------------------

    def train_step(self, data: tuple[Any, Any, Any]) -> dict[str, Tensor]:
        """One step of training on symbolic (x, y, sample_weight); may be overridden.

        Returns:
            name -> value of the logs.
        """
        x, y, sample_weight = data
        outputs = self(x, training=True)  # type: ignore[operator]
        loss = self.compute_loss(x, y, outputs, sample_weight)
        steps.minimize(self, loss)
        return self.compute_metrics(x, y, outputs, sample_weight, loss)

    def test_step(self, data: tuple[Any, Any, Any]) -> dict[str, Tensor]:
        """One step of evaluation on symbolic (x, y, sample_weight); may be overridden."""
        x, y, sample_weight = data
        outputs = self(x, training=False)  # type: ignore[operator]
        loss = self.compute_loss(x, y, outputs, sample_weight)
        return self.compute_metrics(x, y, outputs, sample_weight, loss)

    def predict_step(self, data: tuple[Any, Any, Any]) -> Any:
        """One step of prediction on symbolic (x, None, None); may be overridden."""
        return self(data[0], training=False)  # type: ignore[operator]

    def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of one batch: of the outputs, of regularisers and of `add_loss`."""
        objective = self._require_compiled("fit")
        names, targets, outputs, weights = self._matched_outputs(y, y_pred, sample_weight)
        objective.build(names, targets, outputs)
        active = trace.current_trace()
        extra = [*self.losses, *(active.losses if active else [])]  # type: ignore[attr-defined]
        return objective.compute_loss(targets, outputs, weights, extra)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, loss: Tensor
    ) -> dict[str, Tensor]:
        """Updates all metrics with one batch and returns their values so far."""
        objective = self._require_compiled("fit")
        _, targets, outputs, weights = self._matched_outputs(y, y_pred, sample_weight)
        objective.update(loss, targets, outputs, weights, like=tree.flatten(x)[0])
        return objective.results()

    def _matched_outputs(
        self, y: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[list[str], list[Any], list[Tensor], list[Any]]:
        """Names, targets, outputs and weights, one entry per output."""
        outputs = tree.flatten(y_pred)
        names = self._names_of(y_pred)
        if y is None and self._objective is not None and self._objective.given["loss"] is not None:
            raise ValueError(f"Model {self.name} has a loss, so it needs targets: pass y.")
        if y is None:
            # Nothing but add_loss to train on.
            return names[:0], [], [], []
        targets = _by_name(y, names, y_pred, "y")
        weights: list[Any] = [None] * len(outputs)
        if sample_weight is not None:
            weights = _by_name(sample_weight, names, y_pred, "sample_weight")
        return names, targets, outputs, weights

    def _names_of(self, y_pred: Any) -> list[str]:
        if isinstance(y_pred, dict):
            return sorted(y_pred)
        names = self.output_names  # type: ignore[attr-defined]
        outputs = tree.flatten(y_pred)
        if len(names) == len(outputs):
            return names
        return [f"output_{i + 1}" for i in range(len(outputs))]

    # --- data ----------------------------------------------------------------------------

    def _data(self, x: Any, y: Any = None, sample_weight: Any = None) -> Data:
        inputs = [] if self.inputs is None else self.input_names  # type: ignore[attr-defined]
        return Data(self._with_features(x), y, sample_weight, inputs)

    def _with_features(self, x: Any) -> Any:
        """A vector of samples as a column, where the model's input asks for one feature."""
        expected = self.inputs  # type: ignore[attr-defined]
        single = isinstance(x, np.ndarray) and expected is not None and len(expected) == 1
        if single and x.ndim == 1 and expected[0].ndim == 2:
            return x[:, None]
        return x

    def _checked(self, data: Data, class_weight: Any = None) -> Data:
        """`data` after a look at its values, with class weights as sample weights."""
        data.check_values()
        if class_weight is None:
            return data
        x, y, sample_weight = data.parts
        weights = class_weights(y, class_weight)
        if sample_weight is not None:
            weights = weights * sample_weight
        return Data(x, y, weights)

    def _check_targets(self, data: Data) -> None:
        """Class numbers of sparse losses must be within the model's outputs."""
        objective = self._objective
        if objective is None or not objective.built or data.parts[1] is None:
            return
        targets = _in_order(data.parts[1], objective.names)
        for name, target, count in zip(objective.names, targets, objective.classes, strict=True):
            check_classes(target, count, name)

    def _step(self, kind: str, data: Data) -> steps.Step:
        """The traced step for this kind of data."""
        key = (kind, data.signature)
        if key not in self._steps:
            make = {"train": steps.train_step, "test": steps.test_step}.get(
                kind, steps.predict_step
            )
            step = make(self, data)
            step.function.eager = getattr(self, "_run_eagerly", False)
            step.function.jit = getattr(self, "_jit", None)
            self._steps[key] = step
        return self._steps[key]

    def _chunk_size(self, every_step: bool) -> loop.ChunkSize:
        if every_step or getattr(self, "_run_eagerly", False):
            return loop.ChunkSize(1)
        return loop.ChunkSize(self._steps_per_execution if self._steps_per_execution > 1 else None)

    # --- fit -----------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        **kwargs: Any,
    ) -> Any:
        """Trains the model.

        Args:
            x: inputs: an array, or a list or dict of arrays.
            y: targets, likewise.
            batch_size: samples per step, 32 if None.
            epochs: train until this epoch (`initial_epoch` of them counted as done).
            verbose: 0 silent, 1 a live progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: a list of Callbacks.
            validation_split: the share of the data, taken from its end before shuffling, that
                is only evaluated on.
            validation_data: (x, y) or (x, y, sample_weight) to evaluate on after each epoch.
            shuffle: whether each epoch takes the samples in a new random order.
            class_weight: class number -> weight in the loss.
            sample_weight: a weight in the loss per sample.
            initial_epoch: the epoch to begin with, when training goes on.
            steps_per_epoch: end an epoch after that many steps.
            validation_steps: likewise for the evaluation.
            validation_batch_size: samples per step of the evaluation; batch_size if None.
            validation_freq: evaluate after each so many epochs, or after those in a list.

        Returns:
            The History: its `history` maps names to lists of values per epoch.

        Raises:
            ValueError: if the data does not fit the model.
        """
        epochs = compat.fit_arguments(kwargs, epochs)
        reject_unknown(kwargs, Trainer.fit, f"{type(self).__name__}.fit")
        self._require_compiled("fit")
        batch_size = _positive(batch_size, 32, "batch_size")
        data = self._data(x, y, sample_weight)
        validation = None
        if validation_data is not None:
            validation = self._checked(self._data(*_unpacked(validation_data)))
        elif validation_split:
            data, validation = data.split(validation_split)
        data = self._checked(data, class_weight)
        step = self._step("train", data)
        self._check_targets(data)
        hooks = callbacks
        if not isinstance(callbacks, CallbackList):
            hooks = CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                model=self,
                verbose=verbose,
                epochs=epochs,
                steps=loop.count_steps(data, batch_size, steps_per_epoch),
            )
        self.stop_training = False
        generator = np.random.default_rng(global_seed.next())
        size = self._chunk_size(hooks.needs_train_batches)
        logs: dict[str, Any] = {}
        try:
            hooks.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                hooks.on_epoch_begin(epoch)
                self.reset_metrics()
                order = np.arange(data.size, dtype="int32")
                if shuffle:
                    order = generator.permutation(order)
                logs = self._train_epoch(
                    step, data, order, batch_size, steps_per_epoch, size, hooks
                )
                if validation is not None and _is_due(validation_freq, epoch + 1):
                    batch = validation_batch_size or batch_size
                    found = self._evaluate(validation, batch, validation_steps, hooks)
                    logs |= {f"val_{name}": value for name, value in found.items()}
                self._keep_values()
                hooks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            hooks.on_train_end(logs)
        finally:
            end_line()
        return self.history

    def _train_epoch(
        self,
        step: steps.Step,
        data: Data,
        order: np.ndarray,
        batch_size: int,
        limit: int | None,
        size: loop.ChunkSize,
        hooks: CallbackList,
    ) -> dict[str, Any]:
        watched, needed = hooks.watches_train_batches, hooks.needs_train_batches
        last: list[Any] = []

        def report(index: int, outputs: list[np.ndarray]) -> bool:
            last[:] = outputs
            if watched:
                hooks.on_train_batch_end(index, loop.logs_of(step, outputs))
            return self.stop_training

        begin = hooks.on_train_batch_begin if needed else None
        loop.run_epoch(step, data, order, batch_size, limit, size, begin, report)
        return loop.logs_of(step, last)

    def _keep_values(self) -> None:
        """Fetches all values from an engine whose process might die."""
        if engines.current_engine().volatile:
            for variable in [*self.weights, *self.optimizer.variables]:  # type: ignore[attr-defined]
                variable.fetch()

    # --- evaluate and predict ------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and metrics of the model on data.

        Args:
            x: inputs: an array, or a list or dict of arrays.
            y: targets, likewise.
            batch_size: samples per step, 32 if None.
            verbose: 0 silent, 1 a live progress bar, 2 a line.
            sample_weight: a weight per sample.
            steps: end after that many steps.
            callbacks: a list of Callbacks.
            return_dict: whether to return name -> value.

        Returns:
            The loss, or [loss, metric, ...] in the order of `metrics_names`, or the dict.
        """
        compat.data_arguments(kwargs)
        reject_unknown(kwargs, Trainer.evaluate, f"{type(self).__name__}.evaluate")
        self._require_compiled("evaluate")
        data = self._checked(self._data(x, y, sample_weight))
        batch_size = _positive(batch_size, 32, "batch_size")
        hooks = self._hooks(callbacks, verbose, loop.count_steps(data, batch_size, steps))
        try:
            logs = self._evaluate(data, batch_size, steps, hooks)
        finally:
            end_line()
        return logs if return_dict else _as_list(logs)

    def _hooks(self, callbacks: Any, verbose: Any, count: int) -> CallbackList:
        if isinstance(callbacks, CallbackList):
            return callbacks
        history = self.history
        hooks = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=count
        )
        self.history = history
        return hooks

    def _evaluate(
        self, data: Data, batch_size: int, limit: int | None, hooks: CallbackList
    ) -> dict[str, Any]:
        step = self._step("test", data)
        self._check_targets(data)
        self.reset_metrics()
        watched, needed = hooks.watches_test_batches, hooks.needs_test_batches
        last: list[Any] = []

        def report(index: int, outputs: list[np.ndarray]) -> bool:
            last[:] = outputs
            if watched:
                hooks.on_test_batch_end(index, loop.logs_of(step, outputs))
            return False

        hooks.on_test_begin()
        loop.run_epoch(
            step,
            data,
            np.arange(data.size, dtype="int32"),
            batch_size,
            limit,
            self._chunk_size(needed),
            hooks.on_test_batch_begin if needed else None,
            report,
        )
        logs = loop.logs_of(step, last)
        hooks.on_test_end(logs)
        return logs

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """The outputs of the model for data.

        Args:
            x: inputs: an array, or a list or dict of arrays.
            batch_size: samples per step, 32 if None.
            verbose: 0 silent, 1 a live progress bar, 2 a line.
            steps: end after that many steps.
            callbacks: a list of Callbacks.

        Returns:
            An array, or arrays nested as the model's outputs.
        """
        compat.data_arguments(kwargs)
        reject_unknown(kwargs, Trainer.predict, f"{type(self).__name__}.predict")
        data = self._data(x)
        batch_size = _positive(batch_size, 32, "batch_size")
        step = self._step("predict", data)
        hooks = self._hooks(callbacks, verbose, loop.count_steps(data, batch_size, steps))
        watched, needed = hooks.watches_predict_batches, hooks.needs_predict_batches
        parts: list[list[np.ndarray]] = []

        def report(index: int, outputs: list[np.ndarray]) -> bool:
            # [steps, batch, ...] as [samples, ...]
            parts.append([out.reshape(-1, *out.shape[2:]) for out in outputs])
            if watched:
                last = [out[-1] for out in outputs]
                hooks.on_predict_batch_end(index, {"outputs": tree.pack(step.outputs, last)})
            return False

        try:
            hooks.on_predict_begin()
            loop.run_epoch(
                step,
                data,
                np.arange(data.size, dtype="int32"),
                batch_size,
                steps,
                self._chunk_size(needed),
                hooks.on_predict_batch_begin if needed else None,
                report,
                collect=True,
            )
            hooks.on_predict_end()
        finally:
            end_line()
        return tree.pack(step.outputs, [np.concatenate(p) for p in zip(*parts, strict=True)])

    # --- one batch -----------------------------------------------------------------------

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on exactly these samples.

        Returns:
            The loss, or [loss, metric, ...], or name -> value; of this batch alone.
        """
        self._require_compiled("train_on_batch")
        data = self._checked(self._data(x, y, sample_weight), class_weight)
        return self._one_batch("train", data, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics of one batch."""
        self._require_compiled("test_on_batch")
        data = self._checked(self._data(x, y, sample_weight))
        return self._one_batch("test", data, return_dict)

    def _one_batch(self, kind: str, data: Data, return_dict: bool) -> Any:
        step = self._step(kind, data)
        self._check_targets(data)
        self.reset_metrics()
        logs = loop.logs_of(step, step.function(*data.arrays))
        return logs if return_dict else _as_list(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        data = self._data(x)
        step = self._step("predict", data)
        return tree.pack(step.outputs, step.function(*data.arrays))


def _by_name(given: Any, names: list[str], y_pred: Any, what: str) -> list[Any]:
    """One entry per output, from an array, list or dict."""
    if isinstance(given, dict):
        missing = [name for name in names if name not in given]
        if missing or len(given) != len(names):
            raise ValueError(
                f"{what} has the keys {sorted(given)}, but the outputs are called {names}."
            )
        return [given[name] for name in names]
    flat = tree.flatten(given)
    if len(flat) != len(names):
        raise ValueError(
            f"{what} has {len(flat)} array(s), but the model has {len(names)} output(s): {names}."
        )
    return flat


def _in_order(y: Any, names: list[str]) -> list[np.ndarray]:
    return [y[name] for name in names] if isinstance(y, dict) else tree.flatten(y)


def _unpacked(validation_data: Any) -> tuple[Any, ...]:
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        raise ValueError(
            "validation_data must be (x, y) or (x, y, sample_weight), but got "
            f"{type(validation_data).__name__}."
        )
    return tuple(validation_data)


def _positive(value: Any, default: int, what: str) -> int:
    if value is None:
        return default
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{what} must be a positive int, but got {value!r}.")
    return int(value)


def _is_due(frequency: Any, epoch: int) -> bool:
    """Whether to evaluate after an epoch, counted from 1."""
    return epoch in frequency if isinstance(frequency, (list, tuple)) else epoch % frequency == 0


def _as_list(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
