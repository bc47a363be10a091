"""Gives a forked process its own copies of memory pages, before somebody waits for it.

After a fork each page is copied when it is written to for the first time, and in Python looking
at an object writes to it: some thousand faults, a quarter of a small restart.
"""

import ctypes
from collections.abc import Iterator

# madvise(2), Linux 5.14: fault in for writing, without changing anything.
_MADV_POPULATE_WRITE = 23
# More than the interpreter and our modules take; not what the application holds as data.
_LIMIT_BYTES = 24 << 20


class OwnPages:
    """The memory that this process has now, to be copied in processes forked from it."""

    def __init__(self) -> None:
        self._areas = tuple(_writable_areas())

    def copy(self) -> None:
        """In a forked process. Where the kernel cannot, pages are copied as they are needed."""
        madvise = ctypes.CDLL(None).madvise
        for begin, length in self._areas:
            madvise(
                ctypes.c_void_p(begin), ctypes.c_size_t(length), ctypes.c_int(_MADV_POPULATE_WRITE)
            )


def _writable_areas() -> Iterator[tuple[int, int]]:
    """Begin and length of each private mapping; the first ones, up to a limit."""
    left = _LIMIT_BYTES
    with open("/proc/self/maps") as file:
        for line in file:
            area, rights, *_ = line.split()
            begin, end = (int(address, 16) for address in area.split("-"))
            if rights == "rw-p" and end - begin <= left:
                left -= end - begin
                yield begin, end - begin
