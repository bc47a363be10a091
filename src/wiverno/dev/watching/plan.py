"""Which directories get a watch of their own, decided from a walked tree.

watchdog runs one thread for each scheduled watch, and a recursive watch reaches into
`node_modules` too. So the tree is cut only where that keeps a pruned directory out. PURE.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# Threads are cheap, not free. Beyond this the remaining pruned directories, the
# lightest and deepest, are watched along and their events are filtered out.
MAX_WATCHES = 256


@dataclass(frozen=True, slots=True)
class WalkedDirectory:
    """A directory that the walk went through; `parent` is its index in the walk, -1 for the root.

    `pruned` counts the directories in it that the walk left out, `heavy` those of them
    that are known to be large (`node_modules`, `.git`, virtual environments).
    """

    path: str
    parent: int
    pruned: int = 0
    heavy: int = 0


@dataclass(frozen=True, slots=True)
class PlannedWatch:
    """One watch to schedule."""

    path: str
    is_recursive: bool


def plan_watches(
    directories: Sequence[WalkedDirectory], max_watches: int = MAX_WATCHES
) -> list[PlannedWatch]:
    """The watches for a tree whose directories are listed parents first.

    A directory without a pruned one anywhere below gets one recursive watch; one that
    has any gets a watch of its own and its children are planned in turn.
    """
    split = _split(directories, max_watches)
    return [
        PlannedWatch(directory.path, is_recursive=index not in split)
        for index, directory in enumerate(directories)
        if index in split or directory.parent == -1 or directory.parent in split
    ]


def _split(directories: Sequence[WalkedDirectory], max_watches: int) -> set[int]:
    children = [0] * len(directories)
    depths = [0] * len(directories)
    for index, directory in enumerate(directories):
        if directory.parent >= 0:
            children[directory.parent] += 1
            depths[index] = depths[directory.parent] + 1
    holders = [index for index, directory in enumerate(directories) if directory.pruned]
    holders.sort(key=lambda index: (directories[index].heavy == 0, depths[index]))

    split: set[int] = set()
    watches = 1
    for holder in holders:
        opened = _unsplit_ancestry(directories, holder, split)
        # Each directory that is cut open needs one more watch for each of its children.
        added = sum(children[index] for index in opened)
        if watches + added <= max_watches:
            split.update(opened)
            watches += added
    return split


def _unsplit_ancestry(
    directories: Sequence[WalkedDirectory], index: int, split: set[int]
) -> list[int]:
    ancestry = []
    while index >= 0 and index not in split:
        ancestry.append(index)
        index = directories[index].parent
    return ancestry
