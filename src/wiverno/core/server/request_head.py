"""One request head, from bytes to fields, by RFC 9112. Pure.

What is ambiguous is refused instead of repaired, because a repair that a proxy makes
differently is request smuggling.
"""

import re
from dataclasses import dataclass

from wiverno.core.exceptions import WivernoError
from wiverno.core.server.settings import RequestLimits

# RFC 9110 section 5.6.2 (token), 9112 sections 3 and 3.2. A fragment is never sent.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^\x00-\x20\x7f#]+) (HTTP/[0-9]\.[0-9])"
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?")
_ABSOLUTE_FORM = re.compile(r"(?i:https?)://([^/?@]+)(/[^?]*)?(?:\?(.*))?")
# All but controls; CR and LF are looked at separately.
_PERMITTED = bytes([9, *range(32, 127), *range(128, 256)])

# Fields that decide about framing, or that may stand only once. `connection` may be repeated.
_SINGULAR = frozenset(
    {"host", "content-length", "transfer-encoding", "content-type", "expect", "connection"}
)
_ENOUGH_NAMES = 1000
# Both are bounded, since clients choose what is in them.
_known_hosts: set[str] = set()
# Name as received -> lower case; "" for names that are dropped. `Proxy` would become
# HTTP_PROXY, which programs take for their own setting (CVE-2016-5385).
_known_names: dict[str, str] = {"Proxy": "", "proxy": ""}


class BadRequest(WivernoError):  # noqa: N818  The name that RFC 9110 gives the thing.
    """The bytes are no request that this server serves. `status` is what to answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Request line and fields. Names are in lower case, text is latin-1 as PEP 3333 has it."""

    method: str
    # As received; `path` and `query` are its parts, still percent-encoded.
    target: str
    path: str
    query: str
    version: str
    headers: tuple[tuple[str, str], ...]
    keep_alive: bool
    expect_continue: bool
    # None: chunked, so the length is known at the end.
    body_length: int | None


def parse_head(head: bytes, limits: RequestLimits) -> RequestHead:
    """The head without its final CRLF CRLF; raises BadRequest."""
    lines = head.decode("latin-1").split("\r\n")
    # Without permitted bytes, only the line ends may be left: one pass finds every control
    # byte, every bare CR and every bare LF.
    if head.translate(None, _PERMITTED) != b"\r\n" * (len(lines) - 1):
        raise BadRequest(400, "A control character, or a line that does not end with CRLF.")
    if len(lines[0]) > limits.max_request_line_bytes:
        raise BadRequest(414, "The request line is too long.")
    method, target, version = _split_request_line(lines[0])
    if len(lines) - 1 > limits.max_fields:
        raise BadRequest(431, f"More than {limits.max_fields} fields.")
    headers, singular = _read_fields(lines)
    path, query, authority = _split_target(method, target)
    _refuse_bad_host(singular.get("host"), version)
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


def _split_request_line(line: str) -> tuple[str, str, str]:
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise BadRequest(400, "The request line is not 'method target HTTP/1.1'.")
    method, target, version = found.groups()
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(505, "This server speaks HTTP/1.0 and HTTP/1.1.")
    if method == "CONNECT":
        raise BadRequest(501, "CONNECT asks for a proxy; this server is none.")
    return method, target, version


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


def _read_fields(lines: list[str]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """All fields in order, and those of `_SINGULAR` by name."""
    headers: list[tuple[str, str]] = []
    singular: dict[str, str] = {}
    for line in lines[1:]:
        # Inlined from split_field: this loop is most of the reader's time.
        raw_name, colon, value = line.partition(":")
        name = _known_names.get(raw_name)
        if name is None or not colon:
            name, value = split_field(line)
        value = value.strip(" \t")
        if name in _SINGULAR:
            if name in singular:
                value = _merge_field(name, singular[name], value)
            singular[name] = value
        if name:
            headers.append((name, value))
    return headers, singular


def split_field(line: str) -> tuple[str, str]:
    """RFC 9112 section 5: no space before the colon, no folding, a token as the name."""
    raw_name, colon, value = line.partition(":")
    if not colon or _TOKEN.fullmatch(raw_name) is None:
        raise BadRequest(400, "A header field is not 'name: value'.")
    # `X_Real_IP` and `X-Real-IP` are one key in a WSGI environ: the first would pass a proxy
    # that only sets the second.
    name = "" if "_" in raw_name else raw_name.lower()
    if name == "proxy":
        name = ""
    if len(_known_names) < _ENOUGH_NAMES and len(raw_name) < 64:
        _known_names[raw_name] = name
    return name, value


def _merge_field(name: str, first: str, second: str) -> str:
    if name != "connection":
        raise BadRequest(400, f"More than one field '{name}'.")
    return f"{first},{second}"


def _refuse_bad_host(host: str | None, version: str) -> None:
    """RFC 9112 section 3.2: 400 for a missing, repeated or invalid Host."""
    if host is None:
        if version == "HTTP/1.1":
            raise BadRequest(400, "The field 'host' is missing.")
    elif host not in _known_hosts:
        if _HOST.fullmatch(host) is None:
            raise BadRequest(400, "The field 'host' is no host.")
        if len(_known_hosts) < _ENOUGH_NAMES and len(host) < 64:
            _known_hosts.add(host)


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
