"""Writes what TensorBoard shows: curves, histograms and images of weights, graphs, embeddings."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback, Logs
from kerasish.callbacks.event_file import EventFile
from kerasish.compat.callbacks import without_leftovers
from kerasish.saving.serialization import serialize_keras_object


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
        profile_batch: profiling belongs to the engines; anything but 0 is an error.
        embeddings_freq: every how many epochs the weights of Embedding layers are written.
        embeddings_metadata: a file with a label per row of the embedding, or a dict from a
            layer's name to one.
        **kwargs: Keras 2's `embeddings_layer_names` and `batch_size`.

    Raises:
        ImportError: at the first use, if the `tensorboard` package isn't installed.
        ValueError: for options that aren't supported, or an `update_freq` that is none of these.

    Example:

        >>> callback = TensorBoard("logs", histogram_freq=1)
    """

    backed_up = ("_batches",)

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
        self._embedding_names = without_leftovers("TensorBoard", kwargs)
        if profile_batch:
            raise ValueError(
                f"TensorBoard: profile_batch={profile_batch!r} isn't supported; use the profiler "
                "of the engine (tf.profiler, jax.profiler, torch.profiler) around fit."
            )
        every = {"epoch": 0, "batch": 1}.get(update_freq, update_freq)  # type: ignore[arg-type]
        if not isinstance(every, int) or isinstance(every, bool) or every < 0:
            raise ValueError(
                "TensorBoard: update_freq must be 'epoch', 'batch' or a number of batches, got "
                f"{update_freq!r}"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.update_freq = histogram_freq, update_freq
        self.write_graph, self.write_images = write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self._every = every
        self.batch_reports = "step" if every else "none"
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
        self._batches = 0
        if self.write_graph:
            self._write_graph()

    def on_train_end(self, logs: Logs = None) -> None:
        self._files = {}

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._started = time.perf_counter(), self._iterations()

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch_started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches += 1
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
        file.flush()

    # --- embeddings ----------------------------------------------------------------------

    def _write_embeddings(self) -> None:
        """The weights as tables of text, and the projector's list of them."""
        from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

        os.makedirs(self.log_dir, exist_ok=True)
        config = ProjectorConfig()
        labels = self.embeddings_metadata or {}
        for layer in self._embedding_layers():
            path = f"{layer.name}.tsv"
            table = layer.embeddings.numpy()
            np.savetxt(os.path.join(self.log_dir, path), table, delimiter="\t", fmt="%.6g")
            own = labels.get(layer.name) if isinstance(labels, Mapping) else labels
            config.embeddings.add(
                tensor_name=layer.name,
                tensor_shape=table.shape,
                tensor_path=path,
                metadata_path=own or "",
            )
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w") as file:
            file.write(str(config))

    def _embedding_layers(self) -> list[Any]:
        layers = [layer for layer in _all_layers(self.model) if hasattr(layer, "embeddings")]
        names = [layer.name for layer in layers]
        asked = [*(self._embedding_names or ())]
        if isinstance(self.embeddings_metadata, Mapping):
            asked += self.embeddings_metadata
        unknown = [name for name in asked if name not in names]
        if unknown:
            raise ValueError(
                f"TensorBoard: there is no Embedding layer called {unknown[0]!r}; there are {names}"
            )
        chosen = self._embedding_names or names
        return [layer for layer in layers if layer.name in chosen]


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)


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
