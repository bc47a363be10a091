"""Requests as bytes, and responses read from bytes so strictly that nothing goes unseen.

`http.client` and its like repair, join and forget; here every byte of a response is either
in the parsed value or an error.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

Fields = tuple[tuple[str, str], ...]

HOST = "wire.test"
_STATUS_LINE = re.compile(r"(HTTP/1\.[01]) ([1-5][0-9]{2} .*)")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([^\x00-\x08\x0a-\x1f\x7f]*)")
# These tell which server it was, when, and how it uses the connection; nothing of the
# answer. waitress says Via where the application says Server.
OF_THE_SERVER = frozenset(
    {
        *("server", "via", "date"),
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a table. Without chunks a chunked upload is one of nothing."""

    target: str
    method: str = "GET"
    fields: Fields = ()
    body: bytes = b""
    chunks: tuple[bytes, ...] = ()
    is_chunked: bool = False
    version: str = "HTTP/1.1"
    keep_alive: bool = False

    def __str__(self) -> str:
        details = [f"{name}={value}" for name, value in self.fields]
        chunked = ["chunked"] * bool(self.chunks or self.is_chunked)
        return " ".join([self.method, self.target, *details, *chunked])[:120]

    def encode(self) -> bytes:
        """The request as it goes over the wire; it says itself whether to close."""
        fields = list(self.fields)
        if "host" not in {name.lower() for name, _ in fields}:
            fields.insert(0, ("Host", HOST))
        if not self.keep_alive:
            fields.append(("Connection", "close"))
        body = self.body
        if self.chunks or self.is_chunked:
            fields.append(("Transfer-Encoding", "chunked"))
            body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (*self.chunks, b""))
        elif body or self.method in ("POST", "PUT", "PATCH"):
            fields.append(("Content-Length", str(len(body))))
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in fields]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass(frozen=True, slots=True)
class Response:
    """One response with everything that was sent. `pieces` are the chunks, or the one body."""

    version: str
    status: str
    fields: Fields
    framing: str
    pieces: tuple[bytes, ...]
    # What came after the end of the response, which no response may have.
    surplus: bytes = b""
    interim: tuple[str, ...] = field(default=())

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def values(self, name: str) -> list[str]:
        """All values of one field, in order."""
        return [value for each, value in self.fields if each.lower() == name]


def parse_response(received: bytes, method: str) -> Response:
    """The response in `received`; ValueError where it is not exactly one by RFC 9112."""
    head, ending, rest = received.partition(b"\r\n\r\n")
    if not ending:
        raise ValueError(f"no whole head: {received[:200]!r}")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    found = _STATUS_LINE.fullmatch(status_line)
    if found is None:
        raise ValueError(f"no status line: {status_line!r}")
    if found[2][0] == "1":
        final = parse_response(rest, method)
        return replace(final, interim=(found[2], *final.interim))
    response = Response(found[1], found[2], tuple(map(_field, lines)), "none", ())
    return _with_body(response, rest, method)


def _field(line: str) -> tuple[str, str]:
    found = _FIELD.fullmatch(line)
    if found is None:
        raise ValueError(f"no field: {line!r}")
    return found[1], found[2]


def _with_body(response: Response, rest: bytes, method: str) -> Response:
    """RFC 9112 section 6.3, in its order."""
    lengths, codings = response.values("content-length"), response.values("transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise ValueError(f"framed more than once: {response.fields}")
    if method == "HEAD" or response.status[:3] in ("204", "304"):
        return replace(response, surplus=rest)
    if codings:
        if codings != ["chunked"] or response.version != "HTTP/1.1":
            raise ValueError(f"{response.version} with transfer coding {codings}")
        pieces, surplus = _split_chunks(rest)
        return replace(response, framing="chunked", pieces=pieces, surplus=surplus)
    if lengths:
        length = int(lengths[0])
        if len(rest) < length:
            raise ValueError(f"{len(rest)} of {length} bytes of the body")
        return replace(response, framing="length", pieces=(rest[:length],), surplus=rest[length:])
    return replace(response, framing="close", pieces=(rest,))


def _split_chunks(data: bytes) -> tuple[tuple[bytes, ...], bytes]:
    pieces: list[bytes] = []
    while True:
        size_text, ending, data = data.partition(b"\r\n")
        if not ending or re.fullmatch(b"[0-9a-fA-F]+", size_text) is None:
            raise ValueError(f"no chunk size: {size_text!r}")
        size = int(size_text, 16)
        piece, data = data[:size], data[size:]
        if len(piece) < size or data[:2] != b"\r\n":
            raise ValueError(f"a chunk of {size} bytes does not end with CRLF")
        data = data[2:]
        if not size:
            return tuple(pieces), data
        pieces.append(piece)


@dataclass(frozen=True, slots=True)
class Answer:
    """What two servers must have in common."""

    status: str
    fields: Fields
    body: bytes
    surplus: bytes
    interim: tuple[str, ...]


def answer_of(
    response: Response, without: Iterable[str] = (), order: Callable[[Fields], Fields] = tuple
) -> Answer:
    """The response without what belongs to the server, its fields brought to an order."""
    dropped = OF_THE_SERVER | set(without)
    fields = tuple(each for each in response.fields if each[0].lower() not in dropped)
    return Answer(response.status, order(fields), response.body, response.surplus, response.interim)


def as_waitress_writes(fields: Fields) -> Fields:
    """waitress writes names as `Www-Authenticate` and sorts by them, equal ones in their order."""
    written = [("-".join(part.capitalize() for part in n.split("-")), v) for n, v in fields]
    return tuple(sorted(written, key=lambda each: each[0]))
