"""Layers around a layer: Wrapper, TimeDistributed, Bidirectional, SpectralNormalization."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from kerasish import ops, tree
from kerasish.graph import trace
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import are_shapes, one_of, positive
from kerasish.layers.recurrent import RNN
from kerasish.saving.serialization import custom_object_scope, deserialize_keras_object


class Wrapper(Layer):
    """The base of layers that hold another one.

    Args:
        layer: the other one.

    >>> class Twice(Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    >>> from kerasish.layers import Dense
    >>> Twice(Dense(3))(np.ones((2, 3))).shape
    (2, 3)
    """

    def __init__(self, layer: Any, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise TypeError(f"{type(self).__name__} takes a Layer, but got {layer!r:.100}.")
        self.layer = layer
        if self.batch_input_shape is None:
            self.batch_input_shape = layer.batch_input_shape

    def build(self, input_shape: Any = None) -> None:
        """Builds the other layer, for the same inputs."""
        if not self.layer.built:
            self.layer._build(input_shape)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer of a class of the user's own must be among the custom objects."""
        return super().from_config({**config, "layer": _layer(config["layer"])})


def _layer(config: Any) -> Any:
    is_config = isinstance(config, Mapping) and "class_name" in config
    return deserialize_keras_object(config) if is_config else config


class TimeDistributed(Wrapper):
    """Applies a layer to each time step by itself.

    Args:
        layer: the layer; it sees the time steps as further samples. So batch normalisation within
            takes mean and variance over all samples and time steps at once, and moves its
            averages once per batch, as in Keras 2 (Keras 3: time step by time step).

    Shapes:
        (batch, steps, ...) -> (batch, steps, ...)

    >>> from kerasish.layers import Flatten
    >>> TimeDistributed(Flatten())(np.ones((2, 5, 3, 4))).shape
    (2, 5, 12)
    """

    supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer for one time step."""
        shapes = input_shape if are_shapes(input_shape) else [input_shape]
        for shape in shapes:
            if len(shape) < 3:
                raise ValueError(
                    f"Layer {self.name} (TimeDistributed) expects inputs of shape (batch, steps, "
                    f"...), but got {format_shape(shape)}."
                )
        steps = [(shape[0], *shape[2:]) for shape in shapes]
        super().build(steps if are_shapes(input_shape) else steps[0])

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The layer's outputs for each time step."""
        parameters = inspect.signature(type(self.layer).call).parameters
        kwargs: dict[str, Any] = {}
        if "training" in parameters:
            kwargs["training"] = training
        if "mask" in parameters and mask is not None:
            kwargs["mask"] = tree.map_structure(_merged, mask)
        first = tree.flatten(inputs)[0]
        batch, steps = ops.shape(first)[:2]
        outputs = self.layer(tree.map_structure(_merged, inputs), **kwargs)
        return tree.map_structure(
            lambda x: ops.reshape(x, (batch, steps, *ops.shape(x)[1:])), outputs
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs: a step counts if anything in it does."""

        def of_steps(one: Any) -> Any:
            extra = () if one is None else tuple(range(2, one.rank))
            return ops.any(one, axis=extra) if extra else one

        return super().compute_mask(inputs, tree.map_structure(of_steps, mask))


def _merged(x: Any) -> Any:
    """Batch and time as one axis."""
    if x is None:
        return None
    batch, steps, *rest = ops.shape(x)
    return ops.reshape(x, (batch * steps, *rest))


class Bidirectional(Layer):
    """Runs a recurrent layer forwards and another one backwards.

    Source: Schuster & Paliwal, 1997, https://doi.org/10.1109/78.650093

    Args:
        layer: the layer that runs forwards.
        merge_mode: how both outputs become one: "concat", "sum", "mul", "ave", or None for a
            pair.
        weights: first values of all weights.
        backward_layer: the one that runs backwards; one like `layer` if None.

    Shapes:
        as `layer`, with twice the size for "concat"

    >>> from kerasish.layers import LSTM
    >>> Bidirectional(LSTM(4))(np.ones((2, 5, 3))).shape
    (2, 8)
    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ):
        super().__init__(weights=weights, **kwargs)
        if not _is_recurrent(layer):
            raise TypeError(
                f"Bidirectional takes a recurrent layer such as LSTM, but got {layer!r:.100}."
            )
        if merge_mode is not None:
            merge_mode = one_of(
                merge_mode, ("concat", "sum", "mul", "ave"), "Bidirectional: merge_mode"
            )
        self.merge_mode = merge_mode
        self.forward_layer = layer
        self.backward_layer = _reversed(layer) if backward_layer is None else backward_layer
        self._check_pair()
        if not layer.name.startswith("forward_"):
            layer.name = f"forward_{layer.name}"
        for one in (layer, self.backward_layer):
            # What stands at a masked step would be the output of other steps in each direction.
            one.zero_output_for_mask = one.zero_output_for_mask or one.return_sequences
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.stateful = layer.stateful
        if self.batch_input_shape is None:
            self.batch_input_shape = layer.batch_input_shape

    def _check_pair(self) -> None:
        a, b = self.forward_layer, self.backward_layer
        if not _is_recurrent(b) or a.go_backwards == b.go_backwards:
            raise ValueError(
                "Bidirectional: backward_layer must be a recurrent layer that runs in the other "
                f"direction than layer (go_backwards={a.go_backwards}), but got {b!r:.100}."
            )
        for name in ("return_sequences", "return_state", "stateful"):
            if getattr(a, name) != getattr(b, name):
                raise ValueError(
                    f"Bidirectional: both layers must have one {name}, but they have "
                    f"{getattr(a, name)} and {getattr(b, name)}."
                )

    @property
    def layer(self) -> RNN:
        """The layer that runs forwards."""
        return self.forward_layer

    def _build_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for one in (self.forward_layer, self.backward_layer):
            one._note_constants(args, kwargs)
        super()._build_once(args, kwargs)

    def build(self, input_shape: Any) -> None:
        """Builds both layers."""
        for one in (self.forward_layer, self.backward_layer):
            if not one.built:
                one._build(input_shape)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        constants: Any = None,
    ) -> Any:
        """Both outputs as one, and with `return_state` the states of both layers.

        Args: as those of `RNN.call`; of the initial states the first half is for forwards.
        """
        layers = self.forward_layer, self.backward_layer
        sequences, given, constants = layers[0]._apart(sequences, initial_state, constants)
        states = [None, None] if given is None else self._halves(given)
        kwargs = {"mask": mask, "training": training, "constants": constants}
        ends = [
            one(sequences, **_given(initial_state=state, **kwargs))
            for one, state in zip(layers, states, strict=True)
        ]
        outputs = [end[0] if self.return_state else end for end in ends]
        if self.return_sequences:
            outputs[1] = ops.flip(outputs[1], axis=1)  # the steps in the order of the inputs
        merged = self._merged(*outputs)
        if not self.return_state:
            return merged
        first = merged if isinstance(merged, tuple) else (merged,)
        return (*first, *ends[0][1:], *ends[1][1:])

    def _halves(self, given: Any) -> list[Any]:
        states = tree.flatten(given)
        if len(states) % 2:
            raise ValueError(
                f"Layer {self.name}: initial_state must hold the states of both layers, but has "
                f"{len(states)}."
            )
        return [states[: len(states) // 2], states[len(states) // 2 :]]

    def _merged(self, a: Tensor, b: Tensor) -> Any:
        if self.merge_mode is None:
            return a, b
        if self.merge_mode == "concat":
            return ops.concatenate([a, b], axis=-1)
        if self.merge_mode == "mul":
            return a * b
        return (a + b) / 2 if self.merge_mode == "ave" else a + b

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs, if there is an output for each step."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        masks = [mask if self.return_sequences else None] * (1 if self.merge_mode else 2)
        if self.return_state:
            masks += [None] * 2 * len(self.forward_layer.states)
        return masks if len(masks) > 1 else masks[0]

    @property
    def states(self) -> list[Any]:
        """The states of both layers between batches."""
        return [*self.forward_layer.states, *self.backward_layer.states]

    def reset_states(self) -> None:
        """Sets the states of both layers to what sequences start with."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    reset_state = reset_states

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer of a class of the user's own must be among the custom objects."""
        config = {k: v for k, v in config.items() if k != "num_constants"}
        layers = {k: _layer(config[k]) for k in ("layer", "backward_layer") if config.get(k)}
        return super().from_config({**config, **layers})


def _given(**kwargs: Any) -> dict[str, Any]:
    """What is not None: the `call` of a subclass need not take the rest."""
    return {name: value for name, value in kwargs.items() if value is not None}


def _is_recurrent(layer: Any) -> bool:
    """Whether it is an RNN, or an older Keras's `Recurrent`."""
    return isinstance(layer, Layer) and hasattr(layer, "_note_constants")


def _reversed(layer: RNN) -> RNN:
    """A layer like `layer` that runs in the other direction."""
    name = f"backward_{layer.name.removeprefix('forward_')}"
    config = layer.get_config() | {"go_backwards": not layer.go_backwards, "name": name}
    # Also if its cells are of classes that nobody registered.
    cells = [one for one in layer._flatten_layers() if one is not layer]
    own = {type(one).__name__: type(one) for one in cells}
    with custom_object_scope(own):
        return type(layer).from_config(config)


class SpectralNormalization(Wrapper):
    """Keeps the kernel of a layer at spectral norm 1, for steady training of GANs.

    Each step of training divides the kernel by its largest singular value, which is found by
    power iteration.

    Source: Miyato et al., 2018, arXiv:1802.05957

    Args:
        layer: the layer, with a weight `kernel` or `embeddings`.
        power_iterations: how many per step.

    Shapes:
        as `layer`

    >>> from kerasish.layers import Dense
    >>> SpectralNormalization(Dense(3))(np.ones((2, 4))).shape
    (2, 3)
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.power_iterations = positive(
            power_iterations, "SpectralNormalization: power_iterations"
        )

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer, and makes the vector of the power iteration."""
        super().build(input_shape)
        names = ("kernel", "depthwise_kernel", "embeddings")
        kernel = next((v for v in self.layer.weights if v.name in names), None)
        if kernel is None:
            raise ValueError(
                f"Layer {self.name} (SpectralNormalization): {self.layer.name} has no weight "
                "called kernel or embeddings."
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, kernel.shape[-1]),
            initializer="truncated_normal",
            trainable=False,
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The layer's outputs; training normalises its kernel first."""
        if training is not False:
            with trace.autocast(None):
                kernel, vector = self._normalized()
                for variable, new in ((self.kernel, kernel), (self.vector_u, vector)):
                    variable.assign(ops.in_train_phase(new, variable, training))
        takes = "training" in inspect.signature(type(self.layer).call).parameters
        return self.layer(inputs, training=training) if takes else self.layer(inputs)

    def _normalized(self) -> tuple[Tensor, Tensor]:
        """The kernel over its largest singular value, and the vector after the iteration."""
        kernel = ops.convert_to_tensor(self.kernel)
        matrix = ops.stop_gradient(ops.reshape(kernel, (-1, kernel.shape[-1])))
        u = ops.convert_to_tensor(self.vector_u)
        for _ in range(self.power_iterations):
            v = ops.l2_normalize(ops.matmul(u, ops.transpose(matrix)), axis=-1)
            u = ops.l2_normalize(ops.matmul(v, matrix), axis=-1)
        sigma = ops.reshape(ops.matmul(ops.matmul(v, matrix), ops.transpose(u)), ())
        # An assignment, not a part of the model: gradients pass it unchanged.
        return kernel + ops.stop_gradient(kernel / sigma - kernel), u
