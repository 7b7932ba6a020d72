"""What `bench_training.py` runs in a process per contender: `worker.py LIBRARY WORKLOAD`.

Reads commands from stdin, a line each, and answers each with a line of JSON:
    first   import the library, make the model, train one step
    block   train the workload's epochs; seconds per step
    memory  the largest amount of memory so far, child processes included
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# A block takes fewer steps than its workload says if they would take longer than this.
SECONDS_PER_BLOCK = 10.0


class Worker:
    """One library training one workload."""

    def __init__(self, library: str, workload: str):
        self.library = library
        self.workload = workload
        self.seconds = 0.0  # per step, of late

    def first(self) -> dict[str, float]:
        """Imports, builds and trains one step."""
        before = time.perf_counter()
        library = importlib.import_module(self.library)
        seconds = time.perf_counter() - before
        import numpy as np
        from workloads import WORKLOADS

        self.work = WORKLOADS[self.workload]
        rng = np.random.default_rng(0)
        self.x, self.y = self.work.data(rng, self.work.steps * self.work.batch)
        self.model = self.work.build(library)
        self.fit(self.work.batch, 1)
        return {"import": seconds}

    def fit(self, samples: int, epochs: int) -> None:
        self.model.fit(
            self.x[:samples],
            self.y[:samples],
            batch_size=self.work.batch,
            epochs=epochs,
            verbose=0,
        )

    def block(self) -> dict[str, float]:
        """Wall and processor seconds per step."""
        if not self.seconds:
            before = time.perf_counter()
            self.fit(self.work.batch, 1)
            self.seconds = time.perf_counter() - before
        steps, epochs = self.work.steps, self.work.epochs
        if steps * epochs * self.seconds > SECONDS_PER_BLOCK:
            steps, epochs = min(steps, max(int(SECONDS_PER_BLOCK / self.seconds), 1)), 1
        wall, cpu = time.perf_counter(), _cpu()
        self.fit(steps * self.work.batch, epochs)
        self.seconds = (time.perf_counter() - wall) / (steps * epochs)
        return {"wall": self.seconds, "cpu": (_cpu() - cpu) / (steps * epochs)}

    def memory(self) -> dict[str, int]:
        """Peak resident bytes."""
        return {"bytes": sum(map(_peak, _family()))}


# Engines such as Theano run in a process of their own, whose costs count too. (On Linux; elsewhere
# only this process is seen.)


def _family() -> list[int]:
    """This process and its children."""
    me = os.getpid()
    found = [me]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(_fields(int(stat.parent.name))[1]) == me:
                found.append(int(stat.parent.name))
        except (OSError, IndexError):  # it has just ended
            continue
    return found


def _fields(pid: int) -> list[str]:
    """`/proc/PID/stat` after the name of the program: state, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _cpu() -> float:
    """Processor seconds used so far."""
    others = [pid for pid in _family() if pid != os.getpid()]
    ticks = sum(int(n) for pid in others for n in _fields(pid)[11:13])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    # Answers go where stdout went; what the libraries print there goes to stderr.
    answers: Any = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker(*sys.argv[1:])
    for line in sys.stdin:
        answers.write(json.dumps(getattr(worker, line.strip())()) + "\n")


if __name__ == "__main__":
    main()
