"""Where wiverno reads other than h11 and httptools. Which is right is said in `rules`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tests.core.server.reader.peers import PEERS, End, Reading, Request, read_with_wiverno

# Before both of these stands the end of the head.
_EMPTY_BODY_OF_UPGRADE = re.compile(rb"(?is)\r\nUpgrade[ \t]*:.*\r\n\r\n0+[ \t]*[;\r]")


class Side(Enum):
    """Who is stricter."""

    STRICTER = "wiverno refuses what the peer takes"
    LENIENT = "wiverno takes what the peer refuses"
    OTHER = "both take it and tell something else"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that wiverno and one peer tell otherwise of the same bytes."""

    peer: str
    side: Side
    # The reason of who refused, or what of the request is told otherwise.
    subject: str
    # The request it is about, and what follows where it is not complete.
    source: bytes


def differences_of(data: bytes) -> list[Difference]:
    """All, up to the place where the two do not read the same request any more."""
    own = read_with_wiverno(data)
    return [each for peer, read in PEERS.items() for each in _compare(peer, own, read(data))]


def _compare(peer: str, own: Reading, theirs: Reading) -> Iterator[Difference]:
    for mine, other in zip(own.requests, theirs.requests, strict=False):
        for subject in _compare_requests(mine, other):
            yield Difference(peer, Side.OTHER, subject, mine.source)
        if (mine.body, mine.keep_alive) != (other.body, other.keep_alive):
            return  # Behind this the two read other bytes, or none.
        if peer == "httptools" and _EMPTY_BODY_OF_UPGRADE.search(mine.source):
            return  # It takes the chunk of no bytes, and the trailers, for the next request.
    yield from _compare_ends(peer, own, theirs)


def _compare_ends(peer: str, own: Reading, theirs: Reading) -> Iterator[Difference]:
    count, other_count = len(own.requests), len(theirs.requests)
    if count <= other_count and own.end is End.REFUSED:
        if count < other_count or theirs.end is not End.REFUSED:
            yield Difference(peer, Side.STRICTER, own.reason, own.rest)
    elif other_count <= count and theirs.end is End.REFUSED:
        source = own.requests[other_count].source if other_count < count else own.rest
        yield Difference(peer, Side.LENIENT, theirs.reason, source)
    elif (count, own.end) != (other_count, theirs.end):
        yield Difference(peer, Side.OTHER, "end", own.rest)


def _compare_requests(own: Request, theirs: Request) -> Iterator[str]:
    for subject in ("method", "target", "version", "body"):
        if getattr(own, subject) != getattr(theirs, subject):
            yield subject
    if own.keep_alive != theirs.keep_alive:
        yield f"keep_alive: {own.keep_alive}"
    yield from _compare_headers(list(own.headers), theirs.headers)


def _compare_headers(own: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> Iterator[str]:
    """One by one: a field that only the peer tells, or the value of one that both tell."""
    for name, value in theirs:
        if not own or own[0][0] != name:
            yield f"left out: {name}"
        elif own.pop(0)[1] != value:
            yield f"value of {name}"
    if own:
        yield "fields that the peer does not tell"
