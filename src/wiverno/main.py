"""Wiverno, the application: a router that is also a WSGI callable (PEP 3333)."""

import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from wiverno.core.exceptions import RequestBodyError
from wiverno.core.http.pages import error_page
from wiverno.core.requests import Request
from wiverno.core.responses import Response, response_from
from wiverno.core.routing.router import Handler, Router
from wiverno.core.routing.table import MethodMismatch
from wiverno.core.wsgi_types import Environ, StartResponse

ErrorPage = Callable[[Request, str | None], Any]

_logger = logging.getLogger(__name__)


class Wiverno(Router):
    """A WSGI application made of views.

    A view takes the request and returns a body, or `(status, body)`. With `debug_mode`
    the page for a failed view shows its traceback; turn it off where strangers can see it.

    >>> app = Wiverno()
    >>> @app.get("/")
    ... def home(request):
    ...     return "200 OK", "Hello"
    """

    def __init__(
        self,
        debug_mode: bool = True,
        *,
        page_404: Handler | None = None,
        page_405: Handler | None = None,
        page_500: ErrorPage | None = None,
    ) -> None:
        super().__init__()
        self.debug = debug_mode
        self._page_404 = page_404 or _page_404
        self._page_405 = page_405 or _page_405
        self._page_500 = page_500 or _page_500

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        response = self._respond(request)
        start_response(response.status, response.headers)
        return [] if request.method == "HEAD" else [response.body]

    def _respond(self, request: Request) -> Response:
        try:
            return self._dispatch(request)
        except RequestBodyError as error:
            return response_from((400, error_page("400 Bad Request", str(error))))
        except Exception:  # Whatever a view raises is one failed response.
            _logger.exception("%s %s failed", request.method, request.path)
            return self._failure(request, traceback.format_exc() if self.debug else None)

    def _dispatch(self, request: Request) -> Response:
        found = self._table.find(request.path, request.method)
        if found is None:
            return response_from(self._page_404(request))
        if isinstance(found, MethodMismatch):
            response = response_from(self._page_405(request))
            # RFC 9110 15.5.6: a 405 says what is allowed.
            response.headers.append(("Allow", ", ".join(found.allowed)))
            return response
        route, path_params = found
        return response_from(route.handler(Request(request.environ, path_params)))

    def _failure(self, request: Request, report: str | None) -> Response:
        try:
            return response_from(self._page_500(request, report))
        except Exception:  # A broken error page must not hide the error.
            _logger.exception("page_500 failed")
            return response_from(_page_500(request, report))


def _page_404(request: Request) -> tuple[int, str]:
    return 404, error_page("404 Not Found", f"Nothing answers {request.path} here.")


def _page_405(request: Request) -> tuple[int, str]:
    return 405, error_page(
        "405 Method Not Allowed", f"{request.path} does not answer {request.method}."
    )


def _page_500(request: Request, report: str | None) -> tuple[int, str]:
    return 500, error_page(
        "500 Internal Server Error", f"{request.method} {request.path} failed.", report
    )
