"""Real streams: a pipe, a file, a pseudo-terminal, a reader that has gone."""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from wiverno.dev.terminal.screen import RestartSummary
from wiverno.dev.terminal.terminal import Terminal

SUMMARY = RestartSummary(("/p/routes.py",), {"import": 170.0}, 231.0)
LONG = "/a/path/[red]that/is/longer/than/eighty/columns" * 4 + "/routes.py"


@contextmanager
def terminal_on(stream: TextIO) -> Iterator[Terminal]:
    terminal = Terminal(stream)
    yield terminal
    terminal.close(0.5)


def say_everything(terminal: Terminal) -> None:
    terminal.starting("run:app", "http://localhost:8000")
    terminal.restarting([LONG])
    terminal.serving("http://localhost:8000", True, 2, SUMMARY)
    terminal.failed("SyntaxError: invalid syntax (routes.py, line 3)", "/p/r.py:3", ["[bold]"])
    terminal.worker_died("The worker was ended by SIGSEGV.")
    terminal.notice("[notice]")
    terminal.stopping()


def test_output_to_a_pipe_is_plain_whole_and_flushed() -> None:
    reader, writer = os.pipe()
    with open(reader, encoding="utf-8") as output:  # noqa: PTH123 - a descriptor
        stream = open(writer, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closed below
        with stream, terminal_on(stream) as terminal:
            terminal.restarting([LONG])
            # Read while the writer is still open: only a flush can have brought it here.
            assert output.readline() == f"WARNING: File changed: {LONG}\n"
            say_everything(terminal)
        text = output.read()
    assert "\x1b" not in text
    assert "│ Debug Mode: ON                         │\n" in text
    assert "\n  [bold]\n" in text
    assert "\n[notice]\n" in text


def test_output_when_the_encoding_has_no_boxes_is_ascii() -> None:
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding="ascii"))
    terminal.serving("http://localhost:8000", None, 1, SUMMARY)
    terminal.notice("Ärger in \udcff")
    text = raw.getvalue().decode("ascii")
    assert "| Debug Mode: Unknown                    |" in text
    assert r"\xc4rger in \udcff" in text


class Pty:
    def __init__(self, columns: int) -> None:
        self.reader, writer = pty.openpty()
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.stream: TextIO = open(writer, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closed below

    def text_until(self, end: str) -> str:
        """What arrived until `end` did; the device hands it over line by line."""
        arrived = b""
        while not arrived.decode(errors="ignore").rstrip().endswith(end):
            arrived += os.read(self.reader, 100_000)
        return arrived.decode().replace("\r\n", "\n")

    def close(self) -> None:
        self.stream.close()
        os.close(self.reader)


@pytest.fixture(params=[80, 40, 20])
def terminal_device(request: pytest.FixtureRequest) -> Iterator[Pty]:
    device = Pty(request.param)
    yield device
    device.close()


def test_output_to_a_terminal_is_coloured_and_not_wrapped(
    terminal_device: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with terminal_on(terminal_device.stream) as terminal:
        terminal.restarting([LONG])
    assert terminal_device.text_until("restarting...\x1b[0m") == (
        f"\x1b[33mWARNING: File changed: {LONG}\x1b[0m\n\x1b[36m>> Server restarting...\x1b[0m\n"
    )


def test_output_to_a_terminal_with_no_color_has_no_colours(
    terminal_device: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal_on(terminal_device.stream) as terminal:
        terminal.restarting(["/a.py"])
    text = terminal_device.text_until("restarting...")
    assert text == "WARNING: File changed: /a.py\n>> Server restarting...\n"


def test_panel_in_a_terminal_fits_it(terminal_device: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    columns = os.get_terminal_size(terminal_device.stream.fileno()).columns
    with terminal_on(terminal_device.stream) as terminal:
        terminal.serving("http://localhost:8000", True, 2, SUMMARY)
    panel = terminal_device.text_until("routes.py").splitlines()[:-1]
    assert panel[0].startswith("╭") == (columns >= 40)
    if columns >= 40:
        assert {len(line) for line in panel} == {min(42, columns)}


def test_output_when_the_reader_has_gone_is_silence_and_exit_0(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from tests.dev.terminal.test_terminal import say_everything\n"
        "from wiverno.dev.terminal.terminal import Terminal\n"
        "sys.stdin.readline()\n"
        "terminal = Terminal(); say_everything(terminal); say_everything(terminal)\n"
        "print('still alive', file=sys.stderr)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate("go\n", timeout=30)
    assert (errors, process.returncode) == ("still alive\n", 0)


def test_output_to_a_closed_file_is_silence() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    stream.close()
    say_everything(terminal)


def test_output_without_any_stdout_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    say_everything(Terminal())


def test_output_to_a_pipe_never_imports_rich() -> None:
    code = (
        "import sys\n"
        "from tests.dev.terminal.test_terminal import say_everything\n"
        "from wiverno.dev.terminal.terminal import Terminal\n"
        "say_everything(Terminal()); sys.exit('rich' in sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
