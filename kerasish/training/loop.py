"""Running steps in bulk: many per native call, as many as fit into a blink."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish.training.data import Data
from kerasish.training.steps import Step

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
        if self.fixed is None and steps == self.size:
            ideal = SECONDS_PER_CALL * steps / max(seconds, 1e-6)
            if ideal >= 2 * self.size:
                self.size = min(2 * self.size, LARGEST_CHUNK)
            elif ideal < self.size / 2 and self.size > 1:
                self.size //= 2


def chunks(
    order: np.ndarray, batch_size: int, steps: int | None, size: ChunkSize
) -> Iterator[np.ndarray]:
    """Cuts an order of samples into [steps, batch] blocks; the last, smaller batch by itself.

    Args:
        order: indices of samples.
        batch_size: samples per step.
        steps: stop after that many, None for all.
        size: how many steps a block should have.
    """
    full = len(order) // batch_size
    rows = order[: full * batch_size].reshape(full, batch_size)
    rest = order[full * batch_size :]
    if steps is not None:
        rows, rest = rows[:steps], rest if steps > full else rest[:0]
    done = 0
    while done < len(rows):
        block = rows[done : done + size.size]
        yield block
        done += len(block)
    if len(rest):
        yield rest[None]


def count_steps(data: Data, batch_size: int, steps: int | None) -> int:
    """How many steps `chunks` will make."""
    available = -(-data.size // batch_size)
    return available if steps is None else min(steps, available)


Report = Callable[[int, "list[np.ndarray]"], bool]


def run_epoch(
    step: Step,
    data: Data,
    order: np.ndarray,
    batch_size: int,
    steps: int | None,
    size: ChunkSize,
    begin: Callable[[int], None] | None,
    report: Report,
    collect: bool = False,
) -> None:
    """Runs a step over data in an order.

    Args:
        step: what to run.
        data: on what.
        order: int32 indices of samples.
        batch_size: samples per step.
        steps: at most that many.
        size: how many steps a call takes.
        begin: called with the number of the first step of each call, if given.
        report: called after each call with the number of its last step and the outputs;
            True ends the epoch.
        collect: whether the outputs are those of each step, stacked, or of the last step.
    """
    done = 0
    for block in chunks(order, batch_size, steps, size):
        if begin is not None:
            begin(done)
        start = time.perf_counter()
        arrays, rows = data.on_engine(block)
        outputs = step.function.run_steps(arrays, rows, collect=collect)
        size.observe(len(block), time.perf_counter() - start)
        done += len(block)
        if report(done - 1, outputs):
            return


def logs_of(step: Step, outputs: list[np.ndarray]) -> dict[str, Any]:
    """The outputs of a step as logs: name -> float (or array for metrics that are arrays)."""
    return {
        name: float(value) if np.ndim(value) == 0 else np.asarray(value)
        for name, value in zip(step.outputs, outputs, strict=True)
    }
