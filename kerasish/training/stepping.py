"""What one step does, written to be overridden; mixed into Trainer."""

from __future__ import annotations

import inspect
from typing import Any

from kerasish import ops, tree
from kerasish.graph.tensor import Tensor
from kerasish.training import checks, steps
from kerasish.training.compiled import Objective
from kerasish.training.nesting import along, is_deep
from kerasish.utils.data import unpack_x_y_sample_weight


class Stepping:
    """The part of Trainer that says what a step of training, testing and predicting is.

    The methods build a graph, on symbolic batches; with `run_eagerly` they see each batch's
    numbers. `data` is what a source of batches yields: x, (x, y) or (x, y, sample_weight).
    """

    name: str
    _objective: Objective | None
    _steps: steps.Steps

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training; may be overridden.

        Returns:
            name -> value of the logs.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        outputs = self(x, training=True)  # type: ignore[operator]
        loss = self.compute_loss(x, y, outputs, sample_weight)
        self._track_loss(loss, x)
        steps.minimize(self, loss)
        return self.compute_metrics(x, y, outputs, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation; may be overridden."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        outputs = self(x, training=False)  # type: ignore[operator]
        takes = "training" in inspect.signature(self.compute_loss).parameters
        inference = {"training": False} if takes else {}  # one of a user's own may not know it
        loss = self.compute_loss(x, y, outputs, sample_weight, **inference)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, outputs, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """One step of prediction; may be overridden."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The loss of one batch: of the outputs, of regularisers and of `add_loss`.

        Args:
            x: the inputs.
            y: the targets; None if there is only `add_loss` to train on.
            y_pred: what the model computed for x.
            sample_weight: weights, one array for each output or one for all.
            training: whether it is for training.
        """
        objective = self._require_objective()
        names, targets, outputs, weights = self._matched_outputs(y, y_pred, sample_weight)
        objective.build(names, targets, outputs, y_pred)
        return objective.compute_loss(targets, outputs, weights, self.losses)  # type: ignore[attr-defined]

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Updates the metrics with one batch and returns all values so far."""
        objective = self._require_objective()
        names, targets, outputs, weights = self._matched_outputs(y, y_pred, sample_weight)
        objective.build(names, targets, outputs, y_pred)
        objective.update(targets, outputs, weights)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Name -> value so far, of all metrics; those of metrics with several values apart."""
        found: dict[str, Any] = {}
        for metric in self.metrics:  # type: ignore[attr-defined]
            value = metric.result()
            found.update(value if isinstance(value, dict) else {metric.name: value})
        return found

    def _track_loss(self, loss: Tensor, x: Any) -> None:
        first = tree.flatten(x)[0]
        self._require_objective().loss_tracker.update_state(
            loss, sample_weight=ops.cast(ops.shape(first)[0], "float32")
        )

    def _require_objective(self) -> Objective:
        return self._require_compiled("fit")  # type: ignore[attr-defined]

    def _matched_outputs(
        self, y: Any, y_pred: Any, sample_weight: Any
    ) -> tuple[list[str], list[Any], list[Tensor], list[Any]]:
        """Names, targets, outputs and weights, one entry per output."""
        objective = self._require_objective()
        outputs = tree.flatten(y_pred)
        names = self._names_of(y_pred)
        if y is None and objective.given["loss"] is not None:
            raise ValueError(
                f"Model {self.name} has a loss, so it needs targets: pass y, or let the source "
                "yield (x, y)."
            )
        if y is None:
            # Nothing but add_loss to train on.
            return names[:0], [], [], []
        if is_deep(y_pred):
            sample_weight = along(y_pred, sample_weight, "sample_weight")
        elif not tree.is_nested(sample_weight):
            sample_weight = [sample_weight] * len(outputs)
        weights = checks.by_output(sample_weight, names, "sample_weight", names)
        return names, self._targets_of(y, names, y_pred), outputs, weights

    def _targets_of(self, y: Any, names: list[str], y_pred: Any) -> list[Any]:
        """One target per output; None where there is no loss that needs one."""
        y = along(y_pred, y, "y") if is_deep(y_pred) else y
        return checks.by_output(
            y, names, "y", self._require_objective().without_loss(names, y_pred)
        )

    def _names_of(self, y_pred: Any) -> list[str]:
        if isinstance(y_pred, dict) and not is_deep(y_pred):
            return sorted(y_pred)
        names = self.output_names  # type: ignore[attr-defined]
        outputs = tree.flatten(y_pred)
        if len(names) == len(outputs):
            return names
        return [f"output_{i + 1}" for i in range(len(outputs))]

    # --- the functions behind the steps --------------------------------------------------

    @property
    def train_function(self) -> Any:
        """What ran the latest step of training; None before. `print(... .program)` shows it."""
        return self._steps.latest("train")

    @property
    def test_function(self) -> Any:
        """What ran the latest step of evaluation; None before."""
        return self._steps.latest("test")

    @property
    def predict_function(self) -> Any:
        """What ran the latest step of prediction; None before."""
        return self._steps.latest("predict")

    def make_train_function(self, force: bool = False) -> Any:
        """The function that runs a step of training, which is traced when data comes.

        Args:
            force: whether steps traced before are forgotten, so that changes of the model count.
        """
        return self._made("train", force)

    def make_test_function(self, force: bool = False) -> Any:
        """The function that runs a step of evaluation; see `make_train_function`."""
        return self._made("test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """The function that runs a step of prediction; see `make_train_function`."""
        return self._made("predict", force)

    def _made(self, kind: str, force: bool) -> Any:
        if kind != "predict":
            self._require_compiled(f"make_{kind}_function")  # type: ignore[attr-defined]
        if force:
            self._steps.forget(kind)
        return self._steps.caller(kind)


def has_own_step(cls: type) -> bool:
    """Whether a class of models says itself what a step does.

    >>> has_own_step(Stepping)
    False
    """
    steps = ("train_step", "test_step", "predict_step")
    return any(getattr(cls, name) is not getattr(Stepping, name) for name in steps)
