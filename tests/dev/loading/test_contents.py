"""Bytes compared where signatures cannot tell: racy files, and files that were only touched."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiverno.dev.loading.contents import adopt_same_content, digest_of, is_racy
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.loader import read_recorded
from wiverno.dev.loading.record import EntryKind, Record, RecordReader
from wiverno.dev.loading.signatures import ABSENT, UNLIKE_ANY, read_signature
from wiverno.dev.processes import memory_file

LOADED = b"VALUE = 1\n"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_bytes(LOADED)
    return path


@pytest.fixture
def fd() -> Iterator[int]:
    fd = memory_file.create("test-record")
    yield fd
    os.close(fd)


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def load(module: Path, record: Record, age_ns: int = 10**9) -> None:
    """Read it as the loader does, `age_ns` after its last change."""
    status = module.stat()
    changed_ns = max(status.st_mtime_ns, status.st_ctime_ns)
    read_recorded(str(module), record, lambda: changed_ns + age_ns)


def save_within_the_tick(record: Record, module: Path, content: bytes) -> None:
    """Other bytes with the recorded signature: what the kernel's clock does, done by hand."""
    module.write_bytes(content)
    signature = read_signature(str(module))
    record.add(EntryKind.RACY, str(module), signature)
    record.add(EntryKind.ADOPTED, str(module), signature)


@pytest.mark.parametrize(
    ("mtime_ms", "ctime_ms", "racy"),
    [(999, 0, True), (0, 981, True), (980, 980, False), (2000, 0, True), (0, 0, False)],
)
def test_file_is_racy_within_20_ms_of_its_last_change(
    mtime_ms: int, ctime_ms: int, racy: bool
) -> None:
    signature = (mtime_ms * 10**6, 5, 7, ctime_ms * 10**6)

    assert is_racy(signature, now_ns=1000 * 10**6) is racy


def test_absent_file_is_not_racy() -> None:
    assert not is_racy(ABSENT, now_ns=0)


@pytest.mark.parametrize(("age_ms", "racy"), [(19, True), (20, False)])
def test_loaded_file_is_recorded_as_racy_only_while_young(
    module: Path, age_ms: int, racy: bool
) -> None:
    record = Record()

    load(module, record, age_ns=age_ms * 10**6)

    signature = read_signature(str(module))
    assert record.content(str(module)) == digest_of(LOADED)
    assert ((EntryKind.RACY, str(module), signature) in record.entries()) is racy


def test_other_bytes_with_the_same_signature_are_stale_while_racy(module: Path) -> None:
    record = Record()
    load(module, record, age_ns=0)
    gate = Gate(record, Clock())
    fresh_before = gate.is_fresh()
    save_within_the_tick(record, module, b"VALUE = 2\n")

    assert fresh_before
    assert not gate.is_fresh()
    assert gate.stale_path == str(module)


def test_racy_file_is_compared_once_more_after_it_has_aged(module: Path) -> None:
    """The request comes an hour after the save that nobody could see."""
    record, clock = Record(), Clock()
    load(module, record, age_ns=0)
    gate = Gate(record, clock)
    fresh_before = gate.is_fresh()
    save_within_the_tick(record, module, b"VALUE = 2\n")
    clock.now_s += 3600

    assert fresh_before
    assert not gate.is_fresh()


def test_aged_file_is_not_read_any_more(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record, clock = Record(), Clock()
    load(module, record, age_ns=0)
    gate = Gate(record, clock)
    opened: list[str] = []
    real_open = os.open

    def counting_open(path: str, flags: int) -> int:
        opened.append(path)
        return real_open(path, flags)

    monkeypatch.setattr(os, "open", counting_open)
    counts = []
    for now_s in (100.0, 100.019, 100.021, 100.03):
        clock.now_s = now_s
        assert gate.is_fresh()
        counts.append(len(opened))

    assert counts == [1, 2, 3, 3]


def test_reader_in_another_process_compares_racy_files_too(module: Path, fd: int) -> None:
    record, reader = Record(fd), RecordReader(fd)
    load(module, record, age_ns=0)
    gate = Gate(reader.refresh(), Clock())
    fresh_before = gate.is_fresh()
    save_within_the_tick(record, module, b"VALUE = 2\n")
    reader.refresh()

    assert fresh_before
    assert not gate.is_fresh()


def touch(module: Path) -> None:
    os.utime(module)


def touch_back(module: Path) -> None:
    os.utime(module, ns=(0, 0))


def rewrite(module: Path) -> None:
    module.write_bytes(LOADED)


def check_out_and_back(module: Path) -> None:
    module.unlink()
    module.write_bytes(b"VALUE = 2\n")
    module.unlink()
    module.write_bytes(LOADED)


def copy_over(module: Path) -> None:
    copy = module.with_suffix(".copy")
    shutil.copy2(module, copy)
    copy.replace(module)


@pytest.mark.parametrize("act", [touch, touch_back, rewrite, check_out_and_back, copy_over])
def test_same_bytes_are_adopted(module: Path, fd: int, act: object) -> None:
    record, reader = Record(fd), RecordReader(fd)
    load(module, record)
    gate = Gate(record)
    before = read_signature(str(module))
    assert callable(act)
    act(module)
    after = read_signature(str(module))

    assert after != before
    assert gate.is_fresh()
    entry = reader.refresh().get(str(module))
    assert entry is not None
    assert entry.signature == after
    assert reader.record.entries() == record.entries()


def test_adopted_file_is_gated_on(module: Path) -> None:
    record = Record()
    load(module, record)
    gate = Gate(record)
    touch(module)
    fresh_after_touch = [gate.is_fresh(), gate.is_fresh()]
    module.write_bytes(b"VALUE = 2\n")

    assert fresh_after_touch == [True, True]
    assert not gate.is_fresh()


def test_many_touched_files_are_adopted_in_one_look(tmp_path: Path) -> None:
    record = Record()
    modules = [tmp_path / f"module_{number}.py" for number in range(50)]
    for path in modules:
        path.write_bytes(LOADED)
        load(path, record)
    for path in modules:
        touch(path)

    assert Gate(record).is_fresh()
    for path in modules:
        entry = record.get(str(path))
        assert entry is not None
        assert entry.signature == read_signature(str(path))


@pytest.mark.parametrize("content", [b"VALUE = 2\n", b"VALUE = 1\n\n", b""])
def test_any_other_byte_is_stale(module: Path, content: bytes) -> None:
    record = Record()
    load(module, record)
    touch(module)
    module.write_bytes(content)

    assert not Gate(record).is_fresh()
    assert not adopt_same_content(record, str(module))


def test_fifo_in_the_place_of_a_module_is_stale_and_stops_nobody(module: Path) -> None:
    record = Record()
    load(module, record)
    module.unlink()
    os.mkfifo(module)

    assert not Gate(record).is_fresh()


def test_file_whose_bytes_nobody_saw_is_stale_when_touched(module: Path) -> None:
    record = Record()
    record.add(EntryKind.MODULE, str(module), read_signature(str(module)))
    touch(module)

    assert not Gate(record).is_fresh()


def test_module_that_was_loaded_with_two_contents_is_stale_for_ever(module: Path, fd: int) -> None:
    """Twice within one tick, between two sweeps: the signature says nothing."""
    record, reader = Record(fd), RecordReader(fd)
    load(module, record)
    record.add(EntryKind.CONTENT, str(module), digest_of(b"VALUE = 2\n"))

    entry = reader.refresh().get(str(module))
    assert entry is not None
    assert entry.signature == UNLIKE_ANY
    assert not adopt_same_content(reader.record, str(module))
    assert not Gate(record).is_fresh()


def test_module_that_was_loaded_with_two_signatures_is_not_adopted(module: Path) -> None:
    record = Record()
    load(module, record)
    touch(module)
    load(module, record)

    assert not Gate(record).is_fresh()


def test_reader_adopts_for_itself_what_nobody_asked_the_worker_about(module: Path, fd: int) -> None:
    """The supervisor, when its watcher tells of a touch and no request comes."""
    record, reader = Record(fd), RecordReader(fd)
    load(module, record)
    touch(module)
    length = os.fstat(fd).st_size

    assert adopt_same_content(reader.refresh(), str(module))
    entry = reader.record.get(str(module))
    assert entry is not None
    assert entry.signature == read_signature(str(module))
    assert os.fstat(fd).st_size == length
    assert Gate(record).is_fresh()
    assert reader.refresh().entries() == record.entries()
