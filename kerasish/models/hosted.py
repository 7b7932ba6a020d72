"""What of a functional model the host computes: layers of strings, before and after the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import tree
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.layers.calls import Call, HostCall

if TYPE_CHECKING:
    from kerasish.models.functional import LayerGraph

_NUMBERS = "biuf"


class HostPart:
    """The calls of a graph that are made with data, and what they leave to the engine.

    Models within may have such a part too. It is computed along with this one, and the engine
    calls them with the result.

    Args:
        graph: of a functional model.

    Attributes:
        fed: what the engine is given, by name: the inputs that hold numbers, and the numbers
            that the host computes.
        texts: the calls that make outputs of strings, by the numbers of these outputs. What they
            take, the engine gives.
    """

    def __init__(self, graph: LayerGraph):
        self._inputs = graph.flat_inputs
        made = enumerate(map(_call_of_text, graph.flat_outputs))
        self.texts: dict[int, HostCall] = {i: call for i, call in made if call is not None}
        self._calls = [call for call in graph.calls if _runs_on_host(call)]
        self.fed: dict[str, Tensor] = {x.name: x for x in self._inputs if x.dtype != "string"}
        # Of calls of models: where their inputs are among `fed`.
        self._within: dict[int, dict[str, str]] = {}
        for number, call in enumerate(self._calls):
            self._add(call, f"{call.layer.name}:{number}")
        for call in graph.calls:
            if not _runs_on_host(call):
                _check_numbers(call)

    def __bool__(self) -> bool:
        return bool(self._calls) or any(x.dtype == "string" for x in self._inputs)

    def _add(self, call: Call, name: str) -> None:
        if isinstance(call, HostCall):
            if call.outputs.dtype != "string":
                self.fed[name] = call.outputs
            return
        part = _part_of(call.layer)
        names = {key: f"{name}/{key}" for key in part.computed}
        self.fed.update({names[key]: _like(part.fed[key]) for key in names})
        self._within[id(call)] = names

    @property
    def computed(self) -> list[str]:
        """The names of what the host computes."""
        given = {x.name for x in self._inputs}
        return [name for name in self.fed if name not in given]

    @property
    def sizes_are_known(self) -> bool:
        """Whether samples that the host computes have the same shape in all batches."""
        return all(None not in self.fed[name].shape[1:] for name in self.computed)

    def is_fed(self, inputs: Any) -> bool:
        """Whether a model is called with what the host has computed already."""
        return isinstance(inputs, dict) and inputs.keys() == self.fed.keys()

    # --- on the host ---------------------------------------------------------------------

    def compute(self, arrays: Sequence[np.ndarray], model: str) -> dict[str, np.ndarray]:
        """What the engine is given for data.

        Args:
            arrays: one for each input of the model.
            model: its name, for messages.
        """
        if not self.fed:
            raise TypeError(
                f"Model {model} has nothing but strings in it, which engines have not. Call its "
                "layers themselves with the data."
            )
        pairs = list(zip(self._inputs, arrays, strict=True))
        values = {id(x): _fitted(array, x, model) for x, array in pairs}
        found = self._results(values)
        found |= {x.name: values[id(x)] for x, _ in pairs if x.dtype != "string"}
        return {name: found[name].astype(x.dtype, copy=False) for name, x in self.fed.items()}

    def _results(self, values: dict[int, np.ndarray]) -> dict[str, np.ndarray]:
        """What the calls return by its names in `fed`. `values`: of the inputs, by id."""
        outputs: dict[str, np.ndarray] = {}
        for number, call in enumerate(self._calls):
            name = f"{call.layer.name}:{number}"
            if id(call) in self._within:
                part = _part_of(call.layer)
                given = zip(part._inputs, call.layer._in_order(call.args[0]), strict=True)
                inner = {id(x): values[id(arg)] for x, arg in given if id(arg) in values}
                outputs |= {f"{name}/{key}": value for key, value in part._results(inner).items()}
                continue
            args, kwargs = tree.map_structure(
                lambda x: values[id(x)] if isinstance(x, Tensor) else x,
                [list(call.args), call.kwargs],
            )
            values[id(call.outputs)] = outputs[name] = call.layer.on_host(*args, **kwargs)
        return {name: outputs[name] for name in self.computed}

    def with_texts(self, outputs: Any) -> Any:
        """Outputs of the model, those of strings made of what the engine gave for them."""
        flat = tree.flatten(outputs)
        for i, call in self.texts.items():
            flat[i] = call.layer.on_host(np.asarray(flat[i]))
        return tree.pack(outputs, flat)

    # --- on the engine -------------------------------------------------------------------

    def engine_outputs(self, outputs: Any) -> Any:
        """The outputs of the graph, with what strings are made of in their places."""
        flat = tree.flatten(outputs)
        for i, call in self.texts.items():
            flat[i] = call.args[0]
        return tree.pack(outputs, flat)

    def engine_call(
        self, call: Call, fed: Mapping[str, Tensor], lookup: Callable[[Any], Any]
    ) -> Any:
        """The argument for the call of a model within, None for other calls.

        Args:
            call: a call of the graph.
            fed: what the engine is given.
            lookup: gives what a tensor of the graph has become.
        """
        names = self._within.get(id(call))
        if names is None:
            return None
        part = _part_of(call.layer)
        given = zip(part._inputs, call.layer._in_order(call.args[0]), strict=True)
        numbers = {x.name: lookup(arg) for x, arg in given if x.dtype != "string"}
        return numbers | {key: fed[name] for key, name in names.items()}


def _part_of(layer: Any) -> Any:
    graph = getattr(layer, "_graph", None)
    return graph.host if graph is not None else None


def _runs_on_host(call: Call) -> bool:
    return not call.late if isinstance(call, HostCall) else bool(_part_of(call.layer))


def _call_of_text(x: Tensor) -> HostCall | None:
    """The call that makes strings of one tensor of numbers, if `x` comes from such a call."""
    history = getattr(x, "history", None)
    if x.dtype != "string" or history is None or not isinstance(history.call, HostCall):
        return None
    args = history.call.args
    single = len(args) == 1 and isinstance(args[0], Tensor) and args[0].dtype != "string"
    return history.call if single else None


def _like(x: Tensor) -> Placeholder:
    return Placeholder(x.shape, x.dtype)


def _check_numbers(call: Call) -> None:
    for x in call.inputs:
        if x.dtype == "string":
            raise TypeError(
                f"{call.layer.name} is applied to the strings {x.name}, but engines have none. "
                "Only layers that take strings (StringLookup, TextVectorization, Hashing, "
                "HashedCrossing) can follow an Input of them."
            )


def _fitted(array: np.ndarray, expected: Tensor, model: str) -> np.ndarray:
    """Data for an input, with the axes that the input has."""
    what = f"Model {model}: input {expected.name}"
    strings = expected.dtype == "string"
    if strings != (array.dtype.kind in "OSU"):
        wanted = "strings" if strings else "numbers"
        raise TypeError(f"{what} takes {wanted}, but got an array of dtype {array.dtype}.")
    if not strings and array.dtype.kind not in _NUMBERS:
        raise TypeError(f"{what} takes numbers, but got an array of dtype {array.dtype}.")
    if array.ndim == expected.ndim - 1 and expected.shape[-1] == 1:
        array = array[..., None]
    elif array.ndim == expected.ndim + 1 and array.shape[-1] == 1:
        array = array[..., 0]
    sizes = zip(array.shape[1:], expected.shape[1:], strict=False)
    if array.ndim != expected.ndim or any(b is not None and a != b for a, b in sizes):
        raise ValueError(
            f"{what} must have shape {format_shape(expected.shape)}, but got "
            f"{format_shape(array.shape)}."
        )
    return array
