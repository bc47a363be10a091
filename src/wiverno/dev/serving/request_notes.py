"""Which requests the application is answering, kept where a crash does not take it along.

One slot for each thread in a memory file that the supervisor holds too.
"""

import itertools
import os
import threading
from collections.abc import Callable

_SLOTS = 64
_SLOT_BYTES = 256


class RequestNotes:
    """The worker's side."""

    def __init__(self, fd: int, request_began: Callable[[], None] = lambda: None) -> None:
        """`request_began` is called in the thread that is going to answer a request."""
        self._fd: int | None = fd
        self._request_began = request_began
        self._local = threading.local()
        self._numbers = itertools.count()

    def begin(self, method: str, target: str) -> None:
        self._request_began()
        text = f"{method} {target}".encode("unicode_escape")[: _SLOT_BYTES - 1]
        self._write(text.ljust(_SLOT_BYTES, b"\0"))

    def end(self) -> None:
        self._write(b"\0")

    def abandon(self) -> None:
        """In a child that the application forked: what it answers is no concern of the parent."""
        self._fd = None

    def _write(self, data: bytes) -> None:
        if self._fd is None:
            return
        slot: int | None = getattr(self._local, "slot", None)
        if slot is None:
            slot = self._local.slot = next(self._numbers) % _SLOTS
        os.pwrite(self._fd, data, slot * _SLOT_BYTES)


def requests_in(content: bytes) -> list[str]:
    """What was being answered, by the content of the file: `GET /path`, one for each thread."""
    slots = (content[start : start + _SLOT_BYTES] for start in range(0, len(content), _SLOT_BYTES))
    return [slot.split(b"\0")[0].decode("ascii", "replace") for slot in slots if slot[:1] > b"\0"]
