"""The spare: a process that is forked before anybody needs it.

A fork and what follows it take 5 to 10 ms. Whoever saves next most likely finds them done.
"""

import contextlib
import time

from wiverno.dev.processes.forked import OriginHandle, SpareHandle
from wiverno.dev.processes.handles import ProcessHandle
from wiverno.dev.processes.table import ProcessTable

# The answer that somebody waits for comes first.
_AFTER_S = 0.1


class SpareSlot:
    """The place for one such process."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table
        self._handle: SpareHandle | None = None
        self._origin: OriginHandle | None = None
        self.due_at: float | None = None
        """When another one is to be prepared; monotonic, in seconds."""

    def want(self) -> None:
        """Prepare one soon, when nobody waits any more."""
        self.due_at = time.monotonic() + _AFTER_S

    def prepare(self, origin: OriginHandle | None) -> None:
        """Have it forked from `origin`, unless it is."""
        self.due_at = None
        if origin is self._origin:
            return
        self.let_go()
        if origin is None:
            return
        # No descriptors left: then the next build is forked when it is needed.
        with contextlib.suppress(OSError):
            self._handle, self._origin = self._table.start_spare(origin), origin

    def take(self, origin: OriginHandle) -> SpareHandle | None:
        """The fork of `origin`, if it is one; it is the caller's then."""
        self.due_at = None
        if origin is not self._origin:
            return None
        handle, self._handle, self._origin = self._handle, None, None
        return handle

    def let_go(self) -> None:
        """End it."""
        if self._handle is not None:
            self._table.let_go(self._handle)
        self._handle = self._origin = None

    def let_go_of(self, origin: OriginHandle) -> None:
        """End it if it is a fork of this one."""
        if origin is self._origin:
            self.let_go()

    def has_ended(self, handle: ProcessHandle) -> None:
        """Some process has ended: this one maybe, or what it was forked from."""
        if handle is self._handle:
            self._handle = self._origin = None
        elif handle is self._origin:
            self.let_go()
