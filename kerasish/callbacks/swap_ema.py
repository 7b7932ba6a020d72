"""Evaluates with the moving averages of the weights in their place."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback, Logs


class SwapEMAWeights(Callback):
    """Puts moving averages in the place of the weights, and takes them away again.

    The averages are those of the optimizer (`use_ema=True`).

    Args:
        swap_on_epoch: do it at each epoch's end, and back before the next, so that callbacks
            after this one (a `ModelCheckpoint`) see the averages; after the last epoch the
            averages stay. Otherwise they are in place only while the model evaluates or predicts.

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

    def _put_averages(self) -> None:
        if self._kept is None:
            optimizer, variables = self._optimizer(), self.model.trained_variables()
            averages = [optimizer.average_of(variable).numpy() for variable in variables]
            self._kept = [variable.numpy() for variable in variables]
            self._assign(averages)

    def _put_weights(self) -> None:
        if self._kept is not None:
            self._assign(self._kept)
            self._kept = None

    def _assign(self, values: list[np.ndarray]) -> None:
        for variable, value in zip(self.model.trained_variables(), values, strict=True):
            variable.assign(value)

    def _optimizer(self) -> Any:
        optimizer = getattr(self.model, "optimizer", None)
        if not hasattr(optimizer, "average_of"):
            raise ValueError(
                f"SwapEMAWeights: expected a model compiled with an optimizer that keeps moving "
                f"averages (use_ema=True), got {optimizer!r}"
            )
        return optimizer

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
        if not self.swap_on_epoch:
            self._put_averages()

    def on_test_end(self, logs: Logs = None) -> None:
        if not self.swap_on_epoch:
            self._put_weights()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self.on_test_begin(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self.on_test_end(logs)
