"""What is kept of a search, against the import system's own `PathFinder` on the same disk."""

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.search import (
    absolute,
    dependencies,
    find_module,
    list_names,
    location_of,
)
from wiverno.dev.loading.signatures import ABSENT, read_signature

EXTENSION = EXTENSION_SUFFIXES[0]
# A slash at the end makes a directory.
THINGS = (
    "name.py",
    "name.pyc",
    f"name{EXTENSION}",
    "name/",
    "name/__init__.py",
    f"name/__init__{EXTENSION}",
    "name/data.txt",
    "name.txt",
    "name.py/",
    "other.py",
)
DIRECTORIES = ("first", "second", "third")
_new_times = itertools.count(1_000_000_000_000_000_000, 1_000_000_000)

places = st.tuples(st.sampled_from(DIRECTORIES), st.sampled_from(THINGS))


class Layout:
    """Search directories whose content is switched on and off, thing by thing."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = [str(root / directory) for directory in DIRECTORIES]

    def toggle(self, directory: str, thing: str) -> None:
        path = self._root / directory / thing
        if thing.endswith("/"):
            self._toggle_directory(path)
        elif path.is_file():
            path.unlink()
        elif not path.exists() and (path.parent.is_dir() or not path.parent.exists()):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        # The clock of older kernels steps by milliseconds: changes differ here at any speed.
        for changed in (self._root / directory, self._root / directory / "name"):
            if changed.is_dir():
                os.utime(changed, ns=(0, next(_new_times)))

    def _toggle_directory(self, path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.exists():
            path.mkdir(parents=True)

    def search(self) -> ModuleSpec | None:
        """As a cold start would: `PathFinder` with nothing cached."""
        for directory in self.path:
            sys.path_importer_cache.pop(directory, None)
        return PathFinder.find_spec("name", self.path)

    def record_search(self) -> Record:
        record = Record()
        before = [
            (directory, find_module(directory, "name", list_names(directory)))
            for directory in self.path
        ]
        found = self.search()
        for kind, path in dependencies("name", before, found):
            record.add(kind, path, ABSENT)
        if found is not None and found.origin is not None:
            record.add(EntryKind.MODULE, found.origin, read_signature(found.origin))
        return record


def end_of(spec: ModuleSpec | None) -> list[str]:
    """Where a search ended; the parts of a namespace package in their order."""
    if spec is None:
        return []
    if spec.origin is not None:
        return [spec.origin]
    return list(spec.submodule_search_locations or ())


@contextmanager
def layout(things: Sequence[tuple[str, str]]) -> Iterator[Layout]:
    with tempfile.TemporaryDirectory() as root:
        layout = Layout(Path(root))
        for directory, thing in things:
            layout.toggle(directory, thing)
        yield layout
        for directory in layout.path:
            sys.path_importer_cache.pop(directory, None)


@settings(derandomize=True, max_examples=2000, deadline=None)
@given(st.lists(places, max_size=8), st.lists(places, min_size=1, max_size=6))
def test_gate_is_stale_exactly_when_the_import_system_would_find_something_else(
    things: list[tuple[str, str]], changes: list[tuple[str, str]]
) -> None:
    with layout(things) as searched:
        before = end_of(searched.search())
        gate = Gate(searched.record_search())
        assert gate.is_fresh()
        for directory, thing in changes:
            searched.toggle(directory, thing)
            is_same = end_of(searched.search()) == before
            assert gate.is_fresh() is is_same, (directory, thing, gate.stale_path)
            if not is_same:
                break


@settings(derandomize=True, max_examples=500, deadline=None)
@given(st.lists(places, max_size=8), places)
def test_gate_that_looks_only_after_a_change_sees_it(
    things: list[tuple[str, str]], change: tuple[str, str]
) -> None:
    """As a save during the import: nothing has been swept before it."""
    with layout(things) as searched:
        before = end_of(searched.search())
        gate = Gate(searched.record_search())
        searched.toggle(*change)

        assert gate.is_fresh() is (end_of(searched.search()) == before)


def test_module_that_was_there_and_did_not_win_is_told_by_its_file() -> None:
    """A finder before `PathFinder` decides, or the file was away when that one looked."""
    spec = ModuleSpec("name", loader=object(), origin="/elsewhere/name.py")  # type: ignore[arg-type] # any loader

    found = list(dependencies("name", [("/p", "/p/name.py"), ("/q", None)], spec))

    assert found == [
        (EntryKind.MODULE, "/p/name.py"),
        (EntryKind.MISSING_REGULAR_MODULE, "/q/name"),
    ]


def test_name_with_a_slash_has_no_dependencies() -> None:
    assert list(dependencies("shop/views", [("/p", None)], None)) == []


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/p/name.py", ("/p", "name")),
        (f"/p/name{EXTENSION}", ("/p", "name")),
        ("/p/name/__init__.pyc", ("/p", "name")),
        ("/p/name", ("/p", "name")),
        ("/p.d/name", ("/p.d", "name")),
    ],
)
def test_location_is_directory_and_name(path: str, location: tuple[str, str]) -> None:
    assert location_of(path) == location


def test_absolute_follows_a_parent_after_a_link_as_the_system_does(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "inner")
    (tmp_path / "real" / "kept").symlink_to(tmp_path / "nowhere")

    assert absolute(f"{tmp_path}/link/../kept/x.py") == f"{tmp_path}/real/kept/x.py"
    assert absolute(f"{tmp_path}/link/x.py") == f"{tmp_path}/link/x.py"
    assert absolute(f"{tmp_path}/a..b//./x.py/") == f"{tmp_path}/a..b/x.py"


def test_absolute_of_a_relative_path_begins_at_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    assert absolute("") == f"{tmp_path}/here"
    assert absolute("x.py") == f"{tmp_path}/here/x.py"
    assert absolute("../x.py") == f"{tmp_path}/x.py"
    assert absolute("..") == str(tmp_path)
