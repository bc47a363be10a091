"""The record: whole frames, torn tails, what two entries for a path mean, whose file it is."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.dev.loading.record import Entry, EntryKind, Record, RecordReader, decode, encode
from wiverno.dev.loading.signatures import ABSENT, LEFT, UNLIKE_ANY, Signature
from wiverno.dev.processes import memory_file

SIGNATURE = (1_700_000_000_123_456_789, 42, 2**64 - 1, 1_700_000_000_123_456_790)


@pytest.fixture
def fd() -> Iterator[int]:
    fd = memory_file.create("test-record")
    yield fd
    os.close(fd)


def entries() -> st.SearchStrategy[Entry]:
    numbers = st.integers(-(2**63), 2**63 - 1)
    return st.builds(
        Entry,
        st.sampled_from(EntryKind),
        # Whatever bytes a file system holds arrive as surrogates.
        st.binary(max_size=60).map(os.fsdecode),
        st.tuples(numbers, numbers, st.integers(0, 2**64 - 1), numbers),
    )


@settings(derandomize=True)
@given(st.lists(entries(), max_size=5), st.integers(0, 30))
def test_decode_gives_whole_entries_and_ignores_a_torn_tail(
    written: list[Entry], torn: int
) -> None:
    whole = b"".join(map(encode, written))
    tail = encode(Entry(EntryKind.MODULE, "/p/torn.py", SIGNATURE))[:torn]

    read, length = decode(whole + tail)

    assert read == written
    assert length == len(whole)


def test_reader_sees_what_the_writer_appended_since(fd: int) -> None:
    writer, reader = Record(fd), RecordReader(fd)
    writer.add(EntryKind.MODULE, "/p/a.py", SIGNATURE)
    reader.refresh()
    writer.add(EntryKind.MISSING_MODULE, "/p/b", SIGNATURE)

    assert reader.refresh().entries() == writer.entries()


@pytest.mark.parametrize("first", [(1, 1, 1, 1), ABSENT])
@pytest.mark.parametrize("second", [SIGNATURE, ABSENT])
def test_module_with_two_signatures_is_like_nothing_on_disk(
    fd: int, first: Signature, second: Signature
) -> None:
    writer, reader = Record(fd), RecordReader(fd)
    writer.add(EntryKind.MODULE, "/p/a.py", first)
    reader.refresh()
    writer.add(EntryKind.MODULE, "/p/a.py", second)
    writer.add(EntryKind.MODULE, "/p/a.py", first)

    expected = first if first == second else UNLIKE_ANY
    assert writer.entries() == (Entry(EntryKind.MODULE, "/p/a.py", expected),)
    assert reader.refresh().entries() == writer.entries()


@settings(derandomize=True)
@given(st.lists(entries()))
def test_reader_has_what_the_writer_has(written: list[Entry]) -> None:
    fd = memory_file.create("test-record")
    try:
        writer = Record(fd)
        for entry in written:
            writer.add(*entry)

        assert RecordReader(fd).refresh().entries() == writer.entries()
    finally:
        os.close(fd)


def few_entries() -> st.SearchStrategy[Entry]:
    """So few paths and signatures that each kind meets what was there before."""
    signatures = st.sampled_from([SIGNATURE, (1, 1, 1, 1), ABSENT, UNLIKE_ANY, LEFT])
    return st.builds(Entry, st.sampled_from(EntryKind), st.sampled_from(["/a", "/b"]), signatures)


@settings(derandomize=True)
@given(st.lists(few_entries(), max_size=40))
def test_reader_has_what_the_writer_has_when_all_meet(written: list[Entry]) -> None:
    test_reader_has_what_the_writer_has.hypothesis.inner_test(written)  # type: ignore[attr-defined]


def test_same_entry_twice_is_written_once(fd: int) -> None:
    record = Record(fd)
    record.add(EntryKind.MODULE, "/p/a.py", SIGNATURE)
    length = os.fstat(fd).st_size
    record.add(EntryKind.MODULE, "/p/a.py", SIGNATURE)

    assert os.fstat(fd).st_size == length


def test_kinds_of_one_path_stand_beside_each_other() -> None:
    record = Record()
    record.add(EntryKind.MISSING_REGULAR_MODULE, "/p/a", SIGNATURE)
    record.add(EntryKind.MISSING_MODULE, "/p/a", SIGNATURE)

    assert [entry.kind for entry in record.entries()] == [3, 2]
    assert "/p/a" in record
    assert record.get("/p/a") is None


def test_descriptor_that_became_another_file_is_not_written_to(fd: int, tmp_path: Path) -> None:
    record = Record(fd)
    record.add(EntryKind.MODULE, "/p/a.py", SIGNATURE)
    with (tmp_path / "data.db").open("wb") as file:
        os.dup2(file.fileno(), fd)
    record.add(EntryKind.MODULE, "/p/b.py", SIGNATURE)

    assert (tmp_path / "data.db").read_bytes() == b""
    assert len(record.entries()) == 2


def test_closed_descriptor_leaves_the_record_in_the_process() -> None:
    fd = memory_file.create("test-record")
    record = Record(fd)
    os.close(fd)
    record.add(EntryKind.MODULE, "/p/a.py", SIGNATURE)

    assert len(record.entries()) == 1


FORKED = """
import multiprocessing, os, threading
from wiverno.dev.loading.record import EntryKind, Record, RecordReader
from wiverno.dev.processes import memory_file

fd = memory_file.create("record")
record = Record(fd)
record.add(EntryKind.MODULE, "/p/before.py", (1, 1, 1, 1))

def child():
    record.add(EntryKind.MODULE, "/p/child.py", (1, 1, 1, 1))
    os._exit(len(record.entries()))

process = multiprocessing.get_context("fork").Process(target=child)
# A pool thread may be adding while the application forks.
with record._lock:
    process.start()
process.join(10)
record.add(EntryKind.MODULE, "/p/parent.py", (1, 1, 1, 1))
print(process.exitcode, *[entry.path for entry in RecordReader(fd).refresh().entries()])
"""


@pytest.mark.processes
def test_child_that_the_application_forks_keeps_its_entries_to_itself() -> None:
    result = subprocess.run(
        [sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=30, check=True
    )

    assert result.stdout.split() == ["2", "/p/before.py", "/p/parent.py"]


def test_reader_waits_for_the_rest_of_a_torn_frame(fd: int) -> None:
    frame = encode(Entry(EntryKind.MODULE, "/p/a.py", SIGNATURE))
    reader = RecordReader(fd)
    os.write(fd, frame[:9])
    torn = reader.refresh().entries()
    os.write(fd, frame[9:])

    assert torn == ()
    assert len(reader.refresh().entries()) == 1


def test_entries_stay_the_same_tuple_until_something_is_added() -> None:
    record = Record()
    record.add(EntryKind.MODULE, "/p/a.py", SIGNATURE)
    before = record.entries()

    assert record.entries() is before
    record.add(EntryKind.MODULE, "/p/b.py", SIGNATURE)
    assert record.entries() is not before


def test_threads_that_add_at_once_lose_nothing(fd: int) -> None:
    record = Record(fd)

    def add(name: int) -> None:
        for number in range(200):
            record.add(EntryKind.MODULE, f"/p/{name}/{number}.py", SIGNATURE)

    threads = [threading.Thread(target=add, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(RecordReader(fd).refresh().entries()) == len(record.entries()) == 800
