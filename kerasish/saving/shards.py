"""Weights in several files: `m.weights.json` says in which `m_....weights.h5` beside it each lies.

Keras 3 opens `m_00000.weights.h5` whatever the list says, so there is one, with nothing in it. The
others get new names with each save: the old list and its files are whole until the new list, made
last, takes its place.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.saving import h5, weights
from kerasish.saving.atomic import replacing

SUFFIX, SHARD_SUFFIX = ".weights.json", ".weights.h5"
# Sizes are given in GB, as Keras counts them.
GB = 1 << 30
USUAL_SIZE = 5
# More than any list of weights needs.
_LIMIT = 1 << 26


# --- writing -----------------------------------------------------------------------------


def save(model: Any, path: Path, max_size: float | None) -> None:
    """Writes the weights of a model.

    Args:
        model: with weights.
        path: of the list, ending in `.weights.json`.
        max_size: how large a file may be, in GB. A larger weight has a file for itself.

    Raises:
        ValueError: the size is not positive.
    """
    size = USUAL_SIZE if max_size is None else max_size
    if not size > 0:
        raise ValueError(f"save_weights: max_shard_size must be above 0, but got {max_size!r}.")
    stem = path.name.removesuffix(SUFFIX)
    first = path.with_name(f"{stem}_00000{SHARD_SUFFIX}")
    old = set(_named(path)) if path.exists() else set()
    writer = _Writer(path.parent, f"{stem}_{secrets.token_hex(4)}", size * GB)
    try:
        with writer:
            weights.write(model, writer)
        if not first.exists():
            _write_empty(first)
        with replacing(path) as new:
            total = {"total_size": writer.total}
            new.write_text(json.dumps({"metadata": total, "weight_map": writer.places}, indent=4))
    except BaseException:
        for name in writer.names:
            (path.parent / name).unlink(missing_ok=True)
        raise
    for name in old:
        if name == first.name:  # of a list of Keras 3, which was whole until now
            _write_empty(first)
        elif name.startswith(f"{stem}_"):
            (path.parent / name).unlink(missing_ok=True)


def _write_empty(path: Path) -> None:
    with replacing(path) as new, h5.writing(new):
        pass


def _named(path: Path) -> list[str]:
    """The files that a list names, none if it is not sound."""
    with suppress(h5.FileError):
        return _names_in(_list(path), path)
    return []


class _Writer:
    """Takes groups and arrays as an HDF5 file does, and starts another file when one is full."""

    def __init__(self, folder: Path, stem: str, limit: float):
        self.folder, self.stem, self.limit = folder, stem, limit
        self.names: list[str] = []
        self.places: dict[str, list[str]] = {}
        self.total = self.size = 0
        self.stack, self.file = ExitStack(), None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.stack.close()

    def create_group(self, place: str) -> _Group:
        return _Group(self, place)

    def put(self, place: str, name: str, data: np.ndarray) -> Any:
        """Writes an array into the file that has room for it."""
        if self.file is None or (self.size and self.size + data.nbytes > self.limit):
            self._next()
        self.size += data.nbytes
        self.total += data.nbytes
        files = self.places.setdefault(f"/{place}", [])
        if self.names[-1] not in files:
            files.append(self.names[-1])
        return self.file.require_group(place).create_dataset(name, data=data)  # type: ignore

    def _next(self) -> None:
        self.stack.close()
        self.names.append(f"{self.stem}_{len(self.names) + 1:05}{SHARD_SUFFIX}")
        new = self.stack.enter_context(replacing(self.folder / self.names[-1]))
        self.file, self.size = self.stack.enter_context(h5.writing(new)), 0


class _Group:
    def __init__(self, writer: _Writer, place: str):
        self.writer, self.place = writer, place
        self.attrs: dict[str, Any] = {}  # the names of layers: for people only

    def create_dataset(self, name: str, data: Any) -> Any:
        return self.writer.put(self.place, name, np.asarray(data))


# --- reading -----------------------------------------------------------------------------


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """The weights that a list names, as if they were in one file.

    Raises:
        FileError: the list is damaged, or names something else than HDF5 files beside it.
    """
    with ExitStack() as stack:
        readers = []
        for name in _names_in(_list(path), path):
            shard = path.parent / name
            if shard.is_symlink() or not shard.is_file():
                raise h5.FileError(f"{path} names the file {name}, which is not beside it.")
            readers.append(stack.enter_context(h5.reading(shard)))
        yield _Together(readers, str(path))


def _list(path: Path) -> Mapping[str, Any]:
    if os.path.getsize(path) > _LIMIT:
        raise h5.FileError(f"{path} has more than {_LIMIT} bytes.")
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise h5.FileError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("weight_map"), dict):
        raise h5.FileError(f"{path} is no list of weights: it has no weight_map.")
    return found["weight_map"]


def _names_in(places: Mapping[str, Any], path: Path) -> list[str]:
    found: dict[str, None] = {}
    for names in places.values():
        for name in names if isinstance(names, list) else [names]:
            plain = isinstance(name, str) and not {"/", "\\", ":", "\0"} & set(name)
            if not plain or not name.endswith(SHARD_SUFFIX):
                raise h5.FileError(f"{path} names {name!r:.80}, which is no file of weights.")
            found[name] = None
    return list(found)


class _Together(h5.Reader):
    """A group that has parts in several files."""

    def __init__(self, readers: list[h5.Reader], name: str):
        self.readers = readers
        self.file_name = name

    def names(self) -> list[str]:
        return list(dict.fromkeys(name for reader in self.readers for name in reader.names()))

    def find(self, name: str) -> h5.Reader | None:
        found = [inner for reader in self.readers if (inner := reader.find(name)) is not None]
        return _Together(found, self.file_name) if found else None

    def _item(self, name: str) -> Any:
        items = (reader._item(name) for reader in self.readers)
        return next((item for item in items if item is not None), None)

    def _problem(self, what: str, name: str) -> h5.FileError:
        return self.readers[0]._problem(what, name)
