"""The reporter: tells the changes of watched `.py` files, and of directories that held some.

Called from the watcher's thread and from watchdog's that dispatches.
"""

import os
import threading
from collections.abc import Callable, Collection
from enum import StrEnum

from wiverno.dev.loading.signatures import ABSENT, Signature, read_signature
from wiverno.dev.watching.filters import is_python_file
from wiverno.dev.watching.known import KnownFiles
from wiverno.dev.watching.roots import Roots
from wiverno.dev.watching.walk import Walk


class ChangeKind(StrEnum):
    """What happened to a path. A rename is `DELETED` for the old name and `MOVED` for the new."""

    CREATED = "created"
    MODIFIED = "modified"
    MOVED = "moved"
    DELETED = "deleted"


class Reporter:
    """Narrows what walks and events say to what matters, and hands that to `tell`.

    It knows the signature of each watched file as it was last told or seen, so that what
    events did not tell is found by comparing a walk with it, and told once.
    """

    def __init__(self, roots: Roots, tell: Callable[[ChangeKind, str], object]) -> None:
        self._roots = roots
        self._tell = tell
        self._known = KnownFiles()
        self._known_lock = threading.Lock()

    def report(self, kind: ChangeKind, file: str) -> None:
        """Tell it if the file matters and, unless it was deleted, is there."""
        if not is_python_file(os.path.split(file)[1]) or not self._roots.lets_through(file):
            return
        # A watch follows a directory that was moved away and still tells the old path.
        # Whatever removed the file is told by an event of its own.
        if kind is not ChangeKind.DELETED and not os.path.lexists(file):
            return
        self._learn(file, read_signature(file))
        self._tell(kind, file)

    def report_vanished_directory(self, path: str) -> None:
        """Tell it if the directory held watched files."""
        with self._known_lock:
            has_held = self._known.forget_directory(path)
        if has_held:
            self._tell(ChangeKind.DELETED, path)

    def report_differences(
        self, walk: Walk, top: str, left_out: Collection[str] = frozenset()
    ) -> None:
        """Tell in what the tree below `top`, just walked, differs from what is known."""
        with self._known_lock:
            known = self._known.below(top, left_out)
        for file, signature in walk.signatures.items():
            if known.pop(file, None) != signature:
                self._look_at(file)
        # Gone, or outside this walk: below a directory that it prunes and another root watches.
        for file in known:
            self._look_at(file)

    def report_saved_since(self, walk: Walk, since_ns: int) -> None:
        """Learn a first walk; tell what was saved between `since_ns` and it."""
        for file, signature in walk.signatures.items():
            self._learn(file, signature)
            mtime_ns, _, _, ctime_ns = signature
            if max(mtime_ns, ctime_ns) > since_ns:
                self.report(ChangeKind.MODIFIED, file)

    def _look_at(self, file: str) -> None:
        # Read again: an event may have told the difference since the walk came by.
        with self._known_lock:
            before = self._known.signature_of(file)
        now = read_signature(file)
        if now == before:
            return
        if now == ABSENT:
            self.report(ChangeKind.DELETED, file)
        else:
            self.report(ChangeKind.CREATED if before == ABSENT else ChangeKind.MODIFIED, file)

    def _learn(self, file: str, signature: Signature) -> None:
        with self._known_lock:
            self._known.learn(file, signature)
