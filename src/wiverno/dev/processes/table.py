"""The processes of a session that run now: started, heard, reaped.

Only pids in this table are ever waited for: the supervisor lives in the user's own
program, which may have children of its own.
"""

import os
import selectors
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from wiverno.dev.control.events import EVENTS_FD_VARIABLE
from wiverno.dev.decisions.changes import BuildStart
from wiverno.dev.processes import life_line, memory_file
from wiverno.dev.processes.channel import Channel, ChannelClosedError, QueuedChannel
from wiverno.dev.processes.handles import BuildCause, ProcessHandle, WorkerHandle
from wiverno.dev.processes.messages import Attach, Build, Message
from wiverno.dev.processes.role import SESSION_VARIABLE
from wiverno.dev.processes.spawn import Program, spawn

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

    def __iter__(self) -> Iterator[ProcessHandle]:
        return iter(tuple(self._handles))

    def __len__(self) -> int:
        return len(self._handles)

    def start_worker(
        self, generation: int, target: tuple[str, str], cause: BuildCause
    ) -> WorkerHandle:
        start = BuildStart(time.monotonic(), time.time_ns())
        process, channel = self._spawn(Program.WORKER)
        record_fd = memory_file.create(f"wiverno-record-{generation}")
        handle = WorkerHandle(process, channel, generation, record_fd, start, cause)
        self._add(handle)
        module, attribute = target
        channel.send(
            Build(
                generation=generation,
                module=module,
                attribute=attribute,
                spawned_at=start.monotonic_s,
                argv=tuple(sys.argv),
                fds=(record_fd, self._life_line),
            )
        )
        return handle

    def start_pages(self) -> ProcessHandle:
        handle = ProcessHandle(*self._spawn(Program.PAGES))
        self._add(handle)
        handle.channel.send(Attach(fds=(self._life_line,)))
        return handle

    def next_deadline(self) -> float | None:
        """When `kill_overdue` or `look_for_exits` has something to do; monotonic, in seconds."""
        deadlines = [handle.kill_at for handle in self._handles if handle.kill_at is not None]
        if any(handle.pidfd is None for handle in self._handles):
            deadlines.append(time.monotonic() + _EXIT_POLL_S)
        return min(deadlines, default=None)

    def tend(self, now: float) -> None:
        """Kill what is overdue, send what had no room, find exits where nothing tells them."""
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
        """Forget the processes, which must have ended, and release the life line."""
        os.close(self._life_line)
        os.close(self._supervisor_end)

    def _spawn(self, program: Program) -> tuple[Any, QueuedChannel]:
        environment = {**os.environ, SESSION_VARIABLE: self.session_id}
        environment.pop(EVENTS_FD_VARIABLE, None)
        ours, theirs = Channel.pair()
        try:
            return spawn(program, theirs, environment), QueuedChannel(ours)
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
        if handle.pidfd is not None:
            self._selector.register(
                handle.pidfd, selectors.EVENT_READ, lambda: self._look_for_exit(handle)
            )

    def _on_channel(self, handle: ProcessHandle) -> None:
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
        self._on_exit(handle, status)
