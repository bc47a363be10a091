"""Is the process with this pid still the one that was meant?

The system gives pids out again. A process is told from a later one with the same pid by
the time it started, and everything that would hit the wrong one asks here first.
"""

import os
import select
import signal
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from wiverno.dev.processes.spawn import open_pidfd

# Without pidfds (macOS, old kernels) an exit is looked for this often.
_EXIT_POLL_S = 0.05
_PS_TIMEOUT_S = 5.0


def start_mark(pid: int) -> str | None:
    """When the process started, as the system words it; None when it has ended.

    A zombie has ended: in a container without an init process it may stay for ever.
    """
    if Path("/proc/self/stat").exists():
        return _start_from_proc(pid)
    return _start_from_ps(pid)


class KnownProcess:
    """A process that is still the one with this mark. A context manager.

    With a pidfd, signals cannot reach another process, however late they are sent.
    """

    def __init__(self, pid: int, mark: str) -> None:
        """Raises ProcessLookupError when that process has ended."""
        self.pid = pid
        self._mark = mark
        # Opened before the mark is compared: from here on the pid is held.
        self._pidfd = open_pidfd(pid)
        if start_mark(pid) != mark:
            self.close()
            raise ProcessLookupError(f"Process {pid} has ended.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def send(self, number: signal.Signals) -> None:
        """Raises ProcessLookupError when it has ended, PermissionError when it is another's."""
        if self._pidfd is not None:
            signal.pidfd_send_signal(self._pidfd, number)
        else:
            os.kill(self.pid, number)

    def kill_group(self) -> None:
        """SIGKILL to it and to all that still belongs to the session it leads."""
        if start_mark(self.pid) == self._mark:
            os.killpg(self.pid, signal.SIGKILL)

    def has_ended(self, within_s: float) -> bool:
        """Wait for its end; false when it is still there after so many seconds."""
        if self._pidfd is not None:
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            return bool(poll.poll(within_s * 1000))
        left_s = within_s
        while start_mark(self.pid) == self._mark:
            if left_s <= 0:
                return False
            threading.Event().wait(min(left_s, _EXIT_POLL_S))
            left_s -= _EXIT_POLL_S
        return True


def _start_from_proc(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # Field 2 is the program's name in parentheses, which may itself hold blanks and
    # parentheses. Behind it field 3 is the state and field 22 the start time, in ticks.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _start_from_ps(pid: int) -> str | None:
    """The same to the second, for systems without /proc."""
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    shown = subprocess.run(
        command, capture_output=True, text=True, timeout=_PS_TIMEOUT_S, check=False
    )
    state, _, start = shown.stdout.strip().partition(" ")
    return None if state in ("", "Z") else start.strip()
