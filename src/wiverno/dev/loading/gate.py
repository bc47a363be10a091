"""The gate: does the record still equal the disk? Asked once per request.

A sweep over the signatures, about one microsecond a file. Strict: it needs no file
event and no clock.
"""

import os
from importlib.machinery import all_suffixes

from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT, Signature, read_signature
from wiverno.dev.loading.sweep import Sweep

_MODULE_SUFFIXES = tuple(all_suffixes())


class Gate:
    """Compares one record with the disk. Once stale, always stale."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._swept: tuple[Entry, ...] | None = None
        self._sweep = Sweep(())
        self._absent: tuple[str, ...] = ()
        self._missing_names = _MissingNames()
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
            or self._missing_names.first_found()
        )

    def _learn(self, entries: tuple[Entry, ...]) -> None:
        modules = [entry for entry in entries if entry.kind is EntryKind.MODULE]
        self._sweep = Sweep(
            [(entry.path, entry.signature) for entry in modules if entry.signature != ABSENT]
        )
        self._absent = tuple(entry.path for entry in modules if entry.signature == ABSENT)
        for entry in entries:
            if entry.kind is EntryKind.MISSING_MODULE:
                self._missing_names.add(entry.path, entry.signature)
        self._swept = entries


class _MissingNames:
    """Names looked for in vain, by directory: the directory's signature says when to look again."""

    def __init__(self) -> None:
        self._directories: dict[str, Signature] = {}
        self._names: dict[str, set[str]] = {}

    def add(self, path: str, signature: Signature) -> None:
        directory, name = os.path.split(path)
        # The oldest signature stays: a name created between two searches must be seen.
        self._directories.setdefault(directory, signature)
        self._names.setdefault(directory, set()).add(name)

    def first_found(self) -> str | None:
        for directory, signature in self._directories.items():
            now = read_signature(directory)
            if now == signature:
                continue
            for name in self._names[directory]:
                if found := find_module_file(directory, name):
                    return found
            self._directories[directory] = now
        return None


def find_module_file(directory: str, name: str) -> str | None:
    """The path that would satisfy an import of `name` from `directory`, if there is one."""
    try:
        present = set(os.listdir(directory))
    except OSError:
        return None
    if name in present and os.path.isdir(os.path.join(directory, name)):
        return os.path.join(directory, name)
    for suffix in _MODULE_SUFFIXES:
        if name + suffix in present:
            return os.path.join(directory, name + suffix)
    return None
