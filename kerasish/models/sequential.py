"""Sequential: one layer after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import Shape, format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.layers.base import History, Layer, placeholders_of_shape
from kerasish.layers.checks import are_shapes
from kerasish.layers.input import InputLayer
from kerasish.layers.preprocessing.base import has_symbolic, is_hosted
from kerasish.models.functional import LayerGraph
from kerasish.models.model import Model


class Sequential(Model):
    """A plain stack of layers.

    The shape of the input comes from an `Input` as first item, from `input_shape=` of the
    first layer, or else from the first data that the model sees.

    Args:
        layers: to add.
        name: of the model.
        trainable: whether optimizers change its weights.

    Example:
        >>> from kerasish import layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    _sizes_are_fixed = False  # first data tells them, and later texts and images have others

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None):
        if isinstance(layers, Layer):
            raise TypeError(f"Sequential takes a list of layers, but got {layers!r:.100}.")
        super().__init__(trainable=trainable, name=name, autocast=False)
        self._stack: list[Layer] = []
        for layer in layers or []:
            self._push(layer)
        first = self._stack[0] if self._stack else None
        if isinstance(first, InputLayer):
            self._connect_all(first.output)
        elif first is not None and (x := _input_of(first)) is not None:
            self._connect_all(x)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the one that stands for the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def _sublayers(self) -> list[Layer]:
        return list(dict.fromkeys(self._stack))

    def add(self, layer: Any) -> None:
        """Puts a layer on top.

        Args:
            layer: a Layer, a Model, or an `Input` as the first.
        """
        self._grow(self._push(layer))

    def _push(self, layer: Any) -> Layer:
        history: History | None = None
        if isinstance(layer, Tensor):
            history = getattr(layer, "history", None)
        if history is not None and isinstance(history.call.layer, InputLayer):
            layer = history.call.layer
        if not isinstance(layer, Layer):
            hint = " Did you forget the parentheses?" if isinstance(layer, type) else ""
            if history is not None:
                hint = f" Add the layer {history.call.layer.name}, not what it returned."
            raise TypeError(f"Sequential.add takes a Layer, but got {layer!r:.100}.{hint}")
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"All layers of a Sequential must have different names, but there are two called "
                f"{layer.name!r}. Give one of them another `name`."
            )
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError("An Input can only be the first item of a Sequential.")
        self._stack.append(layer)
        self._forget_steps()
        return layer

    def _grow(self, layer: Layer) -> None:
        """Extends the graph by one layer, once the shape of the input is known."""
        if self._graph is not None:
            self._connect(self._graph.inputs, layer(self._graph.flat_outputs[0]))
        elif isinstance(layer, InputLayer):
            self._connect(layer.output, layer.output)
        elif len(self._stack) == 1 and _input_of(layer) is not None:
            self._connect_all(_input_of(layer))

    def _connect(self, x: Any, y: Any) -> None:
        self._graph = LayerGraph(x, y)
        self._met_shape = x.shape if isinstance(x, Tensor) else None
        self.built = True

    @property
    def _fed(self) -> dict[str, Tensor] | None:
        fed = super()._fed
        if self._graph is None or self._host is not None or self._met_shape is None:
            return fed
        (name, x), *_ = fed.items()  # type: ignore[union-attr]
        return {name: Placeholder(self._met_shape, x.dtype)}

    def _connect_all(self, x: Any) -> None:
        """Calls all layers on `x`."""
        y = x
        for layer in self.layers:
            y = layer(y)
        self._connect(x, y)

    def pop(self) -> Layer:
        """Takes the last layer off and returns it."""
        if not self.layers:
            raise ValueError("Sequential.pop: there is no layer left.")
        layer = self._stack.pop()
        self._forget_steps()
        graph, self._graph, self.built = self._graph, None, False
        if graph is not None and self._stack:
            self._connect(graph.inputs, graph.calls[-1].args[0])
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of a shape (with the batch axis).

        The batch size is kept for stateful layers alone, which need it. A list or dict of shapes
        is for a first layer that takes several inputs.
        """
        if self._graph is None:
            if not hasattr(input_shape, "__iter__"):
                raise ValueError(
                    f"Sequential {self.name}: build needs the shape of the input, such as "
                    f"(None, 4), but got {input_shape!r}."
                )
            if not self._stack:
                raise ValueError(f"Sequential {self.name} has no layers to build.")
            dtype = _input_dtype(self._stack[0])
            if isinstance(input_shape, dict) or are_shapes(input_shape):
                # Such inputs have no graph: the layers are called one after the other each time.
                self.built = True
                self.compute_output_spec(placeholders_of_shape(input_shape, dtype))
                return
            size, *shape = input_shape
            stateful = any(getattr(layer, "stateful", False) for layer in self.layers)
            batch_shape = (size if stateful else None, *shape)
            self._connect_all(InputLayer(batch_shape=batch_shape, dtype=dtype).output)

    def _meet(self, x: Any) -> None:
        """Makes the graph for the first data if there are layers that run on the host."""
        if self._graph is None and any(map(is_hosted, self.layers)):
            leaf = x if hasattr(x, "shape") else np.asarray(x)
            text = np.asarray(leaf[:1]).dtype.kind in "OSU"
            dtype = "string" if text else _input_dtype(self.layers[0])
            self._connect_all(InputLayer(batch_shape=(None, *leaf.shape[1:]), dtype=dtype).output)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._graph is None and args and not has_symbolic(tree.flatten(args[0])):
            self._meet(args[0])
        return super().__call__(*args, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Applies the layers one after the other."""
        if self._graph is not None:
            shape = getattr(tree.flatten(inputs)[0], "shape", ())
            try:
                outputs = super().call(inputs, training, mask)
            except ValueError as error:
                self._check_sizes(shape, error)
                raise
            self._note_sizes(shape)
            return outputs
        if mask is not None:
            inputs = self._masked(inputs, mask)
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    def _check_sizes(self, shape: Shape, error: ValueError) -> None:
        """Raises ValueError if inputs have other sizes than the first, which layers refused."""
        expected = self._graph.flat_inputs[0]  # type: ignore[union-attr]
        if len(shape) == expected.ndim and not compatible(shape[1:], expected.shape[1:]):
            raise ValueError(
                f"Model {self.name}: input {expected.name} must have shape "
                f"{format_shape(expected.shape)}, but got {format_shape(shape)}. ({error})"
            ) from error

    def _note_sizes(self, shape: Shape) -> None:
        """Notes which sizes may vary, so that one step is traced for all."""
        known = self._met_shape
        if known is not None and len(shape) == len(known):
            pairs = zip(shape[1:], known[1:], strict=True)
            self._met_shape = (known[0], *(a if a == b else None for a, b in pairs))

    def predict_proba(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """`predict` under Keras 2's name for models whose outputs are probabilities."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """The most likely class of each sample, as Keras 2 has it.

        Args:
            x: inputs, as for `predict`.
            batch_size: samples per step.
            verbose: as for `predict`.

        Returns:
            Class numbers; with one output unit, 0 and 1 by a threshold of 0.5.
        """
        found = self.predict(x, batch_size=batch_size, verbose=verbose)
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    def get_config(self) -> dict[str, Any]:
        """The configuration of the model and its layers as plain data."""
        from kerasish.models.config import sequential_config, takes

        if takes(type(self), "layers"):
            return sequential_config(self)
        config = Layer.get_config(self)  # of a class that makes its layers itself
        config.pop("layers", None)
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A model from the result of `get_config`, with fresh weights."""
        if isinstance(config, Mapping) and "layers" not in config:
            return super().from_config(config)
        from kerasish.models.config import sequential_from_config

        return sequential_from_config(cls, config, custom_objects)


def _input_of(layer: Layer) -> Any:
    """The input that a first layer was told of, or those that a model as first layer has."""
    if isinstance(layer, Model) and layer.inputs:
        if len(layer.inputs) > 1:
            return list(layer.inputs)  # what shares one of these inputs goes on sharing it
        (first,) = layer.inputs
        return InputLayer(batch_shape=first.shape, dtype=first.dtype).output
    if layer.batch_input_shape is None:
        return None
    return InputLayer(batch_shape=layer.batch_input_shape, dtype=_input_dtype(layer)).output


def _input_dtype(layer: Layer) -> str:
    if type(layer).__name__ in ("TextVectorization", "StringLookup"):
        return "string"
    return "int32" if type(layer).__name__ == "Embedding" else layer.dtype
