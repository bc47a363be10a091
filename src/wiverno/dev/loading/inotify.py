"""One inotify instance, asked with the GIL held.

Python's `poll` and `read` let go of it, and beside one thread that computes each of them may
wait a whole switch interval (5 ms) to get it back.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from wiverno.dev.loading.own_descriptor import OwnDescriptor

# linux/inotify.h
MODIFY = 0x2
ATTRIB = 0x4
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
Q_OVERFLOW = 0x4000
IGNORED = 0x8000
ONLYDIR = 0x1000000
MASK_ADD = 0x20000000

_FIONREAD = 0x541B
# More than fits here means that sweeping once is cheaper than reading what happened.
_BUFFER_SIZE = 65_536
# watch, mask, cookie, length of the name, which is padded with zero bytes
_EVENT = struct.Struct("<iIII")


class Event(NamedTuple):
    watch: int
    mask: int
    name: str
    """Of what it happened to, in the watched directory; empty: to what is watched itself."""


class LostError(Exception):
    """The descriptor is not ours any more, or tells nothing."""


class Inotify:
    """Raises OSError where there is none to be had."""

    def __init__(self) -> None:
        try:
            library = ctypes.PyDLL(None, use_errno=True)
            self._add, self._readlink = library.inotify_add_watch, library.readlink
            # Of a directory it walks through all names in it that the kernel knows.
            self._add_slowly = ctypes.CDLL(None, use_errno=True).inotify_add_watch
            self._ioctl, self._read = library.ioctl, library.read
            fd = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except AttributeError as error:
            raise OSError("no inotify on this system") from error
        if fd < 0:
            raise _last_error("inotify_init1")
        self._descriptor = OwnDescriptor(fd)
        self._fd = ctypes.c_int(fd)
        self._waiting = ctypes.c_int()
        self._count = (self._fd, ctypes.c_ulong(_FIONREAD), ctypes.byref(self._waiting))
        self._buffer = ctypes.create_string_buffer(_BUFFER_SIZE)

    def watch(self, path: str, mask: int) -> int:
        """The number of the watch, the same for the same inode; raises OSError."""
        add = self._add_slowly if mask & ONLYDIR else self._add
        number: int = add(self._fd, os.fsencode(path), ctypes.c_uint32(mask | MASK_ADD))
        if number < 0:
            raise _last_error(path)
        return number

    def read_link(self, path: str) -> str | None:
        """What the symbolic link says; None if `path` is none. Raises OSError if nothing is."""
        length = self._readlink(os.fsencode(path), self._buffer, ctypes.c_size_t(_BUFFER_SIZE))
        if length >= 0:
            return os.fsdecode(self._bytes(length))
        error = _last_error(path)
        if error.errno != errno.EINVAL:
            raise error
        return None

    def has_events(self) -> bool:
        """Raises LostError."""
        failed = self._ioctl(*self._count)
        if failed or not self._descriptor.is_ours():
            raise LostError
        return self._waiting.value > 0

    def events(self) -> list[Event]:
        """What `has_events` told of. The last one is an overflow if there was more."""
        if not self._descriptor.is_ours():
            raise LostError
        length = self._read(self._fd, self._buffer, ctypes.c_size_t(_BUFFER_SIZE))
        if length <= 0:
            raise LostError
        events = list(_parse(self._bytes(length)))
        if length < self._waiting.value:
            events.append(Event(-1, Q_OVERFLOW, ""))
        return events

    def close(self) -> None:
        self._descriptor.close()

    def _bytes(self, length: int) -> bytes:
        return bytes(memoryview(self._buffer)[:length])


def _parse(data: bytes) -> Iterator[Event]:
    position = 0
    while position < len(data):
        watch, mask, _, length = _EVENT.unpack_from(data, position)
        position += _EVENT.size
        name = data[position : position + length].partition(b"\0")[0]
        position += length
        yield Event(watch, mask, os.fsdecode(name))


def _last_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)
