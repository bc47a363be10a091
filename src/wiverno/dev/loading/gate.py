"""The gate: does the record still equal the disk? Asked once per request.

A sweep over the signatures, about one microsecond a file; with a doorbell only when it rang,
and of what it is deaf to. Strict: a clock counts only for files that were read when they had
just been written.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wiverno.dev.loading.comparison import Comparison
from wiverno.dev.loading.contents import RacyFiles
from wiverno.dev.loading.record import EntryKind, Record

if TYPE_CHECKING:
    from wiverno.dev.loading.doorbell import Doorbell

# To watch a file costs as much as to sweep it ten times, and most generations answer a few
# requests only. The first ask is that of the build, the second that of whoever waits for it.
_ASKS_BEFORE_DOORBELL = 2


class Gate:
    """Compares one record with the disk. Once stale, always stale."""

    def __init__(
        self,
        record: Record,
        clock_s: Callable[[], float] = time.monotonic,
        doorbell: Callable[[], "Doorbell | None"] | None = None,
    ) -> None:
        """`doorbell` is asked for one when it pays, again while it gives None.

        Without it everything is swept each time.
        """
        self._record = record
        self._whole = Comparison(record)
        self._unheard: Comparison | None = None
        self._racy = RacyFiles(record, clock_s)
        self._make_doorbell = doorbell
        self._doorbell: Doorbell | None = None
        self._asks = 0
        self._owes_sweep = True
        self._stale_path: str | None = None

    @property
    def stale_path(self) -> str | None:
        """The first path seen to differ; None while the record equals the disk."""
        return self._stale_path

    def is_fresh(self) -> bool:
        if self._stale_path is None:
            self._stale_path = self._first_difference()
        return self._stale_path is None

    def look_ahead(self) -> None:
        """Learn what is recorded, so that the first ask is no slower than those that follow."""
        self._sweep()

    def _first_difference(self) -> str | None:
        bell = self._doorbell
        is_quiet = bell is not None and bell.is_quiet()
        if not (is_quiet and self._whole.is_next_part_equal()):
            self._owes_sweep = True
        if bell is not None and not self._owes_sweep:
            return self._racy.first_difference() or self._sweep_unheard(bell)
        difference = self._sweep()
        if is_quiet:
            # Nothing has rung since all was watched, and what changes from here on will.
            self._owes_sweep = False
            self._unheard = None
        elif difference is None:
            # Only now: whoever waits for a restart does not wait for the watches, too.
            self._prepare_doorbell()
        return difference

    def _prepare_doorbell(self) -> None:
        if self._doorbell is None and self._make_doorbell is not None:
            self._asks += 1
            if self._asks > _ASKS_BEFORE_DOORBELL:
                self._doorbell = self._make_doorbell()
        if self._doorbell is not None:
            self._doorbell.prepare()

    def _sweep(self) -> str | None:
        for kind in EntryKind:
            self._whole.learn(kind, self._record.of_kind(kind))
        self._racy.learn(self._record.of_kind(EntryKind.RACY))
        return self._whole.first_difference() or self._racy.first_difference()

    def _sweep_unheard(self, bell: "Doorbell") -> str | None:
        if bell.hears_everything():
            return None
        if self._unheard is None:
            self._unheard = Comparison(self._record)
            for kind in EntryKind:
                entries = self._record.of_kind(kind)
                self._unheard.learn(kind, [entry for entry in entries if bell.is_deaf_to(entry)])
        return self._unheard.first_difference()
