"""The ways in which editors and tools save a file, down to their system calls.

Each leaves `shop/version.py` of the project at `version` when it returns.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

SaveKind = Callable[[int], None]

APP = """\
from shop.version import VERSION


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
"""


def source(version: int) -> str:
    """Always of the same size."""
    return f'VERSION = "{version:06d}"\n' + "# padding\n" * 20


def write_project(project: Path) -> None:
    (project / "shop").mkdir(parents=True)
    (project / "shop" / "__init__.py").write_text("")
    (project / "shop" / "version.py").write_text(source(1))
    (project / "app.py").write_text(APP)


class SaveKinds:
    """Saves in a project that `write_project` made. `outside` is not below it."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._outside = project.parent / "outside"
        self._outside.mkdir(exist_ok=True)
        self._package = project / "shop"
        self._path = self._package / "version.py"

    def all(self) -> list[SaveKind]:
        return [
            self.in_place,
            self.rename_over,
            self.truncate_then_slow_write,
            self.vim_with_backup_beside,
            self.vim_with_backup_outside,
            self.sed_in_place,
            self.delete_and_recreate,
            self.directory_swap,
            self.older_mtime,
            self.same_second_and_size,
            self.through_a_hard_link,
            self.target_of_a_symlink,
        ]

    def in_place(self, version: int) -> None:
        self._path.write_text(source(version))

    def rename_over(self, version: int) -> None:
        self._prepared(version).replace(self._path)

    def truncate_then_slow_write(self, version: int) -> None:
        text = source(version)
        with self._path.open("w") as file:
            for start in range(0, len(text), 80):
                file.write(text[start : start + 80])
                file.flush()
                threading.Event().wait(0.01)

    def vim_with_backup_beside(self, version: int) -> None:
        """backupcopy=no: the original is renamed, the new file written under its name."""
        self._path.rename(self._path.with_name("version.py~"))
        self._path.write_text(source(version))
        self._path.with_name("version.py~").unlink()

    def vim_with_backup_outside(self, version: int) -> None:
        self._path.rename(self._outside / "version.py~")
        self._path.write_text(source(version))

    def sed_in_place(self, version: int) -> None:
        script = f's/VERSION = ".*"/VERSION = "{version:06d}"/'
        subprocess.run(["sed", "-i", script, str(self._path)], check=True, timeout=10)

    def delete_and_recreate(self, version: int) -> None:
        text = source(version)
        self._path.unlink()
        self._path.write_text(text)

    def directory_swap(self, version: int) -> None:
        new, old = self._outside / "shop.new", self._outside / "shop.old"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        (new / "__init__.py").write_text("")
        (new / "version.py").write_text(source(version))
        self._package.rename(old)
        new.rename(self._package)
        shutil.rmtree(old)

    def older_mtime(self, version: int) -> None:
        """As `cp -p`, `rsync -t` and `tar` leave it."""
        other = self._prepared(version)
        os.utime(other, ns=(10**18, 10**18 + version))
        other.replace(self._path)

    def same_second_and_size(self, version: int) -> None:
        """CPython takes the bytecode that it cached for the save before."""
        second_ns = self._path.stat().st_mtime_ns // 1_000_000_000 * 1_000_000_000
        other = self._prepared(version)
        os.utime(other, ns=(second_ns, second_ns + version))
        other.replace(self._path)

    def through_a_hard_link(self, version: int) -> None:
        link = self._outside / "link.py"
        link.unlink(missing_ok=True)
        link.hardlink_to(self._path)
        link.write_text(source(version))

    def target_of_a_symlink(self, version: int) -> None:
        target = self._outside / "target.py"
        target.write_text(self._path.read_text())
        link = self._package / "link.py"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        link.replace(self._path)
        target.write_text(source(version))

    def _prepared(self, version: int) -> Path:
        other = self._path.with_suffix(".new")
        other.write_text(source(version))
        return other
