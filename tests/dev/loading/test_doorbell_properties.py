"""Any sequence of file operations: while the doorbell is quiet, nothing recorded has changed."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.dev.loading.doorbell import Doorbell
from wiverno.dev.loading.folder_names import digest_names
from wiverno.dev.loading.mounts import read_mounts
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.search import find_module, list_names
from wiverno.dev.loading.signatures import ABSENT, read_signature

# Few names, so that operations meet; `link` becomes a symbolic link wherever it is made.
NAMES = ["a.py", "b", "b/a.py", "b/c", "b/c/a.py", "link", "link/a.py", "b/link", "other"]
FILES = [name for name in NAMES if name.endswith(".py") or name == "link"]


def write(path: Path, _: Path) -> None:
    path.write_text("1")


def write_at_the_end(path: Path, _: Path) -> None:
    with path.open("a") as file:
        file.write("2")


def remove(path: Path, _: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def make_directory(path: Path, _: Path) -> None:
    path.mkdir()


def rename(path: Path, other: Path) -> None:
    path.rename(other)


def make_link(path: Path, other: Path) -> None:
    path.symlink_to(os.path.relpath(other, path.parent))


def make_hard_link(path: Path, other: Path) -> None:
    path.hardlink_to(other)


def touch(path: Path, _: Path) -> None:
    os.utime(path)


def make_package(path: Path, _: Path) -> None:
    (path / "__init__.py").touch()


OPERATIONS: list[Callable[[Path, Path], None]] = [
    *(write, write_at_the_end, remove, make_directory, rename, make_link, make_hard_link),
    *(touch, make_package),
]
Step: TypeAlias = tuple[Callable[[Path, Path], None], str, str]
STEPS = st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(NAMES), st.sampled_from(NAMES))


def record_all(folder: str) -> Record:
    record = Record()
    for name in FILES:
        record.add(EntryKind.DATA, f"{folder}/{name}", read_signature(f"{folder}/{name}"))
    for place in ("", "/b", "/b/c", "/link"):
        record.add(EntryKind.MISSING_MODULE, f"{folder}{place}/b", ABSENT)
    record.add(EntryKind.LISTING, f"{folder}/b", digest_names(f"{folder}/b"))
    return record


def look(folder: str) -> list[object]:
    """All that the record above depends on."""
    seen: list[object] = [read_signature(f"{folder}/{name}") for name in FILES]
    for place in ("", "/b", "/b/c", "/link"):
        directory = folder + place
        seen.append(find_module(directory, "b", list_names(directory)))
    return [*seen, digest_names(f"{folder}/b")]


def do(folder: str, step: Step) -> None:
    operation, name, other = step
    with contextlib.suppress(OSError, shutil.Error):  # It was not possible then.
        operation(Path(folder, name), Path(folder, other))


def judge(before: list[Step], after: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if read_mounts().rings_no_events(os.path.realpath(folder)):
            pytest.skip("not shown: the folder for temporary files rings no events here")
        for step in before:
            do(folder, step)
        bell = Doorbell(record_all(folder))
        try:
            seen = look_when_quiet(bell, folder)
            for step in after:
                do(folder, step)
                if bell.is_quiet():
                    assert look(folder) == seen
                else:
                    seen = look_when_quiet(bell, folder)
        finally:
            bell.close()


def look_when_quiet(bell: Doorbell, folder: str) -> list[object]:
    for _ in range(10):
        bell.prepare()
        seen = look(folder)
        if bell.is_quiet():
            return seen
    raise AssertionError("it is never quiet")


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.lists(STEPS, max_size=8), st.lists(STEPS, max_size=8))
def test_what_is_quiet_has_not_changed(before: list[Step], after: list[Step]) -> None:
    judge(before, after)


@pytest.mark.thorough
@pytest.mark.timeout(900)
@settings(max_examples=2_000, deadline=None)
@given(st.lists(STEPS, max_size=10), st.lists(STEPS, max_size=15))
def test_what_is_quiet_has_not_changed_in_two_thousand_sequences(
    before: list[Step], after: list[Step]
) -> None:
    judge(before, after)
