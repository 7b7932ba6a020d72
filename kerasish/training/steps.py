"""The graphs of training, testing and predicting, traced once per kind of data."""

from __future__ import annotations

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


def placeholders(data: Data) -> list[Placeholder]:
    """One placeholder per array, its batch size left open."""
    return [
        Placeholder((None, *spec.shape[1:]), spec.dtype, name=name)
        for name, spec in zip(data.names, data.specs, strict=True)
    ]


def train_step(model: Any, data: Data) -> Step:
    """Traces `model.train_step`."""
    inputs = placeholders(data)
    with trace.Trace(training=True) as effects, trace.inside(model.name):
        logs = model.train_step(data.packed(inputs))
    return _logging_step(model, inputs, logs, effects, training=True)


def test_step(model: Any, data: Data) -> Step:
    """Traces `model.test_step`."""
    inputs = placeholders(data)
    with trace.Trace(training=False) as effects, trace.inside(model.name):
        logs = model.test_step(data.packed(inputs))
    return _logging_step(model, inputs, logs, effects, training=False)


def predict_step(model: Any, data: Data) -> Step:
    """Traces `model.predict_step`."""
    inputs = placeholders(data)
    with trace.Trace(training=False) as effects, trace.inside(model.name):
        outputs = model.predict_step(data.packed(inputs))
    function = Function(
        inputs, tree.flatten(outputs), effects.updates, name=f"{model.name}.predict_step"
    )
    return Step(function, outputs)


def _logging_step(
    model: Any, inputs: list[Placeholder], logs: Any, effects: trace.Trace, training: bool
) -> Step:
    kind = "train" if training else "test"
    if not isinstance(logs, dict):
        raise TypeError(
            f"{model.name}.{kind}_step must return a dict of logs such as "
            f"{{'loss': loss}}, but it returned {type(logs).__name__}."
        )
    function = Function(
        inputs,
        list(logs.values()),
        effects.updates,
        training=training,
        name=f"{model.name}.{kind}_step",
    )
    return Step(function, list(logs))


def minimize(model: Any, loss: Tensor) -> None:
    """One step of the model's optimizer on its trainable weights."""
    variables = model.trained_variables()
    if not variables:
        raise ValueError(
            f"Model {model.name} has no trainable weights. Is every layer frozen (trainable=False)?"
        )
    model.optimizer.apply(gradients(loss, variables), variables)
