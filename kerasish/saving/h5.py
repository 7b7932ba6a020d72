"""HDF5 files through h5py: what is read from them is checked first.

A file may come from anywhere. So only plain datasets of numbers are read, found through plain
links; nothing that leads to another file is followed; and what a file says of its sizes must fit
the bytes that it has before anything of that size is allocated.
"""

from __future__ import annotations

import functools
import math
import mmap
import os
import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from kerasish.graph import dtypes
from kerasish.saving.window import Window
from kerasish.utils.optional import needed

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# HDF5 keeps an attribute beside its object, where there is room for 64 KiB.
ATTRIBUTE_LIMIT = 64000
# The most that HDF5's own compression, deflate, can make of a byte.
EXPANSION = 1032
# How types of variable length begin: their class, and the version of the form.
_VARIABLE = (b"\x19", b"\x29", b"\x39")
# How a global heap collection begins.
_HEAP = b"GCOL\x01"
# How many groups may lie within each other.
_DEEPEST = 200
# Filters that are part of HDF5 or of h5py. Others would be looked for as plugins.
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 32000: "lzf"}


class FileError(ValueError):
    """A file is damaged, is not what it should be, or holds what is not read from files."""


def library() -> Any:
    """The h5py module.

    Raises:
        ImportError: it is not installed.
    """
    return needed("h5py", "A file of models or weights", "h5py")


def is_hdf5(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins like HDF5."""
    with open(path, "rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


# --- reading -----------------------------------------------------------------------------


@contextmanager
def reading(source: Any) -> Iterator[Reader]:
    """An HDF5 file, opened for reading: a path, or an open file.

    Raises:
        FileError: it is damaged; also for what goes wrong inside of the block because of that.
    """
    h5py = library()
    name = source.name if hasattr(source, "read") else os.fspath(source)
    try:
        with h5py.File(source, "r", locking=False) as file:
            reader = Reader(h5py.h5g.open(file.id, b"/"), str(name))
            reader.datasets()  # so that nobody walks through it who does not come to an end
            yield reader
    except FileError:
        raise
    except OSError as error:
        if error.errno is not None and not isinstance(error, BlockingIOError):
            raise  # not there, not readable ...
        raise FileError(f"{name} is damaged, or not an HDF5 file: {error}") from error
    except Exception as error:  # of any kind, for damaged structures
        if not _from_h5py(error):
            raise
        raise FileError(f"{name} is damaged: {error}") from error


def _from_h5py(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if "h5py" in trace.tb_frame.f_code.co_filename.replace(os.sep, "/").split("/"):
            return True
        trace = trace.tb_next
    return False


class Reader:
    """A group of an HDF5 file: sub-groups, arrays and attributes, each checked when asked for.

    Args:
        group: h5py's id of it. What h5py does with ids takes a fraction of what it takes else.
        name: of the file, for messages.
        place: of the group in the file, for messages.
    """

    def __init__(self, group: Any, name: str, place: str = ""):
        self.id = group
        self.file_name = name
        self.place = place
        self._names: dict[str, None] | None = None
        self._found: dict[str, Any] = {}
        self._addresses: dict[str, int] = {}
        self._datasets: list[Any] | None = None

    def _problem(self, what: str, name: str) -> FileError:
        return FileError(f"{self.file_name}: {what} {self.place}/{name}.")

    def top(self) -> Reader:
        """The whole file."""
        return Reader(library().h5g.open(self.id, b"/"), self.file_name)

    def names(self) -> Collection[str]:
        """What the group holds."""
        if self._names is None:
            found = (name.decode(errors="surrogateescape") for name in self.id)
            self._names = dict.fromkeys(found)
        return self._names

    def _item(self, name: str) -> Any:
        """The Reader or the dataset (its id) at a path below this group, None if there is none."""
        item: Any = self
        for part in str(name).strip("/").split("/"):
            if part in ("", ".", "..") or not isinstance(item, Reader):
                return None
            if part not in item._found:
                item._found[part] = item._opened(part)
            item = item._found[part]
        return item

    def _opened(self, name: str) -> Any:
        h5py, key = library(), name.encode(errors="surrogateescape")
        if name not in self.names():
            return None
        link = self.id.links.get_info(key)
        if link.type != h5py.h5l.TYPE_HARD:
            raise self._problem("a link to elsewhere is not followed:", name)
        self._addresses[name] = link.u
        item = h5py.h5o.open(self.id, key)
        if isinstance(item, h5py.h5g.GroupID):
            return Reader(item, self.file_name, f"{self.place}/{name}")
        if not isinstance(item, h5py.h5d.DatasetID):
            return None
        self._check(item, name)
        return item

    def _dataset(self, name: str) -> Any:
        item = self._item(name)
        return None if isinstance(item, Reader) else item

    def find(self, name: str) -> Reader | None:
        """The group at a path, None if there is none."""
        item = self._item(name)
        return item if isinstance(item, Reader) else None

    def array(self, name: str) -> np.ndarray | None:
        """The numbers at a path, None if there are none.

        Raises:
            FileError: they are not plain numbers in the file itself.
        """
        item = self._dataset(name)
        return None if item is None else _values(item)

    def planned(self, name: str, owner: str) -> Planned:
        """The numbers at a path, checked now and to be read later.

        Args:
            name: a path below this group.
            owner: what they are for, for the message.

        Raises:
            FileError: there are none, or they are not plain numbers in the file itself.
        """
        item = self._dataset(name)
        if item is None:
            raise FileError(f"{self.file_name}: there is no array {name} for {owner}.")
        return Planned(item.shape, functools.partial(_values, item))

    def _check(self, item: Any, name: str) -> None:
        """Refuses what is not plain numbers, or is larger than what the file has of it."""
        h5py, plist = library(), item.get_create_plist()
        layout = plist.get_layout()
        if layout == h5py.h5d.VIRTUAL or plist.get_external_count():
            raise self._problem("the numbers of another file are not read:", name)
        dtype = item.dtype
        empty = item.get_space().get_simple_extent_type() == h5py.h5s.NULL
        if empty or not (dtype.kind in "biuf" or _is_raw_bfloat16(dtype)):
            raise self._problem(f"expected numbers, but found {dtype} at", name)
        size = math.prod(item.shape) * dtype.itemsize
        filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
        if any(number not in FILTERS for number in filters):
            raise self._problem(f"an unknown compression ({filters}) of", name)
        packed = any(FILTERS[number] in ("deflate", "szip", "lzf") for number in filters)
        stored = item.get_storage_size()
        if layout == h5py.h5d.COMPACT:
            stored = max(stored, size if size <= 1 << 16 else 0)
        if size > stored * (EXPANSION if packed else 1):
            raise self._problem(
                f"the file declares {size} bytes, but has {stored} of them, at", name
            )

    def count(self) -> int:
        """How many numbers the datasets below hold together."""
        return sum(math.prod(item.shape) for item in self.datasets())

    def datasets(self) -> list[Any]:
        """All datasets below, each checked.

        Raises:
            FileError: two ways lead to one place, so that there may be no end of them; or one is
                very long.
        """
        if self._datasets is None:
            self._datasets = self._walked()
        return self._datasets

    def _walked(self) -> list[Any]:
        found, waiting = [], [(self, 1)]
        seen = {library().h5o.get_info(self.id).addr}
        while waiting:
            group, depth = waiting.pop()
            for name in group.names():
                item = group._item(name)
                if item is None:
                    continue
                address = group._addresses.get(name)  # None: of a sound file, no name has a slash
                if address is None or address in seen or depth > _DEEPEST:
                    raise group._problem("several ways, or a very long one, lead to", name)
                seen.add(address)
                if isinstance(item, Reader):
                    waiting.append((item, depth + 1))
                else:
                    found.append(item)
        return found

    def attribute(self, name: str) -> Any:
        """An attribute as a str, or as a list of str for an array of them; None if absent.

        Of a list, also the parts `name0`, `name1` ... that Keras makes of long ones.
        """
        if self._has(name):
            return self._attribute(name)
        parts: list[str] = []
        while self._has(f"{name}{len(parts)}") and len(parts) < 1 << 16:
            parts.append(f"{name}{len(parts)}")
        return [text for part in parts for text in self._attribute(part)] if parts else None

    def _has(self, name: str) -> bool:
        return bool(library().h5a.exists(self.id, name.encode()))

    def _attribute(self, name: str) -> Any:
        limit = 1 << 26
        h5py = library()
        found = h5py.h5a.open(self.id, name.encode())
        kind, count = found.get_type(), found.get_space().get_simple_extent_npoints()
        if count > 1 << 20 or count * kind.get_size() > limit:
            raise self._problem("too long an attribute", name)
        if not isinstance(kind, h5py.h5t.TypeStringID):
            if count:
                raise self._problem("expected text in the attribute", name)
            return []
        if kind.is_variable_str():
            if len(found.get_space().shape) > 1:
                raise self._problem("expected a list in the attribute", name)
            _check_text(self.file_name, name)
        value = h5py.Group(self.id).attrs[name]
        if isinstance(value, (str, bytes)):
            if len(value) > limit:
                raise self._problem("too long an attribute", name)
            return _text(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "SUO":
            return [_text(item) for item in value.ravel()]
        if isinstance(value, np.ndarray) and not value.size:
            return []
        return value


class Planned(NamedTuple):
    """Numbers in a file: their shape, and how to read them."""

    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]


def _values(item: Any) -> np.ndarray:
    """The numbers of a dataset, read straight to where they stay."""
    h5s, values = library().h5s, np.empty(item.shape, item.dtype)
    if values.size:
        item.read(h5s.ALL, h5s.ALL, values)
    return _decoded(values)


# --- texts of variable length ------------------------------------------------------------

# The HDF5 library believes what an attribute says of such a text, takes memory for that length,
# and walks through the "global heap collection" where it lies from object to object by their
# sizes, for ever if one says it has none. So both are looked at before it may read the text. The
# forms are those of the HDF5 file format, III.E (global heap) and IV.A.2.m (attribute message).


def _check_text(path: str, name: str) -> None:
    """Looks at each attribute message of a name in a file.

    Raises:
        FileError: one refers to what is not a text in the file, or there is none.
    """
    found = False
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for place in _places(content, name.encode() + b"\0"):
            references = _references(content, place, len(name) + 1)
            if references is not None:
                found = True
                if not all(_is_sound(content, at) for at in references):
                    raise FileError(f"{path} is damaged: the text of {name} is not in it.")
    if not found:
        raise FileError(f"{path} is damaged, or of another HDF5 format: no text of {name}.")


def _places(content: mmap.mmap, pattern: bytes) -> Iterator[int]:
    at = content.find(pattern)
    while at >= 0:
        yield at
        at = content.find(pattern, at + 1)


def _references(content: mmap.mmap, name: int, length: int) -> range | None:
    """Where the references of the attribute are whose name is at a place; None if it is no name."""
    for version, head, unit in ((1, name - 8, 8), (2, name - 8, 1), (3, name - 9, 1)):
        fields = content[max(0, head) : head + 8]
        sizes = struct.unpack("<HHH", fields[2:]) if len(fields) == 8 else ()
        if sizes and fields[0] == version and sizes[0] == length:
            kind, space, start = (
                name + sum(-(-size // unit) * unit for size in sizes[:n]) for n in (1, 2, 3)
            )
            if content[kind : kind + 1][:1] not in _VARIABLE:
                return range(0)
            # Of one dimension, or none.
            header = 8 if content[space : space + 1] == b"\1" else 4
            count = 1
            if content[space + 1 : space + 2] != b"\0":
                count = int.from_bytes(content[space + header : space + header + 8], "little")
            return range(start, start + 16 * count, 16)
    return None


def _is_sound(content: mmap.mmap, at: int) -> bool:
    """Whether a reference (length, address, number) is to an object of that length."""
    raw = content[at : at + 16]
    if len(raw) < 16:
        return False
    length, heap, number = struct.unpack("<IQI", raw)
    if length == 0:
        return True
    if heap + 16 > len(content) or content[heap : heap + 5] != _HEAP:
        return False
    end = heap + int.from_bytes(content[heap + 8 : heap + 16], "little")
    here, sizes = heap + 16, {}
    while end <= len(content) and here + 16 <= end:
        index, size = struct.unpack("<H6xQ", content[here : here + 16])
        if index == 0 and size < 16:
            return False
        sizes[index] = size
        here += 16 + -(-size // 8) * 8 if index else size
    return here <= end <= len(content) and number > 0 and length <= sizes.get(number, -1)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "strict")
    if not isinstance(value, str):
        raise FileError(f"expected text in an attribute, but found {value!r:.80}.")
    return value


def _is_raw_bfloat16(dtype: np.dtype) -> bool:
    """Keras 3 writes bfloat16, which HDF5 has not got, as two raw bytes and says so."""
    return dtype.kind == "V" and dtype.itemsize == 2


def _decoded(values: np.ndarray) -> np.ndarray:
    if _is_raw_bfloat16(values.dtype):
        return values.view(dtypes.numpy_dtype("bfloat16"))
    return values


# --- writing -----------------------------------------------------------------------------


@contextmanager
def writing(target: Any) -> Iterator[Any]:
    """A new HDF5 file of h5py's: in the place of what is at a path, or into an open file.

    Raises:
        OSError: as Python says it, since it is Python that writes: the disk is full ...
    """
    with ExitStack() as stack:
        if isinstance(target, (str, os.PathLike)):
            file = stack.enter_context(open(target, "w+b", buffering=0))
            target = Window(file, 0, 0, os.fspath(target))
        try:
            with library().File(target, "w") as opened:
                yield opened
        except Exception as error:
            failure = getattr(target, "failure", None)
            if failure is None or failure is error:
                raise
            raise failure from error


def put(group: Any, name: str, value: np.ndarray) -> None:
    """Writes an array at a path below a group."""
    if value.dtype.name == "bfloat16":
        item = group.create_dataset(name, data=value.view("V2"))
        item.attrs["dtype"] = "bfloat16"
    else:
        group.create_dataset(name, data=value)


def put_text(group: Any, name: str, text: str) -> None:
    """Writes a text as an attribute: of fixed length if it is not long; that is quick to check."""
    encoded = text.encode()
    group.attrs[name] = np.bytes_(encoded) if len(encoded) < ATTRIBUTE_LIMIT else encoded


def put_names(group: Any, name: str, texts: Sequence[str]) -> None:
    """Writes a list of str as an attribute, in parts `name0`, `name1` ... if it is too long."""
    encoded = [text.encode() for text in texts]
    longest = max(map(len, encoded), default=1)
    per_part = max(1, ATTRIBUTE_LIMIT // longest)
    if len(encoded) <= per_part:
        group.attrs[name] = np.array(encoded, dtype=f"S{longest}")
        return
    for part, start in enumerate(range(0, len(encoded), per_part)):
        group.attrs[f"{name}{part}"] = np.array(encoded[start : start + per_part])
