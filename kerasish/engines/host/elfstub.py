"""Write a shared library whose functions do nothing: what CNTK links to but never needs.

CNTK's Linux wheels are linked to MPI, for training on many machines.  Few have that old MPI
library, and CNTK asks nothing of it but that its names exist.  No compiler is needed to give it
these: this file writes a minimal x86-64 ELF library by hand.

Layout: [headers, hash table, symbols, strings, code] readable and executable; then, on a page of
its own, [dynamic section, data] readable and writable.  Source: System V ABI, chapters 4 and 5,
and its AMD64 supplement.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

FAIL = 16  # MPI_ERR_OTHER: every call says that it failed, so nobody relies on it
DATA_SIZE = 1024  # zeroed bytes behind each data symbol
FILE_HEADER, SEGMENT_HEADER, SYMBOL, PAGE = 64, 56, 24, 4096
FUNCTION, OBJECT = 2, 1  # symbol types
LOAD, DYNAMIC, STACK = 1, 2, 0x6474E551  # segment types
READ_EXECUTE, READ_WRITE = 5, 6  # segment flags
# Tags of the dynamic section.
END, HASH, STRINGS, SYMBOLS, STRINGS_SIZE, SYMBOL_SIZE, SONAME = 0, 4, 5, 6, 10, 11, 14


def write_library(
    path: Path, soname: str, functions: Sequence[str], data: Sequence[str] = ()
) -> None:
    """Write the library `soname` to `path`: functions that return FAIL, and zeroed data."""
    Path(path).write_bytes(library(soname, functions, data))


def library(soname: str, functions: Sequence[str], data: Sequence[str] = ()) -> bytes:
    """The library's bytes."""
    names = [*functions, *data]
    strings = b"\0" + b"".join(n.encode() + b"\0" for n in [soname, *names])
    string_at = {n: strings.index(b"\0" + n.encode() + b"\0") + 1 for n in [soname, *names]}
    code = (b"\xb8" + struct.pack("<i", FAIL) + b"\xc3").ljust(16, b"\x90")  # mov eax, FAIL; ret
    table = _hash_table(names)

    hash_at = FILE_HEADER + 4 * SEGMENT_HEADER
    symbols_at = _align(hash_at + len(table), 8)
    strings_at = symbols_at + SYMBOL * (len(names) + 1)
    code_at = _align(strings_at + len(strings), 16)
    code_end = code_at + len(code) * len(functions)
    dynamic_at = _align(code_end, PAGE)

    dynamic = b"".join(
        struct.pack("<QQ", tag, value)
        for tag, value in [
            (SONAME, string_at[soname]),
            (HASH, hash_at),
            (STRINGS, strings_at),
            (SYMBOLS, symbols_at),
            (STRINGS_SIZE, len(strings)),
            (SYMBOL_SIZE, SYMBOL),
            (END, 0),
        ]
    )
    data_at = dynamic_at + len(dynamic)
    symbols = b"\0" * SYMBOL + b"".join(
        [_symbol(string_at[n], FUNCTION, code_at + 16 * i, 16) for i, n in enumerate(functions)]
        + [
            _symbol(string_at[n], OBJECT, data_at + DATA_SIZE * i, DATA_SIZE)
            for i, n in enumerate(data)
        ]
    )
    writable = len(dynamic) + DATA_SIZE * len(data)
    segments = b"".join(
        [
            _segment(LOAD, READ_EXECUTE, 0, code_end, code_end, PAGE),
            _segment(LOAD, READ_WRITE, dynamic_at, len(dynamic), writable, PAGE),
            _segment(DYNAMIC, READ_WRITE, dynamic_at, len(dynamic), len(dynamic), 8),
            _segment(STACK, READ_WRITE, 0, 0, 0, 16),
        ]
    )

    image = bytearray(data_at)
    for at, part in [
        (0, _file_header() + segments),
        (hash_at, table),
        (symbols_at, symbols),
        (strings_at, strings),
        (code_at, code * len(functions)),
        (dynamic_at, dynamic),
    ]:
        image[at : at + len(part)] = part
    return bytes(image)


def _align(offset: int, to: int) -> int:
    return (offset + to - 1) // to * to


def _file_header() -> bytes:
    """An x86-64 shared object with four segments and no sections."""
    magic = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return magic + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, FILE_HEADER, 0, 0, FILE_HEADER, SEGMENT_HEADER, 4, 0, 0, 0
    )


def _segment(kind: int, flags: int, offset: int, in_file: int, in_memory: int, align: int) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, flags, offset, offset, offset, in_file, in_memory, align)


def _symbol(name: int, kind: int, value: int, size: int) -> bytes:
    """A global symbol; section 1 only says that it is defined here."""
    return struct.pack("<IBBHQQ", name, 1 << 4 | kind, 0, 1, value, size)


def _hash_table(names: Sequence[str]) -> bytes:
    """The System V hash table that the dynamic linker looks names up in."""
    buckets, chain = [0] * max(1, len(names)), [0] * (len(names) + 1)
    for index, name in enumerate(names, 1):
        bucket = _hash(name) % len(buckets)
        chain[index], buckets[bucket] = buckets[bucket], index
    numbers = [len(buckets), len(chain), *buckets, *chain]
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _hash(name: str) -> int:
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF0000000
        if high:
            value ^= high >> 24
        value &= ~high & 0xFFFFFFFF
    return value
