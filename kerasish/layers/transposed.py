"""Transposed convolutions over 1, 2 and 3 spatial axes: what makes images larger."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import per_axis, positive
from kerasish.layers.convolution import _Convolution, of_filters


class _ConvTranspose(_Convolution):
    """What a plain convolution does backwards."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        if output_padding is not None:
            output_padding = per_axis(output_padding, self.rank, f"{name}: output_padding", least=0)
        self.output_padding = output_padding
        self._keep_rules("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias."""
        shape = (*self.kernel_size, self.filters, self._channels(input_shape))
        self.kernel = self.add_weight(name="kernel", shape=shape)
        self._add_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        """The transposed convolution, plus the bias, through the activation."""
        return self._finished(
            ops.conv_transpose(
                inputs,
                self.kernel,
                strides=self.strides,
                padding=self.padding,
                output_padding=self.output_padding,
                data_format=self.data_format,
                dilation_rate=self.dilation_rate,
            )
        )


@of_filters
class Conv1DTranspose(_ConvTranspose):
    """Makes sequences longer: each step gives a stretch of steps, and overlaps are added.

    Args: as those of `Conv2DTranspose`, with one spatial axis.

    Shapes:
        (batch, steps, channels) -> (batch, new steps, filters)

    >>> Conv1DTranspose(8, 3, strides=2)(np.ones((1, 10, 4))).shape
    (1, 21, 8)
    """

    rank = 1


@of_filters
class Conv2DTranspose(_ConvTranspose):
    """Makes images larger: each place gives a patch, and overlapping patches are added.

    It has the shapes of a convolution backwards, and is that convolution's gradient.

    Source: Dumoulin & Visin, 2016, arXiv:1603.07285

    Args:
        filters: the number of outputs per place.
        kernel_size: height and width of a patch; one int for both.
        strides: by how much the image grows: the distance of the patches.
        padding: "valid" (the patches as a whole) or "same" (stride times as many places).
        output_padding: how much is added to the size of the outputs, less than the stride; as
            much as gives the usual size if None.
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: the distance of the places of a patch.
        activation: name or function, none if None.
        use_bias: whether to add a bias per filter.
        kernel_initializer: of the kernel, of shape (height, width, filters, channels).
        bias_initializer: of the bias, of shape (filters,).
        kernel_regularizer: adds a loss computed from the kernel.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        kernel_constraint: a projection of the kernel after each step.
        bias_constraint: a projection of the bias after each step.

    Shapes:
        (batch, height, width, channels) -> (batch, new height, new width, filters)

    >>> Conv2DTranspose(8, 3, strides=2, padding="same")(np.ones((1, 5, 5, 4))).shape
    (1, 10, 10, 8)
    """

    rank = 2


@of_filters
class Conv3DTranspose(_ConvTranspose):
    """Makes volumes larger: each place gives a block, and overlapping blocks are added.

    Args: as those of `Conv2DTranspose`, with three spatial axes.

    Shapes:
        (batch, a, b, c, channels) -> (batch, new a, new b, new c, filters)

    >>> Conv3DTranspose(8, 2)(np.ones((1, 3, 3, 3, 4))).shape
    (1, 4, 4, 4, 8)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ):
        if isinstance(output_padding, str) or isinstance(data_format, (int, list, tuple)):
            # The order of Keras 2, and of the other layers of this kind.
            data_format, output_padding = output_padding, data_format
        more = (output_padding, data_format, *args)
        super().__init__(filters, kernel_size, strides, padding, *more, **kwargs)
