"""What a case of abuse is: the bytes sent, and what its source demands of the server.

Data only. `stage` plays the cases whose abuse is in bytes; `scenario` marks the tests whose
abuse is in clients, time or signals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, TypeVar

from wiverno.core.wsgi_types import WSGIApplication

Test = TypeVar("Test", bound=Callable[..., object])

FOLLOW_UP_PATH = "/follow-up"
# Sent right behind the bytes of a case. Its answer shows where the server saw the case end.
FOLLOW_UP = f"GET {FOLLOW_UP_PATH} HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n".encode()


class Level(Enum):
    """How much a case weighs."""

    MUST = "must"
    SHOULD = "should"
    # Sources differ or are silent; the case holds what this server has decided.
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Await:
    """Send the next piece only when this has been received."""

    text: bytes


class Ending(Enum):
    """What the client does behind the bytes of a case."""

    FOLLOW_UP = "one more request"
    HALF_CLOSE = "no more bytes, but it reads"


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer of the server's own, then the end: nothing reaches the application.

    Nor is the request behind it answered. 0: closed without a word.
    """

    status: int


@dataclass(frozen=True, slots=True)
class Expected:
    """One answer. A header that is None is absent; `body` None is not looked at."""

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    # False: the client can tell that the answer was cut.
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Served:
    """The application answers, and what comes behind is read from the right place."""

    answers: tuple[Expected, ...] = (Expected(),)
    # What the first call of the application has found; None: no such key.
    environ: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    # The follow-up is not answered: the connection could not, or should not, go on.
    then_closed: bool = False
    # Answers with a 1xx that come before.
    interim: int = 0
    # Which the log of the server says.
    logged: str = ""


Outcome: TypeAlias = Refused | Served
Sent: TypeAlias = bytes | tuple[bytes | Await, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Some bytes and what has to come of them."""

    name: str
    level: Level
    # The section or CVE that says so.
    source: str
    sent: Sent
    outcome: Outcome
    # None: one that tells what it was given.
    application: WSGIApplication | None = None
    ending: Ending = Ending.FOLLOW_UP


@dataclass(frozen=True, slots=True)
class Scenario:
    """A case that is a test of its own."""

    name: str
    level: Level
    source: str
    category: str
    # What the test is called: what it abuses, when, and what has to come of it.
    title: str


SCENARIOS: list[Scenario] = []
"""Those of the modules that were imported so far."""


def scenario(name: str, level: Level, source: str) -> Callable[[Test], Test]:
    """Give a test its name in the inventory, its weight and its source."""

    def note(test: Test) -> Test:
        category = test.__module__.rpartition(".test_")[2]
        title = test.__name__.removeprefix("test_").replace("_", " ")
        SCENARIOS.append(Scenario(name, level, source, category, title))
        return test

    return note


def must(name: str, source: str, sent: Sent, outcome: Outcome, **more: object) -> Case:
    """A case that no server on the open internet may fail."""
    return Case(name, Level.MUST, source, sent, outcome, **more)  # type: ignore[arg-type]  # As Case.


def should(name: str, source: str, sent: Sent, outcome: Outcome, **more: object) -> Case:
    """A case with a reason to be expected, and no hole behind it."""
    return Case(name, Level.SHOULD, source, sent, outcome, **more)  # type: ignore[arg-type]  # As Case.


def info(name: str, source: str, sent: Sent, outcome: Outcome, **more: object) -> Case:
    """A case where servers may differ."""
    return Case(name, Level.INFO, source, sent, outcome, **more)  # type: ignore[arg-type]  # As Case.
