"""Stands first in `sys.meta_path`: records what imports find, and where they look in vain."""

import sys
import time
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

from wiverno.dev.loading.code_cache import CodeCache
from wiverno.dev.loading.execution import Execution
from wiverno.dev.loading.held_files import file_of
from wiverno.dev.loading.loader import RecordedSources, RecordingLoader
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.roots import Roots
from wiverno.dev.loading.search import Listings, absolute, dependencies, has_folder_changed
from wiverno.dev.loading.signatures import ABSENT, UNLIKE_ANY, read_signature
from wiverno.dev.loading.user_code import UserCode


class RecordingFinder:
    """Asks the other finders as the import system would, then wraps what is user code.

    Asking them all, not only `PathFinder`, keeps editable installs, frozen and built-in
    modules and the finders of the application itself as they are.
    """

    def __init__(
        self,
        record: Record,
        user_code: UserCode,
        sources: RecordedSources | None = None,
        execution: Execution | None = None,
        roots: Roots | None = None,
    ) -> None:
        """`roots` are modules that are not the user's, and who asks for them."""
        self._record = record
        self._sources = sources or RecordedSources(record)
        self._execution = execution or Execution(self._sources.read, CodeCache())
        self._roots = roots
        self._user_code = user_code
        self._listings = Listings()
        self.installed: list[str] = []
        """Files that are not the user's, of modules that were found."""

    def install(self, loaded_files: Iterable[str] | None = None) -> None:
        """From now on record what is imported, and what of the user's already is.

        `loaded_files` are the `user_files` of the modules that are there, if somebody knows.
        """
        if loaded_files is None:
            loaded_files = user_files(sys.modules.values(), self._user_code)
        for file in loaded_files:
            self._record.add(EntryKind.MODULE, file, read_signature(file))
        if self._roots is not None:
            self._record_early_searches(self._roots)
        sys.meta_path.insert(0, self)

    def _record_early_searches(self, roots: Roots) -> None:
        """What was imported before this process depends on the user's folders, too."""
        directories = self._user_directories(sys.path)
        for name in roots.looked_for:
            before = [(each, self._listings.find_module(each, name)) for each in directories]
            found = None
            if any(there is not None for _, there in before):
                found = PathFinder.find_spec(name)
                self._compare_with_early(name, found, roots)
            for kind, location in dependencies(name, before, found or _loaded_spec(name)):
                if kind is not EntryKind.MODULE:
                    self._record.add(kind, location, ABSENT)

    def _compare_with_early(self, name: str, found: ModuleSpec | None, roots: Roots) -> None:
        if found is None:
            return
        places = [found.origin] if found.has_location else found.submodule_search_locations or ()
        for place in filter(None, places):
            if self._user_code.contains(place):
                roots.is_shadowed(name, place)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if self._roots is not None and (preloaded := self._roots.find(fullname)) is not None:
            return preloaded
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
        if spec is not None and (file := _user_file(spec, self._user_code)) is not None:
            self._record.add(EntryKind.MODULE, file, read_signature(file))
            self._wrap(spec)
        elif spec is not None:
            if (file := file_of(spec)) is not None:
                self.installed.append(file)
            if self._roots is not None:
                self._roots.asked(fullname)
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

    def _wrap(self, spec: ModuleSpec) -> None:
        # Extension modules, archives and foreign loaders are followed, never wrapped.
        if type(spec.loader) is SourceFileLoader:
            spec.loader = RecordingLoader(
                spec.loader.name, spec.loader.path, self._sources, self._execution
            )


def user_files(modules: Iterable[ModuleType], user_code: UserCode) -> list[str]:
    """The files of those modules that are the user's."""
    specs = [getattr(module, "__spec__", None) for module in tuple(modules)]
    files = [_user_file(spec, user_code) for spec in specs if isinstance(spec, ModuleSpec)]
    return [file for file in files if file is not None]


def _user_file(spec: ModuleSpec, user_code: UserCode) -> str | None:
    """The file, or the archive, of the user that the module comes from."""
    # Finders and loaders of the application put there what they like.
    origin: object = spec.origin
    if not spec.has_location or not isinstance(origin, str):
        return None
    archive: object = getattr(spec.loader, "archive", None)
    file = absolute(archive if isinstance(archive, str) else origin)
    return file if user_code.contains(file) else None


def _loaded_spec(name: str) -> ModuleSpec | None:
    spec: object = getattr(sys.modules.get(name), "__spec__", None)
    return spec if isinstance(spec, ModuleSpec) else None
