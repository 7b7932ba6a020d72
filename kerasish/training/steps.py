"""The graphs of training, testing and predicting, traced once per kind of data."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from kerasish import tree
from kerasish.graph import trace
from kerasish.graph.function import Function
from kerasish.graph.gradients import gradients
from kerasish.graph.tensor import Placeholder, Tensor

if TYPE_CHECKING:
    from kerasish.training.data import Data


class Step(NamedTuple):
    """A traced step.

    Attributes:
        function: takes the flat data, returns the flat outputs.
        outputs: what the outputs are: the names of logs, or the structure of predictions.
    """

    function: Function
    outputs: Any


# Shapes of samples, one per array; None where a Function may meet any size.
Shapes = tuple[tuple[int | None, ...], ...]

# How many steps of a model are kept, those used last.
_KEPT = 32


class Steps:
    """The traced steps of a model, made when data of a new kind comes.

    Args:
        model: whose `train_step`, `test_step` and `predict_step` they are.
    """

    def __init__(self, model: Any):
        self._model = model
        self._known: OrderedDict[Any, Step] = OrderedDict()
        # The shapes of the step made last for data of a structure.
        self._shapes: dict[Any, Shapes] = {}

    def get(self, kind: str, data: Data) -> Step:
        """The step "train", "test" or "predict" for this kind of data."""
        group = (kind, data.structure)
        shapes: Shapes = data.sample_shapes
        last = self._shapes.get(group, shapes)
        if last != shapes and (open_shapes := self._opened(last, data)):
            shapes = open_shapes
        key = (group, shapes)
        if key not in self._known:
            self._known[key] = self._traced(kind, data, shapes)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        self._shapes[group] = shapes
        return self._known[key]

    def _opened(self, last: Shapes, data: Data) -> Shapes | None:
        """Shapes for data of both kinds, if the model's inputs leave open where they differ."""
        inputs = self._model.inputs
        merged = tuple(
            tuple(a if a == b else None for a, b in zip(one, other, strict=True))
            for one, other in zip(last, data.sample_shapes, strict=True)
        )
        leaves = tree.flatten(data.parts[0])
        if inputs is None or len(inputs) != len(leaves):
            return None
        given = {id(leaf): shape for leaf, shape in zip(leaves, merged, strict=False)}
        if isinstance(data.parts[0], dict):
            leaves = [data.parts[0].get(name) for name in self._model.input_names]
        pairs = [
            (size, declared)
            for leaf, tensor in zip(leaves, inputs, strict=True)
            for size, declared in zip(given.get(id(leaf), ()), tensor.shape[1:], strict=False)
        ]
        opened = [declared for size, declared in pairs if size is None]
        return merged if opened and all(declared is None for declared in opened) else None

    def _traced(self, kind: str, data: Data, shapes: Shapes) -> Step:
        model, training = self._model, kind == "train"
        inputs = [
            Placeholder((None, *shape), spec.dtype, name=name)
            for name, spec, shape in zip(data.names, data.specs, shapes, strict=True)
        ]
        with trace.Trace(training=training) as effects, trace.inside(model.name):
            result = getattr(model, f"{kind}_step")(data.packed(inputs))
        if kind != "predict" and not isinstance(result, dict):
            raise TypeError(
                f"{model.name}.{kind}_step must return a dict of logs such as "
                f"{{'loss': loss}}, but it returned {type(result).__name__}."
            )
        function = Function(
            inputs,
            tree.flatten(result) if kind == "predict" else list(result.values()),
            effects.updates,
            training=training,
            name=f"{model.name}.{kind}_step",
        )
        function.eager = model._run_eagerly
        function.jit = model._jit
        return Step(function, result if kind == "predict" else list(result))


def minimize(model: Any, loss: Tensor) -> None:
    """One step of the model's optimizer on its trainable weights."""
    variables = model.trained_variables()
    if not variables:
        raise ValueError(
            f"Model {model.name} has no trainable weights. Is every layer frozen (trainable=False)?"
        )
    loss = model.optimizer.scale_loss(loss)
    model.optimizer.apply(gradients(loss, variables), variables)
