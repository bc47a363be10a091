"""What the supervisor must do: the commands that the lifecycle gives, one class each. PURE."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StartBuild:
    """Start a process that imports the application as this generation."""

    generation: int
    is_retry: bool = False
    """Nothing has changed: another try behind a page, not worth a word."""


@dataclass(frozen=True, slots=True)
class GoWorker:
    """Let the built candidate accept. It is the `restart`-th generation that serves."""

    generation: int
    restart: int


@dataclass(frozen=True, slots=True)
class RetireWorker:
    """Let the worker finish its requests and leave."""

    generation: int
    must_be_gone: bool = False
    """The next build waits for its end: it gets less time."""


@dataclass(frozen=True, slots=True)
class Discard:
    """Kill the candidate: another build replaces it, or it took too long."""

    generation: int


@dataclass(frozen=True, slots=True)
class ShowPage:
    """Let pages answer with the report about this generation."""

    generation: int
    is_final: bool = True
    """False: the build goes on behind the page."""


@dataclass(frozen=True, slots=True)
class KeepWorker:
    """Let the worker go on in spite of the build that failed: `--on-error keep`."""

    generation: int
    failed: int
    """Whose record its gate follows from now on."""
    is_final: bool = True
    """False: the build goes on meanwhile."""


@dataclass(frozen=True, slots=True)
class StandDownPages:
    """Let pages hand over what they have not answered; then this generation goes."""

    generation: int


@dataclass(frozen=True, slots=True)
class SayStopsFirst:
    """Tell that from now on the worker ends before the next build begins."""


Command: TypeAlias = (
    StartBuild
    | GoWorker
    | RetireWorker
    | Discard
    | ShowPage
    | KeepWorker
    | StandDownPages
    | SayStopsFirst
)
