"""What a candidate has printed, in a memory file, and who shows it. Used on both sides.

Only appended to. A text belongs to whoever made the first claim behind it: the kernel puts
appends in one order, so nothing is shown twice or by nobody, and nobody waits for a lock.
"""

import errno
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import TypeAlias

# Kind, length of the text.
_HEAD = struct.Struct("<BI")

Piece: TypeAlias = tuple[int, bytes]
"""Text for descriptor 1 or 2."""


class Claim(IntEnum):
    """Who shows all before it that nobody has claimed. Texts have the kinds 1 and 2."""

    SUPERVISOR = 3
    CANDIDATE = 4
    """It shows whatever comes from now on, too."""


class OutputFile:
    """One side's view of the file."""

    def __init__(self, fd: int, own_claim: Claim) -> None:
        """The descriptor stays the caller's."""
        self._fd = fd
        self._own_claim = own_claim
        self._place = _place(os.fstat(fd))
        self._claimed_bytes = 0
        """All before this is claimed, by whomever."""
        self._has_other_claimed = False

    @property
    def has_unclaimed(self) -> bool:
        """May say yes for what the other side has claimed."""
        return self._size_bytes() > self._claimed_bytes

    @property
    def has_other_claimed(self) -> bool:
        """Has the other side ever shown anything itself?"""
        if not self._has_other_claimed and self.has_unclaimed:
            self._note_claims(kind for kind, _, _ in self._frames(self._claimed_bytes))
        return self._has_other_claimed

    def add(self, descriptor: int, text: bytes) -> None:
        """Raises OSError when the memory is full, or somebody has closed the descriptor."""
        self._size_bytes()
        frame = _HEAD.pack(descriptor, len(text)) + text
        if os.write(self._fd, frame) < len(frame):
            raise OSError("The memory file is full.")

    def claim(self) -> Sequence[Piece]:
        """What was printed and is for this side to show, in order. Raises as `add` does."""
        if not self.has_unclaimed and self._own_claim is Claim.SUPERVISOR:
            return []  # The candidate's claim says that it shows what comes, too.
        os.write(self._fd, _HEAD.pack(self._own_claim, 0))
        claimed: list[Piece] = []
        unclaimed: list[Piece] = []
        for kind, text, end in self._frames(self._claimed_bytes):
            if kind < Claim.SUPERVISOR:
                unclaimed.append((kind, text))
                continue
            if kind == self._own_claim:
                claimed += unclaimed
            self._note_claims([kind])
            unclaimed.clear()
            self._claimed_bytes = end
        return claimed

    def _note_claims(self, kinds: Iterable[int]) -> None:
        if any(kind >= Claim.SUPERVISOR and kind != self._own_claim for kind in kinds):
            self._has_other_claimed = True

    def _frames(self, begin: int) -> Iterator[tuple[int, bytes, int]]:
        """Kind, text and where the frame ends; a torn tail is left out."""
        data = os.pread(self._fd, self._size_bytes() - begin, begin)
        at = 0
        while at + _HEAD.size <= len(data):
            kind, length = _HEAD.unpack_from(data, at)
            text_at, at = at + _HEAD.size, at + _HEAD.size + length
            if at <= len(data):
                yield kind, data[text_at:at], begin + at

    def _size_bytes(self) -> int:
        """Raises OSError when the number stands for another file by now: not ours to write to."""
        status = os.fstat(self._fd)
        if _place(status) != self._place:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return status.st_size


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
