"""Wiverno, the application: a router that is also a WSGI callable (PEP 3333)."""

import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from wiverno.core.exceptions import RequestBodyError
from wiverno.core.failures import Failure, describe_failure
from wiverno.core.http.pages import DebugDetails, ListedRoute, error_page
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
        self._page_404 = page_404 or self._built_in_404
        self._page_405 = page_405 or self._built_in_405
        self._page_500 = page_500 or self._built_in_500

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        response = self._respond(request).finish(environ)
        start_response(response.status, response.headers)
        return response.body

    def _respond(self, request: Request) -> Response:
        try:
            return self._dispatch(request)
        except RequestBodyError as error:
            _, page = error_page(error.status_code, error.message, accept="text/html")
            return response_from((error.status_code, page))
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
            response.headers["Allow"] = ", ".join(found.allowed)
            return response
        return response_from(found.handler(Request(request.environ, found.path_params)))

    def _failure(self, request: Request, report: str | None) -> Response:
        try:
            return response_from(self._page_500(request, report))
        except Exception:  # A broken error page must not hide the error.
            _logger.exception("page_500 failed")
            return response_from(self._built_in_500(request, report))

    def _built_in_404(self, request: Request) -> tuple[int, str]:
        return self._built_in(request, 404)

    def _built_in_405(self, request: Request) -> tuple[int, str]:
        return self._built_in(request, 405)

    def _built_in_500(self, request: Request, report: str | None) -> tuple[int, str]:
        error = sys.exception()
        return self._built_in(request, 500, describe_failure(error) if error and report else None)

    def _built_in(
        self, request: Request, status: int, failure: Failure | None = None
    ) -> tuple[int, str]:
        details = DebugDetails(request.method, request.path, self._listed_routes(), failure)
        debug = details if self.debug else None
        return status, error_page(status, accept="text/html", debug=debug)[1].decode("utf-8")

    def _listed_routes(self) -> list[ListedRoute]:
        return [
            ListedRoute(route["path"], tuple(route["methods"] or ())) for route in self.get_routes()
        ]
