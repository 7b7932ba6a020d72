"""Model: a layer that can be trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasish import ops, tree
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer, mask_of
from kerasish.models.functional import LayerGraph
from kerasish.saving.saveable import Saveable
from kerasish.training.trainer import Trainer


class Model(Saveable, Trainer, Layer):
    """Layers put together, with training and inference.

    Two ways to make one. Functional: give the inputs and the outputs computed from them.
    Subclassing: make layers in `__init__`, use them in `call`.

    Args:
        inputs: an `Input` tensor, or a list or dict of them.
        outputs: the tensor(s) computed from them.
        name: of the model.
        trainable: whether optimizers change its weights.

    Example:
        >>> from kerasish import layers
        >>> x = layers.Input((4,))
        >>> model = Model(inputs=x, outputs=layers.Dense(2)(x))
        >>> model.predict(np.zeros((3, 4)), verbose=0).shape
        (3, 2)
    """

    def __init__(self, *args: Any, **kwargs: Any):
        args, kwargs, ends = _ends(args, kwargs)
        super().__init__(*args, **kwargs)
        self._init_training()
        self._graph: LayerGraph | None = LayerGraph(*ends) if ends else None
        if ends:
            self.built = True

    # --- structure -----------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly within this model, in order."""
        return list(self._graph.layers) if self._graph else self._sublayers()

    def _sublayers(self) -> list[Layer]:
        if self._graph is None:
            return super()._sublayers()
        return list(dict.fromkeys([*self._graph.layers, *super()._sublayers()]))

    @property
    def inputs(self) -> Any:
        """The input tensors of a functional model as a list."""
        return self._graph.flat_inputs if self._graph else None

    @property
    def outputs(self) -> Any:
        """The output tensors of a functional model as a list."""
        return self._graph.flat_outputs if self._graph else None

    @property
    def input(self) -> Any:
        """The input tensor(s) of a functional model, nested as declared."""
        return self._graph.inputs if self._graph else super().input

    @property
    def output(self) -> Any:
        """The output tensor(s) of a functional model, nested as declared."""
        return self._graph.outputs if self._graph else super().output

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, as in dicts of data."""
        return [x.name for x in self.inputs or []]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: those of the layers that make them."""
        return _unique([self._graph.call_of(x).layer.name for x in self.outputs or []])  # type: ignore[union-attr]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its position.

        Raises:
            ValueError: if there is none; the message lists the names there are.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer takes either a name or an index.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"The model has {len(self.layers)} layers, no number {index}.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No layer called {name!r}. There are: {[x.name for x in self.layers]}.")

    # --- calling -------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Replays a functional model's layers; subclasses write their own."""
        if self._graph is None:
            raise NotImplementedError(
                f"Model {self.name} ({type(self).__name__}) has neither inputs and outputs nor a "
                "`call` of its own."
            )
        return self._graph.run(self._matched(inputs))

    def _matched(self, inputs: Any) -> list[Tensor]:
        """The inputs in the order of the model's, and of its shapes."""
        graph: LayerGraph = self._graph  # type: ignore[assignment]
        if isinstance(inputs, dict) and not isinstance(graph.inputs, dict):
            missing = [name for name in self.input_names if name not in inputs]
            if missing:
                raise ValueError(
                    f"Model {self.name} needs an input called {missing[0]!r}; got "
                    f"{sorted(inputs)}. Its inputs are called {self.input_names}."
                )
            flat = [inputs[name] for name in self.input_names]
        elif isinstance(inputs, dict) and sorted(inputs) != sorted(graph.inputs):
            raise ValueError(
                f"Model {self.name} takes a dict with the keys {sorted(graph.inputs)}, but got "
                f"{sorted(inputs)}."
            )
        else:
            flat = tree.flatten(inputs)
        if len(flat) != len(graph.flat_inputs):
            raise ValueError(
                f"Model {self.name} takes {len(graph.flat_inputs)} input(s) "
                f"({', '.join(self.input_names)}), but got {len(flat)}."
            )
        return [
            _fitted(x, expected, self.name)
            for x, expected in zip(flat, graph.flat_inputs, strict=True)
        ]

    # --- config --------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints the layers, their output shapes and numbers of parameters.

        Args:
            line_length: width of the table, that of its content if None.
            positions: relative widths of the columns, such as (0.4, 0.8, 1.0).
            print_fn: called with each line instead of `print`.
            expand_nested: whether to show the layers of models within.
            show_trainable: whether to add a column that says what is trainable.
            layer_range: names (or regular expressions) of the first and last layer to show.
        """
        from kerasish.utils.summary import print_summary

        print_summary(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )

    def get_config(self) -> dict[str, Any]:
        """The configuration of the model and its layers as plain data."""
        from kerasish.models.config import functional_config, takes

        if self._graph is None or not takes(type(self), "inputs", "outputs"):
            return super().get_config()
        return functional_config(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """A model from the result of `get_config`, with fresh weights."""
        if "input_layers" not in config:
            return super().from_config(config)
        from kerasish.models.config import functional_from_config

        return functional_from_config(cls, config, custom_objects)


def _ends(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any], Any]:
    """Takes inputs and outputs out of the arguments, if they are there.

    `input=` and `output=` are Keras 1's names.
    """
    kwargs = dict(kwargs)
    for old, new in (("input", "inputs"), ("output", "outputs")):
        if old in kwargs:
            kwargs[new] = kwargs.pop(old)
    names = ("inputs", "outputs", "name")
    named = dict(zip(names, args, strict=False)) | kwargs
    if "inputs" not in named and "outputs" not in named:
        return args, kwargs, None
    absent = [name for name in ("inputs", "outputs") if named.get(name) is None]
    if absent:
        raise TypeError(f"Model needs both inputs and outputs; {absent[0]} is missing.")
    ends = (named.pop("inputs"), named.pop("outputs"))
    return (), named, ends


def _fitted(x: Any, expected: Tensor, model: str) -> Tensor:
    """`x` as a tensor of the dtype of the model's input, its shape checked."""
    x = ops.convert_to_tensor(x)
    if x.ndim != expected.ndim or any(
        a is not None and b is not None and a != b
        for a, b in zip(x.shape[1:], expected.shape[1:], strict=True)
    ):
        raise ValueError(
            f"Model {model}: input {expected.name} must have shape "
            f"{format_shape(expected.shape)}, but got {format_shape(x.shape)}."
        )
    if x.dtype == expected.dtype:
        return x
    cast = ops.cast(x, expected.dtype)
    cast.mask = mask_of(x)  # type: ignore[attr-defined]
    return cast


def _unique(names: list[str]) -> list[str]:
    """Repeated names numbered: out, out_1, out_2."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen[name] = seen.get(name, -1) + 1
        result.append(f"{name}_{count}" if count else name)
    return result
