"""Wiverno, the application: a router that is also a WSGI callable (PEP 3333)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from wiverno.core.error_handlers import ErrorHandler, ErrorHandlers
from wiverno.core.exceptions import HTTPError, MethodNotAllowedError
from wiverno.core.http.body_limits import DEFAULT_BODY_LIMITS, BodyLimits
from wiverno.core.lifespan import Hook, Lifespan, lifespan_of
from wiverno.core.mounts import Mount, Mounts
from wiverno.core.quick_answers import quick_answer
from wiverno.core.requests import Request
from wiverno.core.response_bodies import FollowedBody, close_stream
from wiverno.core.responses import FinishedResponse, Response, response_from
from wiverno.core.routing.endpoints import NO_PARAMS
from wiverno.core.routing.patterns import parse_pattern
from wiverno.core.routing.router import Handler, Router
from wiverno.core.routing.routes import Route
from wiverno.core.routing.table import MethodMismatch, RouteMatch
from wiverno.core.static_files import StaticFiles
from wiverno.core.wsgi_types import Environ, StartResponse, WSGIApplication
from wiverno.templating.error_answers import ErrorAnswers, ErrorPage
from wiverno.templating.error_pages import ErrorPages
from wiverno.templating.templator import Templator

if TYPE_CHECKING:
    from wiverno.sessions import SessionOptions, Sessions
    from wiverno.testing.client import TestClient

_ErrorHandlerT = TypeVar("_ErrorHandlerT", bound=ErrorHandler)
_HookT = TypeVar("_HookT", bound=Hook)


class Wiverno(Router):
    """A WSGI application made of views.

    A view takes the request and returns a body, `(status, body)`, `(status, body, headers)`
    or a `Response`. With `debug_mode` the page for a failed view shows its traceback; turn
    it off where strangers can see it.

    `page_404(request)`, `page_405(request)` and `page_500(request, traceback_or_None)` replace
    the pages of these statuses, and return what a view returns. So do `404.html`, `405.html`
    and `500.html`, templates in the folder `system_template_path`.

    >>> app = Wiverno()
    >>> @app.get("/")
    ... def home(request):
    ...     return "Hello"
    """

    def __init__(  # noqa: PLR0913 - documented parameters
        self,
        debug_mode: bool = True,
        system_template_path: str | Path | None = None,
        page_404: Handler | None = None,
        page_405: Handler | None = None,
        page_500: ErrorPage | None = None,
        *,
        template_folder: str | Path = "templates",
        body_limits: BodyLimits = DEFAULT_BODY_LIMITS,
    ) -> None:
        super().__init__()
        self.debug = debug_mode
        self.page_404 = page_404
        self.page_405 = page_405
        self.page_500 = page_500
        self.templator = Templator(template_folder, auto_reload=debug_mode, url_for=self.url_for)
        """The templates of `template_folder`; `templator.env` is the Jinja2 environment."""
        self.body_limits = body_limits
        self.sessions: Sessions | None = None
        """Set by `use_sessions`."""
        self.lifespan = Lifespan()
        self.wsgi_app: WSGIApplication = self._answer
        """What is called for each request: this application, within its middleware."""
        self._mounts = Mounts()
        self._error_handlers = ErrorHandlers()
        pages = ErrorPages(system_template_path, lambda: self.routes, self.url_for)
        self._error_answers = ErrorAnswers(self, self._error_handlers, pages)
        self._missing = Route(
            parse_pattern("/", {}), self._answer_missing, None, "", (self._hooks,)
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self.wsgi_app(environ, start_response)

    # What surrounds the views.

    def add_middleware(self, middleware: Callable[..., WSGIApplication], **options: Any) -> None:
        """Wrap the application: `middleware(application, **options)` is called now.

        The last one added is the outermost, and sees a request first. Raises `TypeError` if
        what comes back cannot be called.
        """
        wrapped = middleware(self.wsgi_app, **options)
        if not callable(wrapped):
            raise TypeError(
                f"add_middleware({middleware!r}): it made {wrapped!r} of the application, which "
                "cannot be called. Return a WSGI application."
            )
        self.wsgi_app = wrapped

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """The applications that `mount` has added, each with its prefix."""
        return self._mounts.all

    def mount(self, prefix: str, application: WSGIApplication) -> None:
        """Let another WSGI application answer all below `prefix`.

        A static route of this application wins, any other does not. Hooks and error handlers
        are for views and do not run; middleware does.
        """
        self._mounts.add(prefix, application)
        lifespan = lifespan_of(application)
        if lifespan is not None:
            self.lifespan.include(lifespan)

    def error_handler(
        self, about: int | type[Exception]
    ) -> Callable[[_ErrorHandlerT], _ErrorHandlerT]:
        """Decorator: `handler(request, error)` answers a status, or a class of exceptions.

        It returns what a view returns; without a status, that of the error.

        >>> app = Wiverno()
        >>> @app.error_handler(LookupError)
        ... def not_there(request, error):
        ...     return 404, f"There is no {error}."
        """

        def register(handler: _ErrorHandlerT) -> _ErrorHandlerT:
            self._error_handlers.add(about, handler)
            return handler

        return register

    def on_startup(self, hook: _HookT) -> _HookT:
        """Decorator: call it once in each process that serves, before the first request."""
        return self.lifespan.on_startup(hook)

    def on_shutdown(self, hook: _HookT) -> _HookT:
        """Decorator: call it once in each process that has served, after the last request."""
        return self.lifespan.on_shutdown(hook)

    def startup(self) -> None:
        """Call the startup functions, unless this process has. Servers and tests do it."""
        self.lifespan.startup()

    def shutdown(self) -> None:
        """Call the shutdown functions, if this process has started. Servers and tests do it."""
        self.lifespan.shutdown()

    # What views use.

    def render(self, name: str, /, content: dict[str, Any] | None = None, **kwargs: Any) -> str:
        """The text of a template, with the values of `content` and `kwargs` in it.

        Templates have `url_for`. With `request=request` among the values it is that of the
        request, which knows below which prefix a proxy or a mount shows the application.
        """
        return self.templator.render(name, content, **kwargs)

    def add_static(
        self, prefix: str, folder: str | Path, *, name: str = "static", max_age_s: int | None = None
    ) -> None:
        """Answer with the files of `folder` below `prefix`, in development and on small sites.

        Not with those whose path has a name that begins with a dot, but for `.well-known`.
        `url_for("static", path="style.css")` is the path of one. `max_age_s` lets browsers
        keep a file for so many seconds without asking.
        """
        files = StaticFiles(folder, max_age_s)
        self.add_route(f"{prefix.rstrip('/')}/{{path:path}}", files, ["GET"], name=name)

    def use_sessions(
        self,
        secret_key: str | bytes | Sequence[str | bytes],
        **settings: "Unpack[SessionOptions]",
    ) -> None:
        """Give each request a `session`, kept in a signed cookie.

        `secret_key` and `settings` are those of `wiverno.sessions.SessionSettings`. Needs the
        extra `sessions`.
        """
        from wiverno.sessions import Sessions, SessionSettings

        self.sessions = Sessions(SessionSettings(secret_key, **settings))

    def test_client(
        self,
        *,
        base_url: str = "http://testserver",
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
        raise_app_exceptions: bool = False,
    ) -> "TestClient":
        """A client for tests, which calls this application without a server.

        An `httpx.Client`; see `wiverno.testing.TestClient`. Needs the extra `testing`.
        """
        from wiverno.testing.client import TestClient

        return TestClient(
            self,
            base_url=base_url,
            headers=headers,
            follow_redirects=follow_redirects,
            raise_app_exceptions=raise_app_exceptions,
        )

    # One request.

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # The way of nearly every request, in one piece: each call costs a twentieth of it.
        if not self.lifespan.is_started:
            self.lifespan.startup()
        request = Request(environ, None, self)
        method: str = environ["REQUEST_METHOD"]
        path: str = environ.get("PATH_INFO") or "/"
        by_method = self._table.static.get(path)
        found = None if by_method is None else by_method.get(method)
        if found is None or not path.isascii():
            found = None
            mounted = self._find_mount(request) if self._mounts else None
            if mounted is not None:
                # What it raises is the server's: it may have called `start_response`.
                application, inner_environ = mounted
                return application(inner_environ, start_response)
        route = self._missing
        try:
            route, request._path_params = found or self._find(request, path, method)
            result = _hooked(route, request) if route.before else route.handler(request)
        except Exception as error:  # noqa: BLE001 - whatever a view raises is one failed response
            result = self._error_answers.result(request, error)
        quick = None
        if not route.after and (self.sessions is None or request.opened_session is None):
            quick = quick_answer(result)
        if quick is None:
            return self._send(request, result, route, start_response)
        line, headers, content = quick
        request.close()
        start_response(line, headers)
        return [] if method == "HEAD" else [content]

    def _find_mount(self, request: Request) -> tuple[WSGIApplication, Environ] | None:
        if request.path in self._table.static:
            return None
        return self._mounts.find(request.environ)

    def _find(self, request: Request, path: str, method: str) -> RouteMatch:
        # As it is spelled, where that is how it is meant: ASCII, without a slash at the end.
        if path[-1] != "/" and path.isascii():
            found = self._table.find(path, method)
            if type(found) is tuple:
                return found
        found = self._table.find(request.path, request.method)
        if found is None or isinstance(found, MethodMismatch):
            return self._missing, NO_PARAMS
        return found

    def _answer_missing(self, request: Request) -> Response:
        """The view of all that has none, so that the hooks of the application run around it."""
        found = self._table.find(request.path, request.method)
        if not isinstance(found, MethodMismatch):
            raise HTTPError(404)
        allowed = sorted({*found.allowed, "OPTIONS"})
        if request.method == "OPTIONS":  # RFC 9110 9.3.7.
            return Response(b"", 204, {"Allow": ", ".join(allowed)})
        raise MethodNotAllowedError(allowed)

    def _send(
        self, request: Request, result: Any, route: Route, start_response: StartResponse
    ) -> Iterable[bytes]:
        """The long way: through hooks, conditions, cookies and streams."""
        finished = self._finished(request, result, route)
        body = finished.body
        if isinstance(body, list):
            request.close()
        elif request.may_hold_files:
            # What is sent piece by piece may still read the form, or only begin to.
            body = FollowedBody(body, request.close)
        try:
            start_response(finished.status, finished.headers)
        except BaseException:
            close_stream(body)  # The server has not got it, so it will not.
            raise
        return body

    def _finished(self, request: Request, result: Any, route: Route) -> FinishedResponse:
        response: Response | None = None
        try:
            response = response_from(result)
            for hook in route.after:
                response = _replaced(response, hook(request, response))
            if self.sessions is not None and request.opened_session is not None:
                self.sessions.save(request.opened_session, response)
            return response.finish(request.environ)
        except Exception as error:  # noqa: BLE001 - as above
            if response is not None:
                response.close()
            return self._error_answers.finished(request, error)


def _replaced(response: Response, result: Any) -> Response:
    """What an after hook makes of the response: None leaves it as it is."""
    if result is None or result is response:
        return response
    response.close()
    return response_from(result)


def _hooked(route: Route, request: Request) -> Any:
    """What the first hook that has an answer returns, else the view."""
    for hook in route.before:
        result = hook(request)
        if result is not None:
            return result
    return route.handler(request)
