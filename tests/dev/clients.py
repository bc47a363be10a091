"""How a client uses its connections: each way is a different chance to be answered stale."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from tests.dev.harness import REQUEST_TIMEOUT_S
from tests.dev.save_kinds import LARGE, VERSION_BYTES

REQUEST = b"GET / HTTP/1.1\r\nHost: oracle\r\n\r\n"
LARGE_REQUEST = REQUEST.replace(b"GET /", b"GET /large")
LAST_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
UPLOAD_BYTES = 4_000
UPLOAD = b"POST / HTTP/1.1\r\nHost: oracle\r\nContent-Length: %d\r\n\r\n" % UPLOAD_BYTES
# About half of the uploads are overtaken by a save then.
_UPLOAD_PAUSE_S = 0.03
_READ_PAUSE_S = 0.005
_READ_BYTES = 1 << 20

Answer: TypeAlias = tuple[int, str]
"""Status and body."""
Ask: TypeAlias = Callable[[], list[Answer]]
"""Sends requests, which begin when it is called, and waits for their answers."""
Client: TypeAlias = Callable[[], contextlib.AbstractContextManager[Ask]]


class Clients:
    """How connections are used when a request is sent on them."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)

    def all(self) -> dict[str, Client]:
        return {
            "new": self.new_connections,
            "kept alive": self.kept_alive,
            "preconnected": self.preconnected,
            "half a head": self.half_a_head,
            "pipelined": self.pipelined,
            "upload": self.upload,
            "slow reader": self.slow_reader,
            "HTTP/1.0": self.until_closed,
        }

    @contextlib.contextmanager
    def new_connections(self) -> Iterator[Ask]:
        def ask() -> list[Answer]:
            with self._connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(REQUEST)
                return [_read_answer(stream)]

        yield ask

    @contextlib.contextmanager
    def kept_alive(self) -> Iterator[Ask]:
        with self._connect() as sock, sock.makefile("rb") as stream:

            def ask() -> list[Answer]:
                sock.sendall(REQUEST)
                return [_read_answer(stream)]

            yield ask

    @contextlib.contextmanager
    def preconnected(self) -> Iterator[Ask]:
        """As browsers do: connected long before the first byte."""
        with contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(self._connect()) for _ in range(3)]

            def ask() -> list[Answer]:
                with waiting.pop(0) as sock, sock.makefile("rb") as stream:
                    waiting.append(stack.enter_context(self._connect()))
                    sock.sendall(REQUEST)
                    return [_read_answer(stream)]

            yield ask

    @contextlib.contextmanager
    def half_a_head(self) -> Iterator[Ask]:
        """The request begins with the call; its rest comes a moment later."""

        def ask() -> list[Answer]:
            with self._connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(REQUEST[:20])
                threading.Event().wait(0.005)
                sock.sendall(REQUEST[20:])
                return [_read_answer(stream)]

        yield ask

    @contextlib.contextmanager
    def pipelined(self) -> Iterator[Ask]:
        with self._connect() as sock, sock.makefile("rb") as stream:

            def ask() -> list[Answer]:
                sock.sendall(REQUEST * 3)
                return [_read_answer(stream) for _ in range(3)]

            yield ask

    @contextlib.contextmanager
    def upload(self) -> Iterator[Ask]:
        """The generation that took the head gives the answer, whatever is saved meanwhile."""

        def ask() -> list[Answer]:
            with self._connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(UPLOAD + bytes(UPLOAD_BYTES // 2))
                threading.Event().wait(_UPLOAD_PAUSE_S)
                sock.sendall(bytes(UPLOAD_BYTES // 2))
                return [_read_answer(stream)]

        yield ask

    @contextlib.contextmanager
    def slow_reader(self) -> Iterator[Ask]:
        """An answer beyond the buffers of both sides: it is still being sent during saves."""

        def ask() -> list[Answer]:
            with self._connect(receive_bytes=4096) as sock, sock.makefile("rb") as stream:
                sock.sendall(LARGE_REQUEST)
                status, body = _read_answer(stream, pause_s=_READ_PAUSE_S)
                if status != 200:
                    return [(status, body)]
                version = body[:VERSION_BYTES]
                if body != version * LARGE:
                    raise ConnectionResetError(f"{version}, and then something else")
                return [(status, version)]

        yield ask

    @contextlib.contextmanager
    def until_closed(self) -> Iterator[Ask]:
        def ask() -> list[Answer]:
            with self._connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(LAST_REQUEST)
                answer = _read_answer(stream)
                if rest := stream.read():
                    raise ConnectionResetError(f"after the answer came {rest[:80]!r}")
                return [answer]

        yield ask

    def _connect(self, receive_bytes: int | None = None) -> socket.socket:
        sock = socket.socket()
        if receive_bytes is not None:
            # Before it connects, or the window has its size already.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.settimeout(REQUEST_TIMEOUT_S)
        try:
            sock.connect(self._address)
        except BaseException:
            sock.close()
            raise
        return sock


def _read_answer(stream: BinaryIO, pause_s: float = 0.0) -> Answer:
    """One answer with a Content-Length; what follows it stays in the stream."""
    status_line = stream.readline()
    if not status_line:
        raise ConnectionResetError("closed without an answer")
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = b""
    while len(body) < length:
        if pause_s:
            threading.Event().wait(pause_s)
        part = stream.read(min(length - len(body), _READ_BYTES))
        if not part:
            raise ConnectionResetError(f"closed after {len(body)} of {length} bytes")
        body += part
    return int(status_line.split()[1]), body.decode()
