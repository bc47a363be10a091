"""What other threads and signal handlers tell the supervisor's loop, in the order they told it."""

import contextlib
import queue
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import TypeAlias

from wiverno.dev.decisions.changes import Change


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Somebody wants the session to end."""

    reason: str


@dataclass(frozen=True, slots=True)
class RestartAsked:
    """Somebody wants the application restarted, changed or not."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the user should read, in one line."""

    text: str


Notice: TypeAlias = Change | StopAsked | RestartAsked | Problem

_is_last = False


def end_after_session() -> None:
    """This program only ends when its session has: no signal is to interrupt it in that.

    Put back, the handler of Ctrl+C would raise KeyboardInterrupt while the interpreter ends.
    """
    global _is_last
    _is_last = True


class Notices:
    """A queue that wakes a selector. Safe from any thread and from signal handlers.

    Notices may be put before it is opened and are kept; descriptors exist only while it
    is open.
    """

    def __init__(self, *, hangup_restarts: bool = False) -> None:
        """`hangup_restarts`: SIGHUP asks for a restart, as it does with daemons."""
        self._hangup_restarts = hangup_restarts
        self._queue: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._reader: socket.socket | None = None
        self._writer: socket.socket | None = None
        self.hears_signals = False
        """Only while it is open, and in the main thread."""

    @property
    def is_foreground(self) -> bool:
        """Does Ctrl+C end this session? In a thread of a program it ends with its program."""
        return threading.current_thread() is threading.main_thread() and not self._hangup_restarts

    def put(self, notice: Notice) -> None:
        self._queue.put(notice)
        writer = self._writer
        if writer is not None:
            # Full: the loop is awake already. Closed: the session is over.
            with contextlib.suppress(OSError):
                writer.send(b"\0")

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """Gives the descriptor that becomes readable when there is something to drain."""
        self._reader, self._writer = socket.socketpair()
        with self._reader, self._writer:
            self._reader.setblocking(False)
            self._writer.setblocking(False)
            try:
                with self._stop_signals(self._writer):
                    yield self._reader.fileno()
            finally:
                self._reader = self._writer = None

    def drain(self) -> list[Notice]:
        """What was put since the last call, oldest first."""
        assert self._reader is not None  # only the loop that opened it drains
        with contextlib.suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        notices: list[Notice] = []
        with contextlib.suppress(queue.Empty):
            while True:
                notices.append(self._queue.get_nowait())
        return notices

    @contextlib.contextmanager
    def _stop_signals(self, writer: socket.socket) -> Iterator[None]:
        """In the main thread, SIGINT, SIGTERM and SIGHUP ask for the end, SIGUSR1 for a restart.

        All are put back afterwards, unless the program ends as well: then they are ignored.

        In the foreground SIGHUP means that the terminal was closed. What is ignored already
        stays so: `nohup` ignores SIGHUP, a shell's background job SIGINT. Where SIGHUP
        restarts it is no matter of terminals, and always handled.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        stop_signals = [
            number
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
            if signal.getsignal(number) is not signal.SIG_IGN
            or (number == signal.SIGHUP and self._hangup_restarts)
        ]
        previous = {number: signal.signal(number, self._on_signal) for number in stop_signals}
        # A signal that arrives just before select() would wait for the next event without it.
        wakeup_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self.hears_signals = True
        try:
            yield
        finally:
            self.hears_signals = False
            signal.set_wakeup_fd(wakeup_fd)
            for number, handler in previous.items():
                # None: a handler that was not installed from Python; it cannot be put back.
                later = signal.SIG_DFL if handler is None else handler
                signal.signal(number, signal.SIG_IGN if _is_last else later)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGUSR1 or (number == signal.SIGHUP and self._hangup_restarts):
            self.put(RestartAsked())
        else:
            self.put(StopAsked(signal.Signals(number).name))
