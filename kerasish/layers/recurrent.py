"""RNN: any cell, run along time; and StackedRNNCells."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from kerasish import ops, tree
from kerasish.compat.modules import attributes as older_attributes
from kerasish.compat.tensors import is_program_of_keras
from kerasish.graph import trace
from kerasish.graph.shapes import Dim, compatible
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.base import Layer
from kerasish.layers.checks import are_shapes
from kerasish.layers.recurrent_cells import Cell
from kerasish.saving.serialization import deserialize_keras_object


class StackedRNNCells(Layer):
    """Several cells as one: the output of each is the input of the next.

    Args:
        cells: the cells, the first one first.

    >>> from kerasish.layers import GRUCell, LSTMCell
    >>> RNN(StackedRNNCells([LSTMCell(3), GRUCell(4)]))(np.ones((2, 5, 6))).shape
    (2, 4)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any):
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(cell, "StackedRNNCells")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """Of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the output of the last cell."""
        return output_size(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        """Builds all cells; behind the shape of the inputs may be those of constants."""
        input_shape, *constants = input_shape if are_shapes(input_shape) else [input_shape]
        for cell in self.cells:
            build_cell(cell, input_shape, constants if takes_constants(cell) else ())
            input_shape = (input_shape[0], *shape_of(output_size(cell)))

    def call(self, inputs: Tensor, states: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """One time step of all cells; `states` has an entry per cell."""
        after = []
        for cell, before in zip(self.cells, states, strict=True):
            constants = kwargs if takes_constants(cell) else {}
            inputs, new = call_cell(cell, inputs, before, training, constants)
            after.append(new)
        return inputs, after

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros for the states of each cell."""
        return [initial_state(cell, batch_size) for cell in self.cells]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Cells of a class of the user's own must be among the custom objects."""
        cells = [deserialize_keras_object(entry) for entry in config["cells"]]
        return super().from_config({**config, "cells": cells})


# --- cells of any kind -------------------------------------------------------------------


def check_cell(cell: Any, owner: str) -> None:
    """Raises ValueError if an object is not a cell."""
    missing = [name for name in ("call", "state_size") if not hasattr(cell, name)]
    if missing:
        raise ValueError(
            f"{owner} takes cells: objects with `call(inputs, states)` and `state_size`, but "
            f"{cell!r:.100} has no `{missing[0]}`."
        )


def shape_of(size: Any) -> tuple[Any, ...]:
    """The shape that a size stands for: of a state or an output, without the batch axis."""
    return (size,) if isinstance(size, (int, Dim)) else tuple(size)


def output_size(cell: Any) -> Any:
    """The size of a cell's output: that of its first state if it does not say."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size


def is_in_parts(cell: Any) -> bool:
    """Whether a cell is one of the library's whose `call` no subclass has written anew."""
    return isinstance(cell, Cell) and type(cell).call is Cell.call


def takes_constants(cell: Any) -> bool:
    """Whether a cell's call has an argument for constants."""
    return isinstance(cell, StackedRNNCells) or (
        "constants" in inspect.signature(cell.call).parameters
    )


def build_cell(cell: Any, input_shape: Any, constants: Sequence[Any] = ()) -> None:
    """Makes the weights of a cell for inputs (batch, ...), and constants of some shapes.

    Where there are constants, the cell gets a list: the shape of the inputs, then theirs.
    """
    input_shape = [input_shape, *constants] if constants else input_shape
    if isinstance(cell, Layer):
        if not cell.built:
            cell._build(input_shape)
    elif hasattr(cell, "build"):
        cell.build(input_shape)


def initial_state(cell: Any, batch_size: Any, dtype: Any = None, inputs: Any = None) -> Any:
    """Zeros (of the cell's dtype, if it has one), or what the cell wants to start with.

    Nested as its `state_size`. A layer with a `get_initial_state` of its own may be given as well,
    and the inputs that it is called with.
    """
    dtype = getattr(cell, "compute_dtype", dtype)
    if hasattr(cell, "get_initial_state"):
        offered = {"inputs": inputs, "batch_size": batch_size, "dtype": dtype}
        names = inspect.signature(cell.get_initial_state).parameters
        return cell.get_initial_state(**{k: v for k, v in offered.items() if k in names})
    sizes = cell.state_size
    several = isinstance(sizes, (list, tuple))
    states = [
        ops.zeros((batch_size, *shape_of(size)), dtype=dtype)
        for size in (sizes if several else [sizes])
    ]
    return states if several else states[0]


def call_cell(
    cell: Any, inputs: Tensor, states: Any, training: bool | None, kwargs: Mapping[str, Any]
) -> tuple[Tensor, Any]:
    """One time step of any cell: the output, and the new states nested as those given."""
    extra = dict(kwargs)
    if "training" in inspect.signature(cell.call).parameters:
        extra["training"] = training
    single = not isinstance(states, (list, tuple))
    call = cell if isinstance(cell, Layer) else cell.call
    output, after = call(inputs, [states] if single else states, **extra)
    after = tree.flatten(after)
    before = tree.flatten(states)
    if len(after) != len(before):
        raise ValueError(
            f"{getattr(cell, 'name', type(cell).__name__)}: its call got {len(before)} state(s), "
            f"but returned {len(after)}."
        )
    return output, tree.pack(states, after)


class _Steps:
    """What a layer needs of its cell for one call: what to loop over, and the body of the loop.

    Args:
        cell: any cell.
        sequence: (time, batch, ...).
        training: of the call.
        kwargs: what else the cell's `call` gets.

    Attributes:
        xs: what to loop over, computed for all time steps at once as far as the cell can.
    """

    def __init__(self, cell: Any, sequence: Tensor, training: bool | None, kwargs: Any):
        self.cell = cell
        self.training = training
        self.kwargs = kwargs
        first = sequence[0]
        cells = cell.cells if isinstance(cell, StackedRNNCells) else [cell]
        if kwargs and not any(map(takes_constants, cells)):
            names = ", ".join(
                f"{getattr(inner, 'name', inner)} ({type(inner).__name__})" for inner in cells
            )
            raise ValueError(f"Cell {names} takes no constants: its call has no such argument.")
        self.masks: list[Any] = []
        for i, inner in enumerate(cells):
            if is_in_parts(inner):
                like = first if i == 0 else self._like_output(cells[i - 1], first)
                with trace.inside(inner.name):
                    self.masks.append(inner.draw_masks(like, training))
            else:
                self.masks.append(None)
        self.cells = cells
        self.is_projected = is_in_parts(cells[0])
        self.xs = sequence
        if self.is_projected:
            with trace.inside(cells[0].name):
                self.xs = cells[0].project(sequence, self.masks[0])

    def _like_output(self, cell: Any, inputs: Tensor) -> Tensor:
        """Something of the shape of a cell's output."""
        shape = (ops.shape(inputs)[0], *shape_of(output_size(cell)))
        return ops.zeros(shape, dtype=inputs.dtype)

    def initial(self) -> list[Tensor]:
        """The states to start with when there are no others."""
        if isinstance(self.cell, Cell):
            x = self.xs[0] if self.is_projected else self.cell.project(self.xs[0], (None, None))
            return self.cell.zero_states(x)
        return initial_state(self.cell, Dim.of(self.xs, 1), self.xs.dtype)

    def __call__(self, x: Tensor, states: Any) -> tuple[Tensor, Any]:
        """One time step."""
        if not isinstance(self.cell, StackedRNNCells):
            return self._step(0, x, states)
        after = []
        for i, before in enumerate(states):
            x, new = self._step(i, x, before)
            after.append(new)
        return x, after

    def _step(self, i: int, x: Tensor, states: Any) -> tuple[Tensor, Any]:
        cell, masks = self.cells[i], self.masks[i]
        if not is_in_parts(cell):
            kwargs = self.kwargs if takes_constants(cell) else {}
            return call_cell(cell, x, states, self.training, kwargs)
        with trace.inside(cell.name):
            projected = x if i == 0 else cell.project(x, masks)
            output, after = cell.step(projected, tree.flatten(states), masks)
        return output, tree.pack(states, after)


# --- the layer ---------------------------------------------------------------------------


class RNN(Layer):
    """Runs a cell along time.

    Args:
        cell: an object with `state_size` (a size, or a list of sizes: ints or shapes) and
            `call(inputs, states)`, which returns the output and the new states; or a list of
            them, stacked. It may have `output_size`, `build` and `get_initial_state(batch_size)`.
        return_sequences: whether to return the outputs of all time steps, not of the last only.
        return_state: whether to return the last states after the output.
        go_backwards: whether to start with the last time step. Outputs come in the order of
            computation.
        stateful: whether each batch starts with the states in which the one before ended. Needs
            a fixed batch size.
        unroll: whether to write all steps out in the graph. Needs a fixed number of steps.
        zero_output_for_mask: whether the outputs of masked steps are 0, and not those of the
            step before.

    Shapes:
        (batch, steps, ...) -> (batch, size), or (batch, steps, size) with `return_sequences`;
        a tuple of that and the states with `return_state`

    >>> class Sum:
    ...     state_size = 3
    ...     def call(self, inputs, states):
    ...         total = states[0] + inputs
    ...         return total, [total]
    >>> RNN(Sum())(np.ones((1, 4, 3))).numpy()
    array([[4., 4., 4.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        self._constants = kwargs.pop("num_constants", None)  # of files of Keras 2
        self._constant_shapes: list[Any] = []
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        check_cell(self.cell, type(self).__name__)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self._states: list[Variable] | None = None  # of a stateful layer, flat

    def build(self, input_shape: Any) -> None:
        """Builds the cell, and makes the states of a stateful layer."""
        shape, *rest = input_shape if are_shapes(input_shape) else [input_shape]
        if len(shape) < 3:
            raise ValueError(
                f"Layer {self.name} expects inputs of shape (batch, steps, features), but got "
                f"{format_shape(shape)}."
            )
        # As Keras 2 has them: of the list of inputs, states and constants.
        listed = rest[len(rest) - self._constants :] if self._constants else []
        constants = self._constant_shapes or listed if takes_constants(self.cell) else ()
        build_cell(self.cell, (shape[0], *shape[2:]), constants)
        if self.stateful:
            self._make_states(shape)

    def _build_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self.built:
            self._note_constants(args, kwargs)
        super()._build_once(args, kwargs)

    def _note_constants(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keeps the shapes of the constants of a call, which the cell is built for."""
        sequences = args[0] if args else kwargs["sequences"]
        constants = self._apart(sequences, None, kwargs.get("constants"))[2]
        self._constant_shapes = [tuple(x.shape) for x in constants or ()]

    def _make_states(self, shape: Any) -> None:
        if shape[0] is None:
            raise ValueError(
                f"Layer {self.name} is stateful, so it needs a fixed batch size. Give it as "
                "batch_shape=(batch size, steps, features) of the Input, or batch_input_shape= "
                "of the first layer."
            )
        self._step_shape = (1, shape[0], *(n or 1 for n in shape[2:]))
        self._states = [
            Variable(x.numpy(), trainable=False, name="state") for x in self._usual_states()
        ]

    def _usual_states(self) -> list[Tensor]:
        """What the sequences of a stateful layer start with, flat."""
        one = ops.zeros(self._step_shape, dtype=self.compute_dtype)
        return tree.flatten(_Steps(self.cell, one, False, {}).initial())

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        constants: Any = None,
    ) -> Any:
        """The output(s) of the cell, and its last states with `return_state`.

        Args:
            sequences: (batch, steps, ...); or a list of it, the initial states and the
                constants.
            initial_state: what to start with: a tensor per state; zeros, or the states of a
                stateful layer, if None.
            mask: (batch, steps): False where a step is skipped: states stay as they are.
            training: whether cells drop inputs and states.
            constants: tensors that the cell gets at each step as `constants=`.
        """
        sequences, initial_state, constants = self._apart(sequences, initial_state, constants)
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        kwargs = {} if constants is None else {"constants": constants}
        by_time = ops.swapaxes(sequences, 0, 1)
        steps = _Steps(self.cell, by_time, training, kwargs)
        states = self._start(steps, sequences, initial_state)
        if mask is not None:
            mask = self._checked_mask(mask, sequences)
            mask = ops.swapaxes(ops.cast(mask, "bool"), 0, 1)
        last, outputs, states = self._loop(steps, states, mask)
        self._keep(states)
        if self.return_sequences:
            last = tree.map_structure(lambda x: ops.swapaxes(x, 0, 1), outputs)
        if not self.return_state:
            return last
        return (last, *(states if isinstance(states, (list, tuple)) else [states]))

    def _checked_mask(self, mask: Any, sequences: Tensor) -> Tensor:
        mask = ops.convert_to_tensor(mask)
        if mask.rank < 2 or not compatible(mask.shape[:2], sequences.shape[:2]):
            raise ValueError(
                f"Layer {self.name}: the mask must begin with the axes (batch, steps) of the "
                f"inputs, whose shape is {format_shape(sequences.shape)}, but its shape is "
                f"{format_shape(mask.shape)}."
            )
        return mask

    def _apart(self, sequences: Any, states: Any, constants: Any) -> tuple[Tensor, Any, Any]:
        """Keras 2's list of inputs, states and constants taken apart."""
        if isinstance(sequences, (list, tuple)):
            sequences, *rest = sequences
            count = self._constants or 0
            if count and constants is None:
                rest, constants = rest[: len(rest) - count], rest[len(rest) - count :]
            states = rest if rest and states is None else states
        if constants is not None:
            constants = list(constants) if isinstance(constants, (list, tuple)) else [constants]
            self._constants = len(constants)
        return sequences, states, constants

    def _start(self, steps: _Steps, sequences: Tensor, given: Any) -> Any:
        """The states before the first step, nested as the cell has them."""
        usual = steps.initial()
        if given is None and self._states is None:
            if type(self).get_initial_state is RNN.get_initial_state:
                return usual
            given = initial_state(self, Dim.of(sequences, 0), inputs=sequences)
        # In a graph the states are variables; outside of any they are what they are now.
        states = tree.flatten(given) if given is not None else list(self._states or ())
        if given is None and trace.current_trace() is None:
            states = [variable.numpy() for variable in states]
        states = [ops.convert_to_tensor(x) for x in states]
        wanted = tree.flatten(usual)
        # The shapes that a cell of the user's own says need not be right.
        exact = all(isinstance(cell, Cell) for cell in steps.cells)
        if len(states) != len(wanted) or (exact and not all(map(_fits, states, wanted))):
            source = "the layer keeps" if given is None else "initial_state has"
            raise ValueError(
                f"Layer {self.name}: its cell has {len(wanted)} state(s) of shape "
                f"{_shapes(wanted)}, but {source} {len(states)} of shape {_shapes(states)}."
            )
        pairs = zip(states, wanted, strict=True)
        return tree.pack(usual, [ops.cast(x, like.dtype) for x, like in pairs])

    def _loop(self, steps: _Steps, states: Any, mask: Tensor | None) -> tuple[Any, Any, Any]:
        """The last output, all outputs by time, the last states."""
        if is_program_of_keras() and not all(map(is_in_parts, steps.cells)):
            self._no_output(steps, states)  # what cells keep of a step belongs to all steps
        output_is_state = is_in_parts(self.cell) and mask is None
        # The states alone say the last output where it is one of them.
        collect = self.return_sequences or not (output_is_state or mask is not None)
        if mask is None:

            def body(states: Any, x: Tensor) -> tuple[Any, Any]:
                output, states = steps(x, states)
                return states, output if collect else None

            states, outputs = self._scan(body, states, steps.xs)
            last = states_first(states) if output_is_state else _last(outputs)
            return last, outputs, states

        def masked(carry: Any, xs: Any) -> tuple[Any, Any]:
            (previous, before), (x, counts) = carry, xs
            output, after = steps(x, before)
            after = _where(counts, after, before)
            output = _where(counts, output, previous)
            carried = previous if self.zero_output_for_mask else output
            return (carried, after), output

        zero = self._no_output(steps, states)
        (_, states), outputs = self._scan(masked, (zero, states), (steps.xs, mask))
        return _last(outputs), outputs, states

    def _scan(self, body: Any, init: Any, xs: Any) -> tuple[Any, Any]:
        carry, outputs = ops.scan(
            body, init, xs, reverse=self.go_backwards, unroll=True if self.unroll else 1
        )
        if self.go_backwards and outputs is not None:
            outputs = tree.map_structure(lambda x: ops.flip(x, axis=0), outputs)
        return carry, outputs

    def _no_output(self, steps: _Steps, states: Any) -> Any:
        """Zeros in the place of an output, nested as it is."""
        if isinstance(self.cell, Cell):
            return ops.zeros_like(states_first(states))
        with trace.Trace(trace.current_phase()):  # a step that only shows what comes out
            output, _ = steps(steps.xs[0], states)
        return tree.map_structure(ops.zeros_like, output)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the inputs, if there is an output for each step."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        outputs = mask if self.return_sequences else None
        if not self.return_state:
            return outputs
        return [outputs] + [None] * len(tree.flatten(self.cell.state_size))

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The states that each sequence starts with when no others are given. May be overridden.

        Args:
            batch_size: an int; or as in Keras 2 the inputs, whose first axis says it.
        """
        if isinstance(batch_size, Tensor) and batch_size.rank:
            batch_size = Dim.of(batch_size, 0)
        states = initial_state(self.cell, batch_size, self.compute_dtype)
        return list(states) if isinstance(states, (list, tuple)) else [states]

    # --- the states of a stateful layer --------------------------------------------------

    @property
    def states(self) -> list[Any]:
        """The states between batches, flat; None for each if the layer is not stateful."""
        if self._states is None:
            return [None] * len(tree.flatten(self.cell.state_size))
        return list(self._states)

    def _keep(self, states: Any) -> None:
        for variable, new in zip(self._states or (), tree.flatten(states), strict=False):
            variable.assign(new)

    def reset_states(self, states: Any = None) -> None:
        """Sets the states of a stateful layer.

        Args:
            states: arrays, one per state; what sequences start with otherwise if None.

        Raises:
            ValueError: if the layer is not stateful, or has not seen data yet.
        """
        if self._states is None:
            when = "before it is built" if self.stateful else "since it is not stateful"
            raise ValueError(f"Layer {self.name} has no states to reset {when}.")
        values = [x.numpy() for x in self._usual_states()] if states is None else states
        values = tree.flatten(values)
        if len(values) != len(self._states):
            raise ValueError(
                f"Layer {self.name} has {len(self._states)} state(s), but reset_states got "
                f"{len(values)}."
            )
        for variable, value in zip(self._states, values, strict=True):
            variable.set_value(value)

    reset_state = reset_states

    # --- config --------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return config | ({"num_constants": self._constants} if self._constants else {})

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A cell of a class of the user's own must be among the custom objects."""
        cell = config.get("cell")
        if isinstance(cell, Mapping) and "class_name" in cell:
            config = {**config, "cell": deserialize_keras_object(cell)}
        return super().from_config(config)


def _fits(x: Tensor, like: Tensor) -> bool:
    return compatible(x.shape, like.shape)


def _shapes(tensors: Sequence[Tensor]) -> str:
    return ", ".join(format_shape(x.shape) for x in tensors)


def states_first(states: Any) -> Tensor:
    """The first of a cell's states."""
    return tree.flatten(states)[0]


def _last(outputs: Any) -> Any:
    """The outputs of the last step."""
    return tree.map_structure(lambda x: x[-1], outputs)


def _where(counts: Tensor, new: Any, old: Any) -> Any:
    """`new` in the rows (or the places of images) that count, `old` in the others."""

    def one(new: Tensor, old: Tensor) -> Tensor:
        missing = tuple(range(counts.rank, new.rank))
        return ops.where(ops.expand_dims(counts, missing) if missing else counts, new, old)

    return tree.map_structure(one, new, old)


# Older Keras has more layers under the name of this module.
__getattr__ = older_attributes(__name__)
