"""Hash functions of byte strings, of which Keras's numbers are made.

Sources: FarmHash (`Fingerprint64`), https://github.com/google/farmhash; SipHash: Aumasson and
Bernstein, 2012, https://doi.org/10.1007/978-3-642-34931-7_28
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

_M = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_CROSS = 0xC6A4A7935BD1E995
_CROSS_KEY = 0xDECAFCAFFE


def _rotated(x: int, by: int) -> int:
    """To the right."""
    return ((x >> by) | (x << (64 - by))) & _M if by else x


def _mixed(x: int) -> int:
    return x ^ (x >> 47)


def _word(data: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _pair(u: int, v: int, factor: int) -> int:
    """16 bytes to 8."""
    a = _mixed((u ^ v) * factor & _M)
    b = _mixed((v ^ a) * factor & _M)
    return b * factor & _M


# --- FarmHash ----------------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def fingerprint(data: bytes) -> int:
    """FarmHash's Fingerprint64.

    >>> fingerprint(b"") == 0x9AE16A3B2F90404F
    True
    """
    size = len(data)
    if size <= 16:
        return _up_to_16(data, size)
    if size <= 32:
        return _up_to_32(data, size)
    if size <= 64:
        return _up_to_64(data, size)
    return _long(data, size)


def _up_to_16(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    if size >= 8:
        a = (_word(data, 0) + _K2) & _M
        b = _word(data, size - 8)
        c = (_rotated(b, 37) * factor + a) & _M
        d = ((_rotated(a, 25) + b) * factor) & _M
        return _pair(c, d, factor)
    if size >= 4:
        return _pair(size + (_word(data, 0, 4) << 3), _word(data, size - 4, 4), factor)
    if size > 0:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[size - 1] << 2)
        return _mixed((y * _K2 ^ z * _K0) & _M) * _K2 & _M
    return _K2


def _up_to_32(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a, b = _word(data, 0) * _K1 & _M, _word(data, 8)
    c, d = _word(data, size - 8) * factor & _M, _word(data, size - 16) * _K2 & _M
    return _pair(
        (_rotated((a + b) & _M, 43) + _rotated(c, 30) + d) & _M,
        (a + _rotated((b + _K2) & _M, 18) + c) & _M,
        factor,
    )


def _up_to_64(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a, b = _word(data, 0) * _K2 & _M, _word(data, 8)
    c, d = _word(data, size - 8) * factor & _M, _word(data, size - 16) * _K2 & _M
    y = (_rotated((a + b) & _M, 43) + _rotated(c, 30) + d) & _M
    z = _pair(y, (a + _rotated((b + _K2) & _M, 18) + c) & _M, factor)
    e, f = _word(data, 16) * factor & _M, _word(data, 24)
    g = (y + _word(data, size - 32)) * factor & _M
    h = (z + _word(data, size - 24)) * factor & _M
    return _pair(
        (_rotated((e + f) & _M, 43) + _rotated(g, 30) + h) & _M,
        (e + _rotated((f + a) & _M, 18) + g) & _M,
        factor,
    )


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """32 bytes and two seeds to 16 bytes."""
    w, x, y, z = (_word(data, at + 8 * i) for i in range(4))
    a = (a + w) & _M
    b = _rotated((b + a + z) & _M, 21)
    start = a
    a = (a + x + y) & _M
    b = (b + _rotated(a, 44)) & _M
    return (a + z) & _M, (b + start) & _M


def _long(data: bytes, size: int) -> int:
    x = 81
    y = (81 * _K1 + 113) & _M
    z = _mixed((y * _K2 + 113) & _M) * _K2 & _M
    v = w = (0, 0)
    x = (x * _K2 + _word(data, 0)) & _M
    last = (size - 1) // 64 * 64
    for at in range(0, last, 64):
        x, y, z, v, w = _block(data, at, x, y, z, v, w, _K1, (1, 1))
    factor = (_K1 + ((z & 0xFF) << 1)) & _M
    # The last 64 bytes, which may overlap with those before.
    w = ((w[0] + ((size - 1) & 63)) & _M, w[1])
    v = ((v[0] + w[0]) & _M, v[1])
    w = ((w[0] + v[0]) & _M, w[1])
    x, y, z, v, w = _block(data, size - 64, x, y, z, v, w, factor, (9, 9))
    return _pair(
        (_pair(v[0], w[0], factor) + _mixed(y) * _K0 + z) & _M,
        (_pair(v[1], w[1], factor) + x) & _M,
        factor,
    )


def _block(
    data: bytes,
    at: int,
    x: int,
    y: int,
    z: int,
    v: tuple[int, int],
    w: tuple[int, int],
    factor: int,
    shares: tuple[int, int],
) -> tuple[int, int, int, tuple[int, int], tuple[int, int]]:
    """64 bytes into the state of 56. `shares`: how much of w[1] and v[0] goes into x and y."""
    x = _rotated((x + y + v[0] + _word(data, at + 8)) & _M, 37) * factor & _M
    y = _rotated((y + v[1] + _word(data, at + 48)) & _M, 42) * factor & _M
    x ^= w[1] * shares[0] & _M
    y = (y + v[0] * shares[1] + _word(data, at + 40)) & _M
    z = _rotated((z + w[0]) & _M, 33) * factor & _M
    v = _weak(data, at, v[1] * factor & _M, (x + w[0]) & _M)
    w = _weak(data, at + 32, (z + w[1]) & _M, (y + _word(data, at + 16)) & _M)
    return z, y, x, v, w


# --- SipHash -----------------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def keyed(data: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 with a key of two 64-bit numbers."""
    k0, k1 = key[0] & _M, key[1] & _M
    state = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    whole = len(data) // 8 * 8
    words = [_word(data, at) for at in range(0, whole, 8)]
    words.append(_word(data, whole) | (len(data) & 0xFF) << 56)
    for word in words:
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = (a + b) & _M
        c = (c + d) & _M
        b, d = _rotated(b, 51) ^ a, _rotated(d, 48) ^ c
        a = _rotated(a, 32)
        a = (a + d) & _M
        c = (c + b) & _M
        d, b = _rotated(d, 43) ^ a, _rotated(b, 47) ^ c
        c = _rotated(c, 32)
    state[:] = a, b, c, d


# --- arrays ------------------------------------------------------------------------------


def buckets(values: np.ndarray, count: int, key: tuple[int, int] | None = None) -> np.ndarray:
    """A number below `count` for each string or whole number, whose digits are hashed then.

    >>> buckets(np.array(["a", "b"]), 1)
    array([0, 0])
    """
    hashed = (
        keyed(item, key) % count if key is not None else fingerprint(item) % count
        for item in _as_bytes(values)
    )
    return np.fromiter(hashed, "int64", values.size).reshape(values.shape)


def crossed(columns: list[np.ndarray], count: int) -> np.ndarray:
    """A number below `count` for the values at the same place of several arrays."""
    hashes = [_cross_hashes(column) for column in columns]
    results = []
    for row in zip(*hashes, strict=True):
        result = _CROSS_KEY
        for item in row:
            result ^= _CROSS
            result ^= _mixed(item * _CROSS & _M) * _CROSS & _M
            result = _mixed(result * _CROSS & _M) * _CROSS & _M
            result = _mixed(result)
        results.append(result % count)
    return np.array(results, "int64").reshape(columns[0].shape)


def _cross_hashes(values: np.ndarray) -> list[int]:
    if values.dtype.kind in "iub":
        return [int(value) & _M for value in values.ravel()]
    return [fingerprint(item) for item in _as_bytes(values)]


def _as_bytes(values: np.ndarray) -> Iterable[bytes]:
    for item in values.ravel().tolist():
        yield item if isinstance(item, bytes) else str(item).encode()
