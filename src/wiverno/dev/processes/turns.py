"""The turns of a worker: `adopt` begins another one, `retire` ends the last.

The messages take a moment to arrive. A gate that finds nothing changed (a restart by hand,
`--reload manual`) would let a request begin in between, although something else answers
by then. So the number of the turn is in memory that both sides have.
"""

import mmap
import os

_BYTES = mmap.PAGESIZE
# One byte, so that nobody can see half of a number. It is only compared.
_NUMBERS = 256


class Turn:
    """The worker's side: read from memory, since a system call would let go of the GIL."""

    def __init__(self, memory: mmap.mmap, number: int) -> None:
        self._memory = memory
        self._number = number

    @classmethod
    def first(cls, fd: int) -> "Turn":
        memory = mmap.mmap(fd, _BYTES, prot=mmap.PROT_READ)
        # It keeps a descriptor of its own, which a process that the application forks has, too.
        os.register_at_fork(after_in_child=memory.close)
        return cls(memory, 0)

    def is_over(self) -> bool:
        """Has the supervisor sent a message that ends it? Nothing more may begin then."""
        return self._memory[0] != self._number

    def next(self) -> "Turn":
        """The one that begins with the message that ended this one."""
        return Turn(self._memory, (self._number + 1) % _NUMBERS)


class TurnCount:
    """The supervisor's side."""

    def __init__(self, fd: int) -> None:
        """Before the worker looks. `fd` stays the caller's."""
        self._fd = fd
        self._number = 0
        os.ftruncate(fd, _BYTES)

    def end_turn(self) -> None:
        """Before the message is sent."""
        self._number = (self._number + 1) % _NUMBERS
        os.pwrite(self._fd, bytes([self._number]), 0)
