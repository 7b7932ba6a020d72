"""Feeds: what an epoch takes its steps from, in blocks of several where possible."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.training import checks
from kerasish.training.data import Data
from kerasish.training.loop import ChunkSize
from kerasish.training.prefetch import USUAL_QUEUE, Prefetcher, short_turns
from kerasish.training.sources import Order, Source
from kerasish.training.staging import (
    STAGE_STEPS,
    Block,
    Staged,
    Stager,
    data_of,
    leading_block,
)
from kerasish.utils.tracebacks import warn_user

# Seconds that quick steps wait for more of them.
_PATIENCE = 0.02


class ArrayFeed:
    """Arrays in memory: placed on the engine once, each step gathers its samples there.

    Args:
        data: all samples.
        order: draws the order of samples.
        steps: the number of steps in an epoch, all data if None. The next epoch goes on where
            one has stopped.
        training: whether it is for `fit`. Evaluations begin at the first sample each time.

    Attributes:
        what: names the data in messages.
        place: says where in it the latest block was; None where that is of no use.
        steps: the number of steps in an epoch.
        samples: how many samples a step takes.
    """

    def __init__(self, data: Data, order: Order, steps: int | None, training: bool):
        self.what = "the data"
        self._data, self._order, self._wanted, self._restart = data, order, steps, not training
        available = -(-data.size // order.batch_size)
        self.steps = available if steps is None else min(steps, available)
        self.place: str | None = None
        self.samples = order.batch_size
        self.sizes = {"samples": data.size, "batch_size": order.batch_size}
        self._left = np.zeros(0, "int32")
        self._drawn_from = order.state()
        self._skip = 0

    def first(self) -> Data | None:
        """Some data, to trace the step with."""
        return self._data

    def epoch(self, size: ChunkSize) -> Iterator[Block]:
        """The blocks of one epoch."""
        if self._restart or not len(self._left):
            self._draw()
        batch = self._order.batch_size
        done, self._skip = self._skip, 0
        self._left = self._left[done * batch :]
        while len(self._left) and (self._wanted is None or done < self._wanted):
            steps = min(size.size, max(len(self._left) // batch, 1))
            if self._wanted is not None:
                steps = min(steps, self._wanted - done)
            # The last, smaller batch by itself.
            rows, self._left = np.split(self._left, [steps * batch])
            done += steps
            yield Block(self._data, self._data.on_engine(), rows.reshape(steps, -1))
        if self._wanted is not None and done < self._wanted:
            _warn_short(self.what, done, self._wanted)

    def arrays(self) -> list[Any] | None:
        """All inputs, targets and sample weights (1 if none were given), as Keras 2 lists them."""
        x, y, sample_weight = self._data.parts
        targets = tree.flatten(y) if y is not None else []
        weights = [np.ones(self._data.size, "float32") for _ in targets]
        if sample_weight is not None:
            weights = tree.flatten(sample_weight)
        return [*tree.flatten(x), *targets, *weights]

    def _draw(self) -> None:
        self._drawn_from = self._order.state()
        self._left = self._order.draw()

    def state(self) -> Any:
        """What `restore` needs to begin an epoch as it would begin now, as plain data."""
        left = len(self._left)
        return [self._drawn_from if left else self._order.state(), left]

    def restore(self, state: Any, done: int) -> None:
        """Goes back to a state, and leaves out the first `done` steps of the next epoch."""
        drawn_from, left = state
        self._order.restore(drawn_from)
        self._left = self._left[:0]
        if left:
            self._draw()
            self._left = self._left[-left:]
        self._skip = done

    def shortage(self, epoch: int, epochs: int) -> str | None:
        """Why there is nothing left for another epoch: never."""
        return None

    def close(self) -> None:
        """Nothing more is asked for."""


class StreamFeed:
    """Batches from a source, made ahead by a thread while the engine computes.

    Args:
        source: where they come from.
        prepare: makes Data of what the source gave, given the number of the batch; checked, but
            for NaN.
        steps: the number of steps in an epoch, a whole pass if None. The next epoch goes on
            where one has stopped.
        training: whether it is for `fit`. Evaluations begin a new pass each time, if they can.
        per_call: how many steps a call of the engine always takes, None if that is free.

    Attributes:
        what: names the data in messages.
        place: says which batches of it the latest block has.
        steps: the number of steps in an epoch, None if unknown.
        samples: how many samples the first step takes; 0 if it is not known yet.
    """

    def __init__(
        self,
        source: Source,
        prepare: Callable[[Any, int], Data],
        steps: int | None,
        training: bool,
        per_call: int | None = None,
    ):
        self.what = source.what
        self.source, self._prepare, self._wanted = source, prepare, steps
        self._training = training
        self._stager = Stager(per_call)
        # Small, quick batches may be more, unless it was said how many.
        self._queue_grows = source.loading.max_queue_size == USUAL_QUEUE
        self._pass: Iterator[Any] | None = None
        self._prefetch: Prefetcher | None = None
        self._taken = 0
        self._pass_from: Any = None
        self._pulled = 0  # from the current pass
        self._start: Any = None  # the state before the open epoch
        self._skip = self._replay = 0
        self._short = False
        self.place: str | None = None
        self.samples = 0
        self.sizes: dict[str, int] = {}

    @property
    def steps(self) -> int | None:
        """The number of steps in an epoch, None if unknown."""
        if self._wanted is not None and self.source.goes_round:
            return self._wanted
        known = [n for n in (self._wanted, self.source.steps) if n is not None]
        return min(known) if known else None

    def first(self) -> Data | None:
        """The next batch, which stays the next one; None if there is none."""
        found = self._opened().peek()
        if not found:
            return None
        data = data_of(found[0])
        self.samples = data.size
        self._set_place(1)
        return data

    def _set_place(self, steps: int) -> None:
        first, last = self._taken + 1, self._taken + steps
        which = f"Batch {first}" if steps == 1 else f"Batches {first} to {last}"
        self.place = f"{which} of {self.what}"

    def _opened(self) -> Prefetcher:
        if self._prefetch is None:
            self._start = self._now()
            self.source.on_epoch_begin()
            if not self._training:
                self._pass = None
            if self._passes_begin():
                self.source.prepare()
            loading = self.source.loading
            size = max(loading.max_queue_size, 1)
            self._prefetch = Prefetcher(self._epoch_items(self._taken), size, loading.workers > 0)
        return self._prefetch

    def _passes_begin(self) -> bool:
        """Whether the next epoch takes batches of more than the current pass."""
        left = None if self.source.steps is None else self.source.steps - self._pulled
        return self._pass is None or left is None or self._wanted is None or self._wanted > left

    def _epoch_items(self, taken: int) -> Iterator[Staged]:
        """The batches of one epoch; runs in the thread. Takes not one more than is needed.

        Args:
            taken: how many batches there were before, to number these. `_taken` grows meanwhile.
        """
        pulled = 0
        while self._wanted is None or pulled < self._wanted:
            fresh = self._pass is None
            if self._pass is None:
                self._pass_from, self._pulled = self.source.state(), 0
                self._pass = self.source.start()
            try:
                item = next(self._pass)
            except StopIteration:
                if not self.source.once:
                    self._pass = None
                    if not pulled and not fresh:
                        continue  # the last pass and the last epoch ended together
                    if self._wanted is not None and self.source.goes_round and self._pulled:
                        continue
                return
            pulled += 1
            self._pulled += 1
            data = self._prepare(item, taken + pulled)
            yield self._stager.place(data, isinstance(item, Data))

    def arrays(self) -> list[Any] | None:
        """None: batches come and go."""
        return None

    def epoch(self, size: ChunkSize) -> Iterator[Block]:
        """The blocks of one epoch."""
        prefetch = self._resumed()
        done, self._skip = self._skip, 0
        self._taken += done
        try:
            with short_turns():
                while block := self._next_block(prefetch, size, done):
                    self._set_place(len(block.order))
                    done += len(block.order)
                    self._taken += len(block.order)
                    yield block
        finally:
            prefetch.close()
            self._prefetch = None
        self.source.on_epoch_end()
        if self._wanted is not None and done < self._wanted:
            self._short = True
            # A generator that ends during training ends that as well; `shortage` tells.
            if not (self._training and self.source.once):
                _warn_short(self.what, done, self._wanted)

    def _next_block(self, prefetch: Prefetcher, size: ChunkSize, done: int) -> Block | None:
        """The next steps: those that are ready, and some more if they are quick.

        Each call of the engine costs time too, some of which the thread that makes batches would
        need. But an engine that waits for some batches is late by these, once in an epoch: so the
        more are waited for the longer it is, and fewer and fewer of the last ones.
        """
        if size.fixed is not None:
            items = prefetch.peek(size.fixed, size.fixed)
        else:
            most = min(size.size, STAGE_STEPS)
            hoped = min(size.size // 4, done // 8, prefetch.size // 2, most)
            if self.steps is not None:
                hoped = min(hoped, (self.steps - done) // 2)
            threaded = self.source.loading.workers > 0
            items = prefetch.peek(most, max(hoped, 1) if threaded else 1, _PATIENCE)
        if not items:
            return None
        if self._queue_grows:
            prefetch.size = max(USUAL_QUEUE, 2 * min(items[0].room, size.size))
        block = leading_block(items)
        self._check_values(block)
        prefetch.drop(len(block.order))
        return block

    def _check_values(self, block: Block) -> None:
        """Raises ValueError if a batch holds NaN. One look at all of them is quicker than many."""
        try:
            block.data.check_values()
        except ValueError:
            for number in range(len(block.order)):
                start = number * block.order.shape[1]
                with checks.located(f"Batch {self._taken + number + 1} of {self.what}"):
                    block.data.part(start, start + block.order.shape[1]).check_values()

    def _now(self) -> Any:
        inside = self._pass is not None
        state = self._pass_from if inside else self.source.state()
        return [state, self._pulled if inside else 0, self._taken]

    def state(self) -> Any:
        """What `restore` needs to begin an epoch as it would begin now, as plain data."""
        return self._now() if self._prefetch is None else self._start

    def restore(self, state: Any, done: int) -> None:
        """Goes back to a state, and leaves out the first `done` steps of the next epoch.

        A generator is gone through again from where it is; other data from the pass's begin.
        """
        before, pulled, taken = state
        self._skip = done
        if self.source.once:
            self._replay = taken
            return
        self._end_prefetch()
        self.source.restore(before)
        self._pass, self._taken = None, taken
        if pulled:
            self._pass_from, self._pulled = before, pulled
            self._pass = itertools.islice(self.source.start(), pulled, None)

    def _resumed(self) -> Prefetcher:
        """The batches of the next epoch, without those that were done before a `restore`."""
        while self._replay:
            count = self._passed_over(self._opened(), self._replay)
            self._replay = self._replay - count if count else 0
            self._taken += count
            self._end_prefetch()
        prefetch = self._opened()
        self._passed_over(prefetch, self._skip)
        return prefetch

    @staticmethod
    def _passed_over(prefetch: Prefetcher, most: int) -> int:
        count = 0
        while count < most and prefetch.peek():
            prefetch.drop(1)
            count += 1
        return count

    def _end_prefetch(self) -> None:
        if self._prefetch is not None:
            self._prefetch.close()
            self._prefetch = None

    def shortage(self, epoch: int, epochs: int) -> str | None:
        """Why there is nothing left for another epoch than `epoch` (from 1), None if there is."""
        if not self.source.once:
            return None
        if not self._short and (epoch >= epochs or self.first() is not None):
            return None
        wanted = ""
        if self._wanted is not None:
            wanted = f" {self._wanted} batches per epoch for {epochs} epochs were expected."
        goes = "Training stops here." if self._training else "There is no validation from here on."
        return (
            f"{_sentence(self.what)} ended after {self._taken} batches, in epoch {epoch} of "
            f"{epochs}.{wanted} {goes} A generator can be gone through only once: let it go on for "
            "ever (while True:) and say how many steps to take, or use a kerasish.utils.PyDataset."
        )

    def close(self) -> None:
        """Ends the thread, the pass and the workers."""
        self._end_prefetch()
        self._pass = None
        self.source.close()


Feed = ArrayFeed | StreamFeed


def _warn_short(what: str, done: int, wanted: int) -> None:
    warn_user(
        f"{_sentence(what)} ran out after {done} of the {wanted} steps that were asked "
        "for, so the epoch ended early. Ask for fewer steps, or provide more batches (tf.data: "
        ".repeat())."
    )


def _sentence(what: str) -> str:
    return what[:1].upper() + what[1:]
