"""Losses and metrics that layers add to those of the model they are part of."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.graph import trace
from kerasish.graph.tensor import Tensor
from kerasish.layers.holder import _BOOKKEEPING, Holder, _leaves


class Additions(Holder):
    """The part of Layer that adds to what training makes small, and to what it shows."""

    _losses: list[Any]  # added from outside of calls
    _call_losses: list[Tensor]  # added in the latest call on arrays

    def _forget_call_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._call_losses = []

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds to the loss of the model that this layer is part of.

        Args:
            losses: a tensor (or several) computed in `call`, or a function without
                arguments that computes one from weights.
            inputs: accepted from older programs; the graph knows what it depends on.
        """
        active = trace.current_trace()
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            if callable(loss) and not isinstance(loss, Tensor):
                self._losses.append(loss)
                continue
            loss = ops.mean(loss)
            if active is not None:
                active.losses.append((self, loss))
            elif trace.is_calling():  # on arrays
                self._call_losses.append(loss)
            else:
                self._losses.append(loss)

    @property
    def losses(self) -> list[Tensor]:
        """What `add_loss` added, in the latest call, and the regularisation of the weights."""
        active = trace.current_trace()
        layers = self._flatten_layers()
        if active is None:
            of_call = [loss for layer in layers for loss in layer._call_losses]
        else:
            own = {id(layer) for layer in layers}
            of_call = [loss for layer, loss in active.losses if id(layer) in own]
        return [*self._added_apart(), *of_call, *self._penalties()]

    def _added_apart(self) -> list[Tensor]:
        """What was added outside of calls."""
        added = (loss for layer in self._flatten_layers() for loss in layer._losses)
        return [loss() if callable(loss) else loss for loss in added]

    def _penalties(self) -> list[Tensor]:
        """The regularisation of the weights."""
        weights = self.trainable_weights
        return [v.regularizer(v) for v in weights if v.regularizer is not None]

    def get_losses_for(self, inputs: Any) -> list[Tensor]:
        """The part of `losses` that depends on some inputs, as Keras 2 asks for it.

        Args:
            inputs: what the layer can be called with; None for what depends on no inputs, such as
                the regularisation of weights.
        """
        if inputs is None:
            return [*self._added_apart(), *self._penalties()]
        with trace.Trace() as effects:
            self(inputs)  # type: ignore[operator]
        return [loss for _, loss in effects.losses]

    def add_metric(self, value: Any, name: str | None = None, aggregation: Any = "mean") -> None:
        """Shows the mean of a value over the batches among the logs of the model.

        Args:
            value: a tensor computed in `call`; what a metric returned when it was called is shown
                as that metric.
            name: under which the logs have it; needed unless a metric is shown.
            aggregation: "mean", or None for older programs, which is the same.

        Raises:
            ValueError: for another aggregation, or without a name.
        """
        added = self.__dict__.setdefault("_added_metrics", {})
        if (metric := getattr(value, "metric", None)) is not None:
            added[metric.name] = metric
            return
        if aggregation not in ("mean", None) or not name:
            raise ValueError(
                f"Layer {self.name}: add_metric(value, name=...) needs a name and shows means, but "
                f"got name={name!r}, aggregation={aggregation!r}."
            )
        from kerasish.metrics import Mean

        if name not in added:
            with trace.outside():
                added[name] = Mean(name=name)
        added[name].update_state(value)

    @property
    def metrics(self) -> list[Any]:
        """The metrics of this layer and of those within it: from `add_metric`, and attributes."""
        from kerasish.metrics import Metric

        found = [
            leaf
            for layer in self._flatten_layers()
            for key, value in layer.__dict__.items()
            if key not in _BOOKKEEPING
            for leaf in _leaves(value)
            if isinstance(leaf, Metric)
        ]
        return list(dict.fromkeys(found))
