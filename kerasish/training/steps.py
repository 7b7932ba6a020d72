"""The graphs of training, testing and predicting, traced once per kind of data."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kerasish import ops, tree
from kerasish.graph import dtypes, trace
from kerasish.graph.function import Function, run_counter
from kerasish.graph.gradients import gradients
from kerasish.graph.passes import replace, topological_order, variables_in
from kerasish.graph.program import Program
from kerasish.graph.subgraph import operands
from kerasish.graph.tensor import Constant, Placeholder, Tensor
from kerasish.graph.variable import Variable
from kerasish.utils.data import pack_x_y_sample_weight

if TYPE_CHECKING:
    from kerasish.training.data import Data
    from kerasish.training.loop import ChunkSize


class Step(NamedTuple):
    """A traced step.

    Attributes:
        function: takes the flat data, returns the flat outputs.
        traced: what it was made of, or what it made of the latest batch.
        sizes: how many of these steps a call takes, as learnt so far, by engine and samples.
    """

    function: Any
    traced: Any
    sizes: dict[Any, ChunkSize]

    @property
    def outputs(self) -> Any:
        """What the outputs are: the names of logs, or the structure of predictions."""
        return self.traced.outputs


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
        self._callers: dict[str, StepFunction] = {}
        self._metrics: list[Any] | None = None
        self._warm_up = True

    @property
    def metrics(self) -> list[Any]:
        """The model's metrics. Looked for once after each tracing: that takes a while."""
        if self._metrics is None or self._model.run_eagerly:
            self._metrics = list(self._model.metrics)
        return self._metrics

    def get(self, kind: str, data: Data) -> Step:
        """The step "train", "test" or "predict" for this kind of data."""
        group = (kind, data.structure)
        shapes: Shapes = () if self._model.run_eagerly else data.sample_shapes
        last = self._shapes.get(group, shapes)
        if last != shapes and (open_shapes := self._opened(last, data)):
            shapes = open_shapes
        key = (group, shapes)
        if key not in self._known:
            make = self._eager if self._model.run_eagerly else self._traced
            self._known[key] = make(kind, data, shapes)
            self._metrics = None
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        self._shapes[group] = shapes
        self.caller(kind).latest = self._known[key]
        return self._known[key]

    def caller(self, kind: str) -> StepFunction:
        """What stands for all steps of a kind."""
        return self._callers.setdefault(kind, StepFunction(self, self._model, kind))

    def latest(self, kind: str) -> StepFunction | None:
        """What stands for all steps of a kind, None if there are none yet."""
        return self._callers.get(kind)

    def run_alike(self) -> None:
        """Has the first runs of a step round as later ones do, which takes longer to start.

        So a training that is resumed in a new process has the bits of one that went on.
        """
        self._warm_up = False
        for step in self._known.values():
            step.function.warm_up = False

    def forget(self, kind: str) -> None:
        """Steps of a kind are traced anew."""
        self._known = OrderedDict((k, v) for k, v in self._known.items() if k[0][0] != kind)
        self._callers.pop(kind, None)

    def _opened(self, last: Shapes, data: Data) -> Shapes | None:
        """Shapes for data of both kinds, if the model's inputs leave open where they differ."""
        fed = self._model._fed
        merged = tuple(
            tuple(a if a == b else None for a, b in zip(one, other, strict=True))
            for one, other in zip(last, data.sample_shapes, strict=True)
        )
        leaves = tree.flatten(data.parts[0])
        if fed is None or len(fed) != len(leaves):
            return None
        given = {id(leaf): shape for leaf, shape in zip(leaves, merged, strict=False)}
        if isinstance(data.parts[0], dict):
            leaves = [data.parts[0].get(name) for name in fed]
        pairs = [
            (size, declared)
            for leaf, tensor in zip(leaves, fed.values(), strict=True)
            for size, declared in zip(given.get(id(leaf), ()), tensor.shape[1:], strict=False)
        ]
        opened = [declared for size, declared in pairs if size is None]
        return merged if opened and all(declared is None for declared in opened) else None

    def _traced(self, kind: str, data: Data, shapes: Shapes) -> Step:
        inputs = [
            Placeholder((None, *shape), spec.dtype, name=name)
            for name, spec, shape in zip(data.names, data.specs, shapes, strict=True)
        ]
        traced = Traced(self._model, kind, data.unpacked(inputs))
        function = traced.function(inputs)
        function.jit = self._model._jit
        function.warm_up = self._warm_up
        return Step(function, traced, {})

    def _eager(self, kind: str, data: Data, shapes: Shapes) -> Step:
        function = EagerFunction(self._model, kind, data.part(0, 1).copied())
        if not self._model.built:
            # Callbacks find a model that has its weights.
            function.trace(function.example.arrays)
        return Step(function, function, {})


class Traced:
    """What a model's step made of a batch, symbolic or not.

    Args:
        model: the model.
        kind: "train", "test" or "predict".
        parts: x, y and sample_weight as tensors.
        at_once: whether the step runs now, on these parts.

    Attributes:
        outputs: what the outputs are: the names of logs, or the structure of predictions.
        variables: what the step reads and changes.
    """

    def __init__(self, model: Any, kind: str, parts: tuple[Any, Any, Any], at_once: bool = False):
        self.name = f"{model.name}.{kind}_step"
        self._training = kind == "train"
        traced = trace.Trace(training=self._training, at_once=at_once)
        with traced as effects, trace.inside(model.name):
            model._prepare_metrics(*parts[:2])
            result = getattr(model, f"{kind}_step")(pack_x_y_sample_weight(*parts))
        if kind != "predict" and not isinstance(result, dict):
            raise TypeError(
                f"{self.name} must return a dict of logs such as {{'loss': loss}}, but it "
                f"returned {type(result).__name__}."
            )
        logs = {} if kind == "predict" else _flat_logs(result, model.metrics_names)
        self.outputs = result if kind == "predict" else list(logs)
        pairs = tree.flatten_with_path(result) if kind == "predict" else list(logs.items())
        self._values, self._updates = _replayed([self._tensor(*p) for p in pairs], effects)
        read = variables_in([*self._values, *self._updates.values()])
        self.variables = list(dict.fromkeys([*read, *self._updates]))

    def _tensor(self, where: Any, value: Any) -> Tensor:
        """A result of the step as a tensor: numbers of Python and NumPy are constants."""
        try:
            return ops.convert_to_tensor(value)
        except (TypeError, ValueError):
            found = f"{where!r} is" if where else "it returned"
            hint = " Did you mean its result()?" if hasattr(value, "result") else ""
            raise TypeError(
                f"{self.name} must return tensors or numbers, but {found} "
                f"{type(value).__name__} {value!r:.60}.{hint}"
            ) from None

    def function(self, inputs: Sequence[Tensor]) -> Function:
        """The Function of `inputs`, the tensors in the batch."""
        training, name = self._training, self.name
        return Function(inputs, self._values, self._updates, training=training, name=name)


def _flat_logs(logs: dict[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
    """Logs in the order in which `evaluate` lists them: `metrics`, then others by name.

    Metrics with several values count as several.
    """
    flat: dict[str, Any] = {}
    for name, value in logs.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    names = [*(name for name in metrics if name in flat), *sorted(flat)]
    return {name: flat[name] for name in names}


def _replayed(
    values: list[Tensor], effects: trace.Trace
) -> tuple[list[Tensor], dict[Variable, Tensor]]:
    """The results of a step, in which a loss may have used tensors of the functional model.

    `def loss(y, y_pred): return ... + z_mean` is meant of the z_mean that y_pred was made of.
    """
    tensors = [*values, *effects.updates.values()]
    changed = {old: new for old, new in effects.replayed if old is not new}
    stale = set(map(id, changed))
    used = (t for node in topological_order(tensors) for t in operands(node))
    if not any(id(t) in stale for t in used):
        return values, effects.updates
    new = replace(tensors, changed, keep_sources=True)
    return new[: len(values)], dict(zip(effects.updates, new[len(values) :], strict=True))


class EagerFunction:
    """A step that is traced anew on the numbers of each batch, which can thus be looked at.

    Args:
        model: the model.
        kind: "train", "test" or "predict".
        example: one sample of the structure that batches have.

    Attributes:
        example: likewise.
        outputs: as in `Traced`, of the latest batch.
        variables: likewise.
    """

    def __init__(self, model: Any, kind: str, example: Data):
        self._model, self._kind, self.example = model, kind, example
        self.outputs: Any = None
        self.variables: list[Variable] = []
        self._latest: Function | None = None

    def trace(self, arrays: Sequence[Any]) -> Function:
        """The Function for a batch, made on its numbers."""
        tensors = [Constant(np.asarray(array)) for array in arrays]
        traced = Traced(self._model, self._kind, self.example.unpacked(tensors), at_once=True)
        self.outputs, self.variables = traced.outputs, traced.variables
        function = self._latest = traced.function(tensors)
        function.eager = True
        return function

    def __call__(self, *arrays: Any) -> list[np.ndarray]:
        """Runs once. What was looked at while tracing is what the run computes."""
        with run_counter.held():
            return self.trace(arrays)(*arrays)

    def run_steps(
        self, data: Sequence[Any], order: np.ndarray, collect: bool = False
    ) -> list[np.ndarray]:
        """Runs one step per row of `order`; see `Function.run_steps`."""
        arrays = [np.asarray(array) for array in data]
        results = [self(*(array[rows] for array in arrays)) for rows in order]
        return [np.stack(group) for group in zip(*results, strict=True)] if collect else results[-1]

    @property
    def program(self) -> Program:
        """The Program of the latest batch."""
        if self._latest is None:
            raise RuntimeError("There is no Program yet: no batch has run.")
        return self._latest.program


class StepFunction:
    """All steps of a kind as one function of a batch: x, (x, y) or (x, y, sample_weight).

    Returns name -> value, or predictions. Metrics are not reset.
    """

    def __init__(self, steps: Steps, model: Any, kind: str):
        self._steps, self._model, self._kind = steps, model, kind
        self.latest: Step | None = None

    def __call__(self, batch: Any) -> Any:
        """Runs one step on a batch, or on the next one of an iterator of batches."""
        data = self._model._batch_of(next(batch) if hasattr(batch, "__next__") else batch)
        step = self._steps.get(self._kind, data)
        outputs = step.function(*data.arrays)
        if self._kind == "predict":
            return tree.pack(step.outputs, outputs)
        return dict(zip(step.outputs, outputs, strict=True))

    @property
    def program(self) -> Program:
        """The Program that ran last. Printed, it shows each operation with shapes and source."""
        if self.latest is None:
            raise RuntimeError(
                f"There is no Program of {self._model.name}.{self._kind}_step yet: it is made for "
                "the shapes of the first batch. Run fit, evaluate, predict or a batch first."
            )
        return self.latest.function.program

    def __repr__(self) -> str:
        return f"<StepFunction {self._model.name}.{self._kind}_step>"


def minimize(model: Any, loss: Tensor) -> None:
    """One step of the model's optimizer on its trainable weights."""
    variables = model.trained_variables()
    if not variables:
        model._warn_once(
            f"Model {model.name} has no trainable weights, so training changes none: every layer "
            "is frozen (trainable=False), has no weights, or is made in `call`, not in `__init__`. "
            "The losses are computed."
        )
        return
    if model.optimizer is None:
        raise RuntimeError(
            f"Model {model.name} was compiled with optimizer=None, so it cannot be trained: call "
            'compile(optimizer="adam", ...), or write a train_step that needs none.'
        )
    used = _lead_to(variables, loss)
    if not any(used):
        raise ValueError(
            f"The loss of model {model.name} has no gradient with respect to any of its "
            f"{len(variables)} trainable weights, so nothing can be learnt. It must be computed "
            "from them by operations on floats: there is none through whole numbers, comparisons, "
            "argmax or stop_gradient."
        )
    if not all(used):
        idle = [v.path for v, is_used in zip(variables, used, strict=True) if not is_used]
        model._warn_once(
            f"Model {model.name}: the loss has no gradient with respect to the weights "
            f"{', '.join(idle[:5])}{' ...' if len(idle) > 5 else ''}, which training leaves as "
            "they are."
        )
        model.optimizer.build(variables)  # as another kind of data may need them
    loss = model.optimizer.scale_loss(loss)
    grads = zip(gradients(loss, variables), used, strict=True)
    # Not zeros: weight decay and averages of gradients would change what has none.
    model.optimizer.apply([grad if is_used else None for grad, is_used in grads], variables)


def _lead_to(variables: Sequence[Variable], loss: Tensor) -> list[bool]:
    """To which of the variables a gradient of the loss can pass on."""
    met: set[int] = set()
    waiting = [loss]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in met:
            continue
        met.add(id(tensor))
        if tensor.node is not None and tensor.node.primitive.name != "stop_gradient":
            waiting += [x for x in tensor.node.inputs if dtypes.is_float(x.dtype)]
    return [id(variable) in met for variable in variables]
