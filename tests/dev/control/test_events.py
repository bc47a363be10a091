"""The event stream on real descriptors: pipes that nobody reads, shared ones, strangers'."""

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

import pytest

from wiverno.dev.control.events import EVENTS_FD_VARIABLE, EventStream

LONG = [f"/home/me/project/some/long/name_{number}.py" for number in range(5000)]
"""A line of about 200 KB: more than any pipe takes at once."""


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, int]]:
    """The reader as a file and the write end, which the stream takes over."""
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as reader:  # noqa: PTH123 - a descriptor
        yield reader, write_end


def events_of(data: bytes) -> list[dict[str, Any]]:
    assert data.endswith(b"\n") or not data
    return [json.loads(line) for line in data.splitlines()]


def read_all_while_closing(stream: EventStream, reader: BinaryIO) -> bytes:
    closer = threading.Thread(target=stream.close)
    closer.start()
    data = reader.read()
    closer.join(10)
    return data


def test_event_arrives_before_emit_returns(pipe: tuple[BinaryIO, int]) -> None:
    reader, write_end = pipe
    with contextlib.closing(EventStream(write_end)) as stream:
        stream.emit("tick", number=1)
        event = json.loads(reader.readline())

    assert event.pop("at_s") > 0
    assert event == {"event": "tick", "number": 1}


def test_lines_longer_than_the_pipe_arrive_whole_and_in_order(pipe: tuple[BinaryIO, int]) -> None:
    reader, write_end = pipe
    stream = EventStream(write_end)
    for number in range(3):
        stream.emit("build_started", number=number, changed=LONG)
        stream.emit("tick", number=number)
    events = events_of(read_all_while_closing(stream, reader))

    assert [event["number"] for event in events] == [0, 0, 1, 1, 2, 2]
    assert events[0]["changed"] == LONG


def test_long_line_arrives_without_another_event(pipe: tuple[BinaryIO, int]) -> None:
    reader, write_end = pipe
    with contextlib.closing(EventStream(write_end)) as stream:
        stream.emit("build_started", changed=LONG)
        assert json.loads(reader.readline())["changed"] == LONG


def test_events_that_nobody_reads_are_dropped_whole_and_counted(
    pipe: tuple[BinaryIO, int],
) -> None:
    reader, write_end = pipe
    stream = EventStream(write_end)
    for number in range(30):
        stream.emit("build_started", number=number, changed=LONG)
    events = events_of(read_all_while_closing(stream, reader))

    seen = [event["number"] for event in events if event["event"] == "build_started"]
    dropped = sum(event["count"] for event in events if event["event"] == "dropped")
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 29)
    assert len(seen) + dropped == 30
    assert dropped > 0


def test_close_when_nobody_reads_returns_and_leaves_no_thread(
    pipe: tuple[BinaryIO, int],
) -> None:
    stream = EventStream(pipe[1])
    before = set(threading.enumerate())
    stream.emit("build_started", changed=LONG)
    stream.close()

    assert set(threading.enumerate()) <= before


def test_reader_that_has_gone_costs_events_only(pipe: tuple[BinaryIO, int]) -> None:
    reader, write_end = pipe
    stream = EventStream(write_end)
    reader.close()
    stream.emit("tick")
    stream.emit("tick")
    stream.close()
    stream.emit("after the end")


def test_descriptor_is_taken_over_and_not_inherited(pipe: tuple[BinaryIO, int]) -> None:
    reader, write_end = pipe
    os.set_inheritable(write_end, True)
    stream = EventStream(write_end)
    end = os.fstat(reader.fileno()).st_ino
    own = [fd for fd in open_descriptors() - {reader.fileno()} if os.fstat(fd).st_ino == end]
    inheritable = [fd for fd in own if os.get_inheritable(fd)]
    stream.close()

    assert (len(own), inheritable) == (1, [])
    assert reader.read() == b""


def open_descriptors() -> set[int]:
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names only
    # Among them is the one that listed them.
    return {number for number in numbers if os.path.lexists(f"/proc/self/fd/{number}")}


def test_shared_description_stays_as_it_was(pipe: tuple[BinaryIO, int]) -> None:
    """Blocking for the shell and the workers that share it."""
    reader, write_end = pipe
    shared = os.dup(write_end)
    with contextlib.closing(EventStream(write_end)) as stream:
        stream.emit("tick")
        flags = fcntl.fcntl(shared, fcntl.F_GETFL)
    os.close(shared)

    assert not flags & os.O_NONBLOCK
    assert events_of(reader.read())[0]["event"] == "tick"


def test_standard_output_stays_open_and_inheritable(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(EVENTS_FD_VARIABLE, "1")
    inheritable = os.get_inheritable(1)
    with contextlib.closing(EventStream.from_environment()) as stream:
        stream.emit("tick")

    assert os.get_inheritable(1) == inheritable
    os.write(1, b"still open\n")
    lines = capfd.readouterr().out.splitlines()
    assert json.loads(lines[0])["event"] == "tick"
    assert lines[1:] == ["still open"]


def test_inherited_descriptor_is_written_to(
    pipe: tuple[BinaryIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, write_end = pipe
    os.set_inheritable(write_end, True)
    monkeypatch.setenv(EVENTS_FD_VARIABLE, str(write_end))
    with contextlib.closing(EventStream.from_environment()) as stream:
        stream.emit("tick")

    assert events_of(reader.read())[0]["event"] == "tick"


@pytest.mark.parametrize("text", ["", "²", "-1", "1.0", "one", "9" * 30, "9" * 5000, "987"])
def test_variable_that_names_no_descriptor_is_no_stream(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EVENTS_FD_VARIABLE, text)
    stream = EventStream.from_environment()
    stream.emit("tick")
    stream.close()


def test_variable_that_names_a_descriptor_of_our_own_is_no_stream(
    pipe: tuple[BinaryIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable came along from another session; the number is something else here."""
    reader, write_end = pipe
    monkeypatch.setenv(EVENTS_FD_VARIABLE, str(write_end))
    stream = EventStream.from_environment()
    stream.emit("tick")
    stream.close()
    os.close(write_end)

    assert reader.read() == b""


def test_variable_that_names_a_read_end_is_no_stream(
    pipe: tuple[BinaryIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, write_end = pipe
    os.set_inheritable(reader.fileno(), True)
    monkeypatch.setenv(EVENTS_FD_VARIABLE, str(reader.fileno()))
    stream = EventStream.from_environment()
    stream.emit("tick")
    stream.close()
    os.close(write_end)

    assert reader.read() == b""
