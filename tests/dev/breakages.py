"""The ways in which an application breaks, and what the session must say about each."""

from dataclasses import dataclass, replace
from typing import Self

from tests.dev.harness import VERSIONED_APP


def good(version: int) -> str:
    return VERSIONED_APP.format(version=version)


def good_asgi(version: int) -> str:
    return f"""\
VERSION = int("{version:06d}")


async def app(scope, receive, send):
    assert scope["type"] == "http"
    headers = [(b"content-length", b"6")]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": b"%06d" % VERSION}})
"""


@dataclass(frozen=True)
class Breakage:
    """The source of the application's module, and what the page about it says."""

    source: str
    reason: str
    status: int = 500
    blames_world: bool = False
    """May be owed to the old worker: while one lives, the build is repeated without it first."""

    def at(self, address: tuple[str, int]) -> Self:
        """The same about the port of this session."""
        return replace(self, source=self.source.replace("ADDRESS", repr(address)))


FAILURES = {
    "SyntaxError": Breakage("def app(:\n", "SyntaxError"),
    "ImportError": Breakage("import nowhere_to_be_found\n", "nowhere_to_be_found"),
    "exception": Breakage("{}['missing key']\n", "missing key", blames_world=True),
    "sys.exit": Breakage("import sys\nsys.exit(3)\n", "sys.exit(3)", blames_world=True),
    "os._exit": Breakage("import os\nos._exit(3)\n", "exit code 3", blames_world=True),
    "segmentation fault": Breakage(
        "import ctypes\nctypes.string_at(0)\n", "SIGSEGV", blames_world=True
    ),
    "wrong attribute": Breakage(good(1).replace("def app", "def application"), "application"),
    "not callable": Breakage("app = 'a text'\n", "callable"),
}
"""Exceptions and deaths: a page at once, and a fix heals."""

# At full priority a dozen of them would measure how long the others wait for a processor.
_POLITELY = "import os\nos.nice(19)\n"
HANGS = {
    "endless loop": Breakage(f"{_POLITELY}while True:\n    pass\n", "app.py", 503),
    "native loop holding the GIL": Breakage(
        f"{_POLITELY}import re\nre.match('(a+)+$', 'a' * 60 + 'b')\n", "app.py", 503
    ),
    "endless wait": Breakage("import threading\nthreading.Event().wait()\n", "app.py", 503),
}
"""A page with the stack once a request has waited as long as one may, and a fix heals."""

DATABASE_DOWN = Breakage(
    "import socket\nsocket.create_connection(ADDRESS, timeout=5).close()\n" + good(2),
    "ConnectionRefusedError",
    blames_world=True,
)
"""Heals by itself when the database comes back."""

_HOLDS_A_PORT = "import socket\nheld = socket.create_server(ADDRESS)\n"
PORT_HELD = Breakage(_HOLDS_A_PORT + good(2), "Address already in use", blames_world=True)
"""Heals by itself when the port is free. Its old worker is the session's own affair."""


def holding_a_port(version: int, address: tuple[str, int]) -> str:
    return (_HOLDS_A_PORT + good(version)).replace("ADDRESS", repr(address))
