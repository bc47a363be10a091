"""The names in directories that the application listed itself, compared with those of now.

A directory's signature says when to look into it; any file in it may change.
"""

import os
import time
from collections.abc import Callable, Sequence

from wiverno.dev.loading.contents import digest_of, is_racy
from wiverno.dev.loading.record import Entry
from wiverno.dev.loading.signatures import ABSENT, LEFT, UNLIKE_ANY, Signature, read_signature
from wiverno.dev.loading.sweep import Sweep

# What editors, databases and test runs put beside files for a moment.
_PASSING_NAMES = frozenset({"__pycache__", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
_PASSING_PREFIXES = (".#", "#")
_PASSING_SUFFIXES = ("~", ".swp", ".swo", ".swx", "-journal", "-wal", "-shm")


def digest_names(directory: str) -> Signature:
    """The digest of the sorted names in `directory`; ABSENT where it cannot be listed."""
    try:
        names = os.listdir(directory)
    except (OSError, ValueError):
        return ABSENT
    lasting = [name for name in names if not _is_passing(name)]
    return digest_of(b"\0".join(sorted(map(os.fsencode, lasting))))


def _is_passing(name: str) -> bool:
    return (
        name in _PASSING_NAMES
        or name.startswith(_PASSING_PREFIXES)
        or name.endswith(_PASSING_SUFFIXES)
        # Vim tries with this name, and higher ones, whether it may write.
        or (name.isdigit() and name.startswith("49"))
    )


class FolderNames:
    """Looks once at each directory, then only where its signature changed."""

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        """`clock_ns` is the wall clock."""
        self._clock_ns = clock_ns
        self._expected: dict[str, Signature] = {}
        self._looked_at: dict[str, Signature] = {}
        self._sweep = Sweep(())

    def learn(self, entries: Sequence[Entry]) -> None:
        self._expected = {path: digest for _, path, digest in entries if digest != LEFT}
        self._prepare_sweep()

    def first_difference(self) -> str | None:
        """A directory that has other names now."""
        changed = tuple(self._sweep.differences())
        for path in changed:
            signature = read_signature(path)
            if digest_names(path) != self._expected[path]:
                return path
            # One more name in the same tick would leave the signature as it is.
            is_young = is_racy(signature, self._clock_ns())
            self._looked_at[path] = UNLIKE_ANY if is_young else signature
        if changed:
            self._prepare_sweep()
        return None

    def _prepare_sweep(self) -> None:
        self._sweep = Sweep(
            [(path, self._looked_at.get(path, UNLIKE_ANY)) for path in self._expected]
        )
