"""Calls a WSGI application in this process, under wsgiref's validator."""

import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from wiverno.core.wsgi_types import Environ, ExcInfo, HeaderList, StartResponse, WSGIApplication


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: str
    headers: dict[str, str]
    body: bytes
    header_list: HeaderList
    """With those that come several times."""

    @property
    def code(self) -> int:
        return int(self.status[:3])

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return json.loads(self.body)


def environ_for(method: str = "GET", target: str = "/", body: bytes = b"", **extra: Any) -> Environ:
    """A complete WSGI environ; `target` is the path with its query, as a server decodes it."""
    path, _, query = target.partition("?")
    environ: Environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode("utf-8").decode("latin-1"),
        "QUERY_STRING": query,
        "wsgi.input": BytesIO(body),
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    environ.update(extra)
    setup_testing_defaults(environ)
    return environ


def seeing(application: WSGIApplication, **odd: Any) -> WSGIApplication:
    """The application behind a server that lets through what wsgiref's validator would not."""

    def served(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ.update(odd)
        return application(environ, start_response)

    return served


def call(
    application: WSGIApplication, method: str = "GET", target: str = "/", **extra: Any
) -> Reply:
    """Send one request; a breach of PEP 3333 on the way is an AssertionError."""
    answers: list[tuple[str, HeaderList]] = []

    def start_response(status: str, headers: HeaderList, exc_info: ExcInfo | None = None, /) -> Any:
        answers.append((status, headers))
        return lambda data: None

    with warnings.catch_warnings():
        # RFC 9110 16.1 lets methods be added; the validator knows those of 2010.
        warnings.filterwarnings("ignore", "Unknown REQUEST_METHOD")
        chunks: Any = validator(cast(Any, application))(
            environ_for(method, target, **extra), start_response
        )
    try:
        body = b"".join(chunks)
    finally:
        chunks.close()
    [(status, headers)] = answers
    return Reply(status, dict(headers), body, headers)
