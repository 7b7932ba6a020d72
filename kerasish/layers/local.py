"""Locally connected layers: convolutions with other weights at each place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import activations, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import one_of, per_axis, positive
from kerasish.layers.convolution import of_filters
from kerasish.layers.input_spec import InputSpec


class _LocallyConnected(Layer):
    """Subclasses say by `rank` how many spatial axes there are."""

    rank: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        name = type(self).__name__
        self.filters = positive(filters, f"{name}: filters")
        self.kernel_size = per_axis(kernel_size, self.rank, f"{name}: kernel_size")
        self.strides = per_axis(strides, self.rank, f"{name}: strides")
        self.padding = one_of(padding, ("valid",), f"{name}: padding")
        self.data_format = checked_format(data_format, name)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._keep_rules("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._keep_rules("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _is_first(self) -> bool:
        return self.data_format == "channels_first"

    def build(self, input_shape: Any) -> None:
        """Makes a kernel and a bias for each place."""
        sizes = input_shape[2:] if self._is_first else input_shape[1:-1]
        channels = input_shape[1 if self._is_first else -1]
        if None in (*sizes, channels):
            raise ValueError(
                f"Layer {self.name}: all sizes of the inputs but the batch's must be known, but "
                f"their shape is {format_shape(input_shape)}. Give it in Input(shape=...)."
            )
        rows = zip(sizes, self.kernel_size, self.strides, strict=True)
        self._places = tuple((size - window) // stride + 1 for size, window, stride in rows)
        if min(self._places) < 1:
            raise ValueError(
                f"Layer {self.name}: a window of {self.kernel_size} does not fit into inputs of "
                f"shape {format_shape(input_shape)}."
            )
        count = math.prod(self._places)
        self.kernel = self.add_weight(
            name="kernel", shape=(count, math.prod(self.kernel_size) * channels, self.filters)
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(*self._places, self.filters))
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))

    def call(self, inputs: Tensor) -> Tensor:
        """Each window times the kernel of its place, plus the bias, through the activation."""
        x = ops.moveaxis(inputs, 1, -1) if self._is_first else inputs
        outputs = ops.matmul(self._windows(x), self.kernel)  # (places, batch, filters)
        outputs = ops.transpose(outputs, (1, 0, 2))
        batch = ops.shape(outputs)[0]
        outputs = ops.reshape(outputs, (batch, *self._places, self.filters))
        if self.use_bias:
            outputs = outputs + self.bias
        outputs = self.activation(outputs)
        return ops.moveaxis(outputs, -1, 1) if self._is_first else outputs

    def _windows(self, x: Tensor) -> Tensor:
        """(places, batch, elements of a window); x has its channels last."""
        for i in range(self.rank):
            # Axis i + 1 becomes two: the places (there), the elements (before the channels).
            starts = np.arange(self._places[i]) * self.strides[i]
            at = (starts[:, None] + np.arange(self.kernel_size[i])).astype("int32")
            x = ops.moveaxis(ops.take(x, at, axis=i + 1), i + 2, -2)
        batch, n = ops.shape(x)[0], self.rank
        # Keras 2 has the elements of a window in the order of the data.
        if self._is_first:
            x = ops.moveaxis(x, -1, n + 1)
        count = math.prod(self._places)
        return ops.transpose(ops.reshape(x, (batch, count, self.kernel.shape[1])), (1, 0, 2))


@of_filters
class LocallyConnected1D(_LocallyConnected):
    """Like `Conv1D`, with filters of its own for each step.

    Args: as those of `LocallyConnected2D`, with one spatial axis.

    Shapes:
        (batch, steps, channels) -> (batch, new steps, filters)

    >>> LocallyConnected1D(8, 3)(np.ones((1, 10, 4))).shape
    (1, 8, 8)
    """

    rank = 1


@of_filters
class LocallyConnected2D(_LocallyConnected):
    """Like `Conv2D`, with filters of its own for each place.

    Args:
        filters: the number of outputs per place.
        kernel_size: height and width of a filter; one int for both.
        strides: by how much it moves on.
        padding: "valid", the only one there is.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        activation: name or function, none if None.
        use_bias: whether to add a bias per filter and place.
        kernel_initializer: of the kernel, of shape (places, window * channels, filters).
        bias_initializer: of the bias, of shape (new height, new width, filters).
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.

    Shapes:
        (batch, height, width, channels) -> (batch, new height, new width, filters)

    >>> LocallyConnected2D(8, 3)(np.ones((1, 6, 5, 4))).shape
    (1, 4, 3, 8)
    """

    rank = 2
