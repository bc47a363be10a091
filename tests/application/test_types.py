"""What mypy and editors know of a program that uses wiverno: `make check` reads this file."""

from collections.abc import Callable, Iterable, Iterator
from typing import assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from wiverno import BaseView, HTTPError, Request, Response, Router, Wiverno
from wiverno.core.http.headers import Headers
from wiverno.core.http.query import QueryDict
from wiverno.core.session import Session

app = Wiverno(debug_mode=False)
router = Router(name="notes")


@app.get("/text")
def text(request: Request) -> str:
    return request.path


@router.post("/notes/{id:int}", name="save")
def save(request: Request) -> tuple[int, dict[str, int]]:
    number: int = request.path_params["id"]
    return 201, {"id": number}


@app.route("/stream", ["GET"])
def stream(request: Request) -> Iterator[str]:
    yield request.method


@app.route("/class")
class Notes(BaseView):
    def get(self, request: Request) -> Response:
        response = Response("notes", 200, {"X-Number": "1"})
        response.set_cookie("seen", "1", max_age=60, samesite="Strict")
        return response


@app.before_request
def check(request: Request) -> Response | None:
    return None if request.is_secure else Response.redirect(f"https://{request.host}/")


@app.after_request
def note(request: Request, response: Response) -> None:
    response.headers["X-Path"] = request.path


@app.error_handler(LookupError)
def not_there(request: Request, error: LookupError) -> tuple[int, str]:
    return 404, str(error)


@app.error_handler(403)
def forbidden(request: Request, error: HTTPError) -> str:
    return error.message


@app.on_startup
def start() -> None:
    app.use_sessions("0123456789abcdef", max_age_s=60, secure=True)


class Middleware:
    """As another library writes it, with the types of the standard library."""

    def __init__(self, application: Callable[..., Iterable[bytes]], header: str = "") -> None:
        self.application = application
        self.header = header

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.application(environ, start_response)


class Exact:
    """The same, where the application within has its exact type."""

    def __init__(self, application: Wiverno) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.application(environ, start_response)


def test_decorators_when_used_give_back_what_they_got() -> None:
    request = Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/text"}, {"id": 7})

    assert_type(text(request), str)
    assert_type(save(request), tuple[int, dict[str, int]])
    assert_type(stream(request), Iterator[str])
    assert_type(Notes(), Notes)
    assert_type(check(request), Response | None)
    assert_type(not_there(request, KeyError("a")), tuple[int, str])


def test_request_when_read_has_types() -> None:
    def view(request: Request) -> str:
        assert_type(request.session, Session)
        assert_type(request.session.modified, bool)
        assert_type(request.query_params, QueryDict)
        assert_type(request.query_params.getlist("a"), list[str])
        assert_type(request.headers, Headers)
        assert_type(request.headers.get("Accept"), str | None)
        assert_type(request.cookies, dict[str, str])
        assert_type(request.accepts("text/html"), str | None)
        assert_type(request.url_for("text"), str)
        return "typed"

    own = Wiverno()
    own.use_sessions(["0123456789abcdef", b"fedcba9876543210"])
    own.get("/", name="text")(view)
    with own.test_client(headers={"Accept": "text/html"}) as client:
        answer = client.get("/")
        assert_type(answer, httpx.Response)

    assert answer.text == "typed"


def test_application_when_wrapped_or_mounted_fits_other_libraries() -> None:
    own = Wiverno()
    own.add_middleware(Middleware, header="X-Checked")
    own.add_middleware(ProxyFix, x_for=1)
    own.mount("/flask", Flask(__name__))
    own.mount("/exact", Exact(app))
    own.include_router(router, "/api")

    assert_type(own.url_for("notes.save", id=7), str)
    assert own.test_client().get("/flask/nothing").status_code == 404
