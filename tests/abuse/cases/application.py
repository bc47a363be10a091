"""Applications that break PEP 3333, and clients that count on what it promises."""

import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any
from wsgiref.validate import validator

from tests.abuse.case import Case, Ending, Expected, Refused, Served, must, should
from tests.abuse.requests import chunked, get, post, request
from wiverno.core.wsgi_types import Environ, HeaderList, StartResponse, WSGIApplication

_HEAD = request(b"HEAD / HTTP/1.1")
_SPLITTING = "RFC 9110 section 5.5; RFC 9112 section 11.1; PEP 3333, The start_response() Callable"
_NO_CONTENT = "RFC 9112 section 6.3 rule 1; RFC 9110 section 15.3.5"
_INPUT = "PEP 3333, Input and Error Streams"
_LENGTH = "PEP 3333, Handling the Content-Length Header"
_ITERABLE = "PEP 3333, Specification Details"


def _answers(
    body: Any, status: Any = "200 OK", headers: Any = (), *, is_list: bool = True
) -> WSGIApplication:
    """An application that gives what it should not: hence `Any`."""

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        given: HeaderList = list(headers) if is_list else headers
        start_response(status, given)
        result: Iterable[bytes] = body() if callable(body) else body
        return result

    return application


def _raises(error: BaseException) -> WSGIApplication:
    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise error

    return application


def _stream() -> Iterator[bytes]:
    yield b"hel"
    yield b""
    yield b"lo"


def _endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 1000


def _fails_at_once() -> Iterator[bytes]:
    raise ValueError("before the first piece")
    yield b""


def _fails_midstream() -> Iterator[bytes]:
    yield b"hello"
    raise ValueError("between two pieces")


class _FailsAtClose(list[bytes]):
    def close(self) -> None:
        raise ValueError("in close()")


def _twice(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    start_response("200 OK", [])
    return [b"hello"]


def _never(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return [b"hello"]


def _writes(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [])
    write(b"hel")
    return [b"lo"]


def _writes_text(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write: Callable[[Any], object] = start_response("200 OK", [])
    write("hello")
    return []


def _corrects_itself(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("X-A", "b"), ("Content-Length", "5")])
    try:
        next(_fails_at_once())
    except ValueError:
        start_response("503 Sorry", [], sys.exc_info())
    return [b"sorry"]


def _corrects_itself_too_late(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b"hello"
    try:
        next(_fails_at_once())
    except ValueError:
        start_response("503 Sorry", [], sys.exc_info())
    yield b"sorry"


def _clears_environ(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.input"].close()
    environ.clear()
    start_response("200 OK", [])
    return [b"hello"]


def _wraps_file(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](BytesIO(b"hello"), 2)
    return wrapped


def _read_with(read: Callable[[Any], bytes]) -> WSGIApplication:
    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [read(environ["wsgi.input"])]

    return application


def _read_all(stream: Any) -> bytes:
    return b"|".join((stream.read(), stream.read(), stream.readline(), *stream))


def _read_lines(stream: Any) -> bytes:
    first = stream.readline(2), stream.readline()
    return b"|".join((*first, next(iter(stream)), *stream.readlines(), stream.read(5)))


def _read_pieces(stream: Any) -> bytes:
    return b"|".join(iter(lambda: stream.read(4), b""))


def _checked(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.input"].read(5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def _failed(logged: str, **headers: None) -> Served:
    """The client gets a plain 500, the log the reason, and no other request is in danger."""
    absent = {name.replace("_", "-"): None for name in headers}
    return Served((Expected(500, headers=absent),), then_closed=True, logged=logged)


_INJECTED = Served(
    (Expected(500, headers={"x-injected": None}),), then_closed=True, logged="ResponseError"
)
_HELLO = Served((Expected(body=b"hello"),))

CASES: tuple[Case, ...] = (
    must(
        "head-no-body",
        "RFC 9110 section 9.3.2",
        _HEAD,
        Served((Expected(body=b"", headers={"content-length": "5"}),)),
        application=_answers([b"hello"]),
    ),
    must(
        "head-stream-no-body",
        "RFC 9110 section 9.3.2",
        _HEAD,
        Served((Expected(body=b"", headers={"content-length": None}),)),
        application=_answers(_stream),
    ),
    should(
        "head-keepalive",
        "RFC 9110 section 9.3.2; RFC 9112 section 9.3",
        _HEAD,
        Served((Expected(headers={"content-length": "5", "connection": None}),)),
        application=_answers([b""], headers=[("Content-Length", "5")]),
    ),
    should(
        "head-endless",
        "RFC 9110 section 9.3.2 (nobody waits for what is not sent)",
        _HEAD,
        Served((Expected(body=b""),)),
        application=_answers(_endless),
    ),
    must(
        "204-no-body",
        _NO_CONTENT,
        get(),
        Served((Expected(204, headers={"content-length": None, "transfer-encoding": None}),)),
        application=_answers([], "204 No Content"),
    ),
    must(
        "204-app-sends-body",
        _NO_CONTENT,
        get(),
        Served((Expected(204, headers={"content-length": None, "transfer-encoding": None}),)),
        application=_answers([b"body"], "204 No Content"),
    ),
    must(
        "204-app-streams-body",
        _NO_CONTENT,
        get(),
        Served((Expected(204, headers={"content-length": None, "transfer-encoding": None}),)),
        application=_answers(_stream, "204 No Content"),
    ),
    must(
        "204-app-content-length",
        "RFC 9110 section 8.6 (MUST NOT in a 204)",
        get(),
        Served((Expected(204, headers={"content-length": None}),)),
        application=_answers([b"body"], "204 No Content", [("Content-Length", "4")]),
    ),
    must(
        "304-app-sends-body",
        "RFC 9112 section 6.3 rule 1; RFC 9110 section 15.4.5",
        get(),
        Served((Expected(304, headers={"transfer-encoding": None}),)),
        application=_answers([b"body"], "304 Not Modified"),
    ),
    must(
        "resp-inject",
        _SPLITTING,
        get(),
        _INJECTED,
        application=_answers([b""], headers=[("X-A", "b\r\nX-Injected: c")]),
    ),
    must(
        "resp-inject-lf",
        _SPLITTING,
        get(),
        _INJECTED,
        application=_answers([b""], headers=[("X-A", "b\nX-Injected: c")]),
    ),
    must(
        "resp-inject-cr",
        _SPLITTING,
        get(),
        _INJECTED,
        application=_answers([b""], headers=[("X-A", "b\rX-Injected: c")]),
    ),
    must(
        "resp-inject-nul",
        _SPLITTING,
        get(),
        _failed("ResponseError", x_a=None),
        application=_answers([b""], headers=[("X-A", "b\0c")]),
    ),
    must(
        "resp-inject-name",
        _SPLITTING,
        get(),
        _INJECTED,
        application=_answers([b""], headers=[("X-A: b\r\nX-Injected", "c")]),
    ),
    must(
        "resp-inject-status",
        _SPLITTING,
        get(),
        _INJECTED,
        application=_answers([b""], "200 OK\r\nX-Injected: c"),
    ),
    must(
        "resp-inject-body",
        _SPLITTING,
        get(),
        _INJECTED,
        application=_answers([b""], headers=[("X-A", "b\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: c")]),
    ),
    must(
        "resp-name-no-token",
        "RFC 9110 section 5.1",
        get(),
        _failed("ResponseError", x_a=None),
        application=_answers([b""], headers=[("X-A ", "b")]),
    ),
    must(
        "resp-value-not-latin-1",
        "PEP 3333, Unicode Issues",
        get(),
        _failed("ResponseError", x_a=None),
        application=_answers([b""], headers=[("X-A", "\u20ac")]),
    ),
    must(
        "resp-value-bytes",
        "PEP 3333, The start_response() Callable",
        get(),
        _failed("ResponseError", x_a=None),
        application=_answers([b""], headers=[("X-A", b"b")]),
    ),
    should(
        "resp-headers-no-list",
        "PEP 3333, The start_response() Callable (a list)",
        get(),
        _failed("ResponseError", x_a=None),
        application=_answers([b""], headers=(("X-A", "b"),), is_list=False),
    ),
    should(
        "resp-header-no-pair",
        "PEP 3333, The start_response() Callable (pairs)",
        get(),
        _failed("failed at"),
        application=_answers([b""], headers=["X-A: b"]),
    ),
    must(
        "resp-content-length-twice",
        "RFC 9112 section 6.3 rule 5",
        get(),
        _failed("ResponseError"),
        application=_answers([b"a"], headers=[("Content-Length", "1"), ("Content-length", "2")]),
    ),
    must(
        "resp-content-length-minus",
        "RFC 9110 section 8.6",
        get(),
        _failed("ResponseError"),
        application=_answers([b"a"], headers=[("Content-Length", "-1")]),
    ),
    must("app-ok", _ITERABLE, get(), _HELLO, application=_answers([b"hello"])),
    must(
        "app-stream",
        "RFC 9112 section 7.1",
        get(),
        Served((Expected(body=b"hello", headers={"transfer-encoding": "chunked"}),)),
        application=_answers(_stream),
    ),
    must(
        "app-stream-10",
        "RFC 9112 section 6.1 (no chunks to HTTP/1.0), 6.3 rule 8",
        request(b"GET / HTTP/1.0", b"Connection: keep-alive"),
        Served((Expected(body=b"hello", headers={"transfer-encoding": None}),), then_closed=True),
        application=_answers(_stream),
    ),
    must(
        "app-raise",
        "PEP 3333, Error Handling",
        get(),
        _failed("ValueError: first thing"),
        application=_raises(ValueError("first thing")),
    ),
    should(
        "app-raise-iter0",
        "PEP 3333, Error Handling (the head waits for the first piece)",
        get(),
        _failed("ValueError: before the first piece"),
        application=_answers(_fails_at_once),
    ),
    must(
        "app-raise-midstream",
        "RFC 9112 section 8 (a cut answer must look cut)",
        get(),
        Served(
            (Expected(body=b"hello", is_whole=False),),
            then_closed=True,
            logged="ValueError: between two pieces",
        ),
        application=_answers(_fails_midstream),
    ),
    must(
        "app-raise-midstream-length",
        "RFC 9112 section 8",
        get(),
        Served(
            (Expected(body=b"hello", is_whole=False),),
            then_closed=True,
            logged="ValueError: between two pieces",
        ),
        application=_answers(_fails_midstream, headers=[("Content-Length", "10")]),
    ),
    should(
        "app-raise-close",
        f"{_ITERABLE} (close())",
        get(),
        Served((Expected(body=b"hello"),), logged="ValueError: in close()"),
        application=_answers(_FailsAtClose([b"hello"])),
    ),
    must(
        "app-twice",
        "PEP 3333, The start_response() Callable (fatal without exc_info)",
        get(),
        _failed("ResponseError"),
        application=_twice,
    ),
    must(
        "app-exc-info",
        "PEP 3333, The start_response() Callable (exc_info replaces the head)",
        get(),
        Served((Expected(503, b"sorry", {"x-a": None, "content-length": "5"}),)),
        application=_corrects_itself,
    ),
    must(
        "app-exc-info-late",
        "PEP 3333, The start_response() Callable (raised when the head is out)",
        get(),
        Served(
            (Expected(200, b"hello", is_whole=False),),
            then_closed=True,
            logged="ValueError: before the first piece",
        ),
        application=_corrects_itself_too_late,
    ),
    must("app-nosr", _ITERABLE, get(), _failed("ResponseError"), application=_never),
    must("app-none", _ITERABLE, get(), _failed("TypeError"), application=_answers(None)),
    must("app-int", _ITERABLE, get(), _failed("TypeError"), application=_answers(5)),
    must(
        "app-str-items",
        f"{_ITERABLE} (bytestrings)",
        get(),
        _failed("ResponseError"),
        application=_answers(["hello"]),
    ),
    must(
        "app-str",
        f"{_ITERABLE} (bytestrings)",
        get(),
        _failed("failed at"),
        application=_answers("hello"),
    ),
    should(
        "app-badstatus",
        "PEP 3333, The start_response() Callable ('999 Message here')",
        get(),
        _failed("ResponseError"),
        application=_answers([b"hello"], "fine"),
    ),
    should(
        "app-badstatus-int",
        "PEP 3333, The start_response() Callable",
        get(),
        _failed("ResponseError"),
        application=_answers([b"hello"], 200),
    ),
    should(
        "app-badstatus-100",
        "RFC 9110 section 15.2 (no final answer)",
        get(),
        _failed("ResponseError"),
        application=_answers([b"hello"], "100 Continue"),
    ),
    should(
        "app-sysexit",
        "PEP 3333, Error Handling; own (a view does not end the server)",
        get(),
        _failed("SystemExit"),
        application=_raises(SystemExit(3)),
    ),
    should(
        "app-kbint",
        "PEP 3333, Error Handling; own (as above)",
        get(),
        _failed("KeyboardInterrupt"),
        application=_raises(KeyboardInterrupt()),
    ),
    should(
        "app-generator-exit",
        "PEP 3333, Error Handling; own (as above)",
        get(),
        _failed("GeneratorExit"),
        application=_raises(GeneratorExit()),
    ),
    should(
        "app-clears-environ",
        "PEP 3333, environ Variables (may be modified in any way)",
        get(),
        _HELLO,
        application=_clears_environ,
    ),
    should(
        "app-hop-by-hop",
        "PEP 3333, Other HTTP Features; RFC 9110 section 7.6.1",
        get(),
        _failed("ResponseError", keep_alive=None),
        application=_answers([b"hello"], headers=[("Keep-Alive", "timeout=5")]),
    ),
    must(
        "app-transfer-encoding",
        "PEP 3333, Other HTTP Features; RFC 9112 section 6.1",
        get(),
        _failed("ResponseError", transfer_encoding=None),
        application=_answers([b"hello"], headers=[("Transfer-Encoding", "chunked")]),
    ),
    must(
        "app-cl-too-long",
        _LENGTH,
        get(),
        Served((Expected(body=b"hello"),), logged="6 bytes beyond Content-Length were cut"),
        application=_answers([b"hello world"], headers=[("Content-Length", "5")]),
    ),
    must(
        "app-cl-too-long-stream",
        _LENGTH,
        get(),
        Served((Expected(body=b"hell"),), logged="1 bytes beyond Content-Length were cut"),
        application=_answers(_stream, headers=[("Content-Length", "4")]),
    ),
    must(
        "app-cl-too-short",
        f"{_LENGTH}; RFC 9112 section 8",
        get(),
        Served(
            (Expected(body=b"hello", is_whole=False),), then_closed=True, logged="lacks 5 bytes"
        ),
        application=_answers([b"hello"], headers=[("Content-Length", "10")]),
    ),
    must(
        "app-cl-zero-with-body",
        _LENGTH,
        get(),
        Served((Expected(body=b""),), logged="5 bytes beyond Content-Length were cut"),
        application=_answers([b"hello"], headers=[("Content-Length", "0")]),
    ),
    must("app-write", "PEP 3333, The write() Callable", get(), _HELLO, application=_writes),
    must(
        "app-write-str",
        "PEP 3333, The write() Callable (bytestrings)",
        get(),
        _failed("ResponseError"),
        application=_writes_text,
    ),
    must(
        "app-file-wrapper",
        "PEP 3333, Optional Platform-Specific File Handling",
        get(),
        _HELLO,
        application=_wraps_file,
    ),
    must(
        "app-validator",
        "PEP 3333; wsgiref.validate",
        post(b"hello", b"Content-Length: 5"),
        _HELLO,
        application=validator(_checked),
    ),
    must(
        "input-read-all",
        f"{_INPUT} (the end of the body is the end of the file)",
        post(b"a\nb", b"Content-Length: 3"),
        Served((Expected(body=b"a\nb||"),)),
        application=_read_with(_read_all),
    ),
    must(
        "input-read-all-chunked",
        f"{_INPUT}; wsgi.input_terminated",
        chunked(b"3\r\na\nb\r\n0\r\n\r\n"),
        Served((Expected(body=b"a\nb||"),)),
        application=_read_with(_read_all),
    ),
    must(
        "input-read-none",
        f"{_INPUT}",
        get(),
        Served((Expected(body=b"||"),)),
        application=_read_with(_read_all),
    ),
    must(
        "input-lines",
        f"{_INPUT} (readline(), readlines(), iteration)",
        post(b"one\ntwo\nthree\nfour", b"Content-Length: 18"),
        Served((Expected(body=b"on|e\n|two\n|three\n|four|"),)),
        application=_read_with(_read_lines),
    ),
    must(
        "input-pieces",
        _INPUT,
        post(b"123456789", b"Content-Length: 9"),
        Served((Expected(body=b"1234|5678|9"),)),
        application=_read_with(_read_pieces),
    ),
    should(
        "body-cut-close",
        "RFC 9112 section 8 (never handed over as if it were whole)",
        post(b"hello", b"Content-Length: 10"),
        Refused(0),
        ending=Ending.HALF_CLOSE,
    ),
)
