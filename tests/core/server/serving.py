"""Servers in threads, and a client that shows every byte. Every wait has a deadline."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Queue
from types import TracebackType
from typing import Any

from wiverno.core.server.accept_loop import AcceptLoop
from wiverno.core.server.run_server import RunServer
from wiverno.core.wsgi_types import Environ, StartResponse

DEADLINE_S = 10.0
GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
GET_CLOSE = b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"


def get(path: str, *fields: str, method: str = "GET", version: str = "HTTP/1.1") -> bytes:
    """A request without a body."""
    lines = [f"{method} {path} {version}", "Host: test", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def hello(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """The smallest application; answers with the path."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode("latin-1")]


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, read from the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A raw connection."""

    def __init__(self, address: Any) -> None:
        self.sock = socket.create_connection(address[:2], timeout=DEADLINE_S)
        self.file = self.sock.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def ask(self, data: bytes, *, is_head: bool = False) -> Answer:
        """Send a request and read its answer."""
        self.send(data)
        return self.answer(is_head=is_head)

    def answer(self, *, is_head: bool = False) -> Answer:
        """Read one response, framed as its head says."""
        status = int(self.file.readline().split(b" ")[1])
        headers: dict[str, str] = {}
        while line := self.file.readline().rstrip(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        return Answer(status, headers, self._body(status, headers, is_head=is_head))

    def _body(self, status: int, headers: dict[str, str], *, is_head: bool) -> bytes:
        if is_head or status in (204, 304):
            return b""
        if "content-length" in headers:
            return self.file.read(int(headers["content-length"]))
        if headers.get("transfer-encoding") == "chunked":
            return self._chunks()
        return self.file.read()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.file.readline(), 16):
            body += self.file.read(size)
            assert self.file.readline() == b"\r\n"
        assert self.file.readline() == b"\r\n"
        return body

    def answer_line(self) -> bytes:
        return self.file.readline()

    def rest(self) -> bytes:
        """Everything until the server closes."""
        return self.file.read()


class ServerThread:
    """`RunServer.start()` in a thread."""

    def __init__(self, server: RunServer) -> None:
        self.server = server
        self.thread = threading.Thread(target=server.start, name="test-server")
        self.thread.start()
        assert server.wait_until_bound(DEADLINE_S)
        self.address = server.addresses[0]

    def connect(self) -> Client:
        return Client(self.address)

    def stop(self) -> None:
        self.server.stop()
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()


class LoopThread:
    """`AcceptLoop.run()` in a thread."""

    def __init__(self, loop: AcceptLoop, address: Any) -> None:
        self.loop = loop
        self.address = address
        self.thread = threading.Thread(target=loop.run, name="test-loop")
        self.thread.start()

    def connect(self) -> Client:
        return Client(self.address)

    def stop(self) -> None:
        self.loop.drain(1.0)
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()


class Gate:
    """A `may_dispatch` that can be shut, and the connections that were released."""

    def __init__(self) -> None:
        self.is_open = True
        self.asked = 0
        self.released: Queue[tuple[socket.socket, bytes]] = Queue()

    def may_dispatch(self) -> bool:
        self.asked += 1
        return self.is_open

    def release(self, sock: socket.socket, received: bytes) -> None:
        self.released.put((sock, received))

    def take(self) -> tuple[socket.socket, bytes]:
        return self.released.get(timeout=DEADLINE_S)

    def close_all(self) -> None:
        """Close what was released and not taken."""
        while not self.released.empty():
            self.take()[0].close()

    def take_bytes(self) -> bytes:
        """The bytes of the next released connection, which is closed."""
        sock, received = self.take()
        sock.close()
        return received


class Held:
    """An application that waits inside a request until it is let go."""

    def __init__(self) -> None:
        self.entered: Queue[str] = Queue()
        self.go = threading.Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/held":
            self.entered.put(threading.current_thread().name)
            assert self.go.wait(DEADLINE_S)
        return hello(environ, start_response)

    def wait_entered(self) -> str:
        return self.entered.get(timeout=DEADLINE_S)


class Closing:
    """An iterable that tells when it is closed, and may fail at it."""

    def __init__(self, items: Iterator[bytes], *, fails: bool = False) -> None:
        self._items = items
        self._fails = fails
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self._items

    def close(self) -> None:
        self.closed.set()
        if self._fails:
            raise ValueError("in close")
