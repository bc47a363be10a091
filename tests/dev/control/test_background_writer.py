"""Blocks to real descriptors that take little, nothing, or everything late."""

import fcntl
import os
import pty
import re
import socket
import termios
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiverno.dev.control.background_writer import BackgroundWriter
from wiverno.dev.control.write_end import WriteEnd

PIPE_BYTES = 4096
LIMIT_BYTES = 20_000
DEADLINE_S = 10.0


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []


def dropped_note(count: int) -> bytes:
    return b"dropped %d\n" % count


def writer_to(fd: int) -> BackgroundWriter:
    """A writer to what `fd` is; `fd` itself is closed."""
    writer = BackgroundWriter(WriteEnd(fd), LIMIT_BYTES, dropped_note)
    os.close(fd)
    return writer


def small_pipe() -> tuple[int, int]:
    reader, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reader, write_end


def read_until_end(fd: int) -> bytes:
    data = b""
    while chunk := os.read(fd, 65536):
        data += chunk
    os.close(fd)
    return data


def close_while_reading(writer: BackgroundWriter, fd: int) -> bytes:
    closer = threading.Thread(target=writer.close, args=(DEADLINE_S,))
    closer.start()
    data = read_until_end(fd)
    closer.join(DEADLINE_S)
    return data


def block(number: int, size: int) -> bytes:
    return b"%d %s\n" % (number, b"x" * size)


def check(data: bytes, written: int) -> None:
    """Whole blocks in order, and the note where some are missing."""
    expected = 0
    for line in data.decode().splitlines():
        if note := re.fullmatch(r"dropped (\d+)", line):
            expected += int(note[1])
        else:
            number, rest = line.split(" ", 1)
            assert (int(number), set(rest)) == (expected, {"x"})
            expected += 1
    assert data.endswith(b"\n")
    assert expected == written


def test_write_with_room_arrives_at_once_and_without_a_thread() -> None:
    reader, write_end = small_pipe()
    writer = writer_to(write_end)
    threads = threading.active_count()
    writer.write(b"one\n")
    assert os.read(reader, 100) == b"one\n"
    assert threading.active_count() == threads
    writer.close(0)
    assert read_until_end(reader) == b""


def test_write_without_room_arrives_when_the_reader_reads_again() -> None:
    reader, write_end = small_pipe()
    writer = writer_to(write_end)
    for number in range(10):
        writer.write(block(number, 1000))
    data = b""
    while data.count(b"\n") < 10:
        data += os.read(reader, 65536)
    check(data, 10)
    writer.close(DEADLINE_S)
    os.close(reader)


def test_blocks_beyond_the_limit_are_dropped_whole_oldest_first_and_counted() -> None:
    reader, write_end = small_pipe()
    writer = writer_to(write_end)
    for number in range(1000):
        writer.write(block(number, 1000))
    data = close_while_reading(writer, reader)

    check(data, 1000)
    assert len(data) < PIPE_BYTES + LIMIT_BYTES + 5000
    assert data.count(b"dropped") == 1


def test_block_above_the_limit_is_kept_when_it_is_the_newest() -> None:
    reader, write_end = small_pipe()
    writer = writer_to(write_end)
    writer.write(block(0, 10))
    writer.write(block(1, 2 * LIMIT_BYTES))
    check(close_while_reading(writer, reader), 2)


def test_close_of_a_blocked_writer_keeps_its_bound_and_ends_the_thread() -> None:
    reader, write_end = small_pipe()
    writer = writer_to(write_end)
    writer.write(block(0, 100_000))
    asked_at = time.monotonic()
    writer.close(0.05)
    assert time.monotonic() - asked_at < 1.0
    writer.write(b"after the end")
    assert read_until_end(reader) == block(0, 100_000)[:PIPE_BYTES]


def test_reader_that_goes_while_blocks_wait_ends_the_thread() -> None:
    reader, write_end = small_pipe()
    writer = writer_to(write_end)
    writer.write(block(0, 100_000))
    os.close(reader)
    writer.close(DEADLINE_S)
    writer.write(b"after the end")


def test_terminal_that_is_stopped_does_not_block_and_gets_everything_later() -> None:
    """Ctrl+S and Ctrl+Q."""
    controller, terminal = pty.openpty()
    termios.tcflow(terminal, termios.TCOOFF)
    writer = writer_to(os.dup(terminal))
    for number in range(3):
        writer.write(block(number, 50))
    termios.tcflow(terminal, termios.TCOON)
    data = b""
    while data.count(b"\n") < 3:
        data += os.read(controller, 65536)
    check(data.replace(b"\r\n", b"\n"), 3)
    writer.close(DEADLINE_S)
    os.close(terminal)
    os.close(controller)


def test_terminal_whose_other_end_does_not_read_does_not_block() -> None:
    controller, terminal = pty.openpty()
    writer = writer_to(os.dup(terminal))
    for number in range(500):
        writer.write(block(number, 1000))
    writer.close(0.05)
    os.close(terminal)
    os.close(controller)


def test_socket_does_not_block_and_gets_everything_later() -> None:
    """What node gives its children for a pipe."""
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    writer = writer_to(theirs.detach())
    for number in range(10):
        writer.write(block(number, 1500))
    check(close_while_reading(writer, ours.detach()), 10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(1, 9000)),
            st.tuples(st.just("read"), st.integers(1, 9000)),
        ),
        max_size=60,
    )
)
def test_output_is_whole_blocks_and_counts_however_it_is_read(
    steps: list[tuple[str, int]],
) -> None:
    reader, write_end = small_pipe()
    writer = writer_to(write_end)
    data, written = b"", 0
    for step, size in steps:
        if step == "write":
            writer.write(block(written, size))
            written += 1
        elif data.count(b"\n") < written:
            data += os.read(reader, size)
    data += close_while_reading(writer, reader)
    if written:
        check(data, written)
