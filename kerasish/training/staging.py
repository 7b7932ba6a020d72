"""Batches side by side in memory, so that one call of the engine takes several as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from kerasish import engines
from kerasish.training.data import Data

# A stage has room for this many batches, if they are small. More would not make calls cheaper.
STAGE_STEPS = 32
_STAGE_BYTES = 16 << 20


class Block(NamedTuple):
    """Steps for one call of the engine.

    Attributes:
        data: what the steps take, of one structure.
        arrays: arrays on the engine that hold it.
        order: int32 [steps, batch], where in the arrays the samples of each step are.
    """

    data: Data
    arrays: list[Any]
    order: np.ndarray


@dataclass(frozen=True)
class Staged:
    """A batch, and its place.

    Attributes:
        batch: its Data, if it has memory of its own.
        stage: the memory that it shares with others.
        index: its number there.
        size: how many samples it has.
    """

    batch: Data | None
    stage: Data | None
    index: int
    size: int

    @property
    def room(self) -> int:
        """How many batches there is memory for, where it is."""
        return 1 if self.stage is None else self.stage.size // self.size


class Stager:
    """Copies batches, as they come, to where they are wanted.

    They are always copied: a generator may fill the arrays that it gave anew. From the first one
    on they lie in stages, so that an engine that compiles for the shape of a stage does it once.

    Args:
        steps: how many steps a call of the engine always takes, if that is fixed.
    """

    def __init__(self, steps: int | None = None):
        self._steps = steps
        self._stage: Data | None = None
        self._size = self._used = self._room = 0
        self._kind: Any = None

    def place(self, batch: Data, fresh: bool) -> Staged:
        """Finds a place for a batch; one that is `fresh` may keep its memory."""
        kind = (batch.signature, batch.size)
        if kind != self._kind or self._used == self._room:
            self._room = self._steps or _room_for(batch)
            if self._room == 1:
                return Staged(batch if fresh else batch.copied(), None, 0, batch.size)
            self._stage = batch.room(self._room)
            self._kind, self._size, self._used = kind, batch.size, 0
        assert self._stage is not None
        index, self._used = self._used, self._used + 1
        start = index * self._size
        for room, array in zip(self._stage.arrays, batch.arrays, strict=True):
            room[start : start + self._size] = array
        return Staged(None, self._stage, index, self._size)


def _room_for(batch: Data) -> int:
    size = sum(array.nbytes for array in batch.arrays)
    return max(1, min(STAGE_STEPS, _STAGE_BYTES // max(size, 1)))


def data_of(item: Staged) -> Data:
    """One batch."""
    if item.stage is None:
        assert item.batch is not None
        return item.batch
    start = item.index * item.size
    return item.stage.part(start, start + item.size)


def leading_block(items: Sequence[Staged]) -> Block:
    """The steps of the first batches, of as many as lie side by side."""
    first = items[0]
    if first.stage is None:
        data = data_of(first)
        return Block(data, data.on_engine(), np.arange(first.size, dtype="int32")[None])
    count = 1
    for one, other in pairwise(items):
        if other.stage is not first.stage or other.index != one.index + 1:
            break
        count += 1
    start, samples = first.index * first.size, count * first.size
    data = first.stage.part(start, start + samples)
    engine = engines.current_engine()
    if not engine.one_shape:
        order = np.arange(samples, dtype="int32").reshape(count, -1)
        return Block(data, [engine.borrow(array) for array in data.arrays], order)
    order = np.arange(start, start + samples, dtype="int32").reshape(count, -1)
    return Block(data, [engine.borrow(array) for array in first.stage.arrays], order)
