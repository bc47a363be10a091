"""Applications that keep to PEP 3333 and applications that do not."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any, BinaryIO

import pytest

from tests.core.server.serving import (
    DEADLINE_S,
    GET,
    Closing,
    ServerThread,
    get,
    hello,
)
from wiverno.core.server.environ import FileWrapper
from wiverno.core.wsgi_types import Environ, StartResponse

Serve = Callable[..., ServerThread]


def test_generator_is_sent_in_chunks_and_closed(serve: Serve) -> None:
    closed = threading.Event()

    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            yield b""
            yield b"a"
            yield b"bc"
        finally:
            closed.set()

    with serve(application).connect() as client:
        answer = client.ask(GET)
        assert (answer.headers["transfer-encoding"], answer.body) == ("chunked", b"abc")
        assert closed.wait(DEADLINE_S)
        assert client.ask(GET).body == b"abc"


def test_write_callable_sends_before_the_iterable(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"first ")
        return [b"second"]

    with serve(application).connect() as client:
        assert client.ask(GET).body == b"first second"
        assert client.ask(GET).body == b"first second"


def test_start_response_with_exc_info_before_the_head_replaces_it(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("A", "b")])
        try:
            int("no number")
        except ValueError:
            start_response("503 Sorry", [], sys.exc_info())
        return [b"sorry"]

    with serve(application).connect() as client:
        answer = client.ask(GET)
        assert (answer.status, answer.body, "a" in answer.headers) == (503, b"sorry", False)


def test_start_response_with_exc_info_after_the_head_cuts_the_answer(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"begun"
        try:
            int("no number")
        except ValueError:
            start_response("500 Oh", [], sys.exc_info())
        yield b"never"

    with serve(application).connect() as client:
        client.send(GET)
        received = client.rest()
        assert received.endswith(b"5\r\nbegun\r\n")


def failing(kind: str) -> Callable[[Environ, StartResponse], Any]:
    """Applications that break PEP 3333 or raise, each in one way."""

    def application(environ: Environ, start_response: StartResponse) -> Any:
        if environ["PATH_INFO"] == "/good":
            return hello(environ, start_response)
        if kind == "SystemExit":
            raise SystemExit(3)
        if kind == "KeyboardInterrupt":
            raise KeyboardInterrupt
        if kind == "no start_response":
            return [b"x"]
        start_response("200 OK", [])
        if kind == "twice":
            start_response("200 OK", [])
        if kind == "first chunk":
            return (1 / 0 for _ in range(1))
        return {"None": None, "int": 5, "str items": ["text"], "two str": ["a", "b"]}[kind]

    return application


@pytest.mark.parametrize(
    "kind",
    [
        "SystemExit",
        "KeyboardInterrupt",
        "no start_response",
        "twice",
        "first chunk",
        "None",
        "int",
        "str items",
        "two str",
    ],
)
def test_application_that_fails_gets_500_and_server_lives(
    serve: Serve, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(failing(kind), threads=1)
    with server.connect() as client:
        assert client.ask(GET).status == 500
        assert client.rest() == b""
    with server.connect() as client:
        assert client.ask(get("/good")).body == b"/good"
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_close_of_iterable_when_client_left_is_called(serve: Serve) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 100_000

    result = Closing(endless())

    def application(environ: Environ, start_response: StartResponse) -> Closing:
        start_response("200 OK", [])
        return result

    with serve(application).connect() as client:
        client.send(GET)
        client.answer_line()
    assert result.closed.wait(DEADLINE_S)


def test_file_wrapper_behind_middleware_is_closed_and_can_be_sought(
    serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"0123456789")
    files: Queue[BinaryIO] = Queue()

    class Part:
        """Keeps only the iterator, as werkzeug does where it answers Range."""

        def __init__(self, wrapper: Any) -> None:
            assert wrapper.seekable()
            self._blocks: Any = iter(wrapper)
            wrapper.seek(6)
            assert wrapper.tell() == 6

        def __iter__(self) -> Any:
            return self._blocks

        def close(self) -> None:
            self._blocks.close()

    def application(environ: Environ, start_response: StartResponse) -> Part:
        start_response("206 Partial Content", [])
        files.put(path.open("rb"))
        return Part(environ["wsgi.file_wrapper"](files.queue[-1], 3))

    with serve(application).connect() as client:
        assert client.ask(GET).body == b"6789"
        # The next answer comes after the file of this one is closed.
        assert client.ask(GET).body == b"6789"
    assert files.get(timeout=DEADLINE_S).closed


def test_file_wrapper_of_what_only_reads_is_not_seekable() -> None:
    class Blocks:
        def read(self, size: int, /) -> bytes:
            return b""

    wrapper = FileWrapper(Blocks())
    assert not wrapper.seekable()
    assert list(wrapper) == []
    wrapper.close()


def test_close_of_iterable_that_fails_keeps_the_whole_answer(serve: Serve) -> None:
    def application(environ: Environ, start_response: StartResponse) -> Closing:
        start_response("200 OK", [])
        return Closing(iter([b"a", b"b"]), fails=True)

    with serve(application).connect() as client:
        assert client.ask(GET).body == b"ab"
        assert client.ask(GET).body == b"ab"


def test_short_body_closes_the_connection_and_is_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "10")])
        return [b"short"]

    with serve(application).connect() as client:
        client.send(GET)
        assert client.rest().endswith(b"\r\n\r\nshort")
    assert "lacks 5 bytes" in caplog.text


@pytest.fixture(autouse=True)
def _logs_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "wiverno.core.server")
