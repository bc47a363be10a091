"""The gate: does the record still equal the disk? Asked once per request.

A sweep over the signatures, about one microsecond a file. Strict: it needs no file
event, and a clock only for files that were read when they had just been written.
"""

import time
from collections.abc import Callable, Iterator, Sequence

from wiverno.dev.loading.contents import RacyFiles, adopt_same_content
from wiverno.dev.loading.expectations import Expectations
from wiverno.dev.loading.folder_names import FolderNames
from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT, LEFT
from wiverno.dev.loading.sweep import Absence, Sweep


class Gate:
    """Compares one record with the disk. Once stale, always stale."""

    def __init__(self, record: Record, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._record = record
        self._learned: dict[EntryKind, tuple[Entry, ...]] = {}
        self._modules = _Files()
        self._data = _Files()
        self._missing_data = _Files()
        self._racy = RacyFiles(record, clock_s)
        self._searches = Expectations()
        self._names = FolderNames()
        self._stale_path: str | None = None

    @property
    def stale_path(self) -> str | None:
        """The first path seen to differ; None while the record equals the disk."""
        return self._stale_path

    def is_fresh(self) -> bool:
        if self._stale_path is None:
            self._stale_path = self._first_difference()
        return self._stale_path is None

    def _first_difference(self) -> str | None:
        for kind in EntryKind:
            entries = self._record.of_kind(kind)
            if entries is not self._learned.get(kind):
                self._learn(kind, entries)
        return (
            self._first_module_with_other_content()
            or next(self._data.differences(), None)
            or self._racy.first_difference()
            or self._modules.first_appeared()
            or self._missing_data.first_appeared()
            or self._searches.first_difference()
            or self._names.first_difference()
        )

    def _first_module_with_other_content(self) -> str | None:
        for path in self._modules.differences():
            if not adopt_same_content(self._record, path):
                return path
        return None

    def _learn(self, kind: EntryKind, entries: tuple[Entry, ...]) -> None:
        known = self._learned.get(kind, ())
        self._learned[kind] = entries
        match kind:
            case EntryKind.MODULE:
                self._modules.learn(entries)
            case EntryKind.DATA:
                self._data.learn(entries)
            case EntryKind.MISSING_DATA:
                self._missing_data.learn(entries)
            case EntryKind.LISTING:
                self._names.learn(entries)
            case EntryKind.RACY:
                self._racy.learn(entries)
            case EntryKind.CONTENT | EntryKind.ADOPTED | EntryKind.WRITTEN:
                pass  # What they say is asked of the record.
            case _:
                # New ones are last, and of these kinds none is ever another one later.
                for entry in entries[len(known) :]:
                    self._searches.add(entry)


class _Files:
    """Those that were there, with their signatures, and those that were not."""

    def __init__(self) -> None:
        self._sweep = Sweep(())
        self._absence = Absence(())

    def learn(self, entries: Sequence[Entry]) -> None:
        self._sweep = Sweep(
            [(path, seen) for _, path, seen in entries if seen not in (ABSENT, LEFT)]
        )
        self._absence = Absence([path for _, path, seen in entries if seen == ABSENT])

    def differences(self) -> Iterator[str]:
        return self._sweep.differences()

    def first_appeared(self) -> str | None:
        return self._absence.first_appeared()
