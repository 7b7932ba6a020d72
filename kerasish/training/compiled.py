"""What `compile` was given, matched to the outputs of a model."""

from __future__ import annotations

import copy
from typing import Any

from kerasish import losses as losses_module
from kerasish import metrics as metrics_module
from kerasish import ops, tree
from kerasish.graph.tensor import Tensor
from kerasish.utils.arguments import suggestion


class Objective:
    """The losses and metrics of a compiled model.

    Args:
        loss: a loss (name, Loss or function), or a list or dict of them, one per output.
        loss_weights: a number per output, as a list or dict.
        metrics: a list of metrics, or a list or dict of such lists, one per output.
        weighted_metrics: likewise; these count sample weights in.

    Attributes:
        loss_tracker: the mean loss so far.
        classes: per output, how many classes its targets may name (None: not class numbers).
    """

    def __init__(self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any):
        self.given = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        # Misspelt names are reported by `compile`, not by the first step.
        for item in tree.flatten(loss):
            if item is not None:
                losses_module.as_loss(item)
        for item in [*tree.flatten(metrics), *tree.flatten(weighted_metrics)]:
            if item is not None and item not in _BY_SHAPE:
                metrics_module.as_metric(item)
        self.loss_tracker = metrics_module.Mean(name="loss")
        self.output_trackers: list[Any] = []
        self.losses: list[Any] = []
        self.weights: list[float] = []
        self.unweighted: list[list[Any]] = []
        self.weighted: list[list[Any]] = []
        self.names: list[str] = []
        self.classes: list[int | None] = []
        self.built = False

    def build(self, names: list[str], targets: list[Tensor], outputs: list[Tensor]) -> None:
        """Matches everything to the outputs, once their names and shapes are known."""
        if self.built:
            return
        self.names = names
        self.losses = [
            None if item is None else losses_module.as_loss(item)
            for item in _per_output(self.given["loss"], names, "loss")
        ]
        weights = _per_output(self.given["loss_weights"], names, "loss_weights")
        self.weights = [1.0 if w is None else float(w) for w in weights]
        self.unweighted = self._metrics("metrics", names, targets, outputs)
        self.weighted = self._metrics("weighted_metrics", names, targets, outputs)
        if len(names) > 1:
            self.output_trackers = [
                None if loss is None else metrics_module.Mean(name=f"{name}_loss")
                for name, loss in zip(names, self.losses, strict=True)
            ]
        self.classes = [
            out.shape[-1] if _is_sparse(loss) else None
            for loss, out in zip(self.losses, outputs, strict=True)
        ]
        self.built = True

    def _metrics(
        self, key: str, names: list[str], targets: list[Tensor], outputs: list[Tensor]
    ) -> list[list[Any]]:
        result = []
        per_output = _per_output(self.given[key], names, key, lists=True)
        for items, name, target, output in zip(per_output, names, targets, outputs, strict=True):
            prefix = f"{name}_" if len(names) > 1 else ""
            items = [] if items is None else items if isinstance(items, (list, tuple)) else [items]
            result.append([_made_metric(item, target, output, prefix) for item in items])
        return result

    @property
    def metrics(self) -> list[Any]:
        """All metric objects, the loss first, in the order of the logs."""
        trackers = [t for t in self.output_trackers if t is not None]
        rest = [
            m
            for plain, weighted in zip(self.unweighted, self.weighted, strict=True)
            for m in (*plain, *weighted)
        ]
        return [self.loss_tracker, *trackers, *rest]

    def compute_loss(
        self, targets: list[Tensor], outputs: list[Tensor], weights: list[Any], extra: list[Tensor]
    ) -> Tensor:
        """The weighted sum of the losses of the outputs and of the extra losses."""
        terms = []
        trackers = self.output_trackers or [None] * len(self.losses)
        for i, loss in enumerate(self.losses):
            if loss is None:
                continue
            term = loss(targets[i], outputs[i], sample_weight=weights[i])
            if trackers[i] is not None:
                trackers[i].update_state(term, sample_weight=_batch_size(outputs[i]))
            terms.append(term if self.weights[i] == 1.0 else term * self.weights[i])
        terms += extra
        if not terms:
            raise ValueError(
                "There is nothing to train on: compile the model with a loss, or add one with "
                "add_loss."
            )
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return ops.mean(total)

    def update(
        self,
        loss: Tensor,
        targets: list[Tensor],
        outputs: list[Tensor],
        weights: list[Any],
        like: Tensor,
    ) -> None:
        """Updates the states of all metrics with one batch."""
        self.loss_tracker.update_state(loss, sample_weight=_batch_size(like))
        for i, output in enumerate(outputs):
            for metric in self.unweighted[i]:
                metric.update_state(targets[i], output)
            for metric in self.weighted[i]:
                metric.update_state(targets[i], output, sample_weight=weights[i])

    def results(self) -> dict[str, Any]:
        """Name -> value so far, of all metrics."""
        return {metric.name: metric.result() for metric in self.metrics}

    def reset(self) -> None:
        """Starts all metrics over."""
        for metric in self.metrics:
            metric.reset_state()


# Names whose meaning depends on the shapes of targets and outputs.
_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def _is_sparse(loss: Any) -> bool:
    return getattr(loss, "name", "") == "sparse_categorical_crossentropy"


def _batch_size(x: Tensor) -> Tensor:
    return ops.cast(ops.shape(x)[0], "float32")


def _made_metric(item: Any, target: Tensor, output: Tensor, prefix: str) -> Any:
    if item in ("accuracy", "acc"):
        metric = metrics_module.get_accuracy(target.shape, output.shape)
    elif item in ("crossentropy", "ce"):
        metric = metrics_module.get_crossentropy(target.shape, output.shape)
    else:
        metric = metrics_module.as_metric(item)
    name = item if isinstance(item, str) else metric.name
    if metric is item and prefix:
        metric = copy.copy(metric)  # the same state; the user's keeps its name
    metric.name = prefix + name
    return metric


def _per_output(given: Any, names: list[str], what: str, lists: bool = False) -> list[Any]:
    """One entry of `given` per output.

    A single loss counts for all outputs; so does a plain list of metrics for a single one.
    """
    if isinstance(given, dict):
        unknown = [key for key in given if key not in names]
        if unknown:
            raise ValueError(
                f"compile({what}=...): there is no output called {unknown[0]!r}."
                f"{suggestion(unknown[0], names)} The outputs are called {names}."
            )
        return [given.get(name) for name in names]
    if lists:
        nested = isinstance(given, (list, tuple)) and any(
            isinstance(g, (list, tuple)) for g in given
        )
        if nested and len(given) != len(names):
            raise ValueError(
                f"compile({what}=...): got {len(given)} lists for {len(names)} outputs {names}."
            )
        if nested or (isinstance(given, (list, tuple)) and len(given) == len(names) > 1):
            return list(given)
        return [given if i == 0 or given is None else list(given) for i in range(len(names))]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                f"compile({what}=...): got {len(given)} entries for {len(names)} outputs {names}."
            )
        return list(given)
    return [given] * len(names)
