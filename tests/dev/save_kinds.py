"""The ways in which editors and tools save a file, down to their system calls.

Each leaves what the application imports at `version` when it returns.
"""

import contextlib
import math
import os
import py_compile
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SaveKind = Callable[[int], None]

CHECKED_OUT_FILES = 300

VERSION_BYTES = 6
LARGE = 1_000_000
"""How many versions are the answer to `/large`: beyond 4 MiB the kernel takes no more."""

APP = f"""\
from shop.version import VERSION


def app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    times = {LARGE} if environ["PATH_INFO"] == "/large" else 1
    return [VERSION.encode() * times]
"""
ASGI_APP = f"""\
from shop.version import VERSION


async def app(scope, receive, send):
    assert scope["type"] == "http"
    while (await receive())["more_body"]:
        pass
    times = {LARGE} if scope["path"] == "/large" else 1
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % (times * len(VERSION))),
    ]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": VERSION.encode() * times}})
"""
# The oldest of all: an answer is as fresh as the last file that it saw.
ALL_PARTS = f"""\
from importlib import import_module

PARTS = [import_module(f"shop.part{{number:03d}}") for number in range({CHECKED_OUT_FILES})]
VERSION = min(part.VERSION for part in PARTS)
"""


class Disk:
    """What the writer has done so far: what answers must know, and when they need not work."""

    def __init__(self) -> None:
        self.floor = 1
        """The version that an answer must have at least whose request is sent now."""
        self._broken: list[list[float]] = []

    @contextlib.contextmanager
    def broken(self) -> Iterator[None]:
        """Inside, what is on disk makes no sense, and a page is an answer."""
        span = [time.monotonic(), math.inf]
        self._broken.append(span)
        try:
            yield
        finally:
            span[1] = time.monotonic()

    def was_broken(self, since: float) -> bool:
        """At any time from `since` (monotonic) until now?"""
        return bool(self._broken) and self._broken[-1][1] >= since


def source(version: int) -> str:
    """Always of the same size."""
    return f'VERSION = "{version:0{VERSION_BYTES}d}"\n' + "# padding\n" * 20


def write_project(project: Path, app: str = APP) -> None:
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").write_text("")
    (project / "shop" / "version.py").write_text(source(1))
    (project / "app.py").write_text(app)


class SaveKinds:
    """Saves in a project that `write_project` made. `outside` is not below it."""

    def __init__(self, project: Path, disk: Disk) -> None:
        self._disk = disk
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
            self.broken_for_a_moment,
        ]

    def in_place(self, version: int) -> None:
        # Truncated first, for some microseconds.
        with self._disk.broken():
            self._path.write_text(source(version))

    def rename_over(self, version: int) -> None:
        self._prepared(version).replace(self._path)

    def truncate_then_slow_write(self, version: int) -> None:
        text = source(version)
        with self._disk.broken(), self._path.open("w") as file:
            for start in range(0, len(text), 80):
                file.write(text[start : start + 80])
                file.flush()
                threading.Event().wait(0.01)

    def vim_with_backup_beside(self, version: int) -> None:
        """backupcopy=no: the original is renamed, the new file written under its name."""
        with self._disk.broken():
            self._path.rename(self._path.with_name("version.py~"))
            self._path.write_text(source(version))
        self._path.with_name("version.py~").unlink()

    def vim_with_backup_outside(self, version: int) -> None:
        with self._disk.broken():
            self._path.rename(self._outside / "version.py~")
            self._path.write_text(source(version))

    def sed_in_place(self, version: int) -> None:
        script = f's/VERSION = ".*"/VERSION = "{version:06d}"/'
        subprocess.run(["sed", "-i", script, str(self._path)], check=True, timeout=10)

    def delete_and_recreate(self, version: int) -> None:
        text = source(version)
        with self._disk.broken():
            self._path.unlink()
            self._path.write_text(text)

    def directory_swap(self, version: int) -> None:
        new, old = self._outside / "shop.new", self._outside / "shop.old"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        (new / "__init__.py").write_text("")
        (new / "version.py").write_text(source(version))
        with self._disk.broken():
            self._package.rename(old)
            new.rename(self._package)
        shutil.rmtree(old)

    def older_mtime(self, version: int) -> None:
        """As `cp -p`, `rsync -t` and `tar` leave it."""
        other = self._prepared(version)
        os.utime(other, ns=(10**18, 10**18 + version))
        other.replace(self._path)

    def same_second_and_size(self, version: int) -> None:
        """CPython takes the bytecode that it cached for the save before, which lies there."""
        py_compile.compile(str(self._path), doraise=True)
        second_ns = self._path.stat().st_mtime_ns // 1_000_000_000 * 1_000_000_000
        other = self._prepared(version)
        os.utime(other, ns=(second_ns, second_ns + version))
        other.replace(self._path)

    def through_a_hard_link(self, version: int) -> None:
        link = self._outside / "link.py"
        link.unlink(missing_ok=True)
        link.hardlink_to(self._path)
        with self._disk.broken():
            link.write_text(source(version))

    def target_of_a_symlink(self, version: int) -> None:
        target = self._outside / "target.py"
        target.write_text(self._path.read_text())
        link = self._package / "link.py"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        link.replace(self._path)
        with self._disk.broken():
            target.write_text(source(version))

    def broken_for_a_moment(self, version: int) -> None:
        """Saved too early, and again: in between only the page is fresh.

        A build takes about as long: every other time it is done before the second save.
        """
        with self._disk.broken():
            self._path.write_text(source(version).replace("=", "= ="))
            self._disk.floor = version
            threading.Event().wait(0.05 if version % 2 else 0.15)
            self._path.write_text(source(version))

    def _prepared(self, version: int) -> Path:
        other = self._path.with_suffix(".new")
        other.write_text(source(version))
        return other


class Checkouts:
    """A repository with a branch for each version; each differs in 300 files."""

    def __init__(self, project: Path, disk: Disk, versions: int) -> None:
        self._project = project
        self._disk = disk
        self._git("init", "--quiet")
        self._git("fast-import", "--quiet", given=self._branches(versions))
        self._git("checkout", "--quiet", "version-1")

    def git_checkout(self, version: int) -> None:
        with self._disk.broken():
            self._git("checkout", "--quiet", f"version-{version}")

    def _branches(self, versions: int) -> str:
        """A stream in the format of `git fast-import`."""
        lines = []
        for version in range(1, versions + 1):
            lines += [f"commit refs/heads/version-{version}", "committer T <t@t> 0 +0000", "data 0"]
            files = {f"shop/part{n:03d}.py": source(version) for n in range(CHECKED_OUT_FILES)}
            files |= {"app.py": APP, "shop/__init__.py": "", "shop/version.py": ALL_PARTS}
            for name, text in files.items():
                lines += [f"M 100644 inline {name}", f"data {len(text)}", text]
        return "\n".join([*lines, ""])

    def _git(self, *words: str, given: str = "") -> None:
        subprocess.run(
            ["git", *words], cwd=self._project, input=given, text=True, check=True, timeout=60
        )
