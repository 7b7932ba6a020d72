"""Batches from a worker process to this one, through memory that both see.

A pipe, through which processes send each other what they return, costs this one twice the time
where batches are large. The memory is in no file system: however a process ends, none is left over.
Where there is no such memory, and for small batches, there is the pipe.
"""

from __future__ import annotations

import itertools
import mmap
import os
import pickle
from typing import Any, NamedTuple

# A pipe is as quick for fewer bytes.
_LEAST = 1 << 20
_ALIGNMENT = 64

_numbers = itertools.count()


class Address(NamedTuple):
    """Where a worker finds the memory.

    Attributes:
        path: of the open file that it is.
        name: what the file is called. Another one may be open under the path by then.
    """

    path: str
    name: str


class Place:
    """Memory for one batch.

    Attributes:
        address: of it, for the worker; None if there is none.
    """

    def __init__(self) -> None:
        self.address: Address | None = None
        self._file: int | None = None
        if hasattr(os, "memfd_create"):  # Linux
            name = f"kerasish-{os.getpid()}-{next(_numbers)}"
            self._file = os.memfd_create(name)
            path = f"/proc/{os.getpid()}/fd/{self._file}"
            self.address = Address(path, f"/memfd:{name} (deleted)")

    def batch(self, returned: Any) -> Any:
        """The batch, from what the worker returned. Its arrays keep the memory as they need it."""
        if not isinstance(returned, Handed):
            return returned
        assert self._file is not None
        memory = memoryview(mmap.mmap(self._file, 0))
        parts = [memory[start : start + size] for start, size in returned.places]
        return pickle.loads(returned.rest, buffers=parts)

    def close(self) -> None:
        """Gives the memory up, but for what arrays keep."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Handed(NamedTuple):
    """What a worker returns for a batch that it has put into memory.

    Attributes:
        rest: the batch, pickled without the numbers of its arrays.
        places: where these begin, and how many bytes they are.
    """

    rest: bytes
    places: list[tuple[int, int]]


def handed(batch: Any, address: Address | None) -> Any:
    """What a worker returns for a batch: `Handed`, or the batch itself."""
    if address is None:
        return batch
    arrays: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(batch, protocol=5, buffer_callback=arrays.append)
    parts = [array.raw() for array in arrays]
    if sum(part.nbytes for part in parts) < _LEAST:
        return batch
    places = []
    try:
        with open(address.path, "r+b") as file:
            if os.readlink(f"/proc/self/fd/{file.fileno()}") != address.name:
                return batch  # nobody waits for it any more
            for part in parts:
                start = file.seek(-(-file.tell() // _ALIGNMENT) * _ALIGNMENT)
                places.append((start, part.nbytes))
                file.write(part)
    except OSError:  # a system that hides the files of other processes
        return batch
    return Handed(rest, places)
