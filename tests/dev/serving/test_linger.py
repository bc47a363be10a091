"""A connection is closed while its client still sends: the client sees an end, not a reset."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from wiverno.dev.serving.linger import linger


def close_unread(beside: Callable[[socket.socket], Coroutine[Any, Any, None]]) -> bytes:
    """What a client reads that has sent what nobody read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=5)
        ours, _ = listener.accept()

    async def close() -> bytes:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, ours)
        transport.pause_reading()
        await asyncio.to_thread(client.sendall, b"x" * 50_000)
        transport.write(b"the reason")
        task = loop.create_task(beside(transport.get_extra_info("socket")))
        transport.close()
        data = await asyncio.to_thread(read_all)
        client.close()
        await asyncio.wait_for(task, 0.9)
        return data

    def read_all() -> bytes:
        data = b""
        while received := client.recv(100):
            data += received
        return data

    with client:
        return asyncio.run(close())


def test_close_after_lingering_is_an_end() -> None:
    assert close_unread(linger) == b"the reason"


def test_close_without_it_is_a_reset() -> None:
    """What it is for."""

    async def nothing(sock: socket.socket) -> None:
        pass

    with pytest.raises(ConnectionResetError):
        close_unread(nothing)
