"""Wiverno, the application: a router that is also a WSGI callable (PEP 3333)."""

import logging
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wiverno.core.error_handlers import ErrorHandler, ErrorHandlers
from wiverno.core.exceptions import HTTPError, MethodNotAllowedError
from wiverno.core.http.body_limits import DEFAULT_BODY_LIMITS, BodyLimits
from wiverno.core.lifespan import Hook, Lifespan, lifespan_of
from wiverno.core.mounts import Mounts
from wiverno.core.quick_answers import quick_answer
from wiverno.core.requests import Request
from wiverno.core.response_bodies import FollowedBody, close_stream
from wiverno.core.responses import Response, response_from
from wiverno.core.routing.endpoints import NO_PARAMS
from wiverno.core.routing.patterns import parse_pattern
from wiverno.core.routing.router import Handler, Router
from wiverno.core.routing.routes import Route
from wiverno.core.routing.table import MethodMismatch, RouteMatch
from wiverno.core.wsgi_types import Environ, StartResponse, WSGIApplication
from wiverno.templating.error_pages import ErrorPages

if TYPE_CHECKING:
    from wiverno.sessions import Sessions
    from wiverno.templating.templator import Templator
    from wiverno.testing.client import TestClient

ErrorPage = Callable[[Request, str | None], Any]
_ErrorHandlerT = TypeVar("_ErrorHandlerT", bound=ErrorHandler)
_HookT = TypeVar("_HookT", bound=Hook)

_logger = logging.getLogger(__name__)


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
        self.template_folder = template_folder
        self.body_limits = body_limits
        self.sessions: Sessions | None = None
        """Set by `use_sessions`."""
        self.lifespan = Lifespan()
        self.wsgi_app: WSGIApplication = self._answer
        """What is called for each request: this application, within its middleware."""
        self._mounts = Mounts()
        self._error_handlers = ErrorHandlers()
        self._error_pages = ErrorPages(system_template_path, lambda: self.routes)
        self._templator: Templator | None = None
        self._missing = Route(
            parse_pattern("/", {}), self._answer_missing, None, "", (self._hooks,)
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self.wsgi_app(environ, start_response)

    # What surrounds the views.

    def add_middleware(self, middleware: Callable[..., WSGIApplication], **options: Any) -> None:
        """Wrap the application: `middleware(application, **options)` is called now.

        The last one added is the outermost, and sees a request first.
        """
        self.wsgi_app = middleware(self.wsgi_app, **options)

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

    @property
    def templator(self) -> "Templator":
        """The templates of `template_folder`; `templator.env` is the Jinja2 environment."""
        if self._templator is None:
            from wiverno.templating.templator import Templator

            self._templator = Templator(self.template_folder)
            self._templator.env.globals.setdefault("url_for", self.url_for)
        return self._templator

    def render(self, name: str, content: dict[str, Any] | None = None, **kwargs: Any) -> str:
        """The text of a template, with the values of `content` and `kwargs` in it."""
        return self.templator.render(name, content, **kwargs)

    def add_static(
        self, prefix: str, folder: str | Path, *, name: str = "static", max_age_s: int | None = None
    ) -> None:
        """Answer with the files of `folder` below `prefix`, in development and in small ones.

        `url_for("static", path="style.css")` is the path of one. `max_age_s` lets browsers
        keep a file for so many seconds without asking.
        """
        root = Path(folder).absolute()

        def static(request: Request) -> Response:
            path: str = request.path_params["path"]
            return Response.file(path, root=root, max_age_s=max_age_s)

        self.add_route(f"{prefix.rstrip('/')}/{{path:path}}", static, ["GET"], name=name)

    def use_sessions(self, secret_key: str | bytes | list[str | bytes], **settings: Any) -> None:
        """Give each request a `session`, kept in a signed cookie.

        `settings` are those of `wiverno.sessions.SessionSettings`. Needs the extra `sessions`.
        """
        from wiverno.sessions import Sessions, SessionSettings

        self.sessions = Sessions(SessionSettings(secret_key, **settings))

    def test_client(self, **options: Any) -> "TestClient":
        """A client for tests, which calls this application without a server.

        `options` are those of `httpx.Client`. Needs the extra `testing`.
        """
        from wiverno.testing.client import TestClient

        return TestClient(self, **options)

    # One request.

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # The way of nearly every request, in one piece: each call costs a twentieth of it.
        if not self.lifespan.is_started:
            self.lifespan.startup()
        request = Request(environ, None, self)
        method: str = environ["REQUEST_METHOD"]
        path: str = environ.get("PATH_INFO") or "/"
        route, quick = self._missing, None
        by_method = self._table.static.get(path)
        found = None if by_method is None else by_method.get(method)
        if found is None or not path.isascii():
            found = None
            mounted = self._find_mount(request) if self._mounts else None
            if mounted is not None:
                application, inner_environ = mounted
                # What it raises is the server's to answer: its response may have begun.
                return application(inner_environ, start_response)
        try:
            route, request._path_params = found or self._find(request)
            result = _hooked(route, request) if route.before else route.handler(request)
            if not route.after and self.sessions is None:
                quick = quick_answer(result)
        except Exception as error:  # noqa: BLE001 - whatever a view raises is one failed response
            result = self._response_to(request, error)
        if quick is None:
            return self._send(request, result, route, start_response)
        line, headers, content = quick
        if method != "GET" or environ.get("CONTENT_TYPE"):
            request.close()  # Other requests have no form, whose files it would close.
        start_response(line, headers)
        return [] if method == "HEAD" else [content]

    def _find_mount(self, request: Request) -> tuple[WSGIApplication, Environ] | None:
        if request.path in self._table.static:
            return None
        return self._mounts.find(request.environ)

    def _find(self, request: Request) -> RouteMatch:
        """The route by the path as it is meant: decoded, without a slash at the end."""
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
        response: Response | None = None
        try:
            response = response_from(result)
            for hook in route.after:
                response = _replaced(response, hook(request, response))
            if self.sessions is not None and request.opened_session is not None:
                self.sessions.save(request.opened_session, response)
            finished = response.finish(request.environ)
        except Exception as error:  # noqa: BLE001 - as above
            if response is not None:
                response.close()
            finished = self._response_to(request, error).finish(request.environ)
        body = finished.body
        if isinstance(body, list):
            request.close()
        elif request.environ.get("CONTENT_TYPE"):
            # What is sent piece by piece may still read the form, or only begin to.
            body = FollowedBody(body, request.close)
        try:
            start_response(finished.status, finished.headers)
        except BaseException:
            close_stream(body)  # The server never gets it.
            raise
        return body

    # What went wrong.

    def _response_to(self, request: Request, error: Exception) -> Response:
        """Never raises: a handler or page that fails gives way to the built-in page."""
        if not self._error_handlers.expects(error):
            _logger.error("%s failed", _logged_name(request), exc_info=error)
        try:
            return self._handled(request, error)
        except Exception as failure:  # noqa: BLE001 - logged where it is answered
            return self._answer_to_failure(request, failure)

    def _answer_to_failure(self, request: Request, failure: Exception) -> Response:
        # Each error in a name of its own, which ends with its block: a frame that held the error
        # that has gone through it would be a circle, and the files of the view stay open.
        if not isinstance(failure, HTTPError):  # Which a handler may raise instead of a page.
            _logger.error("The answer to %s failed", _logged_name(request), exc_info=failure)
        try:
            return self._built_in(request, failure)
        except Exception as worse:
            _logger.exception("The answer to %s failed", _logged_name(request))
            return self._built_in(request, worse)

    def _handled(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPError) else 500
        handler = self._error_handlers.find(error)
        if handler is not None:
            result = handler(request, error)
        else:
            result = self._page(request, error, status)
        if not isinstance(result, tuple | Response):
            result = (status, result)
        response = response_from(result)
        return _with_headers_of(error, response) if isinstance(error, HTTPError) else response

    def _page(self, request: Request, error: Exception, status: int) -> Any:
        if status == 404 and self.page_404 is not None:
            return self.page_404(request)
        if status == 405 and self.page_405 is not None:
            return self.page_405(request)
        if status == 500 and self.page_500 is not None:
            shows_it = self.debug and not isinstance(error, HTTPError)
            report = "".join(traceback.format_exception(error)) if shows_it else None
            return self.page_500(request, report)
        return self._error_pages.page(request, error, debug=self.debug)

    def _built_in(self, request: Request, error: Exception) -> Response:
        page = self._error_pages.built_in(request, error, debug=self.debug)
        return _with_headers_of(error, page) if isinstance(error, HTTPError) else page


def _replaced(response: Response, result: Any) -> Response:
    """What an after hook makes of the response: None leaves it as it is."""
    if result is None or result is response:
        return response
    response.close()
    return response_from(result)


def _with_headers_of(error: HTTPError, response: Response) -> Response:
    """With those that the response has not itself."""
    try:
        for name, value in error.headers.items():
            response.headers.setdefault(name, value)
    except BaseException:
        response.close()
        raise
    return response


def _logged_name(request: Request) -> str:
    """The path is the client's text, and must not write lines of its own."""
    name = f"{request.method} {request.path}"
    return name if name.isprintable() else repr(name)


def _hooked(route: Route, request: Request) -> Any:
    """What the first hook that has an answer returns, else the view."""
    for hook in route.before:
        result = hook(request)
        if result is not None:
            return result
    return route.handler(request)
