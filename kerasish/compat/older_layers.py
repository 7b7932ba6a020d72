"""Layers that Keras no longer has: real ones, for programs of Keras 1 and 2."""

from __future__ import annotations

import types
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
    "Convolution2D",
    "Convolution3D",
    "Deconvolution2D",
    "Deconvolution3D",
    "Highway",
    "MaxoutDense",
    "Merge",
    "Network",
    "SeparableConvolution2D",
    "TimeDistributedDense",
    "_Conv",
    "_Merge",
    "_Pooling1D",
    "_Pooling2D",
    "_Pooling3D",
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
    further: tuple[str, ...] = ()  # arguments after those, which only subclasses give so
    names: ClassVar[dict[str, Any]] = {}  # beside those that the layer of today knows

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 2 and isinstance(args[1], int):
            args, kwargs = (), by_name(cls.__name__, cls.order, args, kwargs)
        if "output_shape" in cls.order:  # of a Deconvolution: it follows from the rest
            kwargs.pop("output_shape", None)
        return cls.modern(*args, **renamed_arguments(cls.__name__, kwargs, cls.names))

    def __new__(mcs, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(mcs, name, bases, space)
        # A class of a program's own is one of today's layer, made as Keras 1's was.
        bases = tuple(_as_base(b) if isinstance(b, _Keras1) else b for b in bases)
        return types.new_class(name, bases, exec_body=lambda body: body.update(space))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.modern)


def _as_base(older: Any) -> type[Layer]:
    """Today's layer with the arguments, and some attributes, of a class of Keras 1."""

    class OfKeras1(older.modern):
        nb_filter = property(lambda self: self.filters)
        border_mode = property(lambda self: self.padding)
        subsample = property(lambda self: self.strides)
        filter_length = property(lambda self: self.kernel_size[0])
        nb_row, nb_col = filter_length, property(lambda self: self.kernel_size[1])
        atrous_rate = property(lambda self: _one_or_all(self.dilation_rate))

        def __init__(self, *args: Any, **kwargs: Any):
            order = older.order + older.further
            window = "nb_row" in order and len(args) > 2 and isinstance(args[1], int)
            if window or (len(args) > 2 and not isinstance(args[2], (int, tuple, list))):
                args, kwargs = (), by_name(older.__name__, order, args, kwargs)
            super().__init__(*args, **renamed_arguments(older.__name__, kwargs, older.names))

        def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
            """As today's; Keras 1 passed a mask, which convolutions have no use for."""
            return super().call(inputs)

    OfKeras1.__name__ = older.__name__
    return OfKeras1


def _one_or_all(sizes: tuple[int, ...]) -> Any:
    return sizes[0] if len(sizes) == 1 else sizes


_RULES = (
    "W_regularizer", "b_regularizer", "activity_regularizer", "W_constraint", "b_constraint", "bias"
)  # fmt: skip
_ROWS = ("filters", "nb_row", "nb_col", "init", "activation", "weights", "border_mode")
_DIMS = ("filters", "kernel_dim1", "kernel_dim2", "kernel_dim3", *_ROWS[3:])


class Convolution2D(metaclass=_Keras1):
    """Keras 1's `Conv2D`: the window may be two numbers, `Convolution2D(filters, rows, columns)`.

    >>> Convolution2D(8, 3, 5, border_mode="same").kernel_size
    (3, 5)
    """

    modern = layers.Conv2D
    order = _ROWS
    further = ("subsample", "dim_ordering", *_RULES)


class AtrousConvolution2D(metaclass=_Keras1):
    """Keras 1's `Conv2D` with a dilation, which it calls `atrous_rate`.

    >>> AtrousConvolution2D(8, 3, 3, atrous_rate=(2, 2)).dilation_rate
    (2, 2)
    """

    modern = layers.Conv2D
    order = _ROWS
    further = ("subsample", "atrous_rate", "dim_ordering", *_RULES)


class AtrousConvolution1D(metaclass=_Keras1):
    """Keras 1's `Conv1D` with a dilation, which it calls `atrous_rate`.

    >>> AtrousConvolution1D(8, 3, atrous_rate=2).dilation_rate
    (2,)
    """

    modern = layers.Conv1D
    order = ("filters", "kernel_size", "init", "activation", "weights", "border_mode")
    further = ("subsample_length", "atrous_rate", *_RULES)


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


class TimeDistributedDense(metaclass=_Keras1):
    """Keras 1's `Dense` for each time step, as any `Dense` is.

    >>> TimeDistributedDense(output_dim=8)(np.ones((1, 5, 3))).shape
    (1, 5, 8)
    """

    modern = layers.Dense
    order = ("units", "init", "activation", "weights")


# ---------------------------------------------------------------- what programs ask for the kind


class _Kind(type):
    """A class of which all instances of several classes are."""

    kinds: tuple[type, ...]

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.kinds)


class _Conv(metaclass=_Kind):
    """Keras 2's base class of convolutions, for `isinstance`."""

    kinds = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


class _Pooling1D(metaclass=_Kind):
    """Keras 2's base class of poolings over sequences, for `isinstance`."""

    kinds = (layers.MaxPooling1D, layers.AveragePooling1D)


class _Pooling2D(metaclass=_Kind):
    """Keras 2's base class of poolings over images, for `isinstance`.

    >>> isinstance(layers.MaxPooling2D(), _Pooling2D), isinstance(layers.Dense(1), _Pooling2D)
    (True, False)
    """

    kinds = (layers.MaxPooling2D, layers.AveragePooling2D)


class _Pooling3D(metaclass=_Kind):
    """Keras 2's base class of poolings over volumes, for `isinstance`."""

    kinds = (layers.MaxPooling3D, layers.AveragePooling3D)


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


def _of_models(models: list[Any], merging: Layer, name: str | None) -> Model:
    """The model of all inputs of several models, which merges their outputs."""
    unknown = [model.name for model in models if not getattr(model, "inputs", None)]
    if unknown:
        raise ValueError(
            f"Merge: {unknown[0]} doesn't know the shape of its input yet. Tell its first layer: "
            "input_shape=..."
        )
    inputs = list({id(x): x for model in models for x in model.inputs}.values())
    return Model(inputs, merging([model.outputs[0] for model in models]), name=name)


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
        layers: models whose outputs are merged, as the start of a `Sequential` that takes the
            inputs of all of them; None for a layer that is called on tensors.
        mode: "sum", "mul", "ave", "max", "concat", "dot", "cos", or a function of the tensors.
        concat_axis: of "concat".
        dot_axes: of "dot" and "cos".
        output_shape: of the function; traced, it is not needed.
        output_mask: must be None.
        arguments: passed to the function.
        name: of the layer.

    Raises:
        ValueError: for an `output_mask`, an unknown mode, or models that don't know the shapes of
            their inputs.

    >>> from kerasish.models import Sequential
    >>> left, right = (Sequential([layers.Dense(2, input_dim=size)]) for size in (3, 4))
    >>> model = Sequential([Merge([left, right], mode="concat"), layers.Dense(1)])
    >>> model.predict([np.ones((5, 3)), np.ones((5, 4))], verbose=0).shape
    (5, 1)
    """
    if output_mask is not None:
        raise ValueError(
            "Merge: output_mask is not supported. A layer of one's own with compute_mask has one."
        )
    if layers is not None:
        merging = Merge(None, mode, concat_axis, dot_axes, output_shape, None, arguments)
        return _of_models(list(layers), merging, name)
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
