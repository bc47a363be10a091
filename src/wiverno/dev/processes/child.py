"""How each process of ours begins and ends, whatever it runs in between."""

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn


def begin() -> None:
    """Take Ctrl+C in silence and show output line by line.

    The supervisor decides what Ctrl+C means for its processes. A handler that does
    nothing, not SIG_IGN: that would be inherited by what the application starts.
    """
    signal.signal(signal.SIGINT, _leave_it_to_the_supervisor)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)


def leave(status: int, join_s: float = 0.5) -> NoReturn:
    """End as an interpreter would, but within a bound: threads, atexit handlers, output."""
    deadline = time.monotonic() + join_s
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
    # Not public, but what multiprocessing calls before its own os._exit.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # Closed by the application, or its reader is gone.
            stream.flush()
    os._exit(status)


def _leave_it_to_the_supervisor(signum: int, frame: FrameType | None) -> None:
    pass
