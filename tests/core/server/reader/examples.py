"""Requests that the reader must refuse or accept, one per rule of RFC 9110 and 9112.

The differential test and the fuzzer begin from them, too.
"""

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


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
    "xchunked": (with_field(b"Transfer-Encoding: xchunked"), 501),
    "chunked, identity": (with_field(b"Transfer-Encoding: chunked, identity"), 501),
    "chunked twice": (
        with_field(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        400,
    ),
    "chunked, chunked": (with_field(b"Transfer-Encoding: chunked, chunked"), 501),
    "chunked quoted": (with_field(b'Transfer-Encoding: "chunked"'), 501),
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
