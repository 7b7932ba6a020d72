"""The graph of layers behind a functional model: recorded calls, replayed on new inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kerasish import tree
from kerasish.graph import trace
from kerasish.graph.spec import format_shape
from kerasish.graph.tensor import Node, Tensor
from kerasish.layers.base import Call, History, Layer
from kerasish.layers.calls import HostCall
from kerasish.layers.embedding import Embedding
from kerasish.layers.input import InputLayer
from kerasish.models.hosted import HostPart
from kerasish.models.operation import OperationLayer


class LayerGraph:
    """What lies between the inputs and outputs of a functional model.

    Args:
        inputs: symbolic tensors, nested as the model takes them.
        outputs: tensors computed from them by layers.

    Attributes:
        calls: the recorded calls in an order in which they can be replayed.
        entrances: the InputLayer of each input.
        layers: these and the layers of the calls, in Keras's order: those farthest from the
            outputs first. Files of weights go by it.
        host: what the host computes before the engine; false if that is nothing.
        tables: the Embeddings that look up an input as it is, each with the input's number.
    """

    def __init__(self, inputs: Any, outputs: Any):
        self.inputs = inputs
        self.outputs = outputs
        self.flat_inputs: list[Tensor] = tree.flatten(inputs)
        self.flat_outputs: list[Tensor] = tree.flatten(outputs)
        self._check()
        self.calls = self._collect()
        self.entrances = [_input_layer(x) for x in self.flat_inputs]
        self.layers = self._by_depth()
        self._check_names()
        self.host = HostPart(self)
        self.tables = [
            (i, call.layer)
            for call in self.calls
            if isinstance(call.layer, Embedding)
            for i, x in enumerate(self.flat_inputs)
            if call.args and call.args[0] is x
        ]

    def _check(self) -> None:
        for what, tensors in (("inputs", self.flat_inputs), ("outputs", self.flat_outputs)):
            if not tensors:
                raise ValueError(f"Model({what}=...) needs at least one tensor.")
            for x in tensors:
                if not isinstance(x, Tensor) or not x.is_symbolic:
                    raise ValueError(
                        f"Model({what}=...) takes tensors that come from `Input` (or from layers "
                        f"called on one), but got {type(x).__name__} {x!r:.100}."
                    )
        if len({id(x) for x in self.flat_inputs}) != len(self.flat_inputs):
            raise ValueError("Model(inputs=...) names the same Input twice.")

    def _check_names(self) -> None:
        names: dict[str, Layer] = {}
        for layer in self.layers:
            if names.setdefault(layer.name, layer) is not layer:
                raise ValueError(
                    f"Two different layers of the model are called {layer.name!r}. Names must "
                    "be unique: give one of them another `name`."
                )

    def _collect(self) -> list[Call]:
        """The calls behind the outputs, depth first, each after those it depends on."""
        known = {id(x) for x in self.flat_inputs}
        order: dict[int, Call] = {}
        stack: list[tuple[Tensor, bool]] = [(x, False) for x in reversed(self.flat_outputs)]
        while stack:
            tensor, expanded = stack.pop()
            if id(tensor) in known:
                continue
            call = self.call_of(tensor)
            if id(call) in order:
                continue
            if expanded:
                order[id(call)] = call
                continue
            stack.append((tensor, True))
            stack.extend((x, False) for x in reversed(_dependencies(call)))
        return list(order.values())

    def _by_depth(self) -> list[Layer]:
        """The layers by their longest way to an output, then as met on the way back from those."""
        sources = {id(x): layer for x, layer in zip(self.flat_inputs, self.entrances, strict=True)}
        depths: dict[Layer, int] = dict.fromkeys(self.entrances, 0)
        of_call: dict[int, int] = {}
        for call in reversed(self.calls):
            # All calls of a layer are as deep as its deepest.
            depth = max(of_call.get(id(call), 0), depths.get(call.layer, 0))
            depths[call.layer] = depth
            for x in _dependencies(call):
                if id(x) in sources:
                    layer = sources[id(x)]
                    depths[layer] = max(depths[layer], depth + 1)
                else:
                    key = id(self.call_of(x))
                    of_call[key] = max(of_call.get(key, 0), depth + 1)
        met = {layer: i for i, layer in enumerate(self._backwards(sources))}
        return sorted(depths, key=lambda layer: (-depths[layer], met.get(layer, -1)))

    def _backwards(self, sources: Mapping[int, Layer]) -> list[Layer]:
        """The layers in the order in which a walk from the outputs, depth first, meets them."""
        met: dict[Layer, None] = {}
        seen: set[int] = set()
        stack = list(reversed(self.flat_outputs))
        while stack:
            tensor = stack.pop()
            if id(tensor) in sources:
                met.setdefault(sources[id(tensor)])
                continue
            call = self.call_of(tensor)
            if id(call) not in seen:
                seen.add(id(call))
                met.setdefault(call.layer)
                stack.extend(reversed(_dependencies(call)))
        return list(met)

    def arrange(self, names: Sequence[str]) -> None:
        """Puts the layers in the order of a file; those that it does not name stay behind."""
        position = {name: i for i, name in enumerate(names)}
        self.layers.sort(key=lambda layer: position.get(layer.name, len(position)))

    def call_of(self, tensor: Tensor) -> Call:
        """The call that made a tensor."""
        history: History | None = getattr(tensor, "history", None)
        if history is not None and not isinstance(history.call.layer, InputLayer):
            return history.call
        if tensor.node is None:
            raise ValueError(
                f"The outputs of the model depend on {tensor.name} of shape "
                f"{format_shape(tensor.shape)}, which is not among its inputs "
                f"({', '.join(x.name for x in self.flat_inputs)}). Add it to Model(inputs=...)."
            )
        return _operation_call(tensor.node)

    def origin(self, tensor: Tensor) -> tuple[Layer, int, int]:
        """The layer that a tensor comes from, which of its calls here, which of its outputs."""
        for layer, x in zip(self.entrances, self.flat_inputs, strict=True):
            if x is tensor:
                return layer, 0, 0
        call = self.call_of(tensor)
        same = [id(other) for other in self.calls if other.layer is call.layer]
        return call.layer, same.index(id(call)), tensor.history.index  # type: ignore[attr-defined]

    def run(self, inputs: Sequence[Tensor], instead: Mapping[Layer, Layer] | None = None) -> Any:
        """Replays the calls on other inputs and returns the outputs, nested as declared.

        Args:
            inputs: in the order of `flat_inputs`.
            instead: layer -> the one to call in its place.
        """
        given = list(zip(self.flat_inputs, inputs, strict=True))
        return self._replay(given, self.calls, self.outputs, instead)

    def run_on_engine(self, inputs: Sequence[Tensor]) -> Any:
        """Like `run`, but gives numbers for strings: see `HostPart.engine_outputs`."""
        calls = [c for c in self.calls if not (isinstance(c, HostCall) and c.late)]
        given = list(zip(self.flat_inputs, inputs, strict=True))
        return self._replay(given, calls, self.host.engine_outputs(self.outputs))

    def run_fed(self, fed: Mapping[str, Tensor]) -> Any:
        """Like `run_on_engine`, but without what the host computes; see `HostPart.fed`."""
        calls = [c for c in self.calls if not isinstance(c, HostCall)]
        given = [(x, fed[name]) for name, x in self.host.fed.items()]
        return self._replay(given, calls, self.host.engine_outputs(self.outputs), fed=fed)

    def _replay(
        self,
        replayed: list[tuple[Tensor, Tensor]],
        calls: Sequence[Call],
        outputs: Any,
        instead: Mapping[Layer, Layer] | None = None,
        fed: Mapping[str, Tensor] | None = None,
    ) -> Any:
        new = {id(old): x for old, x in replayed}

        def lookup(x: Any) -> Any:
            if not isinstance(x, Tensor) or not x.is_symbolic:
                return x
            if id(x) in new:
                return new[id(x)]
            if x.dtype == "string":
                raise TypeError(
                    f"{x.name} holds strings, which engines have not, so it cannot be an output "
                    "of a model. Apply the layer that makes them to data."
                )
            # Something between the layers that no output depends on, such as a mask.
            mask_source = getattr(x, "history", None)
            raise ValueError(f"{x!r} was not computed while replaying {mask_source}.")

        for call in calls:
            within = self.host.engine_call(call, fed, lookup) if fed else None
            args = [within] if within else tree.map_structure(lookup, list(call.args))
            kwargs = {k: tree.map_structure(lookup, v) for k, v in given_arguments(call).items()}
            layer = call.layer if instead is None else instead[call.layer]
            results = tree.flatten(layer(*args, **kwargs))
            pairs = list(zip(tree.flatten(call.outputs), results, strict=True))
            replayed += pairs
            new.update((id(old), x) for old, x in pairs)
        active = trace.current_trace()
        if active is not None:
            active.replayed += replayed
        return tree.map_structure(lookup, outputs)


def given_arguments(call: Call) -> dict[str, Any]:
    """The keyword arguments of a call without those that are worked out anew."""
    return {
        key: value
        for key, value in call.kwargs.items()
        if not (key == "training" and value is None)
    }


def _dependencies(call: Call) -> list[Tensor]:
    leaves: Iterable[Any] = tree.flatten([list(call.args), given_arguments(call)])
    return [x for x in leaves if isinstance(x, Tensor) and x.is_symbolic]


def _input_layer(x: Tensor) -> Layer:
    """The InputLayer of an input; one is made for tensors from inside of another graph."""
    history: History | None = getattr(x, "history", None)
    if history is not None and isinstance(history.call.layer, InputLayer):
        return history.call.layer
    return InputLayer(batch_shape=x.shape, dtype=x.dtype)


def _operation_call(node: Node) -> Call:
    """An operation between layers as a call of a layer; the same one for all models."""
    layer = OperationLayer(node)
    outputs = node.outputs
    call = Call(layer, tuple(layer.tensors), {}, outputs[0] if len(outputs) == 1 else outputs)
    for i, output in enumerate(outputs):
        output.history = History(call, i)  # type: ignore[attr-defined]
    layer._calls.append(call)
    return call
