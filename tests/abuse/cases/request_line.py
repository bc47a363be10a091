"""Request lines and targets that routers, proxies and logs would read differently."""

from tests.abuse.case import Case, Refused, Served, info, must, should
from tests.abuse.requests import request

_LINE = "RFC 9112 section 3"
_VERSION = "RFC 9112 section 2.3, 3"
_TARGET = "RFC 9112 section 3.2"


def _target(text: bytes) -> bytes:
    return request(b"GET " + text + b" HTTP/1.1")


CASES: tuple[Case, ...] = (
    must(
        "line-ok",
        _LINE,
        _target(b"/a?b=c"),
        Served(
            environ={"REQUEST_METHOD": "GET", "PATH_INFO": "/a", "QUERY_STRING": "b=c"},
        ),
    ),
    must(
        "line-unknown-method",
        "RFC 9110 section 9.1 (the application decides)",
        request(b"PURGE / HTTP/1.1"),
        Served(environ={"REQUEST_METHOD": "PURGE"}),
    ),
    must(
        "line-lower-method",
        "RFC 9110 section 9.1 (case-sensitive)",
        request(b"get / HTTP/1.1"),
        Served(environ={"REQUEST_METHOD": "get"}),
    ),
    should("line-no-version-1.1style", _VERSION, request(b"GET /"), Refused(400)),
    should("line-09", f"{_VERSION} (HTTP/0.9 is not spoken)", b"GET /\r\n\r\n", Refused(400)),
    should("line-bad-version", _VERSION, request(b"GET / HTTP/9.9"), Refused(505)),
    should("line-http2-version", _VERSION, request(b"GET / HTTP/2.0"), Refused(505)),
    should(
        "line-http2-preface",
        "RFC 9113 section 3.4",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        Refused(505),
    ),
    must("line-version-garbage", _VERSION, request(b"GET / HTTP/1.1.1"), Refused(400)),
    must("line-version-two-digits", _VERSION, request(b"GET / HTTP/1.10"), Refused(400)),
    must("line-version-plus", _VERSION, request(b"GET / HTTP/+1.1"), Refused(400)),
    must(
        "line-version-lower",
        f"{_VERSION} (HTTP-name is case-sensitive)",
        request(b"GET / http/1.1"),
        Refused(400),
    ),
    should("line-proto-ftp", _VERSION, request(b"GET / FTP/1.1"), Refused(400)),
    should("line-method-badchar", "RFC 9110 section 9.1", request(b"G(T / HTTP/1.1"), Refused(400)),
    must("line-method-nul", "RFC 9110 section 9.1", request(b"G\x00T / HTTP/1.1"), Refused(400)),
    must("line-method-empty", _LINE, request(b" / HTTP/1.1"), Refused(400)),
    should("line-two-spaces", _LINE, request(b"GET  / HTTP/1.1"), Refused(400)),
    should("line-space-at-end", _LINE, request(b"GET / HTTP/1.1 "), Refused(400)),
    should("line-tab-sep", _LINE, request(b"GET\t/\tHTTP/1.1"), Refused(400)),
    must(
        "line-space-in-target",
        f"{_TARGET} (never repaired: a request may be hidden in it)",
        _target(b"/a b"),
        Refused(400),
    ),
    should("line-ctl-in-target", "RFC 3986 section 2", _target(b"/a\x07b"), Refused(400)),
    must("line-nul-in-target", "RFC 3986 section 2", _target(b"/a\x00b"), Refused(400)),
    info(
        "line-raw-8bit-target",
        "RFC 3986 section 2; h11 and llhttp refuse it too",
        _target(b"/caf\xc3\xa9"),
        Refused(400),
    ),
    must(
        "line-bare-cr-in-line", "RFC 9112 section 2.2", request(b"GET /\r HTTP/1.1"), Refused(400)
    ),
    must(
        "line-bare-lf-in-line", "RFC 9112 section 2.2", request(b"GET /\n HTTP/1.1"), Refused(400)
    ),
    should("line-relative-target", _TARGET, _target(b"a/b"), Refused(400)),
    should("line-empty-target", _TARGET, request(b"GET  HTTP/1.1"), Refused(400)),
    should("line-star-get", f"{_TARGET}.4", _target(b"*"), Refused(400)),
    must(
        "line-star-options",
        f"{_TARGET}.4; RFC 3875 section 4.1.5 (a PATH_INFO is empty or begins with `/`)",
        request(b"OPTIONS * HTTP/1.1"),
        Served(environ={"PATH_INFO": "", "REQUEST_URI": "*"}),
    ),
    should("line-authority-get", f"{_TARGET}.3", _target(b"test:80"), Refused(400)),
    must(
        "line-garbage-tls-hello",
        _LINE,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
        Refused(400),
    ),
    must("line-garbage-words", _LINE, b"hello server\r\n\r\n", Refused(400)),
    should(
        "line-leading-crlf",
        "RFC 9112 section 2.2",
        b"\r\n" + _target(b"/a"),
        Served(environ={"PATH_INFO": "/a"}),
    ),
    must(
        "target-absolute",
        "RFC 9112 section 3.2.2 (the target's host wins)",
        _target(b"http://other:81/a?b"),
        Served(
            environ={"PATH_INFO": "/a", "QUERY_STRING": "b", "HTTP_HOST": "other:81"},
        ),
    ),
    must(
        "target-absolute-no-path",
        "RFC 9112 section 3.2.2; RFC 9110 section 4.2.3",
        _target(b"HTTP://other?b"),
        Served(environ={"PATH_INFO": "/", "QUERY_STRING": "b", "HTTP_HOST": "other"}),
    ),
    must(
        "target-absolute-userinfo",
        "RFC 9110 section 4.2.4",
        _target(b"http://test@evil/"),
        Refused(400),
    ),
    should("target-absolute-ftp", "RFC 9110 section 4.2", _target(b"ftp://test/a"), Refused(400)),
    should(
        "target-connect",
        "RFC 9110 section 9.3.6; RFC 9112 section 3.2.3",
        request(b"CONNECT test:443 HTTP/1.1"),
        Refused(501),
    ),
    must(
        "path-double-slash",
        "RFC 3986 section 3.3 (a path, no authority)",
        _target(b"//evil/a"),
        Served(environ={"PATH_INFO": "//evil/a", "HTTP_HOST": "test"}),
    ),
    must(
        "path-dots",
        "RFC 3986 section 6.2.2.3 (the application decides; never a file of the server's)",
        _target(b"/a/../../b"),
        Served(environ={"PATH_INFO": "/a/../../b"}),
    ),
    must(
        "path-escapes",
        "PEP 3333, Unicode Issues; RFC 3875 section 4.1.5",
        _target(b"/caf%C3%A9/%2F?%2F"),
        Served(environ={"PATH_INFO": "/caf\xc3\xa9//", "QUERY_STRING": "%2F"}),
    ),
    must(
        "path-escape-broken",
        "RFC 3986 section 2.1 (left as it is, decoded once only)",
        _target(b"/%zz/%2541"),
        Served(environ={"PATH_INFO": "/%zz/%41"}),
    ),
    should("target-fragment", "RFC 9112 section 3.2.1", _target(b"/a#b"), Refused(400)),
)
