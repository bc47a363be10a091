"""The gate against a real disk."""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT, read_signature
from wiverno.dev.loading.sweep import Absence


def recorded(*paths: Path) -> tuple[Record, Gate]:
    record = Record()
    for path in paths:
        record.add(EntryKind.MODULE, str(path), read_signature(str(path)))
    return record, Gate(record)


def missing(record: Record, directory: Path, name: str) -> None:
    signature = read_signature(str(directory))
    record.add(EntryKind.MISSING_MODULE, str(directory / name), signature)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text("VALUE = 1\n")
    return path


def test_untouched_files_are_fresh(module: Path) -> None:
    _, gate = recorded(module)

    assert gate.is_fresh()


def test_same_size_in_the_same_second_is_stale(module: Path) -> None:
    _, gate = recorded(module)
    module.write_text("VALUE = 2\n")

    assert not gate.is_fresh()
    assert gate.stale_path == str(module)


def test_rename_over_is_stale(module: Path) -> None:
    _, gate = recorded(module)
    other = module.with_suffix(".tmp")
    other.write_text("VALUE = 2\n")
    other.replace(module)

    assert not gate.is_fresh()


def test_old_mtime_put_back_is_stale(module: Path) -> None:
    _, gate = recorded(module)
    before = module.stat()
    with module.open("r+") as file:
        file.write("VALUE = 2\n")
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert not gate.is_fresh()


def test_deleted_file_is_stale(module: Path) -> None:
    _, gate = recorded(module)
    module.unlink()

    assert not gate.is_fresh()


def test_file_that_was_absent_and_appears_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "late.py"
    _, gate = recorded(path)
    fresh_before = gate.is_fresh()
    path.touch()

    assert fresh_before
    assert not gate.is_fresh()


def test_once_stale_stays_stale(module: Path) -> None:
    record, gate = recorded(module)
    before = read_signature(str(module))
    module.write_text("VALUE = 2\n")
    gate.is_fresh()
    record.add(EntryKind.MODULE, str(module), read_signature(str(module)))

    assert read_signature(str(module)) != before
    assert not gate.is_fresh()


def test_entry_added_after_a_sweep_is_swept(module: Path, tmp_path: Path) -> None:
    record, gate = recorded(module)
    gate.is_fresh()
    lazy = tmp_path / "lazy.py"
    lazy.write_text("1")
    record.add(EntryKind.MODULE, str(lazy), read_signature(str(lazy)))
    fresh_before = gate.is_fresh()
    lazy.write_text("2")

    assert fresh_before
    assert not gate.is_fresh()


@pytest.mark.parametrize("name", ["settings.py", "settings.abi3.so", "settings.pyc"])
def test_missing_module_that_appears_as_a_file_is_stale(tmp_path: Path, name: str) -> None:
    record = Record()
    missing(record, tmp_path, "settings")
    gate = Gate(record)
    fresh_before = gate.is_fresh()
    (tmp_path / name).touch()

    assert fresh_before
    assert not gate.is_fresh()
    assert gate.stale_path == str(tmp_path / name)


def test_missing_module_that_appears_as_a_package_is_stale(tmp_path: Path) -> None:
    record = Record()
    missing(record, tmp_path, "settings")
    gate = Gate(record)
    (tmp_path / "settings").mkdir()

    assert not gate.is_fresh()


def test_bare_directory_is_no_regular_module_until_its_init_appears(tmp_path: Path) -> None:
    record = Record()
    record.add(EntryKind.MISSING_REGULAR_MODULE, str(tmp_path / "alembic"), ABSENT)
    gate = Gate(record)
    fresh = [gate.is_fresh()]
    (tmp_path / "alembic").mkdir()
    fresh.append(gate.is_fresh())
    (tmp_path / "alembic" / "env.txt").touch()
    (tmp_path / "unrelated.txt").touch()
    fresh.append(gate.is_fresh())
    (tmp_path / "alembic" / "__init__.py").touch()

    assert fresh == [True, True, True]
    assert not gate.is_fresh()
    assert gate.stale_path == str(tmp_path / "alembic" / "__init__.py")


@pytest.mark.parametrize("name", ["module/__init__.py", f"module{EXTENSION_SUFFIXES[0]}"])
def test_what_wins_over_a_found_module_is_stale(module: Path, name: str) -> None:
    record, gate = recorded(module)
    record.add(EntryKind.FOUND_MODULE, str(module), ABSENT)
    (module.parent / "unrelated.py").touch()
    fresh_before = gate.is_fresh()
    winner = module.parent / name
    winner.parent.mkdir(exist_ok=True)
    winner.touch()

    assert fresh_before
    assert not gate.is_fresh()
    assert gate.stale_path == str(winner)


def test_name_added_after_its_file_appeared_and_a_sweep_is_stale(tmp_path: Path) -> None:
    """A lazy import in a pool thread, beside a request that sweeps in between."""
    record = Record()
    missing(record, tmp_path, "first")
    gate = Gate(record)
    before = read_signature(str(tmp_path))
    (tmp_path / "late.py").touch()
    fresh_before = gate.is_fresh()
    record.add(EntryKind.MISSING_MODULE, str(tmp_path / "late"), before)

    assert fresh_before
    assert not gate.is_fresh()


def test_module_that_was_absent_loaded_and_absent_again_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    record, gate = recorded(path)
    path.touch()
    record.add(EntryKind.MODULE, str(path), read_signature(str(path)))
    path.unlink()

    assert not gate.is_fresh()


def test_module_loaded_again_after_a_save_is_stale(module: Path) -> None:
    record, gate = recorded(module)
    module.write_text("VALUE = 2\n")
    record.add(EntryKind.MODULE, str(module), read_signature(str(module)))

    assert not gate.is_fresh()


def test_other_files_in_the_directory_of_a_missing_module_are_fresh(tmp_path: Path) -> None:
    record = Record()
    missing(record, tmp_path, "settings")
    gate = Gate(record)
    (tmp_path / "settings.txt").touch()
    (tmp_path / "other.py").touch()
    fresh_beside_others = gate.is_fresh()
    (tmp_path / "settings.py").touch()

    assert fresh_beside_others
    assert not gate.is_fresh()


def test_name_that_appeared_between_two_vain_searches_is_stale(tmp_path: Path) -> None:
    record = Record()
    missing(record, tmp_path, "first")
    (tmp_path / "first.py").touch()
    missing(record, tmp_path, "second")

    assert not Gate(record).is_fresh()


def test_missing_module_in_a_directory_that_appears_is_stale(tmp_path: Path) -> None:
    record = Record()
    missing(record, tmp_path / "plugins", "extra")
    gate = Gate(record)
    fresh_before = gate.is_fresh()
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "extra.py").touch()

    assert fresh_before
    assert not gate.is_fresh()


@pytest.mark.parametrize("has_stat", [True, False])
def test_absence_ends_with_the_first_path_that_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_stat: bool
) -> None:
    if not has_stat:
        monkeypatch.setattr(sys, "platform", "other")
    paths = [tmp_path / name for name in ("a", "b", "c")]
    absence = Absence([str(path) for path in paths])
    before = absence.first_appeared()
    paths[2].symlink_to(tmp_path / "nowhere")
    dangling = absence.first_appeared()
    paths[1].touch()

    assert before is None
    assert dangling is None
    assert absence.first_appeared() == str(paths[1])
