"""Stands first in `sys.meta_path`: records what imports find, and where they look in vain."""

import sys
import time
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from wiverno.dev.loading.loader import RecordingLoader
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.search import Listings, absolute, dependencies, has_folder_changed
from wiverno.dev.loading.signatures import ABSENT, UNLIKE_ANY, read_signature
from wiverno.dev.loading.sources import Sources
from wiverno.dev.loading.user_code import UserCode


class RecordingFinder:
    """Asks the other finders as the import system would, then wraps what is user code.

    Asking them all, not only `PathFinder`, keeps editable installs, frozen and built-in
    modules and the finders of the application itself as they are.
    """

    def __init__(self, record: Record, user_code: UserCode, sources: Sources | None = None) -> None:
        self._record = record
        self._sources = Sources() if sources is None else sources
        self._user_code = user_code
        self._listings = Listings()

    def install(self) -> None:
        """From now on record what is imported, and what of the user's already is."""
        for module in tuple(sys.modules.values()):
            spec: object = getattr(module, "__spec__", None)
            if isinstance(spec, ModuleSpec):
                self._record_file(spec)
        sys.meta_path.insert(0, self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        begun_ns = time.time_ns()
        # Looked at first: what appears during the search must make the record stale.
        before = [
            (directory, self._listings.find_module(directory, name))
            for directory in self._user_directories(sys.path if path is None else path)
        ]
        spec, was_path_asked, has_path_in_vain = self._ask_the_others(fullname, path, target)
        found = None if has_path_in_vain else spec
        for kind, location in dependencies(name, before, found):
            if kind is not EntryKind.MODULE:
                self._record.add(kind, location, ABSENT)
            elif was_path_asked and has_folder_changed(location, begun_ns):
                # The path finder should have taken it: it was away when that one looked.
                self._record.add(kind, location, UNLIKE_ANY)
        if spec is not None and self._record_file(spec):
            self._wrap(spec)
        return spec

    def _user_directories(self, search_path: Iterable[object]) -> list[str]:
        # The import system passes over what is no text, as it does over what does not exist.
        entries = [entry for entry in search_path if isinstance(entry, str)]
        return [path for path in map(absolute, entries) if self._user_code.contains(path)]

    def _ask_the_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> tuple[ModuleSpec | None, bool, bool]:
        """The answer; whether the directories of the path were searched; and without one."""
        has_path_in_vain = False
        for finder in tuple(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is self or find_spec is None:
                continue
            spec: ModuleSpec | None = find_spec(fullname, path, target)
            if spec is not None:
                return spec, has_path_in_vain or finder is PathFinder, has_path_in_vain
            has_path_in_vain = has_path_in_vain or finder is PathFinder
        return None, has_path_in_vain, has_path_in_vain

    def _record_file(self, spec: ModuleSpec) -> bool:
        """Whether the module comes from a file of the user, or from an archive."""
        # Finders and loaders of the application put there what they like.
        origin: object = spec.origin
        if not spec.has_location or not isinstance(origin, str):
            return False
        archive: object = getattr(spec.loader, "archive", None)
        file = absolute(archive if isinstance(archive, str) else origin)
        if not self._user_code.contains(file):
            return False
        self._record.add(EntryKind.MODULE, file, read_signature(file))
        return True

    def _wrap(self, spec: ModuleSpec) -> None:
        # Extension modules, archives and foreign loaders are followed, never wrapped.
        if type(spec.loader) is SourceFileLoader:
            spec.loader = RecordingLoader(
                spec.loader.name, spec.loader.path, self._record, self._sources
            )
