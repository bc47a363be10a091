"""The doorbell of the gate: did anything happen to what the record depends on?

The process's own inotify instance. The kernel queues the event before the save's system
call returns, so one look at an empty queue answers for any number of files. What it cannot
promise it does not: it says which entries it is deaf to, and in any doubt that it rang.
"""

import os
import threading
from collections.abc import Iterable
from weakref import WeakSet

from wiverno.dev.loading.inotify import Inotify, LostError
from wiverno.dev.loading.mounts import MountBell, read_mounts
from wiverno.dev.loading.record import Entry, EntryKind, Record
from wiverno.dev.loading.signatures import LEFT
from wiverno.dev.loading.watches import SEARCHES, LimitError, UnheardError, Watches

_WATCHED_KINDS = SEARCHES | {
    EntryKind.MODULE,
    EntryKind.DATA,
    EntryKind.MISSING_DATA,
    EntryKind.LISTING,
}
# One costs about 10 us, and while some are left to do each request pays for a sweep as well.
_ENTRIES_AT_ONCE = 150
# Of 150 entries each; where folders change all the time there is no end of it.
_MOST_PASSES = 1_000
# The user's other programs, our watcher among them, need watches of the same limit.
_SHARE_OF_LIMIT = 4
_OLDEST_LIMIT = 8_192


class Doorbell:
    """Asked by one thread, in turns: `is_quiet`; if not, `prepare`, for the next ask to sweep."""

    def __init__(self, record: Record, limit: int | None = None) -> None:
        """`limit`: how many watches at most; by default a share of what the user may have."""
        self._record = record
        self._learned: tuple[Entry, ...] = ()
        self._pending: dict[tuple[EntryKind, str], Entry] = {}
        self._unheard: set[tuple[EntryKind, str]] = set()
        self._inotify: Inotify | None = None
        self._mount_bell = MountBell()
        try:
            self._inotify = Inotify()
        except OSError:  # None left for us, or not on this system: it rings always.
            self.close()
            return
        self._watches = Watches(self._inotify, read_mounts(), limit or _own_limit())
        _doorbells.add(self)

    @property
    def has_unwatched(self) -> bool:
        """Is something left for another `prepare`?"""
        return self._inotify is not None and bool(self._pending)

    def hears_everything(self) -> bool:
        return not self._unheard

    def is_deaf_to(self, entry: Entry) -> bool:
        """Whether it must be swept although all was quiet."""
        return (entry.kind, entry.path) in self._unheard

    def is_quiet(self) -> bool:
        """Whether nothing that is recorded has changed since `prepare`.

        Never before everything is watched, and never again once the application has closed
        our descriptor.
        """
        if self._inotify is None:
            return False
        try:
            has_rung = self._listen(self._inotify)
        except LostError:
            self.close()
            return False
        return not has_rung and not self._pending and self._record.entries() is self._learned

    def prepare(self) -> None:
        """Watch more of what is not watched yet, and forget what rang: the next ask sweeps."""
        if self._inotify is None:
            return
        try:
            self._learn()
            self._watch_some()
            self._listen(self._inotify)
        except (LostError, LimitError):
            self.close()

    def close(self) -> None:
        """From now on it rings always."""
        inotify, self._inotify = self._inotify, None
        if inotify is not None:
            inotify.close()
        self._mount_bell.close()

    def _learn(self) -> None:
        entries = self._record.entries()
        if entries is not self._learned:
            # New ones are last. The others need no other watches than they have.
            self._want(entries[len(self._learned) :])
            self._learned = entries

    def _want(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.kind in _WATCHED_KINDS:
                self._pending[entry.kind, entry.path] = entry

    def _watch_some(self) -> None:
        for key in tuple(self._pending)[:_ENTRIES_AT_ONCE]:
            entry = self._pending.pop(key)
            self._unheard.discard(key)
            try:
                if self._counts(entry):
                    self._watches.add(entry)
            except UnheardError:
                self._unheard.add(key)

    def _listen(self, inotify: Inotify) -> bool:
        """Take what rang; whether it concerns the record."""
        has_rung = self._mount_bell.has_rung()
        if not self._mount_bell.is_working():
            raise LostError
        # Of many events at once, as a checkout makes them: all are followed anew once at most.
        concerned: set[Entry | None] = {None} if has_rung else set()
        if inotify.has_events():
            for event in inotify.events():
                concerned |= self._watches.concerned(event)
        if None in concerned:
            self._start_over()
            return True
        counting = [entry for entry in concerned if entry is not None and self._counts(entry)]
        self._want(counting)
        return bool(counting)

    def _start_over(self) -> None:
        self._watches.start_over(read_mounts())
        self._want(self._learned)

    def _counts(self, entry: Entry) -> bool:
        """What the application writes itself has left the record."""
        now = self._record.get(entry.path, entry.kind)
        return now is not None and now.signature != LEFT


class HangingDoorbell:
    """Hangs a doorbell in a thread of its own: no request waits for thousands of watches.

    One alone may take 25 ms: of a folder like /tmp, of which the kernel knows many names.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._thread: threading.Thread | None = None
        self._doorbell: Doorbell | None = None

    def __call__(self) -> Doorbell | None:
        """None until it hangs. The first call begins."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._hang, name="wiverno-doorbell", daemon=True)
            self._thread.start()
        return self._doorbell

    def _hang(self) -> None:
        doorbell = Doorbell(self._record)
        doorbell.prepare()
        for _ in range(_MOST_PASSES):
            if not doorbell.has_unwatched:
                break
            doorbell.prepare()
        self._doorbell = doorbell


def _own_limit() -> int:
    try:
        with open("/proc/sys/fs/inotify/max_user_watches", "rb") as file:
            return int(file.read()) // _SHARE_OF_LIMIT
    except (OSError, ValueError):
        return _OLDEST_LIMIT // _SHARE_OF_LIMIT


# Parent and child of a fork that the application makes share the queue: what one of them
# reads the other never hears.
_doorbells: WeakSet[Doorbell] = WeakSet()


def _close_all() -> None:
    for doorbell in _doorbells:
        doorbell.close()


os.register_at_fork(after_in_child=_close_all)
