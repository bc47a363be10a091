"""The oracle: a writer that saves versions, clients that ask without pause, and what each saw.

Every answer carries the version of the code that gave it. An answer is stale when it is
older than the last save that had returned before its request was sent. A page is a fault
unless the disk was broken while its request was under way.
"""

import contextlib
import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.dev.clients import Ask, Client, Clients
from tests.dev.harness import REQUEST_TIMEOUT_S, DevSession
from tests.dev.save_kinds import Disk, SaveKind

ANSWERS_PER_SAVE = 2


@dataclass
class Verdict:
    """What the clients saw. `faults` counts whatever the promises exclude."""

    saves: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    """By kind of client, those that were due: the disk was broken."""
    overtaken: Counter[str] = field(default_factory=Counter)
    """Answers whose request was under way when a save returned, by kind of client."""

    def __str__(self) -> str:
        return (
            f"{self.saves.total()} saves ({_listed(self.saves)}); "
            f"{self.answers.total()} answers ({_listed(self.answers)}); "
            f"overtaken by a save: {self.overtaken.total()} ({_listed(self.overtaken)}); "
            f"pages while the disk was broken: {self.pages.total()}; "
            f"stale, refused, reset, timed out, other pages: {dict(self.faults) or 'none'}"
        )

    def note_fault(self, kind: str, detail: str) -> None:
        self.faults[kind] += 1
        if len(self.details) < 20:
            self.details.append(f"{kind}: {detail}")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


class Oracle:
    """Runs saves against a session whose answers are version numbers."""

    def __init__(self, session: DevSession, disk: Disk, kinds: Sequence[SaveKind]) -> None:
        self._clients = Clients(session.port)
        self._disk = disk
        self._kinds = kinds
        self._verdict = Verdict()
        self._answered = threading.Condition()
        self._over = threading.Event()

    def run(self, saves: int, burst: int = 1) -> Verdict:
        """With a `burst`, so many saves follow each other at once before anybody waits."""
        threads = [
            threading.Thread(target=self._ask_without_pause, args=item)
            for item in self._clients.all().items()
        ]
        for thread in threads:
            thread.start()
        try:
            self._save_all(saves, burst)
        finally:
            self._over.set()
            for thread in threads:
                thread.join(3 * REQUEST_TIMEOUT_S)
        return self._verdict

    def _save_all(self, saves: int, burst: int) -> None:
        with self._clients.new_connections() as ask:
            for number in range(saves):
                kind = self._kinds[number % len(self._kinds)]
                version = self._disk.floor + 1
                kind(version)
                self._disk.floor = version
                self._verdict.saves[kind.__name__] += 1
                if (number + 1) % burst == 0:
                    self._ask_once("writer", ask, kind.__name__)
                    self._let_clients_answer((number + 1) // burst)

    def _let_clients_answer(self, rounds: int) -> None:
        """No client may be starved: each has at least two answers for each round so far."""
        wanted = rounds * ANSWERS_PER_SAVE
        deadline = time.monotonic() + REQUEST_TIMEOUT_S
        with self._answered:
            while min(self._verdict.answers[name] for name in self._clients.all()) < wanted:
                if not self._answered.wait(max(0.0, deadline - time.monotonic())):
                    self._verdict.note_fault("starved", f"{dict(self._verdict.answers)}")
                    return

    def _ask_without_pause(self, name: str, client: Client) -> None:
        while not self._over.is_set():
            # A fault ends the connection; the client makes another one and goes on.
            with contextlib.suppress(_FaultError), client() as ask:
                while not self._over.is_set():
                    if not self._ask_once(name, ask, "while saving"):
                        raise _FaultError

    def _ask_once(self, name: str, ask: Ask, why: str) -> bool:
        floor, sent_at = self._disk.floor, time.monotonic()
        try:
            answers = ask()
        except TimeoutError:
            return self._fault("timeout", name, why)
        except ConnectionRefusedError:
            return self._fault("refused", name, why)
        except (OSError, http.client.HTTPException) as error:
            return self._fault("reset", name, f"{why}: {error!r}")
        with self._answered:
            for status, body in answers:
                self._judge(name, why, status, body, floor, sent_at)
            self._verdict.answers[name] += 1
            self._verdict.overtaken[name] += self._disk.floor != floor
            self._answered.notify_all()
        return True

    def _judge(
        self, name: str, why: str, status: int, body: str, floor: int, sent_at: float
    ) -> None:
        if status == 200:
            if int(body) < floor:
                self._verdict.note_fault("stale", f"{name}, {why}: {body} after {floor}")
        elif self._disk.was_broken(since=sent_at):
            self._verdict.pages[name] += 1
        else:
            self._verdict.note_fault("page", f"{name}, {why}: {status} {body[:300]}")

    def _fault(self, kind: str, name: str, detail: str) -> bool:
        with self._answered:
            self._verdict.note_fault(kind, f"{name}, {detail}")
            self._answered.notify_all()
        return False


class _FaultError(Exception):
    """This connection is of no use any more."""
