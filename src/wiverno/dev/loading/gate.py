"""The gate: does the record still equal the disk? Asked once per request.

A sweep over the signatures, about one microsecond a file. Strict: it needs no file
event and no clock.
"""

import os

from wiverno.dev.loading.expectations import Expectations
from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT
from wiverno.dev.loading.sweep import Sweep


class Gate:
    """Compares one record with the disk. Once stale, always stale."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._swept: tuple[Entry, ...] = ()
        self._sweep = Sweep(())
        self._absent: tuple[str, ...] = ()
        self._searches = Expectations()
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
        entries = self._record.entries()
        if entries is not self._swept:
            self._learn(entries)
        return (
            self._sweep.first_difference()
            or next(filter(os.path.exists, self._absent), None)
            or self._searches.first_difference()
        )

    def _learn(self, entries: tuple[Entry, ...]) -> None:
        modules = [entry for entry in entries if entry.kind is EntryKind.MODULE]
        self._sweep = Sweep(
            [(entry.path, entry.signature) for entry in modules if entry.signature != ABSENT]
        )
        self._absent = tuple(entry.path for entry in modules if entry.signature == ABSENT)
        # New ones are last, and of these none is ever another one later.
        for entry in entries[len(self._swept) :]:
            if entry.kind is not EntryKind.MODULE:
                self._searches.add(entry)
        self._swept = entries
