"""Where the main thread of a process stands, told by a process that can tell nothing else.

`faulthandler` writes it from a signal handler in C: also while an import spins, sleeps
or holds the GIL in native code.
"""

import contextlib
import faulthandler
import os
import signal
from collections.abc import Callable
from types import FrameType

from wiverno.dev.application_forks import in_child

# A real-time signal that nobody is known to use; without such signals (macOS) there is no stack.
_STACK_SIGNAL: int | None = signal.SIGRTMAX - 5 if hasattr(signal, "SIGRTMAX") else None


# Written once the handler stands: before that the signal would end the process.
_READY = b"\n"


def answer_with_stack(fd: int) -> None:
    """Write this process's stack to `fd` whenever it is asked."""
    if _STACK_SIGNAL is not None:
        faulthandler.register(_STACK_SIGNAL, file=fd, all_threads=False)
        os.write(fd, _READY)
        # In what the application forks the descriptor is closed, and its number another's.
        in_child(_answer_no_more)


def answer_with_more(fd: int, more: Callable[[], str]) -> None:
    """From now on `more()` is written behind the stack, once the main thread runs Python again."""
    if _STACK_SIGNAL is None:
        return

    def write_more(number: int, frame: FrameType | None) -> None:
        # The application is being interrupted here, and may have closed it: whatever fails is
        # no failure of its own.
        with contextlib.suppress(Exception):
            os.write(fd, more().encode(errors="replace"))

    # Between the two handlers the signal would end the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, [_STACK_SIGNAL])
    faulthandler.unregister(_STACK_SIGNAL)
    signal.signal(_STACK_SIGNAL, write_more)
    faulthandler.register(_STACK_SIGNAL, file=fd, all_threads=False, chain=True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [_STACK_SIGNAL])


def _answer_no_more() -> None:
    if _STACK_SIGNAL is not None:
        faulthandler.unregister(_STACK_SIGNAL)


def ask_for_stack(pid: int, fd: int) -> int:
    """Ask the process that has `fd`; returns where in the file its answer will begin.

    A forked process whose `pid` is 0 has not said yet who it is. It is not asked: the signal
    would go to our whole process group, and end it.
    """
    size = os.fstat(fd).st_size
    if _STACK_SIGNAL is not None and pid and size >= len(_READY):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, _STACK_SIGNAL)
    return size
