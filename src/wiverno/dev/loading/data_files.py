"""Follows the project files that the application opens, and the folders it lists.

By an audit hook, which runs inside every `open` of the application: it must be cheap, must
never raise, and must change nothing that the application could notice.
"""

import importlib
import itertools
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any

from wiverno.dev.loading.contents import digest_of, is_racy, read_signed
from wiverno.dev.loading.folder_names import digest_names
from wiverno.dev.loading.globs import folders_of
from wiverno.dev.loading.project import Project
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.search import absolute
from wiverno.dev.loading.signatures import ABSENT, LEFT, signature_of

LIMIT = 5_000
"""Data files that one process records at most."""

# A file that has just been copied here may be of any size; one that somebody edits is not.
_COMPARED_BYTES = 1 << 20
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Which arguments of an audit event are paths that change.
_CHANGED_PATHS = {
    "os.rename": slice(0, 2),
    "os.link": slice(1, 2),
    "os.symlink": slice(1, 2),
    "os.remove": slice(0, 1),
    "os.mkdir": slice(0, 1),
    "os.rmdir": slice(0, 1),
    "os.truncate": slice(0, 1),
    "os.chmod": slice(0, 1),
    "os.utime": slice(0, 1),
    "sqlite3.connect": slice(0, 1),
}
_LISTINGS = ("os.listdir", "os.scandir")
_PATH_GLOBS = ("pathlib.Path.glob", "pathlib.Path.rglob")
# The event `glob.glob` comes with this one, and says less.
_GLOB = "glob.glob/2"
# These change the names in a folder in any case, all others where nothing was there.
_RENAMING = ("os.rename", "os.remove", "os.rmdir")
# Looks into a file before a library opens it in C, to write.
_DBM = os.path.join(os.path.dirname(os.__file__), "dbm", "__init__.py")
# What sqlite3 connects to in memory.
_NO_FILES = ("", ":memory:")
_EVENTS = frozenset({"open", *_LISTINGS, *_PATH_GLOBS, _GLOB, *_CHANGED_PATHS})
# Whose listings are no dependency: of the import system, of metadata of distributions, ours.
_OTHER_LISTERS = (
    "<frozen importlib",
    os.path.dirname(importlib.__file__) + os.sep,
    os.path.dirname(__file__) + os.sep,
)


class _Thread(threading.local):
    is_busy = False


class DataFiles:
    """Records what is opened to be read; what this process writes leaves the record for good."""

    def __init__(
        self,
        record: Record,
        roots: Sequence[str],
        left_out: Iterable[str] = (),
        not_followed: Iterable[str] = (),
        clock_ns: Callable[[], int] = time.time_ns,
        limit: int = LIMIT,
    ) -> None:
        """Project files lie below `roots`, but not below `left_out` (all absolute).

        `not_followed` are files that are none, wherever they lie.
        """
        self._limit = limit
        self._record = record
        self._project = Project(record, roots, left_out)
        self._clock_ns = clock_ns
        self._thread = _Thread()
        self._requests = itertools.count(1)
        # Of an ASGI application many are under way in one thread, and one in many threads.
        self._request = ContextVar("request", default=0)
        self._first_opened: dict[str, int] = {}
        """In which request a file was opened first; 0 is none: the import, or a thread."""
        self._left = set(not_followed)
        self.rewritten: str | None = None
        """The first that this process has written anew, not only appended to."""
        self.is_full = False
        """Were there more than `limit`? What came after them is not followed."""

    def install(self) -> None:
        """From now on, for the life of the process: a hook cannot be taken out again."""
        notice = self.notice

        # A plain function: of a bound method the interpreter asks for an attribute at each of
        # the thousands of events, which costs eight times as much as the call.
        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in _EVENTS:
                # The frame that caused the event: this one was called by the interpreter itself.
                notice(event, arguments, sys._getframe(1).f_code.co_filename)

        sys.addaudithook(hook)

    def request_began(self) -> None:
        """What this thread, or task, opens from now on, it opens for one request, a new one."""
        self._request.set(next(self._requests))

    def follow(self, path: str) -> None:
        """Depend on a file wherever it lies and whether it is there: `--watch-file`, `.env`."""
        path = absolute(path)
        self._first_opened[path] = 0
        if path not in self._left:
            self._add(path)

    def notice(self, event: str, arguments: tuple[Any, ...], causer: str = "") -> None:
        """An audit event, before what it tells of is done. Code of the file `causer` caused it."""
        thread = self._thread
        if thread.is_busy:  # By what is done below.
            return
        thread.is_busy = True
        try:
            if event == "open":
                self._notice_open(arguments[0], arguments[2], causer)
            elif event in _LISTINGS:
                self._notice_listing(arguments[0], causer)
            elif event in _PATH_GLOBS:
                self._notice_glob(*arguments[:2])
            elif event == _GLOB:
                self._notice_glob(arguments[2], arguments[0])
            else:
                for path in arguments[_CHANGED_PATHS[event]]:
                    self._notice_change(_without_scheme(path, event), event)
        except Exception:  # noqa: BLE001 - it would come out of the application's `open`
            pass
        finally:
            thread.is_busy = False

    def _notice_open(self, file: object, flags: int, opener: str) -> None:
        if flags & _WRITES or opener == _DBM:
            self._notice_change(file, rewrites=bool(flags & _WRITES) and not flags & os.O_APPEND)
            return
        path = self._locate(file)
        if path is not None and self._record.get(path) is None and self._is_followed(path):
            self._add(path)

    def _notice_listing(self, folder: object, lister: str) -> None:
        if lister.startswith(_OTHER_LISTERS) or "/pkg_resources/" in lister:
            return
        self._follow_names(os.fsdecode(folder or "."))  # type: ignore[arg-type]

    def _notice_glob(self, base: object, pattern: object) -> None:
        """What it lists it tells like any other; this is for what it only asks for."""
        base, pattern = (os.fsdecode(one or ".") for one in (base, pattern))  # type: ignore[arg-type]
        for folder in folders_of(base, pattern):
            self._follow_names(folder)

    def _follow_names(self, folder: str) -> None:
        # A name in it: for the folder's own files to count is what counts.
        path = self._locate(os.path.join(folder, "_"))
        if path is None:
            return
        path = os.path.dirname(path)
        if self._is_followed(path):
            self._record.add(EntryKind.LISTING, path, digest_names(path))

    def _is_followed(self, path: str) -> bool:
        """Does the record depend on `path`, which this thread is about to read?"""
        if path in self._left:
            return False
        request = self._request.get()
        first = self._first_opened.get(path)
        if first is None:
            if len(self._first_opened) >= self._limit:
                self.is_full = True
                return False
            self._first_opened[path] = request
        elif first and request and first != request:
            # The application reads it afresh by itself.
            self._leave(path)
            return False
        return True

    def _notice_change(self, file: object, event: str = "open", *, rewrites: bool = False) -> None:
        path = None if file in _NO_FILES else self._locate(file)
        if path is None:
            return
        if rewrites or event == "os.rename":
            self.rewritten = self.rewritten or path
        if event in _RENAMING or not os.path.lexists(path):
            self._leave(os.path.dirname(path))
        self._leave(path)
        if path.endswith(".py"):
            self._record.add(EntryKind.WRITTEN, path, ABSENT)

    def _locate(self, file: object) -> str | None:
        """The absolute path of a project file; None for what does not count."""
        if isinstance(file, int) or file is None:
            return None
        if not isinstance(file, str):
            file = os.fsdecode(file)  # type: ignore[arg-type]  # raises what `notice` drops
        path = absolute(file)
        return path if self._project.has_folder(path.rpartition(os.sep)[0]) else None

    def _add(self, path: str) -> None:
        try:
            status = os.stat(path)
        except OSError:
            self._record.add(EntryKind.MISSING_DATA, path, ABSENT)
            return
        if not stat.S_ISREG(status.st_mode):
            return
        signature = signature_of(status)
        is_young = is_racy(signature, self._clock_ns())
        self._record.add(EntryKind.DATA, path, signature)
        if not is_young or status.st_size > _COMPARED_BYTES:
            return
        if (read := read_signed(path, status.st_size)) is not None:
            self._record.add(EntryKind.CONTENT, path, digest_of(read[1]))
            self._record.add(EntryKind.RACY, path, signature)

    def _leave(self, path: str) -> None:
        if path in self._left:
            return
        self._left.add(path)
        for kind in (EntryKind.DATA, EntryKind.MISSING_DATA, EntryKind.LISTING):
            if self._record.get(path, kind) is not None:
                self._record.add(kind, path, LEFT)


def _without_scheme(file: object, event: str) -> object:
    """The path in an SQLite URI, `file:data.db?mode=ro`; anything else as it is."""
    if event == "sqlite3.connect" and isinstance(file, str) and file.startswith("file:"):
        return file[len("file:") :].partition("?")[0]
    return file
