"""One request head, from bytes to fields, by RFC 9112. Pure.

What is ambiguous is refused instead of repaired, because a repair that a proxy makes
differently is request smuggling.
"""

import re
from typing import NamedTuple

from wiverno.core.exceptions import WivernoError
from wiverno.core.server.limits import RequestLimits

# RFC 9110 section 5.6.2 (token), 9112 sections 3 and 3.2. A fragment is never sent, and a URL is
# ASCII: what is not has to be percent-encoded.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21\x22\x24-\x7e]+) (HTTP/[0-9]\.[0-9])"
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_VERSIONS = frozenset({"HTTP/1.1", "HTTP/1.0"})
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")
_ABSOLUTE_FORM = re.compile(r"(?i:https?)://([^/?@]+)(/[^?]*)?(?:\?(.*))?")
# All but controls; CR and LF are looked at separately.
_PERMITTED = bytes([9, *range(32, 127), *range(128, 256)])

# Fields that decide about framing, or that may stand only once. `connection` may be repeated.
_SINGULAR = frozenset(
    {"host", "content-length", "transfer-encoding", "content-type", "expect", "connection"}
)
# `X_Real_IP` and `X-Real-IP` are one key in a WSGI environ: the first would pass a proxy that
# only sets the second. `Proxy` would become HTTP_PROXY, which programs take for their own
# setting (CVE-2016-5385).
_DROPPED = frozenset({"proxy"})

_Pair = tuple[str, str]
# Line as received -> name and value (None: dropped), and whether the name is in `_SINGULAR`.
# Most lines of a client are those of its last request. Emptied when full, since clients
# choose what is in it.
_known_lines: dict[str, tuple[_Pair | None, bool]] = {}
_ENOUGH_LINES = 2000
_LONGEST_KNOWN_LINE = 256


class BadRequest(WivernoError):  # noqa: N818  The name that RFC 9110 gives the thing.
    """The bytes are no request that this server serves. `status` is what to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class RequestHead(NamedTuple):
    """Request line and fields. Names are in lower case, text is latin-1 as PEP 3333 has it.

    A tuple, since one is made for each request: a frozen dataclass takes three times as long.
    """

    method: str
    # As received; `path` and `query` are its parts, still percent-encoded.
    target: str
    path: str
    query: str
    version: str
    headers: tuple[_Pair, ...]
    keep_alive: bool
    expect_continue: bool
    # None: chunked, so the length is known at the end.
    body_length: int | None


def parse_head(head: bytes | bytearray, limits: RequestLimits) -> RequestHead:
    """The head without its final CRLF CRLF; raises BadRequest."""
    lines = head.decode("latin-1").split("\r\n")
    # Without permitted bytes, only the line ends may be left: one pass finds every control
    # byte, every bare CR and every bare LF.
    if head.translate(None, _PERMITTED) != b"\r\n" * (len(lines) - 1):
        raise BadRequest(400, "A control character, or a line that does not end with CRLF.")
    request_line = lines.pop(0)
    if len(request_line) > limits.max_request_line_bytes:
        raise BadRequest(414, "The request line is too long.")
    method, target, version = _split_request_line(request_line)
    if len(lines) > limits.max_fields:
        raise BadRequest(431, f"More than {limits.max_fields} fields.")
    headers, singular = _read_fields(lines)
    path, query, authority = _split_target(method, target)
    if version == "HTTP/1.1" and "host" not in singular:
        # RFC 9112 section 3.2, as for one that is repeated or invalid.
        raise BadRequest(400, "The field 'host' is missing.")
    if authority is not None:
        # RFC 9112 section 3.2.2: the target wins over the Host field.
        headers = [(name, authority if name == "host" else text) for name, text in headers]
    return RequestHead(
        method,
        target,
        path,
        query,
        version,
        tuple(headers),
        _is_kept_alive(version, singular.get("connection")),
        _expects_continue(version, singular.get("expect")),
        _body_length(version, singular, limits),
    )


def _split_request_line(line: str) -> list[str]:
    """Method, target and version."""
    words = line.split(" ")
    # The plain case without the regular expression; other controls are refused already.
    if (
        len(words) == 3
        and words[0] in _METHODS
        and words[1]
        and words[1].isascii()
        and "\t" not in words[1]
        and "#" not in words[1]
        and words[2] in _VERSIONS
    ):
        return words
    if _REQUEST_LINE.fullmatch(line) is None:
        raise BadRequest(400, "The request line is not 'method target HTTP/1.1'.")
    if words[2] not in _VERSIONS:
        raise BadRequest(505, "This server speaks HTTP/1.0 and HTTP/1.1.")
    if words[0] == "CONNECT":
        raise BadRequest(501, "CONNECT asks for a proxy; this server is none.")
    return words


def _split_target(method: str, target: str) -> tuple[str, str, str | None]:
    """Path, query and, for the absolute form, the authority (RFC 9112 section 3.2)."""
    if target[0] == "/":
        path, _, query = target.partition("?")
        return path, query, None
    if target == "*" and method == "OPTIONS":
        return target, "", None
    found = _ABSOLUTE_FORM.fullmatch(target)
    if found is None or _HOST.fullmatch(found[1]) is None:
        raise BadRequest(400, "The request target is neither a path nor an http URL.")
    return found[2] or "/", found[3] or "", found[1]


def _read_fields(lines: list[str]) -> tuple[list[_Pair], dict[str, str]]:
    """All fields in order, and those of `_SINGULAR` by name."""
    headers: list[_Pair] = []
    singular: dict[str, str] = {}
    for line in lines:
        pair, is_singular = _known_lines.get(line) or _read_field(line)
        if pair is None:
            continue
        headers.append(pair)
        if is_singular:
            name, value = pair
            first = singular.get(name)
            singular[name] = value if first is None else _merge_field(name, first, value)
    return headers, singular


def _read_field(line: str) -> tuple[_Pair | None, bool]:
    name, value = split_field(line)
    if name == "host" and _HOST.fullmatch(value) is None:
        raise BadRequest(400, "The field 'host' is no host.")
    is_dropped = "_" in name or name in _DROPPED
    field = (None if is_dropped else (name, value), name in _SINGULAR)
    if len(line) < _LONGEST_KNOWN_LINE:
        if len(_known_lines) >= _ENOUGH_LINES:
            _known_lines.clear()
        _known_lines[line] = field
    return field


def split_field(line: str) -> _Pair:
    """RFC 9112 section 5: no space before the colon, no folding, a token as the name.

    The name in lower case, the value without the spaces around it.
    """
    name, colon, value = line.partition(":")
    if not colon or _TOKEN.fullmatch(name) is None:
        raise BadRequest(400, "A header field is not 'name: value'.")
    return name.lower(), value.strip(" \t")


def refuse_bad_trailer(line: str) -> None:
    """RFC 9110 section 6.5.1: what frames, routes or describes a request cannot come late."""
    name, _ = split_field(line)
    if name in _SINGULAR:
        raise BadRequest(400, f"The field '{name}' is a trailer.")


def _merge_field(name: str, first: str, second: str) -> str:
    if name != "connection":
        raise BadRequest(400, f"More than one field '{name}'.")
    return f"{first},{second}"


def _is_kept_alive(version: str, connection: str | None) -> bool:
    """RFC 9112 section 9.3."""
    if connection is None:
        return version == "HTTP/1.1"
    tokens = {token.strip(" \t").lower() for token in connection.split(",")}
    if "close" in tokens:
        return False
    return version == "HTTP/1.1" or "keep-alive" in tokens


def _expects_continue(version: str, expect: str | None) -> bool:
    """RFC 9110 section 10.1.1; HTTP/1.0 clients cannot be told to go on."""
    if expect is None or version == "HTTP/1.0":
        return False
    if expect.lower() != "100-continue":
        raise BadRequest(417, "The only expectation that can be met is 100-continue.")
    return True


def _body_length(version: str, singular: dict[str, str], limits: RequestLimits) -> int | None:
    """RFC 9112 section 6.3. Every doubt is refused: two readings are one smuggled request."""
    length_text = singular.get("content-length")
    coding = singular.get("transfer-encoding")
    if coding is not None:
        if length_text is not None:
            raise BadRequest(400, "Both Content-Length and Transfer-Encoding.")
        if version != "HTTP/1.1":
            raise BadRequest(400, "Transfer-Encoding needs HTTP/1.1.")
        if coding.lower() != "chunked":
            raise _refused_coding(coding)
        return None
    if length_text is None:
        return 0
    # isdigit alone accepts digits of other scripts, and int() accepts `+5` and `0_5`.
    if not (length_text.isascii() and length_text.isdigit()):
        raise BadRequest(400, "Content-Length is not a number.")
    length = int(length_text) if len(length_text) < 20 else limits.max_body_bytes + 1
    refuse_large_body(length, limits)
    return length


def _refused_coding(coding: str) -> BadRequest:
    """RFC 9112 section 6.3: 400 where the end is unknown, section 6.1: 501 for the rest."""
    codings = [each.strip(" \t").lower() for each in coding.split(",")]
    if codings[-1] != "chunked" or codings.count("chunked") > 1 or "" in codings:
        return BadRequest(400, "Transfer-Encoding does not end with 'chunked', exactly once.")
    return BadRequest(501, "The only transfer coding served is 'chunked'.")


def refuse_large_body(length: int, limits: RequestLimits) -> None:
    if length > limits.max_body_bytes:
        raise BadRequest(413, f"The body is larger than {limits.max_body_bytes} bytes.")
