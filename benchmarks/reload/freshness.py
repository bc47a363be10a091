"""What one answer says about a save. Pure: clients are elsewhere."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    FRESH = "fresh"
    STALE = "stale"
    """Code from before a save that was complete when the request was sent."""
    ERROR = "error"
    """An answer whose status is not 200, or that is not the application's."""
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: an answer, or the failure that came instead."""

    first_byte_at: float
    status: int = 0
    body: str = ""
    failure: Kind | None = None


def judge(attempt: Attempt, version: int) -> Kind:
    """What `attempt`, sent after `version` was saved, got."""
    if attempt.failure is not None:
        return attempt.failure
    if attempt.status != 200 or not attempt.body.strip().isdecimal():
        return Kind.ERROR
    return Kind.FRESH if int(attempt.body) >= version else Kind.STALE


def count(kinds: Iterable[Kind]) -> dict[str, int]:
    """How often each, in the order of `Kind`; what did not happen is left out."""
    counted = Counter(kinds)
    return {kind.value: counted[kind] for kind in Kind if counted[kind]}
