"""The socket of a client that does what no HTTP library does."""

import asyncio
import re
import socket
import struct
from types import TracebackType
from typing import Self

RESET = "reset"
CLOSED = "closed"

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class Client:
    """An async context manager: connected inside, closed after."""

    def __init__(self, port: int, receive_buffer_bytes: int = 0) -> None:
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._sock = socket.socket()
        self._sock.setblocking(False)
        if receive_buffer_bytes:
            # Before the connect: it decides how much the server can send unread.
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)

    async def __aenter__(self) -> Self:
        try:
            await self._loop.sock_connect(self._sock, ("127.0.0.1", self._port))
        except BaseException:
            self._sock.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sock.close()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._sock, data)

    async def receive(self, size: int = 64 * 1024) -> bytes:
        return await self._loop.sock_recv(self._sock, size)

    async def receive_within(self, seconds: float, size: int = 64 * 1024) -> bytes | None:
        """None: nothing came; b"": the server has closed."""
        try:
            async with asyncio.timeout(seconds):
                return await self.receive(size)
        except TimeoutError:
            return None

    async def receive_all(self) -> bytes:
        """Until the server closes."""
        pieces = []
        while piece := await self.receive():
            pieces.append(piece)
        return b"".join(pieces)

    def end_sending(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close in a way that the server gets a reset, not an end."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


def outcome_of(received: bytes) -> str:
    """The status of an answer, or that there was none."""
    if not received:
        return CLOSED
    status = _STATUS.match(received)
    return status[1].decode() if status else f"no HTTP: {received[:40]!r}"
