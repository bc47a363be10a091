"""How a request ends: `start_response` is called once, and what was open is closed."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.application.wsgi_client import call, environ_for
from wiverno import Request, Response, Wiverno
from wiverno.core.uploads import UploadedFile
from wiverno.core.wsgi_types import Environ, StartResponse

FORM: dict[str, Any] = {
    "CONTENT_TYPE": "multipart/form-data; boundary=b",
    "body": b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc\r\n'
    b"--b--\r\n",
}


class Body:
    """A streamed body that knows whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"streamed"

    def close(self) -> None:
        self.is_closed = True


class Unclosable:
    """A streamed body whose `close` fails."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"streamed"

    def close(self) -> None:
        raise OSError("cannot be closed")


class Refusal:
    """A server that takes no response."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, status: str, headers: Any, exc_info: Any = None, /) -> Any:
        self.calls += 1
        raise ConnectionError("the client is gone")


@pytest.fixture
def app() -> Wiverno:
    return Wiverno()


@pytest.mark.parametrize("result", ["text", (200, "text"), Response("text"), Body()])
def test_start_response_when_it_raises_is_not_called_again(
    app: Wiverno, result: object, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_route("/", lambda request: result)
    server = Refusal()

    with pytest.raises(ConnectionError, match="the client is gone"):
        app(environ_for(), server)

    assert server.calls == 1
    assert "GET / failed" not in caplog.text  # The view did not.


def test_body_when_start_response_raises_is_closed(app: Wiverno, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    body, file = Body(), Response.file(tmp_path / "file")
    opened: Any = file.body
    app.add_route("/body", lambda request: body)
    app.add_route("/file", lambda request: file)

    for path in ("/body", "/file"):
        with pytest.raises(ConnectionError):
            app(environ_for("GET", path), Refusal())

    assert body.is_closed
    assert opened.closed


def test_mounted_application_when_it_raises_is_answered_by_the_server(app: Wiverno) -> None:
    # It may have called `start_response`, which may not be called again (PEP 3333).
    started: list[str] = []

    def broken(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        raise ValueError("too late")

    app.mount("/inner", broken)

    def server(status: str, *_: object) -> Any:
        started.append(status)

    with pytest.raises(ValueError, match="too late"):
        app(environ_for("GET", "/inner"), server)

    assert started == ["200 OK"]


def _upload_of(app: Wiverno, view: Any, method: str) -> UploadedFile:
    """The upload that a view left in the list it was given, when its request is over."""
    uploads: list[UploadedFile] = []
    app.add_route("/", lambda request: view(request, uploads))
    call(app, method, **FORM)
    [upload] = uploads
    return upload


def _text(request: Request, uploads: list[UploadedFile]) -> object:
    uploads.append(request.data["f"])
    return "text"


def _response(request: Request, uploads: list[UploadedFile]) -> object:
    uploads.append(request.data["f"])
    return Response("text")


def _stream(request: Request, uploads: list[UploadedFile]) -> Iterator[bytes]:
    # Nothing has been read of the form when this is returned.
    uploads.append(request.data["f"])
    yield uploads[0].read()


@pytest.mark.parametrize("view", [_text, _response, _stream])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_upload_when_the_request_is_over_is_closed(app: Wiverno, view: Any, method: str) -> None:
    assert _upload_of(app, view, method).stream.closed


def test_upload_when_start_response_raises_is_closed(app: Wiverno) -> None:
    uploads: list[UploadedFile] = []
    app.add_route("/text", lambda request: _text(request, uploads))
    app.add_route("/response", lambda request: _response(request, uploads))

    for path in ("/text", "/response"):
        with pytest.raises(ConnectionError):
            app(environ_for("POST", path, **FORM), Refusal())

    assert [upload.stream.closed for upload in uploads] == [True, True]


def test_body_when_it_cannot_be_closed_is_a_logged_500(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_route("/", lambda request: Unclosable())

    reply = call(app, "HEAD")

    assert reply.status == "500 Internal Server Error"
    assert "cannot be closed" in caplog.text


def test_error_response_when_it_cannot_be_sent_gives_way_to_the_built_in_page(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    app.error_handler(Exception)(lambda request, error: (404, Unclosable()))

    reply = call(app, "HEAD", "/nowhere")

    assert reply.status == "500 Internal Server Error"
    assert "cannot be closed" in caplog.text


# A view may keep a response, and return it to everybody.


def test_response_when_returned_again_is_sent_again(app: Wiverno) -> None:
    kept = Response("kept", 404)
    app.add_route("/", lambda request: kept)

    assert [call(app).text for _ in range(2)] == ["kept", "kept"]


def test_response_when_returned_again_has_nothing_of_the_request_before(app: Wiverno) -> None:
    kept = Response("kept")
    app.add_route("/", lambda request: kept)

    @app.after_request
    def number(request: Request, response: Response) -> None:
        response.set_cookie("visitor", request.query_params["visitor"])
        response.headers.add("Vary", "Cookie")
        response.status = 202

    call(app, "GET", "/?visitor=ann")
    reply = call(app, "GET", "/?visitor=bob")

    assert reply.headers["Set-Cookie"].startswith("visitor=bob;")
    assert kept.status == "200 OK"
    assert kept.headers.items() == [("Content-Type", "text/html; charset=utf-8")]


def test_streamed_response_when_returned_again_is_a_clear_500(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Response(iter([b"once"]))
    app.add_route("/", lambda request: kept)

    assert call(app).text == "once"
    assert call(app).status == "500 Internal Server Error"
    assert "Make a new one for each request" in caplog.text


class Marked(Response):
    """A response of an application's own."""

    __slots__ = ("__dict__", "mark")

    mark: str


def test_response_of_an_own_class_when_returned_keeps_its_attributes(app: Wiverno) -> None:
    seen: list[object] = []

    @app.get("/")
    def home(request: Request) -> Response:
        response = Marked("text")
        response.mark = "mine"
        return response

    app.after_request(lambda request, response: seen.append((type(response), response.mark)))

    assert call(app).text == "text"
    assert seen == [(Marked, "mine")]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_failure_when_logged_cannot_write_lines_of_its_own(
    app: Wiverno, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_route("/{name}", lambda request: None)

    call(app, method, "/a\nroot logged in")

    [record] = caplog.records
    assert record.getMessage() == rf"{method} /a\nroot logged in failed"
