"""`.keras` files: a zip of `metadata.json`, `config.json` and `model.weights.h5`."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from kerasish.saving import h5, lambdas, weights
from kerasish.saving.building import building, model_from_entry
from kerasish.saving.compiling import compile_config, compile_from_config
from kerasish.saving.serialization import CustomObjectScope, serialize_keras_object

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
# What files say that they were written by: a Keras that reads the same form.
KERAS_VERSION = "3.15.0"
# More than any config of layers needs.
CONFIG_LIMIT = 1 << 26
CHUNK = 1 << 20


# --- writing -----------------------------------------------------------------------------


def model_entry(model: Any, include_optimizer: bool = True) -> dict[str, Any]:
    """Class, config, and what `compile` was given, as plain data."""
    entry = serialize_keras_object(model)
    shape = getattr(model, "_input_shapes", None)
    if shape is not None:
        entry["build_config"] = {"input_shape": shape}
    compiled = compile_config(model) if include_optimizer else None
    return entry if compiled is None else entry | {"compile_config": compiled}


def save(model: Any, path: Path, include_optimizer: bool = True) -> None:
    """Writes a model to a new file at `path`."""
    config = json.dumps(model_entry(model, include_optimizer))
    stamp = time.strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": KERAS_VERSION, "date_saved": stamp})
    # HDF5 goes back and forth in its file, so it is written apart and then taken in.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.") as scratch:
        inner = Path(scratch, WEIGHTS)
        with h5.writing(inner) as file:
            weights.write(model, file, include_optimizer)
        with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
            archive.writestr(METADATA, metadata)
            archive.writestr(CONFIG, config)
            info = zipfile.ZipInfo.from_file(inner, WEIGHTS)
            with open(inner, "rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target, CHUNK)


# --- reading -----------------------------------------------------------------------------


def load(
    path: Path, custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool
) -> Any:
    """The model in a file.

    Raises:
        FileError: the file is damaged, or holds what is not loaded from files.
    """
    with ExitStack() as stack:
        archive = stack.enter_context(_archive(path))
        entry = _json(archive, CONFIG, path)
        group = stack.enter_context(_weights(archive, path))
        stack.enter_context(CustomObjectScope(custom_objects))
        with building(path, group.count()):
            entry = lambdas.with_functions(entry, safe_mode, custom_objects)
            model = model_from_entry(entry)
        config = entry.get("compile_config") if compile else None
        if config:
            with building(path):
                compile_from_config(model, config)
        weights.read(model, group, with_optimizer=bool(config))
    return model


def load_weights(model: Any, path: Path, skip_mismatch: bool) -> None:
    """Sets the weights of a model from those in a `.keras` file."""
    with _archive(path) as archive:
        info = _member(archive, WEIGHTS, path)
        if info.compress_type == zipfile.ZIP_STORED:
            _check_sum(path, info)  # before anything changes
        with _weights(archive, path) as group:
            weights.read(model, group, skip_mismatch)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise h5.FileError(f"{path} is damaged, or not a .keras file: {error}") from error
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", errno.EINVAL) != errno.EINVAL:
            raise
        # A place outside of the file, or of any file.
        raise h5.FileError(f"{path} is damaged: {error}") from error


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> zipfile.ZipInfo:
    """The one member of a name. Others are never looked at."""
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        have = [info.filename for info in archive.infolist()][:5]
        raise h5.FileError(
            f"{path} is not a .keras file: it must have one member {name}, but has {len(found)}. "
            f"Its members: {have}."
        )
    info = found[0]
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise h5.FileError(f"{path}: {name} is encrypted, or packed in an unknown way.")
    packed = info.compress_type == zipfile.ZIP_DEFLATED
    if info.file_size > info.compress_size * (h5.EXPANSION if packed else 1):
        raise h5.FileError(
            f"{path}: {name} declares {info.file_size} bytes, which its {info.compress_size} "
            "bytes in the file cannot hold."
        )
    return info


def _json(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    info = _member(archive, name, path)
    if info.file_size > CONFIG_LIMIT:
        raise h5.FileError(f"{path}: {name} has {info.file_size} bytes, over {CONFIG_LIMIT}.")
    try:
        found = json.loads(archive.read(info))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise h5.FileError(f"{path}: {name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise h5.FileError(f"{path}: {name} must hold an object, not {type(found).__name__}.")
    return found


@contextmanager
def _weights(archive: zipfile.ZipFile, path: Path) -> Iterator[h5.Reader]:
    """The HDF5 file inside, read where it lies; if packed, unpacked to a file without a name."""
    info = _member(archive, WEIGHTS, path)
    with ExitStack() as stack:
        if info.compress_type == zipfile.ZIP_STORED:
            source: Any = stack.enter_context(_window(path, info))
            checker = stack.enter_context(ThreadPoolExecutor(1))
            check = checker.submit(_check_sum, path, info)
            # Runs beside the reading of the file; nothing else depends on it.
            stack.callback(check.result)
        else:
            source = stack.enter_context(tempfile.TemporaryFile())
            _unpack(archive, info, source, path)
        yield stack.enter_context(h5.reading(_Named(source, path)))


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: IO[bytes], path: Path) -> None:
    done = 0
    with archive.open(info) as member:
        while chunk := member.read(CHUNK):
            done += len(chunk)
            if done > info.file_size:
                raise h5.FileError(f"{path}: {info.filename} is longer than it says.")
            target.write(chunk)


def _check_sum(path: Path, info: zipfile.ZipInfo) -> None:
    total, buffer = 0, memoryview(bytearray(CHUNK))
    with _window(path, info) as source:
        while count := source.readinto(buffer):
            total = zlib.crc32(buffer[:count], total)
    if total != info.CRC:
        raise h5.FileError(f"{path} is damaged: the check sum of {info.filename} is wrong.")


_LOCAL_HEADER = struct.Struct("<4s22xHH")


@contextmanager
def _window(path: Path, info: zipfile.ZipInfo) -> Iterator[_Window]:
    with open(path, "rb", buffering=0) as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        signature, name, extra = _LOCAL_HEADER.unpack(header)
        start = info.header_offset + len(header) + name + extra
        if signature != b"PK\x03\x04" or start + info.file_size > os.path.getsize(path):
            raise h5.FileError(f"{path} is damaged: {info.filename} is not where it should be.")
        yield _Window(file, start, info.file_size)


class _Window(io.RawIOBase):
    """A part of a file as a file of its own, for reading."""

    def __init__(self, file: IO[bytes], start: int, size: int):
        self.file, self.start, self.size = file, start, size
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if not 0 <= self.at < self.size:
            return 0
        view = view[: self.size - self.at]
        self.file.seek(self.start + self.at)
        count = self.file.readinto(view)  # type: ignore[attr-defined]
        self.at += count
        return count


class _Named:
    """A file under the name of another, for messages."""

    def __init__(self, file: Any, path: Path):
        self.name = str(path)
        for method in ("read", "readinto", "seek", "tell", "write", "truncate", "flush"):
            setattr(self, method, getattr(file, method, None))
