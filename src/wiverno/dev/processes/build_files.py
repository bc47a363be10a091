"""The memory files of one generation, which candidate and supervisor both hold.

What is in them outlives a candidate that dies or hangs.
"""

from typing import NamedTuple

from wiverno.dev.processes import memory_file

_WRITTEN_IN_PLACE = ("notes", "turns")


class BuildFiles(NamedTuple):
    """Their descriptors, in the order in which they travel with `build`."""

    record: int
    """What the process depends on."""
    stack: int
    """Where its main thread stands, when it was asked."""
    notes: int
    """Which requests it is answering."""
    turns: int
    """Whether its turn to answer is over."""
    output: int
    """What it prints until it is judged."""
    sources: int
    """What it has compiled."""

    @classmethod
    def create(cls, generation: int) -> "BuildFiles":
        return cls(
            *(
                memory_file.create(
                    f"wiverno-{name}-{generation}", appends=name not in _WRITTEN_IN_PLACE
                )
                for name in cls._fields
            )
        )
