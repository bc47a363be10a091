"""The application class under `RunServer`, and clients that write bytes of their own."""

import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.application.many_routes import LIMITS, many_routes
from tests.core.server.serving import DEADLINE_S, ServerThread, get
from wiverno import Request, Response, Wiverno
from wiverno.core.server import RunServer
from wiverno.core.wsgi_types import Environ, StartResponse

SECRET = "the secret outside"


class Watched(BytesIO):
    """A file that tells when it is closed."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.told = threading.Event()

    def close(self) -> None:
        super().close()
        self.told.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "files"
    inside.mkdir()
    (inside / "a.txt").write_text("a file")
    (tmp_path / "secret.txt").write_text(SECRET)
    return inside


@pytest.fixture
def app(folder: Path) -> Wiverno:
    return many_routes(folder)


@pytest.fixture
def served(app: Wiverno) -> Iterator[ServerThread]:
    server = ServerThread(RunServer(app, port=0))
    yield server
    server.stop()


def _post(path: str, body: bytes, *fields: str) -> bytes:
    return get(path, f"Content-Length: {len(body)}", *fields, method="POST") + body


def _chunked(path: str, body: bytes, *fields: str) -> bytes:
    head = get(path, "Transfer-Encoding: chunked", *fields, method="POST")
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "target",
    [
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/%2e%2e%2fsecret.txt",
        "/static/%252e%252e%252fsecret.txt",
        "/static/..%5csecret.txt",
        "/static/..\\secret.txt",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/a.txt%00",
        "/static/%c0%ae%c0%ae/secret.txt",
        "/static/x/%2e%2e/%2e%2e/secret.txt",
        "/static/" + "../" * 1000 + "etc/passwd",
        "/file?name=../secret.txt",
        "/file?name=%2fetc%2fpasswd",
        "http://elsewhere/static/../secret.txt",
    ],
    ids=lambda target: target[:40],
)
def test_path_when_it_leads_outside_brings_nothing(served: ServerThread, target: str) -> None:
    with served.connect() as client:
        answer = client.ask(get(target))

        assert answer.status in (400, 404)
        assert SECRET.encode() not in answer.body
        assert b"root:" not in answer.body


def test_bytes_when_they_are_no_utf_8_are_an_answer(served: ServerThread) -> None:
    with served.connect() as client:
        for target in ("/str/%ff%fe", "/notes?a=%ff", "/str/%00%0d%0a", "/notes?%"):
            assert client.ask(get(target, "Cookie: a=\xff\xfe; b=1")).status == 200
        assert client.ask(get("/visits", "Cookie: session=\xff", "Accept: \xff")).status == 200


@pytest.mark.parametrize("make", [_post, _chunked])
def test_body_when_over_the_limit_is_a_413_and_the_connection_goes_on(
    served: ServerThread, make: Any
) -> None:
    body = b"1" * (LIMITS.max_memory_bytes + 1)

    with served.connect() as client:
        for path, content_type in (("/data", "application/json"), ("/body", "text/plain")):
            answer = client.ask(make(path, body, f"Content-Type: {content_type}"))

            assert answer.status == 413
        assert client.ask(get("/str/next")).status == 200


def test_method_when_it_is_no_usual_one_is_one_whole_answer(served: ServerThread) -> None:
    with served.connect() as client:
        for method in ("get", "head", "PROPFIND", "M-SEARCH", "TRACE", "__CALL__"):
            for path in ("/str/a", "/static/a.txt", "/nothing", "/any"):
                answer = client.ask(get(path, method=method))

                assert answer.status < 500
                assert answer.headers["content-length"] == str(len(answer.body))
        assert client.ask(get("*", method="OPTIONS")).status in (200, 204)


@pytest.mark.parametrize(
    "path", ["/str/a", "/any", "/static/a.txt", "/file", "/nothing", "/visits"]
)
def test_head_when_asked_has_no_content_and_the_connection_goes_on(
    served: ServerThread, path: str
) -> None:
    with served.connect() as client:
        head = client.ask(get(path, method="HEAD"), is_head=True)
        got = client.ask(get(path))

        assert head.status == got.status
        if path != "/any":  # It says the method.
            assert head.headers["content-length"] == str(len(got.body))


def test_stream_when_it_fails_in_the_middle_is_cut_and_closed(
    app: Wiverno, served: ServerThread, caplog: pytest.LogCaptureFixture
) -> None:
    file, closed = Watched(b"read by the stream"), threading.Event()

    @app.get("/fails/late")
    def late(request: Request) -> Iterator[bytes]:
        try:
            yield b"x" * 100_000
            raise ValueError("hunter2")
        finally:
            file.close()
            closed.set()

    with served.connect() as client:
        client.send(get("/fails/late"))
        received = client.rest()

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"x" * 1000 in received
    # The last chunk is missing, so nobody takes what came for the whole (RFC 9112 8).
    assert not received.endswith(b"0\r\n\r\n")
    assert b"hunter2" not in received
    assert closed.wait(DEADLINE_S)
    assert file.told.wait(DEADLINE_S)


def test_file_when_the_client_leaves_is_closed(app: Wiverno, served: ServerThread) -> None:
    file = Watched(b"x" * 50_000_000)
    app.get("/large")(lambda request: Response(file))

    with served.connect() as client:
        client.send(get("/large"))
        assert client.file.read(100)

    assert file.told.wait(DEADLINE_S)


def test_failure_when_not_debug_tells_the_client_nothing(
    app: Wiverno, served: ServerThread, caplog: pytest.LogCaptureFixture
) -> None:
    def late(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        raise ValueError("hunter2")

    @app.get("/fails")
    def fails(request: Request) -> None:
        raise ValueError("hunter2")

    @app.get("/leaves")
    def leaves(request: Request) -> None:
        raise SystemExit("hunter2")

    app.mount("/late", late)
    for path in ("/fails", "/leaves", "/late"):
        with served.connect() as client:
            answer = client.ask(get(path))

        assert answer.status == 500
        assert b"hunter2" not in answer.body
        assert b"Traceback" not in answer.body
        assert b".py" not in answer.body
    with served.connect() as client:  # None of them has ended the server.
        assert client.ask(get("/str/next")).status == 200
