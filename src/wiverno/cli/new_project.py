"""`wiverno new`: a small project that runs and whose tests pass, made of `project_template`.

Each file there ends in `.template`, so that no tool takes it for a part of wiverno.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

import click

from wiverno.cli.failures import UserError

_TEMPLATE = Path(__file__).with_name("project_template")
_SUFFIX = ".template"
_PLACEHOLDER = "PROJECT_NAME"

# No path, no option, nothing that a shell, HTML or Python would have to quote.
_NAME = re.compile(r"[^\W\d_](?:[\w.-]*\w)?")
_LONGEST_NAME = 64


def make(name: str) -> None:
    """Write the project into the folder `name` below the current one, and say what comes next.

    Raises UserError, and then nothing has been written.
    """
    check_name(name)
    folder = Path(name)
    files = project_files(name)
    try:
        _check_free(folder)
        _write(folder, files)
    except OSError as error:
        raise UserError(
            f"The folder {name!r} cannot be made: {error.strerror or error}. Nothing was written."
        ) from None
    _tell(name, sorted(files))


def check_name(name: str) -> None:
    """Raises UserError for what is no name of a project."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise UserError(
            f"{name!r} is not a name for a project. Use at most {_LONGEST_NAME} letters, digits, "
            "'-', '_' and '.', beginning with a letter, as in 'shop'. "
            "The folder is made in the current one."
        )


def project_files(name: str) -> Mapping[str, str]:
    """Path below the project's folder → text."""
    return {
        str(file.relative_to(_TEMPLATE)).removesuffix(_SUFFIX): file.read_text(
            encoding="utf-8"
        ).replace(_PLACEHOLDER, name)
        for file in _TEMPLATE.rglob(f"*{_SUFFIX}")
    }


def _check_free(folder: Path) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not folder.is_dir():
        raise UserError(f"{str(folder)!r} is there already, and no folder. Choose another name.")
    if any(folder.iterdir()):
        raise UserError(
            f"The folder {str(folder)!r} is there already, and not empty. "
            "Choose another name, or remove it first."
        )


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """All of them or none: the folder gets its name when it is complete."""
    beside = Path(f".{folder}-{uuid4().hex}")
    try:
        beside.mkdir()
        for path, text in files.items():
            file = beside / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        # Replaces a folder only where that is empty (rename(2), ENOTEMPTY): whatever came there
        # since we looked is not lost.
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _tell(name: str, paths: Sequence[str]) -> None:
    click.echo(f"Made {name}:")
    for path in paths:
        click.echo(f"  {path}")
    click.echo("\nNext:")
    click.echo(f"  cd {name}")
    click.echo("  wiverno run dev      # http://localhost:8000, fresh after every save")
    click.echo("  pytest               # after: pip install -r requirements.txt")
