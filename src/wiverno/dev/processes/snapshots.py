"""The candidate's side of snapshots: at chosen points it forks, its parent stays paused there.

The supervisor knows a candidate by its channel, which goes with the child: what has been
paused is the process, not the build.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from wiverno.dev.decisions.placement import Placement
from wiverno.dev.loading.contents import digest_bytes
from wiverno.dev.loading.execution import Execution, Point
from wiverno.dev.processes import fork_hygiene
from wiverno.dev.processes.channel import Channel, ChannelClosedError
from wiverno.dev.processes.guard import Guard
from wiverno.dev.processes.messages import SnapshotRefused, SnapshotTaken, UnderWay
from wiverno.dev.processes.paused import HeldSignals, pause
from wiverno.dev.processes.random_state import RandomState
from wiverno.dev.processes.role import SESSION_VARIABLE, session_of, snapshot_mark
from wiverno.dev.processes.session_mark import write_mark
from wiverno.dev.processes.spawn import fork


def digest_of_text(executed: bytes) -> str:
    """As it travels in messages."""
    return digest_bytes(executed, 32).hex()


class Forkable(Protocol):
    """What a candidate must be able to do in the children that are made of it."""

    channel: Channel

    @property
    def rewritten(self) -> str | None:
        """A file of the project that its import has written: each import would."""

    def record_length(self) -> int:
        """Bytes of its record so far."""

    def installed_files(self) -> bytes:
        """Those that it has imported so far, packed."""

    def continue_build(self) -> None:
        """In the child, which goes on with the same build."""

    def prepare_to_resume(self) -> None:
        """In a child that waits for its build."""

    def resume(self, channel: Channel) -> None:
        """In a child that is made later: go on with another build. May end the process."""


class Snapshots:
    """Looks at each point of an import whether to fork there."""

    def __init__(
        self,
        candidate: Forkable,
        execution: Execution,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Made before code of the user runs."""
        self._candidate = candidate
        self._execution = execution
        self._guard = Guard()
        self._random_state = RandomState()
        self._clock_s = clock_s
        self._placement = Placement([])
        self._last_s = clock_s()
        self._import_s = 0.0
        self._is_refused = False

    def begin(self, hot_files: Sequence[str], descriptors: Iterable[int]) -> None:
        """A build begins, or goes on in a child; these descriptors are ours."""
        for fd in descriptors:
            self._guard.recognise(fd)
        self._placement = Placement(hot_files)
        self._last_s = self._clock_s()

    def recognise(self, fd: int) -> None:
        """This descriptor is ours, too."""
        self._guard.recognise(fd)

    def reached(self, point: Point) -> None:
        """Called in the import. Returns once in this build, and once in each that resumes here."""
        since_last_s = self._clock_s() - self._last_s
        is_wanted = not self._is_refused and self._placement.wants(
            point.path,
            point.place,
            is_entry=point.is_entry,
            since_last_s=since_last_s,
        )
        if not is_wanted:
            return
        try:
            self._take_or_refuse(point, since_last_s)
        except ChannelClosedError:
            # Nobody wants this build any more. The error would go through the user's import.
            os._exit(1)

    def _take_or_refuse(self, point: Point, since_last_s: float) -> None:
        self._random_state.observe()
        if (refusal := self._guard.refusal()) is not None:
            self._refuse(refusal.sentence, point)
            return
        if (path := self._candidate.rewritten) is not None:
            self._refuse(f"the import has written {path}", point)
            return
        self._import_s += since_last_s
        self._placement.took()
        self._take(point)
        self._last_s = self._clock_s()

    def _refuse(self, reason: str, point: Point) -> None:
        self._is_refused = True
        self._candidate.channel.send(SnapshotRefused(reason, point.path, point.place))

    def _take(self, point: Point) -> None:
        theirs, ours = Channel.pair()
        length = self._candidate.record_length()
        fork_hygiene.before_fork(self._random_state)
        files = self._guard.files_to_open_again
        # In the child it might be another's: that of the supervisor, when this one was killed.
        paused_pid = os.getpid()
        paused = os.pidfd_open(paused_pid)
        signals = HeldSignals()
        try:
            pid = fork()
        except OSError as error:  # So many processes are not allowed.
            signals.release()
            theirs.close()
            ours.close()
            os.close(paused)
            self._refuse(f"the system does not let us fork: {error.strerror}", point)
            return
        if pid:
            theirs.close()
            os.close(paused)
            self._candidate.channel.close()
            # Or what the supervisor ends with this generation would be this process, too.
            write_mark(snapshot_mark(session_of(os.environ[SESSION_VARIABLE]), os.getpid()))
            channel = pause(
                ours,
                signals,
                lambda: self._prepare_to_resume(files),
                {os.pidfd_open(pid): pid},
            )
            self._candidate.resume(channel)
            return
        signals.release()
        ours.close()
        fork_hygiene.after_fork_in_child(self._random_state, files)
        self._candidate.continue_build()
        own = os.pidfd_open(os.getpid())
        with contextlib.closing(theirs):
            self._candidate.channel.send(
                SnapshotTaken(
                    paused_pid=paused_pid,
                    pid=os.getpid(),
                    record_length=length,
                    path=point.path,
                    place=point.place,
                    import_s=self._import_s,
                    under_way=tuple(
                        UnderWay(each.path, each.end, digest_of_text(each.source[: each.end]))
                        for each in self._execution.under_way
                    ),
                    payload=self._candidate.installed_files(),
                    fds=(theirs.fileno(), paused, own),
                )
            )
        os.close(own)
        os.close(paused)

    def _prepare_to_resume(self, files: Iterable[int]) -> None:
        fork_hygiene.after_fork_in_child(self._random_state, files)
        self._candidate.prepare_to_resume()
