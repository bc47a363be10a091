"""The modules of a project as files: which there are, and what their texts bind."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from wiverno.cli.source_names import (
    Alias,
    Bound,
    Imported,
    Other,
    SourceNames,
    read_names,
)

FILE_NAMES = ("run", "app", "main", "api", "wsgi", "asgi")
"""Where applications are by custom; the first of them first."""
MANAGE = "manage"

_LEFT_OUT = frozenset(
    {
        *("tests", "test", "docs", "doc", "examples", "example", "scripts", "benchmarks"),
        *("migrations", "build", "dist", "node_modules", "static", "templates", "media"),
        *("venv", "env", "site-packages"),
    }
)
# A folder of projects is no project; looking at all of it would take seconds.
_FOLDERS_MAX = 100
_CHAIN_MAX = 10


class Unreadable(Exception):  # noqa: N818 - a state of the user's file, told as one
    """The file cannot be parsed as it is now."""


class ProjectModules:
    """What can be imported from one folder, by its own files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: dict[str, SourceNames | None] = {}

    def file_of(self, module: str) -> Path | None:
        """The file of a module or package; None where the project has none."""
        path = self.folder.joinpath(*module.split("."))
        for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
            if file.is_file():
                return file
        return None

    def shown(self, module: str) -> str:
        """Its file as the user knows it."""
        file = self.file_of(module)
        return module if file is None else str(file.relative_to(self.folder))

    def names_of(self, module: str) -> SourceNames:
        """What it binds; nothing where it is not the project's. Raises Unreadable."""
        if module not in self._names:
            self._names[module] = self._read(module)
        names = self._names[module]
        if names is None:
            raise Unreadable(module)
        return names

    def resolve(self, module: str, name: str) -> Bound | None:
        """What `name` of `module` is where it was made. None: nothing, or a module."""
        for _ in range(_CHAIN_MAX):
            match self.names_of(module).bound.get(name):
                case Alias(other=other):
                    name = other
                case Imported(original=""):
                    return None
                case Imported(module=source, original=original) as bound:
                    if self.file_of(source) is None:
                        # Installed, or made when it is imported: whatever it is.
                        is_module = self.file_of(f"{source}.{original}") is not None
                        return None if is_module else Other(name, bound.line)
                    module, name = source, original
                    if name not in self.names_of(module).bound:
                        is_module = self.file_of(f"{module}.{name}") is not None
                        return None if is_module else Other(name, bound.line)
                case bound:
                    return bound
        return None

    def usual_files(self) -> Iterator[str]:
        """The modules in the folder itself in which an application may be."""
        yield from (name for name in FILE_NAMES if self._has_file(name))

    def modules_below(self) -> Iterator[str]:
        """The same of its packages, and of folders that are none."""
        folders = self._folders()
        packages = [each for each in folders if (each / "__init__.py").is_file()]
        for folder in packages:
            yield folder.name
        for folder in (*packages, *(each for each in folders if each not in packages)):
            for name in FILE_NAMES:
                if (folder / f"{name}.py").is_file():
                    yield f"{folder.name}.{name}"

    def neighbour_of(self, module: str) -> str | None:
        """What it imports by a name that only its own folder has. Raises Unreadable."""
        folder = module.rpartition(".")[0]
        for bound in self.names_of(module).bound.values():
            if isinstance(bound, Imported):
                first = bound.module.partition(".")[0]
                is_beside = self.file_of(f"{folder}.{first}") is not None
                if is_beside and self.file_of(first) is None and not _is_installed(first):
                    return first
        return None

    def python_files(self) -> list[str]:
        """All that lie in the folder itself."""
        return sorted(each.name for each in self.folder.glob("*.py"))

    def texts(self) -> Iterator[bytes]:
        """Of all files in the folder itself and right below it."""
        for folder in (self.folder, *self._folders()):
            for file in sorted(folder.glob("*.py")):
                with contextlib.suppress(OSError):  # Its import will say so.
                    yield file.read_bytes()

    def has_manage_file(self) -> bool:
        return self._has_file(MANAGE)

    def folders_with(self, file: str) -> list[str]:
        """The folders below that hold this file."""
        return [each.name for each in self._folders() if (each / file).is_file()]

    def packages_in(self, folder: str) -> list[str]:
        """Those that lie in a folder of the project."""
        return [file.parent.name for file in sorted(self.folder.glob(f"{folder}/*/__init__.py"))]

    def _read(self, module: str) -> SourceNames | None:
        file = self.file_of(module)
        if file is None:
            return SourceNames()
        try:
            text = file.read_bytes()
        except OSError:  # Its import will say so.
            return None
        return read_names(text, module, is_package=file.name == "__init__.py")

    def _has_file(self, name: str) -> bool:
        # A package of the same name would be imported in its place.
        file = self.file_of(name)
        return file is not None and file.parent == self.folder

    def _folders(self) -> list[Path]:
        try:
            entries = sorted(self.folder.iterdir())
        except OSError:  # Not allowed to look; then nothing is found.
            return []
        return [each for each in entries if _may_hold_modules(each)][:_FOLDERS_MAX]


def _may_hold_modules(folder: Path) -> bool:
    return (
        folder.name.isidentifier()
        and folder.name not in _LEFT_OUT
        and not folder.name.startswith("_")
        # Not with pathlib: it raises where we are not allowed to look.
        and os.path.isdir(folder)  # noqa: PTH112
        and os.access(folder, os.R_OK | os.X_OK)
        and not os.path.exists(folder / "pyvenv.cfg")  # noqa: PTH110
    )


def _is_installed(module: str) -> bool:
    """Or of the standard library."""
    if module in sys.stdlib_module_names:
        return True
    # What is first there is the current directory, or where wiverno was started from.
    places = (Path(entry) for entry in sys.path[1:])
    return any((each / module).is_dir() or (each / f"{module}.py").is_file() for each in places)
