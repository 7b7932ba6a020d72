"""A part of a file as a file of its own."""

from __future__ import annotations

import io
import os
from typing import Any


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
