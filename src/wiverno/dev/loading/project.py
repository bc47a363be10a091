"""Which files and directories belong to the project, as data and not as code."""

import os
from collections.abc import Iterable, Sequence

from wiverno.dev.loading.record import Record
from wiverno.dev.loading.user_code import UserCode

_LEFT_OUT = frozenset(
    {
        *("static", "public", "media"),
        *(".git", ".hg", "__pycache__", "node_modules", "site-packages", "dist-packages"),
        *(".venv", "venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
    }
)
_SYSTEM = ("/proc/", "/sys/", "/dev/")


class Project:
    """What lies below the roots and below the folders of loaded user modules.

    Left out are components of a path that name what no process loads from, counted from
    the root: a project may itself lie in a folder called `public`.
    """

    def __init__(self, record: Record, roots: Sequence[str], left_out: Iterable[str] = ()) -> None:
        """`left_out` are whole directories, such as the one of `--static-dir`."""
        self._record = record
        self._roots = tuple(root.rstrip(os.sep) + os.sep for root in roots)
        self._left_out = tuple(path.rstrip(os.sep) + os.sep for path in left_out) + _SYSTEM
        self._user_code = UserCode()
        self._verdicts: dict[str, bool] = {}
        self._module_folders = 0

    def has_folder(self, folder: str) -> bool:
        """Do files in `folder` (an absolute path) count?"""
        if len(self._record.module_folders) != self._module_folders:
            self._module_folders = len(self._record.module_folders)
            self._verdicts.clear()
        verdict = self._verdicts.get(folder)
        if verdict is None:
            verdict = self._verdicts[folder] = self._judge(folder + os.sep)
        return verdict

    def _judge(self, folder: str) -> bool:
        root = self._root_of(folder)
        if root is None or folder.startswith(self._left_out):
            return False
        components = folder[len(root) :].split(os.sep)[:-1]
        if not _LEFT_OUT.isdisjoint(components) or not self._user_code.contains(folder):
            return False
        below = root
        for component in components:
            below = os.path.join(below, component)
            if os.path.exists(os.path.join(below, "pyvenv.cfg")):
                return False
        return True

    def _root_of(self, folder: str) -> str | None:
        for root in self._roots:
            if folder.startswith(root):
                return root
        above = folder.rstrip(os.sep)
        while above:
            if above in self._record.module_folders:
                return above + os.sep
            above = above.rpartition(os.sep)[0]
        return None
