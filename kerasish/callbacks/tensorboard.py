"""Writes what TensorBoard shows: curves, histograms and images of weights, graphs, embeddings."""

from __future__ import annotations

import json
import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kerasish import engines
from kerasish.callbacks.callback import Callback, Logs, path_of
from kerasish.callbacks.event_file import EventFile
from kerasish.callbacks.loss_gradients import LossGradients
from kerasish.callbacks.projector import Projector
from kerasish.compat.arguments import is_number, older_order
from kerasish.compat.callbacks import TENSORBOARD_ORDER, tensorboard_extras
from kerasish.saving.serialization import serialize_keras_object
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.kinds import check_range


class TensorBoard(Callback):
    """Writes event files for TensorBoard (`pip install tensorboard`, then `tensorboard --logdir`).

    Training writes into `log_dir/train`, validation and evaluation into `log_dir/validation`.

    Args:
        log_dir: the folder.
        histogram_freq: every how many epochs histograms of the weights are written; 0 for none.
        write_graph: whether the model's layers and operations are.
        write_images: whether the weights are written as images too, as often as histograms.
        write_steps_per_second: whether the speed is.
        update_freq: `"epoch"`, `"batch"`, or a number of batches after which training values
            are written. All but the first make `fit` report every single batch.
        profile_batch: the batch of the training, or the first and last of several, during which
            the engine's profiler runs; 0 for none. What it finds is shown by a plugin of
            TensorBoard (`pip install tensorboard-plugin-profile`). It makes `fit` report every
            single batch, too.
        embeddings_freq: every how many epochs the weights of Embedding layers are written.
        embeddings_metadata: a file with a label per row of the embedding, or a dict from a
            layer's name to one; in `log_dir`, or else copied into it.
        **kwargs: Keras 2's `write_grads`, for histograms of the gradients of the loss on the
            validation data beside those of the weights; `embeddings_layer_names`, all if None;
            `embeddings_data`, inputs for which the outputs of the embedding layers are written
            instead of their weights; and `batch_size`, how many samples are computed at a time
            for these.

    Raises:
        ImportError: at the first use, if the `tensorboard` package isn't installed.
        ValueError: for an `update_freq` or `profile_batch` that is none of these, and gradients
            without validation data in arrays.
        NotImplementedError: in `fit`, for a `profile_batch` where the engine has no profiler.

    Example:

        >>> callback = TensorBoard("logs", histogram_freq=1)
    """

    backed_up = ("_batches",)

    @older_order((2, is_number, TENSORBOARD_ORDER))
    def __init__(
        self,
        log_dir: str | os.PathLike = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        extras = tensorboard_extras(kwargs)
        reject_unknown(kwargs, type(self), "TensorBoard")
        every = {"epoch": 0, "batch": 1}.get(update_freq, update_freq)  # type: ignore[arg-type]
        if isinstance(every, (str, bool)) or not 0 <= every < math.inf:
            raise ValueError(
                "TensorBoard: update_freq must be 'epoch', 'batch' or a number of batches, got "
                f"{update_freq!r}"
            )
        check_range(self, 0, histogram_freq=histogram_freq, embeddings_freq=embeddings_freq)
        self.log_dir = path_of(self, "log_dir", log_dir)
        self.histogram_freq, self.update_freq = histogram_freq, update_freq
        self.write_graph, self.write_images = write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self.write_grads, self.batch_size = extras.write_grads, extras.batch_size
        self.embeddings_layer_names = extras.embeddings_layer_names
        self.embeddings_data = extras.embeddings_data
        self.profile_batch = profile_batch
        self._profiled = _batches_of(profile_batch)
        self._profiler: Any = None  # of the engine, while it runs
        self._gradients: LossGradients | None = None
        self._every = int(every)
        self.batch_reports = "step" if every or self._profiled else "none"
        self._batches = 0
        self._files: dict[str, EventFile] = {}
        self._started: tuple[float, int] = (0.0, 0)

    # --- files ---------------------------------------------------------------------------

    def _file(self, run: str) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(os.path.join(self.log_dir, run))
        return self._files[run]

    def _scalars(self, run: str, step: int, pattern: str, values: Mapping[str, Any]) -> None:
        file = self._file(run)
        for name, value in values.items():
            if np.size(value) == 1:
                file.scalar(step, pattern.format(name), float(np.reshape(value, ())))
        file.flush()

    def _iterations(self) -> int:
        optimizer = getattr(self.model, "optimizer", None)
        return int(np.asarray(getattr(optimizer, "iterations", 0)))

    # --- training ------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs = None) -> None:
        self._batches, self._gradients = 0, None
        self._stop_profiler()  # of a training that failed
        if self._profiled and engines.current_engine().profiler is None:
            raise NotImplementedError(
                f"TensorBoard: profile_batch={self.profile_batch!r} needs an engine with a "
                f"profiler, and {engines.current_engine().name} has none. Leave it out, or "
                "choose another engine; `kerasish backends` lists them."
            )
        if self.write_graph:
            self._write_graph()

    def on_train_end(self, logs: Logs = None) -> None:
        self._stop_profiler()
        self._files = {}

    def _stop_profiler(self) -> None:
        if self._profiler is not None:
            self._profiler.stop()
            self._profiler = None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._started = time.perf_counter(), self._iterations()

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        if self._profiled and self._batches + 1 == self._profiled[0]:
            self._profiler = engines.current_engine().profiler
            self._profiler.start(os.path.join(self.log_dir, "train"))
        self._batch_started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches += 1
        if self._profiled and self._batches == self._profiled[-1]:
            self._stop_profiler()
        if not self._every or self._batches % self._every:
            return
        if self.write_steps_per_second:
            rate = 1.0 / (time.perf_counter() - self._batch_started)
            self._scalars("train", self._batches, "batch_{}", {"steps_per_second": rate})
        self._scalars("train", self._batches, "batch_{}", logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        values = dict(logs or {})
        found = {k.removeprefix("val_"): values.pop(k) for k in list(values) if k[:4] == "val_"}
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", None)
        if rate is not None:
            values.setdefault("learning_rate", float(rate))
        if self.write_steps_per_second:
            start, done = self._started
            seconds = time.perf_counter() - start
            values["steps_per_second"] = (self._iterations() - done) / seconds
        self._scalars("train", epoch, "epoch_{}", values)
        if found:
            self._scalars("validation", epoch, "epoch_{}", found)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()

    def on_test_end(self, logs: Logs = None) -> None:
        self._scalars("validation", self._iterations(), "evaluation_{}_vs_iterations", logs or {})

    # --- the model -----------------------------------------------------------------------

    def _write_graph(self) -> None:
        file = self._file("train")
        try:
            file.model(json.dumps(serialize_keras_object(self.model)))
        except (TypeError, NotImplementedError) as error:
            warnings.warn(f"TensorBoard: the layers can't be shown: {error}", stacklevel=2)
        if getattr(self.model, "outputs", None):
            file.graph(_operations(self.model.outputs))
        file.flush()

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for variable in self.model.weights:
            value = variable.numpy()
            file.histogram(epoch, f"{variable.path}/histogram", value)
            if self.write_images:
                pictures = _pictures(value)
                if pictures is not None:
                    file.images(epoch, f"{variable.path}/image", pictures)
        if self.write_grads:
            found = self._loss_gradients()
            for variable, value in zip(found.variables, found.values(), strict=True):
                file.histogram(epoch, f"{variable.path}/gradient", value)
        file.flush()

    def _write_embeddings(self) -> None:
        names, labels = self.embeddings_layer_names, self.embeddings_metadata
        data = self.embeddings_data
        Projector(self.log_dir, names, labels, data, self.batch_size).write(self.model)

    def _loss_gradients(self) -> LossGradients:
        if self.validation_data is None:
            raise ValueError(
                "TensorBoard: write_grads needs validation data in arrays: validation_data or "
                "validation_split in fit."
            )
        if self._gradients is None:
            self._gradients = LossGradients(self.model, self.validation_data, self.batch_size)
        return self._gradients


def _batches_of(profile_batch: Any) -> range:
    """The batches, counted from 1, that `profile_batch` names: 3, (3, 5) or "3,5"; none for 0."""
    given = profile_batch.split(",") if isinstance(profile_batch, str) else profile_batch
    try:
        first, last = map(int, given if isinstance(given, (tuple, list)) else (given, given))
    except (TypeError, ValueError):
        first, last = -1, -1
    if not 0 <= first <= last:
        raise ValueError(
            "TensorBoard: profile_batch must be the number of a batch, or a pair of them, the "
            f"first and the last one; got {profile_batch!r}"
        )
    return range(max(first, 1), last + 1)


def _pictures(value: np.ndarray) -> list[np.ndarray] | None:
    """A weight as arrays of two axes; of a convolution, one for each pair of channels."""
    value = np.squeeze(value)
    if value.ndim == 1:
        return [value[None]]
    if value.ndim == 2:
        return [value.T if value.shape[0] > value.shape[1] else value]
    if value.ndim in (3, 4):
        return list(np.moveaxis(value.reshape(*value.shape[:2], -1), -1, 0))
    return None


def _operations(outputs: Any) -> Iterator[tuple[str, str, list[str]]]:
    """The nodes of a model's graph; their names, `layer/operation`, group them by layer."""
    from kerasish import tree
    from kerasish.graph.passes import topological_order

    names: dict[Any, str] = {}

    def name_of(tensor: Any) -> str:
        return names[tensor.node] if tensor.node is not None else names[tensor]

    for node in topological_order(tree.flatten(outputs)):
        for tensor in node.inputs:
            if tensor.node is None and tensor not in names:
                path = getattr(tensor, "path", None) or tensor.name
                names[tensor] = f"{path}".replace(" ", "_")
                yield names[tensor], type(tensor).__name__, []
        place = node.source.partition(" (")[0].strip()
        names[node] = f"{place}/{node.primitive.name}_{node.number}".strip("/").replace(" ", "_")
        yield names[node], node.primitive.name, [name_of(tensor) for tensor in node.inputs]
