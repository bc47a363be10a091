"""Files that the user has named: looked at once in a while, wherever they lie.

They are few, may be missing with all the folders above them, and are gated like any other
file: this only rings for those that nobody asks for.
"""

from collections.abc import Callable, Sequence

from wiverno.dev.loading.signatures import ABSENT, Signature, read_signature
from wiverno.dev.watching.reporter import ChangeKind


class NamedFiles:
    """Tells what changes in them. Used by the watcher's thread only, but for the first look."""

    def __init__(self, paths: Sequence[str], tell: Callable[[ChangeKind, str], object]) -> None:
        """`paths` are absolute."""
        self._tell = tell
        self._seen: dict[str, Signature] = {path: read_signature(path) for path in paths}

    def tend(self) -> None:
        for path, before in self._seen.items():
            now = read_signature(path)
            if now != before:
                self._seen[path] = now
                self._tell(_kind(before, now), path)


def _kind(before: Signature, now: Signature) -> ChangeKind:
    if now == ABSENT:
        return ChangeKind.DELETED
    return ChangeKind.CREATED if before == ABSENT else ChangeKind.MODIFIED
