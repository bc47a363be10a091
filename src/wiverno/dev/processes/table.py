"""The processes of a session that run now: started, heard, reaped.

Only pids in this table are ever waited for: the supervisor lives in the user's own
program, which may have children of its own.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence

from wiverno.dev.decisions.changes import BuildStart
from wiverno.dev.loading.held_files import HeldFiles
from wiverno.dev.processes import descriptor_limit, life_line
from wiverno.dev.processes.channel import Channel, ChannelClosedError, QueuedChannel
from wiverno.dev.processes.environment import SessionEnvironment
from wiverno.dev.processes.forked import (
    ForkedProcess,
    Origin,
    OriginHandle,
    SnapshotHandle,
    SpareHandle,
    TemplateHandle,
)
from wiverno.dev.processes.handles import BuildCause, ProcessHandle, Started, WorkerHandle
from wiverno.dev.processes.messages import (
    Attach,
    Begun,
    Build,
    Exited,
    Message,
    Preload,
    Resume,
    Retire,
    SnapshotTaken,
)
from wiverno.dev.processes.orphans import Orphans, be_subreaper
from wiverno.dev.processes.role import Role, session_mark, trial_mark, worker_mark
from wiverno.dev.processes.spawn import Program, spawn
from wiverno.dev.settings import DevSettings

# After SIGKILL a process is gone within milliseconds, unless it hangs in the kernel.
_ORPHANS_END_S = 0.5
# Without pidfds (macOS) an exit is looked for this often.
_EXIT_POLL_S = 0.05
# Until a template reads its channel: it may just be starting on a busy machine.
_DISMISSAL_S = 10.0


class ProcessTable:
    """Starts processes and tells what they say, in the loop of whoever owns the selector."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        on_message: Callable[[ProcessHandle, Message], None],
        on_exit: Callable[[ProcessHandle, int], None],
        environment: SessionEnvironment,
    ) -> None:
        self.session_id = uuid.uuid4().hex
        self.environment = environment
        self._selector = selector
        self._on_message = on_message
        self._on_exit = on_exit
        self._handles: list[ProcessHandle] = []
        self._last_number = 0
        self._life_line, self._supervisor_end = life_line.create()
        self._orphans = Orphans(spared=lambda: [handle.pid for handle in self])
        be_subreaper(True)
        self._descriptor_limit = descriptor_limit.raise_limit()

    def __iter__(self) -> Iterator[ProcessHandle]:
        return iter(tuple(self._handles))

    def __len__(self) -> int:
        return len(self._handles)

    def start_worker(
        self,
        generation: int,
        settings: DevSettings,
        cause: BuildCause,
        good_sources_fd: int | None = None,
        origin: Origin | None = None,
    ) -> WorkerHandle:
        """`good_sources_fd` stays the caller's: the sources of the version that served last.

        Without `origin` it is a new interpreter.
        """
        start = BuildStart(time.monotonic(), time.time_ns())
        started = self._new_process() if origin is None else self._forked_process(origin)
        handle = WorkerHandle(started, generation, start, cause, good_sources_fd)
        if origin is not None:
            handle.level, handle.origin = origin.level, origin.handle
            handle.held = origin.handle.held
            if origin.record is not None:
                handle.depend_on(origin.record.copy(), origin.frames)
        self._add(handle)
        good = () if handle.good_sources_fd is None else (handle.good_sources_fd,)
        handle.channel.send(
            Build(
                generation=generation,
                module=settings.app_module,
                attribute=settings.app_name,
                spawned_at=start.monotonic_s,
                argv=tuple(sys.argv),
                project_dirs=settings.watch_dirs,
                is_retry=cause.is_retry,
                watch_files=settings.watch_files,
                static_dirs=settings.static_dirs,
                unwatch_files=settings.unwatch_files,
                is_manual=settings.is_manual,
                interface=settings.interface,
                import_dirs=settings.import_dirs,
                hot_files=cause.hot_files,
                tells_pages=origin is not None and not origin.handle.pages,
                environment_files=self.environment.files,
                environment_digest=self.environment.digest,
                environment_fault=self.environment.fault,
                fds=(self._life_line, *handle.files, *good),
            )
        )
        return handle

    def start_spare(self, parent: OriginHandle) -> SpareHandle:
        """Have a process forked that waits for its build."""
        ours, theirs = Channel.pair()
        handle = SpareHandle(
            ForkedProcess(), QueuedChannel(ours), self._next_mark(), knows_pages=bool(parent.pages)
        )
        parent.channel.send(Resume(handle.mark, parent.pages, (theirs.fileno(),)))
        if parent.channel.has_unsent:
            # It goes with the message, later.
            handle.process.their_end = theirs
        else:
            theirs.close()
        self._add(handle)
        return handle

    def start_pages(self) -> ProcessHandle:
        mark = session_mark(self.session_id, Role.PAGES)
        handle = ProcessHandle(*self._spawn(Program.PAGES, mark))
        self._add(handle)
        handle.channel.send(Attach(fds=(self._life_line,)))
        return handle

    def start_template(
        self,
        roots: Sequence[str],
        left_out: Sequence[str] = (),
        settings: DevSettings | None = None,
    ) -> TemplateHandle:
        """`left_out` are those that an earlier one has refused. Without roots no settings count."""
        mark = session_mark(self.session_id, Role.TEMPLATE)
        held = HeldFiles(time.time_ns())
        handle = TemplateHandle(*self._spawn(Program.TEMPLATE, mark))
        handle.held = held
        handle.asked_for = tuple(roots)
        self._add(handle)
        handle.channel.send(
            Preload(
                tuple(roots),
                tuple(left_out),
                argv=tuple(sys.argv),
                project_dirs=settings.watch_dirs if settings else (),
                import_dirs=settings.import_dirs if settings else (),
                fds=(self._life_line,),
            )
        )
        return handle

    def add_snapshot(
        self, candidate: WorkerHandle, taken: SnapshotTaken, hot_files: Collection[str]
    ) -> SnapshotHandle:
        """The process that was the candidate is paused; its child has the candidate's channel."""
        channel_fd, paused_pidfd, own_pidfd = taken.fds
        process = self._go_on_as(candidate, taken.pid, own_pidfd, paused_pidfd)
        channel = QueuedChannel(Channel(socket.socket(fileno=channel_fd)))
        record = candidate.record(taken.record_length)
        handle = SnapshotHandle(process, channel, taken, record, hot_files)
        handle.held = candidate.held and candidate.held.and_more(taken.payload)
        self._add(handle)
        return handle

    def let_go(self, handle: ProcessHandle) -> None:
        """End a process that only waits."""
        handle.kill()

    def dismiss(self, handle: ProcessHandle) -> None:
        """End a process that waits, once it has done what is on its way to it."""
        handle.channel.send(Retire(0.0, 0.0))
        handle.expect_exit(time.monotonic() + _DISMISSAL_S)

    def next_deadline(self) -> float | None:
        """When `tend` has something to do; monotonic, in seconds."""
        deadlines = [handle.kill_at for handle in self._handles if handle.kill_at is not None]
        if self._orphans.look_at is not None:
            deadlines.append(self._orphans.look_at)
        if self._orphans or any(map(self._is_looked_for, self._handles)):
            deadlines.append(time.monotonic() + _EXIT_POLL_S)
        return min(deadlines, default=None)

    def tend(self, now: float) -> None:
        """Kill what is overdue, send what had no room, find exits where nothing tells them."""
        self._orphans.reap()
        self._orphans.reap_strangers(now, [handle.pid for handle in self])
        for handle in self:
            if handle.kill_at is not None and now >= handle.kill_at:
                handle.kill_at = None
                handle.kill()
            self._watch_for_room(handle)
            if self._is_looked_for(handle):
                self._look_for_exit(handle)

    def kill_all(self) -> None:
        """SIGKILL to each; their exits are told as always."""
        for handle in self:
            handle.kill()

    def close(self) -> None:
        """Release the life line, after all processes have ended, and end what they left."""
        deadline = time.monotonic() + _ORPHANS_END_S
        self._orphans.end(self.session_id)
        # Each that ends may leave more, which come to us in turn.
        while self._orphans and time.monotonic() < deadline:
            self._orphans.reap()
            self._selector.select(0.005)
            self._orphans.end(self.session_id)
        be_subreaper(False)
        os.close(self._life_line)
        os.close(self._supervisor_end)
        descriptor_limit.set_limit(self._descriptor_limit)

    def end_trials(self, template: TemplateHandle) -> None:
        """End what was left behind where it tried out what it may import."""
        self._orphans.end(trial_mark(self.session_id, template.pid))

    def _new_process(self) -> Started:
        mark = self._next_mark()
        return Started(*self._spawn(Program.WORKER, mark), mark)

    def _forked_process(self, origin: Origin) -> Started:
        spare = origin.spare or self.start_spare(origin.handle)
        self._forget(spare)
        return Started(spare.process, spare.channel, spare.mark, spare.pidfd)

    def _next_mark(self) -> str:
        """The session variable of a worker and of all that the application starts in it."""
        self._last_number += 1
        return worker_mark(self.session_id, self._last_number)

    def _spawn(self, program: Program, mark: str) -> tuple[subprocess.Popen[bytes], QueuedChannel]:
        environment = self.environment.with_mark(mark)
        ours, theirs = Channel.pair()
        try:
            process = spawn(program, theirs, environment, self._descriptor_limit)
            return process, QueuedChannel(ours)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    def _add(self, handle: ProcessHandle) -> None:
        self._handles.append(handle)
        self._selector.register(
            handle.channel, selectors.EVENT_READ, lambda: self._on_channel(handle)
        )
        self._watch_for_exit(handle)

    def _watch_for_exit(self, handle: ProcessHandle) -> None:
        if handle.pidfd is not None:
            self._selector.register(
                handle.pidfd, selectors.EVENT_READ, lambda: self._look_for_exit(handle)
            )

    def _on_channel(self, handle: ProcessHandle) -> None:
        if handle not in self._handles:
            return  # Its exit was told earlier in the same turn.
        handle.channel.flush()
        try:
            while True:
                self._hear(handle, handle.channel.receive())
        except BlockingIOError:
            self._watch_for_room(handle)
        except ChannelClosedError:
            # The exit follows; until then the closed end would be reported without pause.
            self._stop_listening(handle)
            process = handle.process
            if isinstance(process, ForkedProcess) and process.is_unborn:
                # Its parent ended before it could fork, or it before it could say so.
                process.ended(-signal.SIGKILL)
                self._look_for_exit(handle)

    def _hear(self, handle: ProcessHandle, message: Message) -> None:
        match message:
            case Begun():
                self._has_begun(handle, message.pid, message.fds[0])
                if isinstance(handle, SpareHandle):
                    self._on_message(handle, message)
            case Exited():
                self._has_exited(message)
            case _:
                self._on_message(handle, message)

    def _has_begun(self, handle: ProcessHandle, pid: int, pidfd: int) -> None:
        """A forked process says who it is."""
        assert isinstance(handle.process, ForkedProcess)  # nobody else says so
        handle.pidfd = pidfd
        handle.process.begun(pid, pidfd)
        self._watch_for_exit(handle)

    def _go_on_as(
        self, handle: ProcessHandle, pid: int, pidfd: int, own_pidfd: int
    ) -> ForkedProcess:
        """A forked process is another one from now on; returns what it was."""
        assert isinstance(handle.process, ForkedProcess)  # nobody else says so
        self._forget_pidfd(handle)
        if handle.pidfd is not None:
            os.close(handle.pidfd)
        handle.pidfd = pidfd
        paused = handle.process.goes_on_as(pid, pidfd, own_pidfd)
        self._watch_for_exit(handle)
        return paused

    def _has_exited(self, exited: Exited) -> None:
        if not any(handle.pid == exited.pid for handle in self):
            # It was told sooner than what the process itself had said before.
            for handle in self:
                if isinstance(handle.process, ForkedProcess):
                    self._on_channel(handle)
        for handle in self:
            if handle.pid == exited.pid and isinstance(handle.process, ForkedProcess):
                handle.process.ended(exited.status)
                self._look_for_exit(handle)

    def _is_looked_for(self, handle: ProcessHandle) -> bool:
        """Does nothing tell of its exit, or how it ended?"""
        if isinstance(handle.process, ForkedProcess):
            # Its parent tells, unless that has ended as well.
            return handle.pidfd is not None and handle.pidfd not in self._selector.get_map()
        return handle.pidfd is None

    def _forget_pidfd(self, handle: ProcessHandle) -> None:
        if handle.pidfd is not None and handle.pidfd in self._selector.get_map():
            self._selector.unregister(handle.pidfd)

    def _forget(self, handle: ProcessHandle) -> None:
        self._stop_listening(handle)
        self._forget_pidfd(handle)
        self._handles.remove(handle)

    def _watch_for_room(self, handle: ProcessHandle) -> None:
        if handle.channel.fileno() not in self._selector.get_map():
            return
        wanted = selectors.EVENT_READ
        if handle.channel.has_unsent:
            wanted |= selectors.EVENT_WRITE
        key = self._selector.get_key(handle.channel)
        if key.events != wanted:
            self._selector.modify(handle.channel, wanted, key.data)

    def _stop_listening(self, handle: ProcessHandle) -> None:
        if handle.channel.fileno() in self._selector.get_map():
            self._selector.unregister(handle.channel)

    def _look_for_exit(self, handle: ProcessHandle) -> None:
        status = handle.exit_status()
        if handle not in self._handles:
            return
        if status is None:
            # It has ended, and its parent will say how: until then its end is no news.
            if isinstance(handle.process, ForkedProcess):
                self._forget_pidfd(handle)
            return
        # Its last words may still be in the channel: a report, connections it handed over.
        self._on_channel(handle)
        if handle.exit_status() is None:
            return  # Its child has said that it goes on in its place.
        self._forget(handle)
        handle.close()
        if isinstance(handle, WorkerHandle):
            self._orphans.end(handle.mark)
        if isinstance(handle, TemplateHandle):
            self.end_trials(handle)
        self._on_exit(handle, status)
