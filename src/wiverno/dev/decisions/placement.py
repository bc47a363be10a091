"""At which points of an import a snapshot is worth its price. PURE.

One costs three milliseconds for the fork, up to ten times that for the pages that are copied
behind it, and two to four megabytes. It pays when a later change resumes there what would else
be imported again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_KEPT = 3
"""Snapshots that one session keeps. With supervisor, pages, template, worker and the process
that waits for the next build it has eight processes then."""

# Less import time than this is as fast to do again as to fork.
_HOT_GAP_S = 0.004
_ENTRY_GAP_S = 0.010
_GAP_S = 0.040
# Each is a fork, behind which every page that is written to is copied anew: 10 to 30 ms.
_RESTART_GAP_S = 0.400
# So many without a hot file before the gap doubles: long imports get few, far apart.
_PER_GAP = 2


class Place(StrEnum):
    """A point of an import, seen from the file that it is about."""

    BEFORE = "before"
    """The file, a module, is about to be read."""
    BEHIND_IMPORTS = "behind imports"
    """The module goes on behind a run of imports."""
    AT_END = "at the end"
    """All is imported, and the file was not read: a template, or a module that comes later."""


class Placement:
    """Decides for one build."""

    def __init__(self, hot_files: Collection[str]) -> None:
        """`hot_files` were edited lately, and the next edit is likely there; none at the start."""
        self._hot_files = frozenset(hot_files)
        self._taken = 0

    def wants(self, path: str, place: Place, *, is_entry: bool, since_last_s: float) -> bool:
        """Is it worth it to fork at this place of `path`?

        `since_last_s` is the import time since the last snapshot or the beginning.
        """
        if place is not Place.BEHIND_IMPORTS and path in self._hot_files:
            return since_last_s >= _HOT_GAP_S
        # At a restart somebody waits: a place that was not edited has to be worth it.
        if is_entry and place is Place.BEHIND_IMPORTS:
            is_likely = not self._hot_files or path in self._hot_files
            return since_last_s >= (_ENTRY_GAP_S if is_likely else _RESTART_GAP_S)
        gap_s = _RESTART_GAP_S if self._hot_files else _GAP_S
        return since_last_s >= gap_s * (1 << (self._taken // _PER_GAP))

    def took(self) -> None:
        self._taken += 1


@dataclass(frozen=True, slots=True)
class Kept:
    """What a choice between snapshots needs to know of one, in the order of their depth."""

    import_s: float
    """How much import time lies before it."""
    is_hot: bool


def one_too_many(kept: Sequence[Kept], most: int = MOST_KEPT) -> int | None:
    """The index of the snapshot to let go; None while they are few enough.

    That one whose absence costs the least import time; hot ones and the deepest stay as long
    as there are others.
    """
    if len(kept) <= most:
        return None
    losses = [
        (each.is_hot or index == len(kept) - 1, each.import_s - before)
        for index, (each, before) in enumerate(
            zip(kept, [0.0, *(one.import_s for one in kept)], strict=False)
        )
    ]
    return losses.index(min(losses))
