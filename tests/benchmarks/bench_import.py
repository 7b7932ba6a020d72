"""Times `import kerasish` and `import keras` in fresh processes, taking turns.

python tests/benchmarks/bench_import.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 5
ROOT = Path(__file__).resolve().parents[2]


def seconds(statement: str) -> float:
    """How long a Python process that runs only `statement` takes."""
    before = time.perf_counter()
    env = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", statement], check=True, env=env, stderr=subprocess.PIPE)
    return time.perf_counter() - before


def main() -> None:
    statements = ["pass", "import numpy", "import kerasish", "import keras"]
    times: dict[str, list[float]] = {s: [] for s in statements}
    for _ in range(ROUNDS):
        for statement in statements:
            times[statement].append(seconds(statement))
    keras = statistics.median(times["import keras"])
    for statement, values in times.items():
        median = statistics.median(values)
        print(f"{statement:16} {median:6.3f} s  {median / keras:5.3f} x import keras")


if __name__ == "__main__":
    main()
