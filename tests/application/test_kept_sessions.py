"""Sessions of an application: when what a view put into one is kept, and when it is not."""

from typing import Any

import pytest

from tests.application.wsgi_client import Reply, call
from wiverno import HTTPError, Request, Response, Wiverno


@pytest.fixture
def app() -> Wiverno:
    app = Wiverno(debug_mode=False)
    app.use_sessions("0123456789abcdef" * 2)
    return app


def _ask(app: Wiverno, view: Any, **extra: Any) -> Reply:
    """What the application answers where the view changes the session, then does that."""

    def changing(request: Request) -> Any:
        request.session["step"] = "half done"
        return view(request)

    app.add_route("/", changing)
    return call(app, **extra)


def _failing(error: Exception) -> Any:
    def fail(request: Request) -> object:
        raise error

    return fail


def _is_kept(reply: Reply) -> bool:
    return reply.headers.get("Set-Cookie", "").startswith("session=")


def test_session_when_the_view_fails_stays_as_it_was(app: Wiverno) -> None:
    reply = _ask(app, _failing(KeyError("the other half")))

    assert reply.status == "500 Internal Server Error"
    assert not _is_kept(reply)
    assert "Cookie" in reply.headers["Vary"]  # It was read, all the same.


def test_session_when_an_after_hook_fails_stays_as_it_was(app: Wiverno) -> None:
    app.after_request(lambda request, response: response.headers["none of these"])

    reply = _ask(app, lambda request: "done")

    assert reply.status == "500 Internal Server Error"
    assert not _is_kept(reply)


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [(200, True), (302, True), (404, True), (500, False), (503, False)],
)
def test_session_when_answered_is_kept_unless_the_server_failed(
    app: Wiverno, answer: int, is_kept: bool
) -> None:
    assert _is_kept(_ask(app, lambda request: (answer, ""))) is is_kept


def test_session_when_the_view_raises_an_answer_is_kept(app: Wiverno) -> None:
    reply = _ask(app, _failing(HTTPError(403, "Not yet.")))

    assert reply.status == "403 Forbidden"
    assert _is_kept(reply)


def test_session_when_an_error_handler_writes_into_it_is_kept(app: Wiverno) -> None:
    @app.error_handler(401)
    def sign_in(request: Request, error: HTTPError) -> Response:
        request.session["next"] = request.path
        return Response.redirect("/sign-in")

    reply = _ask(app, _failing(HTTPError(401)))

    assert reply.status == "302 Found"
    assert _is_kept(reply)


def test_session_when_kept_stays_out_of_caches_that_others_share(app: Wiverno) -> None:
    # Vary does not help: all who come without a cookie are alike to a cache.
    changing = _ask(app, lambda request: (200, "", {"Cache-Control": "max-age=60"}))
    app.get("/read")(lambda request: request.session.get("step", ""))

    assert changing.headers["Cache-Control"] == "private"  # The last of the two lines.
    assert "Cache-Control" not in call(app, "GET", "/read").headers


def test_session_when_nothing_changed_is_a_304_that_still_keeps_it(app: Wiverno) -> None:
    headers = {"ETag": '"1"'}

    reply = _ask(app, lambda request: (200, "same", headers), HTTP_IF_NONE_MATCH='"1"')

    assert reply.status == "304 Not Modified"
    assert _is_kept(reply)


def test_response_when_no_view_asks_for_a_session_says_nothing_of_one(app: Wiverno) -> None:
    app.get("/")(lambda request: "for everybody")

    assert set(call(app).headers) == {"Content-Type", "Content-Length"}


def test_session_when_none_are_kept_says_how_to(caplog: pytest.LogCaptureFixture) -> None:
    assert _ask(Wiverno(), lambda request: "").status == "500 Internal Server Error"
    assert "app.use_sessions" in caplog.text
