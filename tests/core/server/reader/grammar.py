"""Hypothesis strategies by the grammar of RFC 9112: requests, damaged ones, and cuts."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.core.server.reader.examples import ACCEPTED, REFUSED
from tests.core.server.reader.mutation import BORDERS, FRAGMENTS

_TOKENS = st.text("!#$%&'*+-.^`|~09AZaz", min_size=1, max_size=8)
_METHODS = (
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "M-SEARCH"]) | _TOKENS
)
_PATHS = st.lists(st.text("az09-._~%:@!$&'()*+,;=/\\\"<>[]^`{|}", max_size=6), max_size=3)
_QUERIES = st.none() | st.text("az09-._~%/?=&+", max_size=8)
_HOSTS = st.sampled_from(["a", "example.org", "127.0.0.1:8000", "[::1]:80", "a_b.c", "a:", ""])
_VISIBLE = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f\x80\x85\xa0"),
    min_size=1,
    max_size=6,
)
_SPACE = st.text(" \t", max_size=2)
# Of these a request has its own rules; what is generated here must be free of them.
_RULED = {"host", "content-length", "transfer-encoding", "content-type", "expect", "connection"}
_RULED |= {"proxy", "upgrade"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A valid request: its bytes, and what must be read from them."""

    data: bytes
    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@st.composite
def valid_requests(draw: st.DrawFn) -> Sent:
    """Any framing, both versions, every form of target that an origin server gets."""
    method = draw(_METHODS.filter(lambda method: method != "CONNECT"))
    version = draw(st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]))
    target, authority = draw(_targets(method))
    host = draw(_HOSTS)
    framing, encoded, body = draw(_bodies(version))
    fields = [("Host", host), *framing, *draw(st.lists(_fields(), max_size=3))]
    fields = list(draw(st.permutations(fields)))
    lines = [f"{method} {target} {version}"]
    lines += [f"{name}:{draw(_SPACE)}{value}{draw(_SPACE)}" for name, value in fields]
    # RFC 9112 section 2.2: an empty line before a request is to be ignored.
    head = "\r\n" * draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2])) + "\r\n".join(
        [*lines, "", ""]
    )
    headers = [(name.lower(), value) for name, value in fields]
    if authority is not None:
        headers = [(name, authority if name == "host" else value) for name, value in headers]
    return Sent(head.encode("latin-1") + encoded, method, target, version, tuple(headers), body)


@st.composite
def _targets(draw: st.DrawFn, method: str) -> tuple[str, str | None]:
    """The target, and the host that it names itself."""
    if method == "OPTIONS" and draw(st.booleans()):
        return "*", None
    query = draw(_QUERIES)
    tail = "/" + "/".join(draw(_PATHS)) + ("" if query is None else "?" + query)
    if draw(st.integers(0, 4)):
        return tail, None
    scheme = draw(st.sampled_from(["http", "https", "HTTP"]))
    authority = draw(_HOSTS.filter(bool))
    return f"{scheme}://{authority}{tail}", authority


@st.composite
def _fields(draw: st.DrawFn) -> tuple[str, str]:
    name = draw(_TOKENS.filter(lambda name: name.lower() not in _RULED))
    words = draw(st.lists(_VISIBLE, max_size=3))
    return name, draw(st.sampled_from([" ", "\t"])).join(words)


@st.composite
def _bodies(draw: st.DrawFn, version: str) -> tuple[list[tuple[str, str]], bytes, bytes]:
    """Fields that frame the body, the body as sent, the body."""
    kinds = ["none", "length", "chunked"] if version == "HTTP/1.1" else ["none", "length"]
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return [], b"", b""
    if kind == "length":
        # Bodies that look like the end of something.
        body = draw(st.binary(max_size=20) | st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n"]))
        zeros = "0" * draw(st.integers(0, 2))
        return [("Content-Length", f"{zeros}{len(body)}")], body, body
    chunks = draw(st.lists(st.binary(min_size=1, max_size=12), max_size=3))
    encoded = b"".join(draw(_chunk_lines(len(chunk))) + chunk + b"\r\n" for chunk in chunks)
    trailers = draw(st.lists(_fields(), max_size=2))
    end = "".join(f"{name}: {value}\r\n" for name, value in trailers) + "\r\n"
    encoded += draw(_chunk_lines(0)) + end.encode("latin-1")
    coding = draw(st.sampled_from(["chunked", "Chunked"]))
    return [("Transfer-Encoding", coding)], encoded, b"".join(chunks)


@st.composite
def _chunk_lines(draw: st.DrawFn, size: int) -> bytes:
    digits = draw(st.sampled_from([f"{size:x}", f"{size:X}", f"00{size:x}"]))
    extension = draw(st.sampled_from(["", "", "", ";a", ";a=b", ' ; a = "b"', ";a=b;c"]))
    return f"{digits}{extension}\r\n".encode()


EXAMPLES = [data for data, _ in (*ACCEPTED.values(), *REFUSED.values()) if len(data) < 1000]


@st.composite
def damaged_requests(draw: st.DrawFn) -> bytes:
    """One to three requests behind one another, with one to four edits."""
    parts = draw(st.lists(st.sampled_from(EXAMPLES) | _valid_bytes(), min_size=1, max_size=3))
    data = b"".join(parts)
    for _ in range(draw(st.integers(1, 4))):
        data = draw(_edited(data))
    return data


def _valid_bytes() -> st.SearchStrategy[bytes]:
    return valid_requests().map(lambda sent: sent.data)


@st.composite
def _edited(draw: st.DrawFn, data: bytes) -> bytes:
    """A fragment in the place of some bytes, before them, or nothing in their place."""
    start = draw(_places(data))
    end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 5, 20])))
    piece = draw(
        st.sampled_from(FRAGMENTS) | st.binary(max_size=2) | st.just(b"") | st.just(data[end:])
    )
    return data[:start] + piece + data[end:]


@st.composite
def _places(draw: st.DrawFn, data: bytes) -> int:
    """As often as not where a line, a value or a word begins: there an edit matters."""
    marks = [place + 1 for place, byte in enumerate(data) if byte in BORDERS]
    anywhere = st.integers(0, len(data))
    return draw(st.sampled_from(marks) | anywhere if marks else anywhere)


def cuts(size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, size), max_size=12)
