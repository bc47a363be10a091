"""The watch directories: as they were given, as the kernel calls them, and who owns a path."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wiverno.core.exceptions import WivernoError
from wiverno.dev.watching.filters import IgnorePatterns


class WatchDirectoryError(WivernoError):
    """A directory that shall be watched is missing or is no directory."""


class Roots:
    """All watch directories of one watcher. They may overlap, or be given twice."""

    def __init__(self, watch_dirs: Sequence[str], ignore_patterns: Sequence[str] | None) -> None:
        self._roots = [Root.of(directory, ignore_patterns) for directory in watch_dirs]

    def __iter__(self) -> Iterator["Root"]:
        return iter(self._roots)

    def outermost(self) -> list["Root"]:
        """The roots without those that another one covers, or that are given twice."""
        kept: list[Root] = []
        for root in sorted(self._roots, key=lambda root: len(root.real)):
            if not any(other.covers(root.real) for other in kept):
                kept.append(root)
        return kept

    def owner_of(self, path: str) -> "Root | None":
        """The innermost root that holds the path and does not ignore it."""
        owners = [root for root in self._roots if is_at_or_below(path, root.real)]
        owners.sort(key=lambda root: (not root.prunes(path), len(root.real)))
        return owners[-1] if owners else None

    def first_below(self, path: str) -> "Root | None":
        """A root that is gone if this path is."""
        return next((root for root in self._roots if is_at_or_below(root.real, path)), None)

    def lets_through(self, file: str) -> bool:
        """Whether a change of this file restarts."""
        return any(root.lets_through(file) for root in self._roots)

    def as_given(self, path: str) -> str:
        """The path as it begins in the user's own words, not in the kernel's."""
        owner = self.owner_of(path)
        return owner.as_given(path) if owner is not None else path


@dataclass(frozen=True, slots=True)
class Root:
    """A watch directory, as it was given and as the kernel calls it.

    watchdog does not follow a symlink that is given as a watch.
    """

    given: str
    real: str
    patterns: IgnorePatterns

    @classmethod
    def of(cls, directory: str, ignore_patterns: Sequence[str] | None) -> "Root":
        given = os.path.abspath(directory)  # noqa: PTH100 - `resolve` would lose the given name
        real = os.path.realpath(given)
        return cls(given, real, IgnorePatterns(ignore_patterns, real, is_virtualenv))

    def check(self) -> None:
        """Raises WatchDirectoryError."""
        path = Path(self.given)
        if not path.exists():
            raise WatchDirectoryError(
                f"Watch directory {self.given!r} does not exist. "
                "Create it, or name another one with --watch or watch_dirs."
            )
        if not path.is_dir():
            raise WatchDirectoryError(
                f"Watch directory {self.given!r} is a file. Name the directory that holds it."
            )

    @property
    def is_present(self) -> bool:
        return Path(self.real).is_dir()

    def nearest_directory(self) -> str:
        """The root itself if it is there, else its nearest ancestor that is."""
        nearest = Path(self.real)
        while not nearest.is_dir() and nearest != nearest.parent:
            nearest = nearest.parent
        return str(nearest)

    def as_given(self, path: str) -> str:
        return self.given + path[len(self.real) :]

    def prunes(self, path: str) -> bool:
        return path != self.real and self.patterns.is_pruned_directory(self._relative(path))

    def prunes_child(self, path: str) -> bool:
        """`prunes` for a walk, which has come here through directories that matter."""
        return self.patterns.is_pruned_child(self._relative(path))

    def lets_child_through(self, file: str) -> bool:
        """`lets_through` for a walk, which has come here through directories that matter."""
        return self.patterns.is_watched_child(self._relative(file))

    def lets_through(self, file: str) -> bool:
        return is_at_or_below(file, self.real) and self.patterns.is_watched_file(
            self._relative(file)
        )

    def covers(self, path: str) -> bool:
        return is_at_or_below(path, self.real) and not self.prunes(path)

    def _relative(self, path: str) -> str:
        return path[len(self.real.rstrip("/")) + 1 :]


def is_at_or_below(path: str, directory: str) -> bool:
    """Decided from the text of both paths alone."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def is_virtualenv(directory: str) -> bool:
    """Whether the directory is a virtual environment, by the file that PEP 405 asks for."""
    return os.path.isfile(f"{directory}/pyvenv.cfg")  # noqa: PTH113 - 20,000 times in a walk
