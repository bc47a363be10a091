"""The doorbell: watchdog's events, narrowed to the `.py` files that matter.

Nothing here decides about freshness: an event may come late, twice or never.
Structural work (walking, scheduling) has a thread of its own, so that watchdog's
dispatcher is never held up and `start()` returns at once in a tree of any size.
"""

import contextlib
import errno
import os
import queue
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from wiverno.core.exceptions import WivernoError
from wiverno.dev.watching.filters import ALWAYS_IGNORED, IgnorePatterns, is_python_file
from wiverno.dev.watching.plan import MAX_WATCHES, PlannedWatch, WalkedDirectory, plan_watches

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers.api import BaseObserver, ObservedWatch

# watchdog joins its emitters one by one, and one that sleeps on an unmatched move
# needs up to 0.5 s; the rest is for a machine under load.
STOP_TIMEOUT_S = 5.0


class ChangeKind(StrEnum):
    """What happened to a path. A rename is `DELETED` for the old name and `MOVED` for the new."""

    CREATED = "created"
    MODIFIED = "modified"
    MOVED = "moved"
    DELETED = "deleted"


class WatchDirectoryError(WivernoError):
    """A directory that shall be watched is missing or is no directory."""


class Watcher:
    """Calls `on_change(kind, path)` for each change of a `.py` file below `watch_dirs`.

    `ignore_patterns` as in `IgnorePatterns`; `path` is absolute and begins with the watch
    directory as it was given. A directory is reported, as deleted, when it vanished
    and held watched `.py` files. `on_change` and `on_problem` are called from two threads of
    this class and must only hand the news over; what they raise is reported as a problem.
    `on_problem(text)` gets one plain line, once for each kind of problem.

    `ready` is set once all watches stand, or could not be made.
    """

    def __init__(
        self,
        watch_dirs: Sequence[str],
        ignore_patterns: Sequence[str] | None,
        on_change: Callable[[ChangeKind, str], object],
        on_problem: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.ready = threading.Event()
        self._roots = [_Root.of(directory, ignore_patterns) for directory in watch_dirs]
        self._on_change = on_change
        self._on_problem = on_problem
        self._problems: set[str] = set()
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._observer: BaseObserver | None = None
        self._watches: dict[str, _ScheduledWatch] = {}
        self._python_directories: set[str] = set()
        self._python_directories_lock = threading.Lock()
        self._started_ns = 0

    def start(self) -> None:
        """Begin to watch; the watches stand when `ready` is set. Raises WatchDirectoryError."""
        for root in self._roots:
            root.check()
        self._started_ns = time.time_ns()
        self._thread = threading.Thread(target=self._run, name="wiverno-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End watching and its threads, within `STOP_TIMEOUT_S`. Twice is harmless.

        Called from `on_change` it only asks, since it would wait for itself.
        """
        self._stopping.set()
        self._requests.put(_Request())  # Wakes the thread.
        thread = self._thread
        if thread is None or threading.current_thread() in (thread, self._observer):
            return
        thread.join(STOP_TIMEOUT_S)

    @property
    def watches(self) -> tuple[PlannedWatch, ...]:
        """What is watched at the moment, for tests and for `--verbose`."""
        return tuple(watch.planned for watch in list(self._watches.values()))

    # The watcher's own thread.

    def _run(self) -> None:
        try:
            self._start_observer()
            if self._observer is not None:
                self._watch_roots()
            self.ready.set()
            while not self._stopping.is_set():
                self._carry_out(self._requests.get())
        finally:
            self.ready.set()
            if self._observer is not None:
                self._observer.stop()
                self._observer.join()
            self._watches.clear()

    def _start_observer(self) -> None:
        # Imported here: 20 ms that the first import of the application need not wait for.
        from watchdog.observers import Observer

        # watchdog 7 warns of its own race when a directory is made inside a new one, from
        # the thread that reads inotify: with `-W error` that thread would die of it.
        warnings.filterwarnings(
            "ignore", "Callback with id", category=RuntimeWarning, module=r"watchdog\."
        )
        try:
            observer = Observer()
            observer.start()
        except OSError as error:
            self._problem_with_limit(error)
        else:
            self._observer = observer

    def _watch_roots(self) -> None:
        walks = []
        for root in self._outermost_roots():
            walk = self._walk(root, root.real)
            walks.append((root, walk))
            self._schedule(walk.directories, MAX_WATCHES)
        if self._stopping.is_set():
            return
        # Saves made while the watches were not standing yet rang nowhere.
        for root, walk in walks:
            self._report_missed(walk, self._walk(root, root.real))
        self._check_watch_count(sum(len(walk.directories) for _, walk in walks))

    def _outermost_roots(self) -> list["_Root"]:
        """The roots without those that another one covers, or that are given twice."""
        kept: list[_Root] = []
        for root in sorted(self._roots, key=lambda root: len(root.real)):
            if not any(other.covers(root.real) for other in kept):
                kept.append(root)
        return kept

    def _carry_out(self, request: "_Request") -> None:
        if request.vanished:
            self._unschedule_below(request.vanished)
            root = self._root_at(request.vanished)
            if root is not None and not Path(root.real).is_dir():
                self._wait_for_root(root)
        # A move that watchdog could not pair is told 0.5 s late; the place may be taken again.
        appeared = request.appeared or request.vanished
        if appeared and Path(appeared).is_dir():
            self._watch_new_directory(appeared)

    def _watch_new_directory(self, path: str) -> None:
        # A missing root is awaited from its parent, and may come back with its own parent.
        for root in self._outermost_roots():
            if root.real.startswith(path + "/") and Path(root.real).is_dir():
                self._watch_new_directory(root.real)
            elif root.real.startswith(path + "/") and not self._is_watched(root.real):
                self._wait_for_root(root)
        owner = self._root_of(path)
        if owner is None or owner.prunes(path):
            return
        covering = self._covering_recursive_watch(path)
        if covering is not None and not _recursion_misses_moved_directories():
            return
        self._unschedule_below(path)
        walk = self._walk(owner, path)
        self._schedule(walk.directories, max(1, MAX_WATCHES - len(self._watches)))
        # Again, after the watches stand: a file may have come between walk and watch.
        for file in {**walk.signatures, **self._walk(owner, path).signatures}:
            self._report(ChangeKind.CREATED, file)

    def _wait_for_root(self, root: "_Root") -> None:
        """Watch the nearest ancestor that is left, since a deleted root rings nowhere else."""
        self._problem(
            f"Watch directory {root.given!r} is gone. Its files are watched again when it is back."
        )
        ancestor = _nearest_directory(root.real)
        while ancestor != root.real and not self._stopping.is_set():
            if not self._is_watched(ancestor):
                self._schedule([WalkedDirectory(ancestor, -1, pruned=1)], 2)
            # What was made before the watch stood rang nowhere: look again from there.
            nearest = _nearest_directory(root.real)
            if nearest == ancestor:
                return
            ancestor = nearest
        self._requests.put(_Request(appeared=root.real))

    def _is_watched(self, path: str) -> bool:
        return path in self._watches or self._covering_recursive_watch(path) is not None

    def _covering_recursive_watch(self, path: str) -> str | None:
        for parent in Path(path).parents:
            watch = self._watches.get(str(parent))
            if watch is not None and watch.planned.is_recursive:
                return watch.planned.path
        return None

    def _schedule(self, directories: Sequence[WalkedDirectory], max_watches: int) -> None:
        for planned in plan_watches(directories, max_watches):
            if self._observer is None or self._stopping.is_set():
                return
            if planned.path in self._watches:
                continue
            try:
                watch = self._observer.schedule(
                    _handler(self._receive),
                    planned.path,
                    recursive=planned.is_recursive,
                    event_filter=_event_filter(),
                )
            except OSError as error:
                self._problem_with_limit(error)
            else:
                self._watches[planned.path] = _ScheduledWatch(planned, watch)

    def _unschedule_below(self, path: str) -> None:
        """Drop the watches of a directory that is gone: they follow it to its new place."""
        for watched in [key for key in self._watches if _is_at_or_below(key, path)]:
            scheduled = self._watches.pop(watched)
            # KeyError: watchdog forgot it first. OSError: the kernel did.
            with contextlib.suppress(KeyError, OSError):
                assert self._observer is not None
                self._observer.unschedule(scheduled.watch)

    def _walk(self, root: "_Root", top: str) -> "_Walk":
        walk = _walk(root, top, self._stopping)
        with self._python_directories_lock:
            self._python_directories.update(map(os.path.dirname, walk.signatures))
        return walk

    def _report_missed(self, before: "_Walk", after: "_Walk") -> None:
        for file, signature in after.signatures.items():
            seen = before.signatures.get(file)
            if seen is None:
                self._report(ChangeKind.CREATED, file)
            elif seen != signature or seen.changed_ns > self._started_ns:
                self._report(ChangeKind.MODIFIED, file)
        for file in before.signatures.keys() - after.signatures.keys():
            self._report(ChangeKind.DELETED, file)

    def _check_watch_count(self, expected: int) -> None:
        """watchdog 7 keeps silent about directories that a recursive watch could not add."""
        if not sys.platform.startswith("linux"):
            return
        watched = count_inotify_watches()
        # A few directories may have come and gone since the walk.
        if watched < expected - 10:
            self._problem(
                f"Only {watched} of {expected} directories are watched: the limit "
                "fs.inotify.max_user_watches is reached. Changed files that are loaded are still "
                "noticed at the next request; raise the limit or ignore large directories."
            )

    # The thread of watchdog that dispatches.

    def _receive(self, event: "FileSystemEvent") -> None:
        source = os.fsdecode(event.src_path)
        target = os.fsdecode(event.dest_path) if event.event_type == "moved" else ""
        if event.is_directory:
            self._receive_directory(event.event_type, source, target)
        elif event.event_type == "moved":
            self._report(ChangeKind.DELETED, source)
            self._report(ChangeKind.MOVED, target)
        elif event.event_type in ("created", "deleted"):
            self._report(ChangeKind(event.event_type), source)
        else:
            self._report(ChangeKind.MODIFIED, source)

    def _receive_directory(self, event_type: str, source: str, target: str) -> None:
        if event_type == "created":
            self._requests.put(_Request(appeared=source))
            return
        if self._forget_python_directories(source):
            self._call(ChangeKind.DELETED, source)
        self._requests.put(_Request(vanished=source, appeared=target))

    def _forget_python_directories(self, path: str) -> bool:
        """Whether the directory held watched files, as far as walks and events told."""
        with self._python_directories_lock:
            held = {known for known in self._python_directories if _is_at_or_below(known, path)}
            self._python_directories -= held
        return bool(held)

    # Both threads.

    def _report(self, kind: ChangeKind, path: str) -> None:
        directory, name = os.path.split(path)
        if not is_python_file(name) or not self._is_let_through(path):
            return
        # A watch follows a directory that was moved away and still tells the old path.
        # Whatever removed the file is told by an event of its own.
        if kind is not ChangeKind.DELETED:
            if not os.path.lexists(path):
                return
            with self._python_directories_lock:
                self._python_directories.add(directory)
        self._call(kind, path)

    def _is_let_through(self, path: str) -> bool:
        return any(root.lets_through(path) for root in self._roots)

    def _call(self, kind: ChangeKind, path: str) -> None:
        if self._stopping.is_set():
            return
        root = self._root_of(path)
        try:
            self._on_change(kind, root.as_given(path) if root else path)
        except Exception as error:  # noqa: BLE001 - it would end watchdog's thread for good
            self._problem(f"The watcher's callback failed with {error!r}.")

    def _root_of(self, path: str) -> "_Root | None":
        """The innermost watch directory that holds the path and does not ignore it."""
        owners = [root for root in self._roots if _is_at_or_below(path, root.real)]
        owners.sort(key=lambda root: (not root.prunes(path), len(root.real)))
        return owners[-1] if owners else None

    def _root_at(self, path: str) -> "_Root | None":
        """The watch directory that has just gone together with this path."""
        return next((root for root in self._roots if _is_at_or_below(root.real, path)), None)

    def _problem_with_limit(self, error: OSError) -> None:
        if error.errno in (errno.ENOSPC, errno.EMFILE):
            limit = "watches" if error.errno == errno.ENOSPC else "instances"
            self._problem(
                f"Not all directories are watched: the limit fs.inotify.max_user_{limit} is "
                "reached. Changed files that are loaded are still noticed at the next request; "
                "raise the limit or ignore large directories."
            )
        elif error.errno != errno.ENOENT:  # A directory that has gone again needs no watch.
            self._problem(f"Some directories are not watched: {error}.")

    def _problem(self, text: str) -> None:
        if text not in self._problems:
            self._problems.add(text)
            self._on_problem(text)


@dataclass(frozen=True, slots=True)
class _Request:
    """What watchdog's dispatcher asks the watcher's thread to do."""

    vanished: str = ""
    appeared: str = ""


@dataclass(frozen=True, slots=True)
class _ScheduledWatch:
    planned: PlannedWatch
    watch: "ObservedWatch"


@dataclass(frozen=True, slots=True)
class _Root:
    """A watch directory, as it was given and as the kernel calls it.

    watchdog does not follow a symlink that is given as a watch.
    """

    given: str
    real: str
    patterns: IgnorePatterns

    @classmethod
    def of(cls, directory: str, ignore_patterns: Sequence[str] | None) -> "_Root":
        given = os.path.abspath(directory)  # noqa: PTH100 - `resolve` would lose the given name
        real = os.path.realpath(given)
        return cls(given, real, IgnorePatterns(ignore_patterns, real, is_virtualenv))

    def check(self) -> None:
        path = Path(self.given)
        if not path.exists():
            raise WatchDirectoryError(
                f"Watch directory {self.given!r} does not exist. "
                "Create it, or name another one with --watch or watch_dirs."
            )
        if not path.is_dir():
            raise WatchDirectoryError(
                f"Watch directory {self.given!r} is a file. Name the directory that holds it."
            )

    def relative(self, path: str) -> str:
        return path[len(self.real.rstrip("/")) + 1 :]

    def as_given(self, path: str) -> str:
        return self.given + path[len(self.real) :]

    def prunes(self, path: str) -> bool:
        return path != self.real and self.patterns.is_pruned_directory(self.relative(path))

    def lets_through(self, path: str) -> bool:
        return _is_at_or_below(path, self.real) and self.patterns.is_watched_file(
            self.relative(path)
        )

    def covers(self, path: str) -> bool:
        return _is_at_or_below(path, self.real) and not self.prunes(path)


@dataclass(frozen=True, slots=True)
class _Signature:
    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int

    @property
    def changed_ns(self) -> int:
        """The last moment at which anything about the file changed, renames included."""
        return max(self.mtime_ns, self.ctime_ns)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The directories of a tree, parents first, and the signature of each watched `.py` file."""

    directories: list[WalkedDirectory] = field(default_factory=list)
    signatures: dict[str, _Signature] = field(default_factory=dict)


def _event_filter() -> "list[type[FileSystemEvent]]":
    """All but opened, closed without a write, and changed attributes.

    Without a filter every file *read* in the tree is an event, and watchdog 7 with more
    than some 4,000 directories feeds itself with the events of its own walk.
    """
    from watchdog import events

    return [
        events.FileCreatedEvent,
        events.FileModifiedEvent,
        events.FileClosedEvent,
        events.FileMovedEvent,
        events.FileDeletedEvent,
        events.DirCreatedEvent,
        events.DirMovedEvent,
        events.DirDeletedEvent,
    ]


def _handler(receive: "Callable[[FileSystemEvent], None]") -> "FileSystemEventHandler":
    from watchdog.events import FileSystemEventHandler

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: "FileSystemEvent") -> None:
            receive(event)

    return Handler()


def _recursion_misses_moved_directories() -> bool:
    """watchdog 6 reports a tree that is moved in, and then misses every later change in it."""
    from watchdog.version import VERSION_MAJOR

    return VERSION_MAJOR < 7


def is_virtualenv(directory: str) -> bool:
    """Whether the directory is a virtual environment, by the file that PEP 405 asks for."""
    return Path(directory, "pyvenv.cfg").is_file()


def count_inotify_watches() -> int:
    """How many inotify watches this process holds, of all its instances. Linux."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        # A descriptor may be closed by another thread between listing and reading.
        with contextlib.suppress(OSError):
            count += sum(line.startswith("inotify ") for line in info.read_text().splitlines())
    return count


def _walk(root: _Root, top: str, stopping: threading.Event) -> _Walk:
    """Walk without following symlinks, so that a loop of them has no end to be found in."""
    walk = _Walk()
    pending = [(top, -1)]
    while pending and not stopping.is_set():
        path, parent = pending.pop()
        index = len(walk.directories)
        pruned = heavy = 0
        for entry in _entries(path):
            if _is_directory(entry):
                if not root.prunes(entry.path):
                    pending.append((entry.path, index))
                elif entry.name != "__pycache__":
                    # One leaf without a `.py`: watched along it costs less than a thread.
                    pruned += 1
                    heavy += entry.name in ALWAYS_IGNORED or is_virtualenv(entry.path)
            elif is_python_file(entry.name) and root.lets_through(entry.path):
                with contextlib.suppress(OSError):  # It has gone since it was listed.
                    walk.signatures[entry.path] = _signature(entry.stat())
        walk.directories.append(WalkedDirectory(path, parent, pruned, heavy))
    return walk


def _entries(path: str) -> Iterator["os.DirEntry[str]"]:
    # A directory that has gone or may not be read is a directory without entries.
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        yield from entries


def _nearest_directory(path: str) -> str:
    """The path itself if it is a directory, else the nearest ancestor that is one."""
    nearest = Path(path)
    while not nearest.is_dir() and nearest != nearest.parent:
        nearest = nearest.parent
    return str(nearest)


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _signature(status: os.stat_result) -> _Signature:
    return _Signature(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _is_at_or_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
