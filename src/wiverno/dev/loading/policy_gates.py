"""The gates of the two policies that a user chooses: the last good version, and by hand."""

from typing import Protocol

from wiverno.dev.loading.differences import DifferenceCount
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import Record


class AnyGate(Protocol):
    """What a server asks before each request, in one thread."""

    def is_fresh(self) -> bool:
        """May this process answer?"""

    @property
    def stale_path(self) -> str | None:
        """The first path seen to differ; None while it may."""


class KeptGate:
    """`--on-error keep`: fresh while neither what the failed build saw changes, nor what we see.

    While the first holds another build would fail in the same way.
    """

    def __init__(self, failed: Gate, own: Gate) -> None:
        self._gates = (failed, own)

    def is_fresh(self) -> bool:
        return all(gate.is_fresh() for gate in self._gates)

    @property
    def stale_path(self) -> str | None:
        return next((gate.stale_path for gate in self._gates if gate.stale_path), None)


class CountingGate:
    """`--reload manual`: always fresh, and counts what differs."""

    stale_path = None

    def __init__(self, record: Record) -> None:
        self._differences = DifferenceCount(record)
        self.count = 0
        """As of the last request, for threads that answer."""

    def is_fresh(self) -> bool:
        self.count = self._differences.count()
        return True
