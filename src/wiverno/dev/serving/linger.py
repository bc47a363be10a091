"""Closes a connection so that its client has read all that was sent to it (RFC 9112, 9.6).

A close while bytes of the client are unread is a reset, and a reset discards on the other side
what was not read there yet.
"""

import asyncio
import contextlib
import os
import socket
from typing import Any

_LONGEST_S = 1.0
_READ_BYTES = 65536
_LOOK_AGAIN_S = 0.01


class Linger:
    """Reads what the client sends and drops it, until it closes, for a second at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: Any) -> None:
        """`sock` is closed by its transport when all is sent; nobody may read from it any more."""
        self._loop = loop
        self._sock = sock
        self._copy = socket.socket(fileno=os.dup(sock.fileno()))
        self._copy.setblocking(False)
        self._ends_at = loop.time() + _LONGEST_S
        loop.add_reader(self._copy, self._read)
        self._look()

    def _look(self) -> None:
        """The copy has kept the end of what we send from the client."""
        if self._copy.fileno() < 0:
            return
        if self._loop.time() >= self._ends_at:
            self._end()
            return
        if self._sock.fileno() < 0:
            with contextlib.suppress(OSError):
                self._copy.shutdown(socket.SHUT_WR)
            self._loop.call_at(self._ends_at, self._look)
            return
        self._loop.call_later(_LOOK_AGAIN_S, self._look)

    def _read(self) -> None:
        try:
            if self._copy.recv(_READ_BYTES):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass  # Reset by the client: over, too.
        self._end()

    def _end(self) -> None:
        self._loop.remove_reader(self._copy)
        self._copy.close()
