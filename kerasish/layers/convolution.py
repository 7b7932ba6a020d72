"""Convolutions over 1, 2 and 3 spatial axes, plain, depthwise and separable."""

from __future__ import annotations

from typing import Any

from kerasish import activations, compat, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.base import Layer
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import padding as checked_padding
from kerasish.layers.checks import per_axis, positive
from kerasish.layers.input_spec import InputSpec


class _Convolution(Layer):
    """What all convolutions share. Subclasses say by `rank` how many spatial axes there are."""

    rank: int
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        self.kernel_size = per_axis(kernel_size, self.rank, f"{name}: kernel_size")
        self.strides = per_axis(strides, self.rank, f"{name}: strides")
        self.dilation_rate = per_axis(dilation_rate, self.rank, f"{name}: dilation_rate")
        self.padding = checked_padding(padding, self.paddings, self.rank, f"{name}: padding")
        self.data_format = checked_format(data_format, name)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._keep_rules("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{name}: strides above 1 and a dilation_rate above 1 exclude each other, but got "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}."
            )

    def _channels(self, input_shape: Any) -> int:
        """The number of channels of the inputs, on which later inputs are held."""
        axis = 1 if self.data_format == "channels_first" else -1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.name}: the number of channels (axis {axis} for "
                f"{self.data_format}) must be known, but the inputs have shape "
                f"{format_shape(input_shape)}. Give it in Input(shape=...)."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_bias(self, filters: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(filters,))

    def convolution_op(self, inputs: Tensor, kernel: Any) -> Tensor:
        """The convolution itself, without the bias; may be overridden.

        Args:
            inputs: as `call` gets them.
            kernel: of shape `(*kernel_size, channels, filters)`.
        """
        return ops.conv(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def _finished(self, outputs: Tensor) -> Tensor:
        """The bias and the activation."""
        if self.use_bias:
            bias = ops.convert_to_tensor(self.bias)
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            outputs = outputs + bias
        return outputs if self.activation is None else self.activation(outputs)


class _Conv(_Convolution):
    """A plain convolution."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        name = type(self).__name__
        self.filters = positive(filters, f"{name}: filters")
        self.groups = positive(groups, f"{name}: groups")
        if self.filters % self.groups:
            raise ValueError(
                f"{name}: filters must be a multiple of groups, but got filters={filters} and "
                f"groups={groups}."
            )
        self._keep_rules("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias."""
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name}: {channels} channels cannot be divided into "
                f"{self.groups} groups."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape)
        self._add_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        """The convolution with the kernel, plus the bias, through the activation."""
        return self._finished(self.convolution_op(inputs, self.kernel))


# Of all layers with filters that move; where a layer has no such argument it says so.
of_filters = compat.older_names(
    nb_filter="filters",
    filter_length="kernel_size",
    border_mode="padding",
    subsample="strides",
    subsample_length="strides",
    dim_ordering="data_format",
    atrous_rate="dilation_rate",
    init="kernel_initializer",
    bias="use_bias",
    W_regularizer="kernel_regularizer",
    b_regularizer="bias_regularizer",
    W_constraint="kernel_constraint",
    b_constraint="bias_constraint",
)


@of_filters
class Conv1D(_Conv):
    """Slides filters along sequences.

    Args:
        filters: the number of outputs per step.
        kernel_size: how many steps a filter covers.
        strides: by how many steps it moves on.
        padding: "valid" (none), "same" (as many outputs as steps over the stride) or "causal"
            (an output depends on earlier steps only).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: the distance of the steps that a filter covers.
        groups: how many groups the channels are divided in, each with filters of its own.
        activation: name or function, none if None.
        use_bias: whether to add a bias per filter.
        kernel_initializer: of the kernel, of shape (steps, channels / groups, filters).
        bias_initializer: of the bias, of shape (filters,).
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.

    Shapes:
        (batch, steps, channels) -> (batch, new steps, filters)

    >>> Conv1D(8, 3)(np.ones((1, 10, 4))).shape
    (1, 8, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@of_filters
class Conv2D(_Conv):
    """Slides filters over images.

    Args:
        filters: the number of outputs per place.
        kernel_size: height and width of a filter; one int for both.
        strides: by how much it moves on.
        padding: "valid" (none) or "same" (as many outputs as places over the stride).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: the distance of the places that a filter covers.
        groups: how many groups the channels are divided in, each with filters of its own.
        activation: name or function, none if None.
        use_bias: whether to add a bias per filter.
        kernel_initializer: of the kernel, of shape (height, width, channels / groups, filters).
        bias_initializer: of the bias, of shape (filters,).
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.

    Shapes:
        (batch, height, width, channels) -> (batch, new height, new width, filters), or
        (batch, channels, height, width) -> (batch, filters, new height, new width)

    >>> Conv2D(8, 3)(np.ones((1, 10, 10, 4))).shape
    (1, 8, 8, 8)
    """

    rank = 2


@of_filters
class Conv3D(_Conv):
    """Slides filters over volumes.

    Args: as those of `Conv2D`, with three spatial axes.

    Shapes:
        (batch, a, b, c, channels) -> (batch, new a, new b, new c, filters)

    >>> Conv3D(8, 3)(np.ones((1, 5, 5, 5, 4))).shape
    (1, 3, 3, 3, 8)
    """

    rank = 3


class _DepthwiseConv(_Convolution):
    """A convolution of each channel by itself."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.depth_multiplier = positive(
            depth_multiplier, f"{type(self).__name__}: depth_multiplier"
        )
        self._keep_rules(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias."""
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.add_weight(name="depthwise_kernel", shape=shape)
        self._add_bias(channels * self.depth_multiplier)

    @property
    def kernel(self) -> Variable:
        """The same as `depthwise_kernel`: Keras 3's name."""
        return self.depthwise_kernel

    def call(self, inputs: Tensor) -> Tensor:
        """The convolution with the kernel, plus the bias, through the activation."""
        kernel = _one_group_per_channel(self.depthwise_kernel)
        return self._finished(self.convolution_op(inputs, kernel))


def _one_group_per_channel(kernel: Any) -> Tensor:
    """A kernel (*window, channels, multiplier) as one with a group per channel."""
    *window, channels, multiplier = kernel.shape
    return ops.reshape(kernel, (*window, 1, channels * multiplier))


class DepthwiseConv1D(_DepthwiseConv):
    """Slides filters along sequences, each channel by itself.

    Args: as those of `DepthwiseConv2D`, with one spatial axis.

    Shapes:
        (batch, steps, channels) -> (batch, new steps, channels * depth_multiplier)

    >>> DepthwiseConv1D(3)(np.ones((1, 10, 4))).shape
    (1, 8, 4)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class DepthwiseConv2D(_DepthwiseConv):
    """Slides filters over images, each channel by itself.

    Args:
        kernel_size: height and width of a filter; one int for both.
        strides: by how much it moves on.
        padding: "valid" (none) or "same" (as many outputs as places over the stride).
        depth_multiplier: the number of filters per channel.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: the distance of the places that a filter covers.
        activation: name or function, none if None.
        use_bias: whether to add a bias per filter.
        depthwise_initializer: of the kernel, of shape (height, width, channels, multiplier).
        bias_initializer: of the bias.
        depthwise_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        depthwise_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.

    Shapes:
        (batch, height, width, channels)
        -> (batch, new height, new width, channels * depth_multiplier)

    >>> DepthwiseConv2D(3, depth_multiplier=2)(np.ones((1, 6, 6, 4))).shape
    (1, 4, 4, 8)
    """

    rank = 2


class _SeparableConv(_Convolution):
    """A depthwise convolution, then one of size 1 across the channels."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        name = type(self).__name__
        self.filters = positive(filters, f"{name}: filters")
        self.depth_multiplier = positive(depth_multiplier, f"{name}: depth_multiplier")
        self._keep_rules(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self._keep_rules(
            "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint
        )

    def build(self, input_shape: Any) -> None:
        """Makes both kernels and the bias."""
        channels = self._channels(input_shape)
        between = channels * self.depth_multiplier
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*(1,) * self.rank, between, self.filters)
        self.depthwise_kernel = self.add_weight(name="depthwise_kernel", shape=depthwise)
        self.pointwise_kernel = self.add_weight(name="pointwise_kernel", shape=pointwise)
        self._add_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        """Both convolutions, plus the bias, through the activation."""
        between = self.convolution_op(inputs, _one_group_per_channel(self.depthwise_kernel))
        return self._finished(
            ops.conv(between, self.pointwise_kernel, data_format=self.data_format)
        )


class SeparableConv1D(_SeparableConv):
    """A depthwise convolution along sequences, then a mix of the channels.

    Args: as those of `SeparableConv2D`, with one spatial axis.

    Shapes:
        (batch, steps, channels) -> (batch, new steps, filters)

    >>> SeparableConv1D(8, 3)(np.ones((1, 10, 4))).shape
    (1, 8, 8)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class SeparableConv2D(_SeparableConv):
    """A depthwise convolution over images, then a mix of the channels.

    Source: Chollet, 2016, arXiv:1610.02357

    Args:
        filters: the number of outputs per place.
        kernel_size: height and width of the depthwise filters; one int for both.
        strides: by how much they move on.
        padding: "valid" (none) or "same" (as many outputs as places over the stride).
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: the distance of the places that a filter covers.
        depth_multiplier: the number of depthwise filters per channel.
        activation: name or function, none if None.
        use_bias: whether to add a bias per filter.
        depthwise_initializer: of the depthwise kernel, (height, width, channels, multiplier).
        pointwise_initializer: of the kernel that mixes, (1, 1, channels * multiplier, filters).
        bias_initializer: of the bias, of shape (filters,).
        depthwise_regularizer: adds a loss computed from the depthwise kernel.
        pointwise_regularizer: adds a loss computed from the kernel that mixes.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        depthwise_constraint: a projection of the depthwise kernel after each step.
        pointwise_constraint: a projection of the kernel that mixes after each step.
        bias_constraint: a projection of the bias after each step.

    Shapes:
        (batch, height, width, channels) -> (batch, new height, new width, filters)

    >>> SeparableConv2D(8, 3)(np.ones((1, 6, 6, 4))).shape
    (1, 4, 4, 8)
    """

    rank = 2
