"""Models as those of Keras 1 and 2 on TensorFlow 1: lists that programs change, and symbols.

`kerasish run` gives models, and optimizers, these attributes (see `attributes`).
"""

from __future__ import annotations

from typing import Any

from kerasish.compat.older_utils import has_arg
from kerasish.graph import trace
from kerasish.graph.tensor import Placeholder, Tensor
from kerasish.models.functional import LayerGraph
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.optimizers import Optimizer
from kerasish.training.trainer import Trainer


def attributes() -> list[tuple[type, str, Any]]:
    """Class, name and value of what models have, beside or instead of their own."""
    symbols = ("targets", "sample_weights", "total_loss")
    kept = [(cls, property(_kept_layers(cls.__dict__["layers"]))) for cls in (Model, Sequential)]
    return [
        *((cls, "layers", value) for cls, value in kept),
        (Model, "outputs", property(Model.__dict__["outputs"].fget, _set_outputs)),
        (Trainer, "metrics_names", property(_named(Trainer.__dict__["metrics_names"]))),
        (Optimizer, "weights", property(lambda self: self.variables)),
        (Model, "uses_learning_phase", property(_uses_phase, lambda self, value: None)),
        (Trainer, "metrics_tensors", property(_MetricsTensors, lambda self, value: None)),
        *((Trainer, name, property(_symbol(name))) for name in symbols),
    ]


def _uses_phase(self: Any) -> bool:
    """Whether a layer within is told of the phase. Functions then take it beside the inputs."""
    layers = (layer for layer in self._flatten_layers() if not isinstance(layer, Model))
    return any(has_arg(layer.call, "training") for layer in layers)


# ---------------------------------------------------------------- layers that are popped


class _Layers(list):
    """The layers of a model, and what they were when the list was made."""

    def __init__(self, layers: list[Any]):
        super().__init__(layers)
        self.made_of = layers


def _kept_layers(plain: property) -> Any:
    """`model.layers` as one list, until the model changes: `model.layers.pop()` shortens it."""

    def find(self: Any) -> list[Any]:
        now, kept = plain.fget(self), self.__dict__.get("_older_layers")  # type: ignore[misc]
        if kept is None or kept.made_of != now:
            kept = self.__dict__["_older_layers"] = _Layers(now)
        return kept

    return find


def _set_outputs(self: Any, outputs: Any) -> None:
    """`model.outputs = [model.layers[-1].output]`: layers behind are the model's no more."""
    if self._graph is None:
        raise ValueError(f"Model {self.name} has no graph, so its outputs can't be changed.")
    if isinstance(self, Sequential):
        _cut(self, outputs)
        return
    single = isinstance(outputs, (list, tuple)) and len(outputs) == 1
    self._graph = LayerGraph(self._graph.inputs, outputs[0] if single else outputs)
    self._forget_steps()


def _cut(self: Any, outputs: Any) -> None:
    """Takes layers off a Sequential until it has this output."""
    (wanted,) = outputs if isinstance(outputs, (list, tuple)) else (outputs,)
    found = [call.layer for call in self._graph.calls if wanted in _set_of(call.outputs)]
    if not found or found[-1] not in self._stack:
        raise ValueError(f"{wanted!r} is not the output of a layer of Sequential {self.name}.")
    while self._stack[-1] is not found[-1]:
        self.pop()


def _set_of(outputs: Any) -> set[Any]:
    return {outputs} if isinstance(outputs, Tensor) else set(outputs)


# ---------------------------------------------------------------- metrics that are added


class _Names(list):
    """The names of the metrics; one that is appended is that of the next tensor."""

    def __init__(self, model: Any, names: list[str]):
        super().__init__(names)
        self._coming = model.__dict__.setdefault("_older_names", [])

    def append(self, name: str) -> None:
        super().append(name)
        self._coming.append(name)


class _MetricsTensors(list):
    """What `model.metrics_tensors` is for: a tensor that is appended is shown in the logs."""

    def __init__(self, model: Any):
        super().__init__()
        self._model = model

    def append(self, tensor: Tensor) -> None:
        """Shows the tensor, under the name that was appended to `metrics_names` for it."""
        super().append(tensor)
        coming = self._model.__dict__.get("_older_names")
        self._model.add_metric(tensor, coming.pop(0) if coming else tensor.name)

    def extend(self, tensors: Any) -> None:
        for tensor in tensors:
            self.append(tensor)

    def __iadd__(self, tensors: Any) -> Any:  # type: ignore[misc]
        self.extend(tensors)
        return self


def _named(plain: property) -> Any:
    """`model.metrics_names`, which Keras 2 knows when the model has been compiled."""

    def find(self: Any) -> list[str]:
        objective = self._objective
        usual = type(self).train_step is Trainer.train_step and self.outputs
        if usual and objective is not None and not objective.built:
            names = self._names_of(self.output)
            objective.build(names, _targets(self), self.outputs, self.output)
        return _Names(self, plain.fget(self))  # type: ignore[misc]

    return find


# ---------------------------------------------------------------- the loss as a tensor


def _symbol(name: str) -> Any:
    return lambda self: _symbols(self)[name]


def _symbols(model: Any) -> dict[str, Any]:
    """Placeholders for targets and sample weights, and the loss computed from them.

    They are made when they are first asked for, anew for each `compile`.
    """
    objective, kept = model._require_compiled("total_loss"), model.__dict__.get("_older_symbols")
    if kept is not None and kept["objective"] is objective:
        return kept
    if model.outputs is None:
        raise AttributeError(f"Model {model.name} has no inputs and outputs, so no symbols.")
    targets = _targets(model)
    weights = [Placeholder((None,), "float32", f"weights {i}") for i in range(len(targets))]
    one = len(targets) == 1
    # The trace takes in what computing a loss changes: the means of losses.
    with trace.Trace(training=False), trace.inside(model.name):
        loss = model.compute_loss(
            None, targets[0] if one else targets, model.output, weights[0] if one else weights
        )
    kept = model.__dict__["_older_symbols"] = {
        "objective": objective, "targets": targets, "sample_weights": weights, "total_loss": loss
    }  # fmt: skip
    return kept


def _targets(model: Any) -> list[Any]:
    """A placeholder for the targets of each output that has a loss."""
    losses = model._compile_arguments["loss"]
    if isinstance(losses, dict):
        losses = [losses.get(name) for name in model.output_names]
    elif not isinstance(losses, (list, tuple)):
        losses = [losses] * len(model.outputs)
    shapes = [
        (*y.shape[:-1], 1) if _is_sparse(loss) else y.shape
        for y, loss in zip(model.outputs, losses, strict=True)
    ]
    return [
        None if loss is None else Placeholder(shape, y.dtype, f"target {i}")
        for i, (y, loss, shape) in enumerate(zip(model.outputs, losses, shapes, strict=True))
    ]


def _is_sparse(loss: Any) -> bool:
    return "sparse" in str(getattr(loss, "__name__", getattr(loss, "name", loss)))
