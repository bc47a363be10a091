"""What the strategy `fork` tells: to the event stream all of it, to the terminal what helps.

A refusal is told once in a session, with what it costs: that of a snapshot is known when the
restart that it slowed serves.
"""

import re
import time
from collections.abc import Iterable, Sequence

from wiverno.dev.control.events import EventStream
from wiverno.dev.processes.forked import SpareHandle
from wiverno.dev.processes.handles import Level, WorkerHandle
from wiverno.dev.processes.messages import Preloaded, RefusedRoot, SnapshotRefused, SnapshotTaken
from wiverno.dev.terminal.terminal import Terminal


class ForkNews:
    """Of one session."""

    def __init__(self, events: EventStream, terminal: Terminal) -> None:
        self._events = events
        self._terminal = terminal
        self._refused: dict[int, SnapshotRefused] = {}
        """By generation, until it serves."""
        self._said: set[str] = set()

    def spare_ready(self, spare: SpareHandle) -> None:
        self._events.emit("spare_ready", pid=spare.pid, knows_pages=spare.knows_pages)

    def forked(self, candidate: WorkerHandle, *, is_spare: bool) -> None:
        """`is_spare`: it was before anybody needed it."""
        self._events.emit(
            "forked",
            generation=candidate.generation,
            level=candidate.level,
            is_spare=is_spare,
        )

    def template_ready(
        self, pid: int, preloaded: Preloaded, refused_before: Iterable[RefusedRoot] = ()
    ) -> None:
        """`refused_before`: what earlier templates, also of the last session, have found out."""
        if preloaded.roots:
            self._terminal.template_ready(preloaded.roots)
        for refused in (*refused_before, *preloaded.refused):
            # The same thread spoils a snapshot, too: that is no other cause.
            if self._is_new(refused.reason, refused.name):
                self._terminal.root_refused(refused.name, refused.reason, refused.import_s)
        # Last: who hears it may read what was said.
        self._events.emit(
            "template_ready",
            pid=pid,
            roots=preloaded.roots,
            refused=[each._asdict() for each in preloaded.refused],
        )

    def snapshot_taken(self, generation: int, taken: SnapshotTaken) -> None:
        self._events.emit(
            "snapshot_taken",
            generation=generation,
            path=taken.path,
            place=taken.place,
            import_ms=round(taken.import_s * 1000, 1),
        )
        self._terminal.snapshot_taken(taken.path, taken.place, taken.import_s)

    def snapshot_refused(self, generation: int, refused: SnapshotRefused) -> None:
        self._events.emit(
            "snapshot_refused",
            generation=generation,
            reason=refused.reason,
            path=refused.path,
            place=refused.place,
        )
        self._refused[generation] = refused

    def served(self, worker: WorkerHandle) -> None:
        """Tell what kept this restart from being fast."""
        refused = self._refused.get(worker.generation)
        self._refused.clear()
        if refused is None or not _is_usual(worker) or not self._is_new(refused.reason):
            return
        phases_ms = worker.phases_ms(time.monotonic())
        restart_ms = sum(phases_ms.values()) - phases_ms.get("waited", 0.0)
        self._terminal.snapshot_refused(
            refused.reason,
            refused.path,
            refused.place,
            restart_ms=restart_ms,
            fast_ms=restart_ms - phases_ms["import"],
        )

    def installation_changed(self, path: str) -> None:
        self._events.emit("installation_changed", path=path)
        self._terminal.notice(f"{path} has changed: this restart begins in a new interpreter.")

    def fork_failed(self) -> None:
        self._events.emit("fork_failed")
        self._terminal.notice(
            "A new interpreter could import what failed in a fork of an earlier process, which "
            "is not used any more."
        )

    def roots_failed(self, roots: Sequence[str], times: int) -> None:
        if not roots:
            self._terminal.notice(
                f"Forks of earlier processes have failed {times} times in a row. From now on each "
                "restart begins in a new interpreter."
            )
            return
        self._terminal.notice(
            f"{', '.join(roots)}: restarts from these imported beforehand have failed {times} "
            "times. From now on each restart imports them."
        )

    def _is_new(self, reason: str, name: str = "") -> bool:
        # Pids and ports differ each time.
        cause = re.sub(r"\d+", "#", reason)
        known = {cause} if not name else {f"{name}: {cause}"}
        if known <= self._said:
            return False
        self._said |= known | {cause}
        return True


def _is_usual(worker: WorkerHandle) -> bool:
    """Does this restart cost what later ones will? Not without the template that is coming."""
    assert worker.built is not None  # only a good build serves
    has_template = worker.level is not Level.BARE or not worker.built.roots
    return worker.generation > 1 and has_template
