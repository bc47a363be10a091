"""The life of a session: which generation is built, serves, or makes room.

One method per event, each returns the commands that the supervisor must carry out, in
order. Rule 1: everything that decides about builds and servers is in this file.
Rule 2: a candidate accepts nothing before `Go`, and `Go` never comes while pages may
still answer.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StartBuild:
    """Start a process that imports the application as this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class GoWorker:
    """Let the built candidate accept. It is the `restart`-th generation that serves."""

    generation: int
    restart: int


@dataclass(frozen=True, slots=True)
class RetireWorker:
    """Let the worker finish its requests and leave."""

    generation: int


@dataclass(frozen=True, slots=True)
class ShowPage:
    """Let pages answer with the report that this generation left."""

    generation: int


@dataclass(frozen=True, slots=True)
class StandDownPages:
    """Let pages hand over what they have not answered."""


Command: TypeAlias = StartBuild | GoWorker | RetireWorker | ShowPage | StandDownPages


class Server(Enum):
    """Who answers on the port."""

    NOBODY = "nobody"
    WORKER = "worker"
    PAGES = "pages"


class Lifecycle:
    """Decides, by the rules above. Events of a generation that is no longer meant are ignored."""

    def __init__(self, crashes_before_page: int = 3) -> None:
        self._crashes_before_page = crashes_before_page
        self._crashes = 0
        self._last_generation = 0
        self._server_is_stale = False
        self.restart = 0
        """How many generations have begun to serve; pages do not count."""
        self.server = Server.NOBODY
        self.serving: int | None = None
        """The generation that serves, or whose failure the page shows."""
        self.candidate: int | None = None
        """The generation that is being built."""
        self.ready: int | None = None
        """The generation that is built and waits for pages to stand down."""

    @property
    def is_building(self) -> bool:
        return self.candidate is not None or self.ready is not None

    @property
    def someone_waits(self) -> bool:
        """Nobody may answer the next request, or one that could not be answered is waiting."""
        return self.server is Server.NOBODY or self._server_is_stale

    @property
    def accepts(self) -> bool:
        """Can the present server answer a connection that is handed to it?"""
        return not self.someone_waits and self.ready is None

    def start(self) -> list[Command]:
        return self._build()

    def changes_settled(self) -> list[Command]:
        """Files changed that nobody has asked for yet. While a build runs, tell it afterwards."""
        self._crashes = 0
        return [] if self.is_building else self._build()

    def became_stale(self, generation: int) -> list[Command]:
        """The gate of the present server tripped on a request, which now waits."""
        if generation != self.serving:
            return []
        self._server_is_stale = True
        self._crashes = 0
        return [] if self.is_building else self._build()

    def built_good(self, generation: int) -> list[Command]:
        if generation != self.candidate:
            return []
        self.candidate = None
        if self.server is Server.PAGES:
            self.ready = generation
            return [StandDownPages()]
        commands: list[Command] = []
        if self.server is Server.WORKER and self.serving is not None:
            commands.append(RetireWorker(self.serving))
        return [*commands, self._go(generation)]

    def built_changed(self, generation: int) -> list[Command]:
        """What the candidate had read changed meanwhile."""
        if generation != self.candidate:
            return []
        self.candidate = None
        return self._build() if self.someone_waits else []

    def built_failed(self, generation: int) -> list[Command]:
        """The candidate left a report, or died."""
        if generation not in (self.candidate, self.ready):
            return []
        self.candidate = self.ready = None
        commands: list[Command] = []
        if self.server is Server.WORKER and self.serving is not None:
            commands.append(RetireWorker(self.serving))
        return [*commands, self._show_page(generation)]

    def worker_died(self, generation: int) -> list[Command]:
        """A worker that was not told to leave is gone."""
        if self.server is not Server.WORKER or generation != self.serving:
            return []
        self.server, self.serving, self._server_is_stale = Server.NOBODY, None, False
        self._crashes += 1
        if self.is_building:
            return []
        if self._crashes >= self._crashes_before_page:
            return [self._show_page(generation)]
        return self._build()

    def pages_stood_down(self) -> list[Command]:
        if self.ready is None:
            return []
        generation, self.ready = self.ready, None
        return [self._go(generation)]

    def pages_died(self) -> list[Command]:
        """Another pages process stands in its place, idle."""
        if self.ready is not None:
            return self.pages_stood_down()
        if self.server is Server.PAGES and self.serving is not None:
            return [self._show_page(self.serving)]
        return []

    def _build(self) -> list[Command]:
        self._last_generation += 1
        self.candidate = self._last_generation
        return [StartBuild(self.candidate)]

    def _go(self, generation: int) -> Command:
        self.server, self.serving, self._server_is_stale = Server.WORKER, generation, False
        self.restart += 1
        return GoWorker(generation, self.restart)

    def _show_page(self, generation: int) -> Command:
        self.server, self.serving, self._server_is_stale = Server.PAGES, generation, False
        return ShowPage(generation)
