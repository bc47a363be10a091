"""Chunked bodies that are not, and those that cost more than they carry."""

from tests.abuse.case import Case, Ending, Refused, Served, must, should
from tests.abuse.requests import chunked

_SIZE = "RFC 9112 section 7.1 (chunk-size = 1*HEXDIG)"
_EXTENSION = "RFC 9112 section 7.1.1"
_TRAILER = "RFC 9112 section 7.1.2"
_HELLO = Served(body=b"hello")
_END = b"0\r\n\r\n"


def _size(text: bytes) -> bytes:
    return chunked(text + b"\r\nhello\r\n" + _END)


CASES: tuple[Case, ...] = (
    must("chunked-ok", "RFC 9112 section 7.1", _size(b"5"), _HELLO),
    must(
        "chunked-many",
        "RFC 9112 section 7.1",
        chunked(b"1\r\nh\r\n3\r\nell\r\n1\r\no\r\n" + _END),
        _HELLO,
    ),
    must("chunked-empty", "RFC 9112 section 7.1", chunked(_END), Served(body=b"")),
    must(
        "chunked-trailers",
        _TRAILER,
        chunked(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"),
        Served(body=b"hello", environ={"HTTP_X_SUM": None}),
    ),
    must(
        "chunked-uppercase-leading0",
        _SIZE,
        chunked(b"000A\r\nhellohello\r\n000\r\n\r\n"),
        Served(body=b"hellohello"),
    ),
    must("chunked-lowercase-hex", _SIZE, chunked(b"a\r\nhellohello\r\n" + _END), Served()),
    must("chunk-ext-ok", _EXTENSION, _size(b'5;a;b=c;d="e f"'), _HELLO),
    must("chunk-ext-space", f"{_EXTENSION} (BWS)", _size(b"5 ; a = b"), _HELLO),
    must("chunk-size-0x", f"{_SIZE}; CVE-2022-24801", _size(b"0x5"), Refused(400)),
    must("chunk-size-plus", f"{_SIZE} (int() takes +5)", _size(b"+5"), Refused(400)),
    must("chunk-size-minus", f"{_SIZE} (int() takes -5)", _size(b"-5"), Refused(400)),
    must("chunk-size-underscore", f"{_SIZE} (int() takes 0_5)", _size(b"0_5"), Refused(400)),
    must("chunk-size-space-before", _SIZE, _size(b" 5"), Refused(400)),
    must("chunk-size-space-behind", _SIZE, _size(b"5 "), Refused(400)),
    must("chunk-size-empty", _SIZE, _size(b""), Refused(400)),
    must("chunk-size-only-ext", _SIZE, _size(b";a=b"), Refused(400)),
    must("chunk-size-invalid-hex", _SIZE, _size(b"5g"), Refused(400)),
    must("chunk-size-digit-of-other-script", _SIZE, _size("\u0665".encode()), Refused(400)),
    should("chunk-size-huge", "RFC 9112 section 7.1", _size(b"f" * 16), Refused(413)),
    must(
        "chunk-size-overflow",
        "RFC 9112 section 7.1 (anticipate large numbers)",
        _size(b"1" + b"0" * 16 + b"5"),
        Refused(400),
    ),
    must("chunk-ext-bare-cr", "RFC 9112 section 2.2", _size(b"5;a\rb"), Refused(400)),
    must(
        "chunk-ext-bare-lf",
        "RFC 9112 section 2.2, 7.1.1; CVE-2022-24801",
        _size(b"5;a\nb"),
        Refused(400),
    ),
    must("chunk-ext-nul", "RFC 9110 section 5.6.4", _size(b"5;a=\x00"), Refused(400)),
    must(
        "chunk-size-bare-lf",
        "RFC 9112 section 7.1 (CRLF); CVE-2025-22871",
        chunked(b"5\nhello\r\n" + _END),
        Refused(400),
    ),
    must(
        "chunk-size-bare-cr", "RFC 9112 section 2.2", chunked(b"5\rhello\r\n" + _END), Refused(400)
    ),
    must(
        "chunk-data-too-long",
        "RFC 9112 section 7.1",
        chunked(b"5\r\nhello!\r\n" + _END),
        Refused(400),
    ),
    must(
        "chunk-data-too-short",
        "RFC 9112 section 7.1",
        chunked(b"7\r\nhello\r\n" + _END),
        Refused(400),
    ),
    must(
        "chunk-no-crlf-after-data",
        "RFC 9112 section 7.1",
        chunked(b"5\r\nhello" + _END),
        Refused(400),
    ),
    must(
        "chunk-bare-lf-after-data",
        "RFC 9112 section 7.1",
        chunked(b"5\r\nhello\n" + _END),
        Refused(400),
    ),
    must(
        "chunk-two-bytes-after-data",
        "RFC 9112 section 7.1; CVE-2025-43859 (any two bytes taken for CRLF)",
        chunked(b"5\r\nhelloXX" + _END),
        Refused(400),
    ),
    must(
        "chunk-last-bare-lf",
        "RFC 9112 section 7.1",
        chunked(b"5\r\nhello\r\n0\r\n\n"),
        Refused(400),
    ),
    should(
        "chunk-ext-flood",
        f"{_EXTENSION} (limit the total); CVE-2023-39326",
        chunked(b"".join(b"1;%b\r\na\r\n" % (b"x" * 200) for _ in range(1000)) + _END),
        Refused(400),
    ),
    should(
        "chunk-ext-long",
        f"{_EXTENSION} (limit the total); CVE-2024-22019",
        _size(b"5;" + b"x" * 1_000_000),
        Refused(400),
    ),
    should(
        "chunk-trailer-flood",
        f"{_TRAILER}; RFC 9110 section 5.4",
        chunked(b"0\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(20_000)) + b"\r\n"),
        Refused(431),
    ),
    should(
        "chunk-tiny-flood",
        "RFC 9112 section 7.1 (allowed, so it must only be cheap)",
        chunked(b"1\r\na\r\n" * 20_000 + _END),
        Served(body=b"a" * 20_000),
    ),
    should(
        "trailer-forbidden",
        "RFC 9110 section 6.5.1 (never merged into the fields)",
        chunked(b"5\r\nhello\r\n0\r\nContent-Length: 99\r\nHost: evil\r\nCookie: a=b\r\n\r\n"),
        Refused(400),
    ),
    must(
        "trailer-no-colon",
        "RFC 9112 section 7.1.2, 5",
        chunked(b"5\r\nhello\r\n0\r\nnothing\r\n\r\n"),
        Refused(400),
    ),
    must(
        "trailer-space-before-colon",
        "RFC 9112 section 7.1.2, 5.1",
        chunked(b"5\r\nhello\r\n0\r\nX-Sum : 1\r\n\r\n"),
        Refused(400),
    ),
    must(
        "trailer-bare-lf",
        "RFC 9112 section 2.2, 7.1.2",
        chunked(b"5\r\nhello\r\n0\r\nX-Sum: 1\n\r\n"),
        Refused(400),
    ),
    should(
        "chunked-cut-close",
        "RFC 9112 section 8 (incomplete, and never a whole request)",
        chunked(b"5\r\nhello\r\n"),
        Refused(0),
        ending=Ending.HALF_CLOSE,
    ),
    should(
        "chunked-cut-in-chunk",
        "RFC 9112 section 8",
        chunked(b"5\r\nhel"),
        Refused(0),
        ending=Ending.HALF_CLOSE,
    ),
    should(
        "chunked-cut-in-trailers",
        "RFC 9112 section 8",
        chunked(b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n"),
        Refused(0),
        ending=Ending.HALF_CLOSE,
    ),
)
