"""Requests to the sample applications, each of which has the same routes."""

from tests.applications.wire import Request

FORM = ("Content-Type", "application/x-www-form-urlencoded")
BYTES = ("Content-Type", "application/octet-stream")
_MULTIPART = ("Content-Type", "multipart/form-data; boundary=edge")
_MULTIPART_BODY = (
    b'--edge\r\nContent-Disposition: form-data; name="name"\r\n\r\nvalue\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nline\r\n--\r\n\r\n--edge--\r\n"
)
_LATER = ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")
_PAGES = (
    *("/", "/plain", "/redirect", "/cookies", "/error", "/stream", "/stream-with-length"),
    *("/static/style.css", "/file", "/nothing", "/empty", "/no/such/route"),
)

REQUESTS = {
    **{f"get {path}": Request(path) for path in _PAGES},
    **{f"head {path}": Request(path, "HEAD") for path in _PAGES},
    "arguments": Request("/?name=%C3%A4%22%3E&name=2"),
    "escaped path": Request("/no%20such/%C3%A9?%00"),
    "cookies that came": Request("/cookies", fields=(("Cookie", 'a=1; b="two words"'),)),
    "form": Request("/form", "POST", (FORM,), b"name=v%C3%A4lue&other=a+b"),
    "multipart": Request("/form", "POST", (_MULTIPART,), _MULTIPART_BODY),
    "form in chunks": Request("/form", "POST", (FORM,), chunks=(b"name=", b"value")),
    "multipart in chunks": Request(
        "/form", "POST", (_MULTIPART,), chunks=(_MULTIPART_BODY[:50], _MULTIPART_BODY[50:])
    ),
    "body": Request("/body", "PUT", (BYTES,), bytes(range(256)) * 20),
    "no body": Request("/body", "POST", (BYTES,)),
    "large body": Request("/body", "POST", (BYTES,), b"0123456789" * 100_000),
    "body in chunks": Request("/body", "PATCH", (BYTES,), chunks=(b"a" * 1000, b"b", b"c" * 5000)),
    "body of a delete": Request("/body", "DELETE", (BYTES,), b"x"),
    "options": Request("/plain", "OPTIONS"),
    "method that is not allowed": Request("/form", "GET"),
    "method of no standard": Request("/plain", "BREW"),
    "gzip": Request("/stream-with-length", fields=(("Accept-Encoding", "gzip"),)),
    "language": Request("/", fields=(("Accept-Language", "de,en;q=0.5"),)),
    "fresh static file": Request("/static/style.css", fields=(_LATER,)),
    "part of a static file": Request("/static/style.css", fields=(("Range", "bytes=2-9"),)),
    "end of a static file": Request("/static/style.css", fields=(("Range", "bytes=-4"),)),
    "range out of bounds": Request("/static/style.css", fields=(("Range", "bytes=900-"),)),
    "part of a file": Request("/file", fields=(("Range", "bytes=0-3"),)),
    "static file that is not there": Request("/static/none.css"),
    "path out of the folder": Request("/static/..%2Fbottle_sample.py"),
}
