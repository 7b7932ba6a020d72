"""What `compile` was given, matched to the outputs of a model."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from numbers import Real
from typing import Any

from kerasish import losses as losses_module
from kerasish import metrics as metrics_module
from kerasish import ops, tree
from kerasish.graph.tensor import Tensor
from kerasish.training import checks, mistakes
from kerasish.training.nesting import along, is_deep, loss_names
from kerasish.utils.arguments import suggestion


class Objective:
    """The losses and metrics of a compiled model.

    Args:
        loss: a loss (name, Loss, config or function), or a list or dict of them, one per output, or
            lists and dicts within each other as the outputs are.
        loss_weights: a number per output, likewise.
        metrics: a list of metrics, or such lists, one per output, likewise.
        weighted_metrics: likewise; these count sample weights in.

    Attributes:
        loss_tracker: the mean loss so far.
        nesting: the outputs with None in place of the tensors.
        classes: per output, how many classes its targets may name (None: not class numbers).
    """

    def __init__(self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any):
        loss = _without_configs(loss, losses_module.get)
        metrics = _without_configs(metrics, metrics_module.get)
        weighted_metrics = _without_configs(weighted_metrics, metrics_module.get)
        self.given = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        # Misspelt names are reported by `compile`, not by the first step.
        for item in tree.flatten(loss):
            if item is not None:
                mistakes.check_arguments(losses_module.as_loss(item), "loss")
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
        self.nesting: Any = None
        self.classes: list[int | None] = []
        self.built = False

    def build(
        self, names: list[str], targets: list[Tensor], outputs: list[Tensor], nested: Any
    ) -> None:
        """Matches everything to the outputs, once their names and shapes are known.

        Args:
            names: of the outputs.
            targets: theirs, None for those that have none.
            outputs: all of them.
            nested: the same, in lists and dicts as the model has them.
        """
        if self.built:
            return
        self.names = names
        self.nesting = tree.map_structure(lambda _: None, nested)
        self.losses = [
            None if item is None else losses_module.as_loss(item)
            for item in self._per_output("loss", names, nested)
        ]
        weights = self._per_output("loss_weights", names, nested)
        self.weights = [1.0 if w is None else float(w) for w in weights]
        if len(names) > 1:
            labels = loss_names(nested, names) if is_deep(nested) else names
            self.output_trackers = [
                None if loss is None else metrics_module.Mean(name=f"{label}_loss")
                for label, loss in zip(labels, self.losses, strict=True)
            ]
        taken = {t.name for t in (self.loss_tracker, *self.output_trackers) if t is not None}
        self.unweighted = self._metrics("metrics", names, targets, outputs, taken)
        self.weighted = self._metrics("weighted_metrics", names, targets, outputs, taken)
        self.classes = [
            out.shape[-1] if _is_sparse(loss) else None
            for loss, out in zip(self.losses, outputs, strict=True)
        ]
        for loss, target, out, name in zip(self.losses, targets, outputs, names, strict=True):
            if loss is not None:
                mistakes.warn_of_loss(loss, target, out, name)
        self.built = True

    def _metrics(
        self,
        key: str,
        names: list[str],
        targets: list[Tensor],
        outputs: list[Tensor],
        taken: set[str],
    ) -> list[list[Any]]:
        """The metrics of each output, under names that are not `taken` yet."""
        result = []
        per_output = self._per_output(key, names, self.nesting, lists=True)
        for items, name, target, output in zip(per_output, names, targets, outputs, strict=True):
            prefix = f"{name}_" if len(names) > 1 else ""
            items = [] if items is None else items if isinstance(items, (list, tuple)) else [items]
            if items and target is None:
                raise ValueError(
                    f"Output {name} has {key} ({items}), but y has no targets for it. It has "
                    f"them for {[n for n, t in zip(names, targets, strict=True) if t is not None]}."
                )
            made = [(item, _made_metric(item, target, output)) for item in items]
            result.append([_named(*pair, prefix, key, taken) for pair in made])
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
            term = self._loss(i, targets[i], outputs[i], weights[i])
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

    def _loss(self, number: int, target: Tensor, output: Tensor, weight: Any) -> Tensor:
        """The loss of one output."""
        try:
            return self.losses[number](target, output, sample_weight=weight)
        except ValueError as error:
            if type(error) is not ValueError:
                raise
            problem = mistakes.explained(error, target, output, weight)
            raise ValueError(f"Output {self.names[number]}: {problem}") from error

    def _per_output(
        self, key: str, names: list[str], nested: Any, lists: bool = False
    ) -> list[Any]:
        """One entry per output of what was given to `compile` under this name."""
        given = self.given[key]
        if is_deep(nested):
            return along(nested, given, f"compile({key}=...)")
        return _per_output(given, names, key, lists)

    def without_loss(self, names: list[str], nested: Any) -> list[str]:
        """Those of the outputs that no loss was given for."""
        losses = self._per_output("loss", names, nested)
        return [name for name, loss in zip(names, losses, strict=True) if loss is None]

    @property
    def has_metrics(self) -> bool:
        """Whether metrics were asked for."""
        return any(self.given[key] for key in ("metrics", "weighted_metrics"))

    def check_targets(self, targets: list[Any]) -> None:
        """Raises ValueError if the losses would make nothing of the values of targets."""
        for i, (name, target, loss) in enumerate(
            zip(self.names, targets, self.losses, strict=True)
        ):
            if target is not None and loss is not None:
                checks.check_classes(target, self.classes[i], name)
                metrics = [*self.unweighted[i], *self.weighted[i]]
                mistakes.warn_of_targets(target, loss, metrics, name)

    def update(self, targets: list[Tensor], outputs: list[Tensor], weights: list[Any]) -> None:
        """Updates the states of the metrics, but for those of losses, with one batch."""
        # Where there was only add_loss to train on, targets that come later mean nothing.
        for i, output in enumerate(outputs[: len(self.unweighted)]):
            for metric in self.unweighted[i]:
                metric.update_state(targets[i], output)
            for metric in self.weighted[i]:
                metric.update_state(targets[i], output, sample_weight=weights[i])


def told_apart(metrics: Any, loss_weights: Any) -> tuple[Any, Any]:
    """`metrics` and `loss_weights`, which Keras 3 takes in the other order where they have no name.

    >>> told_apart([0.5, 1.0], ["mae"])
    (['mae'], [0.5, 1.0])
    """
    given = [item for item in tree.flatten(metrics) if item is not None]
    are_weights = given and all(isinstance(item, Real) for item in given)
    are_metrics = any(isinstance(x, str) or callable(x) for x in tree.flatten(loss_weights))
    return (loss_weights, metrics) if are_weights or are_metrics else (metrics, loss_weights)


def _without_configs(given: Any, get: Callable[[Any], Any]) -> Any:
    """What `compile` was given, with objects in the place of their configs.

    These are dicts themselves, which would be taken for dicts of outputs.
    """

    def revived(part: Any) -> Any:
        is_config = isinstance(part, dict) and {"class_name", "config"} <= part.keys()
        return get(part) if is_config else None

    return tree.traverse(revived, given)


# Names whose meaning depends on the shapes of targets and outputs.
_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def _is_sparse(loss: Any) -> bool:
    return getattr(loss, "name", "") == "sparse_categorical_crossentropy"


def _batch_size(x: Tensor) -> Tensor:
    return ops.cast(ops.shape(x)[0], "float32")


def _made_metric(item: Any, target: Tensor, output: Tensor) -> Any:
    if item in ("accuracy", "acc"):
        return metrics_module.get_accuracy(target.shape, output.shape)
    if item in ("crossentropy", "ce"):
        return metrics_module.get_crossentropy(target.shape, output.shape)
    return metrics_module.as_metric(item)


def _named(item: Any, metric: Any, prefix: str, key: str, taken: set[str]) -> Any:
    """The metric made of `item` under a name of its own, so that it keeps its place in the logs.

    As in Keras 3: `mae` among both kinds of metrics gives `mae` and `weighted_mae`.
    """
    own = item if isinstance(item, str) else metric.name
    name = prefix + own
    if key == "weighted_metrics" and name in taken:
        name = f"{prefix}weighted_{own}"
    numbered = (f"{name}_{number}" for number in itertools.count(1))
    name = name if name not in taken else next(n for n in numbered if n not in taken)
    taken.add(name)
    if metric is item and name != own:
        metric = copy.copy(metric)  # the same state; the user's keeps its name
    metric.name = name
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
