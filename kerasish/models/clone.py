"""clone_model: a model like another, with weights of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.graph.tensor import Tensor
from kerasish.layers.base import Layer
from kerasish.layers.input import Input, InputLayer
from kerasish.models.functional import LayerGraph
from kerasish.models.model import Model
from kerasish.models.operation import OperationLayer
from kerasish.models.sequential import Sequential
from kerasish.saving.serialization import keeping_functions


def _copied(layer: Layer) -> Layer:
    with keeping_functions():  # also a lambda, which no name leads back to
        return type(layer).from_config(layer.get_config())


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model of the same structure with new layers and fresh weights.

    Args:
        model: Sequential or functional, or of a class of one's own that has a `get_config`.
        input_tensors: tensors to put in place of the inputs; new inputs if None.
        clone_function: makes the new layer for each layer; by default another with equal config.
        call_function: calls the new layers, as `call_function(layer, *args, **kwargs)`; not for
            a Sequential, whose layers are called one after the other.
        recursive: whether models within are cloned layer by layer too.

    Raises:
        ValueError: for a subclassed model without one, or arguments that do not fit the model.

    >>> from kerasish import layers
    >>> model = Sequential([layers.Input((3,)), layers.Dense(2)])
    >>> clone_model(model).count_params() == model.count_params()
    True
    """
    make = clone_function or _copied

    def clone(layer: Layer) -> Layer:
        if recursive and isinstance(layer, Model) and layer._graph is not None:
            of_graph = None if isinstance(layer, Sequential) else call_function
            return clone_model(layer, None, clone_function, of_graph, recursive)
        return make(layer)

    graph = model._graph
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("clone_model: call_function is not for Sequential models.")
        layers = [clone(layer) for layer in model.layers]
        first = map(_as_input, _new_inputs(graph, input_tensors))
        return Sequential([*first, *layers], name=model.name, trainable=model._trainable)
    as_it_is = input_tensors is clone_function is call_function is None
    if graph is None and as_it_is and type(model).get_config is not Model.get_config:
        return _copied(model)  # type: ignore[return-value]
    if graph is None:
        raise ValueError(
            f"Model {model.name} ({type(model).__name__}) is a subclassed model: what it does is "
            "known to its class alone. Make another by calling the class, or give it a get_config."
        )
    copies: dict[Layer, Any] = {layer: _copy(layer, clone) for layer in graph.layers}
    if call_function is not None:
        copies = {
            layer: copy
            if isinstance(layer, InputLayer | OperationLayer)
            else functools.partial(call_function, copy)
            for layer, copy in copies.items()
        }
    inputs = _new_inputs(graph, input_tensors)
    outputs = graph.run(inputs, copies)
    return Model(
        inputs=tree.pack(graph.inputs, inputs),
        outputs=outputs,
        name=model.name,
        trainable=model._trainable,
    )


def _copy(layer: Layer, clone: Callable[[Layer], Layer]) -> Layer:
    if isinstance(layer, InputLayer):
        return layer
    if isinstance(layer, OperationLayer):
        return OperationLayer(layer.node, layer.name)
    return clone(layer)


def _new_inputs(graph: LayerGraph | None, given: Any) -> list[Tensor]:
    """The inputs of a clone. `graph`: of the model, None if it waits for its first data."""
    if given is None:
        entrances = zip(graph.flat_inputs, graph.entrances, strict=True) if graph else ()
        return [Input(batch_shape=x.shape, dtype=x.dtype, name=e.name) for x, e in entrances]
    tensors = tree.flatten(given)
    count = len(graph.flat_inputs) if graph else 1
    if len(tensors) != count:
        raise ValueError(
            f"clone_model: the model has {count} inputs, but got {len(tensors)} input_tensors."
        )
    return tensors


def _as_input(x: Tensor) -> Tensor:
    """`x` if it is an Input, else one of its shape: a Sequential begins with nothing else."""
    history = getattr(x, "history", None)
    is_input = history is not None and isinstance(history.call.layer, InputLayer)
    return x if is_input else Input(batch_shape=x.shape, dtype=x.dtype)
