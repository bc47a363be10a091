"""All differences of a record, counted; and a record that takes the disk of now for its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wiverno.dev.loading.contents import digest_of
from wiverno.dev.loading.differences import DifferenceCount, differing_paths, entries_of_now
from wiverno.dev.loading.folder_names import digest_names
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.signatures import ABSENT, UNLIKE_ANY, read_signature


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a module, a data file and a folder that was listed."""
    (tmp_path / "module.py").write_bytes(b"module")
    (tmp_path / "data.txt").write_bytes(b"data")
    (tmp_path / "plugs").mkdir()
    return tmp_path


@pytest.fixture
def record(folder: Path) -> Record:
    record = Record()
    module, data = str(folder / "module.py"), str(folder / "data.txt")
    record.add(EntryKind.FOUND_MODULE, module, ABSENT)
    record.add(EntryKind.MODULE, module, read_signature(module))
    record.add(EntryKind.CONTENT, module, digest_of(b"module"))
    record.add(EntryKind.MISSING_MODULE, str(folder / "extra"), ABSENT)
    record.add(EntryKind.DATA, data, read_signature(data))
    record.add(EntryKind.MISSING_DATA, str(folder / ".env"), ABSENT)
    record.add(EntryKind.LISTING, str(folder / "plugs"), digest_names(str(folder / "plugs")))
    return record


CHANGES: dict[str, Callable[[Path], object]] = {
    "module.py": lambda folder: (folder / "module.py").write_bytes(b"other"),
    "data.txt": lambda folder: (folder / "data.txt").write_bytes(b"22"),
    ".env": lambda folder: (folder / ".env").touch(),
    "extra.py": lambda folder: (folder / "extra.py").touch(),
    "plugs": lambda folder: (folder / "plugs" / "one").touch(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change_is_counted_and_named(folder: Path, record: Record, name: str) -> None:
    assert differing_paths(record) == set()

    CHANGES[name](folder)

    assert differing_paths(record) == {str(folder / name)}


def test_all_changes_count_each_once(folder: Path, record: Record) -> None:
    differences = DifferenceCount(record)
    counts = [differences.count()]
    for change in CHANGES.values():
        change(folder)
        counts.append(differences.count())

    assert counts == [0, 1, 2, 3, 4, 5]


def test_deleted_module_counts_once(folder: Path, record: Record) -> None:
    (folder / "module.py").unlink()

    assert differing_paths(record) == {str(folder / "module.py")}


def test_same_bytes_again_count_no_more(folder: Path, record: Record) -> None:
    differences = DifferenceCount(record)
    (folder / "module.py").write_bytes(b"other")
    changed = differences.count()
    (folder / "module.py").write_bytes(b"module")

    assert (changed, differences.count()) == (1, 0)


class CountedRecord(Record):
    """Counts how often somebody asks for what was seen."""

    looks = 0

    def get(self, path: str, kind: EntryKind = EntryKind.MODULE) -> Entry | None:
        self.looks += 1
        return super().get(path, kind)


def test_count_is_taken_again_only_when_the_disk_has_changed(folder: Path) -> None:
    record = CountedRecord()
    for name in ("module.py", "data.txt"):
        record.add(EntryKind.MODULE, str(folder / name), read_signature(str(folder / name)))
    # So late that no file can be racy.
    differences = DifferenceCount(record, clock_ns=lambda: 2**63)
    looks: list[int] = []
    for is_deleted in (False, False, True, True):
        if is_deleted:
            (folder / "module.py").unlink(missing_ok=True)
        differences.count()
        looks.append(record.looks)

    assert looks[0] == looks[1] < looks[2] == looks[3]


@pytest.mark.parametrize("name", CHANGES)
def test_rebased_record_is_fresh_and_follows_what_comes_next(
    folder: Path, record: Record, name: str
) -> None:
    record.add(EntryKind.MODULE, str(folder / "twice.py"), UNLIKE_ANY)
    for change in CHANGES.values():
        change(folder)
    assert not Gate(record).is_fresh()

    record.rebase(entries_of_now)
    gate = Gate(record)

    assert gate.is_fresh()
    assert gate.is_fresh()
    path = folder / name
    if name == "plugs":
        (path / "two").touch()
    else:
        path.write_bytes(b"yet another")
    # What a search finds is in the record of the build that has found it.
    assert gate.is_fresh() == (name == "extra.py")


def test_rebased_record_sees_a_data_file_come_back(folder: Path, record: Record) -> None:
    (folder / "data.txt").unlink()
    record.rebase(entries_of_now)
    gate = Gate(record)
    was_fresh = gate.is_fresh()
    (folder / "data.txt").touch()

    assert (was_fresh, gate.is_fresh()) == (True, False)


def test_rebased_record_still_learns(folder: Path, record: Record) -> None:
    record.rebase(entries_of_now)
    gate = Gate(record)
    gate.is_fresh()
    late = folder / "late.py"
    late.touch()
    record.add(EntryKind.MODULE, str(late), read_signature(str(late)))
    was_fresh = gate.is_fresh()
    late.write_bytes(b"x")

    assert (was_fresh, gate.is_fresh()) == (True, False)
