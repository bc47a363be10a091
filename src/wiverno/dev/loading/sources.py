"""The sources that a process has loaded, as bytes.

For its own tracebacks, which show what runs and not what was saved since, and in a memory
file for the next generation, whose failure is compared with this one.
"""

import linecache
import os
import struct
from collections.abc import Collection
from importlib.util import decode_source
from typing import Any, SupportsIndex

from wiverno.dev.application_forks import in_child
from wiverno.dev.loading.record import identify

# Of generated code, most likely; the memory counts for as long as the generation is the last
# good one.
LIMIT_BYTES = 64 * 1024 * 1024
# Lengths of path and source, which follow.
_HEADER = struct.Struct("<II")
_NOT_KEPT = 0xFFFFFFFF


class Sources:
    """What was loaded, by the file name that its code has. Pool threads add to it, too."""

    def __init__(
        self,
        fd: int | None = None,
        good_fd: int | None = None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        """`fd` is the generation's memory file; None keeps the sources in this process.

        `good_fd` is that of the generation that served last, if any did.
        """
        self._fd = fd
        self._file = None if fd is None else identify(fd)
        self._good_fd = good_fd
        self._good_file = None if good_fd is None else identify(good_fd)
        self._left_bytes = limit_bytes
        self.loaded: dict[str, bytes] = {}
        self._inherited: dict[str, bytes] = {}
        in_child(self._detach)

    def go_on_in(self, fd: int, good_fd: int | None, without: Collection[str]) -> None:
        """Write to another memory file, in a process that was forked for another build.

        The sources `without` will be read again. The others are only named in that file before
        `write_inherited`: writing them takes longer than a small build.
        """
        for path in without:
            self.loaded.pop(path, None)
        self._inherited = dict(self.loaded)
        self._fd, self._file = fd, identify(fd)
        self._good_fd = good_fd
        self._good_file = None if good_fd is None else identify(good_fd)
        self._name_inherited()

    def write_inherited(self) -> None:
        """When nobody waits: complete the memory file."""
        inherited, self._inherited = self._inherited, {}
        for path, source in inherited.items():
            self._append(os.fsencode(path), source)

    def add(self, path: str, source: bytes) -> None:
        """Keep what is about to be compiled under the name `path`."""
        self.loaded[path] = source
        linecache.cache[path] = _PinnedLines(path, source)
        self._append(os.fsencode(path), source)

    def read_good(self) -> dict[str, bytes | None] | None:
        """What the generation that served last had loaded; None when there was none."""
        if self._good_fd is None or identify(self._good_fd) != self._good_file:
            return None
        return read_sources(self._good_fd)

    def forget_good(self) -> None:
        """Let go of its memory, once nobody will compare with it."""
        if self._good_fd is not None and identify(self._good_fd) == self._good_file:
            os.close(self._good_fd)
        self._good_fd = None

    def _detach(self) -> None:
        """What the child of a fork that the application makes loads is no concern of ours."""
        self._fd = None

    def _name_inherited(self) -> None:
        """A build that fails before `write_inherited` must not take them for new files."""
        self._write(b"".join(map(_name_alone, map(os.fsencode, self._inherited))))

    def _append(self, path: bytes, source: bytes) -> None:
        if len(source) > self._left_bytes:
            # That it was loaded is told all the same, or it would be taken for a new file.
            self._left_bytes = 0
            self._write(_name_alone(path))
        else:
            self._left_bytes -= len(source)
            self._write(_HEADER.pack(len(path), len(source)), path, source)

    def _write(self, *frame: bytes) -> None:
        if self._fd is None:
            return
        # The application may close any descriptor (`os.closerange`) and then own its number.
        if identify(self._fd) != self._file:
            self._fd = None
            return
        try:
            is_whole = os.writev(self._fd, frame) == sum(map(len, frame))
        except OSError:  # No memory left. The page can do without.
            is_whole = False
        if not is_whole:
            # Nothing that follows a torn frame could be read.
            self._fd = None


def _name_alone(path: bytes) -> bytes:
    return _HEADER.pack(len(path), _NOT_KEPT) + path


def read_sources(fd: int) -> dict[str, bytes | None]:
    """The sources in the memory file of a process; None for one that was too much to keep.

    That process may be writing it: a torn tail is ignored.
    """
    data = os.pread(fd, os.fstat(fd).st_size, 0)
    sources: dict[str, bytes | None] = {}
    position = 0
    while position + _HEADER.size <= len(data):
        path_length, source_length = _HEADER.unpack_from(data, position)
        path_begins = position + _HEADER.size
        path_ends = path_begins + path_length
        position = path_ends + (0 if source_length == _NOT_KEPT else source_length)
        if position > len(data):
            break
        path = os.fsdecode(data[path_begins:path_ends])
        sources[path] = None if source_length == _NOT_KEPT else data[path_ends:position]
    return sources


def decode(source: bytes) -> str:
    """The text as the compiler sees it (PEP 263), with `\\n` as the end of each line."""
    try:
        return decode_source(source)
    except (SyntaxError, UnicodeDecodeError):  # It does not compile either: anything will do.
        return source.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


def lines_of(source: bytes) -> list[str]:
    """Its lines, without their ends, numbered as the compiler numbers them.

    `str.splitlines` would take a form feed for an end, too.
    """
    lines = decode(source).split("\n")
    return lines if lines[-1] else lines[:-1]


class _PinnedLines(tuple[Any, ...]):
    """An entry of `linecache.cache` that is never checked against the disk.

    `linecache` takes an entry without an mtime for what a loader gave; it asks a loader
    itself only where no file is. The lines are made when somebody asks for them, which is
    hardly ever.
    """

    _source: bytes
    _lines: list[str] | None

    def __new__(cls, path: str, source: bytes) -> "_PinnedLines":
        entry = super().__new__(cls, (len(source), None, (), path))
        entry._source, entry._lines = source, None
        return entry

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        # `linecache` takes them by their number, and unpacks the rest.
        if index != 2:
            return super().__getitem__(index)
        if self._lines is None:
            self._lines = [line + "\n" for line in lines_of(self._source)]
        return self._lines
