"""The reader: what RFC 9112 wants refused and accepted, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiverno.core.server.request_head import BadRequest, RequestHead
from wiverno.core.server.request_reader import (
    END_OF_REQUEST,
    NEED_DATA,
    BodyData,
    EndOfRequest,
    RequestReader,
)
from wiverno.core.server.settings import RequestLimits

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

Outcome = list[RequestHead | bytes | EndOfRequest | int]


def read_all(pieces: list[bytes], limits: RequestLimits | None = None) -> Outcome:
    """Every event; neighbouring pieces of a body joined; a refusal as its status."""
    reader = RequestReader(limits or RequestLimits())
    found: Outcome = []
    for piece in pieces:
        reader.feed(piece)
        try:
            while (event := reader.next_event()) is not NEED_DATA:
                if not isinstance(event, BodyData):
                    found.append(event)
                elif found and isinstance(found[-1], bytes):
                    found[-1] += event.data
                else:
                    found.append(event.data)
        except BadRequest as refusal:
            return [*found, refusal.status]
    return found


def read_one(data: bytes) -> RequestHead:
    head = read_all([data])[0]
    assert isinstance(head, RequestHead), head
    return head


def with_field(field: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + field + b"\r\n\r\n"


REFUSED = {
    # RFC 9112 section 3: request line
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "tab as separator": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no version": (b"GET /\r\nHost: a\r\n\r\n", 400),
    "lower version": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    "version 2": (b"PRI * HTTP/2.0\r\n\r\n", 505),
    "version 1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    "version 1.10": (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    "method with bad character": (b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "NUL in method": (b"G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01", 400),
    "bare CR in line": (b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "long line": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "long line without end": (b"GET /" + b"a" * 9000, 414),
    "many empty lines": (b"\r\n" * 5 + with_field(b"A: b"), 400),
    "empty line with bare LF": (b"\n" + with_field(b"A: b"), 400),
    # RFC 9112 section 3.2: target
    "relative target": (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "star with GET": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "ftp": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "user info": (b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "fragment": (b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "authority form": (b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "control in target": (b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (with_field(b"Host: a"), 400),
    "Host with slash": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "Host with space": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    # RFC 9112 section 5: fields
    "space before colon": (with_field(b"A : b"), 400),
    "no colon": (with_field(b"Host"), 400),
    "empty name": (with_field(b": b"), 400),
    "name with space": (with_field(b"A B: c"), 400),
    "name not ASCII": (with_field(b"\xc3\xa9: c"), 400),
    "folded line": (with_field(b"A: b\r\n c"), 400),
    "space before first field": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "NUL in value": (with_field(b"A: b\0c"), 400),
    "bell in value": (with_field(b"A: b\x07c"), 400),
    "bare CR in value": (with_field(b"A: b\rc"), 400),
    "bare LF in value": (with_field(b"A: b\nC: d"), 400),
    "bare LF ends": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "two Content-Types": (with_field(b"Content-Type: a/b\r\nContent-Type: c/d"), 400),
    "101 fields": (with_field(b"\r\n".join([b"A: b"] * 100)), 431),
    "large head": (with_field(b"A: " + b"b" * 70_000), 431),
    "large head without end": (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 70_000, 431),
    # RFC 9112 sections 6.1 to 6.3: framing
    "Content-Length +5": (with_field(b"Content-Length: +5"), 400),
    "Content-Length -5": (with_field(b"Content-Length: -5"), 400),
    "Content-Length 0_5": (with_field(b"Content-Length: 0_5"), 400),
    "Content-Length 0x5": (with_field(b"Content-Length: 0x5"), 400),
    "Content-Length 5.0": (with_field(b"Content-Length: 5.0"), 400),
    "Content-Length 5,5": (with_field(b"Content-Length: 5,5"), 400),
    "Content-Length 5 5": (with_field(b"Content-Length: 5 5"), 400),
    "Content-Length empty": (with_field(b"Content-Length:"), 400),
    "Content-Length superscript": (with_field(b"Content-Length: \xb2"), 400),
    "Content-Length twice": (with_field(b"Content-Length: 5\r\nContent-Length: 5"), 400),
    "Content-Length conflicting": (with_field(b"Content-Length: 5\r\nContent-Length: 6"), 400),
    "Content-Length huge": (with_field(b"Content-Length: " + b"9" * 5000), 413),
    "Content-Length above limit": (with_field(b"Content-Length: 10737418240"), 413),
    "length and coding": (
        with_field(b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
        400,
    ),
    "coding with HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "gzip, chunked": (with_field(b"Transfer-Encoding: gzip, chunked"), 501),
    "xchunked": (with_field(b"Transfer-Encoding: xchunked"), 400),
    "chunked, identity": (with_field(b"Transfer-Encoding: chunked, identity"), 400),
    "chunked twice": (
        with_field(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        400,
    ),
    "chunked, chunked": (with_field(b"Transfer-Encoding: chunked, chunked"), 400),
    "chunked quoted": (with_field(b'Transfer-Encoding: "chunked"'), 400),
    "chunked with VT": (with_field(b"Transfer-Encoding: \x0bchunked"), 400),
    # RFC 9110 section 10.1.1
    "other expectation": (with_field(b"Expect: coffee"), 417),
    # RFC 9112 section 7.1: chunks
    "chunk 0x5": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk +5": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk -5": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk 0_5": (CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk space before": (CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size empty": (CHUNKED + b"\r\nhello\r\n0\r\n\r\n", 400),
    "chunk only extension": (CHUNKED + b";a=b\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size no hex": (CHUNKED + b"5g\r\nhello\r\n0\r\n\r\n", 400),
    "chunk size long": (CHUNKED + b"0" * 17 + b"5\r\nhello\r\n0\r\n\r\n", 400),
    "chunk huge": (CHUNKED + b"ffffffffffff\r\n", 413),
    "chunk size bare LF": (CHUNKED + b"5\nhello\r\n0\r\n\r\n", 400),
    "chunk extension bare CR": (CHUNKED + b"5;a\rb\r\nhello\r\n0\r\n\r\n", 400),
    "chunk extension long": (CHUNKED + b"5;" + b"a" * 400, 400),
    "chunk extension flood": (CHUNKED + (b"1;" + b"a" * 200 + b"\r\nx\r\n") * 100, 400),
    "chunk data too long": (CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n", 400),
    "chunk data without CRLF": (CHUNKED + b"5\r\nhello0\r\n\r\n", 400),
    "trailer without colon": (CHUNKED + b"0\r\nabc\r\n\r\n", 400),
    "trailer flood": (CHUNKED + b"0\r\n" + b"A: b\r\n" * 5000, 431),
    "trailer long": (CHUNKED + b"0\r\nA: " + b"b" * 9000, 431),
}

ACCEPTED = {
    "plain": (with_field(b"A: b"), b""),
    "HTTP/1.0 without Host": (b"GET / HTTP/1.0\r\n\r\n", b""),
    "empty lines before": (b"\r\n\r\n" + with_field(b"A: b"), b""),
    "empty Host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", b""),
    "IPv6 Host": (b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n", b""),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    "odd method": (b"!#$%&'*+.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    "value obs-text": (with_field(b"A: \xe9"), b""),
    "value tab": (with_field(b"A: b\tc"), b""),
    "length": (POST + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "length with zeros": (POST + b"Content-Length: 005\r\n\r\nhello", b"hello"),
    "length 0": (POST + b"Content-Length: 0\r\n\r\n", b""),
    "chunks": (CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
    "chunk upper case, zeros": (CHUNKED + b"00B\r\nhello world\r\n000\r\n\r\n", b"hello world"),
    "chunk extension": (CHUNKED + b'5 ;a="b"\r\nhello\r\n0;c\r\n\r\n', b"hello"),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"hello"),
    "coding upper case": (
        POST + b"Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"hello",
    ),
    "100 fields": (with_field(b"\r\n".join([b"A: b"] * 99)), b""),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_reader_with_malformed_request_refuses(data: bytes, status: int) -> None:
    assert read_all([data])[-1] == status


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_reader_with_malformed_request_in_single_bytes_refuses_with_same_status(
    data: bytes, status: int
) -> None:
    assert read_all([bytes([byte]) for byte in data])[-1] == status


@pytest.mark.parametrize(("data", "body"), ACCEPTED.values(), ids=ACCEPTED)
def test_reader_with_valid_request_gives_its_events(data: bytes, body: bytes) -> None:
    head, *rest = read_all([data])
    assert isinstance(head, RequestHead)
    assert rest == ([body] if body else []) + [END_OF_REQUEST]


def test_reader_drops_names_that_could_spoof_others() -> None:
    head = read_one(with_field(b"X_Real_IP: 1\r\nContent_Length: 9\r\nProxy: evil\r\nB: c"))
    assert head.headers == [("host", "a"), ("b", "c")]


def test_reader_with_absolute_target_takes_host_and_path_from_it() -> None:
    head = read_one(b"GET HTTP://other:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (head.path, head.query, head.headers) == ("/p", "q", [("host", "other:81")])


def test_reader_with_double_slash_keeps_it_a_path() -> None:
    head = read_one(b"GET //evil/x?a?b HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (head.path, head.query) == ("//evil/x", "a?b")


@pytest.mark.parametrize(
    ("version", "field", "expected"),
    [
        ("1.1", b"A: b", True),
        ("1.1", b"Connection: foo, Close", False),
        ("1.1", b"Connection: foo\r\nConnection: close", False),
        ("1.0", b"A: b", False),
        ("1.0", b"Connection: Keep-Alive", True),
    ],
)
def test_reader_tells_persistence_by_rfc_9112_section_9_3(
    version: str, field: bytes, expected: bool
) -> None:
    data = f"GET / HTTP/{version}\r\nHost: a\r\n".encode() + field + b"\r\n\r\n"
    assert read_one(data).keep_alive is expected


def test_is_head_complete_when_head_stands_consumes_nothing() -> None:
    reader = RequestReader(RequestLimits())
    data = with_field(b"A: b") + b"GET /next"
    reader.feed(data[:20])
    assert not reader.is_head_complete()
    reader.feed(data[20:])
    assert reader.is_head_complete()
    assert reader.take_unread() == data
    assert reader.unread_bytes == 0


def test_is_head_complete_when_head_is_refused_is_true() -> None:
    reader = RequestReader(RequestLimits())
    reader.feed(b"\x16\x03")
    assert reader.is_head_complete()
    assert reader.take_unread() == b"\x16\x03"


@given(st.binary(max_size=400), st.data())
def test_reader_with_random_bytes_raises_only_bad_request(
    noise: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.sampled_from([b"", POST, CHUNKED, CHUNKED + b"5\r\nhello\r\n0\r\n"]))
    read_all([start + noise])


@given(
    st.lists(st.sampled_from([each[0] for each in (*ACCEPTED.values(), *REFUSED.values())])),
    st.data(),
)
def test_reader_however_bytes_are_cut_gives_same_events(
    requests: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(requests[:4])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read_all(pieces) == read_all([whole])


@given(st.data())
def test_reader_with_flipped_bytes_however_cut_gives_same_events(data: st.DataObject) -> None:
    valid = data.draw(st.sampled_from([each[0] for each in ACCEPTED.values()]))
    noisy = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(noisy) - 1))
        noisy[place] = data.draw(st.sampled_from(b"\r\n\0 :;,A0"))
    assert read_all([bytes([byte]) for byte in noisy]) == read_all([bytes(noisy)])


class _CountingBytes(bytearray):
    """A buffer that counts how many bytes its searches look at."""

    searched = 0

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]  # Narrower on purpose.
        stop = len(self) if end is None else min(end, len(self))
        _CountingBytes.searched += max(0, stop - start)
        return super().find(sub, start, stop)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 8000,
        b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 20_000,
        CHUNKED + b"0\r\nA: " + b"b" * 7000,
    ],
)
def test_reader_with_single_bytes_searches_each_byte_a_few_times(data: bytes) -> None:
    reader = RequestReader(RequestLimits())
    reader._buffer = _CountingBytes()
    _CountingBytes.searched = 0
    for byte in data:
        reader.feed(bytes([byte]))
        while reader.next_event() is not NEED_DATA:
            pass
    assert _CountingBytes.searched < 20 * len(data)
