"""An ASGI application for tests of sessions, and a WebSocket client."""

import contextlib
import http.client
import socket
from collections.abc import Iterator
from typing import BinaryIO

from websockets.sync.client import ClientConnection, connect

from tests.dev.harness import REQUEST_TIMEOUT_S, DevSession

# What it writes lies beside the project: a file in it would be a change.
APP = """
import asyncio, os, pathlib
VERSION = "000001"
GO_ON = asyncio.Event()
BESIDE = pathlib.Path("..")
LIFESPAN = []


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        await answer(scope, receive, send)


async def lifespan(receive, send):
    while True:
        kind = (await receive())["type"]
        with (BESIDE / "told").open("a") as file:
            print(VERSION, kind.removeprefix("lifespan."), file=file)
        await send({"type": kind + ".complete"})
        if kind == "lifespan.shutdown":
            return


async def websocket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": VERSION})
    if scope["path"] == "/deaf":
        await asyncio.sleep(600)
    while (await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": VERSION})
    (BESIDE / "disconnected").touch()


async def answer(scope, receive, send):
    path = scope["path"]
    while scope["method"] == "POST" and (await receive())["more_body"]:
        pass
    if path == "/error":
        raise LookupError("of the application")
    if path == "/exit":
        os._exit(7)
    if path == "/wait":
        (BESIDE / "began").touch()
        await GO_ON.wait()
    if path == "/go":
        GO_ON.set()
    if path == "/events":
        await stream(send)
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"6")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": VERSION.encode()})


async def stream(send):
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"data: x\\n\\n", "more_body": True})
            await asyncio.sleep(0.05)
    finally:
        (BESIDE / "finally").touch()
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def version(number: int, app: str = APP) -> str:
    return app.replace('"000001"', f'"{number:06d}"')


class Connection:
    """One connection, whose requests are sent byte by byte as a test wants it."""

    def __init__(self, sock: socket.socket, stream: BinaryIO) -> None:
        self._socket = sock
        self._stream = stream

    def send(self, data: bytes = REQUEST) -> None:
        self._socket.sendall(data)

    def answer(self) -> str:
        response = http.client.HTTPResponse(_Held(self._stream))  # type: ignore[arg-type]
        response.begin()
        return response.read().decode()

    def ask(self, data: bytes = REQUEST) -> str:
        self.send(data)
        return self.answer()

    def line(self) -> bytes:
        return self._stream.readline()

    def read(self, size: int) -> bytes:
        return self._stream.read(size)

    def rest(self) -> bytes:
        return self._stream.read()


class _Held:
    """What HTTPResponse reads from: it would close a file of its own, with what that has read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> "_Held":
        return self

    def readline(self, limit: int = -1) -> bytes:
        return self._stream.readline(limit)

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def readinto(self, buffer: memoryview) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@contextlib.contextmanager
def connection(session: DevSession, receive_bytes: int = 0) -> Iterator[Connection]:
    """With `receive_bytes` the kernel holds little of what the client has not read."""
    with socket.socket() as sock:
        if receive_bytes:
            # Before it connects, or the window has its size already.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.settimeout(REQUEST_TIMEOUT_S)
        sock.connect(("127.0.0.1", session.port))
        with sock.makefile("rb") as stream:
            yield Connection(sock, stream)


def open_websocket(session: DevSession, path: str = "/") -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{session.port}{path}", open_timeout=REQUEST_TIMEOUT_S, close_timeout=1
    )
