"""Times `fit` from sources of batches against the slower of the two: making a batch, and a step.

Nor can it be quicker than all cores are at the work of both, which counts where a step and a
source that computes both want all of them.

    python tests/benchmarks/bench_generators.py
    python tests/benchmarks/bench_generators.py --engines numpy tensorflow --rounds 9
    python tests/benchmarks/bench_generators.py --units 1024   # steps that take longer

The source makes each batch in about the time of a step, either computing (as augmentation in
Python does) or waiting (as a disk lets it), or at no cost. One process per engine; the variants
take turns, so that a machine that slows down slows all of them. The best round of each counts:
whatever else the machine does can only make a round slower.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BATCH, STEPS = 64, 200
ROOT = Path(__file__).resolve().parents[2]


def measure(rounds: int, units: int) -> dict[str, tuple[float, float]]:
    """Milliseconds per step of each variant, and of processor time, on this process's engine."""
    import numpy as np

    from kerasish import layers, models
    from kerasish.utils import PyDataset

    rng = np.random.default_rng(0)
    x = rng.random((BATCH * STEPS, 784)).astype("float32")
    y = rng.integers(0, 10, len(x)).astype("int32")
    model = models.Sequential([layers.Input((784,))])
    model.add(layers.Dense(units, "relu"))
    model.add(layers.Dense(10, "softmax"))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])

    class Batches(PyDataset):
        def __init__(self, make: Callable[[], None], **loading: Any):
            super().__init__(**loading)
            self.make = make

        def __len__(self) -> int:
            return STEPS

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            self.make()
            rows = slice(index * BATCH, (index + 1) * BATCH)
            return x[rows], y[rows]

    def batches(make: Callable[[], None]) -> Iterator[tuple[Any, Any]]:
        sequence = Batches(make)
        while True:
            yield from (sequence[i] for i in range(STEPS))

    def timed(run: Callable[[], object]) -> tuple[float, float]:
        """Milliseconds per step, and those of processor time."""
        start, busy = time.perf_counter(), time.process_time()
        run()
        taken = time.perf_counter() - start, time.process_time() - busy
        return taken[0] / STEPS * 1e3, taken[1] / STEPS * 1e3

    def from_arrays() -> object:
        return model.fit(x, y, BATCH, verbose=0)

    def fit(source: Any) -> object:
        return model.fit(source, steps_per_epoch=STEPS, verbose=0)

    from_arrays()
    fit(batches(lambda: None))
    seconds = min(timed(from_arrays) for _ in range(3))[0] / 1e3

    def waiting() -> None:
        time.sleep(seconds)

    def computing() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            np.tanh(x[:8])

    variants: dict[str, Callable[[], object]] = {"fit from arrays": from_arrays}
    for make in (waiting, computing):
        name, alone = make.__name__, batches(make)
        variants[f"{name} generator alone"] = lambda s=alone: [next(s) for _ in range(STEPS)]  # type: ignore[misc]
        variants[f"fit from a {name} generator"] = lambda m=make: fit(batches(m))  # type: ignore[misc]
    variants["fit from a generator that costs nothing"] = lambda: fit(batches(lambda: None))
    variants["fit from a waiting PyDataset, 4 threads"] = lambda: fit(Batches(waiting, workers=4))
    found = dict.fromkeys(variants, (float("inf"), 0.0))
    for _ in range(rounds):
        for name, run in variants.items():
            found[name] = min(found[name], timed(run))
    return found


def main() -> None:
    """Prints a table per engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", nargs="+", default=["numpy", "tensorflow"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--units", type=int, default=128, help="of the hidden layer (128)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.here:
        for engine in options.engines:
            paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
            env = {"KERAS_BACKEND": engine, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
            command = [sys.executable, __file__, "--here", "--rounds", str(options.rounds)]
            command += ["--units", str(options.units)]
            print(f"\n{engine}, milliseconds per step", flush=True)
            subprocess.run(command, env=os.environ | env, check=True)
        return
    found = measure(options.rounds, options.units)
    for name, (wall, busy) in found.items():
        print(f"  {name:42}{wall:8.3f}, of processor time {busy:8.3f}")
    arrays = found["fit from arrays"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for kind in ("waiting", "computing"):
        alone, wall = found[f"{kind} generator alone"], found[f"fit from a {kind} generator"][0]
        slower, work = max(arrays[0], alone[0]), (arrays[1] + alone[1]) / (cores or 1)
        print(f"  {kind}: {wall / slower:.2f} of the slower of the two", end="")
        print(f", {wall / max(slower, work):.2f} of what the cores allow")
    for name in list(found)[-2:]:
        print(f"  {name}: {found[name][0] / arrays[0]:.2f} of a fit from arrays")


if __name__ == "__main__":
    main()
