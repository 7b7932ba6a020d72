"""A part of a file as a file of its own."""

from __future__ import annotations

import io
import os
from typing import Any

# How much is read at once, and how often that is kept, where small pieces are asked for.
_BLOCK, _MOST_BLOCKS = 1 << 14, 64


class Window(io.RawIOBase):
    """A part of a file as a file of its own.

    Args:
        file: opened in binary mode, without a buffer.
        start: where the part begins.
        size: how long it is; writing makes it longer.
        name: for messages.
    """

    def __init__(self, file: Any, start: int, size: int, name: str):
        self.file, self.start, self.size, self.name = file, start, size, name
        self.at = 0
        # Why writing failed, which h5py may lose on the way.
        self.failure: OSError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return bool(self.file.writable())

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
        count = self.file.readinto(view)
        self.at += count
        return int(count)

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        done = len(rest)
        self.file.seek(self.start + self.at)
        while rest:  # Linux writes at most 2 GiB at once
            try:
                rest = rest[self.file.write(rest) :]
            except OSError as error:
                self.failure = error
                raise
        self.at += done
        self.size = max(self.size, self.at)
        return done

    def truncate(self, size: int | None = None) -> int:
        self.size = self.at if size is None else size
        self.file.truncate(self.start + self.size)
        return self.size


class Reading(Window):
    """A part of a file that does not change, read in blocks where small pieces are asked for.

    HDF5 asks for many, and with each call of the system Python lets other threads go first.
    """

    def __init__(self, file: Any, start: int, size: int, name: str):
        super().__init__(file, start, size, name)
        self.blocks: dict[int, memoryview] = {}

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        number, at = divmod(self.at, _BLOCK)
        if self.at < 0 or at + len(view) > _BLOCK:
            return super().readinto(view)
        found = self._block(number)[at : at + len(view)]
        view[: len(found)] = found
        self.at += len(found)
        return len(found)

    def _block(self, number: int) -> memoryview:
        if number not in self.blocks:
            if len(self.blocks) == _MOST_BLOCKS:
                self.blocks.clear()
            start = number * _BLOCK
            self.file.seek(self.start + start)
            length = max(0, min(_BLOCK, self.size - start))
            self.blocks[number] = memoryview(self.file.read(length))
        return self.blocks[number]
