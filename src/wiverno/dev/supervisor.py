"""The supervisor: one loop that takes events, asks decisions, carries out commands.

It owns the listeners, the terminal and the watcher. It never imports application code
and never forks. Watcher, signals and messages only ring: what happens next is decided
in `decisions.lifecycle` and done here, in one thread.
"""

import selectors
import socket
import time
from collections.abc import Sequence
from typing import assert_never

from wiverno.dev.control.events import EventStream
from wiverno.dev.decisions.changes import Change
from wiverno.dev.decisions.lifecycle import (
    Command,
    GoWorker,
    Lifecycle,
    RetireWorker,
    Server,
    ShowPage,
    StandDownPages,
    StartBuild,
)
from wiverno.dev.failure.report import FailureReport, report_death
from wiverno.dev.notices import Notices, Problem, StopAsked
from wiverno.dev.pending_changes import PendingChanges
from wiverno.dev.processes.connections import ConnectionQueue
from wiverno.dev.processes.handles import (
    ProcessHandle,
    WorkerHandle,
    describe_exit,
)
from wiverno.dev.processes.messages import (
    Built,
    Connection,
    Go,
    Message,
    Outcome,
    Retire,
    Stale,
    StandDown,
    StoodDown,
    Taken,
)
from wiverno.dev.processes.table import ProcessTable
from wiverno.dev.settings import DevSettings
from wiverno.dev.terminal.screen import RestartSummary
from wiverno.dev.terminal.terminal import Terminal


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
        self._listener_fds = tuple(listener.fileno() for listener in listeners)
        self._notices = notices
        self._events = events
        self._terminal = Terminal()
        self._lifecycle = Lifecycle(settings.crashes_before_page)
        self._changes = PendingChanges(settings.debounce_s)
        self._connections = ConnectionQueue()
        self._workers: dict[int, WorkerHandle] = {}
        self._reports: dict[int, bytes] = {}
        self._pages: ProcessHandle | None = None
        self._pages_due_at: float | None = None
        self._selector = selectors.DefaultSelector()
        self._table = ProcessTable(self._selector, self._on_message, self._on_exit)
        self._is_stopping = False

    def run(self) -> None:
        """Serve until a `StopAsked` notice; every process has ended when it returns."""
        with self._notices.opened() as fd:
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
        self._pages = self._table.start_pages()
        # Imported after the first build has started: watchdog costs as much as a small app.
        from wiverno.dev.watching.watcher import Watcher

        watcher = Watcher(
            self._settings.watch_dirs,
            self._settings.ignore_patterns,
            lambda kind, path: self._notices.put(Change(kind, path, time.monotonic())),
            lambda text: self._notices.put(Problem(text)),
        )
        watcher.start()
        try:
            self._terminal.starting(self._target_text, self._settings.url)
            while not self._is_stopping:
                self._turn()
            watcher.ask_to_stop()
            self._stop()
        finally:
            watcher.stop()

    # One turn of the loop.

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            key.data()
        now = time.monotonic()
        self._table.tend(now)
        if self._pages_due_at is not None and now >= self._pages_due_at:
            self._replace_pages()
        if self._may_build and self._changes.are_settled(now):
            self._on_settled()

    def _patience(self) -> float | None:
        """Seconds until something is due; None when only an event can come."""
        deadlines = [self._table.next_deadline(), self._pages_due_at]
        if self._may_build:
            deadlines.append(self._changes.deadline)
        due = min((deadline for deadline in deadlines if deadline is not None), default=None)
        return None if due is None else max(0.0, due - time.monotonic())

    @property
    def _may_build(self) -> bool:
        return not self._lifecycle.is_building and not self._is_stopping

    # Events.

    def _on_notices(self) -> None:
        for notice in self._notices.drain():
            match notice:
                case Change():
                    self._on_change(notice)
                case StopAsked():
                    self._on_stop_asked(notice)
                case Problem():
                    self._terminal.notice(notice.text)
                case _:
                    assert_never(notice)

    def _on_stop_asked(self, asked: StopAsked) -> None:
        self._events.emit("stopping", reason=asked.reason)
        if self._is_stopping:
            # Asked twice: nobody wants to wait for a request to finish.
            self._table.kill_all()
        self._is_stopping = True

    def _on_change(self, change: Change) -> None:
        self._events.emit("changed", kind=change.kind, path=change.path)
        self._changes.add(change)

    def _on_settled(self) -> None:
        """The burst is over: restart, unless all of it is in the present generation already."""
        self._changes.settle()
        self._changes.drop_served(self._serving_generation)
        if self._changes:
            self._carry_out(self._lifecycle.changes_settled())

    def _on_message(self, handle: ProcessHandle, message: Message) -> None:
        match message:
            case Built() if isinstance(handle, WorkerHandle):
                self._on_built(handle, message)
            case Stale():
                self._on_stale(message)
            case Connection():
                self._connections.hold(message)
                self._events.emit("connection_held", waiting=len(self._connections))
                self._forward_connections()
            case Taken():
                self._connections.taken(handle, message.number)
            case StoodDown():
                self._carry_out(self._lifecycle.pages_stood_down())
            case _:
                raise ValueError(f"the supervisor does not understand {message.name!r}")

    def _on_built(self, handle: WorkerHandle, built: Built) -> None:
        handle.built, handle.built_at = built, time.monotonic()
        self._events.emit(
            "built",
            generation=handle.generation,
            outcome=built.outcome,
            changed=built.changed_path,
            interpreter_ms=round(built.interpreter_ms, 1),
            import_ms=round(built.import_ms, 1),
            verify_ms=round(built.verify_ms, 1),
        )
        match built.outcome:
            case Outcome.GOOD:
                self._carry_out(self._lifecycle.built_good(handle.generation))
            case Outcome.FAILED:
                self._let_leave(handle)
                self._reports[handle.generation] = built.payload
                self._carry_out(self._lifecycle.built_failed(handle.generation))
            case Outcome.CHANGED:
                self._let_leave(handle)
                if built.changed_path is not None:
                    self._changes.add_seen(built.changed_path)
                self._carry_out(self._lifecycle.built_changed(handle.generation))
            case _:
                assert_never(built.outcome)

    def _on_stale(self, stale: Stale) -> None:
        if stale.generation != self._lifecycle.serving:
            return
        self._events.emit("stale", generation=stale.generation, path=stale.path)
        self._changes.drop_served(self._serving_generation)
        self._changes.add_seen(stale.path)
        self._carry_out(self._lifecycle.became_stale(stale.generation))

    def _on_exit(self, handle: ProcessHandle, status: int) -> None:
        self._connections.recover(handle)
        if isinstance(handle, WorkerHandle):
            self._on_worker_exit(handle, status)
        else:
            self._events.emit("exited", process="pages", pid=handle.pid, status=status)
            if handle is self._pages and not self._is_stopping:
                self._pages = self._table.start_pages()
                self._pages_due_at = None
                self._carry_out(self._lifecycle.pages_died())
        self._forward_connections()

    def _on_worker_exit(self, handle: WorkerHandle, status: int) -> None:
        self._events.emit(
            "exited", process="worker", generation=handle.generation, pid=handle.pid, status=status
        )
        if not handle.is_leaving and not self._is_stopping:
            self._on_death(handle, describe_exit(status))
        self._forget_unused_records()

    def _on_death(self, handle: WorkerHandle, how: str) -> None:
        generation = handle.generation
        was_serving = generation == self._lifecycle.serving
        what = "The worker" if was_serving else f"The process that imported {self._target_text}"
        text = f"{what} {how}."
        self._reports[generation] = report_death(text, self._target_text).to_json()
        if was_serving:
            self._terminal.worker_died(text)
            self._carry_out(self._lifecycle.worker_died(generation))
        else:
            self._carry_out(self._lifecycle.built_failed(generation))

    # Commands.

    def _carry_out(self, commands: Sequence[Command]) -> None:
        if self._is_stopping:
            return
        for command in commands:
            match command:
                case StartBuild():
                    self._start_build(command.generation)
                case GoWorker():
                    self._go_worker(command.generation, command.restart)
                case RetireWorker():
                    self._retire(self._workers[command.generation])
                case ShowPage():
                    self._show_page(command.generation)
                case StandDownPages():
                    self._stand_down_pages()
                case _:
                    assert_never(command)

    def _start_build(self, generation: int) -> None:
        cause = self._changes.take()
        target = (self._settings.app_module, self._settings.app_name)
        self._workers[generation] = self._table.start_worker(generation, target, cause)
        self._events.emit("build_started", generation=generation, changed=cause.changed)
        if generation > 1:
            self._terminal.restarting(cause.changed)

    def _go_worker(self, generation: int, restart: int) -> None:
        handle = self._workers[generation]
        assert handle.built is not None  # Only a good build goes.
        debug = handle.built.debug
        phases_ms = handle.phases_ms(time.monotonic())
        summary = RestartSummary(handle.cause.changed, phases_ms, sum(phases_ms.values()))
        # First, or the worker's own lines would come before it.
        self._terminal.serving(self._settings.url, debug, restart, summary)
        handle.channel.send(Go(generation=generation, fds=self._listener_fds))
        self._forward_connections()
        self._forget_unused_records()
        self._events.emit(
            "serving",
            generation=generation,
            restart=restart,
            debug=debug,
            pid=handle.pid,
            phases_ms=phases_ms,
            total_ms=summary.total_ms,
        )

    def _retire(self, handle: WorkerHandle) -> None:
        deadline_s = self._settings.retire_deadline_s
        handle.channel.send(Retire(deadline_s))
        handle.expect_exit(time.monotonic() + deadline_s + self._settings.leave_grace_s)

    def _let_leave(self, handle: WorkerHandle) -> None:
        """A candidate whose build was no good runs its atexit handlers and ends by itself."""
        handle.expect_exit(time.monotonic() + self._settings.stop_deadline_s)

    def _show_page(self, generation: int) -> None:
        assert self._pages is not None  # started before anything can fail
        report = self._reports[generation]
        shown = FailureReport.from_json(report)
        self._terminal.failed(shown.headline, shown.where, shown.traceback.splitlines())
        record_fd = self._workers[generation].record_fd
        self._pages.channel.send(
            Go(generation=generation, payload=report, fds=(record_fd, *self._listener_fds))
        )
        self._forward_connections()
        self._forget_unused_records()
        self._events.emit("page", generation=generation, kind=shown.kind, headline=shown.headline)

    def _stand_down_pages(self) -> None:
        assert self._pages is not None
        self._pages.channel.send(StandDown())
        self._pages_due_at = time.monotonic() + self._settings.stand_down_deadline_s

    def _replace_pages(self) -> None:
        """It does not answer; its exit brings another one."""
        self._pages_due_at = None
        if self._pages is not None and self._lifecycle.ready is not None:
            self._pages.kill()

    def _forward_connections(self) -> None:
        handle = self._server_handle()
        if handle is not None and self._lifecycle.accepts and not self._is_stopping:
            self._connections.forward_to(handle)

    @property
    def _serving_generation(self) -> WorkerHandle | None:
        """The worker that serves, or the candidate whose failure the page shows."""
        return self._workers.get(self._lifecycle.serving or 0)

    def _server_handle(self) -> ProcessHandle | None:
        match self._lifecycle.server:
            case Server.NOBODY:
                return None
            case Server.PAGES:
                return self._pages
            case Server.WORKER:
                return self._serving_generation

    def _forget_unused_records(self) -> None:
        """Close the records of processes that ended and that no page is gated on."""
        running = {handle for handle in self._table if isinstance(handle, WorkerHandle)}
        meant = {self._lifecycle.serving, self._lifecycle.candidate, self._lifecycle.ready}
        for generation, handle in tuple(self._workers.items()):
            if handle not in running and generation not in meant:
                handle.close_record()
                del self._workers[generation]
                self._reports.pop(generation, None)

    # The end.

    def _stop(self) -> None:
        """Let the server finish within the deadline; what does not serve is killed at once."""
        self._terminal.stopping()
        deadline_s = self._settings.stop_deadline_s
        kill_at = time.monotonic() + deadline_s + self._settings.leave_grace_s
        for handle in self._table:
            serves = handle is self._pages or getattr(handle, "built", None) is not None
            if serves and not handle.is_leaving:
                handle.channel.send(Retire(deadline_s))
                handle.expect_exit(kill_at)
            elif handle.is_leaving:
                handle.expect_exit(kill_at)
            else:
                handle.kill()
        while len(self._table):
            self._turn()

    def _end_everything(self) -> None:
        """After an error in the loop, too: no process, descriptor or thread is left."""
        self._is_stopping = True
        self._table.kill_all()
        while len(self._table):
            self._turn()
        for worker in self._workers.values():
            worker.close_record()
        self._workers.clear()
        self._connections.close()
        self._table.close()
        self._selector.close()

    @property
    def _target_text(self) -> str:
        return f"{self._settings.app_module}:{self._settings.app_name}"
