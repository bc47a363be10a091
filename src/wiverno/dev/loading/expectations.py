"""What searches for modules took from each directory, compared with the disk of now.

A directory's signature says when to look into it; what was found there says whether that
means anything. So any number of unrelated files may come and go.
"""

import os
import time
from collections.abc import Iterable
from typing import TypeAlias

from wiverno.dev.loading.contents import is_racy
from wiverno.dev.loading.record import Entry, EntryKind
from wiverno.dev.loading.search import find_module, list_names, location_of
from wiverno.dev.loading.signatures import ABSENT, UNLIKE_ANY, Signature, read_signature
from wiverno.dev.loading.sweep import Absence, Sweep

_Results: TypeAlias = frozenset[str | None]
"""What `find_module` may give."""


class Expectations:
    """Looks once at what was added since the last look, then only where a directory changed."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, _Results]] = {}
        # Each directory above, and each `directory/name` that is one: `__init__` may appear.
        self._signatures: dict[str, Signature] = {}
        self._sweep = Sweep(())
        self._absence = Absence(())
        # Names that were added since the last look, by directory.
        self._news: dict[str, set[str]] = {}

    def add(self, entry: Entry) -> None:
        directory, name, results = expected_of(entry)
        names = self._names.setdefault(directory, {})
        # One search may want nothing there, and another one under another parent no file.
        names[name] = names.get(name, results) & results
        self._signatures.setdefault(directory, UNLIKE_ANY)
        self._news.setdefault(directory, set()).add(name)

    def first_difference(self) -> str | None:
        """A path that would make a search end elsewhere; None if all would end as they did."""
        if (
            self._news
            or self._sweep.first_difference() is not None
            or self._absence.first_appeared() is not None
        ):
            return self._look_again()
        return None

    def _look_again(self) -> str | None:
        # All signatures before all looks: what changes meanwhile is seen the next time.
        now = {directory: read_signature(directory) for directory in self._signatures}
        changed = {path for path in now if now[path] != self._signatures[path]}
        changed.update([os.path.dirname(path) for path in changed])
        for directory in self._names.keys() & (changed | self._news.keys()):
            names = self._names[directory] if directory in changed else self._news[directory]
            if difference := self._look_into(directory, names):
                return difference
        now_ns = time.time_ns()
        for directory, signature in now.items():
            # Another name may come in the same tick, and leave the signature as it is.
            is_young = is_racy(signature, now_ns)
            self._signatures[directory] = UNLIKE_ANY if is_young else signature
        self._prepare_sweep()
        return None

    def _look_into(self, directory: str, names: Iterable[str]) -> str | None:
        present = list_names(directory)
        stems = {name.partition(".")[0] for name in present}
        for name in names:
            expected = self._names[directory][name]
            found = None
            if name in stems:
                if name in present:
                    self._watch(os.path.join(directory, name))
                found = find_module(directory, name, present)
            if found not in expected:
                return found or os.path.join(directory, name)
        return None

    def _watch(self, path: str) -> None:
        if path not in self._signatures and os.path.isdir(path):
            self._signatures[path] = read_signature(path)

    def _prepare_sweep(self) -> None:
        signatures = self._signatures.items()
        self._sweep = Sweep([(path, seen) for path, seen in signatures if seen != ABSENT])
        self._absence = Absence([path for path, seen in signatures if seen == ABSENT])
        self._news.clear()


def expected_of(entry: Entry) -> tuple[str, str, _Results]:
    """The directory of a search, the name, and where the search of it may end."""
    if entry.kind is EntryKind.FOUND_MODULE:
        return *location_of(entry.path), frozenset({entry.path})
    nothing: _Results = frozenset({None})
    if entry.kind is EntryKind.MISSING_REGULAR_MODULE:
        nothing |= {entry.path}
    return *os.path.split(entry.path), nothing
