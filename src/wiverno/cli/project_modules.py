"""The modules of a project as files: which there are, and what their texts bind."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from wiverno.cli.source_folder import source_folder_in
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
    """What can be imported from one folder and from `src` in it, by its own files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = source_folder_in(folder)
        self._names: dict[str, SourceNames | None] = {}

    def file_of(self, module: str) -> Path | None:
        """The file of a module or package; None where the project has none."""
        package = module.partition(".")[0]
        for folder in filter(None, (self.folder, self.source)):
            file = _file_in(folder, module)
            # What is first on the path hides all other packages of that name.
            if file is not None or _file_in(folder, package) is not None:
                return file
        return None

    def lies_in_source(self, module: str) -> bool:
        """Whether it is imported from `src`."""
        file = self.file_of(module)
        return (
            file is not None and self.source is not None and file == _file_in(self.source, module)
        )

    def import_from_source(self, module: str) -> str | None:
        """What it imports that only `src` has. Raises Unreadable."""
        for package in self._imported_by(module):
            if self.lies_in_source(package) and not is_installed(package):
                return package
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
        folders = [each for each in _folders_in(self.folder) if each != self.source]
        packages = [each for each in folders if _is_package(each)]
        yield from _modules_in(packages)
        if self.source is not None:
            yield from _usual_modules(self.source)
            inner = sorted(_folders_in(self.source), key=_is_package, reverse=True)
            yield from filter(self.lies_in_source, _modules_in(inner))
        yield from _modules_in([each for each in folders if each not in packages])

    def neighbour_of(self, module: str) -> str | None:
        """What it imports by a name that only its own folder has. Raises Unreadable."""
        folder = module.rpartition(".")[0]
        for first in self._imported_by(module):
            is_beside = self.file_of(f"{folder}.{first}") is not None
            if is_beside and self.file_of(first) is None and not is_installed(first):
                return first
        return None

    def python_files(self) -> list[str]:
        """All that lie in the folder itself."""
        return sorted(each.name for each in self.folder.glob("*.py"))

    def texts(self) -> Iterator[bytes]:
        """Of all files in the folder itself and right below it, and of those in `src`."""
        inner = [] if self.source is None else _folders_in(self.source)
        for folder in (self.folder, *_folders_in(self.folder), *inner):
            for file in sorted(folder.glob("*.py")):
                with contextlib.suppress(OSError):  # Its import will say so.
                    yield file.read_bytes()

    def has_manage_file(self) -> bool:
        return self._has_file(MANAGE)

    def folders_with(self, file: str) -> list[str]:
        """The folders below that hold this file."""
        return [each.name for each in _folders_in(self.folder) if (each / file).is_file()]

    def modules_in_source(self) -> list[str]:
        """Those of the packages in `src`."""
        if self.source is None:
            return []
        files = sorted(self.source.glob("*/*.py"))
        names = [f"{file.parent.name}.{file.stem}".removesuffix(".__init__") for file in files]
        return [name for name in names if self.lies_in_source(name)]

    def _read(self, module: str) -> SourceNames | None:
        file = self.file_of(module)
        if file is None:
            return SourceNames()
        try:
            text = file.read_bytes()
        except OSError:  # Its import will say so.
            return None
        return read_names(text, module, is_package=file.name == "__init__.py")

    def _imported_by(self, module: str) -> Iterator[str]:
        """The first parts of the names. Raises Unreadable."""
        for bound in self.names_of(module).bound.values():
            if isinstance(bound, Imported):
                yield bound.module.partition(".")[0]

    def _has_file(self, name: str) -> bool:
        # A package of the same name would be imported in its place.
        file = self.file_of(name)
        return file is not None and file.parent == self.folder


def is_installed(module: str) -> bool:
    """Or of the standard library."""
    if module in sys.stdlib_module_names:
        return True
    # What is first there is the current directory, or where wiverno was started from.
    places = (Path(entry) for entry in sys.path[1:])
    return any((each / module).is_dir() or (each / f"{module}.py").is_file() for each in places)


def _file_in(folder: Path, module: str) -> Path | None:
    path = folder.joinpath(*module.split("."))
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if file.is_file():
            return file
    return None


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def _modules_in(folders: Sequence[Path]) -> Iterator[str]:
    """The packages among them, then what an application may be in of all."""
    yield from (each.name for each in folders if _is_package(each))
    for folder in folders:
        yield from _usual_modules(folder)


def _usual_modules(folder: Path) -> Iterator[str]:
    for name in FILE_NAMES:
        if (folder / f"{name}.py").is_file():
            yield f"{folder.name}.{name}"


def _folders_in(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
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
