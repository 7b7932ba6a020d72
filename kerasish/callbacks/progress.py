"""Shows how `fit`, `evaluate` and `predict` get on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerasish.callbacks.callback import Callback, Logs
from kerasish.utils.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows progress with one `Progbar` per epoch; added by `fit` itself unless `verbose=0`.

    Takes `verbose`, `epochs` and `steps` from `set_params`. `steps` may be None (unknown); the
    steps of the first epoch are then expected of the next ones.

    Args:
        count_mode: `"steps"`, or `"samples"` to count those where their number is known (arrays).
        stateful_metrics: Keras 2's; the values that arrive are shown as they are.

    Raises:
        ValueError: for another `count_mode`.
    """

    batch_reports = "chunk"

    def __init__(
        self, count_mode: str = "steps", stateful_metrics: Iterable[str] | None = None
    ) -> None:
        if count_mode not in ("steps", "samples"):
            raise ValueError(
                f"ProgbarLogger: count_mode must be 'steps' or 'samples', got {count_mode!r}"
            )
        self.count_mode = count_mode
        self.stateful_metrics = set(stateful_metrics or ())
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self._samples: int | None = None
        self._batch_size: Any = None
        self._bar: Progbar | None = None
        self._fitting = False
        self._widths: dict[str, int] = {}  # shared by the epochs' bars, so that they line up

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        if isinstance(verbose, str) and verbose != "auto":
            raise ValueError(f"verbose must be 0, 1, 2 or 'auto', but got {verbose!r}.")
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")
        self._samples, self._batch_size = None, params.get("batch_size")
        if self.count_mode == "samples" and self._batch_size and self.target:
            self._samples = min(params["samples"], self.target * self._batch_size)

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
        target = self._samples or self.target
        self._bar = Progbar(
            target,
            verbose=self.verbose,
            stateless_metrics=(),
            unit_name="sample" if self._samples else "step",
        )
        self._bar.title = title
        self._bar.widths = self._widths
        self._bar.update(0, finalize=False)

    def _advance(self, batch: int, logs: Logs) -> None:
        if self._bar is not None:
            done = batch + 1
            if self._samples:
                done = min(done * self._batch_size, self._samples)
            self._bar.update(done, list((logs or {}).items()), finalize=False)

    def _finish(self, logs: Logs) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.seen, list((logs or {}).items()), finalize=True)
            self._bar = None
