"""Compares many files with their signatures at once.

On Linux by the C library's `stat`, called through ctypes with the GIL held: `os.stat` lets go
of it, and beside one thread that computes, each of the calls may then wait a whole switch
interval (5 ms) to get it back. It is also cheaper, since no stat_result is made (decision 11).
"""

import ctypes
import os
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import repeat
from typing import TypeAlias

from wiverno.dev.loading.signatures import Signature, read_signature

# struct stat of 64-bit Linux in words of 8 bytes; what follows is their index. x86_64 has
# two words more than aarch64 and riscv64.
_STAT_WORDS = 18
_STAT_BYTES = 8 * _STAT_WORDS
_INODE, _SIZE = 1, 6
_MTIME_S, _MTIME_NS, _CTIME_S, _CTIME_NS = 11, 12, 13, 14
_FIELDS = (_INODE, _SIZE, _CTIME_S, _CTIME_NS, _MTIME_S, _MTIME_NS)
_NS = 1_000_000_000
# Some 100 us: of 2,000 files each one has its turn within 32 requests.
_FILES_IN_PART = 64

_Stat: TypeAlias = Callable[[bytes, object], int]
"""Gives 0 when it has written what is at the path."""


class Sweep:
    """Files that exist, and what their signatures should be."""

    def __init__(self, files: Sequence[tuple[str, Signature]]) -> None:
        self._files = tuple(files)
        stat = _find_stat(sys.platform)
        self._which_differ = _loop(self._files) if stat is None else _compare(self._files, stat)
        self._next_part = 0

    def first_difference(self) -> str | None:
        """The path of a file whose signature differs now; None when all are equal."""
        return next(self.differences(), None)

    def differences(self) -> Iterator[str]:
        """The paths of all files whose signature differs now."""
        for number in self._which_differ(0, len(self._files)):
            yield self._files[number][0]

    def is_next_part_equal(self) -> bool:
        """Whether a few of the files are equal; the next ones each time, and round again."""
        start, stop = self._next_part, min(self._next_part + _FILES_IN_PART, len(self._files))
        self._next_part = stop if stop < len(self._files) else 0
        return not self._which_differ(start, stop)


class Absence:
    """Paths where nothing should be."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = tuple(paths)
        self._encoded = [os.fsencode(path) for path in paths]
        self._place = ctypes.byref(ctypes.create_string_buffer(_STAT_BYTES))

    def first_appeared(self) -> str | None:
        """The first of them where something is now."""
        stat = _find_stat(sys.platform)
        if stat is None:
            return next(filter(os.path.exists, self._paths), None)
        results = list(map(stat, self._encoded, repeat(self._place)))
        return self._paths[results.index(0)] if 0 in results else None


_Check: TypeAlias = Callable[[int, int], Sequence[int]]
"""Which of the files, from one number up to another one, differ."""


def _loop(files: Sequence[tuple[str, Signature]]) -> _Check:
    def which_differ(start: int, stop: int) -> Sequence[int]:
        return [n for n in range(start, stop) if read_signature(files[n][0]) != files[n][1]]

    return which_differ


def _compare(files: Sequence[tuple[str, Signature]], stat: _Stat) -> _Check:
    """All calls first, then field by field: nothing is done in Python for each file."""
    buffer = ctypes.create_string_buffer(_STAT_BYTES * len(files))
    words = _words(buffer)
    expected = _columns([signature for _, signature in files])
    # Made once, and of types that ctypes takes as they are: to convert arguments would cost
    # as much as the call.
    paths = [os.fsencode(path) for path, _ in files]
    places = [ctypes.byref(buffer, _STAT_BYTES * number) for number in range(len(files))]

    def which_differ(start: int, stop: int) -> Sequence[int]:
        results = list(map(stat, paths[start:stop], places[start:stop]))
        seen = words[_STAT_WORDS * start : _STAT_WORDS * stop]
        differing = set(_numbers_of_unequal(results, [0] * len(results)))
        for field, column in zip(_FIELDS, expected, strict=True):
            differing.update(_numbers_of_unequal(seen[field::_STAT_WORDS], column[start:stop]))
        return [start + number for number in sorted(differing)]

    return which_differ


def _numbers_of_unequal(
    seen: Sequence[int] | memoryview, wanted: Sequence[int] | memoryview
) -> list[int]:
    if seen == wanted:
        return []
    return [
        number for number, pair in enumerate(zip(seen, wanted, strict=True)) if pair[0] != pair[1]
    ]


def _words(buffer: ctypes.Array[ctypes.c_char]) -> memoryview:
    return memoryview(buffer).cast("B").cast("q")


def _columns(signatures: Sequence[Signature]) -> list[memoryview]:
    """For each of `_FIELDS` the words of all files, one behind the other."""
    columns = (
        array("Q", [inode for _, _, inode, _ in signatures]),
        array("q", [size for _, size, _, _ in signatures]),
        array("q", [ctime_ns // _NS for _, _, _, ctime_ns in signatures]),
        array("q", [ctime_ns % _NS for _, _, _, ctime_ns in signatures]),
        array("q", [mtime_ns // _NS for mtime_ns, _, _, _ in signatures]),
        array("q", [mtime_ns % _NS for mtime_ns, _, _, _ in signatures]),
    )
    # Of one type with what they are compared with: Python compares those in C.
    return [memoryview(column).cast("B").cast("q") for column in columns]


@cache  # Each PyDLL makes a class of its own, which only the garbage collector takes away.
def _find_stat(platform: str) -> _Stat | None:
    """The C library's function, called with the GIL held; None where it is of no use."""
    if not platform.startswith("linux"):
        return None
    try:
        stat: _Stat = ctypes.PyDLL(None).stat
    except (OSError, AttributeError):  # glibc before 2.33
        return None
    return stat if has_known_layout(stat) else None


def has_known_layout(stat: _Stat) -> bool:
    """Does it write what we read where we read it, and nothing outside? Tried with this file."""
    room = ctypes.create_string_buffer(b"\xff" * 1024, 1024)
    seen = read_signature(__file__)
    if stat(os.fsencode(__file__), ctypes.byref(room)) != 0:
        return False
    words = _words(room)
    expected = [column[0] for column in _columns([seen])]
    return [words[field] for field in _FIELDS] == expected and set(words[_STAT_WORDS:]) == {-1}
