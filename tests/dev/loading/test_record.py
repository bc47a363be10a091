"""The record: whole frames, torn tails, the last entry for a path."""

import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.dev.loading.record import Entry, EntryKind, Record, RecordReader, decode, encode
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


def test_reader_keeps_the_last_entry_for_a_path(fd: int) -> None:
    writer, reader = Record(fd), RecordReader(fd)
    writer.add(EntryKind.MODULE, "/p/a.py", (1, 1, 1, 1))
    writer.add(EntryKind.MODULE, "/p/a.py", SIGNATURE)

    assert reader.refresh().entries() == (Entry(EntryKind.MODULE, "/p/a.py", SIGNATURE),)


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
