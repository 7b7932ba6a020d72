"""The plain layers: Dense, Lambda, Identity, Masking."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from kerasish import activations, compat, ops, tree
from kerasish.compat.modules import attributes as older_attributes
from kerasish.graph.shapes import Dim, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import features as checked_features
from kerasish.layers.checks import positive
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.quantized import Quantizable
from kerasish.saving.serialization import get_registered_object, serialize_keras_object


@compat.older_names(
    output_dim="units",
    init="kernel_initializer",
    bias="use_bias",
    W_regularizer="kernel_regularizer",
    b_regularizer="bias_regularizer",
    W_constraint="kernel_constraint",
    b_constraint="bias_constraint",
)
class Dense(Quantizable):
    """A fully connected layer: activation(inputs @ kernel + bias).

    Args:
        units: the number of outputs.
        activation: name or function, none if None.
        use_bias: whether to add a bias.
        kernel_initializer: of the kernel, of shape (features, units).
        bias_initializer: of the bias, of shape (units,).
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.
        quantization_config: of a layer that is made of the config of a quantized one.

    Shapes:
        (batch, ..., features) -> (batch, ..., units)

    >>> Dense(3, activation="relu")(np.ones((2, 5))).shape
    (2, 3)
    """

    supports_masking = True
    _table = "kernel"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._keep_quantization(quantization_config)
        self.units = positive(units, "Dense: units")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._keep_rules("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._keep_rules("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias."""
        features = checked_features(input_shape, self.name)
        self._add_table((features, self.units))
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Tensor) -> Tensor:
        """The product with the kernel, plus the bias, through the activation."""
        outputs = ops.matmul(self._rounded(inputs, (-1,)), self._table_now())
        if self.use_bias:
            outputs = outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def _reduced_axes(self) -> tuple[int, ...]:
        return (0,)


class Lambda(Layer):
    """Makes a layer of a function of tensors.

    The function must not make weights: write a Layer for that. When a model is loaded, the
    function is passed as a custom object under its name; a `lambda`, which has none and is saved
    as byte code, under that of the layer.

    Args:
        function: takes the inputs, then `arguments`; and `mask` and `training` if it has
            parameters of these names.
        output_shape: a shape without the batch axis, or a function of the input's shape that
            returns the whole shape. Not needed; where given, the output must have it.
        mask: the mask of the outputs: a tensor, or a function of the inputs and their mask.
        arguments: further keyword arguments of the function.

    >>> Lambda(lambda x: x ** 2)(np.array([[3.0]])).numpy()
    array([[9.]], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda takes a function of tensors, but got {function!r:.80}.")
        self.function = function
        if output_shape is not None and not (
            callable(output_shape) or isinstance(output_shape, (list, tuple))
        ):
            raise TypeError(
                "Lambda: output_shape must be a shape without the batch axis, or a function of "
                f"the input's shape, but got {output_shape!r:.80}."
            )
        self.output_shape_given = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """The function's result."""
        wanted = _parameters(self.function)
        offered = {"mask": mask, "training": training}
        extra = {name: value for name, value in offered.items() if name in wanted}
        result = self.function(inputs, **{**extra, **self.arguments})
        if self.output_shape_given is None:
            return result
        return _of_shape(result, self._expected_shape(inputs), self.name)

    def _expected_shape(self, inputs: Any) -> tuple[int | None, ...]:
        given = self.output_shape_given
        if callable(given):
            return tuple(given(tree.map_structure(lambda x: x.shape, inputs)))
        first = tree.flatten(inputs)[0]
        return (first.shape[0], *given)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask that was given, or computed by the function that was given."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "output_shape": serialize_keras_object(self.output_shape_given)
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Needs its functions among the custom objects, by their names."""
        config = dict(config)
        for key in ("function", "output_shape", "mask"):
            name = config.get(key)
            if not isinstance(name, str):
                continue  # in files of Keras 2 they are names
            config[key] = get_registered_object(name)
            if config[key] is None:
                raise ValueError(
                    f"Layer {config.get('name')} is a Lambda with the {key} {name!r}. Pass "
                    f"custom_objects={{{name!r}: {name}}}."
                )
        if isinstance(config.get("function"), (list, tuple)):
            raise ValueError(
                f"Layer {config.get('name')} is a Lambda whose code is part of the file. Code "
                "from a file is never run: write the function with def in your program, and "
                "save the model again from there."
            )
        old = ("function_type", "module", "output_shape_type", "output_shape_module")
        return super().from_config({k: v for k, v in config.items() if k not in old})


def _parameters(function: Callable[..., Any]) -> Any:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # some functions written in C have none
        return {}


def _of_shape(x: Tensor, shape: tuple[int | None, ...], layer: str) -> Tensor:
    """`x`, whose shape must fit; sizes that only `shape` knows become known."""
    if isinstance(x, (list, tuple)) and len(x) == 1:
        x = x[0]  # as K.gradients of one variable returns it
    x = ops.convert_to_tensor(x)
    if len(x.shape) < len(shape) and set(shape[len(x.shape) :]) == {1}:
        # Older Kerases believed that K.sum(..., axis=-1) has the shape that was given.
        x = ops.expand_dims(x, tuple(range(len(x.shape), len(shape))))
    if not compatible(x.shape, shape):
        raise ValueError(
            f"Layer {layer}: output_shape says {format_shape(shape)}, but the function returned "
            f"a tensor of shape {format_shape(x.shape)}."
        )
    sizes = [Dim.of(x, i) if size is None else size for i, size in enumerate(shape)]
    return ops.reshape(x, sizes)


class Identity(Layer):
    """Returns its inputs.

    Shapes:
        any -> the same

    >>> Identity()(np.ones(2)).numpy()
    array([1., 1.], dtype=float32)
    """

    supports_masking = True

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs


class Masking(Layer):
    """Marks time steps to be skipped: those in which all features equal `mask_value`.

    Args:
        mask_value: what stands in the steps to skip.

    Shapes:
        (batch, steps, features) -> the same, with 0 in the steps to skip

    >>> Masking()(np.array([[[0.0, 0.0], [1.0, 0.0]]])).mask.numpy()
    array([[False,  True]])
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs, 0 in the steps to skip."""
        counts = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * ops.cast(counts, inputs.dtype)

    def compute_mask(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """True where a step has a feature unlike `mask_value`."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)


# Older Keras has more layers under the name of this module.
__getattr__ = older_attributes(__name__)
