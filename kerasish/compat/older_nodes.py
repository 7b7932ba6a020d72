"""Calls of layers as Keras 1 and 2 tell of them: nodes, and the `_keras_history` of tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from kerasish import tree
from kerasish.graph.tensor import Tensor
from kerasish.layers.calls import Call, mask_of

__all__ = ["KerasHistory", "KerasTensor", "Node"]

KerasTensor = Tensor


class KerasHistory(NamedTuple):
    """Where a tensor comes from: a layer, the number of its call, and that of the output."""

    layer: Any
    node_index: int
    tensor_index: int


class Node:
    """A call of a layer. Layers make these themselves.

    Attributes:
        outbound_layer: the layer.
        input_tensors: what it was called with, and `input_masks`, `input_shapes`.
        output_tensors: what it returned, and `output_masks`, `output_shapes`.
        inbound_layers: the layers that the inputs come from.
        arguments: by name, what is no tensor.
    """

    outbound_layer: Any
    input_tensors: list[Tensor]
    output_tensors: list[Tensor]
    inbound_layers: list[Any]
    node_indices: list[int]
    tensor_indices: list[int]
    arguments: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any):
        raise NotImplementedError(
            "A Node is made by calling a layer. For a layer without inputs use Input(tensor=...) "
            "or Input(shape=...)."
        )

    @classmethod
    def of(cls, call: Call) -> Node:
        """The node of a call."""
        node = cls.__new__(cls)
        node.outbound_layer = call.layer
        node.input_tensors = call.inputs
        node.output_tensors = [x for x in tree.flatten(call.outputs) if isinstance(x, Tensor)]
        for side in ("input", "output"):
            tensors = getattr(node, f"{side}_tensors")
            setattr(node, f"{side}_masks", [mask_of(x) for x in tensors])
            setattr(node, f"{side}_shapes", [x.shape for x in tensors])
        histories = [_history(x) for x in node.input_tensors if hasattr(x, "history")]
        node.inbound_layers = [x.layer for x in histories]
        node.node_indices = [x.node_index for x in histories]
        node.tensor_indices = [x.tensor_index for x in histories]
        node.arguments = {k: v for k, v in call.kwargs.items() if not isinstance(v, Tensor)}
        return node


class _Number(int):
    """The number of a call among those of its layer.

    Models call their layers anew where they are trained; such calls have no numbers of their own.
    """

    call: Call


class _Nodes(tuple):
    """The nodes of a layer. A number that says its call gets that one's."""

    def __getitem__(self, index: Any) -> Any:
        return Node.of(index.call) if isinstance(index, _Number) else super().__getitem__(index)


def _history(tensor: Tensor) -> KerasHistory:
    if "history" not in tensor.__dict__:
        raise AttributeError(
            f"Tensor {tensor.name} has no _keras_history: it does not come from a layer."
        )
    found = tensor.history  # type: ignore[attr-defined]
    if found.within is not None and not any("history" in x.__dict__ for x in found.call.inputs):
        found = found.within  # an output of the model that is being trained
    call, index = found.call, found.index
    calls: Iterable[Call] = call.layer._calls
    number = _Number(next((i for i, known in enumerate(calls) if known is call), 0))
    number.call = call
    return KerasHistory(call.layer, number, index)


def inbound_nodes(layer: Any) -> tuple[Node, ...]:
    """A layer's calls on symbolic tensors."""
    return _Nodes(Node.of(call) for call in layer._calls)


def outbound_nodes(layer: Any) -> list[Node]:
    """The calls of layers on what a layer returned."""
    followers = [follower() for call in layer._calls for follower in call.followers]
    return [Node.of(call) for call in followers if call is not None]


keras_history = property(_history)
