"""What surrounds the views: hooks, error handlers, the answers that nobody wrote."""

import logging
from typing import Any

import pytest

from tests.application.wsgi_client import call
from wiverno import HTTPError, Request, Response, Router, Wiverno


@pytest.fixture
def app() -> Wiverno:
    app = Wiverno(debug_mode=False)
    app.get("/")(lambda request: "home")
    return app


def test_hooks_when_registered_run_around_the_view_like_layers(app: Wiverno) -> None:
    told: list[str] = []
    for name in ("outer", "inner"):
        app.before_request(lambda request, name=name: told.append(f"before {name}"))
        app.after_request(lambda request, response, name=name: told.append(f"after {name}"))

    assert call(app).text == "home"
    assert told == ["before outer", "before inner", "after inner", "after outer"]


def test_before_hook_when_it_answers_stands_for_the_view(app: Wiverno) -> None:
    reached: list[str] = []
    app.before_request(lambda request: (401, "who are you?"))
    app.before_request(lambda request: reached.append("the second hook"))

    assert (call(app).status, call(app).text) == ("401 Unauthorized", "who are you?")
    assert not reached


def test_after_hook_when_it_changes_or_replaces_the_response_is_heard(app: Wiverno) -> None:
    @app.after_request
    def mark(request: Request, response: Response) -> None:
        response.headers["X-Marked"] = request.path

    assert call(app).headers["X-Marked"] == "/"
    assert call(app, "GET", "/nowhere").headers["X-Marked"] == "/nowhere"

    app.after_request(lambda request, response: (418, f"was {response.status_code}"))

    assert (call(app).status[:3], call(app).text) == ("418", "was 200")


def test_hooks_when_of_a_router_run_for_its_views_only(app: Wiverno) -> None:
    told: list[str] = []
    admin = Router()
    admin.before_request(lambda request: told.append(request.path))
    admin.get("/panel")(lambda request: "panel")
    app.include_router(admin, "/admin")

    call(app)
    call(app, "GET", "/admin/panel")
    call(app, "GET", "/admin/nowhere")

    assert told == ["/admin/panel"]


def test_before_hook_when_nothing_has_the_path_runs_all_the_same(app: Wiverno) -> None:
    app.before_request(lambda request: (503, "closed"))

    assert call(app, "GET", "/nowhere").text == "closed"
    assert call(app, "DELETE", "/").text == "closed"


def test_after_hook_when_it_fails_is_a_500_and_runs_once(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[int] = []

    @app.after_request
    def fail(request: Request, response: Response) -> None:
        runs.append(response.status_code)
        raise RuntimeError("the hook is broken")

    assert call(app).status == "500 Internal Server Error"
    assert runs == [200]
    assert "the hook is broken" in caplog.text


def test_http_error_when_raised_is_the_response_with_its_message_and_headers(app: Wiverno) -> None:
    @app.get("/limited")
    def limited(request: Request) -> str:
        raise HTTPError(429, "Ten a minute <at most>.", {"Retry-After": "60"})

    reply = call(app, "GET", "/limited")

    assert reply.status == "429 Too Many Requests"
    assert reply.headers["Retry-After"] == "60"
    assert "Ten a minute &lt;at most&gt;." in reply.text


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (LookupError("x"), "lookup"),
        (KeyError("x"), "key"),
        (HTTPError(404), "nothing here"),
        (HTTPError(403), "an http error"),
        (ValueError("x"), "500 page"),
    ],
)
def test_error_handler_when_several_fit_the_nearest_answers(
    app: Wiverno, raised: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def answering(text: str) -> Any:
        return lambda request, error: text

    handlers: dict[int | type[Exception], str] = {
        HTTPError: "an http error",
        LookupError: "lookup",
        KeyError: "key",
        404: "nothing here",
        500: "500 page",
    }
    for about, text in handlers.items():
        app.error_handler(about)(answering(text))

    @app.get("/failing")
    def failing(request: Request) -> str:
        raise raised

    reply = call(app, "GET", "/failing")

    assert reply.text == said
    assert reply.status[:3] == str(getattr(raised, "status_code", 500))


def test_error_handler_when_it_is_for_404_answers_what_has_no_route(app: Wiverno) -> None:
    app.error_handler(404)(lambda request, error: f"no {request.path}")
    app.error_handler(405)(lambda request, error: {"allowed": list(error.allowed)})

    assert (call(app, "GET", "/x").status, call(app, "GET", "/x").text) == (
        "404 Not Found",
        "no /x",
    )
    refused = call(app, "PUT")
    assert refused.json() == {"allowed": ["GET", "HEAD", "OPTIONS"]}
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_error_handler_when_it_gives_a_status_that_one_counts(app: Wiverno) -> None:
    app.error_handler(404)(lambda request, error: (410, "gone"))

    assert call(app, "GET", "/x").status == "410 Gone"


def test_error_handler_when_for_a_class_writes_no_log_and_for_500_does(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/failing")
    def failing(request: Request) -> str:
        raise ValueError("hunter2")

    app.error_handler(500)(lambda request, error: "sorry")
    call(app, "GET", "/failing")
    assert "hunter2" in caplog.text

    caplog.clear()
    app.error_handler(ValueError)(lambda request, error: (400, "not so"))
    call(app, "GET", "/failing")
    assert not caplog.records


def test_error_handler_when_it_fails_gives_way_to_the_built_in_page(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    @app.error_handler(404)
    def fail(request: Request, error: HTTPError) -> str:
        raise RuntimeError("hunter2")

    reply = call(app, "GET", "/x")

    assert reply.status == "500 Internal Server Error"
    assert "hunter2" not in reply.text
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("about", [200, 99, True, "404", ValueError("x"), BaseException, None])
def test_error_handler_when_about_no_error_says_what_to_give(app: Wiverno, about: Any) -> None:
    with pytest.raises(TypeError, match="Give a status such as 404"):
        app.error_handler(about)(lambda request, error: "")


def test_options_when_nobody_answers_it_says_what_is_allowed(app: Wiverno) -> None:
    app.post("/")(lambda request: "made")

    reply = call(app, "OPTIONS")

    assert (reply.status, reply.body) == ("204 No Content", b"")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_error_page_when_asked_for_as_json_is_json_and_says_that_it_varies(app: Wiverno) -> None:
    reply = call(app, "GET", "/x", HTTP_ACCEPT="application/json")

    assert reply.json()["status"] == 404
    assert reply.headers["Vary"] == "Accept"


def test_not_found_when_debug_lists_the_routes_and_else_none(app: Wiverno) -> None:
    app.get("/secret-panel")(lambda request: "")

    assert "/secret-panel" not in call(app, "GET", "/secret-pane").text
    app.debug = True
    reply = call(app, "GET", "/secret-pane")
    assert "/secret-panel" in reply.text
    assert reply.headers["Cache-Control"] == "no-store"


def test_own_templates_when_there_are_answer_their_status(tmp_path: Any) -> None:
    (tmp_path / "404.html").write_text("<h1>{{ title }}: {{ request.path }}</h1>")
    app = Wiverno(debug_mode=False, system_template_path=tmp_path)

    assert call(app, "GET", "/<b>").text == "<h1>Not Found: /&lt;b&gt;</h1>"
    assert call(app, "GET", "/x").status == "404 Not Found"


def test_own_template_when_it_fails_gives_way_to_the_built_in_page(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "404.html").write_text("{{ 1 / 0 }}")
    app = Wiverno(debug_mode=False, system_template_path=tmp_path)

    assert call(app, "GET", "/x").status == "500 Internal Server Error"
    assert caplog.records[-1].levelno == logging.ERROR
