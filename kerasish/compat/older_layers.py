"""Layers that Keras no longer has: real ones, for programs of Keras 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from kerasish import activations, constraints, initializers, layers, ops, regularizers
from kerasish.compat.arguments import by_name
from kerasish.compat.layers import older_names, renamed_arguments
from kerasish.graph.tensor import Tensor
from kerasish.layers import InputSpec, Layer, merging
from kerasish.models import Model

__all__ = [
    "AtrousConvolution1D",
    "AtrousConvolution2D",
    "Container",
    "ConvRecurrent2D",
    "Convolution2D",
    "Convolution3D",
    "Deconvolution2D",
    "Deconvolution3D",
    "Highway",
    "MaxoutDense",
    "Merge",
    "Network",
    "Recurrent",
    "SeparableConvolution2D",
    "_Merge",
    "merge",
]

# What Keras 2 and 1 call the part of a Model that has no training.
Network = Container = Model

_dense_names = older_names(
    init="kernel_initializer",
    bias="use_bias",
    W_regularizer="kernel_regularizer",
    b_regularizer="bias_regularizer",
    W_constraint="kernel_constraint",
    b_constraint="bias_constraint",
    output_dim="units",
)


class _Weighted(Layer):
    """A kernel and a bias, and what is asked of them."""

    def __init__(
        self,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.use_bias = use_bias
        self.input_spec = InputSpec(ndim=2)


@layers.registry.add
@_dense_names
class MaxoutDense(_Weighted):
    """The largest of several linear functions, element by element.

    Source: Goodfellow et al., 2013, arXiv:1302.4389

    Args:
        units: the number of outputs.
        nb_feature: of how many functions each is the largest.
        kernel_initializer: of the kernel, of shape (nb_feature, features, units).
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.
        use_bias: whether to add a bias.

    Shapes:
        (batch, features) -> (batch, units)

    >>> MaxoutDense(3)(np.ones((2, 5))).shape
    (2, 3)
    """

    def __init__(self, units: int, nb_feature: int = 4, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.nb_feature = nb_feature

    def build(self, input_shape: Any) -> None:
        """Makes a kernel and a bias for each function."""
        shape = (self.nb_feature, input_shape[-1], self.units)
        self.kernel = self.add_weight(name="kernel", shape=shape)
        if self.use_bias:
            wide = (self.nb_feature, self.units)
            self.bias = self.add_weight(name="bias", shape=wide, initializer="zeros")

    def call(self, inputs: Tensor) -> Tensor:
        """The maximum over the functions."""
        results = ops.dot(inputs, self.kernel)  # (batch, functions, units)
        return ops.max(results + self.bias if self.use_bias else results, axis=1)


@layers.registry.add
@_dense_names
class Highway(_Weighted):
    """A Dense layer as wide as its inputs, mixed with them: a gate says how much of each.

    Source: Srivastava et al., 2015, arXiv:1505.00387

    Args:
        kernel_initializer: of the kernels, of shape (features, features).
        activation: of the Dense part; none if None.
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.
        use_bias: whether to add biases; that of the gate starts at 1.

    Shapes:
        (batch, features) -> (batch, features)

    >>> Highway(activation="relu")(np.ones((2, 5))).shape
    (2, 5)
    """

    def __init__(
        self, kernel_initializer: Any = "glorot_uniform", activation: Any = None, **kwargs: Any
    ):
        super().__init__(kernel_initializer, **kwargs)
        self.activation = activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Makes the kernels and biases of the gate and of the Dense part."""
        size = input_shape[-1]
        self.kernel = self.add_weight(name="kernel", shape=(size, size))
        self.gate_kernel = self.add_weight(
            name="carry_kernel", shape=(size, size), initializer=self.kernel_initializer
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(size,), initializer="zeros")
            self.gate_bias = self.add_weight(name="carry_bias", shape=(size,), initializer="ones")

    def call(self, inputs: Tensor) -> Tensor:
        """The gate's share of the Dense part, and the rest of the inputs."""
        gate, new = ops.matmul(inputs, self.gate_kernel), ops.matmul(inputs, self.kernel)
        if self.use_bias:
            gate, new = gate + self.gate_bias, new + self.bias
        gate, new = ops.sigmoid(gate), self.activation(new)
        return gate * new + (1 - gate) * inputs


# ---------------------------------------------------------------- convolutions of Keras 1


class _Keras1(type):
    """Classes whose arguments are understood as Keras 1 had them, and which make today's layer."""

    modern: type[Layer]
    order: tuple[str, ...]
    names: ClassVar[dict[str, Any]] = {}  # beside those that the layer of today knows

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 2 and isinstance(args[1], int):
            args, kwargs = (), by_name(cls.__name__, cls.order, args, kwargs)
        if "output_shape" in cls.order:  # of a Deconvolution: it follows from the rest
            kwargs.pop("output_shape", None)
        return cls.modern(*args, **renamed_arguments(cls.__name__, kwargs, cls.names))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.modern)


_ROWS = ("filters", "nb_row", "nb_col", "init", "activation", "weights", "border_mode")
_DIMS = ("filters", "kernel_dim1", "kernel_dim2", "kernel_dim3", *_ROWS[3:])


class Convolution2D(metaclass=_Keras1):
    """Keras 1's `Conv2D`: the window may be two numbers, `Convolution2D(filters, rows, columns)`.

    >>> Convolution2D(8, 3, 5, border_mode="same").kernel_size
    (3, 5)
    """

    modern = layers.Conv2D
    order = _ROWS


class AtrousConvolution2D(metaclass=_Keras1):
    """Keras 1's `Conv2D` with a dilation, which it calls `atrous_rate`.

    >>> AtrousConvolution2D(8, 3, 3, atrous_rate=(2, 2)).dilation_rate
    (2, 2)
    """

    modern = layers.Conv2D
    order = _ROWS


class AtrousConvolution1D(metaclass=_Keras1):
    """Keras 1's `Conv1D` with a dilation, which it calls `atrous_rate`.

    >>> AtrousConvolution1D(8, 3, atrous_rate=2).dilation_rate
    (2,)
    """

    modern = layers.Conv1D
    order = ("filters", "kernel_size", "init", "activation", "weights", "border_mode")


class Convolution3D(metaclass=_Keras1):
    """Keras 1's `Conv3D`: the window may be three numbers.

    >>> Convolution3D(8, 3, 4, 5).kernel_size
    (3, 4, 5)
    """

    modern = layers.Conv3D
    order = _DIMS


class SeparableConvolution2D(metaclass=_Keras1):
    """Keras 1's `SeparableConv2D`: the window may be two numbers.

    >>> SeparableConvolution2D(8, 3, 5, border_mode="same").kernel_size
    (3, 5)
    """

    modern = layers.SeparableConv2D
    order = _ROWS
    names: ClassVar[dict[str, Any]] = {
        "bias": "use_bias",
        "border_mode": "padding",
        "dim_ordering": "data_format",
        "init": lambda value: {"depthwise_initializer": value, "pointwise_initializer": value},
        "subsample": "strides",
    }


class Deconvolution2D(metaclass=_Keras1):
    """Keras 1's `Conv2DTranspose`. Its `output_shape` follows from the rest, as in Keras 2.

    >>> Deconvolution2D(8, 3, 3, output_shape=(None, 12, 12, 8), subsample=(2, 2)).strides
    (2, 2)
    """

    modern = layers.Conv2DTranspose
    order = (*_ROWS[:3], "output_shape", *_ROWS[3:])


class Deconvolution3D(metaclass=_Keras1):
    """Keras 1's `Conv3DTranspose`, as `Deconvolution2D`.

    >>> Deconvolution3D(8, 3, 4, 5).kernel_size
    (3, 4, 5)
    """

    modern = layers.Conv3DTranspose
    order = (*_DIMS[:4], "output_shape", *_DIMS[4:])


# ---------------------------------------------------------------- merging


class _Merge(merging._Merge):
    """The base class of Keras 2's merging layers. One of one's own defines `_merge_function`.

    >>> class First(_Merge):
    ...     def _merge_function(self, inputs):
    ...         return inputs[0]
    >>> First()([np.ones((1, 2)), np.zeros((1, 2))]).numpy()
    array([[1., 1.]], dtype=float32)
    """

    def call(self, inputs: Any) -> Tensor:
        """What `_merge_function` makes of the inputs, which have equally many axes."""
        return self._merge_function(self._matched(inputs))

    def _merge_function(self, inputs: list[Tensor]) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define _merge_function(inputs).")


_MODES = {
    "sum": layers.Add,
    "mul": layers.Multiply,
    "ave": layers.Average,
    "max": layers.Maximum,
    "concat": layers.Concatenate,
    "dot": layers.Dot,
    "cos": layers.Dot,
}


def merge(
    inputs: Sequence[Tensor],
    mode: str | Callable[[Sequence[Tensor]], Tensor] = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    output_mask: Any = None,
    arguments: dict[str, Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """Keras 1's way to make one tensor of several: see `Merge`.

    >>> x = layers.Input((3,))
    >>> merge([x, x], mode="concat").shape
    (None, 6)
    """
    made = Merge(None, mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name=name)
    return made(list(inputs))


def Merge(
    layers: Sequence[Layer] | None = None,
    mode: str | Callable[[Sequence[Tensor]], Tensor] = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    output_mask: Any = None,
    arguments: dict[str, Any] | None = None,
    name: str | None = None,
) -> Layer:
    """The layer of today that does what Keras 1's `Merge` did.

    Args:
        layers: must be None: a Sequential of several inputs no longer exists; call the layer on
            their outputs in a Model.
        mode: "sum", "mul", "ave", "max", "concat", "dot", "cos", or a function of the tensors.
        concat_axis: of "concat".
        dot_axes: of "dot" and "cos".
        output_shape: of the function; traced, it is not needed.
        output_mask: must be None.
        arguments: passed to the function.
        name: of the layer.

    Raises:
        ValueError: for `layers`, an `output_mask`, or an unknown mode.
    """
    if layers is not None or output_mask is not None:
        raise ValueError(
            "Merge(layers) as the start of a Sequential, and output_mask, are not supported: build "
            "a Model(inputs, outputs), and call Merge(mode=...) on a list of tensors."
        )
    if callable(mode):
        from kerasish.layers import Lambda

        return Lambda(mode, output_shape=output_shape, arguments=arguments, name=name)
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {', '.join(_MODES)}, or a function; got {mode!r}.")
    if arguments or output_shape is not None:
        name = "arguments" if arguments else "output_shape"
        raise ValueError(f"Merge(mode={mode!r}): {name} is of use to a function as the mode only.")
    options: dict[str, Any] = {"name": name}
    if mode == "concat":
        options["axis"] = concat_axis
    if mode in ("dot", "cos"):
        options |= {"axes": dot_axes, "normalize": mode == "cos"}
    return _MODES[mode](**options)


# ---------------------------------------------------------------- recurrence


class Recurrent(Layer):
    """The base class of recurrent layers until Keras 2.1. A layer of one's own defines `step`.

    It may also define `preprocess_input(inputs)`, `get_constants(inputs)` and
    `get_initial_state(inputs)`, and sets `units` (or defines the latter).

    Args:
        return_sequences: whether to return the outputs of all time steps, not of the last only.
        return_state: whether to return the last states after the output.
        go_backwards: whether to start with the last time step.
        stateful: must be False: derive from `RNN` with a cell for that.
        unroll: whether to write all steps out in the graph. Needs a fixed number of steps.
        implementation: one of older Keras's ways to compute the same; all are one here.

    >>> class Sum(Recurrent):
    ...     units = 3
    ...     def step(self, inputs, states):
    ...         total = states[0] + inputs
    ...         return total, [total]
    >>> Sum()(np.ones((1, 4, 3))).numpy()
    array([[4., 4., 4.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        implementation: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if stateful:
            raise ValueError(
                f"{type(self).__name__}: a Recurrent can't be stateful here. Write its step as a "
                "cell (a class with state_size and call(inputs, states)) and use RNN(cell)."
            )
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.implementation = implementation

    def step(self, inputs: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The output and the new states of one time step; after the states come the constants."""
        raise NotImplementedError(f"{type(self).__name__} must define step(inputs, states).")

    def preprocess_input(self, inputs: Tensor, training: Any = None) -> Tensor:
        """What is computed for all time steps at once."""
        return inputs

    def get_constants(self, inputs: Tensor, training: Any = None) -> list[Tensor]:
        """What is the same for all time steps."""
        return []

    def get_initial_state(self, inputs: Tensor) -> list[Tensor]:
        """A state of zeros, (batch, units)."""
        return [ops.zeros((ops.shape(inputs)[0], self.units), dtype=inputs.dtype)]

    def call(
        self, inputs: Tensor, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        """Runs the steps."""
        from kerasish.backend import rnn

        states = self.get_initial_state(inputs) if initial_state is None else initial_state
        last, outputs, states = rnn(
            self.step,
            _with_training(self.preprocess_input, inputs, training),
            states,
            go_backwards=self.go_backwards,
            mask=mask,
            constants=_with_training(self.get_constants, inputs, training),
            unroll=self.unroll,
        )
        result = outputs if self.return_sequences else last
        return (result, *states) if self.return_state else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs, if there is an output for each step."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        return mask if self.return_sequences else None


def _with_training(method: Callable[..., Any], inputs: Tensor, training: Any) -> Any:
    """Calls a method that may not take `training`, as in Keras 1."""
    from kerasish.compat.older_utils import has_arg

    return method(inputs, training=training) if has_arg(method, "training") else method(inputs)


class ConvRecurrent2D(Recurrent):
    """Refuses to be made: derive from `RNN` with a cell whose states are images."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise NotImplementedError(
            "ConvRecurrent2D: use ConvLSTM2D, or RNN with a cell whose state_size holds shapes."
        )
