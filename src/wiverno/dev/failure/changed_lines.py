"""Which lines of a source are not those of an older one. Pure.

Bounded: a comparison that could take long is made without the order of the lines.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

# difflib looks through all pairs of equal lines once for each run of lines that match: 0.2 s
# at this many looks, if every second line differs; some milliseconds for what people write.
MAX_LOOKS = 4_000_000


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """What became of an older source. Lines count from 1."""

    changed: frozenset[int] = frozenset()
    """Lines that are new or other than before."""
    removed_above: dict[int, int] = field(default_factory=dict)
    """How many lines went, without another in their place, right above this line.

    The number after the last line stands for the end.
    """

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed_above)


def changed_lines(old: Sequence[str], new: Sequence[str]) -> ChangedLines:
    """Compare two sources by their lines."""
    start, old_end, new_end = _differing_part(old, new)
    old_part, new_part = old[start:old_end], new[start:new_end]
    if not new_part:
        removed = {start + 1: len(old_part)} if old_part else {}
        return ChangedLines(removed_above=removed)
    if not old_part:
        return ChangedLines(frozenset(range(start + 1, new_end + 1)))
    if _is_small(old_part, new_part):
        return _compared_in_order(old_part, new_part, start + 1)
    known = set(old_part)
    numbered = enumerate(new_part, start + 1)
    unknown = frozenset(number for number, line in numbered if line not in known)
    # The same lines in another order: all of them, rather than none.
    return ChangedLines(unknown or frozenset(range(start + 1, new_end + 1)))


def _differing_part(old: Sequence[str], new: Sequence[str]) -> tuple[int, int, int]:
    """Where both begin to differ, and where they differ no more."""
    shorter = min(len(old), len(new))
    start = 0
    while start < shorter and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < shorter - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return start, len(old) - tail, len(new) - tail


def _is_small(old: Sequence[str], new: Sequence[str]) -> bool:
    counts = Counter(old)
    equal_pairs = sum(counts[line] for line in new)
    return (equal_pairs + len(new)) * min(len(old), len(new)) <= MAX_LOOKS


def _compared_in_order(old: Sequence[str], new: Sequence[str], first: int) -> ChangedLines:
    from difflib import SequenceMatcher

    changed: set[int] = set()
    removed_above: dict[int, int] = {}
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for operation, old_start, old_end, start, end in matcher.get_opcodes():
        if operation == "delete":
            removed_above[first + start] = old_end - old_start
        elif operation != "equal":
            changed.update(range(first + start, first + end))
    return ChangedLines(frozenset(changed), removed_above)
