"""How long a request waits for a build, and how long a build may take."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

# A page says where the build stands: the stack is asked for so long before it is shown. A busy
# machine gives a process that has made itself `nice` a turn every few tenths of a second.
_STACK_LEAD_S = 0.5
_NEVER = float("inf")


class Impatience(Enum):
    """What has become due."""

    ASK_STACK = "ask the candidate where it stands"
    SHOW_PAGE = "answer those who wait"
    GIVE_UP = "call the build a hang"


@dataclass(slots=True)
class _Deadline:
    at: float
    impatience: Impatience
    is_stack_asked: bool = False

    def next_at(self) -> float:
        return self.at if self.is_stack_asked else self.at - _STACK_LEAD_S


class Patience:
    """Two clocks, one for whoever waits and one for the build. Pure: `now` is a parameter."""

    def __init__(self, wait_s: float, build_s: float) -> None:
        self._wait_s = wait_s
        self._build_s = build_s
        self._candidate: int | None = None
        self._wait: _Deadline | None = None
        self._build: _Deadline | None = None

    def observe(self, now: float, *, someone_waits: bool, candidate: int | None) -> None:
        """Tell how things stand; to be called whenever they may have changed."""
        if not someone_waits or candidate is None:
            self._wait = None
        elif self._wait is None:
            self._wait = _Deadline(now + self._wait_s, Impatience.SHOW_PAGE)
        if candidate is None:
            self._build = None
        elif candidate != self._candidate:
            self._build = _Deadline(now + self._build_s, Impatience.GIVE_UP)
            if self._wait is not None:
                self._wait.is_stack_asked = False
        self._candidate = candidate

    @property
    def deadline(self) -> float | None:
        """When `due` has something; monotonic, in seconds."""
        clocks = [clock.next_at() for clock in (self._wait, self._build) if clock is not None]
        return min(clocks, default=None)

    def due(self, now: float) -> Iterator[Impatience]:
        """What has become due, each once."""
        for clock in (self._wait, self._build):
            if clock is None:
                continue
            if now < clock.at:
                if not clock.is_stack_asked and now >= clock.next_at():
                    clock.is_stack_asked = True
                    yield Impatience.ASK_STACK
            elif clock.at != _NEVER:
                clock.at = _NEVER
                yield clock.impatience
