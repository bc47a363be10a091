"""Compares many files with their signatures at once.

On Linux by `statx`, called through ctypes with the GIL held: `os.stat` lets go of it, and
beside one thread that computes, each of the calls may then wait a whole switch interval
(5 ms) to get it back. It is also a tenth faster, since no stat_result is made.
"""

import ctypes
import os
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import starmap
from typing import Protocol

from wiverno.dev.loading.signatures import Signature, read_signature

_AT_FDCWD = -100
# STATX_MTIME | STATX_CTIME | STATX_INO | STATX_SIZE
_WANTED_FIELDS = 0x40 | 0x80 | 0x100 | 0x200
# struct statx (linux/stat.h) as 32 words of 8 bytes; what follows is their index. The
# upper half of the words with nanoseconds is reserved, and zero.
_STATX_WORDS = 32
_INODE, _SIZE = 4, 5
_CTIME_S, _CTIME_NS, _MTIME_S, _MTIME_NS = 12, 13, 14, 15
_FIELDS = (_INODE, _SIZE, _CTIME_S, _CTIME_NS, _MTIME_S, _MTIME_NS)
_NS = 1_000_000_000
# Some 100 us: of 2,000 files each one has its turn within 32 requests.
_FILES_IN_PART = 64


class _Check(Protocol):
    def __call__(self, part: slice, /) -> bool:
        """Whether these of the files are equal; False also when it cannot tell."""


class Sweep:
    """Files that exist, and what their signatures should be."""

    def __init__(self, files: Sequence[tuple[str, Signature]]) -> None:
        self._files = tuple(files)
        self._are_equal = _statx_check(self._files)
        self._next_part = 0

    def first_difference(self) -> str | None:
        """The path of a file whose signature differs now; None when all are equal."""
        return next(self.differences(), None)

    def differences(self) -> Iterator[str]:
        """The paths of all files whose signature differs now."""
        if not self._are_equal(slice(len(self._files))):
            for path, signature in self._files:
                if read_signature(path) != signature:
                    yield path

    def is_next_part_equal(self) -> bool:
        """Whether a few of the files are equal; the next ones each time, and round again."""
        start, stop = self._next_part, self._next_part + _FILES_IN_PART
        self._next_part = stop if stop < len(self._files) else 0
        return self._are_equal(slice(start, stop))


class Absence:
    """Paths where nothing should be."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = tuple(paths)
        self._statx = _find_statx()
        self._buffer = ctypes.create_string_buffer(8 * _STATX_WORDS)
        place = ctypes.byref(self._buffer)
        self._calls = [_statx_arguments(path, place) for path in self._paths]

    def first_appeared(self) -> str | None:
        """The first of them where something is now."""
        if self._statx is not None and all(starmap(self._statx, self._calls)):
            return None
        return next(filter(os.path.exists, self._paths), None)


def _statx_check(files: Sequence[tuple[str, Signature]]) -> _Check:
    """A function that compares all files; without `statx` one that leaves it to the loop."""
    statx = _find_statx()
    if statx is None:
        return lambda _: False
    buffer = ctypes.create_string_buffer(8 * _STATX_WORDS * len(files))
    words = memoryview(buffer).cast("B").cast("Q")
    expected = _expected_words([signature for _, signature in files])
    places = [ctypes.byref(buffer, 8 * _STATX_WORDS * number) for number in range(len(files))]
    calls = [_statx_arguments(path, place) for (path, _), place in zip(files, places, strict=True)]

    def are_equal(part: slice) -> bool:
        if any(starmap(statx, calls[part])):
            return False
        start, stop, _ = part.indices(len(calls))
        seen = words[_STATX_WORDS * start : _STATX_WORDS * stop]
        return all(
            seen[field::_STATX_WORDS].tobytes() == wanted[8 * start : 8 * stop]
            for field, wanted in zip(_FIELDS, expected, strict=True)
        )

    return are_equal


def _statx_arguments(path: str, place: object) -> tuple[object, ...]:
    """ctypes objects, made once: converting the arguments would cost as much as the call."""
    return (
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.c_int(0),
        ctypes.c_uint(_WANTED_FIELDS),
        place,
    )


def _expected_words(signatures: Sequence[Signature]) -> list[bytes]:
    """For each of `_FIELDS` the words of all files, one behind the other."""
    columns = (
        array("Q", [inode for _, _, inode, _ in signatures]),
        array("q", [size for _, size, _, _ in signatures]),
        array("q", [ctime_ns // _NS for _, _, _, ctime_ns in signatures]),
        array("q", [ctime_ns % _NS for _, _, _, ctime_ns in signatures]),
        array("q", [mtime_ns // _NS for mtime_ns, _, _, _ in signatures]),
        array("q", [mtime_ns % _NS for mtime_ns, _, _, _ in signatures]),
    )
    return [column.tobytes() for column in columns]


@cache  # Each PyDLL makes a class of its own, which only the garbage collector takes away.
def _find_statx() -> Callable[..., int] | None:
    """The C library's function, called with the GIL held; None where there is none."""
    if not sys.platform.startswith("linux") or sys.byteorder != "little":
        return None
    try:
        statx: Callable[..., int] = ctypes.PyDLL(None).statx
    except (OSError, AttributeError):  # musl before 1.2.5, glibc before 2.28
        return None
    return statx
