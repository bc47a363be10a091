"""The reader: what RFC 9112 wants refused and accepted."""

import pytest

from tests.core.server.reader.examples import ACCEPTED, CHUNKED, REFUSED, with_field
from tests.core.server.reader.invariants import read_all
from wiverno.core.server.limits import RequestLimits
from wiverno.core.server.request_head import RequestHead
from wiverno.core.server.request_reader import END_OF_REQUEST, NEED_DATA, RequestReader


def read_one(data: bytes) -> RequestHead:
    head = read_all([data])[0]
    assert isinstance(head, RequestHead), head
    return head


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
    assert head.headers == (("host", "a"), ("b", "c"))


def test_reader_with_absolute_target_takes_host_and_path_from_it() -> None:
    head = read_one(b"GET HTTP://other:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (head.path, head.query, head.headers) == ("/p", "q", (("host", "other:81"),))


def test_reader_with_double_slash_keeps_it_a_path() -> None:
    head = read_one(b"GET //evil/x?a?b HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (head.path, head.query) == ("//evil/x", "a?b")


def test_reader_with_repeated_connection_field_gives_each_as_sent() -> None:
    head = read_one(with_field(b"Connection: a\r\nConnection: b"))
    assert head.headers == (("host", "a"), ("connection", "a"), ("connection", "b"))


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
