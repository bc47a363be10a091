"""What a view reads: the request, parsed from the WSGI environ when it is asked for."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from wiverno.core.exceptions import RequestBodyError
from wiverno.core.http.headers import Headers, parse_cookies
from wiverno.core.http.paths import normalize_path
from wiverno.core.wsgi_types import Environ


class QueryDict(dict[str, str]):
    """Names and first values of a query string or form; `getlist` has the others."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        self._lists: dict[str, list[str]] = {}
        for name, value in pairs:
            self.setdefault(name, value)
            self._lists.setdefault(name, []).append(value)

    def getlist(self, name: str) -> list[str]:
        """All values of `name` in the order they were sent, `[]` if there is none."""
        return list(self._lists.get(name, []))


class Request:
    """One HTTP request, read-only.

    `environ` is the WSGI dictionary of PEP 3333 that everything else is read from.
    """

    __slots__ = ("_cookies", "_data", "_environ", "_headers", "_path_params", "_query_params")

    def __init__(self, environ: Environ, path_params: Mapping[str, Any] | None = None) -> None:
        self._environ = environ
        self._path_params = MappingProxyType(dict(path_params or {}))
        self._headers: Headers | None = None
        self._cookies: dict[str, str] | None = None
        self._query_params: QueryDict | None = None
        self._data: Any = None

    @property
    def environ(self) -> Environ:
        """The WSGI environ."""
        return self._environ

    @property
    def method(self) -> str:
        """The HTTP method in capitals, as in `GET`."""
        return str(self._environ["REQUEST_METHOD"]).upper()

    @property
    def path(self) -> str:
        """The decoded path without a slash at its end: `/users`, `/`."""
        return normalize_path(_text(self._environ.get("PATH_INFO", "")))

    @property
    def path_params(self) -> Mapping[str, Any]:
        """The values of the `{name}` parts of the route, converted to their types."""
        return self._path_params

    @property
    def query_params(self) -> QueryDict:
        """The query string: first values, and all of them with `getlist(name)`."""
        if self._query_params is None:
            self._query_params = _parse_pairs(_text(self._environ.get("QUERY_STRING", "")))
        return self._query_params

    @property
    def headers(self) -> Headers:
        """The request headers; names ignore case."""
        if self._headers is None:
            self._headers = Headers(dict(_header_items(self._environ)))
        return self._headers

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        if self._cookies is None:
            self._cookies = parse_cookies(self._environ.get("HTTP_COOKIE", ""))
        return self._cookies

    @property
    def content_type(self) -> str:
        """The Content-Type header with its parameters, empty if there is none."""
        return str(self._environ.get("CONTENT_TYPE", ""))

    @property
    def content_length(self) -> int:
        """Bytes in the body as the client declared them, 0 if it did not."""
        text = str(self._environ.get("CONTENT_LENGTH", ""))
        return int(text) if text.isascii() and text.isdigit() else 0

    @property
    def client_ip(self) -> str:
        """The address at the other end of the connection. Proxy headers are not believed."""
        return str(self._environ.get("REMOTE_ADDR", ""))

    @property
    def server(self) -> str:
        """The server's name or address, without the port."""
        return str(self._environ.get("SERVER_NAME", ""))

    @property
    def user_agent(self) -> str:
        """The User-Agent header, empty if there is none."""
        return str(self._environ.get("HTTP_USER_AGENT", ""))

    @property
    def protocol(self) -> str:
        """The protocol of the request line, as in `HTTP/1.1`."""
        return str(self._environ.get("SERVER_PROTOCOL", ""))

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return str(self._environ.get("wsgi.url_scheme", "http"))

    @property
    def is_secure(self) -> bool:
        """Whether the scheme is `https`."""
        return self.scheme == "https"

    @property
    def data(self) -> Any:
        """The body, parsed by its Content-Type: JSON to its value, a form to a `QueryDict`.

        Any other type, `multipart/form-data` included, gives `{}` and leaves
        `environ["wsgi.input"]` unread. Raises `RequestBodyError` for a body that is not
        what its type says; left alone, that becomes a 400 response.
        """
        if self._data is None:
            self._data = self._parse_body()
        return self._data

    def _parse_body(self) -> Any:
        media_type = self.content_type.partition(";")[0].strip().lower()
        if media_type == "application/json" or media_type.endswith("+json"):
            return _parse_json(self._read_body())
        if media_type == "application/x-www-form-urlencoded":
            return _parse_pairs(self._read_body().decode("utf-8", "replace"))
        return {}

    def _read_body(self) -> bytes:
        source = self._environ["wsgi.input"]
        if self._environ.get("wsgi.input_terminated") and not self._environ.get("CONTENT_LENGTH"):
            return bytes(source.read(-1))  # A chunked body: its end is known, its length is not.
        return bytes(source.read(self.content_length))


def _text(wsgi_text: str) -> str:
    """Undo the latin-1 tunnel of PEP 3333, in which bytes travel as text."""
    return wsgi_text.encode("latin-1").decode("utf-8", "replace")


def _parse_pairs(text: str) -> QueryDict:
    return QueryDict(parse_qsl(text, keep_blank_values=True))


def _parse_json(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestBodyError(f"The request body is not valid JSON: {error}") from error


def _header_items(environ: Environ) -> Iterable[tuple[str, str]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            yield key[5:].replace("_", "-"), value
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield key.replace("_", "-"), value
