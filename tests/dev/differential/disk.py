"""How the files of a project reach the disk: in the ways in which files are saved."""

import os
import shutil
from pathlib import Path

from tests.dev.differential.projects import Files, render

MANNERS = ("in place", "by rename", "anew", "in the same second")


class Disk:
    """Knows what it has written, and writes what differs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._now: Files = {}

    def become(self, files: Files, manner: str, also: str | None = None) -> None:
        """Write what differs, and `also` if it is there. What is gone goes first."""
        gone = {path: blocks for path, blocks in self._now.items() if path not in files}
        new = {path: blocks for path, blocks in files.items() if self._now.get(path) != blocks}
        for path, blocks in gone.items():
            to = next((name for name in new if new[name] == blocks and name not in self._now), None)
            if to is None or os.path.dirname(path).startswith(to):
                self._remove(path)
            else:
                self._make_folder(to)
                (self._root / path).rename(self._root / to)
                self._remove_empty_folders(path)
                del new[to]
        if also in files:
            new[also] = files[also]
        for path, blocks in new.items():
            self._write(path, render(blocks), manner)
        self._now = dict(files)

    def _write(self, name: str, text: str, manner: str) -> None:
        path = self._root / name
        self._make_folder(name)
        old = path.stat() if path.is_file() else None
        encoding = "latin-1" if "coding: latin-1" in text else "utf-8"
        if manner == "by rename":
            other = path.with_name(path.name + ".new~")
            other.write_text(text, encoding)
            other.replace(path)
            return
        if manner == "anew" and old:
            path.unlink()
        path.write_text(text, encoding)
        if manner == "in the same second" and old:
            # What CPython takes for unchanged if the size is the same.
            second_ns = old.st_mtime_ns // 1_000_000_000 * 1_000_000_000
            os.utime(path, ns=(second_ns, second_ns + path.stat().st_mtime_ns % 1_000_000_000))

    def _make_folder(self, name: str) -> None:
        folder = (self._root / name).parent
        if folder.is_file():
            folder.unlink()
        folder.mkdir(parents=True, exist_ok=True)

    def _remove(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)
        self._remove_empty_folders(name)

    def _remove_empty_folders(self, name: str) -> None:
        """An empty folder is a namespace package; git does not leave one either."""
        folder = (self._root / name).parent
        while folder != self._root and not any(folder.iterdir()):
            shutil.rmtree(folder)
            folder = folder.parent
