"""Requests that are too much, and those that are just not."""

from tests.abuse.case import Case, Refused, Served, must, should
from tests.abuse.requests import get, post, request

_MIB = 1024 * 1024
_LINE = "RFC 9112 section 3 (414)"
_FIELDS = "RFC 6585 section 5 (431); RFC 9110 section 5.4"


def _fields(count: int) -> list[bytes]:
    return [b"X-%d: a" % number for number in range(count)]


CASES: tuple[Case, ...] = (
    must(
        "limit-line-1m",
        _LINE,
        request(b"GET /" + b"a" * _MIB + b" HTTP/1.1"),
        Refused(414),
    ),
    must("limit-line-10m-nocrlf", _LINE, b"GET /" + b"a" * 10 * _MIB, Refused(414)),
    must("limit-method-1m", _LINE, b"G" * _MIB, Refused(414)),
    should(
        "limit-8000-url",
        "RFC 9110 section 4.1, 9112 section 3 (at least 8,000 bytes)",
        request(b"GET /" + b"a" * 7985 + b" HTTP/1.1"),
        Served(environ={"PATH_INFO": "/" + "a" * 7985}),
    ),
    must("limit-header-1m", _FIELDS, get(b"X-A: " + b"a" * _MIB), Refused(431)),
    must("limit-header-name-1m", _FIELDS, get(b"X" * _MIB + b": a"), Refused(431)),
    must(
        "limit-headers-10m-nocrlf",
        _FIELDS,
        b"GET / HTTP/1.1\r\nHost: test\r\nX-A: " + b"a" * 10 * _MIB,
        Refused(431),
    ),
    should("limit-headers-20k-count", _FIELDS, get(*_fields(20_000)), Refused(431)),
    must("limit-fields-101", _FIELDS, get(*_fields(100)), Refused(431)),
    must(
        "limit-fields-100",
        "own (browsers and proxies together send far fewer)",
        get(*_fields(99)),
        Served(environ={"HTTP_X_98": "a"}),
    ),
    must(
        "limit-cookie-16k",
        "RFC 6265 section 6.1 (4,096 bytes for each of 50 cookies)",
        get(b"Cookie: " + b"a" * 16_384),
        Served(environ={"HTTP_COOKIE": "a" * 16_384}),
    ),
    should(
        "limit-body-declared-10g",
        "RFC 9110 section 15.5.14 (413)",
        post(b"", b"Content-Length: %d" % (10 * 1024**3)),
        Refused(413),
    ),
    must(
        "limit-body-declared-10g-expect",
        "RFC 9110 section 10.1.1 (413 instead of 100)",
        post(b"", b"Content-Length: %d" % (10 * 1024**3), b"Expect: 100-continue"),
        Refused(413),
    ),
    must(
        "limit-body-1m",
        "RFC 9110 section 8.6",
        post(b"a" * _MIB, b"Content-Length: %d" % _MIB),
        Served(body=b"a" * _MIB),
    ),
    must(
        "limit-empty-lines",
        "RFC 9112 section 2.2 (at least one is ignored; endless ones are abuse)",
        b"\r\n" * 10_000 + get(),
        Refused(400),
    ),
)
