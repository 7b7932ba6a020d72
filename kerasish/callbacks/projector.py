"""Embeddings as files that TensorBoard's projector reads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np


class Projector:
    """Writes tables of embeddings into a folder, and `projector_config.pbtxt`, their list.

    Args:
        folder: where to.
        layer_names: of the layers to write; all that have `embeddings` if None or empty.
        metadata: a file with a label per row, or a dict from a layer's name to one; relative to
            `folder`, or else copied into it, since the projector reads nothing outside.
        data: inputs of the model. A row is then what the layer makes of a sample of them, rather
            than a row of its weights.
        batch_size: how many samples are computed at a time.
    """

    def __init__(
        self,
        folder: str,
        layer_names: Sequence[str] | None = None,
        metadata: str | os.PathLike | Mapping[str, Any] | None = None,
        data: Any = None,
        batch_size: int = 32,
    ):
        self.folder, self.layer_names, self.metadata = folder, list(layer_names or ()), metadata
        self.data, self.batch_size = data, batch_size

    def write(self, model: Any) -> None:
        """Writes the embeddings as they are now, in place of those before.

        Raises:
            ValueError: there is no embedding layer of a name that was asked for.
        """
        from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

        os.makedirs(self.folder, exist_ok=True)
        config = ProjectorConfig()
        for layer in self._layers(model):
            path = f"{layer.name}.tsv"
            table = self._table(model, layer)
            np.savetxt(os.path.join(self.folder, path), table, delimiter="\t", fmt="%.6g")
            config.embeddings.add(
                tensor_name=layer.name,
                tensor_shape=table.shape,
                tensor_path=path,
                metadata_path=self._labels(layer.name),
            )
        with open(os.path.join(self.folder, "projector_config.pbtxt"), "w") as file:
            file.write(str(config))

    def _table(self, model: Any, layer: Any) -> np.ndarray:
        if self.data is None:
            return layer.embeddings.numpy()
        from kerasish.models import Model

        part = Model(model.input, layer.output)
        rows = part.predict(self.data, batch_size=self.batch_size, verbose=0)
        return np.reshape(rows, (len(rows), -1))

    def _labels(self, name: str) -> str:
        """The file of labels as the projector finds it, "" for none."""
        own = self.metadata
        own = own.get(name) if isinstance(own, Mapping) else own
        if not own:
            return ""
        path = os.fspath(own)
        if os.path.exists(os.path.join(self.folder, path)) and not os.path.isabs(path):
            return path
        if os.path.exists(path):
            shutil.copy(path, os.path.join(self.folder, os.path.basename(path)))
            return os.path.basename(path)
        return path  # which may yet be written

    def _layers(self, model: Any) -> list[Any]:
        layers = [layer for layer in _all_layers(model) if hasattr(layer, "embeddings")]
        names = [layer.name for layer in layers]
        labelled = list(self.metadata) if isinstance(self.metadata, Mapping) else []
        unknown = [name for name in [*self.layer_names, *labelled] if name not in names]
        if unknown:
            raise ValueError(
                f"TensorBoard: there is no Embedding layer called {unknown[0]!r}; there are {names}"
            )
        return [layer for layer in layers if layer.name in (self.layer_names or names)]


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)
