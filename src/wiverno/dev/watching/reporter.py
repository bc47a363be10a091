"""The reporter: tells the changes of watched `.py` files, and of directories that held some.

Called from the watcher's thread and from watchdog's that dispatches.
"""

import os
import threading
from collections.abc import Callable
from enum import StrEnum

from wiverno.dev.watching.filters import is_python_file
from wiverno.dev.watching.roots import Roots, is_at_or_below
from wiverno.dev.watching.walk import Walk


class ChangeKind(StrEnum):
    """What happened to a path. A rename is `DELETED` for the old name and `MOVED` for the new."""

    CREATED = "created"
    MODIFIED = "modified"
    MOVED = "moved"
    DELETED = "deleted"


class Reporter:
    """Narrows what walks and events say to what matters, and hands that to `tell`."""

    def __init__(self, roots: Roots, tell: Callable[[ChangeKind, str], object]) -> None:
        self._roots = roots
        self._tell = tell
        # Those that hold watched files, as far as walks and events told.
        self._directories: set[str] = set()
        self._directories_lock = threading.Lock()

    def report(self, kind: ChangeKind, file: str) -> None:
        """Tell it if the file matters and, unless it was deleted, is there."""
        directory, name = os.path.split(file)
        if not is_python_file(name) or not self._roots.lets_through(file):
            return
        # A watch follows a directory that was moved away and still tells the old path.
        # Whatever removed the file is told by an event of its own.
        if kind is not ChangeKind.DELETED:
            if not os.path.lexists(file):
                return
            with self._directories_lock:
                self._directories.add(directory)
        self._tell(kind, file)

    def report_vanished_directory(self, path: str) -> None:
        """Tell it if the directory held watched files."""
        with self._directories_lock:
            held = {known for known in self._directories if is_at_or_below(known, path)}
            self._directories -= held
        if held:
            self._tell(ChangeKind.DELETED, path)

    def report_missed(self, before: Walk, after: Walk, since_ns: int) -> None:
        """Tell what became different between two walks, or shortly before them."""
        for file, signature in after.signatures.items():
            mtime_ns, _, _, ctime_ns = signature
            if file not in before.signatures:
                self.report(ChangeKind.CREATED, file)
            elif before.signatures[file] != signature or max(mtime_ns, ctime_ns) > since_ns:
                self.report(ChangeKind.MODIFIED, file)
        for file in before.signatures.keys() - after.signatures.keys():
            self.report(ChangeKind.DELETED, file)

    def remember(self, walk: Walk) -> None:
        """Learn from a walk which directories hold watched files."""
        with self._directories_lock:
            self._directories.update(map(os.path.dirname, walk.signatures))
