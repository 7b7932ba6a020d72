"""Saves the model with the Orbax library while it trains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kerasish.callbacks.callback import Logs, path_of
from kerasish.callbacks.model_checkpoint import SavingCallback
from kerasish.utils.kinds import check_range
from kerasish.utils.progbar import say


class OrbaxCheckpoint(SavingCallback):
    """Saves the model and the state of its training in Orbax checkpoints, one folder each.

    They lie in `directory` under the number of the epoch (from 0), or of the batch across epochs.
    `load_model` and `load_weights` read one of them, or the latest of a `directory`, on any engine,
    and those of Keras 3, which reads a `directory` of these too. Needs the package
    orbax-checkpoint (`pip install 'kerasish[orbax]'`), which brings JAX along.

    Args:
        directory: the folder of the checkpoints; made if missing.
        monitor: name of the value that tells which model is best.
        verbose: 1 says what was saved and why.
        save_best_only: save only when the watched value has improved.
        mode: `"min"`, `"max"` or `"auto"` (as the metric says, else by its name).
        save_freq: `"epoch"`, or a number of batches, counted across epochs.
        initial_value_threshold: the value to beat before anything is saved.
        max_to_keep: how many checkpoints stay, the latest ones; None: all.
        save_on_background: whether training goes on while the files are written. The values are
            those of the moment all the same, and training ends only when all is written.
        save_weights_only: leave out what the model is: for `load_weights` alone.

    Attributes:
        best: the best value so far, kept when `fit` is called again.

    Raises:
        ImportError: orbax-checkpoint is not installed.
        ValueError: for a `save_freq` or `max_to_keep` that isn't a whole number above 0.

    Example:

        >>> callback = OrbaxCheckpoint("checkpoints", max_to_keep=3)  # doctest: +SKIP
        >>> model.fit(x, y, epochs=10, callbacks=[callback])  # doctest: +SKIP
        >>> model = kerasish.saving.load_model("checkpoints")  # doctest: +SKIP
    """

    backed_up = ("best", "_batches")

    def __init__(
        self,
        directory: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        from kerasish.saving import orbax

        super().__init__(monitor, verbose, save_best_only, mode, save_freq, initial_value_threshold)
        if max_to_keep is not None:
            check_range(self, 1, max_to_keep=max_to_keep)
        self.directory = path_of(self, "directory", directory)
        self.max_to_keep = max_to_keep
        self.save_on_background = save_on_background
        self.save_weights_only = save_weights_only
        self._library = orbax.library()
        self._checkpointer: Any = None

    def save(self, epoch: int, batch: int | None, logs: dict[str, Any], reason: str) -> None:
        """Writes one checkpoint, over that of the same number if there is one."""
        from kerasish.saving import orbax

        step = epoch if batch is None else self._batches
        content = orbax.content(self.model, self.save_weights_only)
        checkpointer = self._opened()
        write = checkpointer.save_checkpointables
        if self.save_on_background:
            write = checkpointer.save_checkpointables_async
        write(step, content, force=True, overwrite=step in self._steps(checkpointer))
        if self.verbose:
            say(f"Epoch {epoch + 1}: {reason}saved {Path(self.directory) / str(step)}.")

    @staticmethod
    def _steps(checkpointer: Any) -> list[int]:
        return [checkpoint.step for checkpoint in checkpointer.checkpoints]

    def _opened(self) -> Any:
        if self._checkpointer is None:
            keep = self._library.training.preservation_policies.LatestN(self.max_to_keep)
            self._checkpointer = self._library.training.Checkpointer(
                os.path.abspath(os.path.expanduser(self.directory)), preservation_policy=keep
            )
        return self._checkpointer

    def on_train_end(self, logs: Logs = None) -> None:
        if self._checkpointer is not None:
            self._checkpointer.close()  # which waits for what is being written
            self._checkpointer = None
