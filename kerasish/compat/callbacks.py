"""What Keras 2 programs give to callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# The arguments of Keras 2's TensorBoard, of which the third is a number, not a bool.
TENSORBOARD_ORDER = (
    "log_dir", "histogram_freq", "batch_size", "write_graph", "write_grads", "write_images",
    "embeddings_freq", "embeddings_layer_names", "embeddings_metadata", "embeddings_data",
    "update_freq",
)  # fmt: skip


class TensorBoardExtras(NamedTuple):
    """Arguments that only Keras 2's TensorBoard had, with its defaults."""

    batch_size: int = 32
    write_grads: bool = False
    embeddings_layer_names: Sequence[str] | None = None
    embeddings_data: Any = None


def tensorboard_extras(kwargs: dict[str, Any]) -> TensorBoardExtras:
    """Takes Keras 2's arguments out of those of TensorBoard."""
    given = {name: kwargs.pop(name) for name in TensorBoardExtras._fields if name in kwargs}
    return TensorBoardExtras(**given)
