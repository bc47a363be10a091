"""What a failed process has loaded, compared with the version that served last."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from wiverno.dev.failure.changed_lines import ChangedLines, changed_lines
from wiverno.dev.failure.excerpts import SourceLine, pick_lines
from wiverno.dev.loading.sources import lines_of

MAX_CHANGED_FILES = 3
MAX_LINES_OF_A_FILE = 8

_UNCHANGED = ChangedLines()


class FileChange(StrEnum):
    CHANGED = "changed"
    NEW = "new"
    """The last good version had not loaded it."""
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that is other than in the last good version, with some of its changed lines."""

    file: str
    change: FileChange
    source: tuple[SourceLine, ...] = ()
    more_lines: int = 0
    """Changed lines that `source` leaves out."""


class SinceLastGood:
    """Answers what changed. Files are compared when somebody asks for them."""

    def __init__(
        self, loaded: Mapping[str, bytes | None], good: Mapping[str, bytes | None] | None
    ) -> None:
        """The sources of both by file; None for one that is not known.

        Without a good version nothing is changed.
        """
        self._loaded = loaded
        self._good = good
        self._lines: dict[str, ChangedLines] = {}

    def lines(self, file: str) -> ChangedLines:
        """Nothing for a new file: all of it is."""
        if file not in self._lines:
            self._lines[file] = self._compare(file)
        return self._lines[file]

    def is_new(self, file: str) -> bool:
        return self._good is not None and file in self._loaded and file not in self._good

    def changed_files(self) -> tuple[ChangedFile, ...]:
        """Changed ones first, and of them what was loaded last: it is nearest to the failure."""
        return tuple(
            self._changed_file(file, change) for file, change in self._changes[:MAX_CHANGED_FILES]
        )

    def more_changed_files(self) -> int:
        """How many `changed_files` leaves out."""
        return max(0, len(self._changes) - MAX_CHANGED_FILES)

    @cached_property
    def _changes(self) -> list[tuple[str, FileChange]]:
        if self._good is None:
            return []
        loaded, good = self._loaded, self._good
        latest = list(loaded)[::-1]
        changed = [file for file in latest if self._differs(file)]
        new = [file for file in latest if file not in good]
        # As text: pathlib costs 5 ms.
        absent = [file for file in good if not os.path.exists(file)]  # noqa: PTH110 - see above
        removed = [file for file in absent if file not in loaded]
        return [
            *((file, FileChange.CHANGED) for file in changed),
            *((file, FileChange.NEW) for file in new),
            *((file, FileChange.REMOVED) for file in removed),
        ]

    def _differs(self, file: str) -> bool:
        source, before = self._loaded.get(file), (self._good or {}).get(file)
        return source is not None and before is not None and source != before

    def _compare(self, file: str) -> ChangedLines:
        source, before = self._loaded.get(file), (self._good or {}).get(file)
        if source is None or before is None or source == before:
            return _UNCHANGED
        return changed_lines(lines_of(before), lines_of(source))

    def _changed_file(self, file: str, change: FileChange) -> ChangedFile:
        source = self._loaded.get(file)
        if change is not FileChange.CHANGED or source is None:
            return ChangedFile(file, change)
        lines, changed = lines_of(source), self.lines(file)
        # What was removed has no number: the line that follows stands for it.
        marked = changed.changed | {min(line, len(lines)) for line in changed.removed_above}
        shown = sorted(marked - {0})[:MAX_LINES_OF_A_FILE]
        more = len(changed.changed.difference(shown))
        return ChangedFile(file, change, pick_lines(lines, shown, changed), more)


NOTHING_KNOWN = SinceLastGood({}, None)
"""There was no good version, or nobody kept it."""
