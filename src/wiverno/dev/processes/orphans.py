"""What an application's processes leave behind when their worker has ended.

The supervisor is a subreaper: such processes become its children, and it ends those whose
environment names the session. A plain server would leave them; at every restart one more.
Linux only: elsewhere they stay, as they would after a cold start.
"""

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from wiverno.dev.processes.role import SESSION_VARIABLE

# <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36


def be_subreaper(yes: bool) -> None:
    """Adopt the orphans of this process's descendants, or do so no longer."""
    with contextlib.suppress(OSError, AttributeError):  # Not Linux.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


class Orphans:
    """Ends them, and reaps only what it has ended: other children are the user's own."""

    def __init__(self) -> None:
        self._condemned: set[int] = set()

    def __len__(self) -> int:
        return len(self._condemned)

    def end(self, mark: str) -> None:
        """Send SIGKILL to our children whose session variable begins with `mark`."""
        wanted = f"{SESSION_VARIABLE}={mark}".encode()
        for pid in _children():
            if any(entry.startswith(wanted) for entry in _environment(pid)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self._condemned.add(pid)

    def reap(self) -> None:
        """Take the exit statuses that are there. Never blocks."""
        for pid in tuple(self._condemned):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid
            if ended:
                self._condemned.discard(pid)


def _children() -> Iterator[int]:
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, file.read_text().split())


def _environment(pid: int) -> list[bytes]:
    # Gone meanwhile, a zombie, or not ours to read.
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []
