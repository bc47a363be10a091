"""The oracle: a writer that saves versions, clients that ask without pause, and what each saw.

Every answer carries the version of the code that gave it. An answer is stale when it is
older than the last save that had returned before its request was sent.
"""

import contextlib
import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from tests.dev.harness import REQUEST_TIMEOUT_S, DevSession
from tests.dev.save_kinds import SaveKind

ANSWERS_PER_SAVE = 2
REQUEST = b"GET / HTTP/1.1\r\nHost: oracle\r\n\r\n"

Ask = Callable[[], tuple[int, str]]
"""Sends one request, which begins when it is called; returns status and body."""


@dataclass
class Verdict:
    """What the clients saw. `faults` counts whatever the promises exclude."""

    saves: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        saves = ", ".join(f"{count} {kind}" for kind, count in self.saves.items())
        answers = ", ".join(f"{count} {name}" for name, count in self.answers.items())
        faults = dict(self.faults) or "none"
        return (
            f"{self.saves.total()} saves ({saves}); {self.answers.total()} answers ({answers}); "
            f"stale, refused, reset, timed out, not 200: {faults}"
        )

    def note_fault(self, kind: str, detail: str) -> None:
        self.faults[kind] += 1
        if len(self.details) < 20:
            self.details.append(f"{kind}: {detail}")


class Clients:
    """How connections are used when a request is sent on them."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)

    def all(self) -> dict[str, Callable[[], contextlib.AbstractContextManager[Ask]]]:
        return {
            "new": self.new_connections,
            "kept alive": self.kept_alive,
            "preconnected": self.preconnected,
            "half a head": self.half_a_head,
            "pipelined": self.pipelined,
        }

    @contextlib.contextmanager
    def new_connections(self) -> Iterator[Ask]:
        def ask() -> tuple[int, str]:
            with self._connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(REQUEST)
                return _read_answer(stream)

        yield ask

    @contextlib.contextmanager
    def kept_alive(self) -> Iterator[Ask]:
        with self._connect() as sock, sock.makefile("rb") as stream:

            def ask() -> tuple[int, str]:
                sock.sendall(REQUEST)
                return _read_answer(stream)

            yield ask

    @contextlib.contextmanager
    def preconnected(self) -> Iterator[Ask]:
        """As browsers do: connected long before the first byte."""
        with contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(self._connect()) for _ in range(3)]

            def ask() -> tuple[int, str]:
                with waiting.pop(0) as sock, sock.makefile("rb") as stream:
                    waiting.append(stack.enter_context(self._connect()))
                    sock.sendall(REQUEST)
                    return _read_answer(stream)

            yield ask

    @contextlib.contextmanager
    def half_a_head(self) -> Iterator[Ask]:
        """The request begins with the call; its rest comes a moment later."""

        def ask() -> tuple[int, str]:
            with self._connect() as sock, sock.makefile("rb") as stream:
                sock.sendall(REQUEST[:20])
                threading.Event().wait(0.005)
                sock.sendall(REQUEST[20:])
                return _read_answer(stream)

        yield ask

    @contextlib.contextmanager
    def pipelined(self) -> Iterator[Ask]:
        with self._connect() as sock, sock.makefile("rb") as stream:

            def ask() -> tuple[int, str]:
                sock.sendall(REQUEST * 3)
                answers = [_read_answer(stream) for _ in range(3)]
                # The oldest of the three is the one that may be stale.
                return min(answers, key=lambda answer: (answer[0] == 200, answer[1]))

            yield ask

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._address, timeout=REQUEST_TIMEOUT_S)


def _read_answer(stream: BinaryIO) -> tuple[int, str]:
    """One answer with a Content-Length; what follows it stays in the stream."""
    status_line = stream.readline()
    if not status_line:
        raise ConnectionResetError("closed without an answer")
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(status_line.split()[1]), stream.read(length).decode()


class Oracle:
    """Runs saves against a session whose answers are version numbers."""

    def __init__(self, session: DevSession, kinds: Sequence[SaveKind]) -> None:
        self._clients = Clients(session.port)
        self._kinds = kinds
        self._version = 1
        self._verdict = Verdict()
        self._answered = threading.Condition()
        self._over = threading.Event()

    def run(self, saves: int) -> Verdict:
        threads = [
            threading.Thread(target=self._ask_without_pause, args=item)
            for item in self._clients.all().items()
        ]
        for thread in threads:
            thread.start()
        try:
            self._save_all(saves)
        finally:
            self._over.set()
            for thread in threads:
                thread.join(3 * REQUEST_TIMEOUT_S)
        return self._verdict

    def _save_all(self, saves: int) -> None:
        with self._clients.new_connections() as ask:
            for number in range(saves):
                kind = self._kinds[number % len(self._kinds)]
                version = self._version + 1
                kind(version)
                self._version = version
                self._verdict.saves[kind.__name__] += 1
                self._ask_once("writer", ask, kind.__name__)
                self._let_clients_answer(number)

    def _let_clients_answer(self, number: int) -> None:
        """No client may be starved: each has at least two answers for each save so far."""
        wanted = (number + 1) * ANSWERS_PER_SAVE
        deadline = time.monotonic() + REQUEST_TIMEOUT_S
        with self._answered:
            while min(self._verdict.answers[name] for name in self._clients.all()) < wanted:
                if not self._answered.wait(max(0.0, deadline - time.monotonic())):
                    self._verdict.note_fault("starved", f"{dict(self._verdict.answers)}")
                    return

    def _ask_without_pause(
        self, name: str, client: Callable[[], contextlib.AbstractContextManager[Ask]]
    ) -> None:
        while not self._over.is_set():
            # A fault ends the connection; the client makes another one and goes on.
            with contextlib.suppress(_FaultError), client() as ask:
                while not self._over.is_set():
                    if not self._ask_once(name, ask, "while saving"):
                        raise _FaultError

    def _ask_once(self, name: str, ask: Ask, why: str) -> bool:
        floor = self._version
        try:
            status, body = ask()
        except TimeoutError:
            return self._fault("timeout", name, why)
        except ConnectionRefusedError:
            return self._fault("refused", name, why)
        except (OSError, http.client.HTTPException) as error:
            return self._fault("reset", name, f"{why}: {error!r}")
        with self._answered:
            if status != 200:
                self._verdict.note_fault("not 200", f"{name}, {why}: {status} {body[:300]}")
            elif int(body) < floor:
                self._verdict.note_fault("stale", f"{name}, {why}: {body} after {floor}")
            self._verdict.answers[name] += 1
            self._answered.notify_all()
        return True

    def _fault(self, kind: str, name: str, detail: str) -> bool:
        with self._answered:
            self._verdict.note_fault(kind, f"{name}, {detail}")
            self._answered.notify_all()
        return False


class _FaultError(Exception):
    """This connection is of no use any more."""
