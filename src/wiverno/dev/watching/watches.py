"""The watches that stand, and watchdog's observer that holds them."""

import contextlib
import errno
import logging
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from watchdog import observers
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.version import VERSION_MAJOR

from wiverno.dev.watching.handler import HANDLED_EVENTS, Handler
from wiverno.dev.watching.limits import describe_refusal
from wiverno.dev.watching.plan import PlannedWatch
from wiverno.dev.watching.roots import is_at_or_below

# watchdog 6 reports a tree that is moved in, and then misses every later change in it.
_RECURSION_MISSES_MOVED_TREES = VERSION_MAJOR < 7


class Watches:
    """Changed from the watcher's thread only. Raises OSError if nothing can be watched.

    Once `stopping` is set, nothing is added or dropped any more; `end` is left to call.
    """

    def __init__(
        self,
        handler: Handler,
        tell_problem: Callable[[str], object],
        stopping: threading.Event,
    ) -> None:
        self._handler = handler
        self._tell_problem = tell_problem
        self._stopping = stopping
        self._standing: dict[str, tuple[PlannedWatch, ObservedWatch]] = {}
        _silence_watchdog()
        self._observer: BaseObserver = observers.Observer()
        self._observer.start()

    def __len__(self) -> int:
        return len(self._standing)

    @property
    def planned(self) -> tuple[PlannedWatch, ...]:
        """What stands at the moment. From any thread."""
        return tuple(planned for planned, _ in list(self._standing.values()))

    @property
    def dispatcher(self) -> threading.Thread:
        """The thread that calls the handler."""
        return self._observer

    def is_watched(self, path: str) -> bool:
        """Whether the directory is watched, by itself or along with one above it."""
        return path in self._standing or self._cover(path)

    def takes_in_new(self, path: str) -> bool:
        """Whether a watch above takes this new directory in by itself."""
        return self._cover(path) and not _RECURSION_MISSES_MOVED_TREES

    def add(self, planned_watches: Sequence[PlannedWatch]) -> None:
        """Watch what is not watched yet; what cannot be is told as a problem."""
        for planned in planned_watches:
            if self._stopping.is_set():
                return
            if planned.path not in self._standing:
                self._schedule(planned)

    def drop_below(self, path: str) -> None:
        """Drop the watches of a directory that is gone: they follow it to its new place."""
        for watched in [key for key in self._standing if is_at_or_below(key, path)]:
            # Each waits until its emitter has ended, up to 0.5 s.
            if self._stopping.is_set():
                return
            _, watch = self._standing.pop(watched)
            # KeyError: watchdog forgot it first. OSError: the kernel did.
            with contextlib.suppress(KeyError, OSError):
                self._observer.unschedule(watch)

    def end(self) -> None:
        """Drop all watches and wait until watchdog's threads have ended.

        All emitters are asked before the first is waited for, so it takes 0.5 s at most:
        that is how long one sleeps on a move whose other half it has not seen.
        """
        self._observer.stop()
        self._observer.join()
        self._standing.clear()

    def _cover(self, path: str) -> bool:
        above = (self._standing.get(str(parent)) for parent in Path(path).parents)
        return any(watch is not None and watch[0].is_recursive for watch in above)

    def _schedule(self, planned: PlannedWatch) -> None:
        try:
            watch = self._observer.schedule(
                self._handler,
                planned.path,
                recursive=planned.is_recursive,
                event_filter=HANDLED_EVENTS,
            )
        except OSError as error:
            if error.errno != errno.ENOENT:  # A directory that has gone again needs no watch.
                self._tell_problem(describe_refusal(error))
        else:
            self._standing[planned.path] = planned, watch


def _silence_watchdog() -> None:
    # watchdog 7 warns of its own race when a directory is made inside a new one, from
    # the thread that reads inotify: with `-W error` that thread would die of it.
    warnings.filterwarnings(
        "ignore", "Callback with id", category=RuntimeWarning, module=r"watchdog\."
    )
    # An emitter that is stopped while it sleeps on a move says so as an error, which
    # Python prints on stderr when nobody has set up logging.
    logging.getLogger("watchdog.observers.inotify").addFilter(_is_no_stopped_emitter)


def _is_no_stopped_emitter(record: logging.LogRecord) -> bool:
    return not record.getMessage().endswith("called when the thread is inactive")
