"""Callbacks that change the learning rate between epochs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from kerasish.callbacks.callback import Callback, Logs
from kerasish.callbacks.monitor import MonitorCallback
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.kinds import check_range
from kerasish.utils.progbar import format_value, say


def _optimizer(callback: Callback) -> Any:
    optimizer = getattr(callback.model, "optimizer", None)
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(
            f"{type(callback).__name__}: expected a model compiled with an optimizer that has a "
            f"learning_rate, got the optimizer {optimizer!r}"
        )
    return optimizer


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: function of `(epoch, learning_rate)` or of `(epoch)` that returns the new rate;
            epochs count from 0.
        verbose: 1 says each epoch's rate.

    Raises:
        TypeError: if `schedule` isn't a function.
        ValueError: if `schedule` doesn't return a number, or the model has no learning rate.

    Example:

        >>> from types import SimpleNamespace
        >>> model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1))
        >>> callback = LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> callback.set_model(model)
        >>> callback.on_epoch_begin(0)
        >>> model.optimizer.learning_rate
        0.05
    """

    writes_logs = True

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(
                "LearningRateScheduler: schedule must be a function of the epoch (and the rate), "
                f"got {schedule!r}"
            )
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        optimizer = _optimizer(self)
        if self._takes_rate:
            result = self.schedule(epoch, float(optimizer.learning_rate))
        else:
            result = self.schedule(epoch)
        try:
            rate = float(result)
        except (TypeError, ValueError):
            raise ValueError(
                f"LearningRateScheduler: schedule must return a number, got {result!r} "
                f"for epoch {epoch}"
            ) from None
        optimizer.learning_rate = rate
        if self.verbose:
            say(f"Epoch {epoch + 1}: learning rate {format_value(rate)}.")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(_optimizer(self).learning_rate)


def _takes_two(function: Callable) -> bool:
    """Whether `function` can be called with two positional arguments."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a builtin that doesn't tell its signature
        return False
    return True


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when the watched value has stopped improving.

    Args:
        monitor: name of the value.
        factor: what the rate is multiplied with, below 1.
        patience: epochs without improvement after which the rate is lowered.
        verbose: 1 says when it is.
        mode: `"min"`, `"max"` or `"auto"` (as the metric says, else by its name).
        min_delta: the least change that counts as an improvement (older name: `epsilon`).
        cooldown: epochs to wait after a reduction before counting again.
        min_lr: the rate isn't lowered below this.

    Raises:
        ValueError: for a `factor` of 1 or more, or a model without a learning rate.
        TypeError: for an unknown argument.

    Example:

        >>> from types import SimpleNamespace
        >>> model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1))
        >>> callback = ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1)
        >>> callback.set_model(model)
        >>> callback.on_train_begin()
        >>> for epoch in range(2):
        ...     callback.on_epoch_end(epoch, {"loss": 1.0})
        >>> model.optimizer.learning_rate
        0.05
    """

    writes_logs = True
    backed_up = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        min_delta = kwargs.pop("epsilon", min_delta)
        reject_unknown(kwargs, type(self), "ReduceLROnPlateau")
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        super().__init__(monitor, mode, min_delta)
        check_range(self, 0, factor=factor, patience=patience, cooldown=cooldown, min_lr=min_lr)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Whether the last reduction is too recent to count epochs."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(_optimizer(self).learning_rate)
        value = self.get_monitor_value(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = _optimizer(self)
        old = float(optimizer.learning_rate)
        # The rate may have passed through float32, so equality with min_lr is only approximate.
        if old <= self.min_lr or math.isclose(old, self.min_lr, rel_tol=1e-6):
            return
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose:
            say(f"Epoch {epoch + 1}: learning rate reduced to {format_value(new)}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0
