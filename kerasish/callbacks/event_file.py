"""TensorBoard's event files, written through the `tensorboard` package, without any engine."""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from kerasish.utils.optional import needed

_BUCKETS = 30
_IMAGES = 3


class EventFile:
    """One event file in a folder, which is made with it.

    Args:
        folder: where.

    Raises:
        ImportError: the `tensorboard` package isn't installed.
    """

    def __init__(self, folder: str) -> None:
        user = "The TensorBoard callback", "tensorboard"
        Event = needed("tensorboard.compat.proto.event_pb2", *user).Event
        RecordWriter = needed("tensorboard.summary.writer.record_writer", *user).RecordWriter
        os.makedirs(folder, exist_ok=True)
        # Names hold the time first, since TensorBoard reads a folder's files in that order.
        name = f"events.out.tfevents.{time.time_ns() // 10**9:010d}.{socket.gethostname()}"
        self.path = os.path.join(folder, f"{name}.{os.getpid()}.{time.time_ns() % 10**9}.v2")
        self._event = Event
        self._waiting = io.BytesIO()
        self._records = RecordWriter(self._waiting)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString())

    def add(self, step: int, tag: str, plugin: str, data: Any, content: bytes = b"") -> None:
        """Adds a tensor for one of TensorBoard's plugins."""
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.util.tensor_util import make_tensor_proto

        about = SummaryMetadata.PluginData(plugin_name=plugin, content=content)
        value = Summary.Value(
            tag=tag,
            tensor=make_tensor_proto(data),
            metadata=SummaryMetadata(plugin_data=about),
        )
        self._write(self._event(wall_time=time.time(), step=step, summary=Summary(value=[value])))

    def scalar(self, step: int, tag: str, value: float) -> None:
        """Adds a number."""
        self.add(step, tag, "scalars", np.float32(value))

    def histogram(self, step: int, tag: str, values: np.ndarray) -> None:
        """Adds how often which values occur; those that aren't finite are left out."""
        finite = np.asarray(values, "float64")[np.isfinite(values)]
        counts, edges = np.histogram(finite, bins=_BUCKETS)
        rows = np.stack([edges[:-1], edges[1:], counts], axis=1)
        self.add(step, tag, "histograms", rows if finite.size else np.zeros((0, 3)))

    def images(self, step: int, tag: str, images: Iterable[np.ndarray]) -> None:
        """Adds pictures, each of an array (height, width), from black for the least value on."""
        arrays = list(images)[:_IMAGES]
        height, width = arrays[0].shape
        data = [str(width).encode(), str(height).encode(), *map(_png, arrays)]
        self.add(step, tag, "images", data)

    def model(self, config: str) -> None:
        """Adds the config of a model, of which TensorBoard shows the layers."""
        self.add(0, "keras", "graph_keras_model", config.encode(), b"1")

    def graph(self, nodes: Iterable[tuple[str, str, list[str]]]) -> None:
        """Adds a graph: (name, operation, names of inputs) for each of its nodes."""
        from tensorboard.compat.proto.graph_pb2 import GraphDef

        graph = GraphDef()
        for name, operation, inputs in nodes:
            graph.node.add(name=name, op=operation, input=inputs)
        self._write(self._event(wall_time=time.time(), graph_def=graph.SerializeToString()))

    def flush(self) -> None:
        """Writes what was added, for readers to see."""
        # The file is not kept open, so that a training that fails leaves none behind.
        with open(self.path, "ab") as file:
            file.write(self._waiting.getvalue())
        self._waiting.seek(0)
        self._waiting.truncate()


def _png(array: np.ndarray) -> bytes:
    from PIL import Image  # which tensorboard depends on

    low, high = float(np.min(array)), float(np.max(array))
    scaled = (array - low) / ((high - low) or 1.0) * 255
    buffer = io.BytesIO()
    Image.fromarray(np.nan_to_num(scaled).astype("uint8")).save(buffer, "PNG")
    return buffer.getvalue()
