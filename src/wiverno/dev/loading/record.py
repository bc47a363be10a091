"""The record: everything on disk that a generation has depended on.

A process appends each dependency to its generation's memory file *before* it reads
the file, so that a candidate that dies or hangs leaves a list of what it had read.
Frames are appended whole (O_APPEND, one write), a torn tail is ignored, and the last
entry for a path wins.
"""

import os
import struct
import threading
from enum import IntEnum
from typing import NamedTuple

from wiverno.dev.loading.signatures import Signature

# length of the rest, kind, signature; then the path in the file system's encoding.
# The inode is unsigned: some network file systems use all 64 bits.
_LENGTH = struct.Struct("<I")
_ENTRY = struct.Struct("<BqqQq")


class EntryKind(IntEnum):
    """What a path means to the application. The numbers cross process borders."""

    MODULE = 1
    """A file of user code: its content was imported."""
    MISSING_MODULE = 2
    """`directory/name` without a suffix: imported in vain. The signature is the directory's."""


class Entry(NamedTuple):
    kind: EntryKind
    path: str
    signature: Signature


def encode(entry: Entry) -> bytes:
    body = _ENTRY.pack(entry.kind, *entry.signature) + os.fsencode(entry.path)
    return _LENGTH.pack(len(body)) + body


def decode(data: bytes) -> tuple[list[Entry], int]:
    """The whole entries at the start of `data`, and how many bytes they take."""
    entries: list[Entry] = []
    position = 0
    while position + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, position)
        start, end = position + _LENGTH.size, position + _LENGTH.size + length
        if end > len(data):
            break
        kind, mtime_ns, size, inode, ctime_ns = _ENTRY.unpack_from(data, start)
        path = os.fsdecode(data[start + _ENTRY.size : end])
        entries.append(Entry(EntryKind(kind), path, (mtime_ns, size, inode, ctime_ns)))
        position = end
    return entries, position


class Record:
    """The entries of one generation as the process that depends on them sees them.

    Pool threads add to it (lazy imports) while the gate reads it.
    """

    def __init__(self, fd: int | None = None) -> None:
        """`fd` is the generation's memory file; None keeps the record in this process."""
        self._fd = fd
        self._entries: dict[str, Entry] = {}
        self._snapshot: tuple[Entry, ...] | None = None
        self._lock = threading.Lock()

    def add(self, kind: EntryKind, path: str, signature: Signature) -> None:
        entry = Entry(kind, path, signature)
        with self._lock:
            if self._fd is not None:
                os.write(self._fd, encode(entry))
            self._entries[path] = entry
            self._snapshot = None

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def get(self, path: str) -> Entry | None:
        return self._entries.get(path)

    def entries(self) -> tuple[Entry, ...]:
        """All entries, one a path. The same tuple until something is added."""
        snapshot = self._snapshot
        if snapshot is None:
            with self._lock:
                snapshot = self._snapshot = tuple(self._entries.values())
        return snapshot


class RecordReader:
    """Follows the record that another process writes, by its memory file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._offset = 0
        self.record = Record()

    def refresh(self) -> Record:
        """Read what was appended since the last call."""
        size = os.fstat(self._fd).st_size
        data = os.pread(self._fd, size - self._offset, self._offset)
        entries, length = decode(data)
        for entry in entries:
            self.record.add(*entry)
        self._offset += length
        return self.record
