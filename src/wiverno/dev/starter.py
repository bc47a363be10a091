"""The process that started a foreground session: `sh -c`, `make`, `uv run`.

A session ends with it, or a killed wrapper would leave a server that nobody sees. Which
starters count is decision 9.
"""

import contextlib
import os
import selectors
import signal
from collections.abc import Iterator

from wiverno.dev.notices import Notices, Problem, StopAsked
from wiverno.dev.processes.spawn import open_pidfd


@contextlib.contextmanager
def starter_watched(selector: selectors.BaseSelector, notices: Notices) -> Iterator[None]:
    """While the block runs, the end of the starter asks for the end of the session."""
    fd = _open_starter() if notices.is_foreground else None
    if fd is None:
        yield
        return

    def on_end() -> None:
        selector.unregister(fd)
        notices.put(
            Problem(
                "The process that started this session has ended. "
                "Use `wiverno start` or `nohup` for a session that stays."
            )
        )
        notices.put(StopAsked("starter ended"))

    selector.register(fd, selectors.EVENT_READ, on_end)
    try:
        yield
    finally:
        os.close(fd)


def _open_starter() -> int | None:
    """A descriptor that becomes readable at its end; None: the session does not end with it."""
    parent = os.getppid()
    if not _is_same_job(parent):
        return None
    pidfd = open_pidfd(parent)
    if os.getppid() == parent:
        return pidfd
    # It ended in between, and its number may be another's. A closed pipe says so at once.
    if pidfd is not None:
        os.close(pidfd)
    read_end, write_end = os.pipe()
    os.close(write_end)
    return read_end


def _is_same_job(parent: int) -> bool:
    """Is it a wrapper around us, and not a shell with jobs or what adopts orphans?"""
    # `nohup`, and what a script starts in the background (POSIX, 2.11), are meant to stay.
    if any(signal.getsignal(number) is signal.SIG_IGN for number in (signal.SIGHUP, signal.SIGINT)):
        return False
    try:
        # With PID 1 everything ends anyway; 0 is a parent outside of our namespace.
        return parent > 1 and os.getpgid(parent) == os.getpgrp()
    except ProcessLookupError:
        return False
