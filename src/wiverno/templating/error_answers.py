"""ErrorAnswers: which of handlers, own pages and built-in pages answers an error.

Whatever those of the application do wrong, there is an answer in the end.
"""

import logging
import traceback
from collections.abc import Callable
from typing import Any, Protocol

from wiverno.core.error_handlers import ErrorHandlers
from wiverno.core.exceptions import HTTPError
from wiverno.core.requests import Request
from wiverno.core.responses import FinishedResponse, Response, response_from
from wiverno.core.routing.router import Handler
from wiverno.templating.error_pages import ErrorPages

ErrorPage = Callable[[Request, str | None], Any]

# The application's: users know no other name.
_logger = logging.getLogger("wiverno.main")


class PageSettings(Protocol):
    """What an application says of its pages. Read at each error: it may change."""

    debug: bool
    page_404: Handler | None
    page_405: Handler | None
    page_500: ErrorPage | None


class ErrorAnswers:
    """Answers errors for one application."""

    def __init__(self, app: PageSettings, handlers: ErrorHandlers, pages: ErrorPages) -> None:
        self._app = app
        self._handlers = handlers
        self._pages = pages

    def result(self, request: Request, error: Exception) -> Any:
        """What a view would return. A handler or page that fails gives way to the built-in one."""
        if not self._handlers.expects(error):
            _report("%s failed", request, error)
        try:
            return self._handled(request, error)
        except Exception as failure:  # noqa: BLE001 - reported where it is answered
            return self._answer_to_failure(request, failure)

    def finished(self, request: Request, error: Exception) -> FinishedResponse:
        """The response to an error that came up after the view. Never raises."""
        try:
            return response_from(self.result(request, error)).finish(request.environ)
        except Exception as failure:  # noqa: BLE001 - as above, and reported
            # What a handler gave for an error cannot be sent either.
            _report("The answer to %s failed", request, failure)
            page = self._pages.built_in(request, failure, debug=self._app.debug)
            return page.finish(request.environ)

    def _answer_to_failure(self, request: Request, failure: Exception) -> Response:
        # Each error in a name of its own, which ends with its block: a frame that held the error
        # that has gone through it would be a circle, and the files of the view stay open.
        if not isinstance(failure, HTTPError):  # Which a handler may raise instead of a page.
            _report("The answer to %s failed", request, failure)
        try:
            return self._built_in(request, failure)
        except Exception as worse:  # noqa: BLE001 - as above, and reported
            _report("The answer to %s failed", request, worse)
            return self._built_in(request, worse)

    def _handled(self, request: Request, error: Exception) -> Any:
        status = error.status_code if isinstance(error, HTTPError) else 500
        handler = self._handlers.find(error)
        if handler is not None:
            result = handler(request, error)
        else:
            result = self._page(request, error, status)
        if not isinstance(result, tuple | Response):
            result = (status, result)
        if not isinstance(error, HTTPError) or not error.headers:
            return result
        return _with_headers_of(error, response_from(result))

    def _page(self, request: Request, error: Exception, status: int) -> Any:
        app = self._app
        if status == 404 and app.page_404 is not None:
            return app.page_404(request)
        if status == 405 and app.page_405 is not None:
            return app.page_405(request)
        if status == 500 and app.page_500 is not None:
            shows_it = app.debug and not isinstance(error, HTTPError)
            report = "".join(traceback.format_exception(error)) if shows_it else None
            return app.page_500(request, report)
        return self._pages.page(request, error, debug=app.debug)

    def _built_in(self, request: Request, error: Exception) -> Response:
        page = self._pages.built_in(request, error, debug=self._app.debug)
        return _with_headers_of(error, page) if isinstance(error, HTTPError) else page


def _with_headers_of(error: HTTPError, response: Response) -> Response:
    """With those that the response has not itself."""
    try:
        for name, value in error.headers.items():
            response.headers.setdefault(name, value)
    except BaseException:
        response.close()
        raise
    return response


def _report(what: str, request: Request, error: Exception) -> None:
    # On one line: a decoded path may hold line ends, to write lines of its own.
    line = f"{request.method} {request.path}".encode("unicode_escape").decode("ascii")
    _logger.error(what, line, exc_info=error)
    # A test client raises the first one.
    request.environ.get("wiverno.failures", []).append(error)
