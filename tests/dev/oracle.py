"""The oracle: a writer that saves versions, clients that ask without pause, and what each saw.

Every answer carries the version of the code that gave it. An answer is stale when it is
older than the last save that had returned before its request was sent.
"""

import http.client
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.dev.harness import REQUEST_TIMEOUT_S, VERSIONED_APP, DevSession, get

ANSWERS_PER_SAVE = 2
CLIENTS = 4


class SaveKinds:
    """The ways a file is saved. Each leaves `source` at `version` when it returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def in_place(self, version: int) -> None:
        self._path.write_text(VERSIONED_APP.format(version=version))

    def rename_over(self, version: int) -> None:
        self._replace(version).replace(self._path)

    def same_second(self, version: int) -> None:
        """The whole second of the mtime and the size stay: CPython takes the old bytecode."""
        second_ns = self._path.stat().st_mtime_ns // 1_000_000_000 * 1_000_000_000
        other = self._replace(version)
        os.utime(other, ns=(second_ns, second_ns + version % 1_000_000_000))
        other.replace(self._path)

    def delete_and_recreate(self, version: int) -> None:
        text = VERSIONED_APP.format(version=version)
        self._path.unlink()
        self._path.write_text(text)

    def _replace(self, version: int) -> Path:
        other = self._path.with_suffix(".new")
        other.write_text(VERSIONED_APP.format(version=version))
        return other

    def all(self) -> list[Callable[[int], None]]:
        return [self.in_place, self.rename_over, self.same_second, self.delete_and_recreate]


@dataclass
class Verdict:
    """What the clients saw. `faults` counts whatever the promises exclude."""

    saves: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        saves = ", ".join(f"{count} {kind}" for kind, count in self.saves.items())
        faults = dict(self.faults) or "none"
        return (
            f"saves: {self.saves.total()} ({saves}); answers: {self.answers.total()} to "
            f"{CLIENTS} clients and the writer; stale, refused, reset, timed out, not 200: {faults}"
        )

    def note_fault(self, kind: str, detail: str) -> None:
        self.faults[kind] += 1
        if len(self.details) < 20:
            self.details.append(f"{kind}: {detail}")


class Oracle:
    """Runs saves against a session that serves `VERSIONED_APP` from `app.py`."""

    def __init__(self, session: DevSession) -> None:
        self._port = session.port
        self._kinds = SaveKinds(session.project / "app.py")
        self._version = 1
        self._verdict = Verdict()
        self._answered = threading.Condition()
        self._over = threading.Event()

    def run(self, saves: int) -> Verdict:
        clients = [
            threading.Thread(target=self._ask_without_pause, args=(f"client {number}",))
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        try:
            self._save_all(saves)
        finally:
            self._over.set()
            for client in clients:
                client.join(3 * REQUEST_TIMEOUT_S)
        return self._verdict

    def _save_all(self, saves: int) -> None:
        kinds = self._kinds.all()
        for number in range(saves):
            kind = kinds[number % len(kinds)]
            version = self._version + 1
            kind(version)
            self._version = version
            self._verdict.saves[kind.__name__] += 1
            self._ask("writer", kind.__name__)
            self._let_clients_answer(number)

    def _let_clients_answer(self, number: int) -> None:
        """No client may be starved: each has at least two answers for each save so far."""
        wanted = (number + 1) * ANSWERS_PER_SAVE
        deadline = time.monotonic() + REQUEST_TIMEOUT_S
        with self._answered:
            while self._fewest_answers() < wanted:
                if not self._answered.wait(max(0.0, deadline - time.monotonic())):
                    self._verdict.note_fault("starved", f"{dict(self._verdict.answers)}")
                    return

    def _fewest_answers(self) -> int:
        return min(self._verdict.answers[f"client {number}"] for number in range(CLIENTS))

    def _ask_without_pause(self, name: str) -> None:
        while not self._over.is_set():
            self._ask(name, "while saving")

    def _ask(self, name: str, why: str) -> None:
        floor = self._version
        try:
            answer = get(self._port)
        except TimeoutError:
            self._fault("timeout", name, why)
        except ConnectionRefusedError:
            self._fault("refused", name, why)
        except (OSError, http.client.HTTPException) as error:
            self._fault("reset", name, f"{why}: {error!r}")
        else:
            if answer.status != 200:
                self._fault("not 200", name, f"{why}: {answer.status} {answer.body[:300]}")
            elif int(answer.body) < floor:
                self._fault("stale", name, f"{why}: {answer.body} after {floor}")
            with self._answered:
                self._verdict.answers[name] += 1
                self._answered.notify_all()

    def _fault(self, kind: str, name: str, detail: str) -> None:
        with self._answered:
            self._verdict.note_fault(kind, f"{name}: {detail}")
            self._answered.notify_all()
