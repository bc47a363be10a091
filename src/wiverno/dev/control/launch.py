"""Starts a background session: a process of its own session, with a log file.

It is known to have started when it says so over a pipe: it listens, handles its signals,
and its files are written. Everything before that is a failed start and leaves nothing.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wiverno.core.exceptions import WivernoError
from wiverno.dev.control.events import EVENTS_FD_VARIABLE

START_TIMEOUT_S = 30.0
"""It takes a tenth of a second; a machine that swaps may take long."""

# After SIGKILL, or after it has closed its end of the pipe by ending.
_END_TIMEOUT_S = 10.0
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[3])

# Without the current directory on the path, so that a project's own click.py or queue.py
# is not taken for the one that wiverno needs. Workers put it back for the application.
_PROGRAM = f"""\
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
if {_PACKAGE_ROOT!r} not in sys.path:
    sys.path.append({_PACKAGE_ROOT!r})
from wiverno.cli import main
main()
"""


class LaunchError(WivernoError):
    """The session did not start; nothing of it is left but, where it helps, the log."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. `words` are those of the session's own command."""

    words: Sequence[str]
    directory: Path
    log: Path


def launch(what: Launch) -> None:
    """Start it and return when it listens. Raises LaunchError, and OSError for log or folder."""
    is_new_log = not what.log.exists()
    with what.log.open("ab") as log:
        log_begin = os.fstat(log.fileno()).st_size
        read_end, write_end = os.pipe()
        with contextlib.closing(os.fdopen(read_end, "rb", buffering=0)):
            try:
                process = _start(what, log.fileno(), write_end)
            finally:
                os.close(write_end)
            try:
                problem = _wait_until_ready(process, read_end)
            except BaseException:
                _kill(process)
                raise
    if problem is not None:
        said = _last_line(what.log, log_begin)
        if said.startswith("Error: "):
            # A line for the user, in which a log has no part.
            if is_new_log:
                what.log.unlink(missing_ok=True)
            raise LaunchError(said.removeprefix("Error: "))
        hint = f" Its last line: {said}" if said else ""
        raise LaunchError(f"{problem} The log is {str(what.log)!r}.{hint}")
    # It outlives this process on purpose; without a code Popen would warn.
    process.returncode = 0


def _start(what: Launch, log_fd: int, ready_fd: int) -> subprocess.Popen[bytes]:
    # As multiprocessing does it, which has no public name.
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    environment = dict(os.environ)
    environment.pop(EVENTS_FD_VARIABLE, None)
    return subprocess.Popen(
        [sys.executable, *flags, "-c", _PROGRAM, *what.words, "--ready-fd", str(ready_fd)],
        cwd=what.directory,
        env=environment,
        pass_fds=(ready_fd,),
        stdin=subprocess.DEVNULL,
        stdout=log_fd,
        stderr=log_fd,
        start_new_session=True,
    )


def _wait_until_ready(process: subprocess.Popen[bytes], fd: int) -> str | None:
    """None when it is ready, else how it failed."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(START_TIMEOUT_S * 1000):
        _kill(process)
        return f"The session did not listen within {START_TIMEOUT_S:g} s and was killed."
    if os.read(fd, 1):
        return None
    try:
        code = process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        _kill(process)
        return "The session hung before it listened and was killed."
    return f"The session ended with exit code {code} before it listened."


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(_END_TIMEOUT_S)


def _last_line(log: Path, begin: int) -> str:
    with log.open("rb") as stream:
        stream.seek(begin)
        lines = stream.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
