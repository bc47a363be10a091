"""The supervisor: one loop that takes events, asks decisions, has commands carried out.

It owns the listeners, the terminal and the watcher. It never imports application code
and never forks. Watcher, signals and messages only ring: what happens next is decided
in `decisions.lifecycle` and done by the crew, in one thread.
"""

import os
import selectors
import socket
import time
from collections.abc import Sequence
from typing import assert_never

from wiverno.dev.control.events import EventStream
from wiverno.dev.crew import Crew
from wiverno.dev.decisions.changes import Change
from wiverno.dev.decisions.commands import Command
from wiverno.dev.decisions.lifecycle import Blame, Lifecycle
from wiverno.dev.decisions.patience import Impatience, Patience
from wiverno.dev.notices import Notices, Problem, RestartAsked, StopAsked
from wiverno.dev.pending_changes import PendingChanges
from wiverno.dev.processes.environment import SessionEnvironment
from wiverno.dev.processes.handles import ProcessHandle, WorkerHandle, describe_exit
from wiverno.dev.processes.messages import (
    Asked,
    Built,
    Connection,
    Message,
    Outcome,
    Stale,
    StoodDown,
    Taken,
)
from wiverno.dev.processes.table import ProcessTable
from wiverno.dev.settings import DevSettings
from wiverno.dev.starter import starter_watched
from wiverno.dev.write_probe import unsettled_file

# Between two looks whether a writer is done: a fifth of the time that a small build takes.
_WRITE_PROBE_S = 0.005


class Supervisor:
    """Runs one session, from the first build until every process has ended."""

    def __init__(
        self,
        settings: DevSettings,
        listeners: Sequence[socket.socket],
        notices: Notices,
        events: EventStream,
    ) -> None:
        """The listeners stay the caller's; `notices` is how other threads reach the session."""
        self._settings = settings
        self._notices = notices
        self._events = events
        self._lifecycle = Lifecycle(
            settings.crashes_before_page,
            settings.verify_bound_s,
            settings.retry_pause_s,
            keeps_on_error=settings.keeps_on_error,
            is_manual=settings.is_manual,
        )
        self._patience = Patience(settings.wait_timeout_s, settings.build_timeout_s)
        self._changes = PendingChanges(settings.debounce_s)
        self._selector = selectors.DefaultSelector()
        environment = SessionEnvironment(settings.env_files, settings.environment)
        self._table = ProcessTable(self._selector, self._on_message, self._on_exit, environment)
        listener_fds = [listener.fileno() for listener in listeners]
        self._crew = Crew(settings, listener_fds, self._table, self._lifecycle, events)
        self._unjudged: WorkerHandle | None = None
        """A candidate that is built, while somebody still writes a file that it has read."""
        self._is_stopping = False

    def run(self) -> None:
        """Serve until a `StopAsked` notice; every process has ended when it returns."""
        with self._notices.opened() as fd, starter_watched(self._selector, self._notices):
            self._selector.register(fd, selectors.EVENT_READ, self._on_notices)
            try:
                # A stop() that came before start().
                self._on_notices()
                if not self._is_stopping:
                    self._serve()
            finally:
                self._end_everything()
                self._events.emit("stopped")

    def _serve(self) -> None:
        self._events.emit("session", id=self._table.session_id)
        self._carry_out(self._lifecycle.start())
        self._crew.pages.start()
        # Imported after the first build has started: watchdog costs as much as a small app.
        from wiverno.dev.watching.watcher import Watcher

        watcher = Watcher(
            self._settings.watch_dirs,
            self._settings.ignore_patterns,
            lambda kind, path: self._notices.put(Change(kind, path, time.monotonic())),
            lambda text: self._notices.put(Problem(text)),
            self._settings.watch_files,
        )
        watcher.start()
        try:
            self._crew.terminal.starting(self._settings.target_text, self._settings.url)
            while not self._is_stopping:
                self._turn()
            watcher.ask_to_stop()
            self._crew.terminal.stopping()
            self._crew.end_session()
            while len(self._table):
                self._turn()
        finally:
            watcher.stop()

    # One turn of the loop.

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._next_due_s()):
            key.data()
        now = time.monotonic()
        self._table.tend(now)
        if self._crew.pages.tend(now):
            self._carry_out(self._lifecycle.pages_died())
        if self._is_stopping:
            return
        if self._changes.are_settled(now):
            self._on_settled()
        self._crew.show_overdue_output(now)
        self._crew.strategy.tend(now)
        suspect = self._crew.suspect_at
        if suspect is not None and now >= suspect and self._crew.candidate is not None:
            self._begin_again(self._crew.candidate, "it takes longer than a cold build")
        for impatience in self._patience.due(now):
            self._on_impatience(impatience)
        if self._unjudged is not None:
            self._judge(self._unjudged)
        # Last: after whatever has started a build in this turn.
        if (why := self._crew.strategy.why_outdated()) and self._crew.candidate is not None:
            self._begin_again(self._crew.candidate, why)

    def _next_due_s(self) -> float | None:
        """Seconds until something is due; None when only an event can come."""
        now = time.monotonic()
        deadlines = [self._table.next_deadline(), self._crew.pages.due_at]
        if not self._is_stopping:
            self._patience.observe(
                now,
                someone_waits=self._lifecycle.someone_waits,
                candidate=self._lifecycle.candidate,
            )
            deadlines += [self._changes.deadline, self._patience.deadline]
            deadlines += [self._crew.output_due_at, self._crew.suspect_at]
            deadlines.append(self._crew.strategy.due_at)
            if self._unjudged is not None:
                deadlines.append(now + _WRITE_PROBE_S)
        due = min((deadline for deadline in deadlines if deadline is not None), default=None)
        return None if due is None else max(0.0, due - now)

    def _carry_out(self, commands: Sequence[Command]) -> None:
        if not self._is_stopping:
            self._crew.carry_out(commands, self._changes.take)

    # Notices.

    def _on_notices(self) -> None:
        for notice in self._notices.drain():
            match notice:
                case Change() if notice.path in self._settings.unwatch_files:
                    pass
                case Change():
                    self._events.emit("changed", kind=notice.kind, path=notice.path)
                    self._changes.add(notice)
                case StopAsked():
                    self._on_stop_asked(notice)
                case RestartAsked():
                    self._carry_out(self._lifecycle.restart_asked())
                case Problem():
                    self._crew.terminal.notice(notice.text)
                case _:
                    assert_never(notice)
        if not self._lifecycle.is_building:
            # What a request has asked for already is told by the watcher later.
            self._changes.drop_served(self._crew.meant_handle)

    def _on_stop_asked(self, asked: StopAsked) -> None:
        self._events.emit("stopping", reason=asked.reason)
        if self._is_stopping:
            # Asked twice: nobody wants to wait for a request to finish.
            self._table.kill_all()
        self._is_stopping = True

    def _on_settled(self) -> None:
        """The burst is over: restart, unless all of it is in the present generation already."""
        if self._lifecycle.is_building:
            candidate = self._crew.candidate
            path = None if candidate is None else self._changes.read_in_vain(candidate)
            if candidate is not None and path is not None:
                self._crew.reports.unsettled(candidate.generation, path)
                now = time.monotonic()
                self._carry_out(self._lifecycle.changes_settled(now, candidate_is_stale=True))
            else:
                self._changes.postpone()
            return
        self._changes.settle()
        self._changes.drop_served(self._crew.meant_handle)
        if self._changes and self._lifecycle.waits_for_word:
            self._tell_waiting_changes()
        elif self._changes:
            self._carry_out(self._lifecycle.changes_settled(time.monotonic()))

    def _tell_waiting_changes(self) -> None:
        paths = self._changes.paths
        pid = os.getpid() if self._notices.hears_signals else None
        self._crew.terminal.waiting_changes(paths, pid)
        self._events.emit("waiting", changed=paths)

    def _on_impatience(self, impatience: Impatience) -> None:
        candidate = self._crew.candidate
        if candidate is None:
            return
        age_s = time.monotonic() - candidate.start.monotonic_s
        match impatience:
            case Impatience.ASK_STACK:
                candidate.ask_stack()
            case Impatience.SHOW_PAGE:
                self._crew.reports.slow(candidate.generation, age_s, candidate.stack())
                self._carry_out(self._lifecycle.waited_too_long())
            case Impatience.GIVE_UP:
                self._crew.reports.hung(candidate.generation, age_s, candidate.stack())
                candidate.kill()
                self._build_failed(candidate.generation, Blame.WORLD)
            case _:
                assert_never(impatience)

    # Messages.

    def _on_message(self, handle: ProcessHandle, message: Message) -> None:
        match message:
            case Built() if isinstance(handle, WorkerHandle):
                self._on_built(handle, message)
            case Stale():
                self._on_stale(message)
            case Connection():
                self._crew.hold(message)
            case Taken():
                self._crew.connections.taken(handle, message.number)
            case StoodDown():
                self._crew.pages.stood_down()
                self._carry_out(self._lifecycle.pages_stood_down(message.generation))
            case Asked():
                self._carry_out(self._lifecycle.failure_was_met(time.monotonic()))
            case _:
                self._crew.strategy.on_message(handle, message)

    def _on_built(self, handle: WorkerHandle, built: Built) -> None:
        generation = handle.generation
        handle.built, handle.built_at = built, time.monotonic()
        self._events.emit(
            "built",
            generation=generation,
            outcome=built.outcome,
            changed=built.changed_path,
            interpreter_ms=round(built.interpreter_ms, 1),
            import_ms=round(built.import_ms, 1),
            verify_ms=round(built.verify_ms, 1),
        )
        if built.outcome is not Outcome.GOOD:
            self._crew.let_leave(handle)
        match built.outcome:
            case Outcome.CHANGED:
                self._on_build_changed(handle, built.changed_path)
            case Outcome.INEXACT | Outcome.UNFIT:
                self._begin_again(handle, built.why_inexact)
            case _:
                self._judge(handle)

    def _judge(self, handle: WorkerHandle) -> None:
        """Take the build for what it says it is, once nobody writes what it has read."""
        was_unsettled, self._unjudged = handle is self._unjudged, None
        built, generation = handle.built, handle.generation
        if built is None or generation != self._lifecycle.candidate:
            return
        is_patient = time.monotonic() < handle.built_at + self._settings.write_patience_s
        if is_patient and unsettled_file(handle, self._crew.meant_handle) is not None:
            self._unjudged = handle
        elif was_unsettled and (path := handle.first_difference()) is not None:
            self._on_build_changed(handle, path)
        elif built.outcome is Outcome.GOOD:
            self._carry_out(self._lifecycle.built_good(generation))
        else:
            self._crew.reports.failed(generation, built.payload)
            self._build_failed(generation, built.blame)

    def _on_build_changed(self, handle: WorkerHandle, path: str | None) -> None:
        if handle.may_serve:
            handle.kill()  # It waits for `go`.
        self._changes.add_seen(path or "")
        self._crew.reports.unsettled(handle.generation, path or "")
        self._carry_out(self._lifecycle.built_changed(handle.generation, time.monotonic()))

    def _begin_again(self, handle: WorkerHandle, why: str) -> None:
        """What was forked may have been lost or spoiled by it: repeat the build without."""
        if handle.generation != self._lifecycle.candidate:
            return
        self._events.emit("began_again", generation=handle.generation, why=why)
        self._crew.terminal.began_again(why)
        self._changes.give_back(handle.cause)
        self._crew.strategy.build_again(handle.built)
        handle.kill()
        self._carry_out(self._lifecycle.built_inexactly(handle.generation))

    def _build_failed(self, generation: int, blame: Blame) -> None:
        self._carry_out(
            self._lifecycle.built_failed(
                generation, blame, time.monotonic(), older_is_busy=self._crew.is_any_busy
            )
        )

    def _on_stale(self, stale: Stale) -> None:
        if stale.generation != self._lifecycle.gated_on:
            return
        self._events.emit("stale", generation=stale.generation, path=stale.path)
        self._changes.drop_served(self._crew.meant_handle)
        self._changes.add_seen(stale.path)
        candidate = self._crew.candidate
        path = None if candidate is None else candidate.first_difference()
        if candidate is not None and path is not None:
            self._crew.reports.unsettled(candidate.generation, path)
        now = time.monotonic()
        is_stale = path is not None
        self._carry_out(
            self._lifecycle.became_stale(stale.generation, now, candidate_is_stale=is_stale)
        )

    # Exits.

    def _on_exit(self, handle: ProcessHandle, status: int) -> None:
        self._crew.connections.recover(handle)
        if isinstance(handle, WorkerHandle):
            self._on_worker_exit(handle, status)
        else:
            is_pages = handle is self._crew.pages.handle
            kind = "pages" if is_pages else "origin"
            self._events.emit("exited", process=kind, pid=handle.pid, status=status)
            self._crew.strategy.on_exit(handle)
            if is_pages and not self._is_stopping:
                self._crew.pages.ended()

    def _on_worker_exit(self, handle: WorkerHandle, status: int) -> None:
        generation = handle.generation
        if handle.is_output_shown:
            self._crew.show_output(handle)
        self._events.emit(
            "exited", process="worker", generation=generation, pid=handle.pid, status=status
        )
        if not handle.is_leaving and not self._is_stopping:
            self._on_death(handle, describe_exit(status))
        self._carry_out(self._lifecycle.process_exited(generation))

    def _on_death(self, handle: WorkerHandle, how: str) -> None:
        generation = handle.generation
        if generation == self._lifecycle.serving and handle.may_serve:
            requests = handle.requests_in_flight()
            self._crew.reports.died_serving(generation, how, requests)
            self._crew.terminal.worker_died(self._crew.reports[generation].message)
            self._carry_out(self._lifecycle.worker_died(generation))
        elif handle.built is None and (handle.is_warm or not handle.pid):
            # Not the application's fault, maybe; surely not where it never came to be.
            self._begin_again(handle, f"it {how}")
        else:
            self._crew.reports.died_building(generation, how)
            self._build_failed(generation, Blame.WORLD)

    # The end.

    def _end_everything(self) -> None:
        """After an error in the loop, too: no process, descriptor or thread is left."""
        self._is_stopping = True
        self._table.kill_all()
        while len(self._table):
            self._turn()
        self._crew.close()
        self._table.close()
        self._selector.close()
