"""Writes every epoch's values to a CSV file."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback, Logs, path_of


class CSVLogger(Callback):
    """Writes one row per epoch: `epoch` and every value, in order of their names.

    A value that appears later (validation every few epochs) gets its own column then; rows
    without it hold `NA`.

    Args:
        filename: the file, in UTF-8; its folder must exist.
        separator: between columns.
        append: continue the file if it is there, instead of starting it anew.

    Example:

        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "log.csv")
        >>> callback = CSVLogger(path)
        >>> callback.on_train_begin()
        >>> callback.on_epoch_end(0, {"loss": 0.5})
        >>> with open(path) as file:
        ...     print(file.read(), end="")
        epoch,loss
        0,0.5
    """

    def __init__(
        self, filename: str | os.PathLike, separator: str = ",", append: bool = False
    ) -> None:
        self.filename = path_of(self, "filename", filename)
        if len(separator) != 1:
            raise ValueError(f"CSVLogger: separator must be one character, got {separator!r}")
        self.sep = separator
        self.append = append
        self.keys: list[str] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.keys = []
        if self.append and os.path.exists(self.filename):
            rows = self._read()
            self.keys = rows[0] if rows else []
        else:
            self._write("w", [])

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        row = {"epoch": epoch, **{name: _cell(value) for name, value in (logs or {}).items()}}
        new = sorted(row.keys() - self.keys - {"epoch"})
        if new or not self.keys:
            self._widen(new)
        self._write("a", [[row.get(key, "NA") for key in self.keys]])

    def _widen(self, new: list[str]) -> None:
        rows = self._read()[1:]
        self.keys = (self.keys or ["epoch"]) + new
        padding = ["NA"] * len(new)
        self._write("w", [self.keys, *(row + padding for row in rows)])

    def _read(self) -> list[list[str]]:
        with open(self.filename, newline="", encoding="utf-8") as file:
            return list(csv.reader(file, delimiter=self.sep))

    def _write(self, mode: str, rows: list[list[Any]]) -> None:
        # Opened anew for each epoch, so that the file is complete whenever someone looks.
        with open(self.filename, mode, newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=self.sep, lineterminator="\n").writerows(rows)


def _cell(value: Any) -> Any:
    """A number as it is; an array as `[a, b]`."""
    array = np.asarray(value)
    if array.ndim == 0:
        return array.item()
    return "[" + ", ".join(str(item) for item in array.ravel().tolist()) + "]"
