"""The mark by which a worker knows at once that it is retired.

The message `retire` takes a moment to arrive. A gate that finds nothing changed (a restart
by hand, `--reload manual`) would let a request begin in between, although the next
generation serves already.
"""

import mmap
import os

_BYTES = mmap.PAGESIZE


class RetiredMark:
    """The worker's side: read from memory, since a system call would let go of the GIL."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, _BYTES, prot=mmap.PROT_READ)

    def is_set(self) -> bool:
        return self._memory[0] != 0


def make_room_for_mark(fd: int) -> None:
    """For the supervisor, before the worker looks."""
    os.ftruncate(fd, _BYTES)


def set_retired_mark(fd: int) -> None:
    os.pwrite(fd, b"\1", 0)
