"""What an application's processes leave behind when their worker has ended.

The supervisor is a subreaper: such processes become its children, and it ends those whose
environment names the session. A plain server would leave them; at every restart one more.
Linux only: elsewhere they stay, as they would after a cold start.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator

from wiverno.dev.processes.role import SESSION_VARIABLE

# <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36
# A program that waits for its own child does so within this; a zombie costs a few KB.
_STRANGERS_PAUSE_S = 2.0
_POLL_S = 0.005

_claims_all = os.getpid() == 1


def claim_all_children() -> None:
    """This program starts no children but the session's: all others came to it as orphans."""
    global _claims_all
    _claims_all = True


def be_subreaper(yes: bool) -> None:
    """Adopt the orphans of this process's descendants, or do so no longer."""
    import ctypes  # The pages process does without.

    with contextlib.suppress(OSError, AttributeError):  # Not Linux.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


class Orphans:
    """Ends them, and reaps only what it has ended: other children are the user's own."""

    def __init__(self, spared: Callable[[], Collection[int]] = tuple) -> None:
        """`spared` are pids that have another end: a snapshot bears the mark of its build."""
        self._spared = spared
        self._condemned: dict[int, str] = {}
        self._zombies: set[int] = set()
        self.look_at: float | None = time.monotonic() if _claims_all else None
        """Monotonic time of the next `reap_strangers`; None: only a user's program knows them."""

    def __len__(self) -> int:
        return len(self._condemned)

    def end(self, mark: str) -> None:
        """Send SIGKILL to our children whose session variable begins with `mark`."""
        wanted = f"{SESSION_VARIABLE}={mark}".encode()
        spared = self._spared()
        for pid in _children():
            if pid not in spared and _has(pid, wanted):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self._condemned[pid] = mark

    def reap(self) -> None:
        """Take the exit statuses that are there. Never blocks."""
        for pid, mark in tuple(self._condemned.items()):
            if _is_reaped(pid):
                del self._condemned[pid]
                # What it leaves in turn has come to us now.
                self.end(mark)

    def reap_strangers(self, now: float, known: Collection[int]) -> None:
        """As PID 1, or in a program of ours: reap what ended of children that nobody waits for.

        Seen twice: PID 1 may be a user's program, which waits for its own children sooner.
        """
        if self.look_at is None or now < self.look_at:
            return
        self.look_at = now + _STRANGERS_PAUSE_S
        zombies = {pid for pid in _children() if pid not in known and _is_zombie(pid)}
        self._zombies = {pid for pid in zombies if pid not in self._zombies or not _is_reaped(pid)}


def end_session(mark: str, within_s: float) -> None:
    """Send SIGKILL to every process of the session but this one, until there is none.

    For the process that is left when the supervisor was killed.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        others = [pid for pid in processes_marked(mark) if pid != os.getpid()]
        if not others:
            return
        for pid in others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        threading.Event().wait(_POLL_S)


def processes_marked(mark: str) -> Iterator[int]:
    """Those whose session variable begins with `mark`, this one among them; not zombies."""
    wanted = f"{SESSION_VARIABLE}={mark}".encode()
    return (pid for pid in _processes() if _has(pid, wanted))


def _processes() -> Iterator[int]:
    with contextlib.suppress(OSError):  # Not Linux.
        yield from (int(name) for name in os.listdir("/proc") if name.isdigit())


def _is_reaped(pid: int) -> bool:
    try:
        ended, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return ended != 0


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return _content(f"/proc/{pid}/stat").rpartition(b")")[2].split()[0] == b"Z"
    return False


def _children() -> Iterator[int]:
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):
            yield from map(int, _content(f"/proc/self/task/{thread}/children").split())


def _has(pid: int, wanted: bytes) -> bool:
    return any(entry.startswith(wanted) for entry in _environment(pid))


def _environment(pid: int) -> list[bytes]:
    # Gone meanwhile, a zombie, or not ours to read.
    with contextlib.suppress(OSError):
        return _content(f"/proc/{pid}/environ").split(b"\0")
    return []


def _content(path: str) -> bytes:
    # Not by pathlib: it and what it imports cost every process of a session half a megabyte.
    with open(path, "rb") as file:
        return file.read()
