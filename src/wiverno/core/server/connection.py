"""One client: its socket, its reader, its phase and what it has not yet taken of an answer.

The loop owns the socket. A pool thread may only `send`, and only while it answers.
"""

import socket
import threading
from collections import deque
from collections.abc import Callable
from enum import Enum
from math import inf

from wiverno.core.exceptions import WivernoError
from wiverno.core.server.environ import RequestBody, connection_environ
from wiverno.core.server.request_head import RequestHead
from wiverno.core.server.request_reader import RequestReader
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import Environ


class ClientGoneError(WivernoError):
    """The client has left, or takes nothing; the rest of the answer has no receiver."""


class Phase(Enum):
    """What the connection waits for. Only a pool thread that answers leaves ANSWERING."""

    HEAD = "a request head"
    BODY = "the rest of a request"
    ANSWERING = "the application"
    CLOSING = "the client to take the last answer"
    LINGERING = "the client to close"
    GONE = "nothing"


class Connection:
    """State of one client."""

    __slots__ = (
        "_ask_flush",
        "_drained",
        "_high_water_bytes",
        "_is_flushing",
        "_lock",
        "_out",
        "_out_bytes",
        "_write_timeout_s",
        "address",
        "body",
        "deadline",
        "discarded_bytes",
        "environ",
        "events",
        "has_begun",
        "head",
        "is_answered",
        "is_eof",
        "is_gone",
        "is_paused",
        "must_close",
        "phase",
        "reader",
        "sock",
        "started_at",
    )

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
        self.phase = Phase.HEAD
        self.deadline = inf
        # The selector's mask, 0 when it is not registered.
        self.events = 0
        self.head: RequestHead | None = None
        self.body: RequestBody | None = None
        self.started_at = 0.0
        # Read and thrown away after the last answer.
        self.discarded_bytes = 0
        # The first byte of the next head has come, and its deadline runs.
        self.has_begun = False
        self.is_eof = False
        self.is_paused = False
        self.is_gone = False
        self.must_close = False
        # The application is done, but the client has not taken everything.
        self.is_answered = False
        self._ask_flush = ask_flush
        self._lock = threading.Lock()
        self._drained = threading.Condition(self._lock)
        self._out: deque[memoryview] = deque()
        self._out_bytes = 0
        self._is_flushing = False
        self._high_water_bytes = settings.output_memory_bytes
        self._write_timeout_s = settings.write_timeout_s

    def send(self, data: bytes) -> None:
        """Send now what the kernel takes, keep the rest for the loop. Raises ClientGoneError.

        In a pool thread: waits first while the client is too far behind, so that a thread
        that produces much does not fill the memory, and one that is done is free.
        """
        must_ask = False
        with self._lock:
            if self._out_bytes > self._high_water_bytes:
                self._wait_until_drained()
            if self.is_gone:
                raise ClientGoneError
            sent = 0 if self._out else self._send_now(data)
            if sent < len(data):
                self._out.append(memoryview(data)[sent:])
                self._out_bytes += len(data) - sent
                must_ask, self._is_flushing = not self._is_flushing, True
        if must_ask:
            self._ask_flush(self)

    def flush(self) -> bool:
        """In the loop: send more of what is kept; True when all is sent. Raises ClientGoneError."""
        with self._lock:
            while self._out:
                sent = self._send_now(self._out[0])
                self._out_bytes -= sent
                if sent < len(self._out[0]):
                    self._out[0] = self._out[0][sent:]
                    break
                if len(self._out) == 1:
                    # Before the pool thread can see that all is sent and sets its own.
                    self.deadline = inf
                self._out.popleft()
            if self._out_bytes <= self._high_water_bytes:
                self._drained.notify_all()
            self._is_flushing = bool(self._out)
            return not self._out

    def leave_to_loop(self) -> bool:
        """The application is done: True when the loop has to end the answer, since it flushes."""
        if not self._out:  # Only the thread that answers adds to it.
            return False
        with self._lock:
            self.is_answered = bool(self._out)
            return self.is_answered

    def has_unsent(self) -> bool:
        """Is a part of an answer still here?"""
        return bool(self._out)

    def abandon(self) -> None:
        """The client is gone: whoever sends or waits learns it."""
        with self._lock:
            self.is_gone = True
            self._out.clear()
            self._out_bytes = 0
            self._drained.notify_all()

    def close(self) -> None:
        """Close the socket; no send can be under way, whichever thread it is in."""
        self.abandon()
        with self._lock:
            self.phase = Phase.GONE
            self.sock.close()
        if self.body is not None:
            self.body.close()

    def _send_now(self, data: bytes | memoryview) -> int:
        try:
            return self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self.is_gone = True
            raise ClientGoneError(str(error)) from None

    def _wait_until_drained(self) -> None:
        # The loop cuts a client that takes nothing for the write timeout. This bound is for
        # a client that takes a little each time, measured from here.
        is_drained = self._drained.wait_for(
            lambda: self.is_gone or self._out_bytes <= self._high_water_bytes,
            timeout=self._write_timeout_s * 2,
        )
        if not is_drained:
            self.is_gone = True
