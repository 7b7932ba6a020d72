"""Buffers: what the values of compiled programs live in."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray


class Arena:
    """Buffers that all Programs of an engine share, since only one of them runs at a time.

    A buffer lives as long as a Program that uses it.
    """

    def __init__(self) -> None:
        self._slabs: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()

    def pool(self) -> Pool:
        return Pool(self, list(self._slabs.values()))

    def add(self, size: int) -> Array:
        slab = np.empty(size, "uint8")
        self._slabs[id(slab)] = slab
        return slab


class Pool:
    """The buffers that are free at one point of a plan."""

    def __init__(self, arena: Arena, free: list[Array]):
        self.arena = arena
        self.free = free

    def take(self, size: int) -> Array:
        slab = _taken(self.free, size)
        return self.arena.add(max(size, 64)) if slab is None else slab

    def give(self, slab: Array) -> None:
        self.free.append(slab)


class Loan:
    """Buffers of a pool that something within a step keeps to itself, to be given back at once."""

    def __init__(self, pool: Pool | Loan):
        self.pool = pool
        self.lent: list[Array] = []
        self.free: list[Array] = []

    def take(self, size: int) -> Array:
        slab = _taken(self.free, size)
        if slab is None:
            slab = self.pool.take(size)
            self.lent.append(slab)
        return slab

    def give(self, slab: Array) -> None:
        self.free.append(slab)

    def release(self) -> None:
        """Gives all back."""
        for slab in self.lent:
            self.pool.give(slab)


def _taken(free: list[Array], size: int) -> Array | None:
    """The latest freed buffer that fits well, which may still be in the cache; None if none does.

    It is no longer among the free ones.
    """
    for i in range(len(free) - 1, -1, -1):
        if size <= free[i].size <= 2 * size + 4096:
            return free.pop(i)
    return None


@dataclass(eq=False)
class Memory:
    """What one or more values live in.

    Attributes:
        slab: the buffer, None for the memory of constants and variables.
        values: the live values in it: several where some are views of others.
        variable: the key of the variable whose array it is.
    """

    slab: Array | None = None
    values: set[int] = field(default_factory=set)
    variable: int | None = None


def shaped(slab: Array, shape: Any, dtype: np.dtype) -> Array:
    """The beginning of a buffer as an array."""
    return slab[: math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)
