"""Running steps in bulk: many per native call, as many as fit into a blink."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.training.steps import Step

if TYPE_CHECKING:
    from kerasish.training.data import Data
    from kerasish.training.feeds import Block

# A call should take about this long: short enough for a progress bar to move, long
# enough that calling costs nothing beside it.
SECONDS_PER_CALL = 0.05
LARGEST_CHUNK = 1024


class ChunkSize:
    """How many steps the next call should take, learnt from those before.

    Args:
        fixed: always that many, if given.
    """

    def __init__(self, fixed: int | None = None):
        self.fixed = fixed
        self.size = fixed or 1

    def observe(self, steps: int, seconds: float) -> None:
        """Notes how long a call took. It at most doubles, since a first call also compiles."""
        if self.fixed is not None:
            return
        ideal = SECONDS_PER_CALL * steps / max(seconds, 1e-6)
        # A stream has single steps between larger blocks. They may be a slow, odd batch.
        if ideal >= 2 * self.size and steps in (1, self.size):
            self.size = min(2 * self.size, LARGEST_CHUNK)
        elif ideal < self.size / 2 and steps > 1:
            self.size //= 2


Report = Callable[[Step, int, "list[np.ndarray]"], bool]


def run_epoch(
    blocks: Iterator[Block],
    step_for: Callable[[Data], Step],
    size: ChunkSize,
    begin: Callable[[int], None] | None,
    report: Report,
    collect: bool = False,
    done: int = 0,
) -> None:
    """Runs steps over the blocks of an epoch.

    Args:
        blocks: from a feed.
        step_for: gives the step for a kind of data.
        size: learns how many steps a call should take.
        begin: called with the number of the first step of each call, if given.
        report: called after each call with the step, the number of its last step and the
            outputs; True ends the epoch.
        collect: whether the outputs are those of each step, stacked, or of the last step.
        done: how many steps of the epoch were done before these blocks.
    """
    with closing(blocks):  # type: ignore[type-var]
        for block in blocks:
            step = step_for(block.data)
            if begin is not None:
                begin(done)
            start = time.perf_counter()
            outputs = step.function.run_steps(block.arrays, block.order, collect=collect)
            size.observe(len(block.order), time.perf_counter() - start)
            done += len(block.order)
            if report(step, done - 1, outputs):
                return


def logs_of(step: Step, outputs: list[np.ndarray]) -> dict[str, Any]:
    """The outputs of a step as logs: name -> float (or array for metrics that are arrays)."""
    return {
        name: float(value) if np.ndim(value) == 0 else np.asarray(value)
        for name, value in zip(step.outputs, outputs, strict=True)
    }


def as_list(logs: dict[str, Any]) -> Any:
    """Logs as Keras returns them where no names are wanted: a list, or the only value."""
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
