"""All that differs between a record and the disk, where the gate stops at the first.

For the two policies that a user chooses: `--reload manual` counts the differences, and
`--on-error keep` takes what is there now for what was seen.
"""

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from wiverno.dev.loading.contents import adopt_same_content, digest_of, is_racy, read_signed
from wiverno.dev.loading.expectations import expected_of
from wiverno.dev.loading.folder_names import digest_names
from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.search import find_module, list_names
from wiverno.dev.loading.signatures import ABSENT, LEFT, UNLIKE_ANY, Signature, read_signature
from wiverno.dev.loading.sweep import Absence, Sweep

# They say something about the bytes of a file that another entry is about.
_ABOUT_BYTES = (EntryKind.CONTENT, EntryKind.RACY, EntryKind.ADOPTED)
_ListNames: TypeAlias = Callable[[str], frozenset[str]]
_FILES = (EntryKind.MODULE, EntryKind.DATA, EntryKind.MISSING_DATA)


def differing_paths(record: Record) -> set[str]:
    """Files that are others or gone, and names that are there now, wherever the record differs."""
    names_in = functools.cache(list_names)
    paths = (_differing_path(record, entry, names_in) for entry in record.entries())
    return {path for path in paths if path is not None}


def entries_of_now(entries: Sequence[Entry]) -> Iterator[Entry]:
    """What the entries would say if all had been seen on the disk of now.

    A search that ends elsewhere by now is left out: what it found now is in the record of
    a build that has searched since.
    """
    files = {entry: _file_of_now(entry) for entry in entries if entry.kind in _FILES}
    changed = {entry.path for entry, now in files.items() if now != entry}
    for entry in entries:
        match entry.kind:
            case EntryKind.MODULE | EntryKind.DATA | EntryKind.MISSING_DATA:
                yield files[entry]
            case EntryKind.LISTING:
                left = entry.signature == LEFT
                yield entry if left else entry._replace(signature=digest_names(entry.path))
            case EntryKind.CONTENT:
                if entry.path not in changed and entry.signature != UNLIKE_ANY:
                    yield entry
            case EntryKind.RACY | EntryKind.ADOPTED:
                pass  # Of the bytes that were seen then.
            case _:
                if _other_find(entry, list_names) is None:
                    yield entry


class DifferenceCount:
    """How many differences there are now; counted again only where the disk has changed since."""

    def __init__(self, record: Record, clock_ns: Callable[[], int] = time.time_ns) -> None:
        """`clock_ns` is the wall clock."""
        self._record = record
        self._clock_ns = clock_ns
        self._entries: tuple[Entry, ...] | None = None
        self._sweep = Sweep(())
        self._absence = Absence(())
        self._count = 0
        self._is_certain = False

    def count(self) -> int:
        if not self._is_still_true():
            self._prepare()
            self._count = len(differing_paths(self._record))
        return self._count

    def _is_still_true(self) -> bool:
        return (
            self._is_certain
            and self._entries is self._record.entries()
            and self._sweep.first_difference() is None
            and self._absence.first_appeared() is None
        )

    def _prepare(self) -> None:
        """Before the count: what changes meanwhile is counted the next time."""
        self._entries = self._record.entries()
        seen = {path: read_signature(path) for path in set(_places(self._entries))}
        self._sweep = Sweep([(path, now) for path, now in seen.items() if now != ABSENT])
        self._absence = Absence([path for path, now in seen.items() if now == ABSENT])
        # A write in the same tick would leave the signature as it is.
        now_ns = self._clock_ns()
        self._is_certain = not any(is_racy(signature, now_ns) for signature in seen.values())


def _places(entries: Iterable[Entry]) -> Iterator[str]:
    """The files and directories whose signatures tell that a count may be another one."""
    for entry in entries:
        match entry.kind:
            case EntryKind.CONTENT | EntryKind.RACY | EntryKind.ADOPTED:
                pass
            case EntryKind.MODULE | EntryKind.DATA | EntryKind.MISSING_DATA | EntryKind.LISTING:
                yield entry.path
            case _:
                directory, name, _ = expected_of(entry)
                yield directory
                # It may be a directory, in which `__init__` appears.
                yield f"{directory}/{name}"


def _differing_path(record: Record, entry: Entry, names_in: _ListNames) -> str | None:
    kind, path, signature = entry
    if kind in _ABOUT_BYTES or signature == LEFT:
        return None
    if kind is EntryKind.LISTING:
        return None if digest_names(path) == signature else path
    if kind not in _FILES:
        return _other_find(entry, names_in)
    now = read_signature(path)
    if now == signature:
        return path if _has_other_bytes(record, path, signature) else None
    if kind is EntryKind.MODULE and adopt_same_content(record, path):
        return None
    return path


def _has_other_bytes(record: Record, path: str, signature: Signature) -> bool:
    """Was it written again in the tick in which it was read?"""
    racy = record.get(path, EntryKind.RACY)
    if racy is None or racy.signature != signature:
        return False
    read = read_signed(path, signature[1])
    return read is None or digest_of(read[1]) != record.content(path)


def _other_find(entry: Entry, names_in: _ListNames) -> str | None:
    """Where a search would end now, if it is not where it ended."""
    directory, name, results = expected_of(entry)
    found = find_module(directory, name, names_in(directory))
    if found in results:
        return None
    return found or entry.path


def _file_of_now(entry: Entry) -> Entry:
    if entry.signature == LEFT:
        return entry
    now = read_signature(entry.path)
    if entry.kind is EntryKind.MODULE:
        return entry._replace(signature=now)
    kind = EntryKind.MISSING_DATA if now == ABSENT else EntryKind.DATA
    return Entry(kind, entry.path, now)
