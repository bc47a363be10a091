"""What the supervisor holds about its processes. Nothing here runs inside them."""

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from wiverno.dev.decisions.changes import BuildStart
from wiverno.dev.failure.last_good import NOTHING_KNOWN, SinceLastGood
from wiverno.dev.loading.contents import adopt_same_content
from wiverno.dev.loading.differences import entries_of_now
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.held_files import HeldFiles
from wiverno.dev.loading.record import Entry, EntryKind, Record, RecordReader
from wiverno.dev.loading.signatures import LEFT, Signature
from wiverno.dev.loading.sources import read_sources
from wiverno.dev.processes import memory_file
from wiverno.dev.processes.build_files import BuildFiles
from wiverno.dev.processes.channel import QueuedChannel
from wiverno.dev.processes.messages import Built, Outcome
from wiverno.dev.processes.output_file import Claim, OutputFile
from wiverno.dev.processes.spawn import open_pidfd
from wiverno.dev.processes.stack import ask_for_stack
from wiverno.dev.processes.turns import TurnCount
from wiverno.dev.serving.request_notes import requests_in


@dataclass(slots=True)
class HeldConnection:
    """A client's connection in the supervisor's hands, with the bytes already read."""

    fd: int
    received: bytes

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.fd)


class Process(Protocol):
    """What a handle needs of its process: a `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """The exit status, reaped; None while it runs."""

    def kill(self) -> None:
        """SIGKILL; nothing when it has ended already."""


class Level(StrEnum):
    """What a candidate is made of; the further down, the faster."""

    INTERPRETER = "interpreter"
    """A new one, as in every cold start."""
    BARE = "bare template"
    """A fork of a process that has imported nothing but ours."""
    TEMPLATE = "template"
    """A fork of one that has imported third-party modules."""
    SNAPSHOT = "snapshot"
    """A fork in the middle of an earlier import."""


class ProcessHandle:
    """One process: its pid, the ways to hear from it, and what is on its way to it."""

    def __init__(self, process: Process, channel: QueuedChannel, pidfd: int | None = None) -> None:
        """`pidfd` is the process's, if there is one already; it is ours now."""
        self.process = process
        self.channel = channel
        self.pidfd = open_pidfd(process.pid) if process.pid and pidfd is None else pidfd
        self.in_transit: dict[int, HeldConnection] = {}
        """Connections sent and not yet taken, by number. They outlive a process that dies."""
        self.is_leaving = False
        """Told to end: its exit is no news."""
        self.held: HeldFiles | None = None
        """Installed files that it has imported, if it is forked or was."""
        self.kill_at: float | None = None
        """Monotonic time at which SIGKILL ends it."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def expect_exit(self, kill_at: float) -> None:
        self.is_leaving = True
        self.kill_at = kill_at if self.kill_at is None else min(self.kill_at, kill_at)

    def kill(self) -> None:
        self.is_leaving = True
        # Popen knows whether the pid was reaped already, and then does nothing.
        self.process.kill()

    def exit_status(self) -> int | None:
        """None while it runs; a negative number is the signal that ended it. Reaps it."""
        return self.process.poll()

    @property
    def may_serve(self) -> bool:
        """Can requests be in flight in it? Otherwise it may be killed at any time."""
        return True

    def close(self) -> None:
        self.channel.close()
        if self.pidfd is not None:
            os.close(self.pidfd)


@dataclass(slots=True)
class BuildCause:
    """Why a build was started: for the terminal and the events."""

    changed: tuple[str, ...] = ()
    noticed_at: float | None = None
    """Monotonic time of the first event or request that called for it."""
    is_retry: bool = False
    """Nothing has changed: another try behind a page."""
    is_repeated: bool = False
    """An earlier build was told of the same changes, and was to be begun again."""
    hot_files: tuple[str, ...] = ()
    """Changed lately: a snapshot before one of them may pay."""


class Started(NamedTuple):
    """A process that was started or forked, and how to reach it."""

    process: Process
    channel: QueuedChannel
    mark: str
    """Its session variable, and that of all that the application starts in it."""
    pidfd: int | None = None


class WorkerHandle(ProcessHandle):
    """A candidate, and the worker it becomes."""

    def __init__(
        self,
        started: Started,
        generation: int,
        start: BuildStart,
        cause: BuildCause,
        good_sources_fd: int | None = None,
    ) -> None:
        """`good_sources_fd` stays the caller's: the sources of the version that served last."""
        super().__init__(started.process, started.channel, started.pidfd)
        self.mark = started.mark
        self.generation = generation
        self.level = Level.INTERPRETER
        self.origin: ProcessHandle | None = None
        """What it was forked from; it may have ended since."""
        self.start = start
        self.cause = cause
        self.built: Built | None = None
        self.built_at = 0.0
        self.files = BuildFiles.create(generation)
        self._stack_begins_at = 0
        self.output = OutputFile(self.files.output, Claim.SUPERVISOR)
        self.is_output_shown = False
        """Has what it prints been of interest to anybody yet? Then all of it is."""
        self.good_sources_fd = None if good_sources_fd is None else os.dup(good_sources_fd)
        self._reader = RecordReader(self.files.record)
        self.turns = TurnCount(self.files.turns)

    def depend_on(self, record: Record, frames: bytes) -> None:
        """What a forked process depends on from its start, and how its memory file says so."""
        os.write(self.files.record, frames)
        self._reader = RecordReader(self.files.record, record)

    @property
    def is_warm(self) -> bool:
        """Does it hold anything that an earlier process has imported?"""
        return self.level in (Level.TEMPLATE, Level.SNAPSHOT)

    @property
    def may_serve(self) -> bool:
        return self.built is not None and self.built.outcome is Outcome.GOOD

    def record(self, length: int) -> Record:
        """What it depended on when its record had `length` bytes."""
        reader = RecordReader(self.files.record)
        return reader.refresh(length)

    def recorded(self) -> Sequence[Entry]:
        """All that this process depends on so far."""
        return self._reader.refresh().entries()

    def first_difference(self) -> str | None:
        """The first thing it depends on that is different on disk by now."""
        gate = Gate(self._reader.refresh())
        gate.is_fresh()
        return gate.stale_path

    def recorded_signature(self, path: str) -> Signature | None:
        """What this process saw at `path`; None when it does not depend on it."""
        record = self._reader.refresh()
        kinds = (EntryKind.MODULE, EntryKind.DATA, EntryKind.MISSING_DATA)
        entries = filter(None, (record.get(path, kind) for kind in kinds))
        return next((entry.signature for entry in entries if entry.signature != LEFT), None)

    def has_imported(self, path: str) -> bool:
        return self._reader.refresh().get(path) is not None

    def has_written(self, path: str) -> bool:
        """Did this process itself write the source file at `path`?"""
        return self._reader.refresh().get(path, EntryKind.WRITTEN) is not None

    def rebase_record(self) -> None:
        """Take what is on disk now as what this build has seen.

        For a build whose import rewrites its own files: gated on what it had read, its page
        would be stale from the beginning.
        """
        entries = self._reader.refresh().entries()
        os.close(self.files.record)
        rebased_fd = memory_file.create(f"wiverno-record-{self.generation}-rebased")
        self.files = self.files._replace(record=rebased_fd)
        rebased = Record(rebased_fd)
        for entry in entries_of_now(entries):
            rebased.add(*entry)
        self._reader = RecordReader(rebased_fd)

    def phases_ms(self, now: float) -> dict[str, float]:
        """Where the time went from the first news of the change until it serves, in order."""
        assert self.built is not None  # Only a good build goes.
        phases: dict[str, float] = {}
        if self.cause.noticed_at is not None:
            phases["waited"] = (self.start.monotonic_s - self.cause.noticed_at) * 1000
        first = "interpreter" if self.level is Level.INTERPRETER else "fork"
        return phases | {
            first: self.built.interpreter_ms,
            "import": self.built.import_ms,
            "verify": self.built.verify_ms,
            "go": (now - self.built_at) * 1000,
        }

    def holds_same_content(self, path: str) -> bool:
        """Are the bytes that it loaded from `path` there again, under another signature?"""
        return adopt_same_content(self._reader.refresh(), path)

    def ask_stack(self) -> None:
        """Have it write where its main thread stands; read it a little later."""
        self._stack_begins_at = ask_for_stack(self.pid, self.files.stack)

    def stack(self) -> str:
        """What it answered; empty as long as it has not."""
        return memory_file.read(self.files.stack)[self._stack_begins_at :].decode(errors="replace")

    def requests_in_flight(self) -> str:
        """`GET /a, POST /b`, also after its death."""
        return ", ".join(requests_in(memory_file.read(self.files.notes)))

    def since_last_good(self) -> SinceLastGood:
        """What this process loaded, compared with the version that served before it."""
        if self.good_sources_fd is None:
            return NOTHING_KNOWN
        return SinceLastGood(read_sources(self.files.sources), read_sources(self.good_sources_fd))

    def close_files(self) -> None:
        for fd in self.files:
            os.close(fd)
        if self.good_sources_fd is not None:
            os.close(self.good_sources_fd)


def describe_exit(status: int) -> str:
    """`ended with exit code 3` or `was killed by SIGSEGV`."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was killed by {name}"
