"""A client as the server was made for: it asks, waits for the answer, and asks again."""

import contextlib
import http.client
import statistics
import time
from dataclasses import dataclass, field

from benchmarks.soak.served.application import HELLO

TIMEOUT_S = 10.0
KEPT_S = 5.0
"""Before the server may close a kept connection, as browsers do."""


@dataclass
class NormalClient:
    """Asks in turn on a new connection and on one that it keeps."""

    port: int
    times_s: list[float] = field(default_factory=list)
    worst_at_s: float = 0.0
    """Since the begin of the soak."""
    longest_pause_s: float = 0.0
    """Between an answer and the next request: above the usual, this process was held up."""
    failures: list[str] = field(default_factory=list)
    _begun_at: float = field(default_factory=time.monotonic)
    _answered_at: float = field(default_factory=time.monotonic)
    _kept: http.client.HTTPConnection | None = None

    def ask(self) -> None:
        """Ask once and keep how long it took, and what was wrong with it."""
        is_new = len(self.times_s) % 2 == 0
        begun = time.monotonic()
        self._note_pause(begun)
        connection = self._new() if is_new else self._kept or self._new()
        try:
            problem = self._problem_with_answer(connection)
        except (OSError, http.client.HTTPException) as error:
            problem = repr(error)
        took_s = time.monotonic() - begun
        if took_s > max(self.times_s, default=0.0):
            self.worst_at_s = begun - self._begun_at
        self.times_s.append(took_s)
        if problem:
            self.failures.append(f"{begun - self._begun_at:.1f} s: {problem}")
        if is_new or problem:
            connection.close()
        if not is_new:
            self._kept = None if problem else connection
        self._answered_at = time.monotonic()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    @property
    def median_s(self) -> float:
        return statistics.median(self.times_s)

    @property
    def worst_s(self) -> float:
        return max(self.times_s)

    def percentile_s(self, percent: int) -> float:
        ordered = sorted(self.times_s)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    def _note_pause(self, now: float) -> None:
        pause_s = now - self._answered_at
        self.longest_pause_s = max(self.longest_pause_s, pause_s)
        if pause_s > KEPT_S:
            self.close()

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)

    def _problem_with_answer(self, connection: http.client.HTTPConnection) -> str:
        connection.request("GET", "/")
        with contextlib.closing(connection.getresponse()) as response:
            body = response.read()
        if (response.status, body) == (200, HELLO):
            return ""
        return f"{response.status} {body[:60]!r}"
