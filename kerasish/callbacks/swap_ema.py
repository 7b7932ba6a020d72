"""Evaluates with the moving averages of the weights in their place."""

from __future__ import annotations

import numpy as np

from kerasish.callbacks.callback import Callback, Logs
from kerasish.graph.variable import Variable


class SwapEMAWeights(Callback):
    """Puts moving averages in the place of the weights, and takes them away again.

    The averages are those of the optimizer (`use_ema=True`), or of those of several that keep
    some. They are in place while the model evaluates, validates or predicts.

    Args:
        swap_on_epoch: put them in place at each epoch's end, too, and back before the next, so
            that callbacks after this one (a `ModelCheckpoint`) see them; after the last epoch
            they stay.

    Raises:
        ValueError: at the first swap, if the optimizer keeps no averages.

    Example:

        >>> from kerasish import layers, models, optimizers
        >>> model = models.Sequential([layers.Input((2,)), layers.Dense(1)])
        >>> model.compile(optimizers.SGD(use_ema=True), "mse")
        >>> _ = model.fit([[1.0, 2.0]], [[3.0]], verbose=0, callbacks=[SwapEMAWeights(True)])
    """

    backed_up = ("_kept",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._kept: list[np.ndarray] | None = None  # the weights, while averages are in place
        self._until_evaluated = False

    def _put_averages(self) -> None:
        if self._kept is None:
            variables = self._averaged()
            averages = [self.model.optimizer.average_of(v).numpy() for v in variables]
            self._kept = [variable.numpy() for variable in variables]
            _assign(variables, averages)

    def _put_weights(self) -> None:
        if self._kept is not None:
            _assign(self._averaged(), self._kept)
            self._kept = None

    def _averaged(self) -> list[Variable]:
        optimizer = getattr(self.model, "optimizer", None)
        found = getattr(optimizer, "averaged", [])
        if not found:
            raise ValueError(
                "SwapEMAWeights: expected a model compiled with an optimizer that keeps moving "
                f"averages (use_ema=True), after a first step; got {optimizer!r}"
            )
        return found

    def on_train_begin(self, logs: Logs = None) -> None:
        self.on_test_end()  # of an evaluation that failed

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._put_weights()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._put_averages()

    def on_train_end(self, logs: Logs = None) -> None:
        # The averages stay in the model; the next fit starts from them.
        self._kept = None

    def on_test_begin(self, logs: Logs = None) -> None:
        self.on_test_end()  # of one that failed
        self._until_evaluated = self._kept is None
        self._put_averages()

    def on_test_end(self, logs: Logs = None) -> None:
        if self._until_evaluated:
            self._put_weights()
        self._until_evaluated = False

    def on_predict_begin(self, logs: Logs = None) -> None:
        self.on_test_begin(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self.on_test_end(logs)


def _assign(variables: list[Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
