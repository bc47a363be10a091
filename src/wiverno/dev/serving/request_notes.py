"""Which requests the application is answering, kept where a crash does not take it along.

One slot in a memory file, that the supervisor holds too, for each thread; or for each request,
where many share a thread.
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
        self._free = list(range(_SLOTS))

    def begin(self, method: str, target: str) -> None:
        """In a thread that answers one request at a time."""
        self._request_began()
        self._write(self._own_slot(), _slot_text(method, target))

    def end(self) -> None:
        self._write(self._own_slot(), b"\0")

    def begin_one_of_many(self, method: str, target: str) -> int | None:
        """In a thread that answers many at a time; what it returns ends this one.

        None: there are more than slots, and this one is not noted.
        """
        self._request_began()
        if not self._free:
            return None
        slot = self._free.pop()
        self._write(slot, _slot_text(method, target))
        return slot

    def end_one_of_many(self, slot: int | None) -> None:
        if slot is not None:
            self._write(slot, b"\0")
            self._free.append(slot)

    def abandon(self) -> None:
        """In a child that the application forked: what it answers is no concern of the parent."""
        self._fd = None

    def _own_slot(self) -> int:
        slot: int | None = getattr(self._local, "slot", None)
        if slot is None:
            slot = self._local.slot = next(self._numbers) % _SLOTS
        return slot

    def _write(self, slot: int, data: bytes) -> None:
        if self._fd is not None:
            os.pwrite(self._fd, data, slot * _SLOT_BYTES)


def _slot_text(method: str, target: str) -> bytes:
    text = f"{method} {target}".encode("unicode_escape")[: _SLOT_BYTES - 1]
    return text.ljust(_SLOT_BYTES, b"\0")


def requests_in(content: bytes) -> list[str]:
    """What was being answered, by the content of the file: `GET /path`, one for each slot."""
    slots = (content[start : start + _SLOT_BYTES] for start in range(0, len(content), _SLOT_BYTES))
    return [slot.split(b"\0")[0].decode("ascii", "replace") for slot in slots if slot[:1] > b"\0"]
