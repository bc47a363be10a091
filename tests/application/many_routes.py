"""An application with a view of every kind, each as a careful person would write it.

So whatever a client sends, no answer may be a 500.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from wiverno.core.exceptions import HTTPError, URLBuildError
from wiverno.core.http.body_limits import BodyLimits
from wiverno.core.requests import Request, UploadedFile
from wiverno.core.responses import Response
from wiverno.core.routing.router import Router
from wiverno.core.wsgi_types import Environ, StartResponse
from wiverno.main import Wiverno
from wiverno.views.base_views import BaseView

LIMITS = BodyLimits(
    max_memory_bytes=20_000,
    max_form_bytes=40_000,
    max_fields=50,
    max_files=5,
    max_part_header_bytes=500,
    memory_file_bytes=100,
)
SECRET_KEY = "0123456789abcdef0123456789abcdef"


class Notes(BaseView):
    """A class view."""

    def get(self, request: Request) -> Any:
        return {"query": request.query_params, "agent": request.user_agent}

    def post(self, request: Request) -> Any:
        return 201, {"data": repr(request.data)[:2000]}


def many_routes(folder: Path, **settings: Any) -> Wiverno:
    """The application; it serves the files of `folder` below `/static`."""
    app = Wiverno(**{"debug_mode": False, "body_limits": LIMITS, **settings})
    app.use_sessions(SECRET_KEY)
    app.add_static("/static", folder)
    app.add_converter("day", date.fromisoformat, date.isoformat)
    _add_paths(app)
    _add_bodies(app, folder)
    _add_state(app)
    app.add_route("/notes", Notes)
    app.include_router(_router(), "/group/{group}")
    app.mount("/mounted", _plain)
    app.mount("/inner", _inner())
    return app


def _add_paths(app: Wiverno) -> None:
    def tell(request: Request) -> Any:
        return {
            "path": request.path,
            "params": {k: repr(v) for k, v in request.path_params.items()},
        }

    app.get("/")(tell)
    for path in (
        "/int/{v:int}",
        "/float/{v:float}",
        "/str/{v}",
        "/day/{v:day}",
        "/path/{v:path}",
        "/path/{v:path}/edit",
        "/file-{v}.{ending}",
        "/range/{low:int}-{high:int}",
        "/deep/{first}/{second}/{third}",
    ):
        app.get(path, name=path)(tell)
    app.route("/any")(lambda request: f"{request.method} {request.url} {request.host}")

    @app.get("/link/{v}")
    def link(request: Request) -> Any:
        try:
            url = request.url_for("/path/{v:path}", v="a/" + request.path_params["v"], q="é")
        except URLBuildError:  # No URL leads to "..".
            raise HTTPError(404) from None
        return 200, "", {"Link": f"<{url}>"}


def _add_bodies(app: Wiverno, folder: Path) -> None:
    @app.route("/data")
    def data(request: Request) -> Any:
        return Response.json(_told(request.data))

    @app.route("/echo")
    def echo(request: Request) -> Any:
        found = request.data
        return found if isinstance(found, str) else {"you": {"sent": _told(found)}}

    @app.route("/body")
    def body(request: Request) -> Any:
        return 200, request.body, {"Content-Type": "application/octet-stream"}

    @app.route("/stream")
    def stream(request: Request) -> Iterator[bytes]:
        source = request.stream
        while block := source.read(100):
            yield block

    @app.get("/file")
    def file(request: Request) -> Any:
        return Response.file(request.query_params.get("name", "a.txt"), root=folder)


def _told(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _told_value(value) for name, value in data.items()}
    return data


def _told_value(value: Any) -> Any:
    return [value.filename, value.size] if isinstance(value, UploadedFile) else value


def _add_state(app: Wiverno) -> None:
    @app.route("/visits")
    def visits(request: Request) -> Any:
        request.session["visits"] = request.session.get("visits", 0) + 1
        return {"visits": request.session["visits"], "cookies": request.cookies}

    @app.get("/accepts")
    def accepts(request: Request) -> Any:
        return request.accepts("text/html", "application/json") or "nothing"

    @app.get("/headers")
    def headers(request: Request) -> Any:
        return dict(request.headers)

    @app.after_request
    def say_so(request: Request, response: Response) -> None:
        response.headers["X-After"] = str(response.status_code)


def _router() -> Router:
    router = Router(name="group")
    router.get("/members")(lambda request: dict(request.path_params))

    @router.before_request
    def refuse_some(request: Request) -> Any:
        return (403, "not you") if "evil" in request.path_params["group"] else None

    @router.get("/members/{name}")
    def member(request: Request) -> Any:
        return dict(request.path_params)

    return router


def _plain(environ: Environ, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode("latin-1")]


def _inner() -> Wiverno:
    app = Wiverno(debug_mode=False)
    app.get("/{name}")(lambda request: request.url_for("member", name="x"))
    app.get("/members/{name}", name="member")(lambda request: request.url)
    return app
