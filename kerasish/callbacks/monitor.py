"""Shared by the callbacks that follow one value: finding it, and telling better from worse."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback, Logs

_ALIASES = {"acc": "accuracy", "accuracy": "acc", "lr": "learning_rate", "learning_rate": "lr"}

# Parts of names that are better the larger they are, unless they are losses all the same.
_LARGER_IS_BETTER = (
    "acc", "auc", "precision", "recall", "sensitivity", "specificity", "true_positives",
    "true_negatives", "f1", "fbeta", "fmeasure", "iou", "io_u", "dice", "r2", "similarity",
    "correlation",
)  # fmt: skip
_LOSSES = ("loss", "error")


def other_name(name: str) -> str:
    """The other common spelling of a logged name (`val_acc` for `val_accuracy`), or `name`."""
    prefix, base = ("val_", name[4:]) if name.startswith("val_") else ("", name)
    return prefix + _ALIASES.get(base, base)


class Values(dict):
    """Logged values by name, which are found under the other common spelling too.

    >>> values = Values(accuracy=0.5)
    >>> values["acc"], values.get("acc"), "acc" in values, list(values)
    (0.5, 0.5, True, ['accuracy'])
    """

    def __missing__(self, name: Any) -> Any:
        other = other_name(name) if isinstance(name, str) else name
        if other != name and dict.__contains__(self, other):
            return self[other]
        raise KeyError(name)

    def get(self, name: Any, default: Any = None) -> Any:
        """The value of that name, or of its other spelling."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: Any) -> bool:
        held = super().__contains__
        return held(name) or (isinstance(name, str) and held(other_name(name)))


def _names_one_of(parts: tuple[str, ...], name: str) -> bool:
    return any(part in name.lower() for part in parts)


def with_other_names(logs: dict[str, Any]) -> dict[str, Any]:
    """`logs` under both spellings of every name."""
    return {**{other_name(name): value for name, value in logs.items()}, **logs}


class MonitorCallback(Callback):
    """Base of callbacks that watch the value named `monitor`.

    Args:
        monitor: the value's name in `logs`; `acc` finds `accuracy` and the other way round.
        mode: `"min"`, `"max"`, or `"auto"`: as the model's metric of that name says, else by name.
        min_delta: the least change that counts as an improvement.

    Raises:
        ValueError: for another `mode`.
    """

    without_value = "and leaves it idle"  # the end of the warning

    def __init__(self, monitor: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(
                f"{type(self).__name__}: mode must be 'auto', 'min' or 'max', got {mode!r}"
            )
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self._warned = False

    @property
    def larger_is_better(self) -> bool:
        """Whether the watched value is to grow."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        for metric in getattr(self.model, "metrics", None) or ():
            direction = getattr(metric, "_direction", None)  # as Keras's own metrics declare it
            if metric.name in (name, other_name(name)) and direction in ("up", "down"):
                return direction == "up"
        return _names_one_of(_LARGER_IS_BETTER, name) and not _names_one_of(_LOSSES, name)

    def get_monitor_value(self, logs: Logs) -> float | None:
        """The watched value in `logs`; None, after one warning, if it isn't there."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            value = logs.get(other_name(self.monitor))
        if value is None:
            self._warn_absent(logs)
            return None
        if np.size(value) != 1:
            raise ValueError(
                f"{type(self).__name__}: {self.monitor!r} must be one number, got {value!r}"
            )
        return float(np.reshape(value, ()))

    def _warn_absent(self, logs: dict[str, Any]) -> None:
        if self._warned:
            return
        self._warned = True
        hint = ""
        if self.monitor.startswith("val_") and not any(n.startswith("val_") for n in logs):
            hint = "; it needs validation data (validation_data or validation_split in fit)"
        warnings.warn(
            f"{type(self).__name__} watches {self.monitor!r}, which is absent "
            f"{self.without_value}; available: {', '.join(logs) or 'nothing'}{hint}",
            stacklevel=4,
        )

    def improved(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than `best` by more than `min_delta` (None: by any number)."""
        if best is None:
            return not np.isnan(value)
        return (
            value - self.min_delta > best
            if self.larger_is_better
            else value + self.min_delta < best
        )
