"""The base of all callbacks: every hook, doing nothing."""

from __future__ import annotations

import math
import os
from typing import Any

from kerasish.utils.kinds import Checked

Logs = dict[str, Any] | None

HOOKS = (
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end",
    "on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end",
    "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
    "on_predict_begin", "on_predict_end", "on_predict_batch_begin", "on_predict_batch_end",
)  # fmt: skip


class Callback(Checked):
    """Something that looks on while a model trains, evaluates or predicts.

    Override the hooks of interest. `logs` holds the values at that moment: running means over the
    epoch in batch hooks, the epoch's values (with `val_...`) in `on_epoch_end`. What a hook writes
    into the `logs` of `on_epoch_end` reaches the callbacks after it and the history.

    Attributes:
        model: the model at work; None before `set_model`.
        params: dict with `verbose`, `epochs`, `steps` of the running call; None before that.
        validation_data: inputs, targets and sample weights that `fit` evaluates on, one array
            after the other; None if they are no arrays in memory.
        batch_reports: how closely the batch hooks must follow. `"step"` (default): a call for
            every batch. `"chunk"`: many batches may run between two calls, of which only the
            last is reported; much faster for small models. `"none"`: the batch hooks aren't needed.
            Of no effect if no batch hook is overridden.
        writes_logs: True if `on_epoch_end` adds values that the progress line should show; the
            line is then printed after this callback instead of before it.
        comes_last: True if its hooks must run after those of all other callbacks.
        backed_up: names of attributes that `BackupAndRestore` keeps, so that a resumed training
            finds them as they were: numbers, strings, arrays, and lists and dicts of them.

    Example:

        >>> class Shout(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"{epoch}: {logs['loss']:.2f}!")
        >>> Shout().on_epoch_end(0, {"loss": 0.5})
        0: 0.50!
    """

    # On the class, so that a subclass may forget to call `super().__init__()`.
    model: Any = None
    params: dict[str, Any] | None = None
    validation_data: list[Any] | None = None
    batch_reports: str = "step"
    writes_logs: bool = False
    comes_last: bool = False
    backed_up: tuple[str, ...] = ()

    def set_params(self, params: dict[str, Any]) -> None:
        """Called once, before any hook, with the parameters of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called once, before any hook, with the model."""
        self.model = model

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called at the start of `fit`."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called at the end of `fit`, with the last epoch's values."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before epoch number `epoch` (from 0)."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after epoch number `epoch` and its validation."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before training on batch number `batch` of this epoch (from 0)."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after training on batch number `batch` of this epoch."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called at the start of `evaluate` and of the validation inside `fit`."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called at the end of `evaluate` and of the validation inside `fit`."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before evaluating batch number `batch`."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after evaluating batch number `batch`."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called at the start of `predict`."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called at the end of `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before predicting batch number `batch`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after predicting batch number `batch`; `logs["outputs"]` holds the outputs."""


def batches_between_saves(owner: Callback, save_freq: str | int) -> int | None:
    """The batches that `save_freq` asks for, None for "epoch".

    Raises:
        ValueError: it is neither "epoch" nor a whole number above 0.
    """
    if save_freq == "epoch":
        return None
    if isinstance(save_freq, (str, bool)) or not 1 <= save_freq < math.inf:
        raise ValueError(
            f"{type(owner).__name__}: save_freq must be 'epoch' or a number of batches, got "
            f"{save_freq!r}"
        )
    return int(save_freq)


def path_of(owner: Callback, argument: str, value: Any) -> str:
    """A path that a callback was given, as a string.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{type(owner).__name__}: {argument} must be a path, got {value!r}")
    return os.fspath(value)


def overrides(callback: Any, hook: str) -> bool:
    """Whether `callback` has its own `hook`, on its class or (as `LambdaCallback`) on itself."""
    return getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook)
