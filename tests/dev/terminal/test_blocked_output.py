"""Output that nobody takes: a full pipe, a terminal that Ctrl+S has stopped."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from tests.dev.harness import VERSIONED_APP, DevSession
from wiverno.dev.terminal.terminal import Terminal

PIPE_BYTES = 4096
WITHIN_S = 3.0


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []


def fill(fd: int) -> None:
    """Until not one byte fits."""
    os.set_blocking(fd, False)
    for size in (PIPE_BYTES, 1):
        try:
            while True:
                os.write(fd, b"x" * size)
        except BlockingIOError:
            pass
    os.set_blocking(fd, True)


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A read end, and a text file that writes to a small pipe."""
    reader, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    stream = open(write_end, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closed below
    yield reader, stream
    # The reader first: what a failed test leaves in the file would wait for it for ever.
    os.close(reader)
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def test_text_stands_in_the_pipe_when_the_method_returns(pipe: tuple[int, TextIO]) -> None:
    """So that what a worker prints when it may go comes after the panel."""
    reader, stream = pipe
    terminal = Terminal(stream)
    for number in range(20):
        terminal.notice(f"notice {number}")
        stream.write(f"worker {number}\n")
        stream.flush()
    terminal.close(0.5)

    text = os.read(reader, PIPE_BYTES).decode()
    assert text == "".join(f"notice {number}\nworker {number}\n" for number in range(20))


def test_text_comes_after_what_the_program_printed(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    stream.write("said by the program itself\n")
    terminal = Terminal(stream)
    terminal.notice("notice")
    terminal.close(0.5)

    assert os.read(reader, PIPE_BYTES) == b"said by the program itself\nnotice\n"


def test_full_pipe_blocks_no_method_and_what_was_dropped_is_told_later(
    pipe: tuple[int, TextIO],
) -> None:
    reader, stream = pipe
    terminal = Terminal(stream)
    for number in range(2000):
        terminal.notice(f"notice {number} " + "x" * 80)
    text = b""
    while b"notice 1999 " not in text or not text.endswith(b"\n"):
        text += os.read(reader, 65536)
    terminal.close(0.5)

    lines = text.decode().splitlines()
    told = [line for line in lines if "dropped" in line]
    shown = [line for line in lines if line.startswith("notice ")]
    assert told == [f"({2000 - len(shown)} messages were dropped: the output was blocked)"]
    assert len(lines) == len(shown) + 1
    assert shown[0].startswith("notice 0 ")


def test_close_when_nobody_reads_keeps_its_bound(pipe: tuple[int, TextIO]) -> None:
    _, stream = pipe
    fill(stream.fileno())
    terminal = Terminal(stream)
    terminal.stopping()
    asked_at = time.monotonic()
    terminal.close(0.1)
    took_s = time.monotonic() - asked_at
    terminal.notice("after the end")
    terminal.close(0.1)

    assert 0.1 <= took_s < 1.0


def test_close_lets_go_of_the_pipe(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    terminal = Terminal(stream)
    terminal.stopping()
    terminal.close(0.5)
    stream.close()

    assert os.read(reader, PIPE_BYTES) == b"Stopping.\n"
    assert os.read(reader, PIPE_BYTES) == b""


def test_stdout_stays_blocking_for_the_workers(pipe: tuple[int, TextIO]) -> None:
    _, stream = pipe
    terminal = Terminal(stream)
    terminal.stopping()
    assert os.get_blocking(stream.fileno())
    terminal.close(0.5)


def test_output_of_a_build_keeps_its_order_when_nobody_reads(pipe: tuple[int, TextIO]) -> None:
    """Both descriptors lead to one pipe, which takes a part of the first piece."""
    reader, stream = pipe
    told, tells = os.pipe()
    code = (
        "import os, sys\n"
        "from wiverno.dev.terminal.terminal import Terminal\n"
        "terminal = Terminal()\n"
        "terminal.output([(1 + n % 2, b'%d' % n * 5000 + b'\\n') for n in range(6)])\n"
        "terminal.notice('panel')\n"
        "os.close(int(sys.argv[1]))\n"
        "terminal.close(10)\n"
    )
    writer = stream.fileno()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tells)], stdout=writer, stderr=writer, pass_fds=(tells,)
    )
    os.close(tells)
    assert os.read(told, 1) == b""
    os.close(told)
    text = b""
    while not text.endswith(b"panel\n"):
        text += os.read(reader, PIPE_BYTES)
    wait(process, WITHIN_S)

    assert text == b"".join(b"%d" % n * 5000 + b"\n" for n in range(6)) + b"panel\n"


def start(project: Path, stdout: int, *, in_terminal: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "wiverno", "run", "dev", "app:app", "--port", "0"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stdout,
        start_new_session=True,
        preexec_fn=take_terminal if in_terminal else None,
    )


def take_terminal() -> None:
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)


def wait(process: subprocess.Popen[bytes], within_s: float) -> int:
    try:
        return process.wait(within_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_session_with_a_full_pipe_ends_when_asked(project: Path, number: signal.Signals) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    reader, write_end = os.pipe()
    process = start(project, write_end)
    seen = b""
    while b"started in" not in seen:
        seen += os.read(reader, 65536)
    fill(write_end)
    process.send_signal(number)
    status = wait(process, WITHIN_S)
    os.close(write_end)
    os.close(reader)

    assert status == 0


@pytest.mark.processes
def test_session_in_a_stopped_terminal_ends_when_asked(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    controller, terminal = pty.openpty()
    process = start(project, terminal, in_terminal=True)
    seen = b""
    while b"started in" not in seen:
        seen += os.read(controller, 65536)
    termios.tcflow(terminal, termios.TCOOFF)
    process.send_signal(signal.SIGTERM)
    status = wait(process, WITHIN_S)
    for fd in (terminal, controller):
        os.close(fd)

    assert status == 0


@pytest.mark.processes
def test_session_with_a_full_pipe_restarts_and_answers(project: Path) -> None:
    (project / "app.py").write_text(VERSIONED_APP.format(version=1))
    fifo = project.parent / "output"
    os.mkfifo(fifo)
    both_ends = os.open(fifo, os.O_RDWR)
    redirected = 'exec "$0" -m wiverno run dev app:app --port 0 >"$1" 2>&1'
    with DevSession(
        project, command=["sh", "-c", redirected, sys.executable, str(fifo)]
    ) as session:
        session.wait_until_serving()
        fill(both_ends)
        for version in (2, 3, 4):
            session.save("app.py", VERSIONED_APP.format(version=version))
            for _ in range(3):
                assert session.get().body == f"{version:06d}"
        assert session.stop() == 0
    os.close(both_ends)
