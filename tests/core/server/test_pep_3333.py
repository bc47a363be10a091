"""What PEP 3333 promises an application: its input, its write callable, its close."""

import logging
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from queue import Queue
from typing import IO

import pytest

from tests.core.server.serving import DEADLINE_S, GET, Closing, ServerThread, get, hello
from wiverno.core.wsgi_types import Environ, StartResponse

Serve = Callable[..., ServerThread]

BODY = b"one\n\ntwo\r\n" + b"x" * 300 + b"\nlast"
READS: dict[str, Callable[[IO[bytes]], object]] = {
    "read": lambda body: [body.read(), body.read()],
    "read of -1": lambda body: [body.read(-1), body.read(-1)],
    "read of 0": lambda body: [body.read(0), body.read()],
    "read of more than there is": lambda body: [body.read(1_000_000), body.read(1)],
    "read of pieces": lambda body: [body.read(100) for _ in range(6)],
    "readline": lambda body: [body.readline() for _ in range(7)],
    "readline of a size": lambda body: [body.readline(2) for _ in range(9)],
    "readline of 0 and -1": lambda body: [body.readline(0), body.readline(-1)],
    "readlines": lambda body: [body.readlines(), body.readlines()],
    # Where a hint ends is the reader's affair.
    "readlines with a hint": lambda body: b"".join([*body.readlines(4), body.read()]),
    "iteration": lambda body: [list(body), list(body)],
    "all in turn": lambda body: [body.read(1), body.readline(), next(body), body.readlines()],
}
# The client sends each of these, with the next request behind it.
FRAMES = {
    "length": (b"Content-Length: %d\r\n\r\n" % len(BODY), BODY),
    "chunked": (
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:]),
    ),
}


@pytest.mark.parametrize("body_memory_bytes", [50, 100_000], ids=["spooled", "in memory"])
@pytest.mark.parametrize("frame", FRAMES)
def test_input_read_in_any_way_is_the_body_and_ends_with_it(
    serve: Serve, frame: str, body_memory_bytes: int
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        assert environ["wsgi.input_terminated"] is True
        start_response("200 OK", [])
        return [repr(READS[environ["HTTP_READ"]](environ["wsgi.input"])).encode()]

    server = serve(application, body_memory_bytes=body_memory_bytes)
    fields, body = FRAMES[frame]
    with server.connect() as client:
        for name, read in READS.items():
            head = b"POST / HTTP/1.1\r\nHost: a\r\nRead: " + name.encode() + b"\r\n" + fields
            client.send(head + body + get("/next", "Read: read"))
            assert client.answer().body == repr(read(BytesIO(BODY))).encode(), name
            assert client.answer().body == b"[b'', b'']"


def test_input_of_request_without_a_body_is_empty_and_has_no_length(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return [repr((environ["wsgi.input"].read(), environ.get("CONTENT_LENGTH"))).encode()]

    with serve(application).connect() as client:
        assert client.ask(GET).body == b"(b'', None)"


@pytest.mark.parametrize("frame", FRAMES)
def test_input_that_is_not_read_disturbs_no_request_behind_it(serve: Serve, frame: str) -> None:
    fields, body = FRAMES[frame]
    with serve(hello).connect() as client:
        client.send(b"POST /post HTTP/1.1\r\nHost: a\r\n" + fields + body + get("/next"))
        assert [client.answer().body, client.answer().body] == [b"/post", b"/next"]


def test_http_1_0_request_that_expects_100_gets_the_answer_alone(serve: Serve) -> None:
    with serve(hello).connect() as client:
        # RFC 9110 section 10.1.1: to HTTP/1.0 the expectation is nothing.
        client.send(b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx")
        assert client.answer_line() == b"HTTP/1.1 200 OK\r\n"


def test_http_1_0_stream_without_length_ends_with_the_connection(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"a"
        yield b"bc"

    with serve(application).connect() as client:
        answer = client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert answer.body == b"abc"
    assert answer.headers["connection"] == "close"
    assert "transfer-encoding" not in answer.headers


def test_http_1_0_stream_with_length_lets_the_connection_stay(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "3")])
        yield b"a"
        yield b"bc"

    with serve(application).connect() as client:
        for _ in range(2):
            answer = client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert (answer.body, answer.headers["connection"]) == (b"abc", "keep-alive")


@pytest.mark.parametrize("status", ["100 Continue", "101 Switching Protocols", "103 Early Hints"])
def test_interim_status_of_an_application_is_never_sent(
    serve: Serve, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response(status, [])
        return []

    with serve(application).connect() as client:
        assert client.ask(GET).status == 500
    assert f"{status!r} is no status" in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_write_beyond_content_length_is_cut(
    serve: Serve, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [("Content-Length", "3")])
        write(b"ab")
        write(b"cd")
        return [b"e"]

    server = serve(application)
    with server.connect() as client:
        for _ in range(2):
            answer = client.ask(get("/", method=method), is_head=method == "HEAD")
            assert answer.headers["content-length"] == "3"
            assert answer.body == (b"abc" if method == "GET" else b"")
    server.stop()  # The line is written behind the answer.
    assert caplog.text.count("2 bytes beyond Content-Length") == (2 if method == "GET" else 0)


def test_write_of_text_is_a_500(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])("text")  # type: ignore[arg-type]  # What is tested.
        return []

    with serve(application).connect() as client:
        assert client.ask(GET).status == 500
    assert "A body consists of bytes, not str" in caplog.text


def failing_first() -> Iterator[bytes]:
    raise ValueError("in the first piece")
    yield b""


def failing_later() -> Iterator[bytes]:
    yield b"begun"
    raise ValueError("in the second piece")


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 1000


def text() -> Iterator[bytes]:
    yield "text"  # type: ignore[misc]  # What is tested.


@pytest.mark.parametrize(
    ("pieces", "request_bytes"),
    [
        (failing_first, GET),
        (failing_later, GET),
        (text, GET),
        # To HEAD the answer ends with the head.
        (endless, get("/", "Connection: close", method="HEAD")),
    ],
    ids=["fails first", "fails later", "no bytes", "HEAD"],
)
def test_close_of_iterable_however_it_ends_is_called(
    serve: Serve, pieces: Callable[[], Iterator[bytes]], request_bytes: bytes
) -> None:
    result = Closing(pieces())

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return result

    with serve(application).connect() as client:
        client.send(request_bytes)
        client.rest()
    assert result.closed.wait(DEADLINE_S)


def test_client_that_leaves_during_write_ends_the_request_and_no_other(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    raised: Queue[BaseException] = Queue()

    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        if environ["PATH_INFO"] == "/endless":
            try:
                while True:
                    write(b"x" * 100_000)
            except BaseException as error:
                raised.put(error)
                raise
        return [b"good"]

    server = serve(application, threads=1)
    with server.connect() as client:
        client.send(get("/endless"))
        client.answer_line()
    assert type(raised.get(timeout=DEADLINE_S)).__name__ == "ClientGoneError"
    with server.connect() as client:
        assert client.ask(GET).body == b"good"
    # A client that leaves is nothing to warn of.
    assert caplog.records == []


@pytest.fixture(autouse=True)
def _logs_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "wiverno.core.server")
