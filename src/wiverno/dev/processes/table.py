"""The processes of a session that run now: started, heard, reaped.

Only pids in this table are ever waited for: the supervisor lives in the user's own
program, which may have children of its own.
"""

import contextlib
import os
import resource
import selectors
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

from wiverno.dev.control.events import EVENTS_FD_VARIABLE
from wiverno.dev.decisions.changes import BuildStart
from wiverno.dev.processes import life_line
from wiverno.dev.processes.channel import Channel, ChannelClosedError, QueuedChannel
from wiverno.dev.processes.handles import BuildCause, ProcessHandle, WorkerHandle
from wiverno.dev.processes.messages import Attach, Build, Message
from wiverno.dev.processes.orphans import Orphans, be_subreaper
from wiverno.dev.processes.role import SESSION_VARIABLE
from wiverno.dev.processes.spawn import Program, spawn
from wiverno.dev.settings import DevSettings

# After SIGKILL a process is gone within milliseconds, unless it hangs in the kernel.
_ORPHANS_END_S = 0.5
# Without pidfds (macOS) an exit is looked for this often.
_EXIT_POLL_S = 0.05


class ProcessTable:
    """Starts processes and tells what they say, in the loop of whoever owns the selector."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        on_message: Callable[[ProcessHandle, Message], None],
        on_exit: Callable[[ProcessHandle, int], None],
    ) -> None:
        self.session_id = uuid.uuid4().hex
        self._selector = selector
        self._on_message = on_message
        self._on_exit = on_exit
        self._handles: list[ProcessHandle] = []
        self._life_line, self._supervisor_end = life_line.create()
        self._orphans = Orphans()
        be_subreaper(True)
        self._descriptor_limit = _raise_descriptor_limit()

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
    ) -> WorkerHandle:
        """`good_sources_fd` stays the caller's: the sources of the version that served last."""
        start = BuildStart(time.monotonic(), time.time_ns())
        process, channel = self._spawn(Program.WORKER, str(generation))
        handle = WorkerHandle(process, channel, generation, start, cause, good_sources_fd)
        self._add(handle)
        good = () if handle.good_sources_fd is None else (handle.good_sources_fd,)
        channel.send(
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
                fds=(self._life_line, *handle.files, *good),
            )
        )
        return handle

    def start_pages(self) -> ProcessHandle:
        handle = ProcessHandle(*self._spawn(Program.PAGES, Program.PAGES))
        self._add(handle)
        handle.channel.send(Attach(fds=(self._life_line,)))
        return handle

    def next_deadline(self) -> float | None:
        """When `tend` has something to do; monotonic, in seconds."""
        deadlines = [handle.kill_at for handle in self._handles if handle.kill_at is not None]
        if self._orphans.look_at is not None:
            deadlines.append(self._orphans.look_at)
        if self._orphans or any(handle.pidfd is None for handle in self._handles):
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
            if handle.pidfd is None:
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
        _set_descriptor_limit(self._descriptor_limit)

    def _spawn(self, program: Program, role: str) -> tuple[subprocess.Popen[bytes], QueuedChannel]:
        environment = {**os.environ, SESSION_VARIABLE: self._mark(role)}
        environment.pop(EVENTS_FD_VARIABLE, None)
        ours, theirs = Channel.pair()
        try:
            process = spawn(program, theirs, environment, self._descriptor_limit)
            return process, QueuedChannel(ours)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    def _mark(self, role: str) -> str:
        """The session variable of a process and of all that the application starts in it."""
        return f"{self.session_id}.{role}."

    def _add(self, handle: ProcessHandle) -> None:
        self._handles.append(handle)
        self._selector.register(
            handle.channel, selectors.EVENT_READ, lambda: self._on_channel(handle)
        )
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
                self._on_message(handle, handle.channel.receive())
        except BlockingIOError:
            self._watch_for_room(handle)
        except ChannelClosedError:
            # The exit follows; until then the closed end would be reported without pause.
            self._stop_listening(handle)

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
        if status is None or handle not in self._handles:
            return
        # Its last words may still be in the channel: a report, connections it handed over.
        self._on_channel(handle)
        self._stop_listening(handle)
        if handle.pidfd is not None:
            self._selector.unregister(handle.pidfd)
        self._handles.remove(handle)
        handle.close()
        if isinstance(handle, WorkerHandle):
            self._orphans.end(self._mark(str(handle.generation)))
        self._on_exit(handle, status)


def _raise_descriptor_limit() -> int:
    """Hand-over holds the connections of several workers at once. Returns the limit before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    _set_descriptor_limit(hard)
    return soft


def _set_descriptor_limit(soft: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports no limit but does not take it for one.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
