"""Recurrence of one's own as Keras 1 and 2 had it: `Recurrent`, and the functions beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.compat.older_caches import ContextValueCache
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.layers import InputSpec, Layer
from kerasish.layers.recurrent import shape_of
from kerasish.layers.recurrent_cells import LSTMCell

__all__ = [
    "AbstractRNNCell",
    "ConvRecurrent2D",
    "DropoutRNNCellMixin",
    "Recurrent",
    "_generate_dropout_mask",
    "_generate_dropout_ones",
    "_time_distributed_dense",
    "time_distributed_dense",
]


class Recurrent(Layer):
    """The base class of recurrent layers until Keras 2.1. A layer of one's own defines `step`.

    It may also define `preprocess_input(inputs)`, `get_constants(inputs)` and
    `get_initial_state(inputs)` (before Keras 2.0.6: `get_initial_states`). It sets `units` (in
    Keras 1: `output_dim`), and in `build` a list `states`, with None for each state.

    Args:
        return_sequences: whether to return the outputs of all time steps, not of the last only.
        return_state: whether to return the last states after the output.
        go_backwards: whether to start with the last time step.
        stateful: whether each batch starts with the states in which the one before ended. Needs
            a fixed batch size.
        unroll: whether to write all steps out in the graph. Needs a fixed number of steps.
        implementation: one of older Keras's ways to compute the same; all are one here.
        consume_less: what Keras 1 calls that.

    >>> class Sum(Recurrent):
    ...     units = 3
    ...     def step(self, inputs, states):
    ...         total = states[0] + inputs
    ...         return total, [total]
    >>> Sum()(np.ones((1, 4, 3))).numpy()
    array([[4., 4., 4.]], dtype=float32)
    """

    supports_masking = True
    zero_output_for_mask = False  # as Bidirectional sets it

    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        implementation: int = 0,
        consume_less: str = "cpu",
        **kwargs: Any,
    ):
        if "input_dim" in kwargs and "input_shape" not in kwargs:
            kwargs["input_shape"] = (kwargs.pop("input_length", None), kwargs.pop("input_dim"))
        super().__init__(**kwargs)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.implementation = implementation
        self.consume_less = consume_less
        self.input_spec = [InputSpec(ndim=3)]
        self.state_spec: Any = None
        self.initial_weights = self._initial_weights  # as `build` of Keras 1 asks for it
        self._states: list[Any] = []  # not among the weights

    @property
    def states(self) -> list[Any]:
        """The states between batches, which `build` sets: None for each if not stateful."""
        if not self._states:
            raise AttributeError(f"Layer {self.name} ({type(self).__name__}) has no states yet.")
        return self._states

    @states.setter
    def states(self, states: Sequence[Any]) -> None:
        self._states = list(states)

    def _size(self) -> int:
        size = getattr(self, "units", None)
        size = getattr(self, "output_dim", None) if size is None else size
        if size is None:
            raise ValueError(
                f"Layer {self.name} ({type(self).__name__}) must set units, the size of its "
                "output and states, or define get_initial_state(inputs)."
            )
        return size

    def _build_here(self, *shapes: Any, **named: Any) -> None:
        super()._build_here(*shapes, **named)
        self._states = self._states or [None]
        if self.stateful and not isinstance(self._states[0], Variable):
            self._make_states(shapes[0][0])

    def step(self, inputs: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The output and the new states of one time step; after the states come the constants."""
        raise NotImplementedError(f"{type(self).__name__} must define step(inputs, states).")

    def preprocess_input(self, inputs: Tensor, training: Any = None) -> Tensor:
        """What is computed for all time steps at once."""
        return inputs

    def get_constants(self, inputs: Tensor, training: Any = None) -> list[Any]:
        """What is the same for all time steps: tensors, and lists of them."""
        return []

    def get_initial_state(self, inputs: Tensor) -> list[Tensor]:
        """Zeros, (batch, units), for each state."""
        zeros = ops.zeros((ops.shape(inputs)[0], self._size()), dtype=inputs.dtype)
        return [zeros] * len(self._states)

    def get_initial_states(self, inputs: Tensor) -> list[Tensor]:
        """The older name of `get_initial_state`."""
        return Recurrent.get_initial_state(self, inputs)

    def _first_states(self, inputs: Tensor) -> list[Any]:
        if self.stateful:
            return list(self._states)
        if type(self).get_initial_states is not Recurrent.get_initial_states:
            return self.get_initial_states(inputs)
        return self.get_initial_state(inputs)

    def __call__(self, inputs: Any, initial_state: Any = None, **kwargs: Any) -> Any:
        if isinstance(inputs, (list, tuple)):
            inputs, initial_state = inputs[0], list(inputs[1:]) or initial_state
        given = {"initial_state": initial_state, **kwargs}
        # A `call` of one's own need not take what is None.
        return super().__call__(inputs, **{k: v for k, v in given.items() if v is not None})

    def _note_constants(self, args: Any, kwargs: Any) -> None:
        """For Bidirectional, which tells layers of constants; there are none here."""

    def _apart(self, sequences: Any, states: Any, constants: Any) -> tuple[Any, Any, Any]:
        """Likewise: inputs and states in a list taken apart."""
        if isinstance(sequences, (list, tuple)):
            sequences, states = sequences[0], list(sequences[1:]) or states
        return sequences, states, constants

    def call(
        self, inputs: Tensor, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        """Runs the steps."""
        from kerasish.backend import rnn

        first = self._first_states(inputs) if initial_state is None else initial_state
        last, outputs, states = rnn(
            self.step,
            _with_training(self.preprocess_input, inputs, training),
            first if isinstance(first, (list, tuple)) else [first],
            go_backwards=self.go_backwards,
            mask=mask,
            constants=_with_training(self.get_constants, inputs, training),
            unroll=self.unroll,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        if self.stateful:
            self.add_update(list(zip(self._states, states, strict=True)))
        result = outputs if self.return_sequences else last
        return [result, *states] if self.return_state else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs, if there is an output for each step."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        outputs = mask if self.return_sequences else None
        return [outputs] + [None] * len(self._states) if self.return_state else outputs

    def _make_states(self, batch_size: int | None) -> None:
        if not batch_size:
            raise ValueError(
                f"Layer {self.name} is stateful, so it needs a fixed batch size. Give it as "
                "batch_shape=(batch size, steps, features) of the Input, or batch_input_shape= "
                "of the first layer."
            )
        zeros = np.zeros((batch_size, self._size()))
        self._states = [
            Variable(zeros, dtype=self.variable_dtype, trainable=False, name="state")
            for _ in self._states or [None]
        ]

    def reset_states(self, states: Any = None) -> None:
        """Sets the states of a stateful layer; makes them first where `build` asks for that.

        Args:
            states: arrays, one per state; zeros if None.

        Raises:
            ValueError: if the layer is not stateful, or for another number of states.
        """
        if not self.stateful:
            raise ValueError(f"Layer {self.name} has no states to reset: it is not stateful.")
        if not self._states or not isinstance(self._states[0], Variable):
            spec = self.input_spec[0] if isinstance(self.input_spec, list) else self.input_spec
            self._make_states(spec.shape[0] if spec is not None and spec.shape else None)
        values = [np.zeros(v.shape) for v in self._states] if states is None else states
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        if len(values) != len(self._states):
            raise ValueError(
                f"Layer {self.name} has {len(self._states)} state(s), but reset_states got "
                f"{len(values)}."
            )
        for variable, value in zip(self._states, values, strict=True):
            variable.set_value(value)


_step = LSTMCell.step


def _lstm_step(self: Any, projected: Any, states: Any, masks: Any) -> Any:
    """`LSTMCell.step`, with the gates of a class of tf.keras's that computes them its own way."""
    gates_of = getattr(self, "_compute_carry_and_output_fused", None)
    if gates_of is None:
        return _step(self, projected, states, masks)
    state, carry = states
    z = projected + self._recurrent(state, masks)
    carry, gate = gates_of(tuple(self._part(z, i, i + 1) for i in range(4)), carry)
    output = gate * self.activation(carry)
    return output, [output, carry]


def methods() -> list[tuple[type, str, Any]]:
    """Class, name and value of what layers have instead of their own."""
    return [(LSTMCell, "step", _lstm_step)]


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


class AbstractRNNCell(Layer):
    """tf.keras's base class of cells of one's own.

    These define `call(inputs, states)`, `state_size` and `output_size`.
    """

    @property
    def state_size(self) -> Any:
        """The size of the state, or those of several: ints or shapes."""
        raise NotImplementedError(f"{type(self).__name__} must define state_size.")

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        raise NotImplementedError(f"{type(self).__name__} must define output_size.")

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """Zeros for each state.

        Args:
            inputs: (batch, ...), whose batch size and dtype count.
            batch_size: if there are no inputs.
            dtype: likewise.
        """
        if inputs is not None:
            batch_size, dtype = ops.shape(inputs)[0], inputs.dtype

        def zeros(size: Any) -> Tensor:
            return ops.zeros((batch_size, *shape_of(size)), dtype=dtype)

        sizes = self.state_size
        return [zeros(n) for n in sizes] if isinstance(sizes, (list, tuple)) else zeros(sizes)


class DropoutRNNCellMixin:
    """Masks of dropout for cells of one's own, as those of tf.keras have them.

    A cell that derives from it sets `dropout` and `recurrent_dropout`. Each call of a layer with
    the cell in it draws new masks, the same for all of its time steps.
    """

    dropout: float
    recurrent_dropout: float

    def __init__(self, *args: Any, **kwargs: Any):
        self.reset_dropout_mask()
        self.reset_recurrent_dropout_mask()
        super().__init__(*args, **kwargs)

    def reset_dropout_mask(self) -> None:
        """Forgets the masks of the inputs."""
        self.__dict__["_input_masks"] = ContextValueCache(_generate_dropout_mask)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forgets the masks of the states."""
        self.__dict__["_state_masks"] = ContextValueCache(_generate_dropout_mask)

    def get_dropout_mask_for_cell(self, inputs: Tensor, training: Any, count: int = 1) -> Any:
        """What inputs are multiplied by: a mask, or a list of `count`; None without dropout."""
        return _cached_mask(self, "_input_masks", inputs, self.dropout, training, count)

    def get_recurrent_dropout_mask_for_cell(
        self, inputs: Tensor, training: Any, count: int = 1
    ) -> Any:
        """Likewise for the states."""
        return _cached_mask(self, "_state_masks", inputs, self.recurrent_dropout, training, count)


def _cached_mask(
    cell: Any, kept: str, inputs: Tensor, rate: float, training: Any, count: int
) -> Any:
    if not rate:
        return None
    given = {"ones": ops.ones_like(inputs), "rate": rate, "training": training, "count": count}
    cache = cell.__dict__.setdefault(kept, ContextValueCache(_generate_dropout_mask))
    return cache.setdefault(kwargs=given)


# ---------------------------------------------------------------- functions of layers.recurrent


def time_distributed_dense(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    dropout: float | None = None,
    input_dim: int | None = None,
    output_dim: int | None = None,
    timesteps: int | None = None,
    training: Any = None,
) -> Tensor:
    """`x . w + b` for each time step.

    Args:
        x: (batch, steps, features).
        w: (features, units).
        b: (units,).
        dropout: which part of the features is dropped in training, the same at all steps.
        input_dim: accepted from older programs, as are `output_dim` and `timesteps`.
        training: whether this is training; left to the model if None.

    >>> time_distributed_dense(ops.ones((1, 2, 3)), ops.ones((3, 1))).numpy()
    array([[[3.],
            [3.]]], dtype=float32)
    """
    if dropout is not None and 0 < dropout < 1:
        x = x * _generate_dropout_mask(ops.ones_like(x[:, :1]), dropout, training=training)
    return ops.dot(x, w) if b is None else ops.dot(x, w) + b


_time_distributed_dense = time_distributed_dense


def _generate_dropout_ones(inputs: Tensor, dims: int) -> Tensor:
    """Ones, (batch, dims), of which `_generate_dropout_mask` makes a mask."""
    return ops.ones((ops.shape(inputs)[0], dims), dtype=inputs.dtype)


def _generate_dropout_mask(ones: Tensor, rate: float, training: Any = None, count: int = 1) -> Any:
    """What cells of Keras 2 multiply inputs or states by: a mask, or a list of `count` ones."""
    from kerasish.backend import dropout, in_train_phase

    masks = [
        in_train_phase(lambda: dropout(ones, rate), ones, training=training) for _ in range(count)
    ]
    return masks if count > 1 else masks[0]
