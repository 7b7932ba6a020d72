"""One step on exactly the samples that are given; mixed into Trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish import compat, tree
from kerasish.training import loop, steps
from kerasish.training.data import Data
from kerasish.utils.arguments import reject_unknown
from kerasish.utils.tracebacks import filtered


class OneBatch:
    """The part of Trainer for loops of one's own."""

    _steps: steps.Steps
    _require_compiled: Callable[[str], Any]
    _data: Callable[..., Data]
    _checked: Callable[..., Data]
    _for_engine: Callable[[Data], Data]
    _check_lookups: Callable[[str, Any], None]
    _check_targets: Callable[[Data], None]
    _with_texts: Callable[[Any], Any]

    @filtered
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """One step of training on exactly these samples.

        Returns:
            The loss, or [loss, metric, ...], or name -> value; of this batch alone, unless
            Keras 2's `reset_metrics=False` is given.
        """
        reset = compat.metrics_arguments(kwargs)
        reject_unknown(kwargs, OneBatch.train_on_batch, f"{type(self).__name__}.train_on_batch")
        self._require_compiled("train_on_batch")
        data = self._checked(self._data(x, y, sample_weight).loaded(), class_weight)
        return self._one_batch("train", data, return_dict, reset)

    @filtered
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and metrics of one batch; returned as by `train_on_batch`."""
        reset = compat.metrics_arguments(kwargs)
        reject_unknown(kwargs, OneBatch.test_on_batch, f"{type(self).__name__}.test_on_batch")
        self._require_compiled("test_on_batch")
        data = self._checked(self._data(x, y, sample_weight).loaded())
        return self._one_batch("test", data, return_dict, reset)

    def _one_batch(self, kind: str, data: Data, return_dict: bool, reset: bool) -> Any:
        step = self._steps.get(kind, data)
        self._check_lookups(kind, data.parts[0])
        self._check_targets(data)
        if reset:
            for metric in self._steps.metrics:
                metric.reset_state()
        logs = loop.logs_of(step, step.function(*data.arrays))
        return logs if return_dict else loop.as_list(logs)

    @filtered
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        data = self._for_engine(self._data(x).loaded())
        step = self._steps.get("predict", data)
        self._check_lookups("predict", data.parts[0])
        return self._with_texts(tree.pack(step.outputs, step.function(*data.arrays)))
