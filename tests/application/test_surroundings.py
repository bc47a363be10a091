"""What an application stands in, and what it brings: middleware, mounts, files, sessions."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.application.wsgi_client import call, environ_for
from wiverno import Request, Response, Router, Wiverno
from wiverno.core.exceptions import RouteConflictError, RouteDefinitionError
from wiverno.core.http.body_limits import BodyLimits
from wiverno.core.quick_answers import quick_answer
from wiverno.core.responses import response_from
from wiverno.core.uploads import UploadedFile
from wiverno.core.wsgi_types import Environ, StartResponse, WSGIApplication

_SECRET = "0123456789abcdef" * 2
_FORM = (
    b"--x\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n\r\ncontent\r\n--x--\r\n"
)
_FORM_TYPE = "multipart/form-data; boundary=x"


@pytest.fixture
def app() -> Wiverno:
    return Wiverno(debug_mode=False)


def _showing(name: str) -> WSGIApplication:
    def application(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{name} {environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode("latin-1")]

    return application


# Middleware.


def test_middleware_when_added_later_is_outside_and_sees_every_answer(app: Wiverno) -> None:
    class Tagged:
        def __init__(self, application: WSGIApplication, tag: str) -> None:
            self.application, self.tag = application, tag

        def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            environ["tags"] = [*environ.get("tags", ()), self.tag]
            return self.application(environ, start_response)

    app.get("/")(lambda request: {"tags": request.environ["tags"]})
    app.add_middleware(Tagged, tag="inner")
    app.add_middleware(Tagged, tag="outer")

    assert call(app).json() == {"tags": ["outer", "inner"]}


# Mounts.


def test_mount_when_its_prefix_fits_answers_with_the_prefix_in_script_name(app: Wiverno) -> None:
    app.mount("/blog/", _showing("blog"))
    app.mount("/blog/admin", _showing("admin"))
    app.get("/{rest:path}")(lambda request: "any")
    app.get("/blog/about")(lambda request: "about")

    assert call(app, "GET", "/blog").text == "blog /blog|"
    assert call(app, "GET", "/blog/").text == "blog /blog|/"
    assert call(app, "GET", "/blog/a/b", SCRIPT_NAME="/up").text == "blog /up/blog|/a/b"
    assert call(app, "GET", "/blog/admin/x").text == "admin /blog/admin|/x"
    assert call(app, "GET", "/blogs").text == "any"
    assert call(app, "GET", "/blog/about").text == "about"
    assert call(app, "GET", "/blog/about/").text == "about"


def test_mount_when_not_ascii_is_found_by_its_bytes(app: Wiverno) -> None:
    app.mount("/café", _showing("it is"))

    assert call(app, "GET", "/café/x").text == "it is /café|/x"


def test_mounted_application_when_of_this_kind_builds_links_below_its_prefix(app: Wiverno) -> None:
    inner = Wiverno()
    inner.get("/items/{id:int}", name="item")(
        lambda request: request.url_for("item", id=request.path_params["id"] + 1)
    )
    app.mount("/shop", inner)

    assert call(app, "GET", "/shop/items/1").text == "/shop/items/2"


def test_mounted_application_when_it_has_a_lifespan_starts_and_ends_with_this_one(
    app: Wiverno,
) -> None:
    told: list[str] = []
    inner = Wiverno()
    inner.on_startup(lambda: told.append("up"))
    inner.on_shutdown(lambda: told.append("down"))
    app.mount("/inner", inner)

    app.startup()
    app.shutdown()

    assert told == ["up", "down"]


@pytest.mark.parametrize("prefix", ["", "/", "/{name}"])
def test_mount_when_the_prefix_is_none_says_what_to_write(app: Wiverno, prefix: str) -> None:
    with pytest.raises(RouteDefinitionError, match="such as '/admin'"):
        app.mount(prefix, _showing("x"))


def test_mount_when_the_prefix_is_taken_is_a_conflict(app: Wiverno) -> None:
    app.mount("/a", _showing("x"))

    with pytest.raises(RouteConflictError, match="mounted there already"):
        app.mount("a/", _showing("y"))


# Lifespan.


def test_application_when_no_server_starts_it_starts_at_the_first_request(app: Wiverno) -> None:
    told: list[str] = []
    app.on_startup(lambda: told.append("up"))
    app.on_shutdown(lambda: told.append("down"))
    app.get("/")(lambda request: "home")

    call(app)
    call(app)
    assert told == ["up"]
    app.shutdown()
    assert told == ["up", "down"]


# Files.


def test_static_when_asked_for_sends_the_file_and_nothing_outside(
    app: Wiverno, tmp_path: Path
) -> None:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "style.css").write_text("body {}")
    (tmp_path / "secret.txt").write_text("secret")
    app.add_static("/static", folder)

    sent = call(app, "GET", "/static/style.css")

    assert (sent.text, sent.headers["Content-Type"]) == ("body {}", "text/css; charset=utf-8")
    assert app.url_for("static", path="style.css") == "/static/style.css"
    assert call(app, "GET", "/static/../secret.txt").status == "404 Not Found"
    assert call(app, "GET", "/static").status == "404 Not Found"
    again = call(app, "GET", "/static/style.css", HTTP_IF_NONE_MATCH=sent.headers["ETag"])
    assert (again.status, again.body) == ("304 Not Modified", b"")
    part = call(app, "GET", "/static/style.css", HTTP_RANGE="bytes=0-3")
    assert (part.status, part.text) == ("206 Partial Content", "body")


def test_upload_when_the_answer_is_sent_is_closed_and_not_before(app: Wiverno) -> None:
    kept: list[UploadedFile] = []

    @app.post("/whole")
    def whole(request: Request) -> str:
        kept.append(request.data["file"])
        return kept[-1].read().decode()

    @app.post("/stream")
    def stream(request: Request) -> Iterator[bytes]:
        kept.append(request.data["file"])
        yield b"<"
        yield kept[-1].read()
        yield b">"

    assert call(app, "POST", "/whole", body=_FORM, CONTENT_TYPE=_FORM_TYPE).text == "content"
    assert call(app, "POST", "/stream", body=_FORM, CONTENT_TYPE=_FORM_TYPE).text == "<content>"
    assert [file.stream.closed for file in kept] == [True, True]


def test_stream_when_the_client_goes_away_is_closed(app: Wiverno) -> None:
    told: list[str] = []

    @app.get("/")
    def stream(request: Request) -> Iterator[str]:
        try:
            yield "first"
            yield "never asked for"
        finally:
            told.append("closed")

    chunks: Any = app(environ_for(), lambda status, headers, exc_info=None: lambda data: None)
    assert next(iter(chunks)) == b"first"
    chunks.close()

    assert told == ["closed"]


# Sessions.


def test_session_when_changed_comes_back_and_when_unread_costs_nothing(app: Wiverno) -> None:
    app.use_sessions(_SECRET)

    @app.post("/")
    def count(request: Request) -> dict[str, int]:
        request.session["count"] = request.session.get("count", 0) + 1
        return {"count": request.session["count"]}

    app.get("/plain")(lambda request: "plain")

    first = call(app, "POST")
    cookie = first.headers["Set-Cookie"]
    second = call(app, "POST", HTTP_COOKIE=cookie.partition(";")[0])

    assert (first.json(), second.json()) == ({"count": 1}, {"count": 2})
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert first.headers["Vary"] == "Cookie"
    assert not {"Set-Cookie", "Vary"} & set(call(app, "GET", "/plain").headers)


def test_session_when_the_application_keeps_none_says_what_to_call(
    app: Wiverno, caplog: pytest.LogCaptureFixture
) -> None:
    app.get("/")(lambda request: str(request.session))

    assert call(app).status == "500 Internal Server Error"
    assert "Call app.use_sessions(secret_key) first" in caplog.text


# The short way.


@pytest.mark.parametrize(
    "result",
    [
        "text",
        "",
        "Grüße",
        b"\x00\xff",
        {"a": [1, None, "ü"]},
        [],
        (201, "made"),
        ("201 Whatever", "made"),
        ("404 Not Found", {"a": 1}),
        (204, "left out"),
        (205, "left out"),
        (304, b"left out"),
        (299, "odd"),
        ("299 Odd Enough", "odd"),
        (500, []),
        (200, "with", {"X-A": "b"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_short_way_when_it_is_taken_gives_what_the_long_way_gives(
    app: Wiverno, result: Any, method: str
) -> None:
    app.route("/")(lambda request: result)
    finished = response_from(result).finish(environ_for(method))

    reply = call(app, method)

    assert reply.status == finished.status
    assert reply.headers == dict(finished.headers)
    assert reply.body == b"".join(finished.body)


def test_short_way_when_the_result_is_anything_else_leaves_it_to_the_long_way() -> None:
    class Text(str):
        __slots__ = ()

    odd: list[Any] = [Text("x"), (True, "x"), (200, None), ([], "x"), ("x",), None, Response()]
    for result in odd:
        assert quick_answer(result) is None, result


# Names.


def test_url_for_when_the_path_is_not_ascii_is_encoded_and_leads_back(app: Wiverno) -> None:
    router = Router(name="cafés")
    router.get("/{city}/ü", name="list")(lambda request: request.path_params["city"])
    app.include_router(router, "/cafés")

    assert app.url_for("cafés.list", city="São Paulo") == "/caf%C3%A9s/S%C3%A3o%20Paulo/%C3%BC"
    assert call(app, "GET", "/cafés/São Paulo/ü").text == "São Paulo"


def test_static_lookup_when_the_raw_path_looks_like_another_route_is_not_fooled(
    app: Wiverno,
) -> None:
    app.get("/Ã©")(lambda request: "mojibake")
    app.get("/é")(lambda request: "é")

    assert call(app, "GET", "/é").text == "é"
    assert call(app, "GET", "/Ã©").text == "mojibake"


def test_body_when_over_the_limit_of_the_application_is_a_413() -> None:
    app = Wiverno(body_limits=BodyLimits(max_memory_bytes=10))
    app.post("/")(lambda request: request.data)

    def answer(body: bytes) -> str:
        return call(app, "POST", body=body, CONTENT_TYPE="application/json").status

    assert answer(b"[1, 2, 34]") == "200 OK"
    assert answer(b"[1, 2, 345]") == "413 Content Too Large"
