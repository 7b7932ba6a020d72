"""Layers one after the other, for data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.layers.base import Layer
from kerasish.layers.preprocessing.base import (
    DataLayer,
    called_on_host,
    has_symbolic,
    is_hosted,
    is_traced_elsewhere,
)
from kerasish.saving.serialization import deserialize_keras_object, serialize_keras_object


class Pipeline(DataLayer):
    """Applies layers that prepare data one after the other, as one layer.

    Layers that work on strings are possible too. Then all of it runs on the host.

    Args:
        layers: in order.
        name: of the layer.

    Shapes:
        what the first layer takes -> what the last one returns

    >>> from kerasish.layers import Rescaling, Resizing
    >>> Pipeline([Resizing(2, 2), Rescaling(1 / 255)])(np.ones((1, 4, 4, 3))).shape
    (1, 2, 2, 3)
    """

    def __init__(self, layers: Any, name: str | None = None):
        super().__init__(name=name)
        self._pipeline_layers = list(layers)
        for layer in self._pipeline_layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"Pipeline takes a list of layers, but got {layer!r:.80} in it.")
        self.built = True

    @property
    def layers(self) -> list[Layer]:
        """The layers in order."""
        return list(self._pipeline_layers)

    def _on_data(self, data: Any, training: bool | None = None) -> Any:
        for layer in self._pipeline_layers:
            data = layer(data, training=training)
        return data

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves = tree.flatten([list(args), kwargs])
        if has_symbolic(leaves) and is_hosted(self):
            kwargs.pop("training", None)
            return called_on_host(self, args, kwargs)
        if has_symbolic(leaves) or any(map(is_traced_elsewhere, leaves)) or len(args) != 1:
            return super().__call__(*args, **kwargs)
        # Strings are no tensors: they go through the layers as they are.
        return self._on_data(args[0], kwargs.get("training"))

    def on_host(self, *args: Any) -> np.ndarray:
        """What the last layer returns for data, as an array."""
        return np.asarray(self._on_data(*args))

    def example(self, shape: tuple[int, ...], dtype: str, size: int) -> np.ndarray:
        """Data that the first layer can be tried with."""
        first = self._pipeline_layers[0] if self._pipeline_layers else None
        if isinstance(first, DataLayer):
            return first.example(shape, dtype, size)
        return super().example(shape, dtype, size)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """What the last layer returns."""
        return self._on_data(inputs, training)

    def get_config(self) -> dict[str, Any]:
        layers = [serialize_keras_object(layer) for layer in self._pipeline_layers]
        return {"name": self.name, "layers": layers}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """The layers are made of their configs, in the form of any Keras."""
        layers = [deserialize_keras_object(layer) for layer in config["layers"]]
        return super().from_config({**config, "layers": layers})
