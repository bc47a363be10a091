"""The WSGI application that every server runs. As little work as the scenarios allow."""

import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

WAIT_S = 0.010

_HELLO = b"Hello, world!\n"
_LARGE = b"0123456789abcdef" * 640


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/":
        body = _HELLO
    elif path == "/large":
        body = _LARGE
    elif path == "/length":
        body = b"%d\n" % len(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    elif path == "/wait":
        # What a database or another service costs: the thread waits, the processor is free.
        threading.Event().wait(WAIT_S)
        body = _HELLO
    else:
        start_response("404 Not Found", [("Content-Length", "0")])
        return [b""]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
