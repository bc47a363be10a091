"""What a view reads: the request, parsed from the WSGI environ when it is asked for."""

from collections.abc import Callable, Mapping
from io import BufferedReader, BytesIO
from types import MappingProxyType
from typing import Any, BinaryIO, Final, cast

from wiverno.core.bodies import (
    BodyStream,
    body_length,
    check_length,
    declared_length,
    read_body,
)
from wiverno.core.environ_text import decoded, headers_of, host_of, prefix_of, url_of
from wiverno.core.exceptions import RequestBodyError
from wiverno.core.http.accept import best_match
from wiverno.core.http.body_limits import DEFAULT_BODY_LIMITS, BodyLimits
from wiverno.core.http.cookies import parse_cookies
from wiverno.core.http.headers import Headers
from wiverno.core.http.json_text import parse_json
from wiverno.core.http.media_types import is_json, parse_media_type
from wiverno.core.http.paths import normalize_path
from wiverno.core.http.query import QueryDict, parse_query, parse_urlencoded
from wiverno.core.multipart_forms import FormData, parse_multipart
from wiverno.core.session import Session
from wiverno.core.uploads import UploadedFile
from wiverno.core.wsgi_types import Environ

__all__ = [
    "FormData",
    "HeaderParser",
    "Headers",
    "ParseBody",
    "ParseQuery",
    "QueryDict",
    "Request",
    "UploadedFile",
]

_STREAM_BUFFER_BYTES = 64 * 1024
_MISSING: Final = object()
_FORM_KEY = "wiverno.form"


class Request:
    """One HTTP request, read-only.

    `environ` is the WSGI dictionary of PEP 3333 that everything else is read from, the first
    time that it is asked for. `app` is the application that answers; its `body_limits` hold.
    """

    # One is made for every request: the slots after the third stay empty until they are needed.
    __slots__ = (
        "_app",
        "_body",
        "_cookies",
        "_data",
        "_environ",
        "_headers",
        "_obstacle",
        "_path_params",
        "_query_params",
        "_session",
        "_stream",
    )

    def __init__(
        self,
        environ: Environ,
        path_params: Mapping[str, Any] | None = None,
        app: Any = None,
    ) -> None:
        self._environ = environ
        self._path_params = path_params
        self._app = app

    @property
    def environ(self) -> Environ:
        """The WSGI environ."""
        return self._environ

    @property
    def app(self) -> Any:
        """The application that answers, None outside of one."""
        return self._app

    @property
    def method(self) -> str:
        """The HTTP method in capitals, as in `GET`."""
        return str(self._environ["REQUEST_METHOD"]).upper()

    @property
    def path(self) -> str:
        """The decoded path without a slash at its end: `/users`, `/`."""
        return normalize_path(decoded(self._environ.get("PATH_INFO", "")))

    @property
    def path_params(self) -> Mapping[str, Any]:
        """The values of the `{name}` parts of the route, converted to their types."""
        return MappingProxyType(self._path_params or {})

    @property
    def query_params(self) -> QueryDict:
        """The query string: first values, and all of them with `getlist(name)`.

        Raises `HTTPError` (400) if it has more fields than `BodyLimits.max_fields`.
        """
        found: QueryDict | None = getattr(self, "_query_params", None)
        if found is None:
            text = decoded(self._environ.get("QUERY_STRING", ""))
            found = self._query_params = parse_query(text, self._limits.max_fields)
        return found

    @property
    def headers(self) -> Headers:
        """The request headers; names ignore case."""
        found: Headers | None = getattr(self, "_headers", None)
        if found is None:
            found = self._headers = headers_of(self._environ)
        return found

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        found: dict[str, str] | None = getattr(self, "_cookies", None)
        if found is None:
            found = self._cookies = parse_cookies(self._environ.get("HTTP_COOKIE", ""))
        return found

    @property
    def content_type(self) -> str:
        """The Content-Type header with its parameters, empty if there is none."""
        return str(self._environ.get("CONTENT_TYPE", ""))

    @property
    def content_length(self) -> int:
        """Bytes in the body as the client declared them, 0 if it did not."""
        return declared_length(self._environ) or 0

    @property
    def client_ip(self) -> str:
        """The address at the other end of the connection. Proxy headers are not believed."""
        return str(self._environ.get("REMOTE_ADDR", ""))

    @property
    def server(self) -> str:
        """The server's name or address, without the port."""
        return str(self._environ.get("SERVER_NAME", ""))

    @property
    def host(self) -> str:
        """Host and port that the client asked for; the server's own if it sent no proper ones."""
        return host_of(self._environ)

    @property
    def url(self) -> str:
        """The whole URL, percent-encoded, as in `http://localhost:8000/caf%C3%A9?a=1`."""
        return url_of(self._environ)

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
        """The body, parsed by its Content-Type.

        JSON is its value, `{}` for an empty body; an urlencoded form a `QueryDict`; a
        multipart form a `FormData`, whose files are `UploadedFile`. Any other type gives `{}`
        and leaves the body unread.

        Raises `RequestBodyError` for a body that is not what its type says, and
        `ContentTooLargeError` for one that is larger than the application's `BodyLimits`;
        left alone, they become responses with the status 400 and 413.
        """
        found = getattr(self, "_data", _MISSING)
        if found is _MISSING:
            found = self._data = self._parse_body()
        return found

    @property
    def body(self) -> bytes:
        """The body as it was sent, at most `BodyLimits.max_memory_bytes` of it.

        Raises what `data` raises for a body that is cut short or too large, and
        `RuntimeError` if `stream` or a multipart form has been read instead.
        """
        found: bytes | None = getattr(self, "_body", None)
        if found is None:
            found = self._body = self._attempt(self._read_body)
        return found

    @property
    def stream(self) -> BinaryIO:
        """The body as a file, for what is too large for `body`. It has no limit.

        It ends where the body ends, and raises `RequestBodyError` there if the client has
        sent less than it declared. Once taken it is the only way to the body; `RuntimeError`
        if a multipart form has been read instead.
        """
        found: BinaryIO | None = getattr(self, "_stream", None)
        if found is None:
            found = self._stream = self._attempt(self._open)
        return found

    def accepts(self, *media_types: str) -> str | None:
        """Which of these types the client likes best by its Accept header, None for none.

        Without such a header it is the first one (RFC 9110 12.5.1).

        >>> request.accepts("text/html", "application/json")  # doctest: +SKIP
        'application/json'
        """
        return best_match(str(self._environ.get("HTTP_ACCEPT", "")), media_types)

    def url_for(self, name: str, /, **params: Any) -> str:
        """The path of the route with that name, as `app.url_for` builds it.

        It begins with the prefix under which the application is mounted, if it is.
        """
        if self._app is None:
            raise RuntimeError("This request belongs to no application. Use `app.url_for`.")
        return prefix_of(self._environ) + str(self._app.url_for(name, **params))

    @property
    def session(self) -> Session:
        """What is kept of the visitor from one request to the next.

        Raises `RuntimeError` if the application does not use sessions.
        """
        found = self.opened_session
        if found is None:
            sessions = getattr(self._app, "sessions", None)
            if sessions is None:
                raise RuntimeError(
                    "This application keeps no sessions. Call app.use_sessions(secret_key) first."
                )
            found = self._session = cast(Session, sessions.open(self))
        return found

    @property
    def opened_session(self) -> Session | None:
        """The session if a view or hook has asked for it, else None."""
        found: Session | None = getattr(self, "_session", None)
        return found

    @property
    def may_hold_files(self) -> bool:
        """Whether its body is a form with files, which have to be closed if it is read."""
        return self.content_type[:10].lower() == "multipart/"

    def close(self) -> None:
        """Give back the files of its form. The application does it when the response is sent."""
        # Asked for after every request: an empty slot would cost several times as much.
        form = self._environ.get(_FORM_KEY)
        if form is not None:
            form.close()

    @property
    def _limits(self) -> BodyLimits:
        limits: BodyLimits = getattr(self._app, "body_limits", DEFAULT_BODY_LIMITS)
        return limits

    def _parse_body(self) -> Any:
        media_type, parameters = parse_media_type(self.content_type)
        if is_json(media_type):
            return parse_json(self.body)
        if media_type == "application/x-www-form-urlencoded":
            charset = parameters.get("charset", "utf-8")
            return parse_urlencoded(self.body, charset, self._limits.max_fields)
        if media_type == "multipart/form-data":
            return self._attempt(lambda: self._read_form(parameters))
        return {}

    def _read_form(self, parameters: dict[str, str]) -> FormData:
        limits = self._limits
        check_length(body_length(self._environ) or 0, limits.max_form_bytes, "max_form_bytes")
        form = parse_multipart(self._open(), parameters, limits)
        self._environ[_FORM_KEY] = form
        return form

    def _read_body(self) -> bytes:
        return read_body(self._environ, self._limits.max_memory_bytes)

    def _open(self) -> BinaryIO:
        if hasattr(self, "_body"):
            return BytesIO(self._body)
        self._obstacle: tuple[type[Exception], str] = (
            RuntimeError,
            "The body has been read in another way. Choose one: `request.data`, "
            "`request.body` or `request.stream`.",
        )
        return cast(BinaryIO, BufferedReader(BodyStream(self._environ), _STREAM_BUFFER_BYTES))

    def _attempt(self, read: Callable[[], Any]) -> Any:
        # What is left of a body that has been read in part would look like a shorter one.
        obstacle: tuple[type[Exception], str] | None = getattr(self, "_obstacle", None)
        if obstacle is not None:
            kind, message = obstacle
            raise kind(message)
        try:
            return read()
        except RequestBodyError as error:
            # Not the error itself: its traceback leads to the view, which has the request. In
            # such a circle the view's files would stay open until the garbage collector comes.
            self._obstacle = (type(error), error.message)
            raise


class ParseQuery:
    """Parses query strings, for code that has no `Request`."""

    @staticmethod
    def parse_input_data(text: str) -> QueryDict:
        """Names and values of `a=1&b=2`; `HTTPError` (400) for more than 1,000 of them."""
        return parse_query(text, DEFAULT_BODY_LIMITS.max_fields)

    @staticmethod
    def get_request_params(environ: Environ) -> QueryDict:
        """Those in the query string of a request."""
        return ParseQuery.parse_input_data(decoded(environ.get("QUERY_STRING", "")))


class ParseBody:
    """Parses bodies that have been read already, for code that has no `Request`."""

    @staticmethod
    def get_request_params(environ: Environ, raw_data: bytes) -> Any:
        """What `Request.data` makes of `raw_data`, by the Content-Type in `environ`.

        `{}` also for a body that is not what its type says, and for one that is too large.
        """
        of_data = {"CONTENT_LENGTH": str(len(raw_data)), "wsgi.input": BytesIO(raw_data)}
        try:
            return Request({**environ, **of_data}, app=_InMemory).data
        except RequestBodyError:
            return {}


class HeaderParser:
    """Parses headers, for code that has no `Request`."""

    @staticmethod
    def get_headers(environ: Environ) -> Headers:
        """The request headers; names ignore case."""
        return headers_of(environ)


class _InMemory:
    """An application whose files stay in memory, where no `close` waits for them."""

    body_limits = BodyLimits(memory_file_bytes=DEFAULT_BODY_LIMITS.max_form_bytes)
