"""Compares entries of a record with the disk of now, each kind in its way."""

from collections.abc import Iterator, Sequence

from wiverno.dev.loading.contents import adopt_same_content
from wiverno.dev.loading.expectations import Expectations
from wiverno.dev.loading.folder_names import FolderNames
from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT, LEFT
from wiverno.dev.loading.sweep import Absence, Sweep


class Comparison:
    """Of all entries that it learned; it learns those of one kind at once."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._learned: dict[EntryKind, Sequence[Entry]] = {}
        self._modules = _Files()
        self._data = _Files()
        self._missing_data = _Files()
        self._searches = Expectations()
        self._names = FolderNames()

    def learn(self, kind: EntryKind, entries: Sequence[Entry]) -> None:
        """All entries of a kind: again with new ones last, or unchanged."""
        known = self._learned.get(kind, ())
        if entries is known:
            return
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
            case EntryKind.RACY | EntryKind.CONTENT | EntryKind.ADOPTED | EntryKind.WRITTEN:
                pass  # What they say is asked of the record.
            case _:
                # New ones are last, and of these kinds none is ever another one later.
                for entry in entries[len(known) :]:
                    self._searches.add(entry)

    def first_difference(self) -> str | None:
        """The first path that differs from what was recorded; same content is adopted."""
        return (
            self._first_module_with_other_content()
            or next(self._data.differences(), None)
            or self._modules.first_appeared()
            or self._missing_data.first_appeared()
            or self._searches.first_difference()
            or self._names.first_difference()
        )

    def is_next_part_equal(self) -> bool:
        """Whether a few of the files have their signatures; other ones each time."""
        return self._modules.is_next_part_equal() and self._data.is_next_part_equal()

    def _first_module_with_other_content(self) -> str | None:
        for path in self._modules.differences():
            if not adopt_same_content(self._record, path):
                return path
        return None


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

    def is_next_part_equal(self) -> bool:
        return self._sweep.is_next_part_equal()

    def first_appeared(self) -> str | None:
        return self._absence.first_appeared()
