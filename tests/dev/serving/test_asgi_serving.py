"""The ASGI form of `Serving` on real sockets: what it begins, hands over and finishes."""

import asyncio
import contextlib
import http.client
import math
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wiverno.core.asgi_types import Receive, Scope, Send
from wiverno.dev.serving import asgi_connections
from wiverno.dev.serving.asgi import ASGIHost, ASGIServing
from wiverno.dev.serving.gated_protocol import gated
from wiverno.dev.serving.telling import Telling

DEADLINE_S = 10.0
GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /"
CHUNKED = b"POST /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
KINDS = [GET, POST, CHUNKED]


class Gatekeeper:
    """Lets so many requests through, and takes what comes after them."""

    def __init__(self, most: float = math.inf) -> None:
        self.left = most
        self.asked = 0
        self.taken: list[tuple[socket.socket, bytes]] = []
        self.arrived = threading.Semaphore(0)

    def is_fresh(self) -> bool:
        self.asked += 1
        self.left -= 1
        return self.left >= 0

    def hand_over(self, connection: socket.socket, received: bytes) -> None:
        self.taken.append((connection, received))
        self.arrived.release()

    def wait(self) -> tuple[socket.socket, bytes]:
        assert self.arrived.acquire(timeout=DEADLINE_S)
        connection, received = self.taken[-1]
        connection.settimeout(DEADLINE_S)
        return connection, received


class Application:
    """Answers with path and body; `/hold` waits until the test lets it go on."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.go_on = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        body = b""
        is_more = True
        while is_more:
            message = await receive()
            body += message["body"]
            is_more = message["more_body"]
        if scope["path"] == "/hold":
            self.has_begun.set()
            await asyncio.to_thread(self.go_on.wait, DEADLINE_S)
        text = scope["path"].encode() + b" " + body
        headers = [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})


class Served:
    """A serving whose loop runs in a thread of its own, and a way to connect to it."""

    def __init__(self, gatekeeper: Gatekeeper, application: Any) -> None:
        self.host = ASGIHost(application)
        self.gatekeeper = gatekeeper
        self.serving: ASGIServing = self.host.make_serving(gatekeeper, Telling())
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.may_end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.serving.go([self._listener.dup()])

    def _run(self) -> None:
        self.host.run_beside(lambda: self.may_end.wait(DEADLINE_S))
        self.host.shutdown()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=DEADLINE_S)

    def end(self) -> None:
        self.serving.retire(DEADLINE_S)
        self.may_end.set()
        self._thread.join(DEADLINE_S)
        self._listener.close()
        for connection, _ in self.gatekeeper.taken:
            connection.close()


@pytest.fixture(params=[H11Protocol, HttpToolsProtocol], ids=["h11", "httptools"])
def serve(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Served]]:
    monkeypatch.setattr(asgi_connections, "gated", lambda protocol: gated(request.param))
    with contextlib.ExitStack() as stack:

        def make(most: float = math.inf, application: Any = None) -> Served:
            served = Served(Gatekeeper(most), application or Application())
            stack.callback(served.end)
            return served

        yield make


def read_answers(stream: Any, count: int) -> list[bytes]:
    answers = []
    for _ in range(count):
        length = 0
        status = stream.readline()
        assert status.startswith(b"HTTP/1.1 200"), status
        while (line := stream.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length"):
                length = int(line.partition(b":")[2])
        answers.append(stream.read(length))
    return answers


def test_requests_are_the_same_and_gated_once_however_their_bytes_are_cut(
    serve: Callable[..., Served],
) -> None:
    served = serve()

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(
        kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
        cuts=st.lists(st.integers(1, 200), max_size=5),
    )
    def check(kinds: list[bytes], cuts: list[int]) -> None:
        data = b"".join(kind % number for number, kind in enumerate(kinds))
        before = served.gatekeeper.asked
        with served.connect() as client, client.makefile("rb") as stream:
            for cut in cuts:
                client.sendall(data[:cut])
                data = data[cut:]
            client.sendall(data)
            answers = read_answers(stream, len(kinds))

        bodies = {GET: b"", POST: b"GET /", CHUNKED: b"abc"}
        assert answers == [b"/%d " % n + bodies[kind] for n, kind in enumerate(kinds)]
        assert served.gatekeeper.asked - before == len(kinds)

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_pipelined_request_that_may_not_begin_is_handed_over_byte_for_byte(
    serve: Callable[..., Served], kind: bytes
) -> None:
    served = serve(2)
    with served.connect() as client, client.makefile("rb") as stream:
        client.sendall(kind % 1 + kind % 2 + kind % 3 + GET[:5])
        answers = read_answers(stream, 2)
        connection, received = served.gatekeeper.wait()
        connection.sendall(b"from elsewhere")

        assert [answer.partition(b" ")[0] for answer in answers] == [b"/1", b"/2"]
        assert received == kind % 3 + GET[:5]
        assert stream.read(14) == b"from elsewhere"


def test_idle_and_half_sent_connections_are_handed_over_when_the_gate_says_no(
    serve: Callable[..., Served],
) -> None:
    served = serve(1)
    with served.connect() as used, served.connect() as half, served.connect() as trip:
        used.sendall(GET % 1)
        read_answers(used.makefile("rb"), 1)
        half.sendall(GET[:7])
        trip.sendall(GET % 2)
        for _ in range(3):
            served.gatekeeper.wait()

    assert sorted(received for _, received in served.gatekeeper.taken) == sorted(
        [b"", GET[:7], GET % 2]
    )


def test_request_in_flight_is_finished_and_what_follows_it_handed_over(
    serve: Callable[..., Served],
) -> None:
    application = Application()
    served = serve(1, application)
    with served.connect() as client, served.connect() as trip:
        client.sendall(GET.replace(b"%d", b"hold") + GET % 7)
        assert application.has_begun.wait(DEADLINE_S)
        trip.sendall(GET % 2)
        served.gatekeeper.wait()
        application.go_on.set()
        answers = read_answers(client.makefile("rb"), 1)
        _, received = served.gatekeeper.wait()

    assert answers == [b"/hold "]
    assert received == GET % 7


def test_adopted_connection_begins_with_the_bytes_that_were_read(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    ours, theirs = socket.socketpair()
    with ours, ours.makefile("rb") as stream:
        served.serving.adopt_connection(theirs, (GET % 1 + GET % 2)[:40])
        ours.sendall((GET % 1 + GET % 2)[40:])

        assert read_answers(stream, 2) == [b"/1 ", b"/2 "]


def test_connection_that_is_adopted_too_late_is_handed_over(serve: Callable[..., Served]) -> None:
    served = serve()
    ours, theirs = socket.socketpair()
    has_stopped = threading.Event()
    served.serving.stop_accepting(math.inf, has_stopped.set)
    assert has_stopped.wait(DEADLINE_S)
    served.serving.adopt_connection(theirs, b"GET ")

    connection, received = served.gatekeeper.wait()
    ours.close()

    assert (connection, received) == (theirs, b"GET ")


def test_stopped_serving_is_over_when_its_last_request_is(serve: Callable[..., Served]) -> None:
    application = Application()
    served = serve(application=application)
    with served.connect() as client:
        client.sendall(GET.replace(b"%d", b"hold"))
        assert application.has_begun.wait(DEADLINE_S)
        has_stopped = threading.Event()
        served.serving.stop_accepting(math.inf, has_stopped.set)
        assert has_stopped.wait(DEADLINE_S)
        was_over = served.serving.is_over
        application.go_on.set()
        read_answers(client.makefile("rb"), 1)
        served.gatekeeper.wait()
        served.serving.retire(DEADLINE_S)

    assert not was_over
    assert served.serving.is_over


def test_what_the_reader_refuses_is_answered_by_uvicorn_and_nothing_after_it(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    # Two fields that say the same: RFC 9112 section 6.3 lets a server take it or leave it.
    twice = b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"
    for request in (twice, b"nonsense\r\n\r\n"):
        with served.connect() as client:
            client.sendall(request + GET % 2 + GET % 3)
            answers = client.makefile("rb").read()

        assert answers.startswith(b"HTTP/1.1 ")
        assert b"/2" not in answers
        assert b"/3" not in answers


def test_large_pipelined_rest_is_not_read_into_memory(serve: Callable[..., Served]) -> None:
    application = Application()
    served = serve(application=application)
    with served.connect() as client:
        client.sendall(GET.replace(b"%d", b"hold"))
        assert application.has_begun.wait(DEADLINE_S)
        client.settimeout(0.2)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 1 << 28:
                sent += client.send(GET % 1 * 1000)
        client.settimeout(DEADLINE_S)
        application.go_on.set()

        assert read_answers(client.makefile("rb"), 3) == [b"/hold ", b"/1 ", b"/1 "]
    # What the kernel holds, on both sides, and 64 KB.
    assert 1 << 16 < sent < 1 << 28


def test_http_client_of_the_standard_library_is_served(serve: Callable[..., Served]) -> None:
    host, port = serve().address
    client = http.client.HTTPConnection(host, port, timeout=DEADLINE_S)
    answers = []
    for number in range(3):
        client.request("POST", f"/{number}", body=b"x" * 100_000)
        answers.append(client.getresponse().read())
    client.close()

    assert answers == [b"/%d " % number + b"x" * 100_000 for number in range(3)]


def test_loop_beside_what_returns_at_once_can_still_be_shut_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stop that is still to come would end the shutdown before its time."""
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.run)
    told = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        for kind in ("lifespan.startup", "lifespan.shutdown"):
            await receive()
            told.append(kind)
            await send({"type": f"{kind}.complete"})

    host = ASGIHost(application)
    host.startup()

    assert host.run_beside(lambda: 1) == 1
    host.shutdown()
    assert told == ["lifespan.startup", "lifespan.shutdown"]


def test_failure_beside_the_loop_is_raised_where_the_loop_ran() -> None:
    host = ASGIHost(Application())

    def fail() -> None:
        raise LookupError("beside the loop")

    try:
        with pytest.raises(LookupError, match="beside the loop"):
            host.run_beside(fail)
    finally:
        host.shutdown()
