"""What `fit` returns: the values of every epoch."""

from __future__ import annotations

from typing import Any

from kerasish.callbacks.callback import Callback, Logs
from kerasish.callbacks.monitor import Values


class History(Callback):
    """Collects the values of every epoch; `fit` adds one by itself and returns it.

    Attributes:
        epoch: list of epoch numbers.
        history: dict from a value's name to the list of its values, one per epoch; `acc` and
            `lr` find `accuracy` and `learning_rate`.

    Example:

        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    backed_up = ("epoch", "history")

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = Values()

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []
        self.history = Values()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
