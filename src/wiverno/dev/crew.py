"""Carries out what was decided: starts, tells, retires and kills the processes of a session."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import assert_never

from wiverno.dev.control.events import EventStream
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
from wiverno.dev.decisions.lifecycle import Lifecycle, Server
from wiverno.dev.decisions.self_restarters import SelfRestarters
from wiverno.dev.failure.last_good import SinceLastGood
from wiverno.dev.processes.connections import ConnectionQueue
from wiverno.dev.processes.handles import BuildCause, ProcessHandle, WorkerHandle
from wiverno.dev.processes.messages import Adopt, Connection, Go, Outcome, Retire
from wiverno.dev.processes.pages_slot import PagesSlot
from wiverno.dev.processes.strategy import Spawn, Strategy
from wiverno.dev.processes.table import ProcessTable
from wiverno.dev.reports import Reports
from wiverno.dev.settings import DevSettings
from wiverno.dev.terminal import screen
from wiverno.dev.terminal.screen import RestartSummary
from wiverno.dev.terminal.terminal import Terminal


class Crew:
    """The processes, the connections between them, and what is told about them."""

    def __init__(
        self,
        settings: DevSettings,
        listener_fds: Sequence[int],
        table: ProcessTable,
        lifecycle: Lifecycle,
        events: EventStream,
    ) -> None:
        self._settings = settings
        self._listener_fds = tuple(listener_fds)
        self._table = table
        self._lifecycle = lifecycle
        self._events = events
        self._good_sources_fd: int | None = None
        """What the generation that served last has loaded. It outlives that generation."""
        self._shown: tuple[str, bool] | None = None
        self._cold_import_s = 0.0
        self._self_restarters = SelfRestarters()
        self.terminal = Terminal(is_verbose=settings.is_verbose)
        self.strategy = self._choose_strategy()
        self.reports = Reports(settings.target_text, self._since_last_good)
        self.pages = PagesSlot(table, settings)
        self.connections = ConnectionQueue()
        self.workers: dict[int, WorkerHandle] = {}

    def _choose_strategy(self) -> Strategy:
        if not self._settings.forks:
            return Spawn(self._table, self._settings)
        # Imported only where it is used.
        from wiverno.dev.fork_news import ForkNews
        from wiverno.dev.processes.forks import Forks

        return Forks(self._table, self._settings, ForkNews(self._events, self.terminal))

    def carry_out(self, commands: Sequence[Command], take_cause: Callable[[], BuildCause]) -> None:
        for command in commands:
            match command:
                case StartBuild():
                    self._start_build(command, take_cause())
                case GoWorker():
                    self._go_worker(command.generation, command.restart)
                case RetireWorker():
                    self._retire(command)
                case Discard():
                    self._discard(self.workers[command.generation])
                case ShowPage():
                    self._show_page(command)
                case KeepWorker():
                    self._keep_worker(command)
                case StandDownPages():
                    self.pages.stand_down(command.generation)
                case SayStopsFirst():
                    self.terminal.notice(
                        "The application cannot start while its older process runs. "
                        "From now on that one is ended first; requests wait a little longer."
                    )
                case _:
                    assert_never(command)
        self.forward_connections()
        self.forget_unused()

    @property
    def meant_handle(self) -> WorkerHandle | None:
        """The worker that serves, or the process whose failure is shown or put up with."""
        return self.workers.get(self._lifecycle.gated_on or 0)

    @property
    def candidate(self) -> WorkerHandle | None:
        return self.workers.get(self._lifecycle.candidate or 0)

    @property
    def is_any_busy(self) -> bool:
        """Does a worker, maybe one that is leaving, still answer requests?"""
        workers = [handle for handle in self._table if isinstance(handle, WorkerHandle)]
        return any(handle.may_serve and handle.requests_in_flight() for handle in workers)

    def hold(self, message: Connection) -> None:
        if self.connections.hold(message):
            self._events.emit("connection_held", waiting=len(self.connections))
            self.forward_connections()
        else:
            self.terminal.notice("A connection was lost: too many open files (ulimit -n).")

    def forward_connections(self) -> None:
        handle = self._server_handle()
        if handle is not None and self._lifecycle.accepts:
            self.connections.forward_to(handle)

    def let_leave(self, handle: WorkerHandle) -> None:
        """A candidate whose build was no good runs its atexit handlers and ends by itself."""
        handle.expect_exit(time.monotonic() + self._settings.stop_deadline_s)
        if handle.built is not None and handle.built.outcome is Outcome.FAILED:
            self.strategy.failed(handle)

    def show_output(self, handle: WorkerHandle) -> None:
        """What it has printed until now and nobody has shown."""
        handle.is_output_shown = True
        self.terminal.output(handle.output.claim())

    @property
    def suspect_at(self) -> float | None:
        """When a forked build has taken longer than a cold one would have."""
        candidate = self.candidate
        if candidate is None or candidate.built is not None or not candidate.is_warm:
            return None
        if candidate.output.has_other_claimed:
            # Somebody is asked something (a debugger), or it is slow and says so.
            return None
        patience_s = max(self._settings.fork_patience_s, 3 * self._cold_import_s)
        return candidate.start.monotonic_s + patience_s

    @property
    def output_due_at(self) -> float | None:
        """When a candidate has been silent for so long that what it said before is shown."""
        candidate = self.candidate
        if candidate is None or candidate.is_output_shown or candidate.cause.is_retry:
            return None
        return candidate.start.monotonic_s + self._settings.silence_s

    def show_overdue_output(self, now: float) -> None:
        if (due_at := self.output_due_at) is not None and now >= due_at:
            assert self.candidate is not None  # or nothing would be due
            self.show_output(self.candidate)

    def end_session(self) -> None:
        """Let the server finish within the deadline; what does not serve is killed at once."""
        self.strategy.end_session()
        if self.candidate is not None and self._lifecycle.server is Server.NOBODY:
            # It may have said why there is no server yet.
            self.show_output(self.candidate)
        for handle in self._table:
            if handle.may_serve:
                # Also to one that is leaving: the shorter deadline holds.
                self._ask_to_leave(
                    handle, self._settings.stop_deadline_s, self._settings.stop_leave_s
                )
            else:
                handle.kill()

    def close(self) -> None:
        """After the last process has ended."""
        for worker in self.workers.values():
            worker.close_files()
        self.workers.clear()
        if self._good_sources_fd is not None:
            os.close(self._good_sources_fd)
            self._good_sources_fd = None
        self.connections.close()
        self.terminal.close(self._settings.last_words_s)

    def forget_unused(self) -> None:
        """Close the records of processes that ended and that no page is gated on."""
        running = {handle for handle in self._table if isinstance(handle, WorkerHandle)}
        lifecycle = self._lifecycle
        meant = {lifecycle.serving, lifecycle.gated_on, lifecycle.candidate, lifecycle.ready}
        for generation, handle in tuple(self.workers.items()):
            if handle not in running and generation not in meant:
                handle.close_files()
                del self.workers[generation]
                self.reports.forget(generation)

    def _start_build(self, command: StartBuild, cause: BuildCause) -> None:
        generation = command.generation
        cause.is_retry = command.is_retry
        self.workers[generation] = self.strategy.start_worker(
            generation, cause, self._good_sources_fd
        )
        self._events.emit("build_started", generation=generation, changed=cause.changed)
        if cause.is_repeated:
            return
        if generation > 1 and not command.is_retry:
            self.terminal.restarting(cause.changed)
        for path in self._self_restarters.build_began(time.monotonic(), cause.changed):
            option = self._option_against(path)
            self.terminal.restarts_itself(path, option)
            self._events.emit("self_restarter", path=path, option=option)

    def _option_against(self, path: str) -> str:
        """What keeps this path from restarting; nothing does where it is imported."""
        if any(worker.has_imported(path) for worker in self.workers.values()):
            return ""
        # Of a folder the names are followed, where the application lists it.
        return "--static-dir" if Path(path).is_dir() else "--unwatch-file"

    def _go_worker(self, generation: int, restart: int) -> None:
        handle = self.workers[generation]
        assert handle.built is not None  # Only a good build goes.
        debug = handle.built.debug
        phases_ms = handle.phases_ms(time.monotonic())
        total_ms = sum(phases_ms.values())
        summary = RestartSummary(handle.cause.changed, phases_ms, total_ms, handle.level)
        # Both first, or the worker's own lines would come before it.
        self.show_output(handle)
        self.terminal.serving(self._settings.url, debug, restart, summary)
        self._shown = None
        handle.channel.send(Go(generation=generation, fds=self._listener_fds))
        self._keep_sources(handle)
        self.strategy.served(handle)
        if not handle.is_warm:
            self._cold_import_s = max(self._cold_import_s, handle.built.import_ms / 1000)
        self._events.emit(
            "serving",
            generation=generation,
            restart=restart,
            debug=debug,
            pid=handle.pid,
            level=handle.level,
            phases_ms=phases_ms,
            total_ms=total_ms,
        )

    def _discard(self, handle: WorkerHandle) -> None:
        handle.is_output_shown = False
        handle.kill()

    def _keep_sources(self, handle: WorkerHandle) -> None:
        kept, self._good_sources_fd = self._good_sources_fd, os.dup(handle.files.sources)
        if kept is not None:
            os.close(kept)

    def _since_last_good(self, generation: int) -> SinceLastGood:
        return self.workers[generation].since_last_good()

    def _retire(self, command: RetireWorker) -> None:
        handle = self.workers.get(command.generation)
        if handle is None or handle not in self._table:
            return  # It has ended already.
        handle.turns.end_turn()
        settings = self._settings
        if command.must_be_gone:
            self._ask_to_leave(handle, settings.stop_deadline_s, settings.stop_leave_s)
        else:
            self._ask_to_leave(handle, settings.retire_deadline_s, settings.retire_leave_s)

    def _ask_to_leave(self, handle: ProcessHandle, deadline_s: float, leave_s: float) -> None:
        handle.channel.send(Retire(deadline_s, leave_s))
        allowed_s = deadline_s + leave_s + self._settings.kill_margin_s
        handle.expect_exit(time.monotonic() + allowed_s)

    def _show_page(self, command: ShowPage) -> None:
        generation = command.generation
        report = self.reports[generation]
        self._tell_failure(generation, kept_restart=None)
        is_unsettled, fds = self._failure_to_follow(generation)
        is_final = command.is_final and not is_unsettled
        self.pages.show(Go(generation, is_final, report.to_json(), fds))
        self._events.emit(
            "page",
            generation=generation,
            kind=report.kind,
            headline=report.headline,
            is_final=command.is_final,
        )

    def _keep_worker(self, command: KeepWorker) -> None:
        report = self.reports[command.failed]
        self._tell_failure(command.failed, kept_restart=self._lifecycle.restart)
        _, fds = self._failure_to_follow(command.failed)
        worker = self.workers[command.generation]
        worker.turns.end_turn()
        worker.channel.send(Adopt(command.failed, report.header_kind, fds))
        self._events.emit(
            "kept",
            generation=command.generation,
            failed=command.failed,
            kind=report.kind,
            headline=report.headline,
            is_final=command.is_final,
        )

    def _tell_failure(self, generation: int, kept_restart: int | None) -> None:
        # First, or the lines of requests that meet it would come before it. A retry that
        # fails for the same reason is not told again.
        handle, report = self.workers[generation], self.reports[generation]
        shown = (report.headline, kept_restart is not None)
        if shown != self._shown or not handle.cause.is_retry:
            self.show_output(handle)
        if shown != self._shown:
            details = report.traceback.splitlines()
            outlook = screen.outlook(kept_restart, is_manual=self._settings.is_manual)
            self.terminal.failed(report.headline, report.where, details, outlook)
        self._shown = shown

    def _failure_to_follow(self, generation: int) -> tuple[bool, tuple[int, ...]]:
        """Whether its files never came to rest; and the record to gate on, with the listeners."""
        handle = self.workers[generation]
        is_unsettled = self.reports.is_unsettled(generation)
        if is_unsettled:
            handle.rebase_record()
        return is_unsettled, (handle.files.record, *self._listener_fds)

    def _server_handle(self) -> ProcessHandle | None:
        match self._lifecycle.server:
            case Server.NOBODY:
                return None
            case Server.PAGES:
                return self.pages.handle
            case Server.WORKER:
                return self.workers.get(self._lifecycle.serving or 0)
