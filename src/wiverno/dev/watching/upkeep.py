"""Upkeep: the watches follow the directories that appear, vanish and come back.

All of it is walking and scheduling, which takes time: it runs in the watcher's own
thread, never in watchdog's that dispatches.
"""

import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wiverno.dev.loading.mounts import Mount, MountBell, MountTable, read_mounts
from wiverno.dev.watching.limits import (
    WATCHES,
    count_inotify_watches,
    describe_limit,
    describe_many,
    describe_refusal,
    describe_shortage,
)
from wiverno.dev.watching.patrol import Patrol
from wiverno.dev.watching.plan import MAX_WATCHES, PlannedWatch, plan_watches
from wiverno.dev.watching.reporter import Reporter
from wiverno.dev.watching.roots import Root, Roots, is_at_or_below
from wiverno.dev.watching.walk import Walk, walk_tree

if TYPE_CHECKING:
    from wiverno.dev.watching.watches import Watches

TICK_S = 1.0
"""How often the upkeep looks at what rings nowhere: replaced roots, mounts, the patrol."""

# After a new directory, at so many ticks. The watch that the kernel refuses ends watchdog's
# reading: the directory that reaches the limit, and those after it, are never told.
_LIMIT_LOOKS = 3

SAFETY_INTERVAL_S = 60.0
"""How often all is compared where watchdog cannot tell that events were lost."""

_EVENTS_LOST = (
    "More file events came than the kernel keeps, and some were lost: "
    "the watch directories were compared with what was known instead."
)


@dataclass(frozen=True, slots=True)
class DirectoryChange:
    """What happened to a directory. A rename is both; with neither, nothing did."""

    vanished: str = ""
    appeared: str = ""


class Upkeep:
    """Keeps `watches` over the trees below `roots`, until `stopping` is set."""

    def __init__(
        self,
        roots: Roots,
        watches: "Watches",
        reporter: Reporter,
        tell_problem: Callable[[str], object],
        stopping: threading.Event,
    ) -> None:
        self._roots = roots
        self._watches = watches
        self._reporter = reporter
        self._tell_problem = tell_problem
        self._stopping = stopping
        self._patrol = Patrol(roots, reporter, tell_problem, stopping)
        self._safety_net = Patrol(roots, reporter, tell_problem, stopping, SAFETY_INTERVAL_S)
        self._bell = MountBell()
        self._mounts: list[tuple[Mount | None, tuple[Mount, ...]]] = []
        self._identities: dict[str, tuple[int, int] | None] = {}
        self._tick_at = 0.0
        self._limit_looks = 0

    def close(self) -> None:
        self._bell.close()

    def watch_roots(self, started_ns: int) -> None:
        """Set up all watches, and report what was saved since `started_ns` meanwhile."""
        self._watch_all(started_ns)
        if not self._watches.tells_lost_events:
            self._safety_net.cover_all()

    def start_over(self) -> None:
        """Watch everything anew, and report what no event told: nothing is taken as certain."""
        self._watches.renew()
        self._watch_all(None)

    def start_over_after_lost_events(self, forget: Callable[[], object]) -> None:
        """`start_over`, and say why. `forget` is called once the old queue is closed."""
        self._watches.renew()
        forget()
        self._watch_all(None)
        self._tell_problem(_EVENTS_LOST)

    def follow(self, change: DirectoryChange) -> None:
        """Bring the watches in line with what happened to a directory."""
        if change.vanished:
            self._watches.drop_below(change.vanished)
            root = self._roots.first_below(change.vanished)
            if root is not None and not root.is_present:
                self._wait_for_root(root)
        # A move that watchdog could not pair is told 0.5 s late; the place may be taken again.
        appeared = change.appeared or change.vanished
        if appeared and Path(appeared).is_dir():
            self._watch_new_directory(appeared, is_back=appeared == change.vanished)

    def tend(self) -> None:
        """Look at what rings nowhere, if it is time to. Called at least every `TICK_S`."""
        now = time.monotonic()
        if now < self._tick_at:
            return
        self._tick_at = now + TICK_S
        if self._are_mounts_changed() or self._is_root_replaced():
            self.start_over()
        elif self._limit_looks:
            self._limit_looks -= 1
            if self._watches.is_at_limit():
                self._limit_looks = 0
                self._patrol.cover_all(
                    f"New directories are not watched: {describe_limit(WATCHES)}"
                )
        self._patrol.tend(now)
        self._safety_net.tend(now)

    # Everything at once.

    def _watch_all(self, since_ns: int | None) -> None:
        mounts = read_mounts()
        self._mounts = self._mounts_at_roots(mounts)
        directories = 0
        for root in self._roots.outermost():
            directories += self._watch_root(root, since_ns)
        if self._stopping.is_set():
            return
        # Saves made while the watches were not standing yet rang nowhere.
        for root in self._roots.outermost():
            self._reporter.report_differences(self._walk(root, root.real), root.real)
        self._check_limits(directories)
        self._patrol.follow_mounts(mounts)

    def _watch_root(self, root: Root, since_ns: int | None) -> int:
        """The number of directories in it."""
        self._identities[root.real] = _identity_of(root.real)
        if not root.is_present:
            self._reporter.report_vanished_directory(root.real)
            self._wait_for_root(root)
            return 0
        walk = self._walk(root, root.real)
        if since_ns is not None:
            self._reporter.report_saved_since(walk, since_ns)
        self._watches.add(plan_watches(walk.directories))
        return len(walk.directories)

    def _check_limits(self, directories: int) -> None:
        watched = count_inotify_watches()
        if watched < directories and self._watches.is_at_limit():
            self._patrol.cover_all(describe_shortage(watched, directories))
        elif self._watches.refusal is not None:
            self._patrol.cover_all(describe_refusal(self._watches.refusal))
        else:
            given = [root.given for root in self._roots.outermost()]
            if (notice := describe_many(watched, given)) is not None:
                self._tell_problem(notice)

    # What rings nowhere.

    def _are_mounts_changed(self) -> bool:
        return self._bell.has_rung() and self._mounts_at_roots(read_mounts()) != self._mounts

    def _mounts_at_roots(self, table: MountTable) -> list[tuple[Mount | None, tuple[Mount, ...]]]:
        return [
            (table.mount_of(root.real), table.below(root.real)) for root in self._roots.outermost()
        ]

    def _is_root_replaced(self) -> bool:
        """Whether one was renamed, mounted over or replaced: its watch stays with the old one."""
        return any(_identity_of(path) != identity for path, identity in self._identities.items())

    # One directory.

    def _watch_new_directory(self, path: str, *, is_back: bool = False) -> None:
        self._look_for_missing_roots(path)
        self._limit_looks = _LIMIT_LOOKS
        owner = self._roots.owner_of(path)
        if owner is None or owner.prunes(path):
            return
        if self._watches.takes_in_new(path):
            # It tells the files in it, too, unless they were forgotten meanwhile.
            if is_back:
                self._reporter.report_differences(self._walk(owner, path), path)
            return
        self._watches.drop_below(path)
        walk = self._walk(owner, path)
        room = max(1, MAX_WATCHES - len(self._watches))
        self._watches.add(plan_watches(walk.directories, room))
        # Before the watches stood nothing rang.
        self._reporter.report_differences(self._walk(owner, path), path)

    def _look_for_missing_roots(self, path: str) -> None:
        """A missing root is awaited from its parent, and may come back with its own parent."""
        for root in self._roots.outermost():
            if not is_at_or_below(root.real, path):
                continue
            self._identities[root.real] = _identity_of(root.real)
            if root.real == path:
                continue
            if root.is_present:
                self._watch_new_directory(root.real)
            elif not self._watches.is_watched(root.real):
                self._wait_for_root(root)

    def _wait_for_root(self, root: Root) -> None:
        """Watch the nearest ancestor that is left, since a deleted root rings nowhere else."""
        self._identities[root.real] = None
        self._tell_problem(
            f"Watch directory {root.given!r} is gone. Its files are watched again when it is back."
        )
        ancestor = root.nearest_directory()
        while ancestor != root.real and not self._stopping.is_set():
            if not self._watches.is_watched(ancestor):
                self._watches.add([PlannedWatch(ancestor, is_recursive=False)])
            # What was made before the watch stood rang nowhere: look again from there.
            nearest = root.nearest_directory()
            if nearest == ancestor:
                return
            ancestor = nearest
        self._watch_new_directory(root.real)

    def _walk(self, root: Root, top: str) -> Walk:
        return walk_tree(root, top, self._stopping)


def _identity_of(path: str) -> tuple[int, int] | None:
    """What tells a directory from another one that has taken its name; None if it is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116 - once a second, for as long as the session lasts
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None
