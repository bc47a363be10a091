"""The bytes of requests, for cases to break."""


def get(*fields: bytes) -> bytes:
    """A GET with a good Host and these fields."""
    return request(b"GET / HTTP/1.1", *fields)


def post(body: bytes, *fields: bytes) -> bytes:
    """A POST whose framing is in the fields, if at all."""
    return request(b"POST / HTTP/1.1", *fields) + body


def chunked(body: bytes) -> bytes:
    """A POST with this as its chunked body, as it stands."""
    return post(body, b"Transfer-Encoding: chunked")


def request(line: bytes, *fields: bytes) -> bytes:
    """A head: a request line, Host and these fields."""
    return b"\r\n".join((line, b"Host: test", *fields, b"", b""))
