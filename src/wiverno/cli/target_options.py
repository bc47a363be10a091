"""APP and what is needed to find it: the options of every command that imports an application."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wiverno.cli.configuration import FILE, TABLE, is_given, read

if TYPE_CHECKING:
    from wiverno.core.app_target import AppTarget

_Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user has said of the application."""

    app: str | None
    app_module: str | None
    app_name: str | None
    env_files: tuple[str, ...]

    def find_target(self, *, for_production: bool = False) -> "AppTarget":
        """The application that was named here or in `pyproject.toml`, else one that is found.

        Says which, where it was found, and whether `src` goes on the import path for it. Raises
        UserError.
        """
        from wiverno.cli.source_folder import needed_source_folder

        target = self._target(for_production=for_production)
        source = needed_source_folder(target, Path.cwd(), for_production=for_production)
        if source is not None:
            click.echo(source.line, err=True)
        return target

    def _target(self, *, for_production: bool) -> "AppTarget":
        from wiverno.cli.words import choose_target

        variables = self.read_variables()
        if (self.app, self.app_module, self.app_name) != (None, None, None):
            return choose_target(self.app, self.app_module, self.app_name)
        if (configured := read(Path()).app) is not None:
            return _configured_target(configured)
        from wiverno.cli.finding import find

        found = find(
            Path.cwd(),
            {**variables, **os.environ},
            for_production=for_production,
            env_files=self.env_files,
        )
        if found.line:
            click.echo(found.line, err=True)
        return found.target

    def read_variables(self) -> dict[str, str]:
        """Those of the environment files that the environment does not have. Raises UserError."""
        if not self.env_files:
            return {}
        from wiverno.cli.failures import UserError
        from wiverno.core.environment_files import read_variables
        from wiverno.core.exceptions import EnvironmentFileError

        try:
            return read_variables(self.env_files, os.environ)
        except EnvironmentFileError as error:
            raise UserError(error) from None

    def set_environment(self) -> None:
        """Set them here, for an application that is imported by this process or its child."""
        os.environ.update(self.read_variables())


def target_options(command: _Command) -> _Command:
    """APP, in one word or in two, and its environment: all as one `asked`."""

    @click.option(
        "--env-file",
        multiple=True,
        metavar="FILE",
        help="Variables for APP; the environment wins. Repeatable.",
    )
    @click.option("-a", "--app-name", metavar="NAME", help="Name in the module.  [default: app]")
    @click.option("-m", "--app-module", metavar="MODULE", help="Module.  [default: run]")
    @click.argument("app", required=False, metavar="[APP]")
    @functools.wraps(command)
    def with_target(
        *,
        app: str | None,
        app_module: str | None,
        app_name: str | None,
        env_file: tuple[str, ...],
        **others: Any,
    ) -> None:
        _check_there(env_file)
        command(asked=Asked(app, app_module, app_name, env_file), **others)

    return with_target


def _check_there(paths: tuple[str, ...]) -> None:
    """What the user names has to be there; `pyproject.toml` speaks for other machines, too."""
    context = click.get_current_context()
    # The hidden command was given what an earlier one has found in order.
    if context.command.hidden or not is_given(context, "env_file"):
        return
    for path in paths:
        if not Path(path).exists():
            from wiverno.cli.failures import UserError

            raise UserError(f"--env-file {path!r}: there is no such file in {str(Path.cwd())!r}.")


def _configured_target(text: str) -> "AppTarget":
    from wiverno.cli.failures import UserError
    from wiverno.core.app_target import parse
    from wiverno.core.exceptions import AppTargetError

    try:
        return parse(text)
    except AppTargetError as error:
        raise UserError(f"app = {text!r} below {TABLE} in {FILE}: {error}") from None
