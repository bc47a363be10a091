"""What the server of the soak serves.

`SOAK_SABOTAGE` in the environment makes it fail on purpose: how the soak is shown to notice.
"""

import hashlib
import itertools
import os
import threading
from collections.abc import Iterable, Iterator
from typing import IO, Any
from wsgiref.types import StartResponse

HELLO = b"Hello, world!\n"
LARGE = b"0123456789abcdef" * (128 * 1024)
# More than the kernel takes for a client that reads nothing, so that the server has to keep it.
HUGE = LARGE * 4
STREAMED = b"fedcba9876543210" * 1024
STREAMED_TIMES = 32

_SABOTAGE = os.environ.get("SOAK_SABOTAGE", "")
_count = itertools.count(1)
_kept: list[object] = []


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    body = HELLO
    if path == "/large":
        body = LARGE
    elif path == "/huge":
        body = HUGE
    elif path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return _stream()
    elif path == "/upload":
        body = _digest(environ["wsgi.input"])
    elif path == "/wait":
        threading.Event().wait(0.05)
    elif path == "/fail":
        raise RuntimeError("The soak asks for a failure.")
    elif _SABOTAGE:
        body = _sabotaged(next(_count))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def _stream() -> Iterator[bytes]:
    for _ in range(STREAMED_TIMES):
        yield STREAMED


def _digest(body: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while block := body.read(64 * 1024):
        digest.update(block)
    return digest.hexdigest().encode()


def _sabotaged(number: int) -> bytes:
    if _SABOTAGE == "memory":
        _kept.append(bytes(2048))
    elif _SABOTAGE == "descriptors" and number % 50 == 0:
        _kept.append(os.open(os.devnull, os.O_RDONLY))
    elif _SABOTAGE == "threads" and number % 500 == 0:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    elif _SABOTAGE == "stall" and number % 50 == 0:
        threading.Event().wait(1.5)
    elif _SABOTAGE == "answer" and number % 200 == 0:
        return b"Good bye, world!\n"
    return HELLO
