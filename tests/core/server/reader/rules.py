"""Every way in which wiverno reads other than h11 and httptools, and why. Data only.

`docs/request-reader.md` is made of this; a difference without a rule fails the tests, and so
does a rule without a difference.
"""

import re
from dataclasses import dataclass

from tests.core.server.reader.differences import Difference, Side, differences_of
from tests.core.server.reader.examples import CHUNKED, POST, with_field

H11, HTTPTOOLS = "h11", "httptools"
BOTH = (H11, HTTPTOOLS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of difference. `subject` and `source` are patterns that have to be found."""

    name: str
    side: Side
    peers: tuple[str, ...]
    # `Difference.subject`: the reason of the refusal, or what is told otherwise.
    subject: str
    section: str
    why: str
    # Each shows the difference to one or more of the peers, and all peers are shown.
    examples: tuple[bytes, ...]
    # In the bytes of the request, where the subject alone would say too little.
    source: bytes = b""

    def covers(self, difference: Difference) -> bool:
        """Is the difference of this kind?"""
        return (
            difference.side is self.side
            and difference.peer in self.peers
            and re.search(self.subject, difference.subject) is not None
            and re.search(self.source, difference.source, re.S) is not None
        )


def _line(line: bytes) -> bytes:
    return line + b"\r\nHost: a\r\n\r\n"


def _stricter(
    name: str, peers: tuple[str, ...], subject: str, section: str, why: str, *examples: bytes
) -> Rule:
    return Rule(name, Side.STRICTER, peers, subject, section, why, examples)


REQUEST_LINE = [
    _stricter(
        "Control characters, a bare CR or LF anywhere in head, chunk line or trailer",
        BOTH,
        "^A control character",
        "9112 2.2, 9110 5.5",
        "A proxy that ends a line elsewhere sees another request.",
        b"GET / HTTP/1.1\nHost: a\n\n",
        with_field(b"A: b\x07"),
        b"\n" + with_field(b"A: b"),
    ),
    Rule(
        "A fragment in the target",
        Side.STRICTER,
        BOTH,
        "^The request line is not",
        "9112 3.2",
        "Clients keep fragments to themselves; a router could match what a proxy did not.",
        (_line(b"GET /#a HTTP/1.1"),),
        source=rb"^(\r\n)*[^\r]*#",
    ),
    _stricter(
        "A request line without version, with several spaces, or with letters that are not `HTTP`",
        (HTTPTOOLS,),
        "^The request line is not",
        "9112 3",
        "It is three words with one space between them, and the last begins with `HTTP/`.",
        _line(b"GET /"),
        _line(b"GET  / HTTP/1.1"),
        _line(b"OPTIONS / RTSP/1.0"),
    ),
    _stricter(
        "A version other than 1.0 and 1.1: 505",
        BOTH,
        "^This server speaks",
        "9110 15.6.6",
        "What is framed by other rules must not be framed by ours.",
        _line(b"GET / HTTP/1.2"),
        _line(b"GET / HTTP/2.0"),
        _line(b"GET / HTTP/0.9"),
    ),
    _stricter(
        "A target that is neither a path nor an `http` URL, or `*` without OPTIONS",
        BOTH,
        "^The request target is neither",
        "9112 3.2",
        "An origin server has no other targets; user info is a way to fake hosts.",
        _line(b"GET * HTTP/1.1"),
        _line(b"GET ftp://a/ HTTP/1.1"),
        _line(b"GET http://u@a/ HTTP/1.1"),
        _line(b"GET a HTTP/1.1"),
    ),
    _stricter(
        "CONNECT: 501",
        BOTH,
        "^CONNECT asks",
        "9110 9.3.6",
        "Behind it comes another protocol; this server is no proxy.",
        _line(b"CONNECT a:443 HTTP/1.1"),
    ),
]

FIELDS = [
    _stricter(
        "HTTP/1.1 without Host",
        (HTTPTOOLS,),
        "^The field 'host' is missing",
        "9112 3.2",
        "The RFC demands a 400.",
        b"GET / HTTP/1.1\r\n\r\n",
    ),
    _stricter(
        "A Host that is no host and port",
        BOTH,
        "^The field 'host' is no host",
        "9112 3.2",
        "The RFC demands a 400: links and caches are made of it.",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    ),
    _stricter(
        "Host or Transfer-Encoding twice",
        (HTTPTOOLS,),
        "^More than one field '(host|transfer-encoding)'",
        "9112 3.2, 6.1",
        "A proxy may go by the other one.",
        with_field(b"Host: b"),
        POST + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    _stricter(
        "Content-Length twice, or a list, even of equal numbers",
        (H11,),
        "^(More than one field 'content-length'|Content-Length is not a number)",
        "9112 6.3",
        "The RFC allows to refuse it. No sound client sends it.",
        with_field(b"Content-Length: 0\r\nContent-Length: 0"),
        with_field(b"Content-Length: 0,0"),
    ),
    _stricter(
        "Content-Type or Expect twice",
        BOTH,
        "^More than one field '(content-type|expect)'",
        "9110 5.3",
        "A WSGI environ would join them to one that nobody sent.",
        with_field(b"Content-Type: a/b\r\nContent-Type: c/d"),
    ),
    _stricter(
        "A folded field",
        (H11,),
        "^A header field is not",
        "9112 5.2",
        "The RFC lets a server refuse folding; a proxy may take it for a field of its own.",
        with_field(b"A: b\r\n c"),
        CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n",
    ),
    _stricter(
        "An expectation other than 100-continue: 417",
        BOTH,
        "^The only expectation",
        "9110 10.1.1",
        "The RFC names the status; the parsers leave it to the server.",
        with_field(b"Expect: coffee"),
    ),
]

FRAMING = [
    Rule(
        "What is wrong in a body that follows `Connection: upgrade`",
        Side.STRICTER,
        (HTTPTOOLS,),
        "^(A chunk|A header field|A line in|A control|Too many|The field '.*' is a trailer)",
        "9110 7.8",
        "The body is read, see below; httptools takes it for another protocol.",
        (CHUNKED[:-2] + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n0\r\nabc\r\n\r\n",),
        source=rb"(?i:\r\nUpgrade[ \t]*:).*\r\n\r\n",
    ),
    _stricter(
        "Content-Length beside Transfer-Encoding",
        (H11,),
        "^Both Content-Length and",
        "9112 6.3",
        "The plainest form of request smuggling.",
        CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    ),
    _stricter(
        "Transfer-Encoding with HTTP/1.0",
        BOTH,
        "^Transfer-Encoding needs HTTP/1.1",
        "9112 6.1",
        "A proxy that speaks 1.0 does not know where such a request ends.",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    _stricter(
        "Transfer codings other than `chunked` alone",
        (HTTPTOOLS,),
        "^(The only transfer coding|Transfer-Encoding does not end)",
        "9112 6.1",
        "An application would get the body still encoded.",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    _stricter(
        "A chunk size of more than 16 digits, with space behind it, or with extensions that "
        "are not `;name=value`",
        BOTH,
        "^A chunk does not begin",
        "9112 7.1",
        "What follows the size is where parsers disagree most.",
        CHUNKED + b"00000000000000000\r\n\r\n",
        CHUNKED + b"0 \r\n\r\n",
        CHUNKED + b"0;\xe9\r\n\r\n",
    ),
    _stricter(
        "A trailer that frames, routes or describes the request",
        BOTH,
        "^The field '.*' is a trailer",
        "9110 6.5.1",
        "It comes too late to be obeyed, and may fool who looks at it.",
        CHUNKED + b"0\r\nHost: b\r\n\r\n",
    ),
    _stricter(
        "What exceeds a limit: 413, 414 or 431; 400 for empty lines and chunk lines",
        BOTH,
        "^(The request line exceeds|The request head is larger|More than \\d+ fields"
        "|The body is larger|A line in the chunked body exceeds|Too many)",
        "9112 3, 9110 15.5.14",
        "The parsers leave most limits to the server.",
        with_field(b"\r\n".join([b"A: b"] * 100)),
        b"\r\n" * 5 + with_field(b"A: b"),
        _line(b"GET /" + b"a" * 9000 + b" HTTP/1.1"),
        with_field(b"A: " + b"b" * 70_000),
        with_field(b"Content-Length: 10737418240"),
        CHUNKED + b"0;a=" + b"a" * 256 + b"\r\n\r\n",
        CHUNKED + b"0\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
    ),
]

OTHERWISE = [
    Rule(
        "Names with an underscore, and `Proxy`, are left out",
        Side.OTHER,
        BOTH,
        "^left out: (.*_.*|proxy)$",
        "3875 4.1.18",
        "In a WSGI environ they would pass for `X-Real-IP` or the setting HTTP_PROXY.",
        (with_field(b"X_Real_IP: 1"), with_field(b"Proxy: b")),
    ),
    Rule(
        "The host of an absolute target takes the place of the field Host",
        Side.OTHER,
        BOTH,
        "^value of host$",
        "9112 3.2.2",
        "The RFC demands it; the parsers leave it to the server.",
        (_line(b"GET http://b/ HTTP/1.1"),),
        source=rb"^(\r\n)*[^ ]+ (?i:https?)://",
    ),
    Rule(
        "`Connection: upgrade` with a body: the body is read",
        Side.OTHER,
        (HTTPTOOLS,),
        "^(body|end)$",
        "9110 7.8",
        "A server may ignore Upgrade, and this one does; httptools stops before the body.",
        (
            POST + b"Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\nhello",
            POST + b"Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 500\r\n\r\nhello",
        ),
        source=rb"(?i:\r\nUpgrade[ \t]*:)",
    ),
    Rule(
        "HTTP/1.0 with `Connection: keep-alive` is kept open",
        Side.OTHER,
        (H11,),
        "^keep_alive: True$",
        "9112 9.3",
        "The RFC allows it, and `ab -k` needs it; httptools does the same.",
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",),
        source=rb"^(\r\n)*[^\r]* HTTP/1\.0\r\n",
    ),
    Rule(
        "`Proxy-Connection` is a field like any other",
        Side.OTHER,
        (HTTPTOOLS,),
        "^keep_alive: (True|False)$",
        "9112 C.2.2",
        "The RFC names no such field; httptools takes it for Connection.",
        (with_field(b"Proxy-Connection: close"),),
        source=rb"(?i:\r\nProxy-Connection:)",
    ),
    Rule(
        "The value of Transfer-Encoding is told as it was sent",
        Side.OTHER,
        (H11,),
        "^value of transfer-encoding$",
        "9112 7",
        "h11 turns it to lower case. Both read it in either case.",
        (POST + b"Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",),
        source=rb"(?i:\r\nTransfer-Encoding:)",
    ),
]

LENIENT = [
    Rule(
        "Up to four empty lines before a request line",
        Side.LENIENT,
        (H11,),
        "^no request line received$",
        "9112 2.2",
        "A server should take one at least: old clients end bodies with it.",
        (b"\r\n" + with_field(b"A: b"),),
        source=rb"^\r\n",
    ),
    Rule(
        "Any token as the method",
        Side.LENIENT,
        (HTTPTOOLS,),
        "^(Invalid method encountered|Expected space after method)",
        "9110 9.1",
        "The application says which methods it knows; httptools has a list.",
        (_line(b"PURGES / HTTP/1.1"), _line(b"GETS / HTTP/1.1")),
        source=rb"^(\r\n)*(?!(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) )",
    ),
    Rule(
        "Space around the parts of a chunk extension",
        Side.LENIENT,
        BOTH,
        "^(illegal chunk header|Invalid character in chunk (size|extensions))",
        "9112 7.1.1",
        "Bad, but a recipient must take it. The size ends before it in any reading, and the "
        "line at the same CRLF; extensions are dropped.",
        (CHUNKED + b"0 ;a=b\r\n\r\n", CHUNKED + b"0;a = b\r\n\r\n"),
        source=rb"\r\n[0-9A-Fa-f]+[^\r]*(?:[ \t][;=]|[;=][ \t])",
    ),
    Rule(
        "A tab behind the value of Transfer-Encoding",
        Side.LENIENT,
        (HTTPTOOLS,),
        "^Request has invalid `Transfer-Encoding`$",
        "9110 5.6.3",
        "Tab is white space as the space is, and h11 takes it, too.",
        (POST + b"Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",),
        source=rb"(?i:\r\nTransfer-Encoding:[ \t]*chunked[ \t]*\t)",
    ),
]

RULES = [*FRAMING, *REQUEST_LINE, *FIELDS, *OTHERWISE, *LENIENT]


# Behind each request, so that a request that ends elsewhere for one of the parsers shows.
NEXT = with_field(b"Next: 1")


def unexplained(data: bytes) -> list[Difference]:
    """What no rule covers, when these bytes and one more request are sent."""
    return [each for each in differences_of(data + NEXT) if rule_of(each) is None]


def rule_of(difference: Difference) -> Rule | None:
    """The first that covers the difference."""
    return next((rule for rule in RULES if rule.covers(difference)), None)
