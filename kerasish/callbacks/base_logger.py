"""Keras 2's BaseLogger."""

from __future__ import annotations

from collections.abc import Iterable

from kerasish.callbacks.callback import Callback


class BaseLogger(Callback):
    """Keras 2's averaging of batch values; it has nothing left to do.

    The values in `logs` are means over the epoch already, those of metrics with a state
    as the metrics say.

    Args:
        stateful_metrics: names of metrics that were not to be averaged.
    """

    def __init__(self, stateful_metrics: Iterable[str] | None = None) -> None:
        self.stateful_metrics = set(stateful_metrics or ())
