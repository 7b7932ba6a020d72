"""ConvLSTM: an LSTM whose products are convolutions, for sequences of images."""

from __future__ import annotations

from typing import Any

from kerasish import compat, ops
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.layers.checks import data_format as checked_format
from kerasish.layers.checks import padding as checked_padding
from kerasish.layers.checks import per_axis
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.recurrent import RNN
from kerasish.layers.recurrent_cells import LSTMCell, Masks, _dropped
from kerasish.layers.recurrent_layers import OfCell


class ConvLSTMCell(LSTMCell):
    """One time step of a ConvLSTM layer.

    Args:
        rank: the number of spatial axes.
        filters: the number of channels of the output and of each state.
        kernel_size: of both convolutions.
        strides: of the convolution of the inputs.
        padding: of the convolution of the inputs; that of the states is always "same".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: of the convolution of the inputs.
        **kwargs: those of `LSTMCell`.

    >>> cell, zeros = ConvLSTMCell(1, 3, 2, padding="same"), np.zeros((2, 5, 3))
    >>> cell(np.ones((2, 5, 4)), [zeros, zeros])[0].shape
    (2, 5, 3)
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        **kwargs: Any,
    ):
        super().__init__(filters, **kwargs)
        self.rank, self.filters = rank, self.units
        self.kernel_size = per_axis(kernel_size, rank, "ConvLSTM: kernel_size")
        self.strides = per_axis(strides, rank, "ConvLSTM: strides")
        self.padding = checked_padding(padding, ("valid", "same"), rank, "ConvLSTM: padding")
        self.data_format = checked_format(data_format, "ConvLSTM")
        self.dilation_rate = per_axis(dilation_rate, rank, "ConvLSTM: dilation_rate")

    @property
    def _axis(self) -> int:
        """Of the channels."""
        return 1 if self.data_format == "channels_first" else self.rank + 1

    def build(self, input_shape: Any) -> None:
        """Makes both kernels and the bias."""
        channels = input_shape[self._axis] if len(input_shape) == self.rank + 2 else None
        if channels is None:
            raise ValueError(
                f"{self.name}: one time step of the inputs must have {self.rank} "
                f"spatial axes and a known number of channels, but has shape "
                f"{format_shape(input_shape)}."
            )
        width = 4 * self.filters
        self.kernel = self.add_weight(name="kernel", shape=(*self.kernel_size, channels, width))
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(*self.kernel_size, self.filters, width)
        )
        self.bias = self._bias(width) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._axis: channels})

    def draw_masks(self, inputs: Tensor, training: bool | None) -> Masks:
        """What multiplies the inputs and the states: None where nothing is dropped."""
        of_inputs = self._mask(ops.shape(inputs), self.dropout, training)
        if not self.recurrent_dropout:
            return of_inputs, None
        shape = self._state_shape(self.project(inputs, (None, None)))
        return of_inputs, self._mask(shape, self.recurrent_dropout, training)

    def project(self, inputs: Tensor, masks: Masks) -> Tensor:
        """The convolution of the inputs, of one time step or of many."""
        x = inputs if masks[0] is None else inputs * masks[0]
        before = ops.shape(x)[: x.rank - self.rank - 1]
        if len(before) == 2:
            x = ops.reshape(x, (before[0] * before[1], *ops.shape(x)[2:]))
        projected = ops.conv(
            x, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )
        if self.bias is not None:
            bias = ops.convert_to_tensor(self.bias)
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            projected = projected + bias
        return ops.reshape(projected, (*before, *ops.shape(projected)[1:]))

    def _recurrent(self, state: Tensor, masks: Masks) -> Tensor:
        state = _dropped(state, masks)
        return ops.conv(state, self.recurrent_kernel, 1, "same", self.data_format)

    def _part(self, gates: Tensor, first: int, last: int) -> Tensor:
        key = [slice(None)] * gates.rank
        key[self._axis] = slice(first * self.filters, last * self.filters)
        return gates[tuple(key)]

    def _state_shape(self, projected: Tensor) -> list[Any]:
        shape = list(ops.shape(projected))
        shape[self._axis] = self.filters
        return shape

    def zero_states(self, projected: Tensor) -> list[Tensor]:
        """Zeros of the shape of the outputs."""
        shape = self._state_shape(projected)
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in self.state_size]

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Not to be had without the inputs, whose size the states have."""
        raise NotImplementedError(
            f"Cell {self.name}: the size of its states is that of the inputs; see zero_states."
        )


class ConvLSTM2DCell(ConvLSTMCell):
    """One time step of `ConvLSTM2D`, for `ConvRNN2D`.

    Args: the same as those of `ConvLSTM2D`, without what concerns sequences.

    >>> cell, zeros = ConvLSTM2DCell(3, 2, padding="same"), np.zeros((2, 5, 5, 3))
    >>> cell(np.ones((2, 5, 5, 4)), [zeros, zeros])[0].shape
    (2, 5, 5, 3)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        **kwargs: Any,
    ):
        kwargs |= {"activation": activation, "recurrent_activation": recurrent_activation}
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, **kwargs
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: value for key, value in config.items() if key not in ("rank", "units")}


class ConvRNN2D(RNN):
    """Runs a cell along time over sequences of images.

    Args:
        cell: a `ConvLSTM2DCell`, or an object like those that `RNN` takes whose `state_size`
            holds shapes.
        **kwargs: those of `RNN`.

    Shapes:
        (batch, steps, height, width, channels) -> what the cell returns of one step

    >>> ConvRNN2D(ConvLSTM2DCell(4, 3))(np.ones((2, 5, 8, 6, 3))).shape
    (2, 6, 4, 4)
    """

    def __init__(self, cell: Any, **kwargs: Any):
        if isinstance(cell, (list, tuple)):
            raise TypeError(
                "ConvRNN2D takes one cell, but got a list: how large the states of a second one "
                "are is not known. Stack ConvRNN2D layers with return_sequences=True."
            )
        super().__init__(cell, **kwargs)


class _ConvLSTM(OfCell):
    """Subclasses say by `rank` how many spatial axes there are."""

    rank: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ):
        self._init(ConvLSTMCell, {**locals(), "rank": self.rank})


_older = compat.older_names(
    nb_filter="filters",
    border_mode="padding",
    subsample="strides",
    dim_ordering="data_format",
    init="kernel_initializer",
    inner_init="recurrent_initializer",
    inner_activation="recurrent_activation",
    dropout_W="dropout",
    dropout_U="recurrent_dropout",
)


@_older
class ConvLSTM1D(_ConvLSTM):
    """An LSTM over sequences of sequences, whose products are convolutions.

    Args: as those of `ConvLSTM2D`, with one spatial axis.

    Shapes:
        (batch, steps, places, channels) -> (batch, new places, filters)

    >>> ConvLSTM1D(4, 3)(np.ones((2, 5, 8, 3))).shape
    (2, 6, 4)
    """

    rank = 1


@_older
class ConvLSTM2D(_ConvLSTM):
    """An LSTM over sequences of images, whose products are convolutions.

    Source: Shi et al., 2015, arXiv:1506.04214

    Args:
        filters: the number of channels of the output and of each state.
        kernel_size: height and width of both convolutions; one int for both.
        strides: of the convolution of the inputs.
        padding: of the convolution of the inputs, "valid" or "same"; that of the states is
            always "same".
        data_format: "channels_last" or "channels_first"; config.image_data_format() if None.
        dilation_rate: of the convolution of the inputs.
        activation: of the new state.
        recurrent_activation: of the gates. Keras 2 has "hard_sigmoid" where it does not say.
        use_bias: whether to add a bias.
        kernel_initializer: of the kernel of the inputs.
        recurrent_initializer: of the kernel of the states.
        bias_initializer: of the bias.
        unit_forget_bias: whether the bias of the forget gate starts with 1.
        kernel_regularizer: adds a loss computed from the kernel of the inputs.
        recurrent_regularizer: adds a loss computed from the kernel of the states.
        bias_regularizer: adds a loss computed from the bias.
        activity_regularizer: adds a loss computed from the output.
        kernel_constraint: a projection of the kernel of the inputs after each step.
        recurrent_constraint: a projection of the kernel of the states after each step.
        bias_constraint: a projection of the bias after each step.
        dropout: the share of the inputs to drop while training, the same in all time steps.
        recurrent_dropout: the share of the states to drop, likewise.
        seed: an int, for the same drops in each run of the program.
        return_sequences: whether to return the outputs of all time steps, not of the last only.
        return_state: whether to return the last states after the output.
        go_backwards: whether to start with the last time step.
        stateful: whether each batch starts with the states in which the one before ended.

    Shapes:
        (batch, steps, height, width, channels) -> (batch, new height, new width, filters), or
        (batch, steps, new height, new width, filters) with `return_sequences`

    >>> ConvLSTM2D(4, 3)(np.ones((2, 5, 8, 6, 3))).shape
    (2, 6, 4, 4)
    """

    rank = 2


@_older
class ConvLSTM3D(_ConvLSTM):
    """An LSTM over sequences of volumes, whose products are convolutions.

    Args: as those of `ConvLSTM2D`, with three spatial axes.

    Shapes:
        (batch, steps, a, b, c, channels) -> (batch, new a, new b, new c, filters)

    >>> ConvLSTM3D(4, 2)(np.ones((2, 5, 3, 3, 3, 1))).shape
    (2, 2, 2, 2, 4)
    """

    rank = 3
