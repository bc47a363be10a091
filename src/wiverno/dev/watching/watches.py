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
from watchdog.version import VERSION_INFO

from wiverno.dev.watching.handler import HANDLED_EVENTS, Handler
from wiverno.dev.watching.plan import PlannedWatch
from wiverno.dev.watching.roots import is_at_or_below

# watchdog 6 reports a tree that is moved in, and then misses every later change in it.
_RECURSION_MISSES_MOVED_TREES = VERSION_INFO < (7,)

# In its log. Earlier versions drop the kernel's event that says so.
_WATCHDOG_TELLS_OVERFLOW = VERSION_INFO >= (7, 1)

_OVERFLOW_LOGGER = logging.getLogger("watchdog.observers.inotify_c")


class Watches:
    """Changed from the watcher's thread only.

    Once `stopping` is set, nothing is added or dropped any more; `end` is left to call.
    `on_lost_events` is called, from a thread of watchdog, when the kernel's queue ran over.
    """

    def __init__(
        self,
        handler: Handler,
        on_lost_events: Callable[[], object],
        stopping: threading.Event,
    ) -> None:
        self._handler = handler
        self._on_lost_events = on_lost_events
        self._stopping = stopping
        self._standing: dict[str, tuple[PlannedWatch, ObservedWatch]] = {}
        self.refusal: OSError | None = None
        """The first watch that the kernel refused, or the observer as a whole."""
        _silence_watchdog()
        self._observer = self._open_observer()

    def _open_observer(self) -> BaseObserver | None:
        try:
            observer = observers.Observer()
        except OSError as error:
            self.refusal = error
            return None
        _OVERFLOW_LOGGER.addFilter(self._hear_overflow)
        observer.start()
        return observer

    @property
    def tells_lost_events(self) -> bool:
        """Whether `on_lost_events` is called at all with this version of watchdog."""
        return _WATCHDOG_TELLS_OVERFLOW

    def renew(self) -> None:
        """Drop all watches and begin again with an empty queue, for `add` to fill."""
        self.end()
        self.refusal = None
        self._observer = self._open_observer()

    def __len__(self) -> int:
        return len(self._standing)

    @property
    def planned(self) -> tuple[PlannedWatch, ...]:
        """What stands at the moment. From any thread."""
        return tuple(planned for planned, _ in list(self._standing.values()))

    @property
    def dispatcher(self) -> threading.Thread | None:
        """The thread that calls the handler."""
        return self._observer

    def is_watched(self, path: str) -> bool:
        """Whether the directory is watched, by itself or along with one above it."""
        return path in self._standing or self._cover(path)

    def takes_in_new(self, path: str) -> bool:
        """Whether a watch above takes this new directory in by itself."""
        return self._cover(path) and not _RECURSION_MISSES_MOVED_TREES

    def add(self, planned_watches: Sequence[PlannedWatch]) -> None:
        """Watch what is not watched yet; that something could not be is left in `refusal`."""
        for planned in planned_watches:
            if self._stopping.is_set():
                return
            if planned.path not in self._standing:
                self._stand(planned)

    def drop_below(self, path: str) -> None:
        """Drop the watches of a directory that is gone: they follow it to its new place."""
        for watched in [key for key in self._standing if is_at_or_below(key, path)]:
            # Each waits until its emitter has ended, up to 0.5 s.
            if self._stopping.is_set():
                return
            _, watch = self._standing.pop(watched)
            # KeyError: watchdog forgot it first. OSError: the kernel did.
            with contextlib.suppress(KeyError, OSError):
                self._unschedule(watch)

    def is_at_limit(self) -> bool:
        """Whether the kernel refuses one more watch, tried with one that nobody needs."""
        if not Path("/proc").is_dir():
            return False
        try:
            watch = self._schedule(PlannedWatch("/proc", is_recursive=False))
        except OSError as error:
            return error.errno == errno.ENOSPC
        if watch is not None:
            self._unschedule(watch)
        return False

    def end(self) -> None:
        """Drop all watches and wait until watchdog's threads have ended.

        All emitters are asked before the first is waited for, so it takes 0.5 s at most:
        that is how long one sleeps on a move whose other half it has not seen.
        """
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        _OVERFLOW_LOGGER.removeFilter(self._hear_overflow)
        self._standing.clear()

    def _cover(self, path: str) -> bool:
        above = (self._standing.get(str(parent)) for parent in Path(path).parents)
        return any(watch is not None and watch[0].is_recursive for watch in above)

    def _stand(self, planned: PlannedWatch) -> None:
        try:
            watch = self._schedule(planned)
        except OSError as error:
            # A directory that has gone again needs no watch.
            if error.errno not in {errno.ENOENT, errno.ENOTDIR} and self.refusal is None:
                self.refusal = error
        else:
            if watch is not None:
                self._standing[planned.path] = planned, watch

    def _schedule(self, planned: PlannedWatch) -> ObservedWatch | None:
        if self._observer is None:
            return None
        return self._observer.schedule(
            self._handler,
            planned.path,
            recursive=planned.is_recursive,
            event_filter=HANDLED_EVENTS,
        )

    def _unschedule(self, watch: ObservedWatch) -> None:
        if self._observer is not None:
            self._observer.unschedule(watch)

    def _hear_overflow(self, record: logging.LogRecord) -> bool:
        """A filter: hears what watchdog says only to its log, and keeps it off the terminal."""
        if "overflow" not in record.getMessage():
            return True
        self._on_lost_events()
        return False


def _silence_watchdog() -> None:
    # watchdog 7 warns of its own race when a directory is made inside a new one, from
    # the thread that reads inotify: with `-W error` that thread would die of it.
    warnings.filterwarnings(
        "ignore", "Callback with id", category=RuntimeWarning, module=r"watchdog\."
    )
    logging.getLogger("watchdog.observers.inotify").addFilter(_is_news)
    # Not below: the overflow must be heard, whatever level is set further up.
    _OVERFLOW_LOGGER.setLevel(logging.WARNING)


def _is_news(record: logging.LogRecord) -> bool:
    # Python prints errors and warnings on stderr when nobody has set up logging. An emitter
    # that is stopped while it sleeps on a move, and one that repairs its watches after an
    # overflow, say so; the first is as it should be, the second is told in our own words.
    text = record.getMessage()
    return not text.endswith("called when the thread is inactive") and "overflow" not in text
