"""Folders that the application lists itself: plug-in globs, migrations, content trees."""

import os
from pathlib import Path

import pytest

from tests.dev.loading.test_data_files import Process, process, project, run, save
from wiverno.dev.loading.folder_names import FolderNames, digest_names
from wiverno.dev.loading.record import Entry, EntryKind
from wiverno.dev.loading.signatures import ABSENT, LEFT, read_signature

__all__ = ["process", "project"]


@pytest.fixture
def plugins(project: Path) -> Path:
    plugins = project / "plugins"
    save(plugins / "first.py", "1")
    return plugins


def listing(process: Process, folder: object) -> None:
    process.data.notice("os.scandir", (folder,))


def test_listed_folder_with_another_name_is_stale(process: Process, plugins: Path) -> None:
    listing(process, str(plugins))
    fresh_before = process.gate.is_fresh()
    save(plugins / "second.py", "2")

    assert process.recorded(EntryKind.LISTING) == [str(plugins)]
    assert fresh_before
    assert not process.gate.is_fresh()
    assert process.gate.stale_path == str(plugins)


def test_listed_folder_with_a_name_less_is_stale(process: Process, plugins: Path) -> None:
    listing(process, str(plugins))
    (plugins / "first.py").unlink()

    assert not process.gate.is_fresh()


@pytest.mark.parametrize("folder", [None, ".", b".", Path()])
def test_current_folder_is_recorded(
    process: Process, plugins: Path, monkeypatch: pytest.MonkeyPatch, folder: object
) -> None:
    monkeypatch.chdir(plugins)
    listing(process, folder)

    assert process.recorded(EntryKind.LISTING) == [str(plugins)]


def test_same_names_are_fresh(process: Process, plugins: Path) -> None:
    listing(process, str(plugins))
    fresh = [process.gate.is_fresh()]
    save(plugins / "first.py", "2")
    fresh.append(process.gate.is_fresh())
    for name in ("first.py~", ".first.py.swp", "4913", "__pycache__", "db.sqlite3-journal"):
        (plugins / name).touch()
        fresh.append(process.gate.is_fresh())
    (plugins / "new.py").touch()
    (plugins / "new.py").unlink()

    assert all(fresh)
    assert process.gate.is_fresh()


def test_folder_that_was_missing_and_appears_empty_is_stale(
    process: Process, project: Path
) -> None:
    listing(process, str(project / "plugins"))
    fresh_before = process.gate.is_fresh()
    (project / "plugins").mkdir()

    assert fresh_before
    assert not process.gate.is_fresh()


@pytest.mark.parametrize("name", ["static", "node_modules/a", "assets"])
def test_left_out_folders_are_not_recorded(process: Process, project: Path, name: str) -> None:
    (project / name).mkdir(parents=True)
    listing(process, str(project / name))

    assert process.record.entries() == ()


@pytest.mark.parametrize("folder", [3, "/", "/etc", "\0", object()])
def test_folders_elsewhere_and_strange_ones_are_passed_over(
    process: Process, folder: object
) -> None:
    listing(process, folder)

    assert process.record.entries() == ()


@pytest.mark.parametrize(
    ("event", "name", "arguments", "stays"),
    [
        ("open", "new.log", ("a", os.O_WRONLY | os.O_CREAT), False),
        ("open", "first.py", ("a", os.O_WRONLY | os.O_CREAT), True),
        ("os.mkdir", "first.py", (0o777, -1), True),
        ("os.mkdir", "new", (0o777, -1), False),
        ("os.remove", "first.py", (-1,), False),
        ("os.utime", "first.py", (None, None, -1), True),
    ],
)
def test_folder_in_which_the_application_makes_names_leaves(
    process: Process,
    plugins: Path,
    event: str,
    name: str,
    arguments: tuple[object, ...],
    stays: bool,
) -> None:
    listing(process, str(plugins))
    process.data.notice(event, (str(plugins / name), *arguments))

    assert process.recorded(EntryKind.LISTING) == ([str(plugins)] if stays else [])


@pytest.mark.parametrize("database", ["", ":memory:"])
def test_database_in_memory_changes_no_folder(
    process: Process, plugins: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.chdir(plugins)
    listing(process, None)
    process.data.notice("sqlite3.connect", (database,))

    assert process.recorded(EntryKind.LISTING) == [str(plugins)]


def test_folder_that_each_request_lists_leaves_at_the_second(
    process: Process, plugins: Path
) -> None:
    recorded = []
    for _ in range(2):
        process.data.request_began()
        listing(process, str(plugins))
        recorded.append(process.recorded(EntryKind.LISTING))

    assert recorded == [[str(plugins)], []]


def test_folder_is_looked_into_again_until_its_signature_has_aged(plugins: Path) -> None:
    """A name that came in the same tick as the look leaves the signature as it is."""
    changed_ns = read_signature(str(plugins))[3]
    now_ns = [changed_ns]
    names = FolderNames(lambda: now_ns[0])
    entry = Entry(EntryKind.LISTING, str(plugins), digest_names(str(plugins)))
    other = entry._replace(signature=digest_names(str(plugins.parent)))

    def first_difference_as_if_the_names_were_others() -> str | None:
        # The signature on the disk is the one that was looked at.
        names.learn([entry])
        assert names.first_difference() is None
        names.learn([other])
        return names.first_difference()

    assert first_difference_as_if_the_names_were_others() == str(plugins)
    now_ns[0] += 10**9
    assert first_difference_as_if_the_names_were_others() is None


def test_listing_that_left_is_not_compared(plugins: Path) -> None:
    names = FolderNames()
    names.learn([Entry(EntryKind.LISTING, str(plugins), LEFT)])

    assert names.first_difference() is None


def test_digest_tells_absent_from_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert digest_names(str(tmp_path / "missing")) == ABSENT
    assert digest_names(str(tmp_path / "empty")) != ABSENT


def test_hook_sees_listings_of_the_application_and_none_of_imports(plugins: Path) -> None:
    for number in range(6):
        save(plugins.parent / f"content{number}" / "a.py", "")

    answer = run(
        plugins.parent,
        """
        import glob, pkgutil, importlib.metadata, plugins.first
        importlib.metadata.version("click")
        gate.is_fresh()
        before = entries(EntryKind.LISTING)
        glob.glob("content0/*.py")
        os.listdir("content1")
        list(os.walk("content2"))
        list(pathlib.Path("content3").iterdir())
        list(pathlib.Path("content4").glob("*.py"))
        list(pkgutil.iter_modules(["content5"]))
        answer = [before, entries(EntryKind.LISTING), gate.is_fresh()]
        """,
    )

    assert answer == [[], [f"content{number}" for number in range(6)], True]
