"""ErrorPages: what answers an error that nobody else wants to answer."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from wiverno.core.exceptions import HTTPError, MethodNotAllowedError
from wiverno.core.failures import describe_failure
from wiverno.core.http.pages import DebugDetails, ListedRoute, error_page, preferred_type
from wiverno.core.http.statuses import status_line
from wiverno.core.requests import Request
from wiverno.core.responses import Response
from wiverno.core.routing.routes import Route
from wiverno.templating.error_templates import ErrorTemplates


class ErrorPages:
    """The templates `404.html`, `500.html`, ... of a folder, and the built-in pages behind them.

    `routes` are listed by the built-in 404 page, in debug mode; `url_for` is for the templates.
    """

    def __init__(
        self,
        folder: str | Path | None,
        routes: Callable[[], Iterable[Route]],
        url_for: Callable[..., str],
    ) -> None:
        self._templates = None if folder is None else ErrorTemplates(folder, url_for)
        self._routes = routes

    def page(self, request: Request, error: Exception, *, debug: bool) -> Response:
        """The response for `error`. Raises what a template of the application raises."""
        # A program that asked for JSON has no use for a template, which is HTML.
        if self._templates is not None and _wants_html(request):
            status, message = _status_and_message(error)
            content: dict[str, Any] = {
                "status_code": status,
                "title": status_line(status)[4:],
                "message": message,
                "request": request,
                "traceback": describe_failure(error).traceback if _shows(error, debug) else None,
            }
            text = self._templates.page(status, content)
            if text is not None:
                return Response(text, status, {"Vary": "Accept", **_headers(debug)})
        return self.built_in(request, error, debug=debug)

    def built_in(self, request: Request, error: Exception, *, debug: bool) -> Response:
        """The page that needs nothing of the application, and does not fail."""
        status, message = _status_and_message(error)
        content_type, content = error_page(
            status,
            message,
            accept=_accept(request),
            allowed=error.allowed if isinstance(error, MethodNotAllowedError) else (),
            debug=self._details(request, error, status) if debug else None,
        )
        headers = {"Vary": "Accept", **_headers(debug)}
        return Response(content, status, headers, content_type=content_type)

    def _details(self, request: Request, error: Exception, status: int) -> DebugDetails:
        return DebugDetails(
            request.method,
            request.path,
            [_listed(route) for route in self._routes()] if status == 404 else (),
            describe_failure(error) if _shows(error, debug=True) else None,
        )


def _status_and_message(error: Exception) -> tuple[int, str]:
    # The text of any other error is for the log: it may hold what no stranger should see.
    return (error.status_code, error.message) if isinstance(error, HTTPError) else (500, "")


def _accept(request: Request) -> str:
    return str(request.environ.get("HTTP_ACCEPT", ""))


def _wants_html(request: Request) -> bool:
    return preferred_type(_accept(request)) == "text/html"


def _shows(error: Exception, debug: bool) -> bool:
    """A view that raises an HTTPError has not failed, it has answered."""
    return debug and not isinstance(error, HTTPError)


def _headers(debug: bool) -> dict[str, str]:
    return {"Cache-Control": "no-store"} if debug else {}


def _listed(route: Route) -> ListedRoute:
    handler = route.handler
    view = getattr(handler, "__qualname__", type(handler).__qualname__)
    return ListedRoute(route.path, route.methods or (), view)
