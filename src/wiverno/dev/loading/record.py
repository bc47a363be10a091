"""The record: everything on disk that a generation has depended on.

A process appends each dependency to its generation's memory file *before* it reads
the file, so that a candidate that dies or hangs leaves a list of what it had read.
Frames are appended whole (O_APPEND, one write), a torn tail is ignored, and a module
with two different signatures is stale for ever, unless its bytes were seen to be the same.
"""

import os
import struct
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple
from weakref import WeakSet

from wiverno.dev.application_forks import in_child
from wiverno.dev.loading.signatures import LEFT, UNLIKE_ANY, Signature

# length of the rest, kind, signature; then the path in the file system's encoding.
# The inode is unsigned: some network file systems use all 64 bits.
_LENGTH = struct.Struct("<I")
_FRAME = struct.Struct("<IBqqQq")


class EntryKind(IntEnum):
    """What a path means to the application. The numbers cross process borders."""

    # That of `Enum` is a Python function, and each entry is looked up by its kind.
    __hash__ = int.__hash__

    MODULE = 1
    """A file of user code: its content was imported."""
    MISSING_MODULE = 2
    """`directory/name` without a suffix: nothing of that name was there to import."""
    MISSING_REGULAR_MODULE = 3
    """The same, but a directory without `__init__` may be there: it wins over nothing."""
    FOUND_MODULE = 4
    """The file, or the part of a namespace package, that a search by name ended in."""
    CONTENT = 5
    """Not a signature but the digest of the bytes that were loaded; written after the read."""
    RACY = 6
    """The signature was younger than 20 ms: the next save may leave it as it is."""
    ADOPTED = 7
    """A module's new signature, with which its bytes are still the loaded ones."""
    DATA = 8
    """A file of the project that was opened to be read."""
    MISSING_DATA = 9
    """The same, in vain: nothing was there."""
    LISTING = 10
    """Not a signature but the digest of the names that a directory was seen to have."""
    WRITTEN = 11
    """A source file that the process itself has written: while it is no module, no change."""


class Entry(NamedTuple):
    kind: EntryKind
    path: str
    signature: Signature


def encode(entry: Entry) -> bytes:
    path = os.fsencode(entry.path)
    length = _FRAME.size - _LENGTH.size + len(path)
    return _FRAME.pack(length, entry.kind, *entry.signature) + path


def decode(data: bytes) -> tuple[list[Entry], int]:
    """The whole entries at the start of `data`, and how many bytes they take."""
    entries: list[Entry] = []
    position = 0
    # A thousand of them, while somebody waits: no call that is not needed.
    while position + _FRAME.size <= len(data):
        length, kind, mtime_ns, size, inode, ctime_ns = _FRAME.unpack_from(data, position)
        end = position + _LENGTH.size + length
        if end > len(data):
            break
        path = os.fsdecode(data[position + _FRAME.size : end])
        entries.append(Entry(_KINDS[kind], path, (mtime_ns, size, inode, ctime_ns)))
        position = end
    return entries, position


_KINDS = {int(kind): kind for kind in EntryKind}
# What says what was read of a module.
_OF_CONTENT = (EntryKind.MODULE, EntryKind.CONTENT, EntryKind.RACY)


class Record:
    """The entries of one generation as the process that depends on them sees them.

    Pool threads add to it (lazy imports) while the gate reads it. A process that the
    application forks inherits its content and from then on keeps it to itself.
    """

    def __init__(self, fd: int | None = None) -> None:
        """`fd` is the generation's memory file; None keeps the record in this process."""
        self._fd = fd
        self._file = None if fd is None else identify(fd)
        self._entries: dict[tuple[EntryKind, str], Entry] = {}
        self._snapshot: tuple[Entry, ...] | None = None
        self._of_kind: dict[EntryKind, tuple[Entry, ...]] = {}
        self.module_folders: set[str] = set()
        """The directories of all modules."""
        # Entered again where a garbage collection or a signal runs code of the application
        # inside `add`, and that opens a file.
        self._lock = threading.RLock()
        _records.add(self)

    def add(self, kind: EntryKind, path: str, signature: Signature) -> None:
        """Append an entry, unless the record says the same already."""
        entry = Entry(kind, path, signature)
        with self._lock:
            changed = self._changed_by(entry)
            if all(self._entries.get((new.kind, path)) == new for new in changed):
                return
            self._append(entry)
            for new in changed:
                self._entries[new.kind, path] = new
                self._of_kind.pop(new.kind, None)
            if kind is EntryKind.MODULE:
                self.module_folders.add(os.path.dirname(path))
            self._snapshot = None

    def add_all(self, entries: Iterable[Entry]) -> None:
        """Append these, as `add` does one after the other."""
        with self._lock:
            for entry in entries:
                kind, path, signature = entry
                is_new = kind is not EntryKind.ADOPTED and (kind, path) not in self._entries
                if not is_new or self._fd is not None:
                    self.add(kind, path, signature)
                    continue
                self._entries[kind, path] = entry
                if kind is EntryKind.MODULE:
                    self.module_folders.add(os.path.dirname(path))
            self._snapshot = None
            self._of_kind.clear()

    def __contains__(self, path: str) -> bool:
        return any((kind, path) in self._entries for kind in EntryKind)

    def get(self, path: str, kind: EntryKind = EntryKind.MODULE) -> Entry | None:
        """What was seen of the file at `path`: as a module, or as a thing of that kind."""
        return self._entries.get((kind, path))

    def content(self, path: str) -> Signature | None:
        """The digest of the bytes that were loaded from `path`; None while there is none."""
        entry = self._entries.get((EntryKind.CONTENT, path))
        return None if entry is None else entry.signature

    def entries(self) -> tuple[Entry, ...]:
        """All entries, new ones last. The same tuple until something is added."""
        snapshot = self._snapshot
        if snapshot is None:
            with self._lock:
                snapshot = self._snapshot = tuple(self._entries.values())
        return snapshot

    def of_kind(self, kind: EntryKind) -> tuple[Entry, ...]:
        """Those of one kind, in the same way."""
        entries = self._of_kind.get(kind)
        if entries is None:
            with self._lock:
                all_entries = self.entries()
                entries = tuple([entry for entry in all_entries if entry.kind is kind])
                # Unless a signal handler has added one meanwhile.
                if self._snapshot is all_entries:
                    self._of_kind[kind] = entries
        return entries

    @property
    def length(self) -> int:
        """Bytes of the memory file."""
        return 0 if self._fd is None else os.fstat(self._fd).st_size

    def go_on_in(self, fd: int | None, without: Collection[str]) -> None:
        """Write to another memory file, which holds these entries less those of `without`.

        For a process that was forked in the middle of an import: the modules `without` are
        under way and will be read again.
        """
        with self._lock:
            self._fd = fd
            self._file = None if fd is None else identify(fd)
            keys = [(kind, path) for path in without for kind in _OF_CONTENT]
            dropped = [self._entries.pop(key, None) for key in keys]
            if any(dropped):
                self._snapshot = None
                self._of_kind.clear()

    def copy(self) -> "Record":
        """The same entries, written nowhere."""
        copy = Record()
        copy._entries = dict(self._entries)
        copy.module_folders = set(self.module_folders)
        return copy

    def rebase(self, entries_of_now: Callable[[Sequence[Entry]], Iterable[Entry]]) -> None:
        """Replace all entries by what `entries_of_now` makes of them, in this process only."""
        with self._lock:
            self._fd = None
            entries = entries_of_now(tuple(self._entries.values()))
            self._entries = {(entry.kind, entry.path): entry for entry in entries}
            self._of_kind = {}
            self._snapshot = None

    def detach(self) -> None:
        """Write to the memory file no more; only for a child process that has one thread."""
        self._fd = None
        # At the fork another thread may have held it.
        self._lock = threading.RLock()

    def _changed_by(self, entry: Entry) -> list[Entry]:
        """What `entry` changes. Writer and readers apply the same frames, with the same result.

        Two signatures or contents of one module: some code may be from either, so no disk
        equals that. The last of them alone would hide the first, and the first may come
        back: a file that was absent, was loaded and is absent again.
        """
        known = self._entries.get((entry.kind, entry.path))
        match entry.kind:
            case EntryKind.ADOPTED:
                module = self.get(entry.path)
                if module is None or module.signature in (UNLIKE_ANY, entry.signature):
                    return []
                return [module._replace(signature=entry.signature)]
            case EntryKind.RACY:
                return [] if known == entry else [entry]
            case _ if known is None:
                return [entry]
            case _ if LEFT in (known.signature, entry.signature):
                return [] if known.signature == LEFT else [entry]
            case EntryKind.CONTENT if known.signature != entry.signature:
                return [_like_none(known), *self._like_none_at(entry.path)]
            case EntryKind.MODULE | EntryKind.DATA | EntryKind.LISTING:
                is_settled = known.signature in (entry.signature, UNLIKE_ANY)
                return [] if is_settled else [_like_none(known)]
            case _:
                return []

    def _like_none_at(self, path: str) -> list[Entry]:
        """What was read at `path`, as no disk has it."""
        read = [self.get(path), self.get(path, EntryKind.DATA)]
        return [_like_none(entry) for entry in read if entry and entry.signature != LEFT]

    def _append(self, entry: Entry) -> None:
        if self._fd is None:
            return
        # The application may close any descriptor (`os.closerange`) and then own its number.
        if identify(self._fd) != self._file:
            self._fd = None
            return
        os.write(self._fd, encode(entry))


def _like_none(entry: Entry) -> Entry:
    return entry._replace(signature=UNLIKE_ANY)


def identify(fd: int) -> tuple[int, int] | None:
    """Which file the descriptor is of; None when it is closed."""
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


# What the child of a fork that the application makes imports is no concern of the parent.
_records: WeakSet[Record] = WeakSet()


def _detach_all() -> None:
    for record in _records:
        record.detach()


in_child(_detach_all)


class RecordReader:
    """Follows the record that another process writes, by its memory file."""

    def __init__(self, fd: int, record: Record | None = None) -> None:
        """`record` is what the file holds already."""
        self._fd = fd
        self._offset = 0 if record is None else os.fstat(fd).st_size
        self.record = record or Record()

    def refresh(self, end: int | None = None) -> Record:
        """Read what was appended since the last call, up to byte `end` of the file."""
        size = os.fstat(self._fd).st_size if end is None else end
        data = os.pread(self._fd, size - self._offset, self._offset)
        entries, length = decode(data)
        if entries:
            self.record.add_all(entries)
        self._offset += length
        return self.record
