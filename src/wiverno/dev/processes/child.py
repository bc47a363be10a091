"""How each process of ours begins and ends, whatever it runs in between."""

import atexit
import contextlib
import os
import resource
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

# They reach every process of the foreground group, or of a service's control group. Only
# the supervisor acts on them: it lets workers finish what they have begun.
_LEFT_TO_THE_SUPERVISOR = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)

BLOCKED_AT_THE_START = frozenset({signal.SIGINT, signal.SIGUSR1})
"""Signals to the whole group that would end an interpreter which has no handler for them yet."""


def begin(descriptor_limit: int) -> None:
    """Leave the ends of the session to the supervisor, show output line by line.

    A handler that does nothing, not SIG_IGN: that would be inherited by what the
    application starts. `descriptor_limit` is the soft limit that the supervisor had before
    it raised its own.
    """
    for number in _LEFT_TO_THE_SUPERVISOR:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave_it_to_the_supervisor)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED_AT_THE_START)
    os.register_at_fork(after_in_child=_put_signals_back)
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptor_limit, hard_limit))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)


def leave(status: int, within_s: float) -> NoReturn:
    """End as an interpreter would (threads, atexit handlers, output), but within a bound."""
    threading.Thread(target=_exit_after, args=(within_s, status), daemon=True).start()
    # Neither is public, but multiprocessing ends its processes with the same two. The first
    # joins threads and ends executors, the second runs the atexit handlers.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    flush_output()
    os._exit(status)


def flush_output() -> None:
    """Bring out what was printed. The application may have closed or replaced its streams."""
    for name in ("stdout", "stderr"):
        with contextlib.suppress(Exception):
            getattr(sys, name).flush()


def complain(text: str) -> None:
    """One line on stderr, if there is one."""
    with contextlib.suppress(Exception):
        sys.stderr.write(f"wiverno: {text}\n")


def _exit_after(delay_s: float, status: int) -> None:
    threading.Event().wait(delay_s)
    flush_output()
    os._exit(status)


def _leave_it_to_the_supervisor(signum: int, frame: FrameType | None) -> None:
    pass


def _put_signals_back() -> None:
    """In a process that the application forked: it ends by a signal, as in a cold start."""
    for number in _LEFT_TO_THE_SUPERVISOR:
        if signal.getsignal(number) is _leave_it_to_the_supervisor:
            default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, default)
