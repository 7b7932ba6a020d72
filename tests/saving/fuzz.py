"""Damages real files in random ways, and loads them: each loads, or gives one clear error.

    python tests/saving/fuzz.py SECONDS [SEED]

A case fails if it raises anything but ValueError, takes long or much memory, opens another file
for writing, starts a process, opens a connection, or runs byte code. What failed stays in the
folder that is printed, as `last`.
"""

import io
import json
import os
import random
import resource
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import structures

from kerasish import layers, models
from kerasish.datasets import mnist
from kerasish.saving import lambdas
from kerasish.utils import files

GOLDEN = Path(__file__).parent.parent / "golden"
# How long a case may take, and how much more memory than before.
SECONDS, MEMORY = 20, 4 << 30
# What no file may lead to.
FORBIDDEN = ("os.system", "pickle.find_class", "socket.connect")
FORBIDDEN += ("subprocess.Popen", "os.exec", "os.posix_spawn", "urllib.Request")


def small():
    model = models.Sequential(
        [layers.Input((4,), name="x"), layers.Dense(3, name="one"), layers.Dense(2, name="two")]
    )
    model.compile("adam", "mse")
    return model


def lively():
    """Nested, shared and recurrent layers, operations and wrappers."""
    x = layers.Input((5, 4), name="x")
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True), name="both")(x)
    inner = models.Sequential([layers.Input((5, 4)), layers.Dense(3, "relu"), layers.Dropout(0.5)])
    y = layers.Concatenate(name="join")([inner(x), y, x * 2.0 + 1.0])
    model = models.Model(x, layers.GRU(2, kernel_regularizer="l2", name="end")(y))
    model.compile("adam", "mse", metrics=["mae"])
    return model


# --- damage ------------------------------------------------------------------------------


def damaged(content, rng):
    """A few bytes changed, cut, doubled or swapped."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(max(1, len(content)))
        length = rng.choice([1, 2, 4, 8, 64])
        match rng.randrange(7):
            case 0:
                content[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                content[at : at + length] = rng.randbytes(min(length, len(content) - at))
            case 2:
                content[at : at + length] = b"\xff" * min(length, len(content) - at)
            case 3:
                other = rng.randrange(max(1, len(content)))
                content[at : at + length] = content[other : other + length]
            case 4:
                content[at : at + length] = b"\0" * min(length, len(content) - at)
            case 5:
                size = rng.choice([2**15, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, len(content)])
                content[at : at + 8] = size.to_bytes(8, "little")
            case _:
                if rng.random() < 0.1:
                    del content[at:]
    return bytes(content)


def damaged_config(config, rng):
    """Plain data with a few values replaced by others, of the same or another kind."""
    config, places = json.loads(json.dumps(config)), []

    def walk(value):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            places.append((value, key))
            if isinstance(item, (dict, list)):
                walk(item)

    walk(config)
    for _ in range(rng.choice([1, 1, 3, 8])):
        holder, key = rng.choice(places)
        other, at = rng.choice(places)
        try:
            borrowed = json.loads(json.dumps(other[at]))
        except (IndexError, KeyError, RecursionError, ValueError):
            continue  # an earlier change took it away, or put it into itself
        if key >= len(holder) if isinstance(holder, list) else key not in holder:
            continue
        if rng.random() < 0.1:
            del holder[key]
            continue
        holder[key] = rng.choice(
            [None, True, -1, 0, 7, 2**62, 1e308, "", "Dense", "one", "a/../b", "/etc/passwd", [],
             {}, [[]], [1, 2], {"class_name": "x"}, {"class_name": "Dense", "config": {}},
             {"class_name": "__numpy__", "config": {"value": [1], "dtype": "O"}},
             {"class_name": "function", "config": "eval"}, ["one", 0, 0], borrowed, borrowed]
        )  # fmt: skip
    return config


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def zipped(parts, compression=zipfile.ZIP_STORED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def damaged_keras(content, rng):
    """A `.keras` file: damaged as a whole, or in its config, or in its weights."""
    parts, kind = members(content), rng.randrange(9)
    if kind == 0:
        return damaged(content, rng)
    if kind in (4, 5):
        return (structures.lying_zip if kind == 4 else structures.crowded_zip)(content, rng)
    if kind == 6:
        name = "model.weights.h5"
        return zipped(parts | {name: structures.odd_h5(parts[name], rng)}, rng.choice([0, 8]))
    if kind in (7, 8):
        config = structures.odd_config(json.loads(parts["config.json"]), rng)
        return zipped(parts | {"config.json": structures.as_text(config)})
    if kind == 1:
        name = "model.weights.h5"
        return zipped(parts | {name: damaged(parts[name], rng)}, rng.choice([0, 8]))
    config = damaged_config(json.loads(parts["config.json"]), rng)
    return zipped(parts | {"config.json": json.dumps(config)})


def damaged_npz(content, rng):
    """Arrays in a zip: damaged as a whole, or one of them."""
    if rng.random() < 0.3:
        return damaged(content, rng)
    if rng.random() < 0.2:
        return structures.lying_zip(content, rng)
    parts = members(content)
    name = rng.choice(sorted(parts))
    if rng.random() < 0.3:
        return zipped(parts | {name: structures.odd_npy(rng)})
    start = parts[name][:128]  # the form of the array
    return zipped(parts | {name: damaged(start, rng) + parts[name][128:]})


def damaged_h5(content, rng):
    """An HDF5 file with a model: its bytes, or its config, in which lengths stay as they are."""
    kind = rng.random()
    if kind < 0.7:
        return (structures.odd_h5 if kind < 0.3 else damaged)(content, rng)
    import h5py

    file = io.BytesIO(content)
    with h5py.File(file, "r+") as opened:
        for name in ("model_config", "training_config"):
            if name in opened.attrs and rng.random() < 0.7:
                damage = rng.choice([damaged_config, structures.odd_config])
                text = structures.as_text(damage(json.loads(opened.attrs[name]), rng))
                opened.attrs[name] = text.encode()
    return file.getvalue()


def damaged_weights(content, rng):
    return (structures.odd_h5 if rng.random() < 0.4 else damaged)(content, rng)


def damaged_zip(content, rng):
    kinds = (damaged, structures.lying_zip, structures.crowded_zip)
    return rng.choice(kinds)(content, rng)


def damaged_tar(content, rng):
    if rng.random() < 0.5:
        content = structures.odd_tar(content, rng)
    return damaged(content, rng) if rng.random() < 0.5 else content


# --- what is loaded ----------------------------------------------------------------------


def cases(folder):
    """(name, its sound content, how it is damaged, how it is loaded)."""
    found = []
    for label, make in (("small", small), ("lively", lively)):
        model = make()
        model.save(folder / f"{label}.keras")
        model.save_weights(folder / f"{label}.weights.h5")
        found.append((f"{label}.keras", damaged_keras, models.load_model))
        found.append(
            (f"{label}.weights.h5", damaged_weights, lambda path, make=make: loaded(make, path))
        )
    small().save(folder / "small.h5")
    found.append(("small.h5", damaged_h5, models.load_model))
    for path in sorted(GOLDEN.glob("*.h5")) + sorted(GOLDEN.glob("*.keras")):
        shutil.copy(path, folder)
        damage = damaged_keras if path.suffix == ".keras" else damaged_h5
        found.append((path.name, damage, models.load_model))
    for name, text, load in (
        ("model.json", lively().to_json(), models.model_from_json),
        ("model.yaml", small().to_yaml(), models.model_from_yaml),
    ):
        (folder / name).write_text(text)
        found.append((name, damaged_text, lambda path, load=load: load(read_text(path))))
    found += shard_cases(folder) + archive_cases(folder)
    images = np.zeros((3, 28, 28), "uint8")
    arrays = {"x_train": images, "y_train": images[:, 0, 0]}
    np.savez(folder / "m.npz", **arrays, x_test=images, y_test=images[:, 0, 0])
    found.append(("m.npz", damaged_npz, mnist.load_data))
    return [(name, (folder / name).read_bytes(), *rest) for name, *rest in found]


def archive_cases(folder):
    """What `get_file` unpacks."""
    (folder / "one").write_bytes(b"1" * 3000)
    with tarfile.open(folder / "a.tar", "w:gz") as archive:
        archive.add(folder / "one", "a/one")
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "one", "a/one")
    (folder / "one").unlink()
    return [("a.tar", damaged_tar, unpacked), ("a.zip", damaged_zip, unpacked)]


def unpacked(path):
    with tempfile.TemporaryDirectory(dir=path.parent) as inner:
        files.extract_archive(path, Path(inner, "out"))


def shard_cases(folder):
    """Weights in several files: the list of them, and each."""
    small().save_weights(folder / "s.weights.json", max_shard_size=50 / 2**30)
    load = lambda _: loaded(small, folder / "s.weights.json")  # noqa: E731
    shards = sorted(path.name for path in folder.glob("s_*"))
    return [("s.weights.json", damaged_text, load), *((name, damaged, load) for name in shards)]


def loaded(make, path):
    model = make()
    model.load_weights(path)


def read_text(path):
    return path.read_bytes().decode("utf-8", "replace")


def damaged_text(content, rng):
    if content[:1] == b"{" and rng.random() < 0.8:
        damage = rng.choice([damaged_config, structures.odd_config])
        return structures.as_text(damage(json.loads(content), rng)).encode()
    if b": " in content[:40] and rng.random() < 0.5:
        return structures.odd_yaml(content, rng)
    return damaged(content, rng)


# --- the watch ---------------------------------------------------------------------------

_watch = {"on": False, "folder": "", "seen": []}


def _audit(event, arguments):
    if not _watch["on"]:
        return
    if event == "os.symlink":
        place = os.path.realpath(os.path.dirname(os.path.abspath(arguments[1])))
        if not place.startswith(os.path.realpath(_watch["folder"])):
            _watch["seen"].append((event, str(arguments)[:200]))
    elif event in FORBIDDEN:
        _watch["seen"].append((event, str(arguments)[:200]))
    elif event == "open":
        path, mode, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        inside = str(path).startswith((_watch["folder"], tempfile.gettempdir()))
        odd = str(path).startswith("/etc")
        if (writes and not inside and not str(path).endswith(".pyc")) or odd:
            _watch["seen"].append((event, str(path), mode))


def _late(signum, frame):
    raise TimeoutError(f"a case took more than {SECONDS} s")


def _refused(code, owner):
    raise AssertionError(f"byte code of {owner} would have been run")


@contextmanager
def watched(folder):
    if not _watch.get("hooked"):
        sys.addaudithook(_audit)
    _watch.update(on=True, folder=str(folder), hooked=True, seen=[])
    before = signal.signal(signal.SIGALRM, _late)
    made, lambdas._made = lambdas._made, _refused
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        lambdas._made = made
        _watch["on"] = False


def survives(path, load):
    """Whether a file could be loaded; anything but a ValueError for the others is a failure."""
    signal.alarm(SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load(path)
        except ValueError as error:
            if not str(error):
                raise AssertionError("an error without a message") from error
            return False
        finally:
            signal.alarm(0)
    return True


def run(folder, rounds=None, seconds=None, seed=0):
    """Loads damaged files of all kinds; returns how many there were, and how many loaded.

    Args:
        folder: an empty one.
        rounds: how many cases; or
        seconds: how long.
        seed: for the damage.
    """
    rng, folder = random.Random(seed), Path(folder)
    table = cases(folder)
    start, done, good = time.monotonic(), 0, 0
    with watched(folder):
        while done < rounds if rounds else time.monotonic() - start < seconds:
            name, content, damage, load = table[done % len(table)]
            path = folder / name
            path.write_bytes(damage(content, rng))
            shutil.copy(path, folder / "last")  # what to look at after a crash
            (folder / "last.name").write_text(f"{name} {done} {seed}")
            good += survives(path, load)
            path.write_bytes(content)
            done += 1
            if _watch["seen"]:
                raise AssertionError(f"{name}: {_watch['seen']}")
    assert {p.name for p in folder.iterdir()} == {"last", "last.name", *(c[0] for c in table)}
    return done, good


if __name__ == "__main__":
    scratch = tempfile.mkdtemp(prefix="fuzz-")
    print(scratch, flush=True)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    done, good = run(scratch, seconds=float(sys.argv[1]), seed=seed)
    print(f"{done} cases, {good} loaded")
    shutil.rmtree(scratch)
