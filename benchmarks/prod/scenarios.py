"""What wrk asks for, and what the answer has to be. Data, no processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

THREADS = 8
"""Of the application, in every server that has a choice."""

CONNECTIONS = 32

WAIT_S = 0.010
"""What `/wait` waits, so that `THREADS / WAIT_S` requests per second are the ideal."""

BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Cookie": "session=2f1c9a5d0b7e4c6f8a1d3e5b7c9f0a2d; theme=dark",
    "Referer": "http://127.0.0.1/",
    "Cache-Control": "max-age=0",
}
"""With Host eight."""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    answer: bytes
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body_bytes: int = 0
    """Above 0 it is a POST."""

    @property
    def script(self) -> str:
        """The Lua that wrk needs for a request with a body; empty when it needs none."""
        if not self.body_bytes:
            return ""
        return f'wrk.method = "POST"\nwrk.body = string.rep("x", {self.body_bytes})\n'


HELLO = b"Hello, world!\n"

SCENARIOS = (
    Scenario("hello", "keep-alive, 1 header", HELLO),
    Scenario("browser", "keep-alive, 8 headers", HELLO, headers=BROWSER_HEADERS),
    Scenario("close", "`Connection: close`", HELLO, headers={"Connection": "close"}),
    Scenario("large", "10 KB body", b"0123456789abcdef" * 640, path="/large"),
    Scenario("post", "POST of 1 KB", b"1024\n", path="/length", body_bytes=1024),
    Scenario("wait", "application that waits 10 ms", HELLO, path="/wait"),
)
