"""Keeps what a training needs to go on after its process was killed."""

from __future__ import annotations

import glob
import json
import os
import zipfile
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback, Logs, batches_between_saves, path_of
from kerasish.graph.variable import Variable
from kerasish.saving.atomic import replacing
from kerasish.utils.progbar import say
from kerasish.utils.seeds import random_state, set_random_state

_FORMAT = 1


class BackupAndRestore(Callback):
    """Saves the state of training, and goes on from it when the same program runs again.

    The state is all of it: weights, optimizer, metrics, position in the data, shuffles and random
    numbers, and the state of other callbacks (see `Callback.backed_up`). So a program that is
    killed at any moment and started again ends with the weights that it would have had, if it
    sets a seed (`kerasish.utils.set_random_seed`) and its data comes in the same order again.
    For that the first steps are compiled, too, which otherwise start quicker and round otherwise.
    Files are replaced as a whole: there is no moment without a complete one.

    Args:
        backup_dir: a folder of its own for this training; it is made if missing.
        save_freq: `"epoch"`, or a number of batches after which the state is saved, too.
        double_checkpoint: keep the state before the last one as well, for disks that lose data;
            it is used if the last one can't be read.
        delete_checkpoint: delete the files when `fit` has come to its end.

    Raises:
        ValueError: for a `backup_dir` or `save_freq` that can't be, and when the state in the
            folder is that of another model.
        RuntimeError: outside of `fit`.

    Example:

        >>> import tempfile
        >>> callback = BackupAndRestore(tempfile.mkdtemp(), save_freq=100)
    """

    # After the other callbacks have reset themselves, and changed what they change.
    comes_last = True

    def __init__(
        self,
        backup_dir: str | os.PathLike,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        self.backup_dir = path_of(self, "backup_dir", backup_dir)
        if not self.backup_dir:
            raise ValueError("BackupAndRestore: backup_dir must name a folder, got ''")
        self.save_freq = save_freq
        self._every = batches_between_saves(self, save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.batch_reports = "step" if self._every else "none"
        self.others: list[Callback] = []  # set by CallbackList
        self._batches = 0

    @property
    def path(self) -> str:
        """The file with the last state."""
        return os.path.join(self.backup_dir, "state.npz")

    @property
    def previous_path(self) -> str:
        """The file with the state before it, with `double_checkpoint`."""
        return os.path.join(self.backup_dir, "previous.npz")

    # --- when ----------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs = None) -> None:
        if self.model.fit_position is None:
            raise RuntimeError(
                "BackupAndRestore works in `fit` alone: only there it is known where in its data "
                "the training stands. In a loop of your own save with model.save, and go on from "
                "what models.load_model gives."
            )
        os.makedirs(self.backup_dir, exist_ok=True)
        for path in glob.glob(os.path.join(glob.escape(self.backup_dir), ".state.npz.*.part")):
            os.remove(path)  # by a process that was killed while it wrote
        self._batches = 0
        self.model._steps.run_alike()
        found = self._load()
        if found is not None:
            self._restore(*found)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._every is None:
            return
        self._batches += 1
        # A callback that stops training in this epoch does so again when it is resumed.
        if self._batches % self._every == 0 and not self.model.stop_training:
            self._save(self.model.fit_position.inside(batch + 1), logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._save(self.model.fit_position.after())

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint:
            for path in (self.path, self.previous_path):
                if os.path.exists(path):
                    os.remove(path)
            if not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)

    # --- what ----------------------------------------------------------------------------

    def _variables(self) -> list[Variable]:
        state = getattr(self.model.optimizer, "variables", [])
        metrics = [v for metric in self.model.metrics for v in metric.variables]
        return list(dict.fromkeys([*self.model.variables, *state, *metrics]))

    def _save(self, position: dict[str, Any], logs: Logs = None) -> None:
        arrays = [variable.numpy() for variable in self._variables()]
        header = {
            "format": _FORMAT,
            "variables": [[v.path, list(v.shape), v.dtype] for v in self._variables()],
            "position": position,
            "logs": _packed(dict(logs or {}), arrays, "logs"),
            "batches": self._batches,
            "stop_training": bool(self.model.stop_training),
            "random": _packed(random_state(), arrays, "the random state"),
            "callbacks": [self._state_of(callback, arrays) for callback in self.others],
        }
        if self.double_checkpoint and os.path.exists(self.path):
            os.replace(self.path, self.previous_path)
        with replacing(self.path) as new, open(new, "wb") as file:
            np.savez(file, json.dumps(header), *arrays)

    def _state_of(self, callback: Callback, arrays: list[np.ndarray]) -> list[Any]:
        kind, names = type(callback).__name__, getattr(callback, "backed_up", ())
        state = {n: _packed(getattr(callback, n), arrays, f"{kind}.{n}") for n in names}
        return [kind, state]

    # --- back ----------------------------------------------------------------------------

    def _load(self) -> tuple[dict[str, Any], list[np.ndarray]] | None:
        """The newest state that can be read; None if there is none at all."""
        failure = None
        for path in (self.path, self.previous_path):
            if not os.path.exists(path):
                continue
            try:
                with np.load(path, allow_pickle=False) as file:
                    header, *arrays = (file[name] for name in file.files)
                    return json.loads(str(header)), arrays
            except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
                failure = failure or (path, error)
        if failure is not None:
            raise ValueError(
                f"BackupAndRestore: {failure[0]} can't be read ({failure[1]}). Delete it to start "
                "the training from its beginning."
            )
        return None

    def _restore(self, header: dict[str, Any], arrays: list[np.ndarray]) -> None:
        variables = self._variables()
        shapes = [[list(v.shape), v.dtype] for v in variables]
        if header["format"] != _FORMAT or [v[1:] for v in header["variables"]] != shapes:
            raise ValueError(
                f"BackupAndRestore: {self.backup_dir} holds the state of another training: its "
                f"{len(header['variables'])} variables don't match the model, optimizer and "
                f"metrics here ({len(variables)} variables). Delete the folder, or use another."
            )
        for variable, array in zip(variables, arrays, strict=False):
            # NumPy's files know no bfloat16, which comes back as bytes.
            kind = variable.numpy().dtype
            variable.assign(array.view(kind) if array.dtype.kind == "V" else array)
        set_random_state(_unpacked(header["random"], arrays))
        self._restore_others(header["callbacks"], arrays)
        self._batches = header["batches"]
        self.model.stop_training = header["stop_training"]
        logs = _unpacked(header["logs"], arrays)
        self.model.fit_position.restore(header["position"], logs, header["stop_training"])
        self._say_where(header["position"])

    def _restore_others(self, states: list[Any], arrays: list[np.ndarray]) -> None:
        """Gives each state to the callback of its class; of several, in their order."""
        waiting = list(self.others)
        for kind, state in states:
            callback = next((c for c in waiting if type(c).__name__ == kind), None)
            if callback is None:
                continue  # the program has changed, and does without it
            waiting.remove(callback)
            for name, value in state.items():
                new, old = _unpacked(value, arrays), getattr(callback, name)
                setattr(callback, name, type(old)(new) if isinstance(old, dict) else new)

    def _say_where(self, position: dict[str, Any]) -> None:
        if (self.params or {}).get("verbose"):
            epoch, done = position["epoch"], position["done"]
            after = f", after {done} batches" if done else ""
            say(f"Resuming in epoch {epoch + 1}{after}, from {self.backup_dir}.")


def _packed(value: Any, arrays: list[np.ndarray], what: str) -> Any:
    """`value` as JSON-able data, its arrays put into `arrays`."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_packed(item, arrays, what) for item in value]
    if isinstance(value, dict):
        return {"dict": [[key, _packed(item, arrays, what)] for key, item in value.items()]}
    raise TypeError(
        f"BackupAndRestore: {what} holds {value!r:.60} of type {type(value).__name__}, which "
        "can't be kept; backed_up may name numbers, strings, arrays, and lists and dicts of them."
    )


def _unpacked(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if isinstance(value, dict):
        if "array" in value:
            return arrays[value["array"]]
        return {key: _unpacked(item, arrays) for key, item in value["dict"]}
    return value
