"""What the supervisor holds about processes that others of ours have forked."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Collection
from dataclasses import dataclass

from wiverno.dev.decisions.placement import Kept, Place
from wiverno.dev.loading.contents import digest_bytes
from wiverno.dev.loading.gate import Gate
from wiverno.dev.loading.record import EntryKind, Record, encode
from wiverno.dev.processes.channel import Channel, QueuedChannel
from wiverno.dev.processes.handles import Level, ProcessHandle
from wiverno.dev.processes.messages import Preloaded, SnapshotTaken, UnderWay

# It does so at once, unless the machine has no time for it.
_PARENT_TELLS_S = 5.0


@dataclass(frozen=True, slots=True)
class Origin:
    """What a process is forked from, and what it depends on by that."""

    handle: "OriginHandle"
    level: Level
    record: Record | None = None
    frames: bytes = b""
    """The record as it stands in the new process's memory file."""
    spare: "SpareHandle | None" = None
    """A fork of it that waits already."""


class ForkedProcess:
    """A process that is not our child: it says itself who it is, its parent how it ended.

    When its parent is gone it is our child after all, since we are a subreaper.
    """

    def __init__(self) -> None:
        self.pid = 0
        """0 until it has said it."""
        self.pidfd: int | None = None
        self.their_end: Channel | None = None
        """Its end of the channel, as long as it is on its way."""
        self._status: int | None = None
        self._is_condemned = False
        self._gone_since: float | None = None

    @property
    def is_unborn(self) -> bool:
        """Has it neither said who it is, nor been told to have ended?"""
        return not self.pid and self._status is None

    def begun(self, pid: int, pidfd: int) -> None:
        self.pid, self.pidfd = pid, pidfd
        if self.their_end is not None:
            self.their_end.close()
            self.their_end = None
        if self._is_condemned:
            self.kill()

    def goes_on_as(self, pid: int, pidfd: int, own_pidfd: int) -> "ForkedProcess":
        """Its child has taken its place; returns what it was, with the descriptor `own_pidfd`.

        That one may have ended meanwhile, and this one be condemned.
        """
        paused = ForkedProcess()
        paused.begun(self.pid, own_pidfd)
        paused._status, self._status = self._status, None
        self._gone_since = None
        self.begun(pid, pidfd)
        return paused

    def ended(self, status: int) -> None:
        """`status` as subprocess gives it."""
        self._status = status

    def poll(self) -> int | None:
        """The exit status; None while it runs, or while nobody has told."""
        if self._status is None and self.pid:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self._status = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                # Not our child, as long as its parent lives.
                if self._is_untold():
                    self._status = -signal.SIGKILL
        return self._status

    def _is_untold(self) -> bool:
        """Has it ended so long ago that its parent must have ended before it could say how?"""
        now = time.monotonic()
        if self._gone_since is None and self.pidfd is not None and _is_readable(self.pidfd):
            self._gone_since = now
        return self._gone_since is not None and now > self._gone_since + _PARENT_TELLS_S

    def kill(self) -> None:
        # Also its child, if it is about to take its place.
        self._is_condemned = True
        if self.pidfd is not None and self._status is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


class SpareHandle(ProcessHandle):
    """A process that was forked before anybody needed it, and waits for its build."""

    def __init__(
        self, process: ForkedProcess, channel: QueuedChannel, mark: str, *, knows_pages: bool
    ) -> None:
        """`mark` is its session variable; `knows_pages`: it copies those that it will need."""
        super().__init__(process, channel)
        self.process: ForkedProcess = process
        self.mark = mark
        self.knows_pages = knows_pages

    @property
    def may_serve(self) -> bool:
        return False


class OriginHandle(ProcessHandle):
    """A process that waits to be forked."""

    pages: bytes = b""
    """Those that a fork of it has copied while it was built and answered; empty: not known."""

    @property
    def may_serve(self) -> bool:
        return False


class TemplateHandle(OriginHandle):
    """The template: nothing but to be forked."""

    asked_for: tuple[str, ...] = ()
    """What it is to import beforehand."""
    preloaded: Preloaded | None = None
    """What it has imported beforehand; None until it has."""

    def memory_bytes(self) -> int:
        """What it holds that is no file's; 0 where nobody tells, or it has ended."""
        try:
            with open(f"/proc/{self.pid}/statm", "rb") as file:
                _, resident, of_files, *_ = map(int, file.read().split())
        except OSError:
            return 0
        return (resident - of_files) * os.sysconf("SC_PAGE_SIZE")


class SnapshotHandle(OriginHandle):
    """A process that is paused in the middle of an import."""

    def __init__(
        self,
        process: ForkedProcess,
        channel: QueuedChannel,
        taken: SnapshotTaken,
        record: Record,
        hot_files: Collection[str],
    ) -> None:
        """`record` holds what the process had depended on when it was paused; it is ours now."""
        super().__init__(process, channel, process.pidfd)
        self.taken = taken
        self.record = record
        self.kept = Kept(
            taken.import_s, taken.place is not Place.BEHIND_IMPORTS and taken.path in hot_files
        )
        self.paths_under_way = frozenset(each.path for each in taken.under_way)
        self.record.go_on_in(None, self.paths_under_way)
        self.frames = b"".join(map(encode, self.record.entries()))
        self._gate = Gate(self.record)

    def depends_on(self, path: str) -> bool:
        """Was the file at `path` imported or read before it was paused?"""
        kinds = (EntryKind.MODULE, EntryKind.DATA)
        return any(self.record.get(path, kind) is not None for kind in kinds)

    def is_valid(self) -> bool:
        """May it go on: is all that it has read still what is on disk?"""
        return all(map(_stands, self.taken.under_way)) and self._gate.is_fresh()


def _is_readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def _stands(executed: UnderWay) -> bool:
    try:
        with open(executed.path, "rb") as file:
            return digest_bytes(file.read(executed.length), 32).hex() == executed.digest
    except OSError:
        return False
