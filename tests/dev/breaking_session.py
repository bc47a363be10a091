"""A session whose application breaks when the test says so, and what its clients hold."""

import http.client
import itertools
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.dev.harness import Answer, DevSession, Event, wait_until

# Longer than a request may wait for a build.
PATIENCE_S = 20.0

# Stands in the package and so runs before the module that breaks, which may be one that
# cannot even be compiled. Processes share the monotonic clock. The package depends on the turn:
# what was forked behind it in an earlier one cannot go on.
PREAMBLE = """\
import os
import threading
import time

with open({turn!r}) as turn:
    turn.read()
while not os.path.exists({may_break!r}):
    threading.Event().wait(0.002)
with open({begun!r}, "a") as begun:
    begun.write(f"{{time.monotonic()}}\\n")
"""


class Client:
    """One connection that stays open. `send` returns before there is an answer."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self._connection.connect()
        # A connection that the server closes is an error, not a reason to make another one.
        self._connection.auto_open = 0

    def send(self) -> None:
        self._connection.request("GET", "/")

    def answer(self) -> Answer:
        response = self._connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())

    def get(self) -> Answer:
        self.send()
        return self.answer()

    def close(self) -> None:
        self._connection.close()


class BreakingSession(DevSession):
    """Serves `shop.app:app`, whose import goes on only while the test lets it."""

    def __init__(self, folder: Path, *options: str) -> None:
        """`folder` is new; the project and what the test keeps beside it are made in it."""
        project = folder / "project"
        self._may_break = folder / "may-break"
        self._begun = folder / "begun"
        self._clients: list[Client] = []
        self._noted: Path | None = None
        super().__init__(project, "shop.app:app", *options)
        self._begin_turn()
        self.save(
            "shop/__init__.py",
            PREAMBLE.format(
                turn=str(project / "shop" / "turn.txt"),
                may_break=str(self._may_break),
                begun=str(self._begun),
            ),
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for client in self._clients:
            client.close()
        super().__exit__(kind, error, traceback)

    def client(self) -> Client:
        """A new connection, closed with the session."""
        client = Client(self.port)
        self._clients.append(client)
        return client

    def save_app(self, source: str) -> None:
        self.save("shop/app.py", source)

    def save_noted(self, source: str) -> None:
        """The same, for source that says when it runs: then it was read, and may hang."""
        self._noted = self._begun.with_name(f"noted-{time.monotonic_ns()}")
        self.save_app(f"open({str(self._noted)!r}, 'w').close()\n{source}")

    def wait_until_noted(self) -> None:
        assert self._noted is not None
        wait_until(self._noted.exists, "the source that was saved last", 10.0)

    def serve_well(self) -> None:
        """Be at the first good start before the block goes on."""
        self._may_break.touch()
        assert self.get().body == "000001"

    def hold_back(self) -> None:
        """Let imports wait from now on, and forget when earlier ones went on."""
        self._begin_turn()
        self._may_break.unlink(missing_ok=True)
        self._begun.unlink(missing_ok=True)

    def _begin_turn(self) -> None:
        self.save("shop/turn.txt", f"{time.monotonic_ns()}\n")

    def let_go(self) -> None:
        self._may_break.touch()

    def wait_until_begun(self) -> None:
        wait_until(lambda: self._begun.exists() and self._begun.read_text(), "the import", 10.0)

    def begun_at(self) -> float:
        """When the first import since then reached the module that breaks; monotonic seconds."""
        return float(self._begun.read_text().splitlines()[0])

    def events_until_page(self, begin: int) -> Sequence[Event]:
        """What was told from the event with this number on until the next page."""

        def find() -> Sequence[Event] | None:
            events = self.events[begin:]
            names = [event["event"] for event in events]
            return events[: names.index("page")] if "page" in names else None

        return self.wait_until(find, "a page")


class Port:
    """A TCP port that is free until it is opened, and free again when it is closed."""

    # An address for each, and none is 127.0.0.1: there each connection takes a port for itself.
    _numbers = itertools.count(2)

    def __init__(self) -> None:
        # Kept without listening, or another program might be given the port. Nor does it matter
        # that a process which another thread starts has it until it executes.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((f"127.0.1.{next(self._numbers)}", 0))
        host, number = self._reserved.getsockname()
        self.address: tuple[str, int] = (host, number)
        self._server: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._reserved.close()

    def open(self) -> None:
        self._server = socket.create_server(self.address)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
