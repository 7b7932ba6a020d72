"""Ends a training that no longer gets better."""

from __future__ import annotations

from typing import Any

from kerasish.callbacks.callback import Logs
from kerasish.callbacks.monitor import MonitorCallback
from kerasish.utils.kinds import check_range
from kerasish.utils.progbar import say


class EarlyStopping(MonitorCallback):
    """Stops training when the watched value has stopped improving.

    Args:
        monitor: name of the value.
        min_delta: the least change that counts as an improvement.
        patience: epochs without improvement after which training stops.
        verbose: 1 says when training stops and which weights are restored.
        mode: `"min"`, `"max"` or `"auto"` (as the metric says, else by its name).
        baseline: a value to be better than; until then an improvement doesn't renew the patience.
        restore_best_weights: at the end, go back to the weights of the best epoch.
        start_from_epoch: epochs at the start that aren't looked at.

    Attributes:
        best, best_epoch: the best value and its epoch (from 0); `best` is None before the first.
        stopped_epoch: the epoch after which training was stopped; 0 if it wasn't.

    Example:

        >>> class Model: stop_training = False
        >>> callback = EarlyStopping(monitor="loss", patience=1)
        >>> callback.set_model(Model())
        >>> callback.on_train_begin()
        >>> for epoch, loss in enumerate([0.5, 0.4, 0.6]):
        ...     callback.on_epoch_end(epoch, {"loss": loss})
        >>> callback.model.stop_training, callback.best_epoch
        (True, 1)
    """

    backed_up = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        check_range(self, 0, patience=patience, start_from_epoch=start_from_epoch)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        better = self.improved(value, self.best)
        if better:
            self.best = value
        # The first epoch's weights are kept even if its value is NaN: something to go back to.
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        elif better:
            self.best_epoch = epoch

        self.wait += 1
        if better:
            if self.baseline is None or self.improved(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch and self.verbose:
            say(
                f"Epoch {self.stopped_epoch + 1}: stopped early, {self.monitor} no longer improves."
            )
        if self.best_weights is not None:
            if self.verbose:
                say(f"Restoring the weights of epoch {self.best_epoch + 1}, the best.")
            self.model.set_weights(self.best_weights)
