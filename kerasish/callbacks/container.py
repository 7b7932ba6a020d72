"""Several callbacks as one, and what they ask of the loop that drives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerasish.callbacks.backup import BackupAndRestore
from kerasish.callbacks.callback import HOOKS, Callback, Logs, overrides
from kerasish.callbacks.history import History
from kerasish.callbacks.monitor import Values
from kerasish.callbacks.progress import ProgbarLogger

_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class CallbackList(Callback):
    """Calls each hook on every callback, in order.

    A loop may run many batches in one call of the engine. It asks, cheaply, how much to report:

    - `needs_train_batches` (`_test_`, `_predict_`): some callback must see every single batch.
    - `watches_train_batches` (...): some callback wants batch hooks at all. If so, but not every
      batch is needed, report the last batch of each chunk.

    Args:
        callbacks: a callback, an iterable of callbacks, or None.
        add_history: put a `History` at the end, unless there is one.
        add_progbar: add a `ProgbarLogger`, unless there is one. It stands before the user's
            callbacks, so that what they print follows the epoch's finished line, but after the
            last one with `writes_logs`.
        model: the model, if known already.
        **params: the run's parameters (`verbose`, `epochs`, `steps`), if known already.

    Raises:
        TypeError: for something that isn't a callback, naming it.
    """

    def __init__(
        self,
        callbacks: Callback | Iterable[Callback] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        if callbacks is None:
            callbacks = []
        elif isinstance(callbacks, Callback):
            callbacks = [callbacks]
        self.callbacks: list[Callback] = [_checked(callback) for callback in callbacks]
        if add_progbar and self._find(ProgbarLogger) is None:
            self.callbacks.insert(self._progbar_place(), ProgbarLogger())
        if add_history and self._find(History) is None:
            self.callbacks.append(History())
        self._arrange()
        if params:
            self.set_params(params)
        if model is not None:
            self.set_model(model)

    def append(self, callback: Callback) -> None:
        """Adds `callback` at the end, but before those that come last.

        It gets the model and parameters if they are known.
        """
        self.callbacks.append(_checked(callback))
        self._arrange()
        if self.params is not None:
            callback.set_params(self.params)
        if self.model is not None:
            callback.set_model(self.model)

    def _arrange(self) -> None:
        self.callbacks.sort(key=lambda callback: getattr(callback, "comes_last", False))
        for callback in self.callbacks:
            if isinstance(callback, BackupAndRestore):
                callback.others = [c for c in self.callbacks if c is not callback]

    def __iter__(self):
        return iter(self.callbacks)

    def __len__(self) -> int:
        return len(self.callbacks)

    @property
    def history(self) -> History | None:
        """The `History` in the list, or None."""
        return self._find(History)

    def _find(self, kind: type) -> Any:
        return next((c for c in self.callbacks if isinstance(c, kind)), None)

    def _progbar_place(self) -> int:
        writers = [i for i, c in enumerate(self.callbacks) if getattr(c, "writes_logs", False)]
        return writers[-1] + 1 if writers else 0

    def _reports(self, kind: str, levels: tuple[str, ...]) -> bool:
        # `batch_reports` is missing on callbacks that only look like one of ours.
        return any(
            getattr(callback, "batch_reports", "step") in levels
            and any(overrides(callback, hook) for hook in _BATCH_HOOKS[kind])
            for callback in self.callbacks
        )

    @property
    def needs_train_batches(self) -> bool:
        """Whether some callback must see every single training batch."""
        return self._reports("train", ("step",))

    @property
    def needs_test_batches(self) -> bool:
        """Whether some callback must see every single evaluation batch."""
        return self._reports("test", ("step",))

    @property
    def needs_predict_batches(self) -> bool:
        """Whether some callback must see every single prediction batch."""
        return self._reports("predict", ("step",))

    @property
    def watches_train_batches(self) -> bool:
        """Whether some callback wants to hear about training batches, at least now and then."""
        return self._reports("train", ("step", "chunk"))

    @property
    def watches_test_batches(self) -> bool:
        """Whether some callback wants to hear about evaluation batches, at least now and then."""
        return self._reports("test", ("step", "chunk"))

    @property
    def watches_predict_batches(self) -> bool:
        """Whether some callback wants to hear about prediction batches, at least now and then."""
        return self._reports("predict", ("step", "chunk"))

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        self._each("set_params", params)

    def set_model(self, model: Any) -> None:
        self.model = model
        if self.history is not None:
            model.history = self.history
        self._each("set_model", model)

    def set_validation_data(self, arrays: list[Any] | None) -> None:
        """Gives the callbacks what `fit` evaluates on, as Keras 2 does."""
        for callback in self.callbacks:
            callback.validation_data = arrays

    def _each(self, hook: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def _each_with_logs(self, hook: str, *arguments: Any) -> None:
        # One dict for all, so that what one callback adds reaches the next.
        *rest, logs = arguments
        if not isinstance(logs, Values):
            logs = Values(sorted((logs or {}).items(), key=_place))
        self._each(hook, *rest, logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._each_with_logs("on_train_begin", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._each_with_logs("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_epoch_end", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_train_batch_end", batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self.on_train_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.on_train_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._each_with_logs("on_test_begin", logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._each_with_logs("on_test_end", logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_test_batch_end", batch, logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._each_with_logs("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._each_with_logs("on_predict_end", logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._each_with_logs("on_predict_batch_end", batch, logs)


def _place(entry: tuple[str, Any]) -> tuple[bool, str]:
    """Where a value stands in logs, progress bars and histories: as in Keras 3 by name, and those
    of the validation last."""
    return entry[0].startswith("val_"), entry[0]


def _checked(callback: Any) -> Any:
    if isinstance(callback, type):
        raise TypeError(
            f"callbacks: expected callback objects, got the class {callback.__name__}; "
            f"did you mean {callback.__name__}(...)?"
        )
    missing = [h for h in ("set_params", "set_model", *HOOKS) if not hasattr(callback, h)]
    if missing:
        raise TypeError(
            f"callbacks: expected a Callback, got {callback!r} of type {type(callback).__name__}, "
            f"which has no {missing[0]}; derive it from kerasish.callbacks.Callback"
        )
    return callback
