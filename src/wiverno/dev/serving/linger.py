"""Closes a connection so that its client has read all that was sent to it (RFC 9112, 9.6).

A close while bytes of the client are unread is a reset, and a reset discards on the other side
what was not read there yet.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Coroutine
from typing import Any

_LONGEST_S = 1.0
_READ_BYTES = 65536
_LOOK_AGAIN_S = 0.01


def linger(sock: Any) -> Coroutine[Any, Any, None]:
    """To be called before `sock` is closed by its transport, which is to read no more from it.

    Awaited, it reads what the client sends until that closes, for a second at most.
    """
    return _linger(sock, socket.socket(fileno=os.dup(sock.fileno())))


async def _linger(sock: Any, copy: socket.socket) -> None:
    with copy, contextlib.suppress(TimeoutError, OSError):
        copy.setblocking(False)
        async with asyncio.timeout(_LONGEST_S):
            # Until all is sent. The copy has kept the end of it from the client.
            while sock.fileno() >= 0:
                await asyncio.sleep(_LOOK_AGAIN_S)
            copy.shutdown(socket.SHUT_WR)
            while await asyncio.get_running_loop().sock_recv(copy, _READ_BYTES):
                pass
