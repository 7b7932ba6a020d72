"""Inputs: what a model is given, checked and made into feeds; mixed into Trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.compat.training import ignores_class_weight
from kerasish.training import checks
from kerasish.training.class_weights import weigh_classes
from kerasish.training.data import Data
from kerasish.training.feeds import ArrayFeed, Feed, StreamFeed
from kerasish.training.rows import keeps_values
from kerasish.training.sources import ArraySource, Order, Source, source_of
from kerasish.training.stepping import has_own_step


class Inputs:
    """The part of Trainer that knows the model's inputs."""

    inputs: Any
    _host: Any  # what the host computes before the engine, None for most models
    _computed_on_host: Callable[[Any], Any]
    _with_texts: Callable[[Any], Any]
    _temporal_weights: bool  # whether sample weights are per time step
    _steps_per_execution: int

    def _data(
        self, x: Any, y: Any = None, sample_weight: Any = None, uneven: bool | None = False
    ) -> Data:
        inputs = [] if self.inputs is None else self._input_keys  # type: ignore[attr-defined]
        self._meet(x)
        return Data(x, y, sample_weight, inputs, self._host is not None, uneven)

    def _meet(self, x: Any) -> None:
        """Looks at the first inputs; a model may have waited for them to be made."""

    def _for_engine(self, data: Data) -> Data:
        """`data` with the inputs that the engine is given."""
        return data.with_inputs(self._with_features).with_inputs(self._computed_on_host)

    def _checked(self, data: Data, class_weight: Any = None) -> Data:
        """`data` in memory after a look at its values, with class weights as sample weights."""
        data = self._for_engine(data)
        data.check_values()
        return self._weighed(data, class_weight)

    def _weighed(self, data: Data, class_weight: Any) -> Data:
        """`data` with class weights as sample weights."""
        x, y, sample_weight = data.unpacked(data.arrays)
        if self._temporal_weights:
            checks.check_temporal(sample_weight, y)
        if class_weight is None:
            return data
        # Outputs in a dict go by its keys.
        names = [] if self.inputs is None else self._names_of(self.output)  # type: ignore[attr-defined]
        if ignores_class_weight(class_weight, len(names)):
            return data
        weights = weigh_classes(y, sample_weight, class_weight, names)
        return Data(x, y, weights, uneven=data.is_whole)

    def _batch_of(self, item: Any) -> Data:
        """One batch in memory, as a source of batches gives it, checked."""
        parts = checks.unpacked(item, "The batch")
        return self._checked(self._data(*parts, uneven=self._uneven).loaded())

    @property
    def _uneven(self) -> bool | None:
        """What `Data` is told of batches: a step of a program's own may take any."""
        return True if has_own_step(type(self)) else None

    @property
    def _fixed_batch(self) -> int | None:
        """The batch size that the inputs were declared with, as stateful layers need it."""
        return next((x.shape[0] for x in self.inputs or () if x.shape and x.shape[0]), None)

    def _batch_size(self, given: int | None, what: str) -> int:
        return checks.positive(given, self._fixed_batch or 32, what)

    def _with_features(self, x: Any) -> Any:
        """Vectors of samples as columns, where the model's inputs ask for one feature."""
        expected = self.inputs
        leaves = tree.flatten(x)
        if expected is None or len(expected) != len(leaves) or all(a.ndim > 1 for a in leaves):
            return x
        if isinstance(x, dict):
            by_name = dict(zip(self._input_keys, expected, strict=False))  # type: ignore[attr-defined]
            expected = [by_name[key] for key in sorted(x)] if set(x) == set(by_name) else expected
        for leaf, tensor in zip(leaves, expected, strict=True):
            if tensor.dtype == "string":
                continue
            checks.check_not_one_sample(leaf, tensor.shape, f"Input {tensor.name}")
        return tree.pack(
            x,
            [
                leaf[:, None] if leaf.ndim == 1 and tensor.ndim == 2 else leaf
                for leaf, tensor in zip(leaves, expected, strict=True)
            ],
        )

    def _feed(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None,
        steps: int | None,
        loading: dict[str, Any],
        validates: bool = False,
        predicts: bool = False,
    ) -> Feed:
        """What evaluation and prediction take their steps from, in order."""
        steps = checks.step_limit(steps, "validation_steps" if validates else "steps")
        source = source_of(x, loading, shuffle=False, seed=0)
        if source is None:
            order = (self._batch_size(batch_size, "batch_size"), False, 0)
            place = "validation_data" if validates else None
            with checks.located(place):
                feed = self._array_feed(self._data(x, y, sample_weight), order, steps)
            feed.place = place
            return feed
        if validates:
            source.what += " of validation_data"
        checks.reject_beside(source.what, y=y, sample_weight=sample_weight)
        checks.warn_of_batch_size(source.what, batch_size)
        return self._stream_feed(source, steps, predicts=predicts)

    def _array_feed(
        self,
        data: Data,
        order: tuple[int, Any, int],
        steps: int | None,
        training: bool = False,
        class_weight: Any = None,
    ) -> Feed:
        """A feed of arrays. `order`: batch size, shuffle, seed."""
        checks.check_fixed_batch(self._fixed_batch, order[0], data.size)
        drawn = Order(data.size, *order)
        # Texts are made as long as the longest in their batch, so that is done batch by batch.
        fixed = self._host is None or self._host.sizes_are_known
        if data.in_memory and fixed:
            return ArrayFeed(self._checked(data, class_weight), drawn, steps, training)
        return self._stream_feed(ArraySource(data, drawn), steps, training, class_weight)

    def _stream_feed(
        self,
        source: Source,
        steps: int | None,
        training: bool = False,
        class_weight: Any = None,
        predicts: bool = False,
    ) -> StreamFeed:
        lists = len(self.inputs or ()) if predicts else 0
        as_they_are = self._host is None and class_weight is None and not predicts
        alike = Alike() if as_they_are else None

        def prepare(item: Any, number: int) -> Data:
            if alike is not None and (data := alike.again(item)):
                return data
            what, given = f"Batch {number} of {source.what}", item
            if not isinstance(item, Data):
                x, y, sample_weight = checks.unpacked(item, what, lists)
                item = (x, None, None) if predicts else (x, y, sample_weight)
            with checks.located(what):
                if not isinstance(item, Data):
                    x, y, sample_weight = item
                    item = self._data(x, y, sample_weight, self._uneven).loaded()
                data = item
                checks.check_fixed_batch(self._fixed_batch, data.size, data.size)
                data = self._for_engine(data)
                if class_weight is not None:
                    data.check_values()  # which class would NaN be?
                data = self._weighed(data, class_weight)
            if alike is not None:
                alike.learn(given, data)
            return data

        per_call = self._steps_per_execution if self._steps_per_execution > 1 else None
        return StreamFeed(source, prepare, steps, training, per_call)


class Alike:
    """Knows a batch that differs from the one before in nothing but its numbers.

    To look at each one whole takes about as long as a step of a small model does, since the
    engine keeps the processor's caches full of other things.
    """

    def __init__(self) -> None:
        self._kinds: list[Any] | None = None
        self._data: Data | None = None

    def learn(self, item: Any, data: Data) -> None:
        """Remembers what was made of an item, if that is the item's arrays."""
        self._kinds, self._data = None, None
        kinds = self._kinds_of(item)
        if kinds is not None and [shape for shape, _ in kinds] == [a.shape for a in data.arrays]:
            self._kinds, self._data = kinds, data

    def again(self, item: Any) -> Data | None:
        """The Data of an item of the kind of the last one; None for others."""
        if self._data is None or self._kinds_of(item) != self._kinds:
            return None
        data = self._data.like(item)
        kept = all(keeps_values(a, b.dtype) for a, b in zip(item, data.arrays, strict=True))
        return data if kept else None

    @staticmethod
    def _kinds_of(item: Any) -> list[Any] | None:
        if type(item) is not tuple or any(type(array) is not np.ndarray for array in item):
            return None
        return [(array.shape, array.dtype) for array in item]


def first_of(feed: Feed) -> Data:
    """The first data of a run, to trace its step with."""
    first = feed.first()
    if first is None:
        raise ValueError(f"There is no data: {feed.what} ended before its first batch.")
    return first
