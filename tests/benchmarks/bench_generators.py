"""Times `fit` from a generator against the slower of the two: making a batch, and a step.

    python tests/benchmarks/bench_generators.py
    python tests/benchmarks/bench_generators.py --engines numpy tensorflow --rounds 9
    python tests/benchmarks/bench_generators.py --units 1024   # steps that take longer

The generator makes each batch in about the time of a step, either computing (as augmentation in
Python does) or waiting (as a disk lets it). One process per engine; the variants take turns, so
that a machine that slows down slows all of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

BATCH, STEPS = 64, 200
ROOT = Path(__file__).resolve().parents[2]


def measure(rounds: int, units: int) -> dict[str, float]:
    """Milliseconds per step of each variant, on the engine of this process."""
    import numpy as np

    from kerasish import layers, models

    rng = np.random.default_rng(0)
    x = rng.random((BATCH * STEPS, 784)).astype("float32")
    y = rng.integers(0, 10, len(x)).astype("int32")
    model = models.Sequential([layers.Input((784,))])
    model.add(layers.Dense(units, "relu"))
    model.add(layers.Dense(10, "softmax"))
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])

    def batches(make: Callable[[float], None], seconds: float) -> Iterator[tuple]:
        while True:
            for start in range(0, len(x), BATCH):
                make(seconds)
                yield x[start : start + BATCH], y[start : start + BATCH]

    def computing(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            np.tanh(x[:8])

    def timed(run: Callable[[], object]) -> float:
        start = time.perf_counter()
        run()
        return (time.perf_counter() - start) / STEPS * 1e3

    def from_arrays() -> object:
        return model.fit(x, y, BATCH, verbose=0)

    def fit(make: Callable[[float], None], seconds: float) -> object:
        return model.fit(batches(make, seconds), steps_per_epoch=STEPS, verbose=0)

    from_arrays()
    fit(time.sleep, 0.0)
    seconds = min(timed(from_arrays) for _ in range(3)) / 1e3
    variants = {"fit from arrays": from_arrays}
    for name, make in (("computing", computing), ("waiting", time.sleep)):
        source = batches(make, seconds)
        variants[f"{name} generator alone"] = lambda s=source: [next(s) for _ in range(STEPS)]
        variants[f"fit from a {name} generator"] = lambda m=make: fit(m, seconds)
    variants["fit from a generator that costs nothing"] = lambda: fit(lambda seconds: None, 0.0)
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            found[name].append(timed(run))
    return {name: statistics.median(times) for name, times in found.items()}


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
    for name, value in found.items():
        print(f"  {name:42}{value:8.3f}")
    for kind in ("computing", "waiting"):
        slower = max(found["fit from arrays"], found[f"{kind} generator alone"])
        share = found[f"fit from a {kind} generator"] / slower
        print(f"  {kind}: {share:.2f} of the slower of the two")


if __name__ == "__main__":
    main()
