"""What each kind of descriptor becomes; and the system that gives no description of its own."""

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from wiverno.dev.control.write_end import WriteEnd

# As on macOS, or for the terminal of another user.
NO_DESCRIPTORS = "/nonexistent"

ways = pytest.mark.parametrize("descriptors", ["/proc/self/fd", NO_DESCRIPTORS])


@ways
def test_full_pipe_takes_nothing_and_never_blocks(descriptors: str) -> None:
    reader, fd = os.pipe()
    end = WriteEnd(fd, descriptors)
    taken = 0
    while written := end.write(b"x" * 100_000):
        taken += written
    assert taken >= fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) - os.sysconf("SC_PAGESIZE")
    assert not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
    os.read(reader, 8192)
    assert end.write(b"y") == 1
    end.close()
    os.close(fd)
    os.close(reader)


@ways
def test_pipe_without_a_reader_raises(descriptors: str) -> None:
    reader, fd = os.pipe()
    os.close(reader)
    end = WriteEnd(fd, descriptors)
    with pytest.raises(BrokenPipeError):
        end.write(b"x")
    end.close()
    os.close(fd)


def test_file_is_continued_where_its_other_writers_are() -> None:
    """A second description would overwrite what the workers wrote."""
    with tempfile.TemporaryFile() as file:
        end = WriteEnd(file.fileno())
        os.write(file.fileno(), b"worker\n")
        assert end.write(b"supervisor\n") == 11
        os.write(file.fileno(), b"worker\n")
        end.close()
        file.seek(0)
        assert file.read() == b"worker\nsupervisor\nworker\n"


def test_device_takes_everything() -> None:
    with Path("/dev/null").open("wb") as device:
        end = WriteEnd(device.fileno())
        assert end.write(b"x" * 100_000) == 100_000
        end.close()


def test_number_is_above_the_standard_ones_and_not_inherited() -> None:
    """With stdin closed, the next descriptor that is opened gets its number."""
    reader, fd = os.pipe()
    stdin = os.dup(0)
    os.close(0)
    try:
        end = WriteEnd(fd)
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
    assert end.fileno() > 2
    assert not os.get_inheritable(end.fileno())
    end.close()
    os.close(fd)
    os.close(reader)


def test_read_end_is_refused() -> None:
    reader, fd = os.pipe()
    with pytest.raises(OSError, match="Bad file descriptor"):
        WriteEnd(reader)
    os.close(fd)
    os.close(reader)
