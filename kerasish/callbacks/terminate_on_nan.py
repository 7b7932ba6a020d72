"""Stops a training that has gone wrong for good."""

from __future__ import annotations

import math

from kerasish.callbacks.callback import Callback, Logs
from kerasish.utils.progbar import say


class TerminateOnNaN(Callback):
    """Stops training once the loss is NaN or infinite.

    The loss in `logs` is a running mean, in which a NaN stays, so looking at the last batch of
    each chunk misses nothing; training stops at most one chunk (about 50 ms) late.
    `kerasish.utils.find_nan(model, x, y)` then names the layer that made the first NaN.

    Args:
        raise_error: raise `RuntimeError` instead of ending `fit` in good order.

    Example:

        >>> class Model: stop_training = False
        >>> callback = TerminateOnNaN()
        >>> callback.set_model(Model())
        >>> callback.on_batch_end(7, {"loss": float("nan")})
        Batch 7: the loss is nan, training stops.
        >>> callback.model.stop_training
        True
    """

    batch_reports = "chunk"

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        message = f"Batch {batch}: the loss is {float(loss)}, training stops."
        if self.raise_error:
            raise RuntimeError(message)
        say(message)
        self.model.stop_training = True
