"""Saves the model while it trains."""

from __future__ import annotations

import os
from typing import Any

from kerasish.callbacks.callback import Logs, batches_between_saves, path_of
from kerasish.callbacks.monitor import MonitorCallback, with_other_names
from kerasish.utils.kinds import check_range
from kerasish.utils.progbar import format_value, say


class SavingCallback(MonitorCallback):
    """Base of callbacks that save now and then, or when a value has improved: says when.

    Args:
        monitor: name of the value that tells which model is best.
        verbose: 1 says what was saved and why.
        save_best_only: save only when the watched value has improved. Until there is such a
            value, after one warning, every state is saved: rather too many than none.
        mode: `"min"`, `"max"` or `"auto"` (as the metric says, else by its name).
        save_freq: `"epoch"`, or a number of batches, counted across epochs.
        initial_value_threshold: the value to beat before anything is saved.
        period: save only after every `period`-th epoch.

    Raises:
        ValueError: for a `save_freq` or `period` that isn't a whole number above 0.
    """

    without_value = "(so every state is saved until it comes)"

    def __init__(
        self,
        monitor: str,
        verbose: int,
        save_best_only: bool,
        mode: str,
        save_freq: str | int,
        initial_value_threshold: float | None,
        period: int = 1,
    ) -> None:
        super().__init__(monitor, mode)
        check_range(self, 1, period=period)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_freq = save_freq
        self._every = batches_between_saves(self, save_freq)
        self.period = period
        self.best = initial_value_threshold
        self.batch_reports = "step" if self._every else "none"
        self._epoch = 0
        self._batches = 0
        self._epochs = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._every is None:
            return
        self._batches += 1
        if self._batches % self._every == 0:
            self._consider(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._every is not None:
            return
        self._epochs += 1
        if self._epochs % self.period == 0:
            self._consider(epoch, None, logs or {})

    def _consider(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        reason = ""
        value = self.get_monitor_value(logs) if self.save_best_only else None
        if self.save_best_only and value is None and self.best is not None:
            return  # this epoch has no validation, and the best one stays
        if value is not None:
            if not self.improved(value, self.best):
                if self.verbose:
                    say(
                        f"Epoch {epoch + 1}: {self.monitor} {format_value(value)} isn't better "
                        f"than {'nothing' if self.best is None else format_value(self.best)}."
                    )
                return
            before = "" if self.best is None else f" from {format_value(self.best)}"
            reason = f"{self.monitor} improved{before} to {format_value(value)}, "
            self.best = value
        self.save(epoch, batch, logs, reason)

    def save(self, epoch: int, batch: int | None, logs: dict[str, Any], reason: str) -> None:
        """Saves the model as it is.

        Args:
            epoch: the number of the epoch, from 0.
            batch: that of the batch in it, None after an epoch.
            logs: the values so far.
            reason: what to say before "saved".
        """
        raise NotImplementedError(f"{type(self).__name__} has no save().")


class ModelCheckpoint(SavingCallback):
    """Saves the model, or its weights, after every epoch or every so many batches.

    Args:
        filepath: where to; may hold `{epoch}` (from 1), `{batch}` and the names in `logs`, with
            formats: `"{epoch:02d}-{val_loss:.2f}.keras"`. Missing folders are made.
        monitor: name of the value that tells which model is best.
        verbose: 1 says what was saved and why.
        save_best_only: save only when the watched value has improved. Until there is such a
            value, after one warning, every state is saved: rather too many than none.
        save_weights_only: `model.save_weights(path)` instead of `model.save(path)`.
        mode: `"min"`, `"max"` or `"auto"` (as the metric says, else by its name).
        save_freq: `"epoch"`, or a number of batches, counted across epochs.
        initial_value_threshold: the value to beat before anything is saved.
        period: save only after every `period`-th epoch.

    Attributes:
        best: the best value so far, kept when `fit` is called again.

    Raises:
        ValueError: for a `save_freq` or `period` that isn't a whole number above 0.
        KeyError: when saving, for a name in `filepath` that isn't known then.

    Example:

        >>> class Model:
        ...     def save(self, path): print("saved", path)
        >>> callback = ModelCheckpoint("model-{epoch}.keras")
        >>> callback.set_model(Model())
        >>> callback.on_epoch_end(0, {"loss": 0.5})
        saved model-1.keras
    """

    backed_up = ("best", "_batches", "_epochs")

    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        period: int = 1,
    ) -> None:
        super().__init__(
            monitor, verbose, save_best_only, mode, save_freq, initial_value_threshold, period
        )
        self.filepath = path_of(self, "filepath", filepath)
        self.save_weights_only = save_weights_only

    def save(self, epoch: int, batch: int | None, logs: dict[str, Any], reason: str) -> None:
        path = self._path(epoch, batch, logs)
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        if self.verbose:
            say(f"Epoch {epoch + 1}: {reason}saved {path}.")

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        names = {**with_other_names(logs), "epoch": epoch + 1}
        if batch is not None:
            names["batch"] = batch + 1
        try:
            return self.filepath.format(**names)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} uses {error}, which isn't known "
                f"here; known: {', '.join(names)}"
            ) from None
