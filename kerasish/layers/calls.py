"""What is remembered of the calls of a layer: their tensors, masks and updates."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

from kerasish import ops, tree
from kerasish.graph import trace
from kerasish.graph.shapes import compatible
from kerasish.graph.spec import Spec
from kerasish.graph.tensor import Tensor
from kerasish.graph.variable import Variable
from kerasish.layers.arguments import shapes_in
from kerasish.layers.checks import are_shapes


@dataclass
class Call:
    """One call of a layer: what went in, what came out. Functional models replay it."""

    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: Any
    updates: dict[Variable, Tensor] = field(default_factory=dict)
    # Calls on the outputs, which are gone with those that made them.
    followers: list[weakref.ref[Call]] = field(default_factory=list)

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors that went in, in order."""
        leaves = tree.flatten([list(self.args), self.kwargs])
        return [x for x in leaves if isinstance(x, Tensor) and x.is_symbolic]


@dataclass
class HostCall(Call):
    """A call that the host makes with data, before the engine: engines have no strings.

    Attributes:
        late: whether it takes what the engine computes, and so comes after it.
    """

    late: bool = False


@dataclass
class History:
    """Which call a tensor comes from, and which of its outputs it is.

    Attributes:
        within: the history of the tensor within that call, if a layer in there made it.
    """

    call: Call
    index: int
    within: History | None = None


def mask_of(x: Any) -> Tensor | None:
    """Which time steps of `x` count, None if all."""
    return getattr(x, "mask", None)


def shapes_of(tensors: Any) -> Any:
    """The shapes of nested tensors; None where there is none."""
    return tree.map_structure(lambda x: None if x is None else x.shape, tensors)


class Calls:
    """The part of Layer that knows its calls on symbolic tensors.

    Attributes:
        stateful: whether its updates belong to each call, and not to training alone.
    """

    name: str
    stateful = False
    _saying_sizes = False
    _calls: list[Call]

    @property
    def updates(self) -> list[tuple[Variable, Tensor]]:
        """What calls outside of a model's training would assign to variables."""
        return [pair for call in self._calls for pair in call.updates.items()]

    def get_updates_for(self, inputs: Any) -> list[tuple[Variable, Tensor]]:
        """The variables that a call on some inputs changes, with their new values, as in Keras 2.

        Args:
            inputs: what the layer can be called with; None for what depends on no inputs: nothing.
        """
        if inputs is None:
            return []
        with trace.Trace() as effects:
            self(inputs)  # type: ignore[operator]
        return list(effects.updates.items())

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Changes variables with each step of training; those of a `stateful` layer at each call.

        Args:
            updates: what `K.update`, `K.moving_average_update` and their like returned in `call`,
                or a pair (variable, new value), or a function without arguments that returns one
                of these; or a list of such.
            inputs: accepted from older programs; the graph knows what it depends on.

        Raises:
            TypeError: it is none of these.
            ValueError: a pair was given where no layer is called.
        """
        active = trace.current_trace()
        for given in updates if isinstance(updates, list) else [updates]:
            update = given() if callable(given) else given
            if active is None and (isinstance(update, Variable) or hasattr(update, "take_back")):
                continue  # outside of a graph it has been assigned already
            variable, new = self._update_of(update, active)
            if not (active or trace.is_calling()):
                raise ValueError(
                    f"Layer {self.name}: add_update belongs in `call`, with whose steps it is done."
                    " Where weights are made, give them their first values; elsewhere use assign."
                )
            if not self.stateful:
                phase = trace.current_phase()
                if active is None and not phase:
                    continue
                new = ops.in_train_phase(new, variable, phase)
            variable.assign(new)

    def _say_sizes(self, args: tuple[Any, ...], outputs: Any) -> None:
        """Gives outputs the sizes that a class of the user's own says they have.

        Some functions of engines do not tell what sizes their results have.
        """
        flat = [x for x in tree.flatten(outputs) if x is not None]
        own = type(self).compute_output_shape  # type: ignore[attr-defined]
        if all(None not in x.shape[1:] for x in flat) or getattr(own, "of_library", False):
            return
        if self._saying_sizes or not args:
            return
        self._saying_sizes = True
        try:
            said = own(self, shapes_in(args[0]))
        finally:
            self._saying_sizes = False
        shapes = list(said) if are_shapes(said) else [said]
        if len(shapes) != len(flat):
            return
        for x, shape in zip(flat, shapes, strict=True):
            if shape is not None and compatible(tuple(shape), x.shape):
                sizes = (b if a is None else a for a, b in zip(x.shape, shape, strict=True))
                x.spec = Spec(tuple(sizes), x.dtype)

    def _update_of(self, update: Any, active: trace.Trace | None) -> tuple[Variable, Any]:
        if isinstance(update, (list, tuple)) and len(update) == 2:
            variable, new = update
            if isinstance(variable, Variable):
                return variable, ops.convert_to_tensor(new)
        for variable, new in (active.updates if active else {}).items():
            if new is update:
                del active.updates[variable]  # type: ignore[union-attr]
                return variable, new
        raise TypeError(
            f"Layer {self.name}: add_update takes what K.update returned, or a pair (variable, new "
            f"value), but got {update!r:.100}."
        )

    # --- the calls so far ----------------------------------------------------------------

    @property
    def input(self) -> Any:
        """The input of the layer's only symbolic call."""
        return self._input_of(self._only_call("input"))

    @property
    def output(self) -> Any:
        """The output of the layer's only symbolic call."""
        return self._only_call("output").outputs

    @property
    def input_shape(self) -> Any:
        """The shape(s) of `input`."""
        return shapes_of(self.input)

    @property
    def output_shape(self) -> Any:
        """The shape(s) of `output`."""
        return shapes_of(self.output)

    def get_input_at(self, index: int) -> Any:
        """The input of the call number `index`."""
        return self._input_of(self._call_at(index))

    def get_output_at(self, index: int) -> Any:
        """The output of the call number `index`."""
        return self._call_at(index).outputs

    def get_input_shape_at(self, index: int) -> Any:
        """The shape(s) of the input of the call number `index`."""
        return shapes_of(self.get_input_at(index))

    def get_output_shape_at(self, index: int) -> Any:
        """The shape(s) of the output of the call number `index`."""
        return shapes_of(self.get_output_at(index))

    @property
    def input_mask(self) -> Any:
        """The mask(s) of `input`."""
        return tree.map_structure(mask_of, self.input)

    @property
    def output_mask(self) -> Any:
        """The mask(s) of `output`."""
        return tree.map_structure(mask_of, self.output)

    def get_input_mask_at(self, index: int) -> Any:
        """The mask(s) of the input of the call number `index`."""
        return tree.map_structure(mask_of, self.get_input_at(index))

    def get_output_mask_at(self, index: int) -> Any:
        """The mask(s) of the output of the call number `index`."""
        return tree.map_structure(mask_of, self.get_output_at(index))

    def _input_of(self, call: Call) -> Any:
        return call.args[0] if call.args else call.inputs

    def _call_at(self, index: int) -> Call:
        if not -len(self._calls) <= index < len(self._calls):
            raise ValueError(
                f"Layer {self.name} has {len(self._calls)} calls on symbolic tensors, so none has "
                f"the number {index}."
            )
        return self._calls[index]

    def _only_call(self, what: str) -> Call:
        if len(self._calls) != 1:
            problem = "was never called" if not self._calls else f"has {len(self._calls)} calls"
            raise AttributeError(
                f"Layer {self.name} {problem} on symbolic tensors, so it has no single {what}. "
                f"Use get_{what}_at(index) for a layer that is shared."
            )
        return self._calls[0]
