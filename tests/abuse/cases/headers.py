"""Fields that one reader drops, joins or splits and the other does not."""

from tests.abuse.case import Case, Refused, Served, info, must, should
from tests.abuse.requests import get, post

_NAME = "RFC 9110 section 5.1, 5.6.2 (token)"
_VALUE = "RFC 9110 section 5.5"
_HOST = "RFC 9112 section 3.2"
_SPELLING = "RFC 3875 section 4.1.18 (one key for `-` and `_`)"


def _host(value: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost:" + value + b"\r\n\r\n"


CASES: tuple[Case, ...] = (
    must("hdr-ok", "RFC 9112 section 5", get(b"X-A: b"), Served(environ={"HTTP_X_A": "b"})),
    must(
        "hdr-empty-value",
        _VALUE,
        get(b"X-A:", b"X-B: \t"),
        Served(environ={"HTTP_X_A": "", "HTTP_X_B": ""}),
    ),
    must(
        "hdr-colon-in-value",
        "RFC 9112 section 5",
        get(b"X-A: b:c: d"),
        Served(environ={"HTTP_X_A": "b:c: d"}),
    ),
    must("hdr-no-space", "RFC 9112 section 5", get(b"X-A:b"), Served(environ={"HTTP_X_A": "b"})),
    must("hdr-tab-in-value", _VALUE, get(b"X-A: b\tc"), Served(environ={"HTTP_X_A": "b\tc"})),
    must(
        "hdr-token-name",
        _NAME,
        get(b"X!#$%&'*+-.^`|~9: b"),
        Served(environ={"HTTP_X!#$%&'*+_.^`|~9": "b"}),
    ),
    should(
        "hdr-bare-lf-injected",
        "RFC 9112 section 2.2 (may be taken as an end, so that readers differ)",
        get(b"X-A: b\nX-Injected: c"),
        Refused(400),
    ),
    should("hdr-bare-lf-all", "RFC 9112 section 2.2", b"GET / HTTP/1.1\nHost: a\n\n", Refused(400)),
    must(
        "hdr-bare-cr-in-value",
        "RFC 9112 section 2.2; RFC 9110 section 5.5",
        get(b"X-A: b\rX-Injected: c"),
        Refused(400),
    ),
    must("hdr-bare-cr-as-end", "RFC 9112 section 2.2", get(b"X-A: b\r\rX-B: c"), Refused(400)),
    must("hdr-nul-in-value", _VALUE, get(b"X-A: b\x00c"), Refused(400)),
    should("hdr-ctl-bel", _VALUE, get(b"X-A: b\x07c"), Refused(400)),
    should("hdr-ctl-del", _VALUE, get(b"X-A: b\x7fc"), Refused(400)),
    must("hdr-nul-in-name", _NAME, get(b"X-\x00A: b"), Refused(400)),
    must("hdr-space-in-name", _NAME, get(b"X A: b"), Refused(400)),
    must("hdr-space-before-colon", "RFC 9112 section 5.1", get(b"X-A : b"), Refused(400)),
    must("hdr-tab-before-colon", "RFC 9112 section 5.1", get(b"X-A\t: b"), Refused(400)),
    must("hdr-no-colon", "RFC 9112 section 5", get(b"X-A b"), Refused(400)),
    must("hdr-empty-name", _NAME, get(b": b"), Refused(400)),
    must("hdr-bad-char-name", _NAME, get(b"X(A): b"), Refused(400)),
    must("hdr-nonascii-name", _NAME, get(b"X-\xc3\xa9: b"), Refused(400)),
    must("hdr-fullwidth-hyphen", _NAME, get("Content\uff0dLength: 5".encode()), Refused(400)),
    must(
        "hdr-leading-space-first",
        "RFC 9112 section 2.2 (white space before the first field)",
        b"GET / HTTP/1.1\r\n X-A: b\r\nHost: test\r\n\r\n",
        Refused(400),
    ),
    must("hdr-obs-fold", "RFC 9112 section 5.2", get(b"X-A: b", b" c"), Refused(400)),
    must("hdr-obs-fold-tab", "RFC 9112 section 5.2", get(b"X-A: b", b"\tc"), Refused(400)),
    must("hdr-host-dup", _HOST, get(b"Host: evil"), Refused(400)),
    must("hdr-host-dup-same", _HOST, get(b"Host: test"), Refused(400)),
    must("hdr-host-missing", _HOST, b"GET / HTTP/1.1\r\nX-A: b\r\n\r\n", Refused(400)),
    must("hdr-host-bad", _HOST, _host(b" a/b"), Refused(400)),
    must("hdr-host-list", _HOST, _host(b" a, b"), Refused(400)),
    must("hdr-host-userinfo", f"{_HOST}; RFC 9110 section 7.2", _host(b" u@evil"), Refused(400)),
    must("hdr-host-space", _HOST, _host(b" a b"), Refused(400)),
    must("hdr-host-port-word", _HOST, _host(b" a:http"), Refused(400)),
    must("hdr-host-ipv6-open", f"{_HOST}; RFC 3986 section 3.2.2", _host(b" [::1"), Refused(400)),
    must(
        "hdr-host-ipv6",
        f"{_HOST}; RFC 3986 section 3.2.2",
        _host(b" [::1]:8000"),
        Served(environ={"HTTP_HOST": "[::1]:8000"}),
    ),
    must(
        "hdr-host-empty",
        f"{_HOST} (empty where the target has no authority)",
        _host(b""),
        Served(environ={"HTTP_HOST": ""}),
    ),
    must(
        "hdr-host-missing-10",
        f"{_HOST} (asked of HTTP/1.1 only)",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        Served(environ={"HTTP_HOST": None}),
    ),
    should(
        "hdr-content-type-dup",
        "RFC 9110 section 5.3, 8.3 (no list)",
        post(b"", b"Content-Type: text/plain", b"Content-Type: text/html"),
        Refused(400),
    ),
    should(
        "hdr-underscore-spoof",
        f"{_SPELLING}; CVE-2015-0219",
        get(b"X_Real_IP: 6.6.6.6", b"X-Real-IP: 1.2.3.4"),
        Served(environ={"HTTP_X_REAL_IP": "1.2.3.4"}),
    ),
    should(
        "hdr-underscore-alone",
        f"{_SPELLING}; CVE-2015-0219",
        get(b"X_Real_IP: 6.6.6.6"),
        Served(environ={"HTTP_X_REAL_IP": None}),
    ),
    must(
        "hdr-underscore-cl",
        _SPELLING,
        post(b"", b"Content_Length: 5"),
        Served(body=b"", environ={"CONTENT_LENGTH": None, "HTTP_CONTENT_LENGTH": None}),
    ),
    info(
        "hdr-proxy-httpoxy",
        "CVE-2016-5385, CVE-2016-1000110",
        get(b"Proxy: http://evil/", b"PROXY: http://evil/", b"pRoXy: http://evil/"),
        Served(environ={"HTTP_PROXY": None}),
    ),
    must(
        "hdr-dup-join",
        "RFC 9110 section 5.3; RFC 3875 section 4.1.18",
        get(b"X-A: b", b"x-a: c"),
        Served(environ={"HTTP_X_A": "b, c"}),
    ),
    should(
        "hdr-cookie-join",
        "RFC 6265 section 5.4; RFC 9113 section 8.2.3",
        get(b"Cookie: a=b", b"Cookie: c=d"),
        Served(environ={"HTTP_COOKIE": "a=b; c=d"}),
    ),
    must(
        "hdr-obs-text",
        f"{_VALUE} (obs-text is opaque); PEP 3333, Unicode Issues",
        get(b"X-A: caf\xc3\xa9 \xff"),
        Served(environ={"HTTP_X_A": "caf\xc3\xa9 \xff"}),
    ),
    must(
        "hdr-wsgi-key",
        "PEP 3333, environ Variables (a client names HTTP_ keys only)",
        get(b"wsgi.input: a", b"REMOTE_ADDR: 6.6.6.6", b"Remote-Addr: 6.6.6.6"),
        Served(environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_REMOTE_ADDR": "6.6.6.6"}),
    ),
)
