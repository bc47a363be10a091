"""The applications that are compared. Data; what they answer with is in `served`."""

from dataclasses import dataclass

WIVERNO = "wiverno"


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    """Also of the module in `served`, behind `with_`."""
    requirement: str | None
    """The distribution; None: it needs nothing."""


PEERS = (
    Peer("raw", None),
    Peer(WIVERNO, "wiverno"),
    Peer("falcon", "falcon"),
    Peer("bottle", "bottle"),
    Peer("flask", "flask"),
)
