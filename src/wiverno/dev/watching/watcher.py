"""The doorbell: watchdog's events, narrowed to the `.py` files that matter.

Nothing here decides about freshness: an event may come late, twice or never.
Structural work (walking, scheduling) has a thread of its own, so that watchdog's
dispatcher is never held up and `start()` returns at once in a tree of any size.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wiverno.dev.watching.limits import count_inotify_watches
from wiverno.dev.watching.named_files import NamedFiles
from wiverno.dev.watching.plan import PlannedWatch
from wiverno.dev.watching.reporter import ChangeKind, Reporter
from wiverno.dev.watching.roots import Roots, WatchDirectoryError
from wiverno.dev.watching.upkeep import TICK_S, DirectoryChange, Upkeep

if TYPE_CHECKING:
    from wiverno.dev.watching.watches import Watches

__all__ = ["STOP_TIMEOUT_S", "ChangeKind", "WatchDirectoryError", "Watcher"]

# An emitter of watchdog that sleeps on an unmatched move needs up to 0.5 s; the rest is
# for a machine under load.
STOP_TIMEOUT_S = 5.0


class Watcher:
    """Calls `on_change(kind, path)` for each change of a `.py` file below `watch_dirs`.

    `ignore_patterns` as in `IgnorePatterns`; `path` is absolute and begins with the watch
    directory as it was given. A directory is reported, as deleted, when it vanished
    and held watched `.py` files. `on_change` and `on_problem` are called from two threads of
    this class and must only hand the news over; what they raise is reported as a problem.
    `on_problem(text)` gets one plain line, once for each kind of problem.

    `ready` is set once all watches stand, or could not be made.
    """

    def __init__(
        self,
        watch_dirs: Sequence[str],
        ignore_patterns: Sequence[str] | None,
        on_change: Callable[[ChangeKind, str], object],
        on_problem: Callable[[str], object] = lambda text: None,
        named_files: Sequence[str] = (),
    ) -> None:
        """`named_files` (absolute) are told as well, wherever they lie and whatever they are."""
        self.ready = threading.Event()
        self._roots = Roots(watch_dirs, ignore_patterns)
        self._reporter = Reporter(self._roots, self._tell)
        self._named_files = NamedFiles(named_files, self._tell)
        self._on_change = on_change
        self._on_problem = on_problem
        self._problems: set[str] = set()
        self._directory_changes: queue.SimpleQueue[DirectoryChange] = queue.SimpleQueue()
        self._has_lost_events = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._watches: Watches | None = None

    def start(self) -> None:
        """Begin to watch; the watches stand when `ready` is set. Raises WatchDirectoryError."""
        for root in self._roots:
            root.check()
        self._thread = threading.Thread(
            target=self._run, args=(time.time_ns(),), name="wiverno-watcher", daemon=True
        )
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Begin to end the watching, without waiting. From any thread, and twice is harmless.

        No further change is told. The threads end by themselves, within about 0.5 s: a
        `stop()` after that has nothing left to wait for.
        """
        self._stopping.set()
        self._directory_changes.put(DirectoryChange())  # Wakes the thread.

    def stop(self) -> None:
        """Ask, and wait until the threads have ended, within `STOP_TIMEOUT_S`.

        Twice is harmless. Called from `on_change` it only asks, since it would wait for itself.
        """
        self.ask_to_stop()
        if self._thread is not None and not self._is_own_thread():
            self._thread.join(STOP_TIMEOUT_S)

    @property
    def watches(self) -> tuple[PlannedWatch, ...]:
        """What is watched at the moment, for tests and for `--verbose`."""
        return () if self._watches is None else self._watches.planned

    def count_watches(self) -> int:
        """How many directories the kernel watches for this process. Linux, else 0."""
        return count_inotify_watches()

    def _is_own_thread(self) -> bool:
        dispatcher = None if self._watches is None else self._watches.dispatcher
        return threading.current_thread() in (self._thread, dispatcher)

    # The watcher's own thread.

    def _run(self, started_ns: int) -> None:
        try:
            self._watches = self._open_watches()
            self._tend(self._watches, started_ns)
        finally:
            self.ready.set()

    def _open_watches(self) -> "Watches":
        # Imported here: 20 ms that the first import of the application need not wait for.
        from wiverno.dev.watching.handler import Handler
        from wiverno.dev.watching.watches import Watches

        handler = Handler(self._reporter, self._directory_changes.put)
        return Watches(handler, self._on_lost_events, self._stopping)

    def _tend(self, watches: "Watches", started_ns: int) -> None:
        upkeep = Upkeep(self._roots, watches, self._reporter, self._problem, self._stopping)
        try:
            upkeep.watch_roots(started_ns)
            self.ready.set()
            while not self._stopping.is_set():
                with contextlib.suppress(queue.Empty):
                    upkeep.follow(self._directory_changes.get(timeout=TICK_S))
                if self._has_lost_events.is_set():
                    # Cleared when the old queue is closed: it may run over more than once.
                    upkeep.start_over_after_lost_events(self._has_lost_events.clear)
                upkeep.tend()
                self._named_files.tend()
        finally:
            watches.end()
            upkeep.close()

    # The thread of watchdog that reads inotify.

    def _on_lost_events(self) -> None:
        self._has_lost_events.set()
        self._directory_changes.put(DirectoryChange())  # Wakes our own thread.

    # This thread and the one of watchdog that dispatches.

    def _tell(self, kind: ChangeKind, path: str) -> None:
        if self._stopping.is_set():
            return
        try:
            self._on_change(kind, self._roots.as_given(path))
        except Exception as error:  # noqa: BLE001 - it would end watchdog's thread for good
            self._problem(f"The watcher's callback failed with {error!r}.")

    def _problem(self, text: str) -> None:
        if text not in self._problems:
            self._problems.add(text)
            self._on_problem(text)
