"""Which files matter and which directories are left alone, decided from text alone.

Paths are relative to the watch directory: what lies above it can never ignore a project.
"""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

DEFAULT_IGNORE_PATTERNS = (
    "__pycache__",
    ".venv",
    "venv",
    ".git",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    "tests",
    "htmlcov",
    ".coverage",
)

# Left alone whatever patterns the user gives: tools write here all the time, nobody
# edits here, and `node_modules` alone can use up the watches that the kernel grants.
# `site-packages` is here for a virtual environment made in the watch directory itself.
ALWAYS_IGNORED = frozenset(
    {
        "__pycache__",
        ".git",
        ".hg",
        ".svn",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        "node_modules",
        "site-packages",
    }
)


class IgnorePatterns:
    """What to ignore below one watch directory.

    A pattern without an inner slash matches any one path component (`tests`, `*.log`);
    with one it matches from the watch directory on (`docs/*.py`, `**/gen/*.py`). A
    trailing slash restricts it to directories (`static/`). What lies below an ignored
    directory is ignored too. `None` means the documented defaults; given patterns
    replace them, but `ALWAYS_IGNORED` and virtual environments stay ignored.

    `is_virtualenv` is asked with the absolute path of a directory whether it holds a
    `pyvenv.cfg`.

    >>> patterns = IgnorePatterns(["tests", "*.log"], "/home/me/tests/project")
    >>> patterns.is_watched_file("contests/views.py"), patterns.is_watched_file("tests/a.py")
    (True, False)
    """

    def __init__(
        self,
        patterns: Sequence[str] | None,
        watch_dir: str,
        is_virtualenv: Callable[[str], bool] = lambda directory: False,
    ) -> None:
        self.watch_dir = watch_dir.rstrip("/") or "/"
        self._is_virtualenv = is_virtualenv
        self._patterns: list[_Pattern] = []
        for text in DEFAULT_IGNORE_PATTERNS if patterns is None else patterns:
            pattern = _parse(text, self.watch_dir)
            if pattern is not None:
                self._patterns.append(pattern)
        self._anchored = [pattern for pattern in self._patterns if pattern.is_anchored]
        # A tree of 20,000 directories asks the same few names again and again.
        self._names: dict[tuple[str, bool], bool] = {}

    def is_watched_file(self, relative_path: str) -> bool:
        """Whether a change of this file restarts: a `.py` file that nothing ignores."""
        components = relative_path.split("/")
        return (
            is_python_file(components[-1])
            and not self._matches(components, is_directory=False)
            and not self._is_in_virtualenv(components[:-1])
        )

    def is_pruned_directory(self, relative_path: str) -> bool:
        """Whether nothing in this directory matters. Never the watch directory itself."""
        components = relative_path.split("/")
        return self._matches(components, is_directory=True) or self._is_in_virtualenv(components)

    def is_pruned_child(self, relative_path: str) -> bool:
        """`is_pruned_directory` for a walk: its parent is known to matter."""
        return self._ends_ignored(relative_path.split("/"), is_folder=True) or self._is_virtualenv(
            f"{self.watch_dir.rstrip('/')}/{relative_path}"
        )

    def is_watched_child(self, relative_path: str) -> bool:
        """`is_watched_file` for a walk: its directory is known to matter."""
        components = relative_path.split("/")
        return is_python_file(components[-1]) and not self._ends_ignored(
            components, is_folder=False
        )

    def _matches(self, components: list[str], *, is_directory: bool) -> bool:
        return any(
            self._ends_ignored(
                components[:depth], is_folder=is_directory or depth < len(components)
            )
            for depth in range(1, len(components) + 1)
        )

    def _ends_ignored(self, components: list[str], *, is_folder: bool) -> bool:
        """Whether the last component is ignored; of those above the caller asks separately."""
        key = components[-1], is_folder
        if key not in self._names:
            self._names[key] = self._is_ignored_name(*key)
        return self._names[key] or any(
            (is_folder or not pattern.is_for_directories) and pattern.matches(components)
            for pattern in self._anchored
        )

    def _is_ignored_name(self, name: str, is_folder: bool) -> bool:
        return (is_folder and name in ALWAYS_IGNORED) or any(
            (is_folder or not pattern.is_for_directories) and pattern.matches([name])
            for pattern in self._patterns
            if not pattern.is_anchored
        )

    def _is_in_virtualenv(self, directories: list[str]) -> bool:
        path = self.watch_dir.rstrip("/")
        for name in directories:
            path = f"{path}/{name}"
            if self._is_virtualenv(path):
                return True
        return False


def is_python_file(name: str) -> bool:
    """Whether the file name is one of Python source, and not Emacs' lock `.#views.py`."""
    return name.endswith(".py") and not name.startswith(".#")


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A glob cut at its slashes; None stands for `**`, any number of components."""

    components: tuple[re.Pattern[str] | None, ...]
    is_anchored: bool
    is_for_directories: bool

    def matches(self, components: Sequence[str]) -> bool:
        """Whether it names exactly this path; of its ancestors the caller asks separately."""
        if self.is_anchored:
            return _match(self.components, components)
        return _match(self.components, components[-1:])


def _match(pattern: Sequence[re.Pattern[str] | None], components: Sequence[str]) -> bool:
    if not pattern:
        return not components
    first = pattern[0]
    if first is None:
        if len(pattern) == 1:
            return bool(components)
        return any(_match(pattern[1:], components[start:]) for start in range(len(components)))
    return (
        bool(components)
        and first.match(components[0]) is not None
        and _match(pattern[1:], components[1:])
    )


def _parse(text: str, watch_dir: str) -> _Pattern | None:
    """One pattern of the user, or None for one that is empty and so matches nothing."""
    text = text.removeprefix(watch_dir.rstrip("/") + "/")
    while text.startswith("./"):
        text = text[2:]
    body = text.rstrip("/")
    components = [component for component in body.split("/") if component]
    if not components:
        return None
    return _Pattern(
        tuple(
            None if component == "**" else re.compile(fnmatch.translate(component))
            for component in components
        ),
        is_anchored="/" in body,
        is_for_directories=text.endswith("/"),
    )
