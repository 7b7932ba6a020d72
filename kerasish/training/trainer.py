"""Trainer: compile, fit, evaluate and predict, mixed into Model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from kerasish import compat, config, engines, optimizers, tree
from kerasish.callbacks import CallbackList
from kerasish.compat.generation import generation
from kerasish.graph.variable import Variable
from kerasish.ops.random import global_seed
from kerasish.optimizers.loss_scale import LossScaleOptimizer
from kerasish.training import checks, loop, mistakes, steps
from kerasish.training.compiled import Objective, told_apart
from kerasish.training.data import Data
from kerasish.training.feeds import ArrayFeed, Feed
from kerasish.training.inputs import Inputs, first_of
from kerasish.training.one_batch import OneBatch
from kerasish.training.position import Position
from kerasish.training.sources import source_of
from kerasish.training.state import State
from kerasish.training.stepping import Stepping
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.progbar import end_line
from kerasish.utils.tracebacks import filtered, warn_user


class Trainer(OneBatch, Stepping, State, Inputs, compat.GeneratorMethods):
    """The training half of Model."""

    name: str
    outputs: Any
    _check_lookups: Callable[[str, Any], None]

    def _init_training(self) -> None:
        self.optimizer: Any = None
        self.stop_training = False
        self.history: Any = None
        self._objective: Objective | None = None
        self._steps = steps.Steps(self)
        self._run_eagerly = False
        self._temporal_weights = False
        self._jit: bool | None = None
        self._steps_per_execution = 1
        self._compile_arguments: dict[str, Any] = {}
        self._trained: list[Variable] | None = None
        self._warned: set[str] = set()
        self.fit_position: Position | None = None  # while `fit` runs

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
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Says how to train.

        Args:
            optimizer: name, Optimizer, or its config as of `optimizers.serialize`.
            loss: name, Loss or its config, or function (y_true, y_pred) -> loss per sample; a
                list or dict of them for several outputs.
            metrics: a list of names, Metrics or their configs, or functions; per output as a
                list or dict.
            loss_weights: a number per output, as a list or dict.
            weighted_metrics: metrics that count sample weights in.
            run_eagerly: whether each step runs layer by layer and operation by operation, so
                that a debugger, a `print` or `float(loss)` in `call` or `train_step` sees the
                numbers of each batch. Slow.
            steps_per_execution: how many steps one call of the engine takes. 1 lets `fit`
                choose the number itself.
            jit_compile: True or False demands or forbids the engine's just-in-time compiler;
                "auto" leaves it to what was measured to be faster.
            auto_scale_loss: whether the optimizer is wrapped in a LossScaleOptimizer if the dtype
                policy of the model is "mixed_float16".

        Example:
            >>> from kerasish import layers, models
            >>> model = models.Sequential([layers.Input((4,)), layers.Dense(1)])
            >>> model.compile("adam", loss="mse", metrics=["mae"])
        """
        temporal = compat.compile_arguments(kwargs)
        reject_unknown(kwargs, Trainer.compile, f"{type(self).__name__}.compile")
        metrics, loss_weights = told_apart(metrics, loss_weights)
        if jit_compile not in ("auto", None, True, False):
            raise ValueError(f'jit_compile must be True, False or "auto", not {jit_compile!r}.')
        self.optimizer = optimizers.get(optimizer)
        half = self.dtype_policy.name == "mixed_float16"  # type: ignore[attr-defined]
        scales = isinstance(self.optimizer, LossScaleOptimizer) or self.optimizer is None
        if half and auto_scale_loss and not scales:
            self.optimizer = LossScaleOptimizer(self.optimizer, name="loss_scale_optimizer")
        self._objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self._temporal_weights = temporal
        self._run_eagerly = bool(run_eagerly)
        self._jit = None if jit_compile in ("auto", None) else bool(jit_compile)
        self.steps_per_execution = steps_per_execution
        self._forget_steps()
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
    def run_eagerly(self) -> bool:
        """Whether steps run operation by operation on numbers that can be looked at."""
        return self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._run_eagerly = bool(value)
        self._forget_steps()

    @property
    def jit_compile(self) -> bool | None:
        """What `compile` was told of the engine's just-in-time compiler; None leaves it open."""
        return self._jit

    @jit_compile.setter
    def jit_compile(self, value: bool | None) -> None:
        self._jit = value
        self._forget_steps()

    @property
    def steps_per_execution(self) -> int:
        """What `compile` was told: how many steps a call of the engine takes; 1 leaves it open."""
        return self._steps_per_execution

    @steps_per_execution.setter
    def steps_per_execution(self, value: int) -> None:
        self._steps_per_execution = checks.positive(value, 1, "steps_per_execution")

    @property
    def metrics(self) -> list[Any]:
        """The metric objects, the loss first; without those that no data was seen for yet.

        After those given to `compile` come those of layers and those among the attributes.
        """
        compiled = self._objective.metrics if self._objective is not None else []
        return list(dict.fromkeys([*compiled, *super().metrics]))  # type: ignore[misc]

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
        if changed:
            self._warn_once(
                f"Model {self.name}: `trainable` was changed after compile(), which has no effect "
                "on its training until compile() is called again."
            )
        return self._trained

    def _forget_steps(self) -> None:
        """Steps are traced anew: what the model computes, or how it runs, has changed."""
        self._steps = steps.Steps(self)

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            warn_user(text)

    # --- steps ----------------------------------------------------------------------------

    def _check_targets(self, data: Data) -> None:
        """Targets must be what the losses make sense of."""
        objective = self._objective
        if objective is None or not objective.names or data.parts[1] is None:
            return
        targets = self._targets_of(data.parts[1], objective.names, objective.nesting)
        objective.check_targets(targets)

    def _prepare_metrics(self, x: Any, y: Any) -> None:
        """Matches the metrics to the outputs, for steps that don't ask `compute_loss` to."""
        objective = self._objective
        if objective is None or objective.built or y is None or not self.outputs:
            return
        names = self._names_of(self.output)  # type: ignore[attr-defined]
        if objective.has_metrics and len(tree.flatten(y)) == len(self.outputs):
            targets = self._targets_of(y, names, self.output)  # type: ignore[attr-defined]
            objective.build(names, targets, self.outputs, self.output)  # type: ignore[attr-defined]

    def _step_for(self, kind: str, feed: Feed) -> Callable[[Data], steps.Step]:
        """Gives the step for each block of data of a feed, whose targets have been looked at."""
        last: list[Any] = [None, None]

        def step_for(data: Data) -> steps.Step:
            if last[0] is not data:
                with checks.located(feed.place):
                    last[:] = data, self._steps.get(kind, data)
                    self._check_lookups(kind, data.parts[0])
                    if kind != "predict":
                        self._check_targets(data)
            return last[1]

        return step_for

    def _chunk_size(self, step: steps.Step, samples: int, every_step: bool) -> loop.ChunkSize:
        if every_step or self._run_eagerly:
            return loop.ChunkSize(1)
        if self._steps_per_execution > 1:
            return loop.ChunkSize(self._steps_per_execution)
        # What one run has learnt counts for the next one: each epoch has an evaluation.
        return step.sizes.setdefault((engines.current_engine().name, samples), loop.ChunkSize())

    # --- fit -----------------------------------------------------------------------------

    @filtered
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
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        **kwargs: Any,
    ) -> Any:
        """Trains the model.

        Args:
            x: inputs: an array, a pandas object, or a list or dict of them; arrays in files
                (`np.memmap`, h5py, HDF5Matrix) are read as they are needed. Or a source of
                batches (x,), (x, y) or (x, y, sample_weight): a generator, a PyDataset, a
                `tf.data.Dataset`, a torch `DataLoader`. A thread prepares the next batches.
            y: targets, likewise; not beside a source of batches.
            batch_size: samples per step, 32 if None; not beside a source of batches.
            epochs: train until this epoch (`initial_epoch` of them counted as done).
            verbose: 0 silent, 1 a live progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: a list of Callbacks.
            validation_split: the share of the arrays, taken from their end before shuffling,
                that is only evaluated on.
            validation_data: (x, y) or (x, y, sample_weight), or a source of batches, to evaluate
                on after each epoch.
            shuffle: whether each epoch takes the samples (of a PyDataset: the batches) in a new
                random order; "batch" keeps the samples of a batch together, which suits files.
            class_weight: class number -> weight in the loss; for several outputs a list or
                dict of such dicts. Classes that are not named weigh 1.
            sample_weight: a weight in the loss per sample.
            initial_epoch: the epoch to begin with, when training goes on.
            steps_per_epoch: end an epoch after that many steps. The next one goes on from there.
            validation_steps: end each evaluation after that many steps.
            validation_batch_size: samples per step of the evaluation; batch_size if None.
            validation_freq: evaluate after each so many epochs, or after those in a list.

        Returns:
            The History: its `history` maps names to lists of values per epoch.

        Raises:
            ValueError: if the data does not fit the model.
            Exception: what a generator or PyDataset raised.
        """
        epochs, loading = compat.fit_arguments(kwargs, epochs)
        checks.check_whole(epochs, "epochs")
        checks.check_whole(initial_epoch, "initial_epoch")
        checks.is_due(validation_freq, 1)  # raises for what is no frequency
        epochs = min(epochs, config.max_epochs() or epochs)
        reject_unknown(kwargs, Trainer.fit, f"{type(self).__name__}.fit")
        self._require_compiled("fit")
        steps_per_epoch = checks.step_limit(steps_per_epoch, "steps_per_epoch")
        seed = global_seed.next()
        source = source_of(x, loading, shuffle, seed)
        validation = None
        if source is not None:
            given = {"y": y, "sample_weight": sample_weight}
            checks.reject_beside(source.what, **given, validation_split=validation_split or None)
            checks.warn_of_batch_size(source.what, batch_size)
            feed: Feed = self._stream_feed(source, steps_per_epoch, True, class_weight)
        else:
            data = self._data(x, y, sample_weight)
            batch_size = self._batch_size(batch_size, "batch_size")
            if validation_split and validation_data is None:
                data, held_out = data.split(validation_split)
                size = checks.positive(validation_batch_size, batch_size, "validation_batch_size")
                limit = checks.step_limit(validation_steps, "validation_steps")
                validation = self._array_feed(held_out, (size, False, 0), limit)
            order = (batch_size, shuffle, seed)
            feed = self._array_feed(data, order, steps_per_epoch, True, class_weight)
        if validation_data is not None:
            size = (validation_batch_size, batch_size)
            validation = self._validation_feed(validation_data, size, validation_steps, loading)
        with ExitStack() as stack:
            stack.callback(end_line)
            # The data are let go with it; and a `fit` in a callback has one of its own.
            stack.callback(setattr, self, "fit_position", self.fit_position)
            stack.callback(feed.close)
            if validation is not None:
                stack.callback(validation.close)
            span = range(initial_epoch, epochs)
            self._fit(feed, validation, span, validation_freq, callbacks, verbose)
        return self.history

    def _validation_feed(
        self, given: Any, sizes: tuple[int | None, int | None], limit: int | None, loading: Any
    ) -> Feed:
        """What evaluations during `fit` take their steps from.

        Args:
            given: as `validation_data`.
            sizes: of batches of arrays: as `validation_batch_size`, and for None there.
            limit: as `validation_steps`.
            loading: how batches are made ahead of time.
        """
        size, parts = None, (given,)
        if isinstance(given, (tuple, list)):
            size = checks.positive(*sizes, "validation_batch_size")
            parts = checks.validation_arrays(given)
        elif sizes[0] is not None:
            kind = f"validation_data of type {type(given).__name__}"
            checks.reject_beside(kind, validation_batch_size=sizes[0])
        return self._feed(*parts, batch_size=size, steps=limit, loading=loading, validates=True)

    def _fit(
        self,
        feed: Feed,
        validation: Feed | None,
        epochs: range,
        validation_freq: Any,
        callbacks: Any,
        verbose: Any,
    ) -> None:
        step_for = self._step_for("train", feed)
        # Callbacks find a model that has its weights, and mistakes come before they start.
        first = step_for(first_of(feed))
        if isinstance(validation, ArrayFeed):
            self._step_for("test", validation)(first_of(validation))
        hooks = callbacks
        if not isinstance(callbacks, CallbackList):
            params = {"verbose": verbose, "epochs": epochs.stop, "steps": feed.steps, **feed.sizes}
            hooks = CallbackList(callbacks, True, verbose != 0, self, **params)
        hooks.set_validation_data(None if validation is None else validation.arrays())
        self.stop_training = False
        size = self._chunk_size(first, feed.samples, hooks.needs_train_batches)
        logs: dict[str, Any] = {}
        told = False
        position = self.fit_position = Position(feed, epochs)
        hooks.on_train_begin()
        for epoch in position.epochs:
            hooks.on_epoch_begin(epoch)
            if not position.begin(epoch):
                self.reset_metrics()
            logs = self._train_epoch(feed, step_for, size, hooks, position.done) or position.logs
            if validation is not None and checks.is_due(validation_freq, epoch + 1):
                found = self._evaluate(validation, hooks)
                logs |= {f"val_{name}": value for name, value in found.items()}
                rest = range(epoch + 1, epochs.stop)
                due = any(checks.is_due(validation_freq, e + 1) for e in rest)
                if due and (shortage := validation.shortage(epoch + 1, epochs.stop)):
                    warn_user(shortage)
                    validation = None
            self._keep_values(first.traced.variables)
            if np.any(np.isnan(logs.get("loss", 0.0))) and not told:
                told = True
                mistakes.warn_of_nan(self.name, epoch + 1)
            hooks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
            if shortage := feed.shortage(epoch + 1, epochs.stop):
                warn_user(shortage)
                break
        if self.optimizer is not None:
            self.optimizer.finalize_variable_values(self.trained_variables())
        hooks.on_train_end(logs)
        self.history = hooks.history or self.history  # a `fit` in a callback had one of its own

    def _train_epoch(
        self,
        feed: Feed,
        step_for: Callable[[Data], steps.Step],
        size: loop.ChunkSize,
        hooks: CallbackList,
        done: int,
    ) -> dict[str, Any]:
        watched, needed = hooks.watches_train_batches, hooks.needs_train_batches
        last: list[Any] = []

        def report(step: steps.Step, index: int, outputs: list[np.ndarray]) -> bool:
            last[:] = step, outputs
            if watched:
                hooks.on_train_batch_end(index, loop.logs_of(step, outputs))
            return self.stop_training

        begin = hooks.on_train_batch_begin if needed else None
        loop.run_epoch(feed.epoch(size), step_for, size, begin, report, done=done)
        return loop.logs_of(*last) if last else {}

    def _keep_values(self, used: list[Variable]) -> None:
        """Fetches the values that matter from an engine whose process might die.

        Args:
            used: by the steps, among them the state of all optimizers.
        """
        if engines.current_engine().volatile:
            for variable in [*self.weights, *used]:  # type: ignore[attr-defined]
                variable.fetch()

    # --- evaluate and predict ------------------------------------------------------------

    @filtered
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
            x: inputs, as for `fit`: arrays or a source of batches.
            y: targets, likewise; not beside a source of batches.
            batch_size: samples per step, 32 if None; not beside a source of batches.
            verbose: 0 silent, 1 a live progress bar, 2 a line.
            sample_weight: a weight per sample.
            steps: end after that many steps.
            callbacks: a list of Callbacks.
            return_dict: whether to return name -> value.

        Returns:
            The loss, or [loss, metric, ...] in the order of `metrics_names`, or the dict.
        """
        loading = compat.data_arguments(kwargs)
        reject_unknown(kwargs, Trainer.evaluate, f"{type(self).__name__}.evaluate")
        self._require_compiled("evaluate")
        feed = self._feed(x, y, sample_weight, batch_size=batch_size, steps=steps, loading=loading)
        with ExitStack() as stack:
            stack.callback(end_line)
            stack.callback(feed.close)
            logs = self._evaluate(feed, self._hooks(callbacks, verbose, feed.steps))
        return logs if return_dict else loop.as_list(logs)

    def _hooks(self, callbacks: Any, verbose: Any, count: int | None) -> CallbackList:
        if isinstance(callbacks, CallbackList):
            return callbacks
        history = self.history
        hooks = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=count
        )
        self.history = history
        return hooks

    def _evaluate(self, feed: Feed, hooks: CallbackList) -> dict[str, Any]:
        step_for = self._step_for("test", feed)
        first = step_for(first_of(feed))
        self.reset_metrics()
        watched, needed = hooks.watches_test_batches, hooks.needs_test_batches
        size = self._chunk_size(first, feed.samples, needed)
        last: list[Any] = []

        def report(step: steps.Step, index: int, outputs: list[np.ndarray]) -> bool:
            last[:] = step, outputs
            if watched:
                hooks.on_test_batch_end(index, loop.logs_of(step, outputs))
            return False

        hooks.on_test_begin()
        begin = hooks.on_test_batch_begin if needed else None
        loop.run_epoch(feed.epoch(size), step_for, size, begin, report)
        logs = loop.logs_of(*last)
        hooks.on_test_end(logs)
        return logs

    @filtered
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
            x: inputs, as for `fit`: arrays or a source of batches, whose targets are left alone.
            batch_size: samples per step, 32 if None; not beside a source of batches.
            verbose: 0 silent, 1 a live progress bar, 2 a line; "auto" is 1 (in programs of
                Keras 1 and 2: 0).
            steps: end after that many steps.
            callbacks: a list of Callbacks.

        Returns:
            An array, or arrays nested as the model's outputs.
        """
        loading = compat.data_arguments(kwargs)
        reject_unknown(kwargs, Trainer.predict, f"{type(self).__name__}.predict")
        verbose = 0 if verbose == "auto" and generation() < 3 else verbose
        feed = self._feed(x, batch_size=batch_size, steps=steps, loading=loading, predicts=True)
        with ExitStack() as stack:
            stack.callback(end_line)
            stack.callback(feed.close)
            return self._predict(feed, self._hooks(callbacks, verbose, feed.steps))

    def _predict(self, feed: Feed, hooks: CallbackList) -> Any:
        step_for = self._step_for("predict", feed)
        first = step_for(first_of(feed))
        watched, needed = hooks.watches_predict_batches, hooks.needs_predict_batches
        size = self._chunk_size(first, feed.samples, needed)
        parts: list[list[np.ndarray]] = []

        def report(step: steps.Step, index: int, outputs: list[np.ndarray]) -> bool:
            # [steps, batch, ...] as [samples, ...]
            parts.append([out.reshape(-1, *out.shape[2:]) for out in outputs])
            if watched:
                last = [out[-1] for out in outputs]
                hooks.on_predict_batch_end(index, {"outputs": tree.pack(step.outputs, last)})
            return False

        hooks.on_predict_begin()
        begin = hooks.on_predict_batch_begin if needed else None
        loop.run_epoch(feed.epoch(size), step_for, size, begin, report, collect=True)
        hooks.on_predict_end()
        found = [checks.joined(part) for part in zip(*parts, strict=True)]
        return self._with_texts(tree.pack(first.outputs, found))
