"""SimpleRNN, GRU and LSTM: RNN with these cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerasish import compat
from kerasish.layers.recurrent import RNN
from kerasish.layers.recurrent_cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from kerasish.saving.serialization import parameters_of
from kerasish.utils.naming import snake_case


class OfCell(RNN):
    """A layer with the arguments of its cell, which are its attributes too."""

    def _init(self, cell: type[Cell], arguments: Mapping[str, Any]) -> None:
        """Shares the arguments of `__init__`, its `locals()`, between a cell and this layer."""
        _refuse_older_steps(type(self))
        kwargs = arguments["kwargs"]
        kwargs.pop("implementation", None)  # Keras 2's choice of equal ways to compute
        of_layer = {name: arguments[name] for name in parameters_of(RNN) if name in arguments}
        names = parameters_of(cell).keys() - of_layer.keys()
        of_cell = {name: arguments[name] for name in names if name in arguments}
        of_cell |= {"name": snake_case(cell.__name__), "dtype": kwargs.get("dtype")}
        super().__init__(cell(**of_cell), **of_layer, **kwargs)

    def _of_cell(self) -> set[str]:
        """The arguments that are the cell's."""
        own = parameters_of(type(self)).keys() - {"cell"}
        common = parameters_of(RNN).keys() | {"activity_regularizer"}
        return set(own & parameters_of(type(self.cell)).keys() - common)

    def __getattr__(self, name: str) -> Any:
        cell = self.__dict__.get("cell")
        if cell is not None and not name.startswith("_") and name in self._of_cell():
            return getattr(cell, name)
        return super().__getattr__(name)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["cell"]  # made of the other arguments
        return config


_OF_RECURRENT = ("step", "get_constants", "preprocess_input")


def _refuse_older_steps(cls: type) -> None:
    """Raises TypeError for a class that changes how layers of Keras before 2.1 went along time."""
    found = next((n for n in _OF_RECURRENT if hasattr(cls, n) and not hasattr(OfCell, n)), None)
    if found is not None:
        base = next(b for b in cls.__mro__ if b.__module__ == __name__)
        raise TypeError(
            f"{cls.__name__} defines {found}, as subclasses of {base.__name__} did before Keras "
            f"2.1; here nothing would call it. Derive from {base.__name__}Cell, define call(inputs,"
            " states), and use RNN(cell); or write all of it as a Recurrent."
        )


_FASTEST = ("cpu", "mem", "gpu")  # one way serves all

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
    consume_less=compat.only(*_FASTEST),
    forget_bias_init=lambda value: {"unit_forget_bias": value in ("one", "ones")},
)


@_older
class SimpleRNN(OfCell):
    """A fully connected layer whose output of one time step is an input of the next.

    Args:
        units: the size of the output and of each state.
        activation: of the output.
        use_bias: whether to add a bias.
        kernel_initializer: of the kernel of the inputs, of shape (features, units).
        recurrent_initializer: of the kernel of the states, of shape (units, units).
        bias_initializer: of the bias.
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
        unroll: whether to write all steps out in the graph.

    Shapes:
        (batch, steps, features) -> (batch, units), or (batch, steps, units) with
        `return_sequences`; `initial_state=` of a call takes one state

    >>> SimpleRNN(4)(np.ones((2, 5, 3))).shape
    (2, 4)
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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        self._init(SimpleRNNCell, locals())


@_older
class GRU(OfCell):
    """A recurrent layer with two gates, of which one resets and one updates the state.

    Source: Cho et al., 2014, arXiv:1406.1078

    Args:
        units: the size of the output and of each state.
        activation: of the new state.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the kernel of the inputs, of shape (features, 3 * units).
        recurrent_initializer: of the kernel of the states, of shape (units, 3 * units).
        bias_initializer: of the bias.
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
        unroll: whether to write all steps out in the graph.
        reset_after: whether the state is reset after it is multiplied by its kernel, which then
            has a bias of its own. Keras 2 has False where it does not say.
        use_cudnn: Keras's choice among equal kernels. Here the engine chooses; it changes no
            result.

    Shapes:
        (batch, steps, features) -> (batch, units), or (batch, steps, units) with
        `return_sequences`; `initial_state=` of a call takes one state

    >>> GRU(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

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
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        self._init(GRUCell, locals())
        self.use_cudnn = use_cudnn


@_older
class LSTM(OfCell):
    """A recurrent layer with a memory that three gates write, keep and read.

    Source: Hochreiter & Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735

    Args:
        units: the size of the output and of each state.
        activation: of the new state.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the kernel of the inputs, of shape (features, 4 * units).
        recurrent_initializer: of the kernel of the states, of shape (units, 4 * units).
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
        unroll: whether to write all steps out in the graph.
        use_cudnn: Keras's choice among equal kernels. Here the engine chooses; it changes no
            result.

    Shapes:
        (batch, steps, features) -> (batch, units), or (batch, steps, units) with
        `return_sequences`; `initial_state=` of a call takes two: output and memory

    >>> LSTM(4)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

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
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ):
        self._init(LSTMCell, locals())
        self.use_cudnn = use_cudnn
