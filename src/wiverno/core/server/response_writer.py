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
_ENOUGH_NAMES = 1000
# Names that were checked, in lower case. Bounded, since an application may invent names.
_known_names: dict[str, str] = {}


class ResponseWriter:
    """One response: `start`, then `open`, then any number of `data`, then `finish`."""

    __slots__ = (
        "_head",
        "_is_chunked",
        "_is_head_request",
        "_is_http_1_1",
        "_length",
        "_names",
        "body_bytes",
        "excess_bytes",
        "has_body",
        "is_finished",
        "is_open",
        "keep_alive",
        "status",
    )

    def __init__(self, *, is_http_1_1: bool, is_head_request: bool, keep_alive: bool) -> None:
        self._is_http_1_1 = is_http_1_1
        self._is_head_request = is_head_request
        self._head = b""
        self._names: set[str] = set()
        self._length: int | None = None
        self._is_chunked = False
        self.keep_alive = keep_alive
        self.has_body = True
        self.is_open = False
        self.is_finished = False
        self.status = 0
        self.body_bytes = 0
        self.excess_bytes = 0

    @property
    def is_started(self) -> bool:
        """Status and headers are known, though perhaps not sent."""
        return self.status != 0

    @property
    def missing_bytes(self) -> int:
        """What the announced Content-Length still lacks."""
        if self._length is None or not self.has_body:
            return 0
        return self._length - self.body_bytes

    def start(self, status: str, headers: HeaderList) -> None:
        """Check and keep status and headers; a second call replaces them."""
        if type(status) is not str or _STATUS.fullmatch(status) is None:
            raise ResponseError(f"{status!r} is no status. Use text like '200 OK'.")
        if not isinstance(headers, list):
            raise ResponseError(f"Headers are a list of pairs, not {type(headers).__name__}.")
        self._names = set()
        self._length = None
        # RFC 9110 section 8.6: no Content-Length with 204, and with 304 none but that of the
        # 200, for which Django says 0.
        has_length = status[:3] not in ("204", "304")
        lines = [f"HTTP/1.1 {status}"]
        for name, value in headers:
            self._note_header(name, value)
            if has_length or name.lower() != "content-length":
                lines.append(f"{name}: {value}")
        self._head = _encode(lines)
        self.status = int(status[:3])
        self.has_body = not (self._is_head_request or self.status in (204, 304))

    def open(self, data: bytes, date: bytes, body_length: int | None) -> bytes:
        """Head and first data as one piece. `body_length` is the whole body's, if known."""
        framing = self._choose_framing(body_length)
        self.is_open = True
        names = self._names
        return b"".join(
            (
                self._head,
                b"" if "date" in names else b"\r\nDate: " + date,
                b"" if "server" in names else b"\r\nServer: wiverno",
                framing,
                self._connection_field(),
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
        if self.missing_bytes:
            self.keep_alive = False
        return b"0\r\n\r\n" if self._is_chunked else b""

    def _note_header(self, name: str, value: str) -> None:
        if type(name) is not str or type(value) is not str:
            raise ResponseError(f"Header {name!r}: {value!r} is not a pair of str.")
        lower = _known_names.get(name) or _check_name(name)
        if lower == "content-length":
            if lower in self._names or not (value.isascii() and value.isdigit()):
                raise ResponseError(f"Content-Length {value!r} is repeated or not a number.")
            self._length = int(value)
        self._names.add(lower)

    def _choose_framing(self, body_length: int | None) -> bytes:
        """RFC 9112 section 6.3, seen from the sender."""
        if self._length is not None:
            return b""
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
        b"Content-Length: %d\r\nDate: %b\r\nServer: wiverno\r\nConnection: close\r\n\r\n"
    ) % (status, reason.encode(), len(body), date)
    return head if is_head_request else head + body


def _check_name(name: str) -> str:
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None:
        raise ResponseError(f"{name!r} is no header name.")
    if lower in _HOP_BY_HOP:
        raise ResponseError(f"The header {name!r} belongs to the server (PEP 3333).")
    if len(_known_names) < _ENOUGH_NAMES:
        _known_names[name] = lower
    return lower


def _encode(lines: list[str]) -> bytes:
    """One check for all of them: a line end or NUL inside a value would split the answer."""
    text = "\r\n".join(lines)
    ends = len(lines) - 1
    if text.count("\r") != ends or text.count("\n") != ends or "\0" in text:
        raise ResponseError(f"A header holds a line end or NUL: {lines[1:]!r}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise ResponseError(f"A header is not latin-1: {lines!r}") from None
