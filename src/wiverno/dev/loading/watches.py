"""What must be watched so that no recorded path can come to mean something else unheard.

A path is followed name by name from the root, through symbolic links. Each directory on the
way is watched for its next name, and what stands at the end is watched itself: by inode, so
that a save through any hard link rings, also through one that is made later.
"""

import errno
import os

from wiverno.dev.loading.inotify import (
    ATTRIB,
    CREATE,
    DELETE,
    DELETE_SELF,
    IGNORED,
    MODIFY,
    MOVE_SELF,
    MOVED_FROM,
    MOVED_TO,
    ONLYDIR,
    Q_OVERFLOW,
    UNMOUNT,
    Event,
    Inotify,
)
from wiverno.dev.loading.mounts import MountTable
from wiverno.dev.loading.record import Entry, EntryKind
from wiverno.dev.loading.search import location_of

_NAMES = CREATE | DELETE | MOVED_FROM | MOVED_TO
_ITSELF = ATTRIB | MOVE_SELF | DELETE_SELF
_DIRECTORY = _NAMES | _ITSELF | ONLYDIR
# A module or data file; a directory in its place does no harm.
_FILE = _NAMES | _ITSELF | MODIFY
# More than the kernel follows.
_MOST_LINKS = 40
# Nothing is there, or nothing that a path could lead through. If it has just gone, the
# directory that named it is watched already, and rings.
_NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR})
_REFUSED = frozenset({errno.ENOSPC, errno.ENOMEM})
# What the kernel makes up changes without an event, too; and where the case of a name does
# not count, the event's name may be another one than the path's.
_UNFIT_TYPES = frozenset({"proc", "sysfs", "vfat", "msdos", "exfat", "ntfs3", "hfs", "hfsplus"})

SEARCHES = frozenset(
    {EntryKind.MISSING_MODULE, EntryKind.MISSING_REGULAR_MODULE, EntryKind.FOUND_MODULE}
)


class UnheardError(Exception):
    """A change of this path may ring nowhere."""


class LimitError(Exception):
    """The kernel allows no more watches."""


class Watches:
    """The watches of one inotify instance, and whom each of their events concerns."""

    def __init__(self, inotify: Inotify, mounts: MountTable, limit: int) -> None:
        """`limit`: how many watches at most."""
        self._inotify = inotify
        self._mounts = mounts
        self._limit = limit
        self._numbers: set[int] = set()
        # Those of directories that paths lead through.
        self._through: set[int] = set()
        # By watch: the entries that end there, whatever happens to it.
        self._ends: dict[int, set[Entry]] = {}
        # By watch and name in it: the entries that end there; None are many that lead on.
        self._names: dict[tuple[int, str], set[Entry | None]] = {}
        # By watch and name before the first dot: the searches for modules of that name.
        self._stems: dict[tuple[int, str], set[Entry]] = {}
        # What directories, as they are written in paths, lead to; None: nowhere.
        self._real: dict[str, str | None] = {}
        self._directories: dict[str, int | None] = {}

    def add(self, entry: Entry) -> None:
        """Watch whatever may change the meaning of an entry; again, if it was before.

        Raises UnheardError and LimitError.
        """
        try:
            if entry.kind in SEARCHES:
                self._add_search(entry)
            elif entry.kind is EntryKind.LISTING:
                self._add_end(entry, _DIRECTORY)
            else:
                self._add_end(entry, _FILE)
        except OSError as error:
            if error.errno in _REFUSED:
                raise LimitError from error
            if error.errno not in _NOTHING:
                # Above all EACCES: what may not be read cannot be watched.
                raise UnheardError from error

    def concerned(self, event: Event) -> set[Entry | None]:
        """The entries to be watched anew after the event, or just swept; None for all."""
        watch, mask, name = event
        if mask & (Q_OVERFLOW | UNMOUNT):
            return {None}
        if mask & IGNORED:
            return self._forget(watch)
        found: set[Entry | None] = set(self._ends.get(watch, ()))
        if name:
            found.update(self._names.get((watch, name), ()))
            found.update(self._stems.get((watch, name.partition(".")[0]), ()))
        elif watch in self._through:
            # It has itself gone, moved or changed its mode.
            found.add(None)
        return found

    def start_over(self, mounts: MountTable) -> None:
        """Follow all paths anew; watches stay, so that nothing goes unheard meanwhile."""
        self._mounts = mounts
        self._real.clear()
        self._directories.clear()

    def _forget(self, watch: int) -> set[Entry | None]:
        """Of a file it was told by its directory's watch, and by name, that it is gone."""
        self._numbers.discard(watch)
        ended = self._ends.pop(watch, set())
        return {None} if watch in self._through else set(ended)

    def _add_search(self, entry: Entry) -> None:
        """The directory for the name that is looked for; what has this name for `__init__`."""
        found = entry.kind is EntryKind.FOUND_MODULE
        directory, name = location_of(entry.path) if found else os.path.split(entry.path)
        real = self._real_of(directory)
        watch = None if real is None else self._watch_directory(real)
        if real is None or watch is None:
            return
        self._check_rings(real)
        self._stems.setdefault((watch, name), set()).add(entry)
        location = self._step(real, name, entry, 0)
        if location is None:
            return
        self._check_rings(location)
        inner = self._watch_directory(location)
        if inner is not None:
            self._stems.setdefault((inner, "__init__"), set()).add(entry)

    def _add_end(self, entry: Entry, mask: int) -> None:
        directory, name = os.path.split(entry.path)
        parent = self._real_of(directory)
        real = None if parent is None else self._step(parent, name, entry, 0)
        if real is None:
            return
        self._check_rings(real)
        self._ends.setdefault(self._watch(real, mask), set()).add(entry)

    def _real_of(self, directory: str) -> str | None:
        """Where the directory is, without links; None where it is not there."""
        if directory == os.sep:
            return directory
        if directory not in self._real:
            above, name = os.path.split(directory)
            parent = self._real_of(above)
            self._real[directory] = None if parent is None else self._step(parent, name, None, 0)
        return self._real[directory]

    def _step(self, parent: str, name: str, entry: Entry | None, links: int) -> str | None:
        """What `name` leads to from the real directory `parent`; None where that is nothing.

        Watched before it is asked: what changes in between rings.
        """
        watch = self._watch_directory(parent)
        if watch is None:
            self._check_rings(parent)
            return None
        self._names.setdefault((watch, name), set()).add(entry)
        path = os.path.join(parent, name)
        try:
            target = self._inotify.read_link(path)
        except OSError as error:
            if error.errno not in _NOTHING:
                raise
            self._check_rings(parent)
            return None
        if target is None:
            return path
        self._check_rings(parent)
        return self._follow(parent, target, entry, links + 1)

    def _follow(self, directory: str, target: str, entry: Entry | None, links: int) -> str | None:
        """What a symbolic link in `directory` leads to."""
        if links > _MOST_LINKS:
            raise UnheardError
        real: str | None = os.sep if target.startswith(os.sep) else directory
        for name in target.split(os.sep):
            if real is None or name in ("", os.curdir):
                continue
            if name == os.pardir:
                real = os.path.dirname(real)
            else:
                real = self._step(real, name, entry, links)
        return real

    def _watch_directory(self, real: str) -> int | None:
        """None where it is none (any more): nothing has a name in it."""
        if real not in self._directories:
            try:
                number = self._watch(real, _DIRECTORY)
            except OSError as error:
                if error.errno not in _NOTHING:
                    raise
                self._directories[real] = None
            else:
                self._directories[real] = number
                self._through.add(number)
        return self._directories[real]

    def _watch(self, path: str, mask: int) -> int:
        number = self._inotify.watch(path, mask)
        self._numbers.add(number)
        if len(self._numbers) > self._limit:
            raise LimitError
        return number

    def _check_rings(self, path: str) -> None:
        mount = self._mounts.mount_of(path)
        if mount is None or mount.rings_no_events or mount.type in _UNFIT_TYPES:
            raise UnheardError
