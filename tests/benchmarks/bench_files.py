"""Saving and loading of 100 MB of weights, against plain h5py; and the memory that loading takes.

    python tests/benchmarks/bench_files.py [ROUNDS] [FOLDER]

All ways take turns in each round. Each is compared with the first, by its best time and by its
median. Saving puts the file on the disk (fsync) and then in the place of the old one; so it is
compared with an h5py that does the same. Loading a whole model also builds its layers, which takes
as long for one with hardly any weights ("4 wide"). Loading a `.keras` file also checks its sum, in
a thread of its own: on a machine that has no processor free, that takes its time.
"""

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "numpy")

import h5py

from kerasish import layers, models

WIDTH, DEPTH = 1800, 8  # 103 MB


def make(width=WIDTH):
    dense = [layers.Dense(width, name=f"dense{i}") for i in range(DEPTH)]
    return models.Sequential([layers.Input((width,)), *dense])


def plain_save(path, arrays):
    with h5py.File(path, "w") as file:
        for i, array in enumerate(arrays):
            file.create_dataset(str(i), data=array)


def plain_save_safely(path, arrays):
    new = path.with_suffix(".new")
    plain_save(new, arrays)
    with open(new, "rb") as file:
        os.fsync(file.fileno())
    new.replace(path)


def plain_load(path):
    with h5py.File(path, "r") as file:
        return [file[name][()] for name in file]


def ways(folder):
    """name -> function, for saving and for loading; the first is what others are compared with."""
    model, other = make(), make()
    arrays = model.get_weights()
    names = ("m.keras", "m.h5", "m.weights.h5")
    save = {
        "h5py, on the disk": lambda: plain_save_safely(folder / "safe.h5", arrays),
        "h5py": lambda: plain_save(folder / "plain.h5", arrays),
    }
    load = {"h5py": lambda: plain_load(folder / "plain.h5")}
    for name in names:
        save[name] = lambda path=folder / name: (
            model.save_weights if ".weights" in path.name else model.save
        )(path)
        if ".weights" not in name:
            load[name] = lambda path=folder / name: models.load_model(path)
        load[f"weights of {name}"] = lambda path=folder / name: other.load_weights(path)
    few = folder / "few.keras"
    make(4).save(few)
    load["m.keras, 4 wide"] = lambda: models.load_model(few)
    return save, load


def measure(table, rounds):
    times = {name: [] for name in table}
    for _ in range(rounds):
        for name, run in table.items():
            gc.collect()  # models, which have circles: all begin with the same memory
            start = time.perf_counter()
            result = run()
            times[name].append(time.perf_counter() - start)
            del result
    return times


def show(title, times):
    best, median = ([how(t) for t in times.values()] for how in (min, statistics.median))
    print(f"{title:26} {'best':>8} {'median':>8}   ratios")
    for name, b, m in zip(times, best, median, strict=True):
        ratios = f"{b / best[0]:5.2f} {m / median[0]:5.2f}"
        print(f"  {name:24} {b * 1e3:5.0f} ms {m * 1e3:5.0f} ms   {ratios}")


MEMORY = """
import re, sys
from pathlib import Path
from kerasish import models, layers
import h5py

def peak():  # of this program alone, where the system tells
    return int(re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e3

models.Sequential([layers.Input((2,)), layers.Dense(2)])
before = peak()
model = models.load_model(sys.argv[1])
after = peak()
print(f"{after - before:.0f} MB for {sum(w.nbytes for w in model.get_weights()) / 1e6:.0f} MB")
"""


def main(rounds=9, folder=None):
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        save, load = ways(Path(scratch))
        show("saving", measure(save, rounds))
        show("loading", measure(load, rounds))
        for name in ("m.keras", "m.h5"):
            command = [sys.executable, "-c", MEMORY, str(Path(scratch, name))]
            found = subprocess.run(command, capture_output=True, text=True, check=True)
            print(f"most memory while loading {name}: {found.stdout.strip()}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:3])
