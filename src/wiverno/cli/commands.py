"""The commands and their options. What they do is in `development` and `production`."""

from collections.abc import Callable
from typing import Any

import click

from wiverno.version import __version__

_Command = Callable[..., Any]

# The documented defaults of DevServer and RunServer, which --help must not import to show.
_DEFAULT_HOST = "localhost"
_DEFAULT_PORT = 8000
_DEFAULT_DEBOUNCE_S = 1.0


@click.group()
@click.version_option(__version__, message="%(prog)s %(version)s")
def wiverno() -> None:
    """Run Python web applications, in development and in production."""


@wiverno.group()
def run() -> None:
    """Start a server for an application."""


def _application_options(command: _Command) -> _Command:
    """APP and the options that `run dev` and `run prod` share."""
    # `-h` is the host, as documented, so help has its long form only.
    for decorate in (
        click.option(
            "-a", "--app-name", metavar="NAME", help="Name in the module.  [default: app]"
        ),
        click.option("-m", "--app-module", metavar="MODULE", help="Module.  [default: run]"),
        click.option("-p", "--port", type=int, default=_DEFAULT_PORT, show_default=True),
        click.option("-h", "--host", default=_DEFAULT_HOST, show_default=True),
        click.argument("app", required=False, metavar="[APP]"),
    ):
        command = decorate(command)
    return command


@run.command()
@_application_options
@click.option("-w", "--watch", metavar="DIRS", help="Folders to watch, separated by commas.")
@click.option("--ignore", metavar="PATTERNS", help="Patterns to ignore, separated by commas.")
@click.option(
    "--debounce",
    type=click.FloatRange(0, 3600),
    metavar="SECONDS",
    default=_DEFAULT_DEBOUNCE_S,
    show_default=True,
    help="Quiet time before a restart that nobody waits for.",
)
def dev(  # noqa: PLR0913 - click passes each option as a parameter.
    app: str | None,
    app_module: str | None,
    app_name: str | None,
    host: str,
    port: int,
    watch: str | None,
    ignore: str | None,
    debounce: float,
) -> None:
    """Serve APP while you write it; every saved change is in the next answer.

    APP is module:attribute, as in myapp.main:app, or a factory, myapp:create_app().
    """
    from wiverno.cli.development import serve
    from wiverno.cli.words import choose_target, split_words

    serve(
        choose_target(app, app_module, app_name),
        host=host,
        port=port,
        watch_dirs=split_words(watch),
        ignore_patterns=split_words(ignore),
        debounce_seconds=debounce,
    )


@run.command()
@_application_options
def prod(
    app: str | None, app_module: str | None, app_name: str | None, host: str, port: int
) -> None:
    """Serve APP to the world; Ctrl+C or SIGTERM finishes what has begun.

    APP is module:attribute, as in myapp.main:app, or a factory, myapp:create_app().
    """
    from wiverno.cli.production import serve
    from wiverno.cli.words import choose_target

    serve(choose_target(app, app_module, app_name), host=host, port=port)
