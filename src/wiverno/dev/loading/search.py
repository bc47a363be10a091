"""What an import takes from a directory, by the rules of importlib's `FileFinder`.

The finder notes by them what a search depended on, the gate whether it is still so.
"""

import os
from collections.abc import Iterator, Sequence
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ModuleSpec,
)

from wiverno.dev.loading.contents import is_racy
from wiverno.dev.loading.record import EntryKind
from wiverno.dev.loading.signatures import ABSENT, Signature, read_signature

# The first that exists wins.
_SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)


def absolute(path: str) -> str:
    """`path` from the root and without `..`, which is followed as the system follows it.

    `os.path.abspath` alone leads elsewhere where a `..` comes after a symbolic link.
    """
    if path.startswith("/") and not ("/." in path or "//" in path or path.endswith("/")):
        return path  # Nearly always, and thousands of times.
    try:
        if os.pardir in path:
            head, up, tail = os.path.join(os.getcwd(), path, "").rpartition("/../")
            if up:
                path = os.path.join(os.path.realpath(head + "/.."), tail)
        return os.path.abspath(path)
    except FileNotFoundError:  # The current directory is gone, and with it what lies there.
        return path


def list_names(directory: str) -> frozenset[str]:
    """The names in `directory`; none if it is absent, unreadable or a file."""
    try:
        return frozenset(os.listdir(directory))
    except (OSError, ValueError):
        return frozenset()


def find_module(directory: str, name: str, present: frozenset[str]) -> str | None:
    """What an import of `name` takes from `directory`, where the names `present` are.

    The file of a regular module or package; else `directory/name` itself if it is a bare
    directory, which may become part of a namespace package; else None.
    """
    location = os.path.join(directory, name)
    if name in present:
        for suffix in _SUFFIXES:
            init = os.path.join(location, "__init__" + suffix)
            if os.path.isfile(init):
                return init
    for suffix in _SUFFIXES:
        if name + suffix in present and os.path.isfile(location + suffix):
            return location + suffix
    return location if name in present and os.path.isdir(location) else None


def dependencies(
    name: str, before: Sequence[tuple[str, str | None]], found: ModuleSpec | None
) -> Iterator[tuple[EntryKind, str]]:
    """What must stay as it is for a search of `name` to end again as it did, as entries.

    `before` tells for each directory, in the order of the search, what `find_module` gave
    there just before it; `found` is where it ended. What was there and did not win (a
    finder of the application came first) is none: it would make every record stale. It is
    given as a module all the same, since it may have been away for a moment.
    """
    if os.sep in name:  # `import_module("shop/views")` never finds anything.
        return
    is_regular = found is not None and found.loader is not None
    origin = _origin(found)
    for directory, there in before:
        location = os.path.join(directory, name)
        if is_regular and _lies_at(origin, location):
            if there is not None and there == origin:
                yield EntryKind.FOUND_MODULE, there
            return
        if there is not None and there != location:
            yield EntryKind.MODULE, there  # It was there and did not win.
            continue
        if is_regular:
            # It wins over bare directories that come before it, too.
            yield EntryKind.MISSING_REGULAR_MODULE, location
        else:
            yield EntryKind.MISSING_MODULE if there is None else EntryKind.FOUND_MODULE, location


def has_folder_changed(path: str, since_ns: int) -> bool:
    """May names beside `path` have come or gone after `since_ns` (wall clock)?"""
    signature = read_signature(os.path.dirname(path))
    return signature == ABSENT or is_racy(signature, since_ns)


def location_of(path: str) -> tuple[str, str]:
    """The directory and the name by which a search found the module at `path`."""
    directory, file = os.path.split(path)
    name = file.partition(".")[0]
    return os.path.split(directory) if name == "__init__" else (directory, name)


class Listings:
    """The names in directories, listed again when a directory's signature says so."""

    def __init__(self) -> None:
        self._listed: dict[str, tuple[Signature, frozenset[str]]] = {}

    def find_module(self, directory: str, name: str) -> str | None:
        signature = read_signature(directory)
        listed = self._listed.get(directory)
        if listed is None or listed[0] != signature:
            listed = self._listed[directory] = signature, list_names(directory)
        return find_module(directory, name, listed[1])


def _origin(spec: ModuleSpec | None) -> str | None:
    # Finders of the application put there what they like.
    origin: object = None if spec is None else spec.origin
    return absolute(origin) if isinstance(origin, str) else None


def _lies_at(origin: str | None, location: str) -> bool:
    return origin is not None and (
        origin.startswith((location + ".", os.path.join(location, "__init__.")))
    )
