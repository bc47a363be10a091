"""When a connection goes on, when it ends, and what is said about it."""

from collections.abc import Iterable

from tests.abuse.case import Await, Case, Ending, Expected, Refused, Served, info, must, should
from tests.abuse.requests import get, post, request
from wiverno.core.wsgi_types import Environ, StartResponse

_PERSISTENCE = "RFC 9112 section 9.3"
_EXPECT = "RFC 9110 section 10.1.1"
_100 = b"Expect: 100-continue"
_CL_5 = b"Content-Length: 5"


def _tell_path(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]


def _leave_body(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"not read"]


def _get(path: bytes) -> bytes:
    return request(b"GET " + path + b" HTTP/1.1")


def _kept(connection: str | None) -> Served:
    return Served((Expected(headers={"connection": connection}),))


_CLOSED = Served((Expected(headers={"connection": "close"}),), then_closed=True)

CASES: tuple[Case, ...] = (
    should("keepalive-11", _PERSISTENCE, get(), _kept(None)),
    should(
        "keepalive-10",
        f"{_PERSISTENCE}, appendix C.2.2",
        request(b"GET / HTTP/1.0", b"Connection: Keep-Alive"),
        _kept("keep-alive"),
    ),
    must("close-10", _PERSISTENCE, request(b"GET / HTTP/1.0"), _CLOSED),
    must("close-11", "RFC 9112 section 9.6", get(b"Connection: close"), _CLOSED),
    must(
        "close-token-list",
        "RFC 9110 section 7.6.1 (a list, case-insensitive)",
        get(b"Connection: foo, Close"),
        _CLOSED,
    ),
    must(
        "close-second-field",
        "RFC 9110 section 5.3, 7.6.1",
        get(b"Connection: keep-alive", b"Connection: close"),
        _CLOSED,
    ),
    must(
        "close-is-a-token",
        "RFC 9110 section 7.6.1 (`closed` is another token)",
        get(b"Connection: closed"),
        _kept(None),
    ),
    should(
        "pipelining",
        "RFC 9112 section 9.3.2 (answered in order)",
        _get(b"/1") + _get(b"/2") + _get(b"/3"),
        Served((Expected(body=b"/1"), Expected(body=b"/2"), Expected(body=b"/3"))),
        application=_tell_path,
    ),
    must(
        "pipelining-behind-error",
        "RFC 9112 section 9.3.2; section 2.2",
        _get(b"/1") + b"garbage\r\n\r\n",
        Served((Expected(body=b"/1"), Expected(400)), then_closed=True),
        application=_tell_path,
    ),
    must(
        "pipelining-body-not-read",
        "RFC 9112 section 9.3 (the rest of a body is no request)",
        post(b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n", b"Content-Length: 31"),
        Served((Expected(body=b"not read"),)),
        application=_leave_body,
    ),
    should(
        "half-close",
        "RFC 9112 section 9.6; RFC 9293 section 3.6.1 (half-closed)",
        get(),
        Served((Expected(),), then_closed=True),
        ending=Ending.HALF_CLOSE,
    ),
    should(
        "half-close-in-head",
        "RFC 9112 section 8",
        b"GET / HTTP/1.1\r\nHost: te",
        Refused(0),
        ending=Ending.HALF_CLOSE,
    ),
    should(
        "half-close-silent",
        "RFC 9112 section 9.6",
        b"",
        Refused(0),
        ending=Ending.HALF_CLOSE,
    ),
    must(
        "expect-100",
        _EXPECT,
        (post(b"", _CL_5, _100), Await(b"HTTP/1.1 100 Continue\r\n\r\n"), b"hello"),
        Served(body=b"hello", interim=1),
    ),
    must(
        "expect-100-chunked",
        _EXPECT,
        (
            post(b"", b"Transfer-Encoding: chunked", _100),
            Await(b"HTTP/1.1 100 Continue\r\n\r\n"),
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
        Served(body=b"hello", interim=1),
    ),
    must(
        "expect-100-uppercase",
        f"{_EXPECT} (case-insensitive)",
        (
            post(b"", _CL_5, b"Expect: 100-CONTINUE"),
            Await(b"HTTP/1.1 100 Continue\r\n\r\n"),
            b"hello",
        ),
        Served(body=b"hello", interim=1),
    ),
    must(
        "expect-100-body-sent",
        f"{_EXPECT} (may be omitted when the body has begun)",
        post(b"hello", _CL_5, _100),
        Served(body=b"hello"),
    ),
    must("expect-100-no-body", f"{_EXPECT} (nothing to wait for)", get(_100), Served()),
    must(
        "expect-100-http10",
        f"{_EXPECT} (MUST ignore)",
        request(b"POST / HTTP/1.0", _CL_5, _100, b"Connection: keep-alive") + b"hello",
        Served(body=b"hello"),
    ),
    must(
        "expect-100-refused",
        f"{_EXPECT} (a final status instead)",
        post(b"", _CL_5, _100, b"Content-Length: 6"),
        Refused(400),
    ),
    should("expect-unknown", f"{_EXPECT} (417)", get(b"Expect: miracles"), Refused(417)),
    should(
        "version-answer",
        "RFC 9112 section 2.3; RFC 9110 section 6.2 (the version of the server)",
        request(b"GET / HTTP/1.0"),
        # That every answer begins with HTTP/1.1 is asserted where answers are read.
        Served((Expected(headers={"transfer-encoding": None}),), then_closed=True),
    ),
    info(
        "upgrade-ignored",
        "RFC 9110 section 7.8 (a server may ignore it)",
        get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA"),
        _kept(None),
    ),
)
