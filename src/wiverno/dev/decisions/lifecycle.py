"""The life of a session: which generation is built, serves, or makes room.

One method per event, each returns the commands that the supervisor must carry out, in
order. Rule 1: everything that decides about builds and servers is in this file.
Rule 2: a candidate accepts nothing before `Go`, and `Go` never comes while pages may
still answer.
"""

from dataclasses import replace
from enum import Enum, StrEnum

from wiverno.dev.decisions.commands import (
    Command,
    Discard,
    GoWorker,
    KeepWorker,
    RetireWorker,
    SayStopsFirst,
    ShowPage,
    StandDownPages,
    StartBuild,
)

_STALE_BUILDS_BEFORE_PAGE = 5
"""However few a slow import makes in that time: each may be owed to a save."""


class Server(Enum):
    """Who answers on the port."""

    NOBODY = "nobody"
    WORKER = "worker"
    PAGES = "pages"


class Blame(StrEnum):
    """What a failed build may be owed to; it decides whether trying again can help."""

    SYNTAX = "syntax"
    """The source itself. Nothing but a change helps."""
    CODE = "code"
    """ImportError, NameError, AttributeError, TypeError: most likely the code."""
    WORLD = "world"
    """Anything else, or a death: a port or lock that the old worker holds, a database."""


class Lifecycle:
    """Decides, by the rules above. Events of a generation that is no longer meant are ignored."""

    def __init__(
        self,
        crashes_before_page: int = 3,
        verify_bound_s: float = 10.0,
        retry_pause_s: float = 2.0,
        *,
        keeps_on_error: bool = False,
        is_manual: bool = False,
    ) -> None:
        """`verify_bound_s` is how long builds may follow each other that are stale at their end,
        or before it, if they are at least five: long ones may meet two saves.

        `keeps_on_error`: a failure never takes a good worker away. `is_manual`: while a
        worker serves, nothing is built unless somebody asks for it.
        """
        self._keeps_on_error = keeps_on_error
        self._is_manual = is_manual
        self._crashes_before_page = crashes_before_page
        self._verify_bound_s = verify_bound_s
        self._retry_pause_s = retry_pause_s
        # When the builds that were stale since the last verdict turned out to be so.
        self._stale_builds: list[float] = []
        self._crashes = 0
        self._last_generation = 0
        self._server_is_stale = False
        self._failure_is_final = True
        self._may_retry = False
        self._retry_not_before = 0.0
        # Generations whose processes were told to end, or end by themselves.
        self._leaving: set[int] = set()
        # The last candidate that ended before its build was judged.
        self._gone: int | None = None
        # A build begins when `_leaving` is empty.
        self._is_clearing = False
        # A failure is shown that the end of the older processes may heal.
        self._retries_when_clear = False
        # The candidate is the second try, with every older process gone.
        self._is_clear_try = False
        # By hand, when another build was about to serve.
        self._is_restart_due = False
        self.stops_first = False
        """The application cannot be imported while an older worker lives."""
        self.restart = 0
        """How many generations have begun to serve; pages do not count."""
        self.server = Server.NOBODY
        self.serving: int | None = None
        """The generation that serves, or that the page is about."""
        self.kept_over: int | None = None
        """The generation whose failure the serving worker was kept in spite of."""
        self.candidate: int | None = None
        """The generation that is being built."""
        self.ready: int | None = None
        """The generation that is built and waits for pages to stand down."""

    @property
    def is_building(self) -> bool:
        return self.candidate is not None or self.ready is not None or self._is_clearing

    @property
    def gated_on(self) -> int | None:
        """Whose record tells what is news: of the server, or of the failure it is kept over."""
        return self.serving if self.kept_over is None else self.kept_over

    @property
    def waits_for_word(self) -> bool:
        """Nothing is built because files have changed; somebody has to ask for it."""
        return self._is_manual and self.server is Server.WORKER

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

    def changes_settled(self, now: float, *, candidate_is_stale: bool = False) -> list[Command]:
        """Files changed that nobody has asked for yet. `now` is monotonic, in seconds.

        A candidate that has read one of them in vain is replaced; else, while a build runs,
        tell it again afterwards.
        """
        self._crashes = 0
        if self.candidate is not None and candidate_is_stale:
            return self._replace_stale(now)
        if self.is_building or self.waits_for_word:
            return []
        if self._shows_failure:
            # Not the change that the failure is about.
            self._stale_builds.clear()
        return self._build()

    def restart_asked(self) -> list[Command]:
        """By hand: changed or not, and also instead of a build that may hang."""
        if not self._last_generation:
            return []  # It starts anyway.
        self._crashes = 0
        self._stale_builds.clear()
        if self.candidate is not None:
            return self._supersede()
        if self.ready is not None:
            # Pages have been told already that it comes.
            self._is_restart_due = True
        return [] if self.is_building else self._build()

    def became_stale(
        self, generation: int, now: float, *, candidate_is_stale: bool = False
    ) -> list[Command]:
        """The gate of the present server tripped on a request, which now waits.

        A candidate that has read something in vain is replaced, since it may hang. `now` is
        monotonic, in seconds.
        """
        if generation != self.gated_on:
            return []
        self._server_is_stale = True
        self._crashes = 0
        # Gated on the candidate, the failure is that it takes long: what it has read changed.
        if self.candidate is not None and (candidate_is_stale or generation == self.candidate):
            return self._replace_stale(now)
        return [] if self.is_building else self._build()

    def waited_too_long(self) -> list[Command]:
        """A request has waited for the candidate as long as one may."""
        if self.candidate is None or not self.someone_waits:
            return []
        return self._show_failure(self.candidate, is_final=False)

    def failure_was_met(self, now: float) -> list[Command]:
        """A request met the final failure: the world may be another one by now."""
        is_due = self._may_retry and now >= self._retry_not_before
        if not (self._shows_failure and is_due) or self.waits_for_word:
            return []
        if self.is_building or self._server_is_stale:
            return []
        return self._retry()

    def built_good(self, generation: int) -> list[Command]:
        if generation != self.candidate:
            return []
        commands: list[Command] = []
        if self._is_clear_try and not self.stops_first:
            self.stops_first = True
            commands.append(SayStopsFirst())
        self._end_build()
        self._stale_builds.clear()
        if self.server is Server.PAGES:
            self.ready = generation
            return [*commands, StandDownPages(generation)]
        return [*commands, *self._retire_worker(), self._go(generation)]

    def built_changed(self, generation: int, now: float) -> list[Command]:
        """What the candidate had read changed meanwhile. `now` is monotonic, in seconds."""
        if generation != self.candidate:
            return []
        if self._changes_too_long(now):
            return self._fail_as_unsettled(generation, now)
        self._let_leave(generation)
        self.candidate = None
        # If the next one is good, that is owed to the change.
        self._is_clear_try = False
        # Without waiting for the next word: it was asked for.
        must_go_on = self.someone_waits or not self._failure_is_final or self.waits_for_word
        return self._build() if must_go_on else []

    def built_inexactly(self, generation: int) -> list[Command]:
        """A cold start might have given something else: once more, from the beginning."""
        if generation != self.candidate:
            return []
        self._let_leave(generation)
        return self._retry()

    def built_failed(
        self, generation: int, blame: Blame, now: float, *, older_is_busy: bool = False
    ) -> list[Command]:
        """The candidate left a report, or died. `now` is monotonic, in seconds.

        `older_is_busy`: an older worker still answers requests, which are not to be cut.
        """
        if generation not in (self.candidate, self.ready):
            return []
        was_clear_try = self._is_clear_try
        self._end_build()
        self._let_leave(generation)
        older_lives = self.server is Server.WORKER or self._leaving != {generation}
        may_clear = older_lives and not was_clear_try and not self._keeps_on_error
        self._retries_when_clear = blame is Blame.WORLD and may_clear and older_is_busy
        if blame is Blame.WORLD and may_clear and not older_is_busy:
            self._is_clear_try = True
            return self._build_when_clear()
        self._stale_builds.clear()
        return self._end_in_failure(generation, now, may_retry=blame is not Blame.SYNTAX)

    def process_exited(self, generation: int) -> list[Command]:
        """A process that was to end has ended."""
        if generation == self.candidate:
            self._gone = generation
        self._leaving.discard(generation)
        if self._is_clearing and not self._leaving:
            self._is_clearing = False
            return [*self._start_build()]
        is_shown = self.server is Server.PAGES and not self._server_is_stale
        if self._retries_when_clear and not self._leaving and is_shown and not self.is_building:
            self._is_clear_try = True
            return self._retry()
        return []

    def worker_died(self, generation: int) -> list[Command]:
        """A worker that was not told to leave is gone."""
        if self.server is not Server.WORKER or generation != self.serving:
            return []
        kept_over = self.kept_over
        self._leave_port()
        self._crashes += 1
        if kept_over is not None and (not self.is_building or kept_over == self.candidate):
            return [self._show_page(kept_over, is_final=self._failure_is_final)]
        if self.is_building:
            return []
        if self._crashes >= self._crashes_before_page:
            self._may_retry = False
            return [self._show_page(generation)]
        return self._build()

    def pages_stood_down(self, generation: int) -> list[Command]:
        if generation != self.ready:
            return []
        self.ready = None
        return [self._go(generation), *self._due_restart()]

    def pages_died(self) -> list[Command]:
        """Another pages process stands in its place, idle."""
        if self.ready is not None:
            return self.pages_stood_down(self.ready)
        if self.server is Server.PAGES and self.serving is not None:
            return [self._show_page(self.serving, is_final=self._failure_is_final)]
        return []

    @property
    def _shows_failure(self) -> bool:
        """Is the last word on the present files that there is no application?"""
        is_met = self.server is Server.PAGES or self.kept_over is not None
        return is_met and self._failure_is_final

    def _changes_too_long(self, now: float) -> bool:
        """Called whenever a build turns out to be stale."""
        self._stale_builds = [*self._stale_builds[: _STALE_BUILDS_BEFORE_PAGE - 1], now]
        is_often = len(self._stale_builds) == _STALE_BUILDS_BEFORE_PAGE
        return is_often and now - self._stale_builds[0] >= self._verify_bound_s

    def _replace_stale(self, now: float) -> list[Command]:
        """Build again instead of the candidate, unless that has been done for too long."""
        if self.candidate is None or not self._changes_too_long(now):
            return self._supersede()
        return [Discard(self.candidate), *self._fail_as_unsettled(self.candidate, now)]

    def _fail_as_unsettled(self, generation: int, now: float) -> list[Command]:
        """A file that the import itself rewrites would be built for ever.

        Somebody else may have written it for the last time, so that one more try can heal;
        it does not begin the bound anew.
        """
        self._end_build()
        self._let_leave(generation)
        return self._end_in_failure(generation, now, may_retry=True)

    def _end_in_failure(self, generation: int, now: float, *, may_retry: bool) -> list[Command]:
        self._may_retry = may_retry
        self._retry_not_before = now + self._retry_pause_s
        return [*self._show_failure(generation), *self._due_restart()]

    def _retry(self) -> list[Command]:
        return [replace(command, is_retry=True) for command in self._start_build()]

    def _build(self) -> list[Command]:
        if self.stops_first:
            self._is_clear_try = True
            return self._build_when_clear()
        return [*self._start_build()]

    def _build_when_clear(self) -> list[Command]:
        self._retire_worker()
        if not self._leaving:
            return [*self._start_build()]
        self._is_clearing = True
        return [RetireWorker(leaving, must_be_gone=True) for leaving in sorted(self._leaving)]

    def _start_build(self) -> list[StartBuild]:
        self._is_restart_due = False
        self._last_generation += 1
        self._retries_when_clear = False
        self.candidate = self._last_generation
        return [StartBuild(self.candidate)]

    def _due_restart(self) -> list[Command]:
        return self._build() if self._is_restart_due else []

    def _supersede(self) -> list[Command]:
        assert self.candidate is not None
        discarded = self.candidate
        self._let_leave(discarded)
        self.candidate = None
        # If the next one is good, that is owed to the change.
        self._is_clear_try = False
        return [Discard(discarded), *self._build()]

    def _end_build(self) -> None:
        self.candidate = self.ready = None
        self._is_clear_try = False

    def _let_leave(self, generation: int) -> None:
        if generation != self._gone:
            self._leaving.add(generation)

    def _retire_worker(self) -> list[Command]:
        if self.server is not Server.WORKER or self.serving is None:
            return []
        retired = self.serving
        self._let_leave(retired)
        self._leave_port()
        return [RetireWorker(retired)]

    def _leave_port(self) -> None:
        self.server, self.serving, self._server_is_stale = Server.NOBODY, None, False
        self.kept_over = None

    def _go(self, generation: int) -> Command:
        self.server, self.serving, self._server_is_stale = Server.WORKER, generation, False
        self.kept_over = None
        self._failure_is_final = True
        self.restart += 1
        return GoWorker(generation, self.restart)

    def _show_failure(self, generation: int, *, is_final: bool = True) -> list[Command]:
        """Keep the worker, where there is one and that is wanted; else a page."""
        if self._keeps_on_error and self.server is Server.WORKER and self.serving is not None:
            self.kept_over, self._server_is_stale = generation, False
            self._failure_is_final = is_final
            return [KeepWorker(self.serving, generation, is_final)]
        return [*self._retire_worker(), self._show_page(generation, is_final=is_final)]

    def _show_page(self, generation: int, *, is_final: bool = True) -> Command:
        self.server, self.serving, self._server_is_stale = Server.PAGES, generation, False
        self._failure_is_final = is_final
        return ShowPage(generation, is_final)
