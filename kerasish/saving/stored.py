"""Members of a zip that are stored as they are: written, read and checked where they lie."""

from __future__ import annotations

import functools
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kerasish.saving.h5 import FileError
from kerasish.saving.window import Window

# Small enough to stay in a processor's cache between the reading and the summing.
_CHUNK = 1 << 18
# A thread for less than this would not pay.
_SPAN = 1 << 22
_MOST_THREADS = 4
# To remember the sums of less than this would not pay.
_LARGE = 1 << 20


# --- writing -----------------------------------------------------------------------------


@contextmanager
def adding(archive: zipfile.ZipFile, name: str) -> Iterator[Window]:
    """A new member at the end of an archive, to be written in any order.

    Args:
        archive: a new one, with members already, made from a file opened without a buffer.
        name: of the member.
    """
    file: Any = archive.fp
    info = zipfile.ZipInfo(name, time.localtime()[:6])
    info.header_offset, info.CRC, info.compress_size = archive.start_dir, 0, 0
    # With room for sizes of 64 bits, which aren't known yet.
    start = info.header_offset + len(info.FileHeader(zip64=True))
    window = Window(file, start, 0, str(archive.filename or name))
    yield window
    info.file_size = info.compress_size = window.size
    with ThreadPoolExecutor(1) as pool:  # the disk and the processor at once
        written = pool.submit(os.fsync, file.fileno())
        info.CRC = check_sum(file.name, start, window.size)
        written.result()
    file.seek(info.header_offset)
    file.write(info.FileHeader(zip64=True))
    archive.filelist.append(info)
    archive.NameToInfo[name] = info
    archive.start_dir = start + window.size
    file.seek(archive.start_dir)


# --- reading -----------------------------------------------------------------------------

_LOCAL_HEADER = struct.Struct("<4s22xHH")


@contextmanager
def checked(path: Path, info: zipfile.ZipInfo, first: bool) -> Iterator[Window]:
    """A stored member, for reading, with a check of its sum: before the block, or on the way.

    Raises:
        FileError: it does not lie where the archive says; or the sum is wrong, which shows at
            the end of the block if not `first`.
    """
    with open(path, "rb", buffering=0) as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        signature, name, extra = _LOCAL_HEADER.unpack(header)
        start = info.header_offset + len(header) + name + extra
        if signature != b"PK\x03\x04" or start + info.file_size > os.path.getsize(path):
            raise FileError(f"{path} is damaged: {info.filename} is not where it should be.")
        window = _Summing(file, start, info.file_size, str(path))
        try:
            if not first or window.sum() == info.CRC:
                yield window
        finally:
            if window.sum() != info.CRC:
                raise FileError(f"{path} is damaged: the check sum of {info.filename} is wrong.")


class _Summing(Window):
    """Sums up large stretches while they are read, and the rest at the end."""

    def __init__(self, file: Any, start: int, size: int, name: str):
        super().__init__(file, start, size, name)
        # Where each stretch begins, how long it is, and its sum.
        self.found: list[tuple[int, int, int]] = []
        self.total: int | None = None

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self.total is not None or self.at < 0 or not _LARGE <= len(view) <= self.size - self.at:
            return super().readinto(view)
        place = self.start + self.at
        self.found.append((self.at, len(view), check_sum(self.name, place, len(view), view)))
        self.at += len(view)
        return len(view)

    def sum(self) -> int:
        """Of the whole part; nothing is summed on the way any more."""
        if self.total is None:
            at = total = 0
            for start, size, found in [*sorted(self.found), (self.size, 0, 0)]:
                if start < at:
                    continue  # read twice
                between = check_sum(self.name, self.start + at, start - at)
                total = _appended(_appended(total, between, start - at), found, size)
                at = start + size
            self.total = total
        return self.total


# --- check sums --------------------------------------------------------------------------
# zlib sums up one stretch in one thread. Sums of stretches that follow each other can be put
# together: appending n bytes multiplies a sum, seen as a polynomial, by x to the 8 n.

_POLYNOMIAL = 0xEDB88320  # of zip's sum, the highest power in the lowest bit
_ONE, _X = 1 << 31, 1 << 30


def check_sum(path: str | Path, start: int, size: int, into: memoryview | None = None) -> int:
    """The CRC-32 of a part of a file, computed by several threads.

    Args:
        path: of the file.
        start: where the part begins.
        size: how long it is; less if the file ends before.
        into: as long as the part, and filled with it.
    """
    threads = max(1, min(_MOST_THREADS, os.cpu_count() or 1, size // _SPAN))
    if threads == 1:
        return _sum_of_span(path, start, size, into)
    span = -(-size // threads)
    spans = [(at, min(span, size - at)) for at in range(0, size, span)]
    with ThreadPoolExecutor(threads) as pool:
        sums = [
            pool.submit(_sum_of_span, path, start + at, length, into and into[at : at + length])
            for at, length in spans
        ]
    total = 0
    for found, (_, length) in zip(sums, spans, strict=True):
        total = _appended(total, found.result(), length)
    return total


def _sum_of_span(path: str | Path, start: int, size: int, into: memoryview | None) -> int:
    total = done = 0
    scratch = memoryview(bytearray(0 if into else min(_CHUNK, size)))
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        while done < size:
            chunk = into[done : done + _CHUNK] if into else scratch[: size - done]
            count = file.readinto(chunk)
            if not count:
                break
            total = zlib.crc32(chunk[:count], total)
            done += count
    return total


def _appended(total: int, found: int, length: int) -> int:
    """The sum of two stretches, of which the second has a length."""
    return _times(_power_of_x(8 * length), total) ^ found


def _times(a: int, b: int) -> int:
    """The product of two polynomials modulo that of the sum."""
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product


@functools.lru_cache(1 << 10)
def _power_of_x(n: int) -> int:
    result = _ONE
    for bit in range(n.bit_length()):
        if n >> bit & 1:
            result = _times(result, _power_of_two_of_x(bit))
    return result


@functools.lru_cache(None)
def _power_of_two_of_x(n: int) -> int:
    """x to the power 2 ** n."""
    return _times(_power_of_two_of_x(n - 1), _power_of_two_of_x(n - 1)) if n else _X
