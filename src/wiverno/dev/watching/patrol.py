"""The patrol: looks regularly at the trees from which no events come, and only at those."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from wiverno.dev.loading.mounts import MountTable
from wiverno.dev.watching.reporter import Reporter
from wiverno.dev.watching.roots import Root, Roots, is_at_or_below
from wiverno.dev.watching.walk import walk_tree

MIN_INTERVAL_S = 1.0
# At most 2 % of a core, however large the tree is.
_CPU_SHARE = 0.02
# At most a fifth of the time: a far server answers slowly, and others ask it too.
_WALL_SHARE = 0.2


def interval_for(cpu_s: float, wall_s: float, least_s: float = MIN_INTERVAL_S) -> float:
    """Seconds until the next look, after one that took so much processor and wall time."""
    return max(least_s, cpu_s / _CPU_SHARE, wall_s / _WALL_SHARE)


@dataclass(frozen=True, slots=True)
class Beat:
    """One tree to look at: below `top`, but not below the directories `left_out`."""

    root: Root
    top: str
    left_out: frozenset[str] = frozenset()


def beats_of(root: Root, table: MountTable) -> dict[Beat, str]:
    """The parts of a watch directory where nothing rings, each with its file system type."""
    below = [mount for mount in table.below(root.real) if not root.prunes(mount.point)]
    beats = {}
    mounts = [(root.real, table.mount_of(root.real)), *((mount.point, mount) for mount in below)]
    for top, mount in mounts:
        if mount is not None and mount.rings_no_events:
            # Each mount further down is a tree of its own, or rings by itself.
            inner = (other.point for other in below if other.point != top)
            left_out = frozenset(point for point in inner if is_at_or_below(point, top))
            beats[Beat(root, top, left_out)] = mount.type
    return beats


class Patrol:
    """Compares its beats with what the reporter knows. Used by the watcher's thread only."""

    def __init__(
        self,
        roots: Roots,
        reporter: Reporter,
        tell_problem: Callable[[str], object],
        stopping: threading.Event,
        least_interval_s: float = MIN_INTERVAL_S,
    ) -> None:
        self._least_interval_s = least_interval_s
        self._roots = roots
        self._reporter = reporter
        self._tell_problem = tell_problem
        self._stopping = stopping
        self._beats: tuple[Beat, ...] = ()
        self._due_at = 0.0
        self._interval_s = least_interval_s
        # Once not all could be watched, all is looked at: nobody tells what is missing.
        self._covers_all = False

    def follow_mounts(self, table: MountTable) -> None:
        """Look at what lies on mounts that ring no events; say so of the new ones."""
        if self._covers_all:
            return
        silent = {
            beat: mount_type
            for root in self._roots.outermost()
            for beat, mount_type in beats_of(root, table).items()
        }
        before = {beat.top for beat in self._beats}
        self._beats = tuple(silent)
        if self._beats:
            self._look()
        for beat, mount_type in silent.items():
            if beat.top not in before:
                self._tell_problem(
                    f"{beat.root.as_given(beat.top)!r} is on a file system ({mount_type}) that "
                    f"does not tell of every change: {self._instead}"
                )

    def cover_all(self, reason: str | None = None) -> None:
        """Look at every watch directory from now on; said if there is a reason to be told."""
        if self._covers_all:
            return
        self._covers_all = True
        self._beats = tuple(Beat(root, root.real) for root in self._roots.outermost())
        self._look()
        if reason is not None:
            self._tell_problem(f"{reason} All are {self._instead}")

    @property
    def _instead(self) -> str:
        return f"checked every {math.ceil(self._interval_s)} s instead."

    def tend(self, now: float) -> None:
        """Look, if it is time to."""
        if self._beats and now >= self._due_at:
            self._look()

    def _look(self) -> None:
        began_s, began_cpu_s = time.monotonic(), time.thread_time()
        for beat in self._beats:
            walk = walk_tree(beat.root, beat.top, self._stopping, beat.left_out)
            self._reporter.report_differences(walk, beat.top, beat.left_out)
        ended_s = time.monotonic()
        self._interval_s = interval_for(
            time.thread_time() - began_cpu_s, ended_s - began_s, self._least_interval_s
        )
        self._due_at = ended_s + self._interval_s
