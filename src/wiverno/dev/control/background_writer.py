"""Writes at once while there is room, and in the background while there is none.

For what the supervisor's loop says to others: a loop that waits for a terminal which
Ctrl+S has stopped would serve nobody and could not even be ended.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Callable

from wiverno.dev.control.write_end import WriteEnd

# Where poll() sees room and nothing is taken: a terminal with room for one byte does not
# take a line's end, and other writers may be faster.
_PAUSE_MS = 20
# For the thread's last turn once it was woken; it waits for nothing else.
_LAST_TURN_S = 0.5


class BackgroundWriter:
    """Blocks of bytes to one `WriteEnd`, in order. `write()` never waits.

    The thread exists only while something waits for room. Beyond the limit the oldest
    blocks are dropped, never parts of one, and `dropped_note` of their number is written
    in their place.
    """

    def __init__(
        self, end: WriteEnd, limit_bytes: int, dropped_note: Callable[[int], bytes]
    ) -> None:
        """The end is the writer's from now on."""
        self._end = end
        self._limit_bytes = limit_bytes
        self._dropped_note = dropped_note
        self._lock = threading.Lock()
        self._blocks: deque[bytes] = deque()
        self._waiting_bytes = 0
        # Of the first block; it cannot be dropped once it has begun.
        self._sent_bytes = 0
        self._dropped = 0
        self._is_over = False
        self._thread: threading.Thread | None = None
        self._wake_ends = (-1, -1)

    def write(self, block: bytes) -> None:
        """Write it now or later; nothing happens when nobody can read it any more."""
        with self._lock:
            if self._is_over or not block:
                return
            self._blocks.append(block)
            self._waiting_bytes += len(block)
            self._send()
            self._drop_excess()
            if self._blocks and self._thread is None:
                self._start_thread()

    def close(self, timeout_s: float) -> None:
        """Write what can be written within the bound, drop the rest, end the thread."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        with self._lock:
            if not self._is_over:
                # Without a thread, for want of a descriptor, nobody else has tried.
                self._send()
            self._give_up()
            if self._thread is not None:
                os.write(self._wake_ends[1], b"\0")
        if thread is not None:
            thread.join(_LAST_TURN_S)
        self._end.close()

    # With the lock held.

    def _send(self) -> bool:
        """Write what there is room for. True when there was any."""
        has_moved = False
        try:
            while self._blocks and self._send_some():
                has_moved = True
        except OSError:
            # The reader has gone, or the disk is full.
            self._give_up()
        return has_moved

    def _send_some(self) -> int:
        block = self._blocks[0]
        if self._dropped and not self._sent_bytes:
            # As one, or short notes would get into what little room there is, and no block.
            block = self._dropped_note(self._dropped) + block
        taken = self._end.write(block[self._sent_bytes :])
        if taken and not self._sent_bytes:
            self._waiting_bytes += len(block) - len(self._blocks[0])
            self._blocks[0] = block
            self._dropped = 0
        self._sent_bytes += taken
        if self._sent_bytes == len(block):
            self._blocks.popleft()
            self._waiting_bytes -= len(block)
            self._sent_bytes = 0
        return taken

    def _drop_excess(self) -> None:
        begun = 1 if self._sent_bytes else 0
        while self._waiting_bytes > self._limit_bytes and len(self._blocks) > begun + 1:
            self._waiting_bytes -= len(self._blocks[begun])
            del self._blocks[begun]
            self._dropped += 1

    def _give_up(self) -> None:
        self._is_over = True
        self._blocks.clear()

    def _start_thread(self) -> None:
        try:
            self._wake_ends = os.pipe()
        except OSError:
            # No descriptor left: the next block tries again.
            return
        thread = threading.Thread(target=self._run, name="wiverno-output", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._close_wake_ends()
            return
        self._thread = thread

    def _close_wake_ends(self) -> None:
        for fd in self._wake_ends:
            os.close(fd)

    # In the thread.

    def _run(self) -> None:
        wake, room = select.poll(), select.poll()
        wake.register(self._wake_ends[0], select.POLLIN)
        room.register(self._wake_ends[0], select.POLLIN)
        room.register(self._end.fileno(), select.POLLOUT)
        while True:
            room.poll()
            with self._lock:
                has_moved = self._send()
                if not self._blocks:
                    self._close_wake_ends()
                    self._thread = None
                    return
            if not has_moved:
                wake.poll(_PAUSE_MS)
