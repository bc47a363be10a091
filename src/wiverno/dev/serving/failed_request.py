"""The page for an exception that a WSGI application lets through, as Flask's do in debug mode.

What renders it is imported with the first such exception.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace

from wiverno.core.server.connection import ClientGoneError
from wiverno.core.wsgi_types import Environ, StartResponse

_logger = logging.getLogger("wiverno.core.server")


def answer_failure(
    error: Exception,
    generation: int,
    request: tuple[str, str],
    environ: Environ,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Start the answer and return its body; the traceback goes to the log.

    `request` is method and target as they came: `environ` belongs to the application.

    Raises `error` where no page can be had: a part of another answer is out, or its client is.
    """
    if isinstance(error, ClientGoneError):
        raise error
    method, target = request
    content_type, body = _render(error, generation, f"{method} {_in_ascii(target)}", environ)
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Vary", "Accept"),
    ]
    assert error.__traceback__ is not None  # it was raised
    exc_info = (type(error), error, error.__traceback__)
    start_response("500 Internal Server Error", headers, exc_info)
    # Behind it: what cannot be answered is logged by the server.
    _logger.error("The application failed at %s %r", method, target, exc_info=error)
    return [] if method == "HEAD" else [body]


def _render(error: Exception, generation: int, request: str, environ: Environ) -> tuple[str, bytes]:
    from wiverno.dev.failure.page import content_type, negotiate, render
    from wiverno.dev.failure.report import report_exception

    kind = negotiate(environ.get("HTTP_ACCEPT", ""))
    report = replace(report_exception(error, ""), request=request)
    return content_type(kind), render(report, generation, kind)


def _in_ascii(target: str) -> str:
    return target.encode("unicode_escape").decode("ascii")
