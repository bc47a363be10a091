"""Requests to httpbin whose answers say the same each time: no clock, no chance, no port."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.applications.wire import Answer, Request

FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")
BYTES = ("Content-Type", "application/octet-stream")

_MULTIPART_BODY = (
    b'--edge\r\nContent-Disposition: form-data; name="text"\r\n\r\nfirst\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\x00\xff\r\n\r\n--\r\n--edge--\r\n"
)
_CREDENTIALS = base64.b64encode(b"user:secret").decode()


def _get(target: str, *fields: tuple[str, str]) -> Request:
    return Request(target, fields=fields)


def _send(method: str, target: str, body: bytes, *fields: tuple[str, str]) -> Request:
    return Request(target, method, fields, body)


METHODS = {
    "get": _get("/get"),
    "get with arguments": _get("/get?a=1&b=2&a=3&empty=&%C3%A9=%20x+y"),
    "get with fields": _get("/get", ("User-Agent", "wire/1"), ("X-Mine", "a b"), ("Accept", "*/*")),
    "repeated field": _get("/headers", ("X-Mine", "a"), ("X-Mine", "b")),
    "latin-1 in a field": _get("/headers", ("X-Mine", "caf\xe9")),
    "empty field": _get("/headers", ("X-Mine", "")),
    "long field": _get("/headers", ("X-Mine", "x" * 4000)),
    "head": Request("/get", "HEAD"),
    "options": Request("/get", "OPTIONS"),
    "options of a preflight": Request(
        "/post",
        "OPTIONS",
        (("Origin", "http://other.test"), ("Access-Control-Request-Headers", "X-Mine")),
    ),
    "trace": Request("/anything", "TRACE"),
    "post form": _send("POST", "/post", b"a=1&b=2&a=3&c=%C3%A9", FORM),
    "post json": _send("POST", "/post", b'{"list": [1, 2, {"a": null}]}', JSON),
    "post bytes": _send("POST", "/post", bytes(range(256)), BYTES),
    "post multipart": _send(
        "POST",
        "/post",
        _MULTIPART_BODY,
        ("Content-Type", "multipart/form-data; boundary=edge"),
    ),
    "post nothing": _send("POST", "/post", b""),
    "post large": _send("POST", "/post", b"0123456789" * 60_000, BYTES),
    "put": _send("PUT", "/put", b"text", ("Content-Type", "text/plain")),
    "patch": _send("PATCH", "/patch", b'"json"', JSON),
    "delete": Request("/delete", "DELETE"),
    "delete with body": _send("DELETE", "/delete", b"a=1", FORM),
    "method that is not allowed": _send("POST", "/get", b"a=1", FORM),
    "escaped path": _get("/anything/a%20b/%C3%A9/%2f;p=1"),
    "path of dots": _get("/anything/../a/./b"),
}

# Bodies that the servers echo; how they arrived shows only in the framing fields.
CHUNKED = {
    "chunked json": Request("/post", "POST", (JSON,), chunks=(b'{"a"', b": [1,", b" 2]}")),
    "chunked form": Request("/post", "POST", (FORM,), chunks=(b"a=1&", b"b=2")),
    "chunked single bytes": Request("/put", "PUT", (BYTES,), chunks=(b"x",) * 200),
    "chunked large": Request("/post", "POST", (BYTES,), chunks=(b"0123456789" * 5_000,) * 12),
    "chunked empty": Request("/patch", "PATCH", (BYTES,), is_chunked=True),
}

STATUSES = {
    f"status {status}": _get(f"/status/{status}")
    for status in (
        *(200, 201, 202, 204, 206, 226, 300, 301, 302, 303, 304, 305, 307, 400, 401, 402, 403),
        *(404, 405, 406, 409, 410, 412, 418, 422, 428, 429, 451, 500, 501, 502, 503, 504, 511),
    )
} | {
    "head of a status": Request("/status/418", "HEAD"),
    "post of a status": _send("POST", "/status/503", b"a=1", FORM),
    "bad status": _get("/status/4!9"),
    "unknown route": _get("/no/such/route"),
}

REDIRECTS = {
    "redirect": _get("/redirect/3"),
    "last redirect": _get("/redirect/1"),
    "absolute redirect": _get("/absolute-redirect/2"),
    "redirect to absolute": _get("/redirect/2?absolute=true"),
    "relative redirect": _get("/relative-redirect/2"),
    "redirect to": _get("/redirect-to?url=http%3A%2F%2Fother.test%2F%3Fa%3D1"),
    "redirect to with a status": _send(
        "POST", "/redirect-to?url=/post&status_code=307", b"a=1", FORM
    ),
    "redirect of links": _get("/links/4"),
}

COOKIES = {
    "cookies": _get("/cookies", ("Cookie", "a=1; b=two")),
    "two cookie fields": _get("/cookies", ("Cookie", "a=1"), ("Cookie", "b=2")),
    "no cookies": _get("/cookies"),
    "set cookies": _get("/cookies/set?a=1&b=2"),
    "set one cookie": _get("/cookies/set/name/value"),
    "delete cookies": _get("/cookies/delete?a=&b="),
}

ENCODINGS = {
    "gzip": _get("/gzip", ("Accept-Encoding", "gzip")),
    "deflate": _get("/deflate"),
    "brotli": _get("/brotli"),
    "utf-8": _get("/encoding/utf8"),
    "base64": _get("/base64/d2l2ZXJubw=="),
    "bad base64": _get("/base64/%21%21"),
}

STREAMS = {
    "stream": _get("/stream/20"),
    "stream of nothing": _get("/stream/0"),
    "head of a stream": Request("/stream/3", "HEAD"),
    "stream bytes": _get("/stream-bytes/5000?seed=1&chunk_size=700"),
    "bytes": _get("/bytes/3000?seed=2"),
    "drip": _get("/drip?numbytes=5&duration=0.05&delay=0"),
    "drip with a status": _get("/drip?numbytes=3&duration=0.03&delay=0&code=500"),
    "drip of nothing": _get("/drip?numbytes=0"),
    "head of a drip": Request("/drip?numbytes=5&duration=0&delay=0", "HEAD"),
    "range": _get("/range/1000?chunk_size=100"),
    "part of a range": _get("/range/100", ("Range", "bytes=10-24")),
    "end of a range": _get("/range/26", ("Range", "bytes=-5")),
    "range out of bounds": _get("/range/26", ("Range", "bytes=32-40")),
    "delay": _send("POST", "/delay/0.01", b"a=1", FORM),
}

CONDITIONS = {
    "etag": _get("/etag/abc"),
    "etag that matches": _get("/etag/abc", ("If-None-Match", '"123", "abc"')),
    "etag that must match": _get("/etag/abc", ("If-Match", '"123"')),
    "cache that is fresh": _get("/cache", ("If-None-Match", "x")),
    "cache for a time": _get("/cache/60"),
    "static file that is fresh": _get(
        "/static/favicon.ico", ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")
    ),
}

AUTHORISATION = {
    "basic": _get("/basic-auth/user/secret", ("Authorization", f"Basic {_CREDENTIALS}")),
    "basic without": _get("/basic-auth/user/secret"),
    "hidden basic without": _get("/hidden-basic-auth/user/secret"),
    "bearer": _get("/bearer", ("Authorization", "Bearer abc")),
    "bearer without": _get("/bearer"),
}

DOCUMENTS = {
    "landing page": _get("/"),
    "head of the landing page": Request("/", "HEAD"),
    "html": _get("/html"),
    "xml": _get("/xml"),
    "json": _get("/json"),
    "robots": _get("/robots.txt"),
    "deny": _get("/deny"),
    "form": _get("/forms/post"),
    "links": _get("/links/4/1"),
    "png": _get("/image/png"),
    "jpeg": _get("/image", ("Accept", "image/jpeg")),
    "webp": _get("/image/webp"),
    "svg": _get("/image/svg"),
    "image of no kind": _get("/image", ("Accept", "text/html")),
    "static file": _get("/static/favicon.ico"),
    "head of a static file": Request("/static/favicon.ico", "HEAD"),
    "part of a static file": _get("/static/favicon.ico", ("Range", "bytes=0-99")),
    "ip": _get("/ip"),
    "user agent": _get("/user-agent", ("User-Agent", "wire/1")),
    "response fields": _get("/response-headers?X-A=1&X-A=2&X-B=c%20d"),
    "content type by argument": Request("/response-headers?Content-Type=text/plain", "POST"),
}

ROUTES = {
    **METHODS,
    **CHUNKED,
    **STATUSES,
    **REDIRECTS,
    **COOKIES,
    **ENCODINGS,
    **STREAMS,
    **CONDITIONS,
    **AUTHORISATION,
    **DOCUMENTS,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A peer that answers some routes in another way, with the reason why ours stays.

    `expected` turns our answer into the peer's, so that nothing else may differ.
    """

    peer: str
    routes: tuple[str, ...]
    reason: str
    expected: Callable[[Answer], Answer]


def _with_body(answer: Answer, body: bytes) -> Answer:
    length = ("Content-Length", str(len(body)))
    fields = tuple(length if each[0] == length[0] else each for each in answer.fields)
    return replace(answer, fields=fields, body=body)


def _without_length(answer: Answer) -> Answer:
    fields = tuple(each for each in answer.fields if each[0] != "Content-Length")
    return replace(answer, fields=fields)


def _with_transfer_encoding(answer: Answer) -> Answer:
    echo = json.loads(answer.body)
    del echo["headers"]["Content-Length"]
    echo["headers"]["Transfer-Encoding"] = "chunked"
    return _with_body(answer, json.dumps(echo, indent=2, sort_keys=True).encode() + b"\n")


DIFFERENCES = (
    Difference(
        "gunicorn",
        ("repeated field",),
        "Joins with ',' what we join with ', ', the form that RFC 9110 section 5.3 shows.",
        lambda ours: _with_body(ours, ours.body.replace(b'"a, b"', b'"a,b"')),
    ),
    Difference(
        "gunicorn",
        tuple(CHUNKED),
        "Lets Transfer-Encoding through, a hop-by-hop field that an application must not rely on"
        " (PEP 3333); we and waitress give the length of the decoded body instead.",
        _with_transfer_encoding,
    ),
    Difference(
        "waitress",
        ("two cookie fields",),
        "Joins cookies with ', ', which no cookie parser splits; '; ' is right (RFC 9113 8.2.3).",
        lambda ours: _with_body(ours, b'{\n  "cookies": {}\n}\n'),
    ),
    Difference(
        "gunicorn",
        ("two cookie fields",),
        "Joins cookies with ',', which no cookie parser splits; '; ' is right (RFC 9113 8.2.3).",
        lambda ours: _with_body(ours, b'{\n  "cookies": {\n    "a": "1,b=2"\n  }\n}\n'),
    ),
    Difference(
        "waitress",
        ("stream of nothing",),
        "Sends the empty body as chunks; we know at the end of the iterable that it is empty.",
        _without_length,
    ),
    Difference(
        "gunicorn",
        ("stream of nothing",),
        "Sends the empty body as chunks; we know at the end of the iterable that it is empty.",
        _without_length,
    ),
    Difference(
        "waitress",
        ("head of a stream",),
        "Sends the last chunk of a body that a HEAD must not have (RFC 9110 section 9.3.2).",
        lambda ours: replace(ours, surplus=b"0\r\n\r\n"),
    ),
)
