"""Cells: what a recurrent layer does in one time step.

A cell is any object with `state_size` and `call(inputs, states)`, which returns the output and
the new states. Those of this library are `Cell`s: they say apart what can be computed for all
time steps at once (`project`), and what has to wait for the states (`step`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import activations, compat, initializers, ops
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.checks import features as checked_features
from kerasish.layers.checks import fraction, positive
from kerasish.layers.input_spec import InputSpec
from kerasish.ops import random

# What multiplies the inputs and the states while training: drawn once per call, not per step.
Masks = tuple[Any, Any]


class Cell(Layer):
    """The base of the cells here.

    Subclasses have `units`, `state_size`, and the methods `project` and `step`. The output is
    always the first state.
    """

    gates = 1  # how many times the units the kernels are wide
    state_size: Any

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        **kwargs: Any,
    ):
        kwargs.pop("implementation", None)  # Keras 2's choice of equal ways to compute
        super().__init__(**kwargs)
        name = type(self).__name__
        self.units = positive(units, f"{name}: units")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._keep_rules("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self._keep_rules(
            "recurrent", recurrent_initializer, recurrent_regularizer, recurrent_constraint
        )
        self._keep_rules("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.dropout = fraction(dropout, f"{name}: dropout")
        self.recurrent_dropout = fraction(recurrent_dropout, f"{name}: recurrent_dropout")
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.state_size = self.units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self.units

    def build(self, input_shape: Any) -> None:
        """Makes both kernels and the bias."""
        features = checked_features(input_shape, self.name)
        width = self.gates * self.units
        self.kernel = self.add_weight(name="kernel", shape=(features, width))
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=(self.units, width))
        self.bias = self._bias(width) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def _bias(self, width: int) -> Any:
        return self.add_weight(name="bias", shape=(width,))

    def call(self, inputs: Tensor, states: Any, training: bool | None = None) -> Any:
        """One time step.

        Args:
            inputs: (batch, features).
            states: a list of the states, or the only one.
            training: whether inputs and states are dropped.

        Returns:
            The output and the new states, likewise.
        """
        several = isinstance(states, (list, tuple))
        masks = self.draw_masks(inputs, training)
        before = list(states) if several else [states]
        output, after = self.step(self.project(inputs, masks), before, masks)
        return output, after if several else after[0]

    def draw_masks(self, inputs: Tensor, training: bool | None) -> Masks:
        """What multiplies the inputs and the states: None where nothing is dropped.

        Args:
            inputs: of one time step; only their shape counts.
            training: whether anything is dropped.
        """
        batch = ops.shape(inputs)[0]
        return (
            self._mask(ops.shape(inputs), self.dropout, training),
            self._mask((batch, self.units), self.recurrent_dropout, training),
        )

    def _mask(self, shape: Any, rate: float, training: bool | None) -> Tensor | None:
        if not rate:
            return None
        ones = ops.ones(shape, dtype=self.compute_dtype)
        return ops.in_train_phase(
            random.dropout(ones, rate, seed=self.seed_generator), ones, training
        )

    def project(self, inputs: Tensor, masks: Masks) -> Tensor:
        """What the inputs, of one time step or of many, contribute to `step`."""
        x = inputs if masks[0] is None else inputs * masks[0]
        projected = ops.matmul(x, self.kernel)
        return projected if self.bias is None else projected + self._input_bias()

    def _input_bias(self) -> Any:
        return self.bias

    def step(
        self, projected: Tensor, states: list[Tensor], masks: Masks
    ) -> tuple[Tensor, list[Tensor]]:
        """The output and the new states, given what the inputs contribute."""
        raise NotImplementedError

    def _recurrent(self, state: Tensor, masks: Masks) -> Tensor:
        return ops.matmul(_dropped(state, masks), self.recurrent_kernel)

    def zero_states(self, projected: Tensor) -> list[Tensor]:
        """The states before the first step, given what `project` returned for one step."""
        return self.get_initial_state(batch_size=ops.shape(projected)[0])

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]


def _dropped(state: Tensor, masks: Masks) -> Tensor:
    return state if masks[1] is None else state * masks[1]


_older = compat.older_names(
    output_dim="units",
    init="kernel_initializer",
    inner_init="recurrent_initializer",
    inner_activation="recurrent_activation",
    W_regularizer="kernel_regularizer",
    U_regularizer="recurrent_regularizer",
    b_regularizer="bias_regularizer",
    dropout_W="dropout",
    dropout_U="recurrent_dropout",
)


@_older
class SimpleRNNCell(Cell):
    """One time step of `SimpleRNN`.

    Args: the same as those of `SimpleRNN`, without what concerns sequences.

    >>> SimpleRNNCell(3)(np.ones((2, 4)), [np.zeros((2, 3))])[0].shape
    (2, 3)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )

    def step(self, projected, states, masks):
        """activation(inputs and state, each times a kernel, plus the bias)."""
        output = self.activation(projected + self._recurrent(states[0], masks))
        return output, [output]


@_older
class GRUCell(Cell):
    """One time step of `GRU`.

    Args: the same as those of `GRU`, without what concerns sequences.

    >>> GRUCell(3)(np.ones((2, 4)), [np.zeros((2, 3))])[0].shape
    (2, 3)
    """

    gates = 3  # update, reset, new

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias(self, width: int) -> Any:
        # With `reset_after` the states have a bias of their own.
        return self.add_weight(name="bias", shape=(2, width) if self.reset_after else (width,))

    def _input_bias(self) -> Any:
        bias: Any = self.bias
        return bias[0] if self.reset_after else bias

    def step(self, projected, states, masks):
        """The state, partly replaced by a new one that is computed from the reset state."""
        state, n = states[0], self.units
        used = _dropped(state, masks)
        if self.reset_after:
            inner = ops.matmul(used, self.recurrent_kernel)
            if self.bias is not None:
                inner = inner + self.bias[1]
            update, reset = self._gates(projected[:, : 2 * n] + inner[:, : 2 * n])
            new = projected[:, 2 * n :] + reset * inner[:, 2 * n :]
        else:
            kernel = ops.convert_to_tensor(self.recurrent_kernel)
            update, reset = self._gates(
                projected[:, : 2 * n] + ops.matmul(used, kernel[:, : 2 * n])
            )
            new = projected[:, 2 * n :] + ops.matmul(reset * used, kernel[:, 2 * n :])
        output = update * state + (1 - update) * self.activation(new)
        return output, [output]

    def _gates(self, both: Tensor) -> tuple[Tensor, Tensor]:
        both = self.recurrent_activation(both)
        return both[:, : self.units], both[:, self.units :]


@_older
class LSTMCell(Cell):
    """One time step of `LSTM`.

    Args: the same as those of `LSTM`, without what concerns sequences.

    >>> LSTMCell(3)(np.ones((2, 4)), [np.zeros((2, 3)), np.zeros((2, 3))])[0].shape
    (2, 3)
    """

    gates = 4  # input, forget, new, output

    def __init__(
        self,
        units: int,
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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _bias(self, width: int) -> Any:
        initializer = self.bias_initializer
        if self.unit_forget_bias:
            initializer = ForgetBias(initializer)
        return self.add_weight(name="bias", shape=(width,), initializer=initializer)

    def step(self, projected, states, masks):
        """The carry, partly forgotten and added to, and what of it is let out."""
        state, carry = states
        z = projected + self._recurrent(state, masks)
        both = self.recurrent_activation(self._part(z, 0, 2))
        new = self._part(both, 0, 1) * self.activation(self._part(z, 2, 3))
        carry = self._part(both, 1, 2) * carry + new
        output = self.recurrent_activation(self._part(z, 3, 4)) * self.activation(carry)
        return output, [output, carry]

    def _part(self, gates: Tensor, first: int, last: int) -> Tensor:
        """Some of the gates that stand side by side."""
        return gates[:, first * self.units : last * self.units]


class ForgetBias(initializers.Initializer):
    """The first values of an LSTM's biases: 1 for the forget gate, so that it starts open.

    Source: Jozefowicz et al., 2015, https://proceedings.mlr.press/v37/jozefowicz15.html

    Args:
        others: the initializer of the other gates.
    """

    def __init__(self, others: Any):
        self.others: Any = initializers.get(others)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        values = np.array(self.others(shape, dtype))
        units = values.shape[0] // 4
        values[units : 2 * units] = 1
        return values
