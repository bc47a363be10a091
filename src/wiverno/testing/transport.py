"""From an httpx request to a WSGI application in this process, and back (PEP 3333).

Beside `httpx.WSGITransport`: that one hands over paths as text, where PEP 3333 has bytes in
latin-1, keeps one of several request headers with a name, and takes ASCII headers only.
"""

import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx

from wiverno.core.wsgi_types import Environ, ExcInfo, HeaderList, WSGIApplication

_DEFAULT_PORTS = {"http": 80, "https": 443}
CLIENT_ADDRESS = "127.0.0.1"


class Transport(httpx.BaseTransport):
    """Calls `app`. With `raise_app_exceptions`, an exception that it reports is raised.

    It does so by `exc_info` (PEP 3333), or in the list `wiverno.failures` of the environ.
    """

    def __init__(self, app: WSGIApplication, *, raise_app_exceptions: bool) -> None:
        self._app = app
        self._raise_app_exceptions = raise_app_exceptions

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        answer = _Answer()
        environ = environ_of(request)
        environ["wiverno.failures"] = answer.failures
        result = self._app(environ, answer.start_response)
        body = _Body(result, answer.written)
        try:
            # An application may call `start_response` as late as for its first bytes.
            body.fetch_first()
            if self._raise_app_exceptions:
                answer.raise_first()
            return answer.response(body)
        except BaseException:
            body.close()
            raise


def environ_of(request: httpx.Request) -> Environ:
    """The environ that a server would make of the request."""
    url = request.url
    path, _, query = url.raw_path.partition(b"?")
    content = request.read()
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": url.host,
        "SERVER_PORT": str(url.port or _DEFAULT_PORTS[url.scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": CLIENT_ADDRESS,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": BytesIO(content),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.raw:
        _add_header(environ, name.decode("latin-1"), value.decode("latin-1"))
    if content:
        # The body is whole by now, also where httpx would have sent it in chunks.
        environ["CONTENT_LENGTH"] = str(len(content))
    return environ


def _add_header(environ: Environ, name: str, value: str) -> None:
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    # RFC 9110 5.3: several of a name are one list. RFC 9113 8.2.3: but for cookies.
    separator = "; " if key == "HTTP_COOKIE" else ", "
    environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value


class _Answer:
    """What the application said by `start_response`."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: HeaderList = []
        self.failures: list[BaseException] = []
        self.written: list[bytes] = []

    def start_response(
        self, status: str, headers: HeaderList, exc_info: ExcInfo | None = None, /
    ) -> Any:
        if self.status and exc_info is None:
            raise RuntimeError("start_response was called twice without exc_info (PEP 3333).")
        self.status, self.headers = status, headers
        if exc_info and exc_info[1]:
            self.failures.append(exc_info[1])
        return self.written.append

    def raise_first(self) -> None:
        if self.failures:
            raise self.failures[0]

    def response(self, body: "_Body") -> httpx.Response:
        if not self.status:
            raise RuntimeError(
                "The application returned without calling start_response (PEP 3333)."
            )
        return httpx.Response(
            int(self.status.split(" ")[0]),
            headers=[
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers
            ],
            stream=body,
            extensions={"reason_phrase": self.status[4:].encode("latin-1")},
        )


class _Body(httpx.SyncByteStream):
    """What the application returned, one chunk at a time, closed when it has been read."""

    def __init__(self, result: Iterable[bytes], written: list[bytes]) -> None:
        self._result = result
        self._chunks = iter(result)
        self._fetched = written

    def fetch_first(self) -> None:
        for chunk in self._chunks:
            self._fetched.append(chunk)
            if chunk:
                break

    def __iter__(self) -> Iterator[bytes]:
        yield from self._fetched
        yield from self._chunks

    def close(self) -> None:
        if hasattr(self._result, "close"):
            self._result.close()
