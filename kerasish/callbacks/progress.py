"""Shows how `fit`, `evaluate` and `predict` get on."""

from __future__ import annotations

from typing import Any

from kerasish.callbacks.callback import Callback, Logs
from kerasish.utils.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows progress with one `Progbar` per epoch; added by `fit` itself unless `verbose=0`.

    Takes `verbose`, `epochs` and `steps` from `set_params`. `steps` may be None (unknown); the
    steps of the first epoch are then expected of the next ones.
    """

    batch_reports = "chunk"

    def __init__(self) -> None:
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self._bar: Progbar | None = None
        self._fitting = False
        self._widths: dict[str, int] = {}  # shared by the epochs' bars, so that they line up

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: Logs = None) -> None:
        self._fitting = True

    def on_train_end(self, logs: Logs = None) -> None:
        self._fitting = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        total = str(self.epochs)
        self._start(f"Epoch {epoch + 1:>{len(total)}}/{total}")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._bar is not None and self.target is None:
            self.target = self._bar.seen
        self._finish(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._fitting:
            self._start("Evaluate")
        elif self._bar is not None:
            self._bar.note("validating")

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._fitting:
            self._advance(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._fitting:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._start("Predict")

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._advance(batch, None)  # the outputs are no metrics

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def _start(self, title: str) -> None:
        if not self.verbose:
            return
        # The values that arrive are running means already: nothing to average.
        self._bar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())
        self._bar.title = title
        self._bar.widths = self._widths
        self._bar.update(0, finalize=False)

    def _advance(self, batch: int, logs: Logs) -> None:
        if self._bar is not None:
            self._bar.update(batch + 1, list((logs or {}).items()), finalize=False)

    def _finish(self, logs: Logs) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.seen, list((logs or {}).items()), finalize=True)
            self._bar = None
