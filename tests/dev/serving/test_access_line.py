"""The line on a stdout that is closed, blocked, or slow; none of it may keep an answer back."""

import fcntl
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from wiverno.dev.serving.access_line import AccessLine, LineOutput

# Two pages: poll() tells of room when one is free.
PIPE_BYTES = 8192
DEADLINE_S = 10.0


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A read end, and a file that writes to a small pipe."""
    reader, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with open(write_end, "w") as stream:  # noqa: PTH123 - a descriptor
        yield reader, stream
    os.close(reader)


def test_line_when_the_application_closed_stdout_is_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    monkeypatch.setattr(sys, "__stdout__", stream)
    AccessLine("GET", "/path").show()


def test_line_when_there_is_no_stdout_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdout__", None)
    AccessLine("GET", "/path").show()


@pytest.mark.parametrize(
    ("name", "value", "is_coloured"),
    [
        ("TERM", "xterm", True),
        ("TERM", "dumb", False),
        ("NO_COLOR", "1", False),
        # https://no-color.org: "when present and not an empty string".
        ("NO_COLOR", "", True),
    ],
)
def test_line_to_a_terminal_is_coloured_unless_the_environment_forbids_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, is_coloured: bool
) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]  # what stands in for a terminal
    monkeypatch.setattr(sys, "__stdout__", stream)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)

    AccessLine("GET", "/path").show()

    assert ("\x1b[31m500" in stream.getvalue()) is is_coloured
    assert ("\x1b" in stream.getvalue()) is is_coloured


def test_line_to_a_stream_without_descriptor_is_written() -> None:
    stream = io.StringIO()
    LineOutput(0).show(stream, "line")
    assert stream.getvalue() == "line\n"


def test_lines_while_nobody_reads_are_dropped_and_counted(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    output = LineOutput(0.01)
    output.show(stream, "x" * (PIPE_BYTES - 1))
    output.show(stream, "dropped")
    output.show(stream, "dropped")
    os.read(reader, PIPE_BYTES)
    output.show(stream, "first")
    output.show(stream, "second")

    assert os.read(reader, PIPE_BYTES).decode().splitlines() == [
        "(2 lines were dropped: the output was blocked)",
        "first",
        "second",
    ]


def test_line_waits_for_a_reader_that_is_slow(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    output = LineOutput(DEADLINE_S)
    output.show(stream, "x" * (PIPE_BYTES - 1))
    other = threading.Thread(target=output.show, args=(stream, "line"))
    other.start()
    os.read(reader, PIPE_BYTES)
    other.join(DEADLINE_S)

    assert os.read(reader, PIPE_BYTES) == b"line\n"
