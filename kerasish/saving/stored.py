"""Members of a zip that are stored as they are: written, read and checked where they lie."""

from __future__ import annotations

import functools
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.saving.h5 import FileError
from kerasish.saving.window import Reading, Window

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

# Reads of less than this take too little time for another thread to begin.
_LARGE = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")


@contextmanager
def checked(path: Path, info: zipfile.ZipInfo, first: bool) -> Iterator[Reading]:
    """A stored member, for reading, with a check of its sum: before the block, or meanwhile.

    Raises:
        FileError: it does not lie where the archive says; or the sum is wrong, which shows at
            the end of the block if not `first`.
    """
    with open(path, "rb", buffering=0) as file, ThreadPoolExecutor(1) as pool:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        signature, name, extra = _LOCAL_HEADER.unpack(header)
        start = info.header_offset + len(header) + name + extra
        if signature != b"PK\x03\x04" or start + info.file_size > os.path.getsize(path):
            raise FileError(f"{path} is damaged: {info.filename} is not where it should be.")
        window = _Summed(file, start, info.file_size, str(path), pool)
        try:
            if not first or window.sum() == info.CRC:
                yield window
        finally:
            if window.sum() != info.CRC:
                raise FileError(f"{path} is damaged: the check sum of {info.filename} is wrong.")


class _Summed(Reading):
    """Is summed up by another thread from the first large read on, which leaves it time."""

    def __init__(self, file: Any, start: int, size: int, name: str, pool: Executor):
        super().__init__(file, start, size, name)
        self.pool = pool
        self.total: Future[int] | None = None

    def readinto(self, buffer: Any) -> int:
        if memoryview(buffer).nbytes >= _LARGE:
            self._start()
        return super().readinto(buffer)

    def _start(self) -> Future[int]:
        if self.total is None:
            self.total = self.pool.submit(check_sum, self.name, self.start, self.size)
        return self.total

    def sum(self) -> int:
        """Of the whole part."""
        return self._start().result()


# --- check sums --------------------------------------------------------------------------
# In one thread: several would wait for each other more than they gain, since each step is short.

_POLYNOMIAL = 0xEDB88320  # of zip's sum, the highest power in the lowest bit
_ONE, _X = 1 << 31, 1 << 30
_ALL = (1 << 32) - 1


def check_sum(path: str | Path, start: int, size: int) -> int:
    """The CRC-32 of a part of a file.

    Args:
        path: of the file.
        start: where the part begins.
        size: how long it is.

    Raises:
        FileError: the file ends before.
    """
    block = np.zeros(_WIDTH, "uint8")
    found = _Sum()
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        rest = size % _WIDTH
        _fill(file, block[_WIDTH - rest :])
        found.add(block)
        for _ in range(size // _WIDTH):
            _fill(file, block)
            found.add(block)
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
    # Appending n bytes multiplies a sum, seen as a polynomial, by x to the 8 n.
    return _times(_power_of_x(8 * size), _ALL) ^ _ALL


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
