"""How other threads and signal handlers reach the loop: a queue of calls and a bell."""

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class Wakeup:
    """Calls from anywhere, carried out by the loop. Takes no lock: a signal handler may ring."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._is_ringing = False
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Readable after a ring."""
        return self._reader.fileno()

    def signal_fileno(self) -> int:
        """For `signal.set_wakeup_fd`."""
        return self._writer.fileno()

    def call(self, function: Callable[[], None]) -> None:
        """Have the loop call `function` soon."""
        self._calls.append(function)
        # One byte is enough until the loop has taken it; the flag falls before the queue
        # is emptied, so a call appended after that rings again.
        if not self._is_ringing:
            self._is_ringing = True
            self.ring()

    def ring(self) -> None:
        """Make the loop's select() return."""
        with suppress(OSError):  # Full: it rings already. Closed: the loop has ended.
            self._writer.send(b"\0")

    def run_calls(self) -> None:
        """In the loop: silence the bell, then do what was asked."""
        with suppress(OSError):  # Empty, or closed by close().
            self._reader.recv(4096)
        self._is_ringing = False
        while self._calls:
            try:
                call = self._calls.popleft()
            except IndexError:  # After close() several threads may be here.
                return
            call()

    def close(self) -> None:
        """Calls after this stay in the queue until somebody runs them."""
        self._reader.close()
        self._writer.close()
