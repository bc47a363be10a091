"""When `src` goes on the import path: the folder of projects that are meant to be installed.

Installed, also as editable, such a project can be imported without it. Where it is not, the
name that belongs into APP is still the one that it will have.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from wiverno.core.app_target import AppTarget

NAME = "src"


class SourceFolder(NamedTuple):
    """The folder that goes on the import path, behind the current directory, and why."""

    path: str
    """Absolute."""
    reason: str

    @property
    def line(self) -> str:
        """What the user is told."""
        return f"{NAME} is on the import path: {self.reason}."


def source_folder_in(folder: Path) -> Path | None:
    """The folder `src` below; None where there is none, or where it is a package itself."""
    source = folder / NAME
    return source if source.is_dir() and not (source / "__init__.py").is_file() else None


def needed_source_folder(
    target: AppTarget, folder: Path, *, for_production: bool = False
) -> SourceFolder | None:
    """`src` in `folder`, where the application cannot be imported without it.

    In production an installed package goes before its source: it may hold what was made when it
    was built. In development the source goes before it: that is what is edited.
    """
    source = source_folder_in(folder)
    # An editable install may have put it there.
    if source is None or str(source.resolve()) in sys.path:
        return None
    from wiverno.cli.project_modules import ProjectModules, Unreadable, is_installed

    project = ProjectModules(folder)
    package = target.module.partition(".")[0]
    if project.lies_in_source(target.module) or project.lies_in_source(package):
        if for_production and is_installed(package):
            return None
        return SourceFolder(str(source.absolute()), f"{package} lies in it")
    try:
        imported = project.import_from_source(target.module)
    except Unreadable:
        imported = None
    if imported is None:
        return None
    return SourceFolder(
        str(source.absolute()), f"{project.shown(target.module)} imports {imported} from there"
    )


def import_dirs(target: AppTarget, *, for_production: bool = False) -> tuple[str, ...]:
    """The folders that go on the import path behind the current directory."""
    found = needed_source_folder(target, Path.cwd(), for_production=for_production)
    return () if found is None else (found.path,)
