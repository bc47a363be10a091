"""One client: its socket, its reader, its phase and what it has not yet taken of an answer.

The loop owns the socket. A pool thread may only `send`, and only while it answers.
"""

import socket
import threading
from collections.abc import Callable
from enum import Enum
from math import inf

from wiverno.core.exceptions import WivernoError
from wiverno.core.server.environ import RequestBody, connection_environ
from wiverno.core.server.output import Output
from wiverno.core.server.request_head import RequestHead
from wiverno.core.server.request_reader import RequestReader
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import Environ

# A client that takes no megabyte in this time is slow, and its thread is of more use elsewhere.
_SLOW_AFTER_S = 0.1
# In one turn of the loop.
_MOST_FLUSHED_BYTES = 1024 * 1024


class ClientGoneError(WivernoError):
    """The client has left, or takes nothing; the rest of the answer has no receiver."""


class Phase(Enum):
    """What the connection waits for. Changed by the loop only."""

    HEAD = "a request head"
    BODY = "the rest of a request"
    ANSWERING = "the application"
    CLOSING = "the client to take the last answer"
    LINGERING = "the client to close"
    GONE = "nothing"


class Connection:
    """State of one client."""

    # In the class, not in __init__: one is made for each client, and few of these ever change.
    phase = Phase.HEAD
    deadline = inf
    events = 0
    """The selector's mask, 0 when it is not registered."""
    head: RequestHead | None = None
    body: RequestBody | None = None
    body_began_at = 0.0
    started_at = 0.0
    drain_began_at = 0.0
    """Since when the client is behind."""
    drained_bytes = 0
    """What it has taken since then."""
    thread_id = 0
    """Of the pool thread that answers; 0 while the request waits for one."""
    rest = b""
    """What is left of the answer when the pool thread is done."""
    is_answered = False
    """The application is done, but the client has not taken everything."""
    discarded_bytes = 0
    """Read and thrown away after the last answer."""
    has_begun = False
    """The first byte of the next head has come, and its deadline runs."""
    is_eof = False
    is_paused = False
    is_gone = False
    must_close = False
    _is_flushing = False
    _is_slow = False
    # Made when a client is behind for the first time, which most never are.
    _drained: threading.Condition | None = None

    def __init__(
        self,
        sock: socket.socket,
        address: tuple[str, int] | None,
        settings: ServerSettings,
        server_environ: Environ,
        ask_flush: Callable[["Connection"], None],
    ) -> None:
        self.sock = sock
        self.address = address
        self.environ = connection_environ(server_environ, address)
        self.reader = RequestReader(settings.limits)
        self._ask_flush = ask_flush
        self._settings = settings
        self._lock = threading.Lock()
        self._out = Output()

    def send(self, data: bytes) -> None:
        """Send now what the kernel takes, keep the rest for the loop. Raises ClientGoneError.

        In a pool thread: one that produces much for a client that is behind waits a moment;
        from then on what it produces goes to a temporary file, so that the thread is soon free.
        """
        with self._lock:
            if self._out.size_bytes > self._settings.output_memory_bytes:
                self._wait_for_client()
            must_ask = self._send_or_keep(data)
        if must_ask:
            self._ask_flush(self)

    def send_rest(self) -> None:
        """In the loop: send what the pool thread has left to it. Raises ClientGoneError.

        A whole answer, mostly: so the thread goes on to the next request at once, instead of
        giving up the interpreter for a system call. Never waits.
        """
        rest, self.rest = self.rest, b""
        if not rest or self.is_gone:
            return
        with self._lock:
            must_ask = self._send_or_keep(rest)
        if must_ask:
            self._ask_flush(self)

    def flush(self) -> bool:
        """In the loop: send more of what is kept; True when all is sent. Raises ClientGoneError."""
        # A reader that keeps up must not keep the loop from the others.
        room_bytes = _MOST_FLUSHED_BYTES
        with self._lock:
            out = self._out
            while out.size_bytes:
                piece = out.first()
                sent = self._send_now(piece)
                self.drained_bytes += sent
                if sent == out.size_bytes:
                    self._is_slow = False
                out.take(sent)
                room_bytes -= sent
                if sent < len(piece) or room_bytes <= 0:
                    break
            if self._drained is not None:
                self._drained.notify_all()
            self._is_flushing = bool(out.size_bytes)
            return not out.size_bytes

    def has_unsent(self) -> bool:
        """Is a part of an answer still here?"""
        return bool(self._out.size_bytes)

    def abandon(self) -> None:
        """The client is gone: whoever sends or waits learns it."""
        with self._lock:
            self._abandon()

    def close(self) -> None:
        """Close the socket; no send can be under way, whichever thread it is in."""
        with self._lock:
            self._abandon()
            self.phase = Phase.GONE
            self.sock.close()
        if self.body is not None:
            self.body.close()

    def _abandon(self) -> None:
        self.is_gone = True
        self._out.clear()
        if self._drained is not None:
            self._drained.notify_all()

    def _send_now(self, data: bytes | memoryview) -> int:
        try:
            return self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self.is_gone = True
            raise ClientGoneError(str(error)) from None

    def _send_or_keep(self, data: bytes) -> bool:
        """True: the loop has to be asked to flush what was kept."""
        if self.is_gone:
            raise ClientGoneError
        sent = 0 if self._out.size_bytes else self._send_now(data)
        if sent == len(data):
            return False
        self._keep(memoryview(data)[sent:])
        was_flushing, self._is_flushing = self._is_flushing, True
        return not was_flushing

    def _keep(self, rest: memoryview) -> None:
        try:
            self._out.append(rest, on_disk=self._is_slow)
        except OSError as error:
            # The answer cannot be completed: no space is left, most likely. Given back at once.
            self._abandon()
            raise ClientGoneError(f"What it has not taken cannot be kept: {error}") from error

    def _wait_for_client(self) -> None:
        settings = self._settings
        if not self._is_slow:
            self._is_slow = not self._wait_until(settings.output_memory_bytes, _SLOW_AFTER_S)
        most_bytes = settings.output_memory_bytes + settings.output_spool_bytes
        while self._out.size_bytes > most_bytes and not self.is_gone:
            before_bytes = self._out.size_bytes
            self._wait_until(most_bytes, settings.write_timeout_s * 2)
            # The loop cuts a client that takes too little. This is for an error of ours.
            if self._out.size_bytes == before_bytes:
                self._abandon()

    def _wait_until(self, size_bytes: int, timeout_s: float) -> bool:
        if self._drained is None:
            self._drained = threading.Condition(self._lock)
        return self._drained.wait_for(
            lambda: self.is_gone or self._out.size_bytes <= size_bytes, timeout_s
        )
