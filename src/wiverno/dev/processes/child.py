"""How each process of ours begins and ends, whatever it runs in between."""

import atexit
import contextlib
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from wiverno.dev.application_forks import in_child

# They reach every process of the foreground group, or of a service's control group. Only
# the supervisor acts on them: it lets workers finish what they have begun.
_LEFT_TO_THE_SUPERVISOR = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)

BLOCKED_AT_THE_START = frozenset({signal.SIGINT, signal.SIGUSR1})
"""Signals to the whole group that would end an interpreter which has no handler for them yet."""

_exit_handlers_run = threading.Lock()
_is_shutting_down = threading.Event()


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
    in_child(_put_signals_back)
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptor_limit, hard_limit))
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)


def close_in_forks(fd: int) -> None:
    """In a process that the application forks, close this descriptor of ours."""
    identity = _identify(fd)

    def close() -> None:
        # The application may have closed it (`os.closerange`) and own its number by now.
        if identity is not None and _identify(fd) == identity:
            os.close(fd)

    in_child(close)


def leave(status: int, within_s: float, shutdown: Callable[[], object] | None = None) -> NoReturn:
    """End as an interpreter would (threads, atexit handlers, output), but within a bound.

    `shutdown`, the application's own, comes first: it may be what ends the threads.

    A thread that never ends keeps a plain interpreter from its atexit handlers for ever;
    here they run when half of the time is over.
    """
    bound_leaving(status, within_s)
    if shutdown is not None:
        _is_shutting_down.set()
        try:
            shutdown()
        finally:
            _is_shutting_down.clear()
    # Neither this nor what runs the handlers is public, but multiprocessing ends its
    # processes with the same two. This one joins threads and ends executors.
    threading._shutdown()  # type: ignore[attr-defined]
    _run_exit_handlers(status)


def bound_leaving(status: int, within_s: float) -> None:
    """From now on the process ends within so many seconds, whatever its main thread does."""
    for delay_s, end in ((within_s, _exit), (within_s / 2, _run_exit_handlers)):
        threading.Thread(target=_after, args=(delay_s, end, status), daemon=True).start()


def flush_output() -> None:
    """Bring out what was printed. The application may have closed or replaced its streams."""
    for name in ("stdout", "stderr"):
        with contextlib.suppress(Exception):
            getattr(sys, name).flush()


def complain(text: str) -> None:
    """One line on stderr, if there is one."""
    with contextlib.suppress(Exception):
        sys.stderr.write(f"wiverno: {text}\n")


def _after(delay_s: float, end: Callable[[int], NoReturn], status: int) -> None:
    threading.Event().wait(delay_s)
    end(status)


def _run_exit_handlers(status: int) -> NoReturn:
    # Never released: who comes second waits for the end of the process.
    _exit_handlers_run.acquire()
    if _is_shutting_down.is_set():
        # Else nobody would miss what it had yet to write.
        complain("The shutdown of the application takes too long and is cut short.")
    atexit._run_exitfuncs()
    _exit(status)


def _exit(status: int) -> NoReturn:
    flush_output()
    os._exit(status)


def _identify(fd: int) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.fstat(fd)
        return found.st_dev, found.st_ino
    return None


def _leave_it_to_the_supervisor(signum: int, frame: FrameType | None) -> None:
    pass


def _put_signals_back() -> None:
    """In a process that the application forked: it ends by a signal, as in a cold start."""
    for number in _LEFT_TO_THE_SUPERVISOR:
        if signal.getsignal(number) is _leave_it_to_the_supervisor:
            default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, default)
