"""A program that serves and can be abused: `served_program.py '{"threads": 1}'`.

Prints its port, and what its application does as far as a test has to know. An application
that is held goes on when a byte comes through standard input.
"""

import json
import os
import resource
import sys
import threading
from collections.abc import Iterable, Iterator

from wiverno.core.server import RunServer
from wiverno.core.server.settings import ServerSettings
from wiverno.core.wsgi_types import Environ, StartResponse

# What a page needs from a database, about.
WORK_S = 0.01
MIB = 1024 * 1024
BLOCK = b"x" * (20 * MIB)
STREAM_PIECES = 64


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/exit":
        sys.exit(3)
    if path == "/interrupt":
        raise KeyboardInterrupt
    if path == "/held":
        _hold()
    if path == "/slow":
        threading.Event().wait(WORK_S)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/block":
        return [BLOCK]
    if path == "/stream":
        return _stream()
    return [path.encode()]


def _hold() -> None:
    _report("held")
    os.read(sys.stdin.fileno(), 1)


def _stream() -> Iterator[bytes]:
    for _ in range(STREAM_PIECES):
        yield b"x" * (64 * 1024)


def _report(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    options = json.loads(sys.argv[1])
    descriptors = options.pop("descriptors", None)
    if descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    server = RunServer(application, "127.0.0.1", 0, 1024, settings=ServerSettings(**options))

    def tell_port() -> None:
        if server.wait_until_bound(30.0):
            _report(f"port {server.addresses[0][1]}")

    threading.Thread(target=tell_port).start()
    server.start()


if __name__ == "__main__":
    main()
