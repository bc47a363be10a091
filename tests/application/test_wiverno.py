"""Wiverno, the application: called as a server calls it."""

import logging
from typing import Any

import pytest

from tests.application.wsgi_client import call, environ_for
from wiverno import Request, Router, Wiverno
from wiverno.core.exceptions import InvalidHTTPStatusError, RouteConflictError


@pytest.fixture
def app() -> Wiverno:
    return Wiverno()


def _answering(result: object) -> Wiverno:
    app = Wiverno()
    app.add_route("/", lambda request: result)
    return app


def test_debug_when_nothing_is_said_is_on() -> None:
    assert Wiverno().debug is True
    assert Wiverno(debug_mode=False).debug is False


@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        ("Grüße", "200 OK", "text/html; charset=utf-8", "Grüße".encode()),
        (b"\x00\xff", "200 OK", "text/html; charset=utf-8", b"\x00\xff"),
        ({"a": [1]}, "200 OK", "application/json", b'{"a": [1]}'),
        ([1, 2], "200 OK", "application/json", b"[1, 2]"),
        ((201, "made"), "201 Created", "text/html; charset=utf-8", b"made"),
        (("201", "made"), "201 Created", "text/html; charset=utf-8", b"made"),
        (("201 Whatever", "made"), "201 Created", "text/html; charset=utf-8", b"made"),
        (("404 NOT FOUND", ""), "404 Not Found", "text/html; charset=utf-8", b""),
    ],
)
def test_view_result_when_usable_becomes_the_response(
    result: object, status: str, content_type: str, body: bytes
) -> None:
    reply = call(_answering(result))

    assert reply.status == status
    assert reply.headers == {"Content-Type": content_type, "Content-Length": str(len(body))}
    assert reply.body == body


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_content_when_returned_sends_none(status: int) -> None:
    reply = call(_answering((status, "not for the wire")))

    assert reply.body == b""
    assert reply.headers == {}


def test_reset_content_when_returned_is_empty_and_says_so() -> None:
    reply = call(_answering((205, "not for the wire")))

    assert reply.body == b""
    assert reply.headers["Content-Length"] == "0"


@pytest.mark.parametrize("result", [None, 7, ("a", "b", "c"), (200, None), (99, "x"), (True, "x")])
def test_view_result_when_unusable_is_a_500(
    result: object, caplog: pytest.LogCaptureFixture
) -> None:
    reply = call(_answering(result))

    assert reply.status == "500 Internal Server Error"
    assert "GET / failed" in caplog.text


def test_invalid_status_when_returned_names_itself(caplog: pytest.LogCaptureFixture) -> None:
    reply = call(_answering((1000, "x")))

    assert reply.status.startswith("500 ")
    assert InvalidHTTPStatusError.__name__ in reply.text
    assert "Status 1000 is not a final HTTP status" in reply.text


def test_failed_view_when_debug_shows_the_escaped_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Wiverno(debug_mode=True)

    @app.get("/")
    def home(request: Request) -> str:
        raise ValueError("<script>alert(1)</script>")

    reply = call(app)

    assert reply.status == "500 Internal Server Error"
    assert "Traceback" in reply.text
    assert "&lt;script&gt;alert(1)" in reply.text
    assert "<script>" not in reply.text


def test_failed_view_when_not_debug_shows_nothing_of_it_but_logs_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Wiverno(debug_mode=False)

    @app.get("/secret")
    def fail(request: Request) -> str:
        raise ValueError("the password is hunter2")

    reply = call(app, "GET", "/secret")

    assert reply.status == "500 Internal Server Error"
    assert "Traceback" not in reply.text
    assert "hunter2" not in reply.text
    assert [(record.name, record.levelno) for record in caplog.records] == [
        ("wiverno.main", logging.ERROR)
    ]
    assert "hunter2" in caplog.text


def test_system_exit_when_raised_by_a_view_is_not_swallowed(app: Wiverno) -> None:
    @app.get("/")
    def leave(request: Request) -> str:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        app(environ_for(), lambda status, headers, exc_info=None: lambda data: None)


def test_unknown_path_when_asked_for_is_an_escaped_404(app: Wiverno) -> None:
    reply = call(app, "GET", "/<b>")

    assert reply.status == "404 Not Found"
    assert "&lt;b&gt;" in reply.text
    assert "<b>" not in reply.text


def test_unknown_method_when_asked_for_is_a_405_that_says_what_is_allowed(app: Wiverno) -> None:
    app.get("/users")(lambda request: "list")
    app.post("/users")(lambda request: "made")

    reply = call(app, "DELETE", "/users/")

    assert reply.status == "405 Method Not Allowed"
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_head_when_only_get_is_registered_has_its_headers_and_no_body(app: Wiverno) -> None:
    app.get("/")(lambda request: "twelve bytes")

    reply = call(app, "HEAD")

    assert reply.status == "200 OK"
    assert reply.headers["Content-Length"] == "12"
    assert reply.body == b""


def test_head_when_registered_itself_wins_over_get(app: Wiverno) -> None:
    app.get("/")(lambda request: "get")
    app.head("/")(lambda request: (204, ""))

    assert call(app, "HEAD").status == "204 No Content"


@pytest.mark.parametrize(
    "method", ["get", "post", "put", "patch", "delete", "head", "options", "trace"]
)
def test_method_decorator_when_used_answers_its_method_only(app: Wiverno, method: str) -> None:
    view = getattr(app, method)("/")(lambda request: f"by {request.method}")

    assert callable(view)  # A decorator gives the function back.
    assert call(app, method.upper()).status == "200 OK"
    assert call(app, "PUT" if method != "put" else "POST").status == "405 Method Not Allowed"


def test_route_when_no_methods_are_given_answers_all(app: Wiverno) -> None:
    @app.route("/any")
    def any_method(request: Request) -> str:
        return request.method

    assert [call(app, method, "/any").text for method in ("GET", "POST", "TRACE")] == [
        "GET",
        "POST",
        "TRACE",
    ]


def test_path_parameters_when_typed_arrive_converted(app: Wiverno) -> None:
    seen: list[dict[str, Any]] = []

    @app.get("/shops/{shop}/items/{number:int}/at/{price:float}/{rest:path}")
    def show(request: Request) -> str:
        seen.append(dict(request.path_params))
        return ""

    call(app, "GET", "/shops/café/items/7/at/1.5/a/b/c")

    assert seen == [{"shop": "café", "number": 7, "price": 1.5, "rest": "a/b/c"}]


def test_router_when_included_answers_below_its_prefix(app: Wiverno) -> None:
    router = Router()
    router.get("/")(lambda request: "index")
    router.get("/{name}")(lambda request: request.path_params["name"])
    app.include_router(router, prefix="/api/")

    assert call(app, "GET", "/api").text == "index"
    assert call(app, "GET", "/api/x").text == "x"
    assert call(app, "GET", "/x").status == "404 Not Found"


def test_same_path_and_method_when_included_is_a_conflict(app: Wiverno) -> None:
    router = Router()
    router.get("users")(lambda request: "")
    app.get("/api/users/")(lambda request: "")

    with pytest.raises(RouteConflictError, match=r"GET '/api/users' has two views"):
        app.include_router(router, "/api")


def test_bad_json_when_read_by_the_view_is_a_400(app: Wiverno) -> None:
    app.post("/")(lambda request: request.data)

    reply = call(app, "POST", body=b"{", CONTENT_TYPE="application/json")

    assert reply.status == "400 Bad Request"
    assert "not valid JSON" in reply.text


def test_own_pages_when_given_answer() -> None:
    app = Wiverno(
        page_404=lambda request: (404, "no"),
        page_405=lambda request: (405, "not so"),
        page_500=lambda request, report: (500, f"sorry {report is None}"),
        debug_mode=False,
    )
    app.post("/")(lambda request: None)

    assert call(app, "GET", "/x").text == "no"
    assert call(app, "GET", "/").headers["Allow"] == "OPTIONS, POST"
    assert call(app, "POST", "/").text == "sorry True"


def test_own_500_page_when_it_fails_gives_way_to_the_plain_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(request: Request, report: str | None) -> str:
        raise RuntimeError("the page is broken")

    app = Wiverno(page_500=broken)
    app.get("/")(lambda request: None)

    assert call(app).status == "500 Internal Server Error"
    assert "the page is broken" in caplog.text
