"""Stands first in `sys.meta_path`: records what imports find, and where they look in vain."""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

from wiverno.dev.loading.loader import RecordingLoader
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.signatures import Signature, read_signature
from wiverno.dev.loading.user_code import UserCode


class RecordingFinder:
    """Asks the other finders as the import system would, then wraps what is user code.

    Asking them all, not only `PathFinder`, keeps editable installs, frozen and built-in
    modules and the finders of the application itself as they are.
    """

    def __init__(self, record: Record, user_code: UserCode) -> None:
        self._record = record
        self._user_code = user_code

    def install(self) -> None:
        sys.meta_path.insert(0, self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        # Signatures first: what appears during the search must make the record stale.
        searched = self._user_directories(sys.path if path is None else path)
        spec = self._ask_the_others(fullname, path, target)
        self._record_missing(fullname.rpartition(".")[2], searched, spec)
        if spec is not None:
            self._record_found(spec)
        return spec

    def _user_directories(self, search_path: Sequence[str]) -> list[tuple[str, Signature]]:
        absolute = (os.path.abspath(entry) for entry in search_path)
        return [
            (directory, read_signature(directory))
            for directory in absolute
            if self._user_code.contains(directory) and not directory.endswith(".zip")
        ]

    def _ask_the_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in tuple(sys.meta_path):
            find_spec = getattr(finder, "find_spec", None)
            if finder is self or find_spec is None:
                continue
            spec: ModuleSpec | None = find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None

    def _record_missing(
        self, name: str, searched: list[tuple[str, Signature]], spec: ModuleSpec | None
    ) -> None:
        """Each user directory that was searched before the one where the module lies.

        A file of that name put there later would win in a cold start.
        """
        for directory, signature in searched:
            location = os.path.join(directory, name)
            if spec is not None and _lies_at(spec, location):
                if spec.origin is None:
                    # A namespace package: an `__init__.py` would make it another module.
                    location = os.path.join(location, "__init__")
                    signature = read_signature(os.path.dirname(location))
                else:
                    return
            if location not in self._record:
                self._record.add(EntryKind.MISSING_MODULE, location, signature)

    def _record_found(self, spec: ModuleSpec) -> None:
        origin = spec.origin
        if not spec.has_location or origin is None or not self._user_code.contains(origin):
            return
        if type(spec.loader) is SourceFileLoader:
            spec.loader = RecordingLoader(spec.loader.name, spec.loader.path, self._record)
            return
        # Extension modules, archives and foreign loaders are followed, never wrapped.
        file = getattr(spec.loader, "archive", origin)
        self._record.add(EntryKind.MODULE, file, read_signature(file))


def _lies_at(spec: ModuleSpec, location: str) -> bool:
    """Does the module found lie at `directory/name`, as a file or as a package?"""
    if spec.submodule_search_locations is not None:
        return location in spec.submodule_search_locations
    return spec.origin is not None and spec.origin.startswith(location + ".")
