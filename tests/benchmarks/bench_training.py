"""Times `fit` of kerasish and of Keras 3, taking turns in one run.

    python tests/benchmarks/bench_training.py
    python tests/benchmarks/bench_training.py --workloads W1 --contenders kerasish/numpy
    python tests/benchmarks/bench_training.py --output docs/benchmarks.md

Each contender has a process of its own for each workload. All of them stay alive and train short
blocks in turns, so that a machine that slows down slows all of them. A contender is
`library/engine`; `keras/tensorflow+onednn` is Keras with oneDNN switched on, as kerasish does, and
`keras/tensorflow+no-onednn` without it. TensorFlow itself decides by the processor: it is on where
there is AVX-512 VNNI, and off where there is not.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REFERENCE = "keras/tensorflow"
ROUNDS = 7
ONEDNN = {"onednn": "1", "no-onednn": "0"}  # what TensorFlow is told
WARM_UP = 2  # blocks that are not counted: engines compile in them


def default_contenders(workload: str) -> list[str]:
    """What is compared unless `--contenders` says so."""
    names = [REFERENCE, "kerasish/tensorflow"]
    if workload != "W3":  # minutes on NumPy
        names.append("kerasish/numpy")
    if find_spec("jax"):
        names.append("keras/jax")
    return names


# ---------------------------------------------------------------- the parent


@dataclass
class Contender:
    """A worker process and what was measured in it."""

    name: str
    process: subprocess.Popen[str]
    start: dict[str, float] = field(default_factory=dict)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: float = 0.0

    def ask(self, command: str) -> dict[str, Any]:
        """Has the worker do something and returns its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} died; its error is above.")
        return json.loads(answer)


def start(name: str, workload: str) -> Contender:
    """A worker process; it imports its library when it is asked to."""
    engine, _, option = name.partition("/")[2].partition("+")
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"KERAS_BACKEND": engine, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    if option:
        if option not in ONEDNN:
            raise SystemExit(f"{name}: the options are {', '.join(f'+{o}' for o in ONEDNN)}")
        env["TF_ENABLE_ONEDNN_OPTS"] = ONEDNN[option]
    command = [sys.executable, str(HERE / "worker.py"), name.partition("/")[0], workload]
    pipe = subprocess.PIPE
    return Contender(name, subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env))


def compare(workload: str, names: list[str], rounds: int) -> list[Contender]:
    """Trains one workload with all contenders in turns."""
    contenders = []
    try:
        for name in names:
            before = time.perf_counter()
            contender = start(name, workload)
            contenders.append(contender)
            contender.start = contender.ask("first")
            contender.start["first_step"] = time.perf_counter() - before
        for i in range(WARM_UP + rounds):
            for contender in contenders:
                block = contender.ask("block")
                if i >= WARM_UP:
                    contender.wall.append(block["wall"])
                    contender.cpu.append(block["cpu"])
        for contender in contenders:
            contender.memory = contender.ask("memory")["bytes"] / 2**20
    finally:
        for contender in contenders:
            contender.process.kill()
            contender.process.wait()
    return contenders


# ---------------------------------------------------------------- the table

COLUMNS = {
    "ms per step": lambda c: statistics.median(c.wall) * 1e3,
    "CPU ms per step": lambda c: statistics.median(c.cpu) * 1e3,
    "first step, s": lambda c: c.start["first_step"],
    "import, s": lambda c: c.start["import"],
    "peak memory, MB": lambda c: c.memory,
}


def table(contenders: list[Contender]) -> list[str]:
    """Markdown: each number, and in brackets its ratio to the reference's."""
    reference = next((c for c in contenders if c.name == REFERENCE), None)
    lines = [
        f"| {' | '.join(['', *COLUMNS])} |",
        f"|---|{'---|' * len(COLUMNS)}",
    ]
    for contender in contenders:
        cells = [contender.name]
        for measure in COLUMNS.values():
            value = measure(contender)
            ratio = "" if reference is None else f" ({value / measure(reference):.2g}×)"
            cells.append(f"{value:.3g}{ratio}" if value < 1000 else f"{value:.0f}{ratio}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def machine() -> str:
    """What the numbers were measured on."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in ("keras", "tensorflow", "jax", "numpy"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return (
        f"{datetime.date.today()}, {os.cpu_count()} CPU cores ({platform.machine()}), "
        f"Python {platform.python_version()}, {', '.join(found)}"
    )


def main() -> None:
    from workloads import WORKLOADS

    parser = argparse.ArgumentParser(description="Time fit of kerasish and of Keras 3.")
    parser.add_argument("--workloads", nargs="+", default=list(WORKLOADS), choices=WORKLOADS)
    parser.add_argument("--contenders", nargs="+", metavar="LIBRARY/ENGINE")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"blocks of each ({ROUNDS})")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    args = parser.parse_args()
    lines = [
        "# Training speed",
        "",
        f"Measured by `tests/benchmarks/bench_training.py`: {machine()}.",
        f"Medians of {args.rounds} blocks of `fit`, taken in turns; in brackets the ratio to "
        f"{REFERENCE}.",
    ]
    print("\n".join(lines))
    for workload in args.workloads:
        names = args.contenders or default_contenders(workload)
        contenders = compare(workload, names, args.rounds)
        part = ["", f"## {workload}: {WORKLOADS[workload].title}", "", *table(contenders)]
        print("\n".join(part), flush=True)
        lines += part
    if args.output:
        args.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
