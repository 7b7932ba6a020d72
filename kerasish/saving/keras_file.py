"""`.keras` files: a zip of `metadata.json`, `config.json` and `model.weights.h5`."""

from __future__ import annotations

import errno
import json
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from kerasish.saving import generations, h5, lambdas, stored, weights
from kerasish.saving.building import building, model_from_entry
from kerasish.saving.hooks import overrides
from kerasish.saving.legacy_config import readable
from kerasish.saving.serialization import CustomObjectScope, serialize_keras_object
from kerasish.saving.window import Window

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
ASSETS = "assets"
# More than any config of layers needs.
CONFIG_LIMIT = 1 << 26
CHUNK = 1 << 20


# --- writing -----------------------------------------------------------------------------


def model_entry(model: Any, include_optimizer: bool = True) -> dict[str, Any]:
    """Class, config, and what `compile` was given, as plain data."""
    entry = serialize_keras_object(model)
    lambdas.warn_of_code(entry)
    shape = getattr(model, "_input_shapes", None)
    if overrides(model, "get_build_config"):
        entry["build_config"] = model.get_build_config()
    elif shape is not None:
        entry["build_config"] = {"input_shape": shape}
    compiled = model.get_compile_config() if include_optimizer else None
    return entry if compiled is None else entry | {"compile_config": compiled}


def save(model: Any, path: Path, include_optimizer: bool = True) -> None:
    """Writes a model to a new file at `path`."""
    config = json.dumps(model_entry(model, include_optimizer))
    stamp = time.strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": generations.NEW_VERSION, "date_saved": stamp})
    with open(path, "w+b", buffering=0) as target, zipfile.ZipFile(target, "w") as archive:
        archive.writestr(METADATA, metadata)
        archive.writestr(CONFIG, config)
        with stored.adding(archive, WEIGHTS) as window, h5.writing(window) as file:
            weights.write(model, file, include_optimizer)
        _add_assets(model, archive)


def _add_assets(model: Any, archive: zipfile.ZipFile) -> None:
    """What layers keep in files of their own, each in a folder."""
    owners = [
        (path, obj) for path, obj in weights.parts(model) if hasattr(type(obj), "save_assets")
    ]
    for path, obj in owners:
        with tempfile.TemporaryDirectory() as folder:
            obj.save_assets(folder)
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    archive.write(file, f"{ASSETS}/{path}/{file.relative_to(folder).as_posix()}")


# --- reading -----------------------------------------------------------------------------


def load(
    path: Path, custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool | None
) -> Any:
    """The model in a file.

    Raises:
        FileError: the file is damaged, or holds what is not loaded from files.
    """
    with opened(path) as content, CustomObjectScope(custom_objects):
        metadata, entry, group, archive = content
        with building(path, group.count()):
            entry = readable(entry, metadata.get("keras_version"))
            entry = lambdas.with_functions(entry, safe_mode, custom_objects)
            model = model_from_entry(entry)
        config = entry.get("compile_config") if compile else None
        with building(path, group.count(), compiling=True):
            if config:
                model.compile_from_config(config)
            weights.read(model, group, with_optimizer=bool(config))
        _load_assets(model, archive, path)
    return model


def load_weights(model: Any, path: Path, skip_mismatch: bool) -> None:
    """Sets the weights of a model from those in a `.keras` file."""
    with _archive(path) as archive, _weights(archive, path, check_first=True) as group:
        weights.read(model, group, skip_mismatch)


class Content(NamedTuple):
    """What is in a file."""

    metadata: dict[str, Any]
    config: dict[str, Any]
    weights: h5.Reader
    archive: zipfile.ZipFile


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """An open `.keras` file."""
    with _archive(path) as archive, _weights(archive, path) as group:
        yield Content(_json(archive, METADATA, path), _json(archive, CONFIG, path), group, archive)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise h5.FileError(
            f"{path} is damaged, or not a .keras or HDF5 (.h5) file: {error}"
        ) from error
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


def _load_assets(model: Any, archive: zipfile.ZipFile, path: Path) -> None:
    """Gives layers that ask for them the files that are theirs, in a folder of the time being."""
    if not any(name.startswith(f"{ASSETS}/") for name in archive.namelist()):
        return
    for place, obj in weights.parts(model):
        if not hasattr(type(obj), "load_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                if _unpack_assets(archive, f"{ASSETS}/{place}/", folder, path):
                    obj.load_assets(folder)
            except (OSError, UnicodeError) as error:
                if getattr(error, "errno", errno.ENOENT) not in _OF_NAMES:
                    raise
                raise h5.FileError(
                    f"{path}: the files in it for layer {obj.name} are not what it needs: {error}"
                ) from error


# What is wrong with the names of files, not with the disk: one is missing, is a folder too ...
_OF_NAMES = {errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG}


def _unpack_assets(archive: zipfile.ZipFile, start: str, folder: str, path: Path) -> int:
    """Writes the members whose names begin so into a folder; returns how many there are."""
    names = [name for name in archive.namelist() if name.startswith(start) and name[-1] != "/"]
    for name in names:
        parts = name.removeprefix(start).split("/")
        if {"", ".", ".."} & set(parts) or {"\\", ":", "\0"} & set(name):
            raise h5.FileError(f"{path}: {name!r} lies outside of its folder.")
        file = Path(folder, *parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "wb") as target:
            _unpack(archive, _member(archive, name, path), target, path)
    return len(names)


def _json(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    info = _member(archive, name, path)
    if info.file_size > CONFIG_LIMIT:
        raise h5.FileError(f"{path}: {name} has {info.file_size} bytes, over {CONFIG_LIMIT}.")
    try:
        found = json.loads(archive.read(info))
    except (ValueError, RecursionError) as error:  # also of numbers with too many digits
        raise h5.FileError(f"{path}: {name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise h5.FileError(f"{path}: {name} must hold an object, not {type(found).__name__}.")
    return found


@contextmanager
def _weights(
    archive: zipfile.ZipFile, path: Path, check_first: bool = False
) -> Iterator[h5.Reader]:
    """The HDF5 file inside, read where it lies; if packed, unpacked to a file without a name."""
    info = _member(archive, WEIGHTS, path)
    with ExitStack() as stack:
        if info.compress_type == zipfile.ZIP_STORED:
            source: Any = stack.enter_context(stored.checked(path, info, check_first))
        else:
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            _unpack(archive, info, file, path)
            source = Window(file, 0, info.file_size, str(path))
        yield stack.enter_context(h5.reading(source))


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: IO[bytes], path: Path) -> None:
    done = 0
    with archive.open(info) as member:
        while chunk := member.read(CHUNK):
            done += len(chunk)
            if done > info.file_size:
                raise h5.FileError(f"{path}: {info.filename} is longer than it says.")
            target.write(chunk)
