"""Views, hooks, handlers and streams that fail: one answer each, and nothing is left open."""

import logging
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.application.wsgi_client import call, environ_for
from wiverno import HTTPError, Request, Response, Router, Wiverno
from wiverno.core.wsgi_types import Environ, StartResponse


class BrokenError(Exception):
    """What goes wrong in these tests."""


class Opened(BytesIO):
    """A file of a response."""


@pytest.fixture
def app() -> Wiverno:
    return Wiverno(debug_mode=False)


@pytest.fixture
def opened() -> Opened:
    return Opened(b"a file")


def _fail(*_: object) -> Any:
    raise BrokenError


# Hooks.


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_before_hook_when_it_returns_is_the_answer_and_no_view_runs(
    app: Wiverno, method: str
) -> None:
    app.route("/")(_fail)
    app.before_request(lambda request: (403, "not you"))

    reply = call(app, method)

    assert (reply.status, reply.text) == ("403 Forbidden", "" if method == "HEAD" else "not you")


def test_before_hook_when_one_returns_the_next_does_not_run(app: Wiverno) -> None:
    app.route("/")(_fail)
    app.before_request(lambda request: None)
    app.before_request(lambda request: "first")
    app.before_request(_fail)

    assert call(app).text == "first"


def test_before_hook_when_it_raises_is_answered_as_a_view_that_raises(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    app.route("/")(lambda request: seen.append("view"))
    app.error_handler(BrokenError)(lambda request, error: (418, "broken"))
    app.before_request(_fail)

    reply = call(app)

    assert (reply.status, reply.text, seen) == ("418 I'm a Teapot", "broken", [])


def test_before_hook_when_the_path_is_unknown_runs_too(app: Wiverno) -> None:
    app.before_request(lambda request: (401, "sign in"))

    assert call(app, "GET", "/nothing").status == "401 Unauthorized"
    assert call(app, "OPTIONS", "/nothing").status == "401 Unauthorized"


def test_after_hook_when_it_raises_is_a_500_and_the_response_is_closed(
    app: Wiverno, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(lambda request: Response(opened))
    app.after_request(_fail)

    assert call(app).status == "500 Internal Server Error"
    assert opened.closed
    # The page of the failure does not go through the hook that has failed.
    assert len(caplog.records) == 1


def test_after_hook_when_it_raises_an_http_error_is_that_answer(
    app: Wiverno, opened: Opened
) -> None:
    app.get("/")(lambda request: Response(opened))

    @app.after_request
    def refuse(request: Request, response: Response) -> None:
        raise HTTPError(429, "later", {"Retry-After": "7"})

    reply = call(app)

    assert (reply.status, reply.headers["Retry-After"]) == ("429 Too Many Requests", "7")
    assert opened.closed


@pytest.mark.parametrize("replacement", ["other", (201, "other"), Response("other"), None, 7])
def test_after_hook_when_it_replaces_the_response_the_first_one_is_closed(
    app: Wiverno, opened: Opened, replacement: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(lambda request: Response(opened))
    app.after_request(lambda request, response: replacement)

    reply = call(app)

    assert reply.text == "a file" if replacement is None else reply.text != "a file"
    assert reply.code == (500 if replacement == 7 else reply.code)
    assert opened.closed


def test_hooks_when_a_router_brings_them_fail_for_its_routes_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, router = Wiverno(debug_mode=False), Router()
    router.get("/inside")(lambda request: "inside")
    router.before_request(_fail)
    app.include_router(router)
    app.get("/outside")(lambda request: "outside")

    assert call(app, "GET", "/inside").code == 500
    assert call(app, "GET", "/outside").text == "outside"


# Error handlers and pages.


@pytest.mark.parametrize("status", [99, 1000, "no", None, True, 2.5])
@pytest.mark.parametrize("place", ["view", "handler"])
def test_http_error_when_its_status_is_none_is_a_500(
    app: Wiverno, place: str, status: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(*_: object) -> None:
        raise HTTPError(status, "no")

    app.get("/")(answer if place == "view" else _fail)
    app.error_handler(BrokenError)(answer)

    assert call(app).status == "500 Internal Server Error"


def test_http_error_when_a_subclass_forgets_the_rest_is_a_500(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    class HalfMadeError(HTTPError):
        def __init__(self) -> None:
            """Without that of the class above."""

    def half(*_: object) -> None:
        raise HalfMadeError

    app.get("/view")(half)
    app.get("/handler")(_fail)
    app.error_handler(BrokenError)(half)

    assert call(app, "GET", "/view").status == "500 Internal Server Error"
    assert call(app, "GET", "/handler").status == "500 Internal Server Error"


def test_error_handler_when_it_raises_gives_way_and_both_are_logged(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(lambda request: request.environ["missing"])
    app.error_handler(500)(_fail)

    reply = call(app)

    assert reply.status == "500 Internal Server Error"
    assert "BrokenError" not in reply.text
    assert [record.getMessage() for record in caplog.records] == [
        "GET / failed",
        "The answer to GET / failed",
    ]
    assert "KeyError: 'missing'" in caplog.text
    assert "BrokenError" in caplog.text


def test_error_handler_when_it_raises_an_http_error_is_that_answer_with_its_headers(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(_fail)

    @app.error_handler(BrokenError)
    def sign_in(request: Request, error: BrokenError) -> None:
        raise HTTPError(401, "Sign in first.", {"WWW-Authenticate": "Basic"})

    reply = call(app)

    assert (reply.status, reply.headers["WWW-Authenticate"]) == ("401 Unauthorized", "Basic")
    assert "Sign in first." in reply.text
    assert not caplog.records


def test_error_headers_when_they_cannot_be_sent_close_what_the_handler_returned(
    app: Wiverno, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def view(request: Request) -> None:
        raise HTTPError(404, "", {"X-Own": "a\nb"})

    app.error_handler(404)(lambda request, error: Response(opened, 404))

    assert call(app).status == "500 Internal Server Error"
    assert opened.closed


# Views with something open.


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Nobody but the view has that file.
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("page", ["the page is there", "the page fails"])
@pytest.mark.parametrize("error", [BrokenError("x"), HTTPError(409), HTTPError(500)], ids=repr)
@pytest.mark.usefixtures("descriptors")
def test_view_when_it_raises_behind_an_open_file_leaves_none_open(
    debug: bool, page: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What pytest keeps of a log has the traceback, and with it the view.
    monkeypatch.setattr(logging.getLogger("wiverno.main"), "disabled", True)
    path = tmp_path / "file"
    path.write_text("text")
    app = Wiverno(debug)
    if page == "the page fails":
        app.error_handler(500)(_fail)

    @app.get("/")
    def view(request: Request) -> Response:
        response = Response.file(path)
        response.headers["X-Own"] = "1"
        raise type(error)(*([error.status_code] if isinstance(error, HTTPError) else []))

    for _ in range(3):
        assert call(app).code in (409, 500)


@pytest.mark.parametrize(
    "result",
    [
        lambda file: (99, file),
        lambda file: (200, file, {"X-Own": "a\nb"}),
        lambda file: (200, file, 7),
        lambda file: (200, file, {"X-Own": 7}),
    ],
)
def test_result_when_unusable_has_its_file_closed(
    app: Wiverno, opened: Opened, result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(lambda request: result(opened))

    assert call(app).status == "500 Internal Server Error"
    assert opened.closed


@pytest.mark.parametrize("headers", [{"HTTP_IF_NONE_MATCH": "*"}, {"REQUEST_METHOD": "HEAD"}])
@pytest.mark.usefixtures("descriptors")
def test_file_when_it_is_not_sent_is_closed(
    app: Wiverno, headers: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("text")
    app.add_static("/", tmp_path)

    assert call(app, target="/file", **headers).body == b""


def test_response_when_the_server_refuses_it_is_closed(app: Wiverno, opened: Opened) -> None:
    def refuse(*_: object) -> Any:
        raise BrokenError

    app.get("/")(lambda request: Response(opened))
    app.get("/text")(lambda request: "text")

    for path in ("/", "/text"):
        with pytest.raises(BrokenError):
            app(environ_for("GET", path), refuse)
    assert opened.closed


# Streams.


class Source:
    """Pieces of a body, of which the last fails."""

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._pieces = pieces
        self.is_closed = False

    def stream(self) -> Iterator[Any]:
        try:
            yield from self._pieces
            raise BrokenError
        finally:
            self.is_closed = True


def _open_stream(app: Wiverno) -> Any:
    statuses: list[str] = []
    body: Any = app(environ_for(), lambda status, headers, *_: statuses.append(status))  # type: ignore[arg-type]
    assert statuses == ["200 OK"]
    return body


def test_stream_when_it_fails_in_the_middle_raises_and_is_closed(app: Wiverno) -> None:
    source = Source(["one", b"two"])
    app.get("/")(lambda request: source.stream())

    body = _open_stream(app)
    assert [next(body), next(body)] == [b"one", b"two"]
    with pytest.raises(BrokenError):
        next(body)
    body.close()

    assert source.is_closed


@pytest.mark.parametrize("pieces", [0, 1])
def test_stream_when_the_client_leaves_is_closed(app: Wiverno, pieces: int) -> None:
    source = Source(["one"] * 100)
    stream = source.stream()
    app.get("/")(lambda request: stream)

    body = _open_stream(app)
    for _ in range(pieces):
        next(body)
    body.close()

    with pytest.raises(StopIteration):
        next(stream)
    assert source.is_closed == bool(pieces)  # What never ran has no end to run.


@pytest.mark.parametrize("piece", [7, None, ["a"], {"a": 1}, "\ud800"])
def test_stream_when_a_piece_is_no_text_says_so(app: Wiverno, piece: Any) -> None:
    app.get("/")(lambda request: iter([b"one", piece]))

    body = _open_stream(app)
    assert next(body) == b"one"
    with pytest.raises((TypeError, ValueError), match=r"body (gave|holds)"):
        next(body)
    body.close()


def test_stream_when_head_asks_for_it_is_closed_unread(app: Wiverno, opened: Opened) -> None:
    app.get("/")(lambda request: Response(opened))

    assert call(app, "HEAD").body == b""
    assert opened.closed


# Mounted applications.


def test_mounted_application_when_it_fails_is_answered_once(app: Wiverno) -> None:
    def late(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        raise BrokenError

    statuses: list[str] = []
    app.mount("/late", late)

    with pytest.raises(BrokenError):  # The server has the last word: the head may be out.
        app(environ_for("GET", "/late"), lambda status, headers, *_: statuses.append(status))  # type: ignore[arg-type]
    assert statuses == ["200 OK"]
