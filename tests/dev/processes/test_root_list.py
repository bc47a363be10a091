"""What one session learned is known to the next, unless something may be different."""

import json
from pathlib import Path

import pytest

from wiverno.dev.processes.messages import RefusedRoot
from wiverno.dev.processes.root_list import KnownRoots, RootList

KNOWN = KnownRoots(("flask", "numpy"), (RefusedRoot("polars", "it starts threads"),))


def the_file(cache: Path) -> Path:
    (file,) = (cache / "roots").iterdir()
    return file


def test_list_when_it_is_read_again_is_what_was_written(tmp_path: Path) -> None:
    RootList(str(tmp_path), "/project", "app:app").write("installed", KNOWN)

    assert RootList(str(tmp_path), "/project", "app:app").read("installed") == KNOWN


@pytest.mark.parametrize(
    ("project", "target", "installation"),
    [
        ("/other", "app:app", "installed"),
        ("/project", "app:other", "installed"),
        ("/project", "app:app", "upgraded"),
    ],
)
def test_list_of_something_else_is_not_read(
    tmp_path: Path, project: str, target: str, installation: str
) -> None:
    RootList(str(tmp_path), "/project", "app:app").write("installed", KNOWN)

    assert RootList(str(tmp_path), project, target).read(installation) == KnownRoots()


def test_refusal_that_does_not_last_is_not_kept(tmp_path: Path) -> None:
    roots = RootList(str(tmp_path), "/project", "app:app")

    roots.write(
        "installed", KnownRoots(("flask",), (RefusedRoot("slow", "too slow", is_lasting=False),))
    )

    assert roots.read("installed") == KnownRoots(("flask",))


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"installation": "installed"}',
        b'{"installation": "installed", "roots": 5, "refused": []}',
        b'{"installation": "installed", "roots": [5], "refused": []}',
        b'{"installation": "installed", "roots": [], "refused": [["a"]]}',
        b'{"installation": "installed", "roots": [], "refused": [["a", 5]]}',
        b"[" * 100_000,
    ],
)
def test_list_that_is_rubbish_is_learned_anew(tmp_path: Path, rubbish: bytes) -> None:
    roots = RootList(str(tmp_path), "/project", "app:app")
    roots.write("installed", KNOWN)
    the_file(tmp_path).write_bytes(rubbish)

    assert roots.read("installed") == KnownRoots()

    roots.write("installed", KNOWN)
    assert roots.read("installed") == KNOWN


def test_list_when_the_disk_cannot_be_written_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "roots").write_text("a file in the way")
    roots = RootList(str(tmp_path), "/project", "app:app")

    roots.write("installed", KNOWN)

    assert roots.read("installed") == KnownRoots()


def test_list_without_a_cache_directory_is_empty() -> None:
    roots = RootList(None, "/project", "app:app")

    roots.write("installed", KNOWN)

    assert roots.read("installed") == KnownRoots()


def test_list_is_text_that_people_can_read(tmp_path: Path) -> None:
    RootList(str(tmp_path), "/project", "app:app").write("installed", KNOWN)

    assert json.loads(the_file(tmp_path).read_bytes())["roots"] == ["flask", "numpy"]
