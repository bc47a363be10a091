"""Upkeep: the watches follow the directories that appear, vanish and come back.

All of it is walking and scheduling, which takes time: it runs in the watcher's own
thread, never in watchdog's that dispatches.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wiverno.dev.watching.limits import describe_shortage
from wiverno.dev.watching.plan import MAX_WATCHES, PlannedWatch, plan_watches
from wiverno.dev.watching.reporter import ChangeKind, Reporter
from wiverno.dev.watching.roots import Root, Roots
from wiverno.dev.watching.walk import Walk, walk_tree

if TYPE_CHECKING:
    from wiverno.dev.watching.watches import Watches


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

    def watch_roots(self, started_ns: int) -> None:
        """Set up all watches, and report what was saved since `started_ns` meanwhile."""
        walks = []
        for root in self._roots.outermost():
            walk = self._walk(root, root.real)
            walks.append((root, walk))
            self._watches.add(plan_watches(walk.directories))
        if self._stopping.is_set():
            return
        # Saves made while the watches were not standing yet rang nowhere.
        for root, walk in walks:
            self._reporter.report_missed(walk, self._walk(root, root.real), started_ns)
        shortage = describe_shortage(sum(len(walk.directories) for _, walk in walks))
        if shortage is not None:
            self._tell_problem(shortage)

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
            self._watch_new_directory(appeared)

    def _watch_new_directory(self, path: str) -> None:
        self._look_for_missing_roots(path)
        owner = self._roots.owner_of(path)
        if owner is None or owner.prunes(path) or self._watches.takes_in_new(path):
            return
        self._watches.drop_below(path)
        walk = self._walk(owner, path)
        room = max(1, MAX_WATCHES - len(self._watches))
        self._watches.add(plan_watches(walk.directories, room))
        # Again, after the watches stand: a file may have come between walk and watch.
        for file in {**walk.signatures, **self._walk(owner, path).signatures}:
            self._reporter.report(ChangeKind.CREATED, file)

    def _look_for_missing_roots(self, path: str) -> None:
        """A missing root is awaited from its parent, and may come back with its own parent."""
        for root in self._roots.outermost():
            if not root.real.startswith(path + "/"):
                continue
            if root.is_present:
                self._watch_new_directory(root.real)
            elif not self._watches.is_watched(root.real):
                self._wait_for_root(root)

    def _wait_for_root(self, root: Root) -> None:
        """Watch the nearest ancestor that is left, since a deleted root rings nowhere else."""
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
        walk = walk_tree(root, top, self._stopping)
        self._reporter.remember(walk)
        return walk
