"""The life line: no process of ours outlives the supervisor, not even a spinning import.

Every process holds the read end of a pipe whose write end only the supervisor has. The
kernel sends SIGKILL when that end closes, whatever killed the supervisor. On systems
without F_SETSIG (macOS) the closed channel ends a process that waits on it.
"""

import fcntl
import os
import select
import signal

_F_SETSIG: int | None = getattr(fcntl, "F_SETSIG", None)


def create() -> tuple[int, int]:
    """The two ends (read, write) of a session's life line."""
    return os.pipe()


def arm(inherited: int) -> int:
    """Die when the supervisor dies. Closes `inherited` and returns the descriptor that is armed.

    The owner that gets the signal belongs to the open file description, which processes
    share after inheriting it; so each opens its own.
    """
    if _F_SETSIG is None:
        return inherited
    own = os.open(f"/proc/self/fd/{inherited}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.close(inherited)
    fcntl.fcntl(own, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(own, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    # It may have died before the signal was armed.
    poll = select.poll()
    poll.register(own, select.POLLIN)
    if poll.poll(0):
        os._exit(1)
    return own
