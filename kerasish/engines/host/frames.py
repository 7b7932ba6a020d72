"""Frames between kerasish and an engine's worker: JSON header and raw arrays, no pickle.

Both processes load this file, so it keeps to Python 3.6 syntax and needs only NumPy.

A frame is

    u32  length of the header
    JSON header  {"message": {...}, "arrays": [[dtype, shape, offset], ...], "arena": size | null,
                  "once": bool}
    raw bytes of the arrays whose offset is null, in order

Other arrays lie at `offset` in the sender's arena, a file in shared memory that has no name: its
descriptor travels with the first frame that uses it.  `arena` is the file's size when the frame
brings a new one, `once` says that it holds this frame's arrays only.  Where there is no shared
memory, or it is full, every array goes through the socket.
"""

import array
import json
import mmap
import os
import socket
import struct
import tempfile

import numpy as np

SMALL = 16 << 10  # bytes; below this the socket is as quick as shared memory
KEEP = 64 << 20  # bytes; a larger arena is given back after its frame
MAX_HEADER = 256 << 20
SHARED_MEMORY = "/dev/shm"
DTYPES = frozenset(
    "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64".split()
)


class FrameError(RuntimeError):
    """The bytes that arrived are no frame."""


class Closed(EOFError):
    """The other side is gone; in the middle of a frame if it says so."""


class Channel:
    """One end of a socket pair that carries frames.

    Arrays received are copies, unless `copy=False` is asked for: then they are views that hold
    until the next frame arrives.
    """

    def __init__(self, sock):
        self.socket = sock
        self.outgoing = None
        self.incoming = None
        self.shared_memory = os.path.isdir(SHARED_MEMORY)

    def send(self, message, arrays=()):
        """Send a JSON-able message and arrays."""
        arrays = [np.asarray(a, order="C") for a in arrays]
        sizes = [a.nbytes for a in arrays]
        offsets, needed = _offsets(sizes)
        descriptor, once, held = None, False, None
        if needed:
            held, descriptor, once = self._arena(needed)
            if held is None:
                offsets = [None] * len(arrays)
        for a, offset in zip(arrays, offsets):
            if offset is not None:
                np.copyto(np.frombuffer(held, a.dtype, a.size, offset).reshape(a.shape), a)
        header = json.dumps(
            {
                "message": message,
                "arrays": [[a.dtype.name, list(a.shape), o] for a, o in zip(arrays, offsets)],
                "arena": None if descriptor is None else len(held),
                "once": once,
            }
        ).encode()
        self._write(struct.pack("<I", len(header)) + header, descriptor)
        for a, offset in zip(arrays, offsets):
            if offset is None and a.nbytes:
                self.socket.sendall(memoryview(a.reshape(-1)).cast("B"))

    def receive(self, copy=True):
        """The next frame: its message and its list of arrays.

        Raises Closed when the other side is gone and FrameError when the bytes make no sense.
        """
        first, descriptor = self._read_first()
        try:
            (length,) = struct.unpack("<I", first)
            if length > MAX_HEADER:
                raise FrameError("a frame's header claims %d bytes" % length)
            header = _parse(self._read(length))
            arena = self._received_arena(header, descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)
        return header["message"], [
            self._array(arena, copy and not header["once"], *entry) for entry in header["arrays"]
        ]

    def close(self):
        self.socket.close()

    def _arena(self, needed):
        """(arena or None, descriptor if it is new, whether for this frame only)."""
        if self.outgoing is not None and needed <= len(self.outgoing):
            return self.outgoing, None, False
        once = needed > KEEP
        size = needed if once else min(KEEP, max(1 << 20, 2 * needed))
        made = _new_arena(size) if self.shared_memory else None
        if made is None:
            return None, None, False
        if not once:
            self.outgoing = made[0]
        return made[0], made[1], once

    def _received_arena(self, header, descriptor):
        if header["arena"] is None:
            return self.incoming
        if descriptor is None:
            raise FrameError("a frame announces an arena and brings no descriptor")
        # Mapping beyond a file's end would kill this process at the first access.
        if not 0 < header["arena"] <= os.fstat(descriptor).st_size:
            raise FrameError("a frame's arena is %r bytes" % header["arena"])
        arena = mmap.mmap(descriptor, header["arena"])
        if not header["once"]:
            self.incoming = arena
        return arena

    def _array(self, arena, copy, dtype, shape, offset):
        count = 1
        for n in shape:
            count *= n
        nbytes = count * np.dtype(dtype).itemsize
        if offset is None:
            return np.frombuffer(self._read(nbytes), dtype, count).reshape(shape)
        if arena is None or offset + nbytes > len(arena):
            raise FrameError("an array of %d bytes lies outside its arena" % nbytes)
        view = np.frombuffer(arena, dtype, count, offset).reshape(shape)
        return view.copy() if copy else view

    def _write(self, data, descriptor):
        if descriptor is None:
            self.socket.sendall(data)
            return
        try:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            sent = self.socket.sendmsg([data[:4]], ancillary)
        finally:
            os.close(descriptor)
        self.socket.sendall(data[sent:])

    def _read_first(self):
        """The first four bytes of a frame and the descriptor that came with them, if any."""
        size = array.array("i").itemsize
        data, ancillary, _, _ = self.socket.recvmsg(4, socket.CMSG_SPACE(size))
        if not data:
            raise Closed("the other side has closed the connection")
        descriptor = None
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptor = struct.unpack("i", payload[:size])[0]
        if len(data) < 4:
            data += bytes(self._read(4 - len(data)))
        return data, descriptor

    def _read(self, count):
        buffer = bytearray(count)
        view = memoryview(buffer)
        done = 0
        while done < count:
            got = self.socket.recv_into(view[done:])
            if not got:
                raise Closed("the other side has closed the connection in the middle of a frame")
            done += got
        return buffer


def _offsets(sizes):
    """Each array's place in the arena (None: through the socket), and the arena's size."""
    offsets, end = [], 0
    for size in sizes:
        if size < SMALL:
            offsets.append(None)
        else:
            offsets.append(end)
            end += (size + 63) // 64 * 64
    return offsets, end


def _new_arena(size):
    """(mapping, descriptor) of a nameless file in shared memory; None if there is no room."""
    try:
        descriptor, path = tempfile.mkstemp(prefix="kerasish-", dir=SHARED_MEMORY)
    except OSError:
        return None
    os.unlink(path)
    try:
        # Without the reservation a full file system would kill the process at the first write.
        os.posix_fallocate(descriptor, 0, size)
        return mmap.mmap(descriptor, size), descriptor
    except OSError:
        os.close(descriptor)
        return None


def _parse(data):
    """The header, checked, so that nothing after it meets a surprise."""
    try:
        header = json.loads(bytes(data).decode())
        arrays = header["arrays"]
        fine = (
            isinstance(header["message"], dict)
            and isinstance(header["once"], bool)
            and (header["arena"] is None or _is_count(header["arena"]))
            and all(
                dtype in DTYPES
                and all(_is_count(n) for n in shape)
                and (offset is None or _is_count(offset))
                for dtype, shape, offset in arrays
            )
        )
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise FrameError("a frame's header is damaged: %s" % error) from error
    if not fine:
        raise FrameError("a frame's header is damaged: %.200r" % header)
    return header


def _is_count(n):
    return isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 1 << 48
