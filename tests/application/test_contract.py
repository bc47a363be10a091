"""The public interface of the application class, name by name.

What people import, pass and get back. A test here that has to change breaks somebody's program.
"""

import inspect
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import wiverno
from tests.application.wsgi_client import Reply, call, environ_for, seeing
from wiverno import BaseView, Request, Router, Templator, Wiverno
from wiverno.core.exceptions import InvalidHTTPStatusError, RouteConflictError
from wiverno.core.requests import HeaderParser, ParseBody, QueryDict

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"]
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA plan\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="plan.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\n1, 2, 3\r\n--b--\r\n"
)


def answering(result: object, **settings: Any) -> Wiverno:
    """An application whose one view returns `result`, whatever is asked of `/`."""
    app = Wiverno(**settings)
    app.add_route("/", lambda request: result)
    return app


def routed(target: Wiverno | Router) -> Wiverno:
    """The application that answers the routes of `target`."""
    if isinstance(target, Wiverno):
        return target
    app = Wiverno()
    app.include_router(target)
    return app


# Names.


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("wiverno", ["Wiverno", "Router", "Request", "Templator", "BaseView", "__version__"]),
        ("wiverno.main", ["Wiverno"]),
        ("wiverno.core.routing.router", ["Router"]),
        ("wiverno.core.requests", ["Request", "QueryDict", "ParseBody", "HeaderParser"]),
        ("wiverno.templating.templator", ["Templator"]),
        ("wiverno.views.base_views", ["BaseView"]),
        ("wiverno.core.exceptions", ["RouteConflictError", "InvalidHTTPStatusError"]),
    ],
)
def test_documented_name_when_imported_by_its_path_is_there(module: str, names: list[str]) -> None:
    home = import_module(module)

    assert all(hasattr(home, name) for name in names)


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("Wiverno", "wiverno.main"),
        ("Router", "wiverno.core.routing.router"),
        ("Request", "wiverno.core.requests"),
        ("Templator", "wiverno.templating.templator"),
        ("BaseView", "wiverno.views.base_views"),
    ],
)
def test_front_door_name_when_imported_is_the_one_of_its_module(name: str, home: str) -> None:
    assert getattr(wiverno, name) is getattr(import_module(home), name)


# The application object.


def test_constructor_when_looked_at_has_the_documented_parameters_and_defaults() -> None:
    parameters = inspect.signature(Wiverno).parameters.values()

    documented = [(each.name, each.default) for each in parameters][:5]
    assert documented == [
        ("debug_mode", True),
        ("system_template_path", None),
        ("page_404", None),
        ("page_405", None),
        ("page_500", None),
    ]
    # What was added since can be given by its name only, so that these five keep their places.
    assert all(each.kind is each.KEYWORD_ONLY for each in list(parameters)[5:])


def test_constructor_when_called_by_position_takes_them_in_their_order() -> None:
    def page(request: Request, report: str | None = None) -> str:
        return ""

    app = Wiverno(False, "pages", page, page, page)

    assert app.debug is False
    assert (app.page_404, app.page_405, app.page_500) == (page, page, page)


def test_debug_when_set_later_holds_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    app = answering(None)
    assert app.debug is True
    assert "Traceback" in call(app).text

    app.debug = False

    assert "Traceback" not in call(app).text


def test_application_when_called_is_a_wsgi_application() -> None:
    statuses: list[str] = []

    body = answering("hello")(environ_for(), lambda status, headers, *_: statuses.append(status))  # type: ignore[arg-type]

    assert (statuses, list(body)) == (["200 OK"], [b"hello"])


# Registration.


@pytest.mark.parametrize("kind", [Wiverno, Router])
@pytest.mark.parametrize("method", METHODS)
def test_method_decorator_when_used_answers_its_method_and_no_other(
    kind: type[Wiverno | Router], method: str
) -> None:
    target = kind()

    def view(request: Request) -> tuple[int, str]:
        return 201, request.method

    decorated = getattr(target, method.lower())("/thing")(view)

    assert decorated is view
    app = routed(target)
    assert call(app, method, "/thing").status == "201 Created"
    other = "PUT" if method != "PUT" else "POST"
    assert call(app, other, "/thing").status == "405 Method Not Allowed"


@pytest.mark.parametrize("kind", [Wiverno, Router])
def test_route_when_methods_are_given_answers_these_else_all(kind: type[Wiverno | Router]) -> None:
    target = kind()
    target.route("/two", methods=["GET", "POST"])(lambda request: request.method)
    target.route("/two/by-place", ["get", "post"])(lambda request: request.method)
    target.route("/all")(lambda request: request.method)
    app = routed(target)

    for path in ("/two", "/two/by-place"):
        assert [call(app, method, path).text for method in ("GET", "POST")] == ["GET", "POST"]
        assert call(app, "DELETE", path).headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    for method in METHODS:
        assert call(app, method, "/all").status == "200 OK"


@pytest.mark.parametrize("kind", [Wiverno, Router])
def test_add_route_when_called_registers_as_the_decorator_does(
    kind: type[Wiverno | Router],
) -> None:
    target = kind()
    target.add_route("/notes", lambda request: "made", methods=["POST"])
    target.add_route("/any", lambda request: "any")
    app = routed(target)

    assert call(app, "POST", "/notes").text == "made"
    assert call(app, "GET", "/notes").status.startswith("405 ")
    assert call(app, "DELETE", "/any").text == "any"


@pytest.mark.parametrize("kind", [Wiverno, Router])
def test_get_routes_when_asked_gives_path_handler_and_methods_in_order(
    kind: type[Wiverno | Router],
) -> None:
    target = kind()

    def show(request: Request) -> str:
        return ""

    def make(request: Request) -> str:
        return ""

    target.get("/notes/{id:int}")(show)
    target.route("notes/", methods=["post"])(make)
    target.route("/any")(show)

    assert target.get_routes() == [
        {"path": "/notes/{id:int}", "handler": show, "methods": ["GET"]},
        {"path": "/notes", "handler": make, "methods": ["POST"]},
        {"path": "/any", "handler": show, "methods": None},
    ]


def test_get_routes_when_the_list_is_changed_changes_nothing() -> None:
    app = answering("hello")

    app.get_routes().clear()

    assert len(app.get_routes()) == 1


def test_include_router_when_given_a_prefix_puts_it_before_every_path() -> None:
    router = Router()
    router.get("/")(lambda request: "index")
    router.get("/{id:int}")(lambda request: f"note {request.path_params['id']}")
    app = Wiverno()
    app.include_router(router, prefix="/notes")
    app.include_router(router, "old/notes/")
    app.include_router(router)

    for prefix in ("", "/notes", "/old/notes"):
        assert call(app, "GET", prefix or "/").text == "index"
        assert call(app, "GET", f"{prefix}/7").text == "note 7"


# Results.


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (201, "201 Created"),
        ("201", "201 Created"),
        ("201 Created", "201 Created"),
        ("201 Whatever", "201 Created"),
        ("404 NOT FOUND", "404 Not Found"),
        ("200 ok", "200 OK"),
        (418, "418 I'm a Teapot"),
        ("299 All Fine", "299 All Fine"),
        (599, "599 Unknown"),
    ],
)
def test_status_when_usable_is_sent_with_its_right_phrase(status: int | str, line: str) -> None:
    reply = call(answering((status, "body")))

    assert (reply.status, reply.text) == (line, "body")


@pytest.mark.parametrize(
    "status",
    [0, 99, 100, 101, 199, 600, 1000, -200, True, None, 2.5, "", "abc", "20", "2000", "\uff1200"],
)
def test_status_when_unusable_is_an_invalid_status_error_and_a_500(
    status: object, caplog: pytest.LogCaptureFixture
) -> None:
    reply = call(answering((status, "body")))

    assert reply.status == "500 Internal Server Error"
    assert InvalidHTTPStatusError.__name__ in caplog.text
    assert issubclass(InvalidHTTPStatusError, ValueError)


def test_body_when_returned_alone_is_a_200() -> None:
    assert call(answering("Grüße")).status == "200 OK"
    assert call(answering("Grüße")).body == "Grüße".encode()
    assert call(answering(b"\x00\xff")).body == b"\x00\xff"


# Paths.


@pytest.mark.parametrize("registered", ["/users", "/users/", "users", "users/"])
@pytest.mark.parametrize("asked", ["/users", "/users/", "users"])
def test_path_when_slashes_are_spelled_otherwise_is_the_same_route(
    registered: str, asked: str
) -> None:
    app = Wiverno()
    app.get(registered)(lambda request: request.path)

    reply = call(seeing(app, PATH_INFO=asked))

    assert (reply.status, reply.text) == ("200 OK", "/users")


@pytest.mark.parametrize(
    ("pattern", "path", "value"),
    [
        ("/{v}", "/caf\u00e9 1", "café 1"),
        ("/{v:str}", "/7", "7"),
        ("/{v:int}", "/-7", -7),
        ("/{v:int}", "/007", 7),
        ("/{v:float}", "/1.5", 1.5),
        ("/{v:float}", "/-2", -2.0),
        ("/{v:path}", "/a", "a"),
        ("/{v:path}", "/a/b/c.txt", "a/b/c.txt"),
    ],
)
def test_parameter_when_it_fits_its_type_arrives_converted(
    pattern: str, path: str, value: object
) -> None:
    seen: list[Any] = []
    app = Wiverno()
    app.get(pattern)(lambda request: str(seen.append(request.path_params["v"])))  # type: ignore[func-returns-value]

    assert call(app, "GET", path).status == "200 OK"
    assert seen == [value]
    assert type(seen[0]) is type(value)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/x/{v}", "/x"),
        ("/x/{v}", "/x/a/b"),
        ("/x/{v:int}", "/x/1.0"),
        ("/x/{v:int}", "/x/a"),
        ("/x/{v:int}", "/x/+1"),
        ("/x/{v:float}", "/x/nan"),
        ("/x/{v:float}", "/x/1e9"),
        ("/x/{v:path}", "/x"),
    ],
)
def test_parameter_when_it_does_not_fit_is_not_found(pattern: str, path: str) -> None:
    app = Wiverno()
    app.get(pattern)(lambda request: "found")

    assert call(app, "GET", path).status == "404 Not Found"


def test_routes_when_several_match_win_static_first_then_by_more_segments() -> None:
    app = Wiverno()
    for path in ("/{rest:path}", "/files/{rest:path}", "/users/{name}", "/users/me"):
        app.get(path)(lambda request, path=path: path)

    answers = {
        path: call(app, "GET", path).text for path in ("/users/me", "/users/you", "/files/a")
    }
    assert answers == {
        "/users/me": "/users/me",
        "/users/you": "/users/{name}",
        "/files/a": "/files/{rest:path}",
    }
    assert call(app, "GET", "/elsewhere/a").text == "/{rest:path}"


@pytest.mark.parametrize(("first", "second"), [("/users", "users/"), ("/u/{id}", "/u/{name:str}")])
def test_path_when_registered_twice_for_a_method_is_a_conflict(first: str, second: str) -> None:
    app = Wiverno()
    app.get(first)(lambda request: "first")

    with pytest.raises(RouteConflictError):
        app.get(second)(lambda request: "second")
    with pytest.raises(RouteConflictError):
        app.route(second)(lambda request: "every method")
    app.post(second)(lambda request: "another method")

    assert [each["methods"] for each in app.get_routes()] == [["GET"], ["POST"]]


# Pages.


@pytest.mark.parametrize("debug", [True, False])
def test_default_pages_when_nothing_is_set_answer_404_405_and_500(
    debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = Wiverno(debug)
    app.post("/notes")(lambda request: request.environ["missing"])

    assert call(app, "GET", "/nothing").status == "404 Not Found"
    not_allowed = call(app, "GET", "/notes")
    assert not_allowed.status == "405 Method Not Allowed"
    assert "POST" in not_allowed.headers["Allow"].split(", ")
    assert call(app, "POST", "/notes").status == "500 Internal Server Error"


def test_own_pages_when_set_return_what_a_view_returns(caplog: pytest.LogCaptureFixture) -> None:
    reports: list[str | None] = []

    def page_500(request: Request, report: str | None) -> dict[str, str]:
        reports.append(report)
        return {"error": request.path}

    app = Wiverno(
        page_404=lambda request: f"no {request.path}",
        page_405=lambda request: (403, f"no {request.method}"),
        page_500=page_500,
    )
    app.post("/notes")(lambda request: request.environ["missing"])

    not_found, not_allowed = call(app, "GET", "/x"), call(app, "GET", "/notes")
    failed = call(app, "POST", "/notes")
    assert (not_found.status, not_found.text) == ("404 Not Found", "no /x")
    assert (not_allowed.status, not_allowed.text) == ("403 Forbidden", "no GET")
    assert (failed.status, failed.json()) == ("500 Internal Server Error", {"error": "/notes"})
    app.debug = False
    call(app, "POST", "/notes")

    assert reports[0] is not None
    assert reports[0].startswith("Traceback")
    assert reports[0].rstrip().endswith("KeyError: 'missing'")
    assert reports[1] is None


def test_system_templates_when_their_folder_is_given_are_the_pages(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for status in (404, 405, 500):
        (tmp_path / f"{status}.html").write_text("own {{ status_code }}")
    app = Wiverno(system_template_path=str(tmp_path))
    app.post("/notes")(lambda request: request.environ["missing"])

    replies = [call(app, "GET", "/x"), call(app, "GET", "/notes"), call(app, "POST", "/notes")]

    assert [reply.text for reply in replies] == ["own 404", "own 405", "own 500"]
    assert [reply.status[:3] for reply in replies] == ["404", "405", "500"]


# The request.


def requested(method: str = "GET", target: str = "/", **extra: Any) -> Request:
    """The request that a view gets."""
    seen: list[Request] = []

    def view(request: Request) -> str:
        seen.append(request)
        _ = request.data
        return ""

    app = Wiverno()
    app.route("/")(view)
    app.route("/users/{id:int}")(view)
    assert call(app, method, target, **extra).status == "200 OK"
    return seen[0]


def test_request_when_read_has_every_documented_attribute() -> None:
    request = requested(
        "POST",
        "/users/7?a=1&a=2&b=%C3%A9&empty",
        body=b'{"x": [1]}',
        CONTENT_TYPE="application/json",
        HTTP_COOKIE="theme=dark; id=7",
        HTTP_USER_AGENT="test/1",
        HTTP_X_OWN="yes",
        HTTP_X_FORWARDED_FOR="10.9.9.9",
        REMOTE_ADDR="192.0.2.1",
        SERVER_NAME="example.com",
        SERVER_PROTOCOL="HTTP/1.1",
    )

    assert (request.method, request.path) == ("POST", "/users/7")
    assert request.path_params == {"id": 7}
    assert request.query_params == {"a": "1", "b": "é", "empty": ""}
    assert request.query_params.getlist("a") == ["1", "2"]
    assert request.query_params.getlist("missing") == []
    assert request.headers["x-own"] == request.headers["X-Own"] == "yes"
    assert request.cookies == {"theme": "dark", "id": "7"}
    assert request.data == {"x": [1]}
    assert (request.content_type, request.content_length) == ("application/json", 10)
    assert request.client_ip == "192.0.2.1"
    assert request.server == "example.com"
    assert request.user_agent == "test/1"
    assert (request.protocol, request.scheme, request.is_secure) == ("HTTP/1.1", "http", False)
    assert request.environ["HTTP_X_OWN"] == "yes"


def test_request_when_it_came_by_https_is_secure() -> None:
    request = requested(**{"wsgi.url_scheme": "https"})

    assert (request.scheme, request.is_secure) == ("https", True)


@pytest.mark.parametrize(
    "name",
    [
        *("method", "path", "path_params", "query_params", "headers", "cookies", "data"),
        *("content_type", "content_length", "client_ip", "server", "user_agent", "protocol"),
        *("scheme", "is_secure", "environ"),
    ],
)
def test_request_attribute_when_written_refuses(name: str) -> None:
    request = requested()

    with pytest.raises(AttributeError):
        setattr(request, name, "other")
    with pytest.raises(AttributeError):
        delattr(request, name)


def test_path_params_when_written_refuse() -> None:
    with pytest.raises(TypeError):
        requested("GET", "/users/7").path_params["id"] = 8  # type: ignore[index]


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/json; charset=utf-8", '["é"]'.encode(), ["é"]),
        ("application/vnd.api+json", b"7", 7),
        ("application/x-www-form-urlencoded", b"a=1&a=2&b=%C3%A9+x", {"a": "1", "b": "é x"}),
        ("text/plain", b"text", {}),
        ("", b"text", {}),
        ("application/json", b"", {}),
    ],
)
def test_data_when_read_is_the_body_by_its_type(
    content_type: str, body: bytes, data: object
) -> None:
    assert requested("POST", body=body, CONTENT_TYPE=content_type).data == data


def test_data_when_a_form_is_multipart_has_its_fields_and_files() -> None:
    seen: list[Any] = []

    def view(request: Request) -> str:
        data = request.data
        seen.extend([data["title"], data["file"].filename, data["file"].read()])
        return ""

    app = Wiverno()
    app.post("/")(view)

    call(app, "POST", body=MULTIPART, CONTENT_TYPE="multipart/form-data; boundary=b")

    assert seen == ["A plan", "plan.txt", b"1, 2, 3"]


def test_form_when_it_repeats_a_name_has_all_its_values_in_getlist() -> None:
    data = requested("POST", body=b"a=1&a=2", CONTENT_TYPE="application/x-www-form-urlencoded").data

    assert isinstance(data, dict)
    assert isinstance(data, QueryDict)
    assert data.getlist("a") == ["1", "2"]


def test_parsers_when_called_without_a_request_give_the_same() -> None:
    environ = environ_for("POST", "/", CONTENT_TYPE="application/json", HTTP_X_OWN="yes")

    assert ParseBody.get_request_params(environ, b'{"a": 1}') == {"a": 1}
    assert ParseBody.get_request_params(environ, b"{") == {}
    assert HeaderParser.get_headers(environ)["X-Own"] == "yes"


# Templates.


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for folder in ("templates", "pages"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hello.html").write_text(f"{folder}: {{{{ name }}}} {{{{ more }}}}")
    return tmp_path


def test_templator_when_made_stands_in_the_current_directory(templates: Path) -> None:
    templator = Templator()

    assert templator.base_dir == Path.cwd() == templates
    assert type(templator.env).__module__.startswith("jinja2")
    assert templator.env.autoescape is True


def test_templator_when_rendering_escapes_and_lets_keywords_win(templates: Path) -> None:
    assert Templator().render("hello.html", {"name": "<b>", "more": 1}, more=2) == (
        "templates: &lt;b&gt; 2"
    )
    assert Templator("pages").render("hello.html", name="x") == "pages: x "
    assert Templator(folder="pages").render("hello.html", content={"name": "y"}) == "pages: y "


@pytest.mark.parametrize("content", ["text", [("a", 1)], 7, ("a",)])
def test_templator_when_content_is_no_dict_is_a_type_error(templates: Path, content: Any) -> None:
    with pytest.raises(TypeError, match="Content must be a dictionary"):
        Templator().render("hello.html", content)


# Views that are classes.


class Notes(BaseView):
    def get(self, request: Request) -> str:
        return "all notes"

    def post(self, request: Request) -> tuple[int, str]:
        return 201, "made"


@pytest.mark.parametrize("handler", [Notes(), Notes])
def test_class_view_when_registered_answers_its_methods_and_405_to_others(handler: Any) -> None:
    app = Wiverno()
    app.add_route("/notes", handler)

    replies: list[Reply] = [call(app, method, "/notes") for method in ("GET", "POST", "HEAD")]
    assert [reply.status[:3] for reply in replies] == ["200", "201", "200"]
    assert [reply.text for reply in replies] == ["all notes", "made", ""]
    missing = call(app, "DELETE", "/notes")
    assert missing.status == "405 Method Not Allowed"
    assert missing.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("kind", [Wiverno, Router])
def test_class_view_when_a_route_gives_it_more_methods_is_a_405_for_what_it_lacks(
    kind: type[Wiverno | Router],
) -> None:
    target = kind()
    target.route("/notes", methods=["GET", "PUT"])(Notes())
    app = routed(target)

    assert call(app, "GET", "/notes").text == "all notes"
    assert call(app, "PUT", "/notes").status == "405 Method Not Allowed"
    assert call(app, "POST", "/notes").status == "405 Method Not Allowed"


def test_class_view_when_its_name_is_a_decorator_target_stays_the_class() -> None:
    app = Wiverno()

    decorated = app.route("/notes")(Notes)

    assert decorated is Notes
    assert json.loads(json.dumps(app.get_routes()[0]["methods"])) == ["GET", "HEAD", "POST"]
