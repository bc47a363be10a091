"""Bytes from responses, by RFC 9112. Pure: the date is passed in, the bytes are returned.

Framing is decided here and nowhere else: a known length, chunks, or the end of the
connection. What an application may not say is refused, so that it cannot split answers.
"""

import re

from wiverno.core.exceptions import WivernoError
from wiverno.core.wsgi_types import HeaderList


class ResponseError(WivernoError):
    """The application broke PEP 3333; the client gets a 500."""


REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}

# RFC 9110 section 10.2.3: what fills the queue is mostly a burst.
_RETRY = b"Retry-After: 1\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# Three digits, a space, a reason (PEP 3333). 1xx is no final answer.
_STATUS = re.compile(r"[2-9][0-9]{2} [^\x00-\x1f\x7f]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# PEP 3333, "Other HTTP Features": these belong to the server.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)
# Names that decide about framing, or of which the server adds one that is missing.
_HEEDED = frozenset({"content-length", "date", "server"})
_ENOUGH = 1000
# What was checked: names with "" or, of `_HEEDED`, themselves in lower case; statuses with their
# code. Bounded, since an application may invent them.
_known_names: dict[str, str] = {}
_known_statuses: dict[str, int] = {}


class ResponseWriter:
    """One response: `start`, then `open`, then any number of `data`, then `finish`."""

    # In the class, not in __init__: one is made for each request, and few of these change.
    has_body = True
    is_open = False
    is_finished = False
    status = 0
    """0: not known yet."""
    body_bytes = 0
    missing_bytes = 0
    """At the end: what the body lacks of its Content-Length."""
    excess_bytes = 0
    _head = b""
    _length: int | None = None
    _has_date = False
    _has_server = False
    _is_chunked = False

    def __init__(self, *, is_http_1_1: bool, is_head_request: bool, keep_alive: bool) -> None:
        self._is_http_1_1 = is_http_1_1
        self._is_head_request = is_head_request
        self.keep_alive = keep_alive

    def start(self, status: str, headers: HeaderList) -> None:
        """Check and keep status and headers; a second call replaces them."""
        code = (_known_statuses.get(status) if type(status) is str else None) or _check_status(
            status
        )
        if not isinstance(headers, list):
            raise ResponseError(f"Headers are a list of pairs, not {type(headers).__name__}.")
        self._length = None
        self._has_date = self._has_server = False
        head = f"HTTP/1.1 {status}"
        lines = 0
        for name, value in headers:
            heeded = _known_names.get(name) if type(name) is str else None
            if heeded is None:
                heeded = _check_name(name)
            if type(value) is not str:
                raise ResponseError(f"Header {name!r}: {value!r} is not a pair of str.")
            if heeded and not self._heed(heeded, value, code):
                continue
            head += f"\r\n{name}: {value}"
            lines += 1
        # One check for all of them: a line end or NUL inside a value would split the answer.
        if head.count("\r") != lines or head.count("\n") != lines or "\0" in head:
            raise ResponseError(f"A header holds a line end or NUL: {headers!r}")
        try:
            self._head = head.encode("latin-1")
        except UnicodeEncodeError:
            raise ResponseError(f"A header is not latin-1: {headers!r}") from None
        self.status = code
        self.has_body = not (self._is_head_request or code in (204, 304))

    def open(self, data: bytes, date: bytes, body_length: int | None) -> bytes:
        """Head and first data as one piece. `body_length` is the whole body's, if known."""
        framing = b"" if self._length is not None else self._choose_framing(body_length)
        self.is_open = True
        return b"".join(
            (
                self._head,
                b"" if self._has_date else b"\r\nDate: " + date,
                b"" if self._has_server else b"\r\nServer: wiverno",
                framing,
                b"" if self.keep_alive and self._is_http_1_1 else self._connection_field(),
                b"\r\n\r\n",
                self.data(data),
            )
        )

    def data(self, data: bytes) -> bytes:
        """The bytes that carry `data`; what exceeds Content-Length is cut and counted."""
        if not self.has_body or not data:
            return b""
        if self._length is not None:
            room = self._length - self.body_bytes
            if len(data) > room:
                self.excess_bytes += len(data) - room
                data = data[:room]
        self.body_bytes += len(data)
        if self._is_chunked:
            return b"%x\r\n%b\r\n" % (len(data), data)
        return data

    def finish(self) -> bytes:
        """What ends the body. A short body costs the connection: its framing is broken."""
        self.is_finished = True
        if self._length is not None and self.has_body and self._length != self.body_bytes:
            self.missing_bytes = self._length - self.body_bytes
            self.keep_alive = False
        return b"0\r\n\r\n" if self._is_chunked else b""

    def _heed(self, name: str, value: str, code: int) -> bool:
        """Note a field of `_HEEDED`; False: it must not be sent."""
        if name == "date":
            self._has_date = True
        elif name == "server":
            self._has_server = True
        else:
            if self._length is not None or not (value.isascii() and value.isdigit()):
                raise ResponseError(f"Content-Length {value!r} is repeated or not a number.")
            self._length = int(value)
            # RFC 9110 section 8.6: no Content-Length with 204, and with 304 none but that of the
            # 200, for which Django says 0.
            return code not in (204, 304)
        return True

    def _choose_framing(self, body_length: int | None) -> bytes:
        """Of a length that the application has not told: RFC 9112 section 6.3."""
        if not self.has_body:
            # To HEAD the length of the body that GET would have brought may be told.
            if not body_length or self.status in (204, 304):
                return b""
            return b"\r\nContent-Length: %d" % body_length
        if body_length is not None:
            self._length = body_length
            return b"\r\nContent-Length: %d" % body_length
        if self._is_http_1_1:
            self._is_chunked = True
            return b"\r\nTransfer-Encoding: chunked"
        # HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
        self.keep_alive = False
        return b""

    def _connection_field(self) -> bytes:
        if not self.keep_alive:
            return b"\r\nConnection: close"
        return b"" if self._is_http_1_1 else b"\r\nConnection: keep-alive"


def plain_answer(status: int, detail: str, date: bytes, *, is_head_request: bool = False) -> bytes:
    """A whole answer of the server's own, after which it closes the connection."""
    reason = REASONS.get(status, "Error")
    body = f"{status} {reason}\n{detail}\n".encode()
    head = (
        b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: %d\r\nDate: %b\r\nServer: wiverno\r\n%bConnection: close\r\n\r\n"
    ) % (status, reason.encode(), len(body), date, _RETRY if status == 503 else b"")
    return head if is_head_request else head + body


def _check_status(status: str) -> int:
    if type(status) is not str or _STATUS.fullmatch(status) is None:
        raise ResponseError(f"{status!r} is no status. Use text like '200 OK'.")
    code = int(status[:3])
    if len(_known_statuses) < _ENOUGH:
        _known_statuses[status] = code
    return code


def _check_name(name: str) -> str:
    if type(name) is not str or _TOKEN.fullmatch(name) is None:
        raise ResponseError(f"{name!r} is no header name.")
    lower = name.lower()
    if lower in _HOP_BY_HOP:
        raise ResponseError(f"The header {name!r} belongs to the server (PEP 3333).")
    heeded = lower if lower in _HEEDED else ""
    if len(_known_names) < _ENOUGH:
        _known_names[name] = heeded
    return heeded
