"""Members of a zip that are stored as they are: written, read and checked where they lie."""

from __future__ import annotations

import functools
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.saving.h5 import FileError
from kerasish.saving.window import Window

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
    with open(path, "rb", buffering=0) as file, ThreadPoolExecutor(_MOST_THREADS) as pool:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        signature, name, extra = _LOCAL_HEADER.unpack(header)
        start = info.header_offset + len(header) + name + extra
        if signature != b"PK\x03\x04" or start + info.file_size > os.path.getsize(path):
            raise FileError(f"{path} is damaged: {info.filename} is not where it should be.")
        window = _Summing(file, start, info.file_size, str(path), pool)
        try:
            if not first or window.sum() == info.CRC:
                yield window
        finally:
            if window.sum() != info.CRC:
                raise FileError(f"{path} is damaged: the check sum of {info.filename} is wrong.")


class _Summing(Window):
    """Sums up large stretches while they are read, and the rest at the end."""

    def __init__(self, file: Any, start: int, size: int, name: str, pool: Executor):
        super().__init__(file, start, size, name)
        self.pool = pool
        # Where each stretch begins, how long it is, and its sum.
        self.found: list[tuple[int, int, int]] = []
        self.total: int | None = None

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self.total is not None or self.at < 0 or not _LARGE <= len(view) <= self.size - self.at:
            return super().readinto(view)
        place = self.start + self.at
        total = check_sum(self.name, place, len(view), view, self.pool)
        self.found.append((self.at, len(view), total))
        self.at += len(view)
        return len(view)

    def sum(self) -> int:
        """Of the whole part; nothing is summed on the way any more."""
        if self.total is None:
            at = total = 0
            for start, size, found in [*sorted(self.found), (self.size, 0, 0)]:
                if start < at:
                    continue  # read twice
                between = check_sum(self.name, self.start + at, start - at, pool=self.pool)
                total = _appended(_appended(total, between, start - at), found, size)
                at = start + size
            self.total = total
        return self.total


# --- check sums --------------------------------------------------------------------------
# zlib sums up one stretch in one thread. Sums of stretches that follow each other can be put
# together: appending n bytes multiplies a sum, seen as a polynomial, by x to the 8 n.

_POLYNOMIAL = 0xEDB88320  # of zip's sum, the highest power in the lowest bit
_ONE, _X = 1 << 31, 1 << 30
_ALL = (1 << 32) - 1


def check_sum(
    path: str | Path,
    start: int,
    size: int,
    into: memoryview | None = None,
    pool: Executor | None = None,
) -> int:
    """The CRC-32 of a part of a file, computed by several threads.

    Args:
        path: of the file.
        start: where the part begins.
        size: how long it is.
        into: as long as the part, and filled with it.
        pool: the threads, if there are some already.

    Raises:
        FileError: the file ends before.
    """
    threads = max(1, min(_MOST_THREADS, os.cpu_count() or 1, size // _SPAN))
    if threads == 1:
        return _sum_of_span(path, start, size, into)
    span = -(-size // threads)
    spans = [(at, min(span, size - at)) for at in range(0, size, span)]
    with nullcontext(pool) if pool else ThreadPoolExecutor(threads) as workers:
        sums = [
            workers.submit(_sum_of_span, path, start + at, length, into and into[at : at + length])
            for at, length in spans
        ]
        total = 0
        for found, (_, length) in zip(sums, spans, strict=True):
            total = _appended(total, found.result(), length)
    return total


def _sum_of_span(path: str | Path, start: int, size: int, into: memoryview | None) -> int:
    scratch = np.zeros(_WIDTH, "uint8")
    target = None if into is None else np.frombuffer(into, "uint8")
    found = _Sum()
    done = size % _WIDTH
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        _fill(file, scratch[_WIDTH - done :])
        if target is not None:
            target[:done] = scratch[_WIDTH - done :]
        found.add(scratch)
        while done < size:
            block = scratch if target is None else target[done : done + _WIDTH]
            _fill(file, block)
            found.add(block)
            done += _WIDTH
    return found.after(size)


def _fill(file: Any, block: np.ndarray) -> None:
    if len(block) and file.readinto(block) < len(block):
        raise FileError(f"{file.name} is damaged: it ends too early.")


# 1 + x^a + x^n is the shortest multiple of the polynomial that has three terms; its square, which
# has the same form, is one too, and so are all powers of two. Modulo such a multiple a byte is as
# good as the same byte n / 8 places and (n - a) / 8 places further on. So all bytes can be moved to
# the last places of a stretch, which zlib then sums. NumPy moves faster than zlib sums.
_TERMS = (41678, 91639)
# Terms and blocks for the power of 16, in bytes: small enough for a processor's cache.
_MIDDLE, _WIDTH = (2 * term for term in _TERMS)


class _Sum:
    """The CRC-32 of blocks of _WIDTH bytes; zeros before the first other byte do not count."""

    def __init__(self) -> None:
        self.total, self.spare = np.zeros(_WIDTH, "uint8"), np.empty(_WIDTH, "uint8")

    def add(self, block: np.ndarray) -> None:
        old, new = self.total, self.spare
        np.bitwise_xor(block, old, out=new)
        new[: _WIDTH - _MIDDLE] ^= old[_MIDDLE:]
        new[_WIDTH - _MIDDLE :] ^= new[:_MIDDLE]
        self.total, self.spare = new, old

    def after(self, size: int) -> int:
        """The sum of the last `size` bytes."""
        rest = self.total.copy()
        rest[_WIDTH - _MIDDLE :] ^= rest[:_MIDDLE]  # those of the last block stay where they are
        return zlib.crc32(rest) ^ _sum_of_zeros(_WIDTH) ^ _sum_of_zeros(size)


def _sum_of_zeros(size: int) -> int:
    return _appended(_ALL, _ALL, size)


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
