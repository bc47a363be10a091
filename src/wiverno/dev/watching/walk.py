"""The walk of a tree: its directories for the plan, its `.py` files with their signatures."""

import contextlib
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, field

from wiverno.dev.loading.signatures import Signature, signature_of
from wiverno.dev.watching.filters import ALWAYS_IGNORED, is_python_file
from wiverno.dev.watching.plan import WalkedDirectory
from wiverno.dev.watching.roots import Root, is_virtualenv


@dataclass(frozen=True, slots=True)
class Walk:
    """The directories of a tree, parents first, and the signature of each watched `.py` file."""

    directories: list[WalkedDirectory] = field(default_factory=list)
    signatures: dict[str, Signature] = field(default_factory=dict)


def walk_tree(
    root: Root,
    top: str,
    stopping: threading.Event,
    left_out: Collection[str] = frozenset(),
) -> Walk:
    """Walk from `top` on, without what `root` prunes and without the directories `left_out`.

    `top` itself is never pruned. The walk is cut short when `stopping` is set. Symlinks
    are not followed, so that a loop of them has no end to be found in.
    """
    walk = Walk()
    pending = [(top, -1)]
    while pending and not stopping.is_set():
        path, parent = pending.pop()
        index = len(walk.directories)
        pruned = heavy = 0
        for entry in _entries(path):
            if _is_directory(entry):
                if entry.path in left_out:
                    continue
                if not root.prunes_child(entry.path):
                    pending.append((entry.path, index))
                elif entry.name != "__pycache__":
                    # One leaf without a `.py`: watched along it costs less than a thread.
                    pruned += 1
                    heavy += entry.name in ALWAYS_IGNORED or is_virtualenv(entry.path)
            elif is_python_file(entry.name) and root.lets_child_through(entry.path):
                with contextlib.suppress(OSError):  # It has gone since it was listed.
                    walk.signatures[entry.path] = signature_of(entry.stat())
        walk.directories.append(WalkedDirectory(path, parent, pruned, heavy))
    return walk


def _entries(path: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError:  # A directory that has gone or may not be read: one without entries.
        return []


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
