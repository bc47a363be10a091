"""Two readings of where a request ends: the second reader is given a request of its own."""

from tests.abuse.case import Case, Refused, Served, info, must, should
from tests.abuse.requests import chunked, post, request

_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
_CL_5 = b"Content-Length: 5"
_TE = b"Transfer-Encoding: chunked"
_HELLO = Served(body=b"hello", environ={"CONTENT_LENGTH": "5"})

# RFC 9112 section 6.3, rule 5: an invalid Content-Length is unrecoverable.
_CL = "RFC 9112 section 6.3 rule 5; RFC 9110 section 8.6"
# Rule 4: what does not end with `chunked`, exactly once, has no length that can be known.
_CODING = "RFC 9112 section 6.3 rule 4, section 6.1"


def _length(value: bytes, body: bytes = b"hello") -> bytes:
    return post(body, b"Content-Length: " + value)


def _coding(value: bytes) -> bytes:
    return post(_CHUNKS, b"Transfer-Encoding: " + value)


CASES: tuple[Case, ...] = (
    must("cl-ok", "RFC 9112 section 6.2", _length(b"5"), _HELLO),
    must(
        "cl-zero",
        "RFC 9112 section 6.2",
        _length(b"0", b""),
        Served(body=b"", environ={"CONTENT_LENGTH": "0"}),
    ),
    must("cl-none", "RFC 9112 section 6.3 rule 7", post(b""), Served(body=b"")),
    must(
        "cl-leading-zeros",
        "RFC 9110 section 8.6 (1*DIGIT)",
        _length(b"0005"),
        Served(body=b"hello"),
    ),
    must(
        "cl-space-around",
        "RFC 9112 section 5 (OWS around a value)",
        post(b"hello", b"Content-Length: \t 5 \t "),
        _HELLO,
    ),
    must(
        "cl-te",
        "RFC 9112 section 6.3 rule 3, section 11.2",
        post(_CHUNKS, _CL_5, _TE),
        Refused(400),
    ),
    must(
        "te-cl",
        "RFC 9112 section 6.3 rule 3, section 11.2",
        post(_CHUNKS, _TE, b"Content-Length: 15"),
        Refused(400),
    ),
    must(
        "te-cl-space",
        "RFC 9112 section 5.1; CVE-2019-16869",
        post(_CHUNKS, _CL_5, b"Transfer-Encoding : chunked"),
        Refused(400),
    ),
    must("cl-dup-conflict", _CL, post(b"hello!", _CL_5, b"Content-Length: 6"), Refused(400)),
    info("cl-dup-same", _CL, post(b"hello", _CL_5, _CL_5), Refused(400)),
    must("cl-list-conflict", _CL, _length(b"5, 6"), Refused(400)),
    info("cl-list-same", _CL, _length(b"5, 5"), Refused(400)),
    must("cl-minus", _CL, _length(b"-1"), Refused(400)),
    must("cl-minus0", _CL, _length(b"-0", b""), Refused(400)),
    must("cl-plus", f"{_CL}; CVE-2022-24801", _length(b"+5"), Refused(400)),
    must("cl-underscore", f"{_CL} (int() takes 0_5)", _length(b"0_5"), Refused(400)),
    must("cl-hex", _CL, _length(b"0x5"), Refused(400)),
    must("cl-float", _CL, _length(b"5.0"), Refused(400)),
    must("cl-space-in", f"{_CL}; CVE-2018-7159", _length(b"0 5"), Refused(400)),
    must("cl-word", _CL, _length(b"five"), Refused(400)),
    must("cl-empty", _CL, _length(b"", b""), Refused(400)),
    should(
        "cl-huge",
        "RFC 9110 section 8.6 (anticipate large numbers), 15.5.14",
        _length(b"9" * 400, b""),
        Refused(413),
    ),
    must(
        "cl-unicode-digit",
        f"{_CL} (isdigit() takes superscripts and other scripts)",
        _length(b"\xb2", b"he"),
        Refused(400),
    ),
    must("cl-arabic-digit", f"{_CL} (as above)", _length("\u0665".encode()), Refused(400)),
    must("cl-comma", _CL, _length(b"5,"), Refused(400)),
    must("cl-other-name", "RFC 9110 section 5.1", post(b"", b"X-Content-Length: 5"), Served()),
    must("te-xchunked", _CODING, _coding(b"xchunked"), Refused(400)),
    must(
        "te-chunked-not-last",
        _CODING,
        _coding(b"chunked, gzip"),
        Refused(400),
    ),
    should("te-double-chunked", _CODING, _coding(b"chunked, chunked"), Refused(400)),
    must("te-two-fields", _CODING, post(_CHUNKS, _TE, _TE), Refused(400)),
    must(
        "te-two-fields-identity",
        _CODING,
        post(_CHUNKS, _TE, b"Transfer-Encoding: identity"),
        Refused(400),
    ),
    must(
        "te-identity-chunked-identity",
        _CODING,
        _coding(b"identity, chunked, identity"),
        Refused(400),
    ),
    must("te-identity", _CODING, _coding(b"identity"), Refused(400)),
    must("te-quoted", _CODING, _coding(b'"chunked"'), Refused(400)),
    must(
        "te-vtab",
        "RFC 9110 section 5.5, 5.6.3 (VT is no white space); CVE-2019-18277",
        _coding(b"\x0bchunked"),
        Refused(400),
    ),
    must("te-nul", "RFC 9110 section 5.5", _coding(b"chunked\x00"), Refused(400)),
    must("te-unknown", _CODING, _coding(b"unknown"), Refused(400)),
    must(
        "te-cr-inside",
        "RFC 9112 section 2.2 (bare CR)",
        _coding(b"chun\rked"),
        Refused(400),
    ),
    must(
        "te-cow",
        _CODING,
        _coding(b"cow"),
        Refused(400),
    ),
    must("te-empty", _CODING, _coding(b""), Refused(400)),
    must("te-comma-only", _CODING, _coding(b",chunked"), Refused(400)),
    must("te-parameter", _CODING, _coding(b"chunked;a=b"), Refused(400)),
    must("te-nbsp", "RFC 9110 section 5.6.3", _coding(b"\xa0chunked"), Refused(400)),
    must(
        "te-newline-value",
        "RFC 9112 section 5.2; CVE-2022-32215",
        _coding(b"\r\n chunked"),
        Refused(400),
    ),
    must(
        "te-underscore",
        "RFC 3875 section 4.1.18 (one key for both spellings)",
        post(b"", b"Transfer_Encoding: chunked"),
        Served(body=b"", environ={"HTTP_TRANSFER_ENCODING": None}),
    ),
    must(
        "te-uppercase",
        "RFC 9112 section 7 (coding names are case-insensitive)",
        _coding(b"CHUNKED"),
        Served(body=b"hello"),
    ),
    must(
        "te-tab-around",
        "RFC 9112 section 5 (OWS around a value)",
        post(_CHUNKS, b"Transfer-Encoding:\tchunked\t"),
        Served(body=b"hello"),
    ),
    should(
        "te-gzip-chunked", "RFC 9112 section 6.1 (501)", _coding(b"gzip, chunked"), Refused(501)
    ),
    must(
        "te-http10",
        "RFC 9112 section 6.1 (faulty in HTTP/1.0)",
        request(b"POST / HTTP/1.0", _TE, b"Connection: keep-alive") + _CHUNKS,
        Refused(400),
    ),
    must(
        "get-with-body",
        "RFC 9110 section 9.3.1 (framed like any other)",
        request(b"GET / HTTP/1.1", _CL_5) + b"hello",
        Served(body=b"hello"),
    ),
    must(
        "te-application-sees-length",
        "PEP 3333, environ Variables; wsgi.input_terminated",
        chunked(_CHUNKS),
        Served(body=b"hello", environ={"CONTENT_LENGTH": "5", "HTTP_TRANSFER_ENCODING": None}),
    ),
)
