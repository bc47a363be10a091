"""The commands and their options. What they do is in the modules of the same names."""

import functools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from wiverno.cli.configuration import INTERFACES, ConfiguredCommand, is_given
from wiverno.cli.server_options import ServerCommand, refuse_two_places, settings_from_words
from wiverno.cli.target_options import Asked, target_options
from wiverno.version import __version__

if TYPE_CHECKING:
    from wiverno.cli.words import DevelopmentOptions

_Command = Callable[..., Any]

# The documented defaults of DevServer and RunServer, which --help must not import to show.
_DEFAULT_HOST = "localhost"
_DEFAULT_PORT = 8000
_DEFAULT_DEBOUNCE_S = 1.0
_DEFAULT_WAIT_TIMEOUT_S = 10.0
_DEFAULT_BUILD_TIMEOUT_S = 120.0
_TIMEOUT = click.FloatRange(0, 86400, min_open=True)
# The session's own deadlines add up to less than three seconds.
_DEFAULT_STOP_TIMEOUT_S = 10.0
# A heavy import on a busy machine.
_DEFAULT_RESTART_TIMEOUT_S = 60.0


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
        target_options,
        click.option(
            "--interface",
            type=click.Choice(INTERFACES),
            default="auto",
            show_default=True,
            help="What APP is called with; auto: told by looking at it.",
        ),
        click.option("-p", "--port", type=int, default=_DEFAULT_PORT, show_default=True),
        click.option("-h", "--host", default=_DEFAULT_HOST, show_default=True),
    ):
        command = decorate(command)
    return command


def _development_options(
    command: _Command, is_wanted: Callable[[], bool] = lambda: True
) -> _Command:
    """APP and the options of a development session, as one `options`; None if not wanted."""

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
    @click.option(
        "--on-error",
        type=click.Choice(["page", "keep"]),
        default="page",
        show_default=True,
        help="What answers while the code is broken: a page, or the last good version.",
    )
    @click.option(
        "--reload",
        type=click.Choice(["auto", "manual"]),
        default="auto",
        show_default=True,
        help="manual: only restart, SIGUSR1 and crashes replace a running application.",
    )
    @click.option(
        "--reload-strategy",
        type=click.Choice(["auto", "fork", "spawn"]),
        default="auto",
        show_default=True,
        help="fork: from warm processes; spawn: a new interpreter for each restart.",
    )
    @click.option(
        "--wait-timeout",
        type=_TIMEOUT,
        metavar="SECONDS",
        default=_DEFAULT_WAIT_TIMEOUT_S,
        show_default=True,
        help="How long a request waits for an import.",
    )
    @click.option(
        "--build-timeout",
        type=_TIMEOUT,
        metavar="SECONDS",
        default=_DEFAULT_BUILD_TIMEOUT_S,
        show_default=True,
        help="How long an import may take before it is ended.",
    )
    @click.option(
        "--watch-file",
        multiple=True,
        metavar="FILE",
        help="Depend on this file too, there or not. Repeatable.",
    )
    @click.option(
        "--static-dir",
        multiple=True,
        metavar="DIR",
        help="No file below it is a data file. Repeatable.",
    )
    @click.option(
        "--unwatch-file",
        multiple=True,
        metavar="FILE",
        help="Never a data file. Imported sources are followed all the same. Repeatable.",
    )
    @click.option("-v", "--verbose", is_flag=True, help="Tell where the time of restarts goes.")
    @functools.wraps(command)
    def with_options(  # noqa: PLR0913 - click passes each option as a parameter.
        *,
        asked: Asked,
        host: str,
        port: int,
        interface: str,
        watch: str | None,
        ignore: str | None,
        debounce: float,
        on_error: str,
        reload: str,
        reload_strategy: str,
        wait_timeout: float,
        build_timeout: float,
        watch_file: tuple[str, ...],
        static_dir: tuple[str, ...],
        unwatch_file: tuple[str, ...],
        verbose: bool,
        **others: Any,
    ) -> None:
        if not is_wanted():
            command(options=None, **others)
            return
        from wiverno.cli.development import check_platform
        from wiverno.cli.words import DevelopmentOptions, split_words

        check_platform()
        options = DevelopmentOptions(
            target=asked.find_target(),
            host=host,
            port=port,
            watch_dirs=split_words(watch),
            ignore_patterns=split_words(ignore),
            debounce_seconds=debounce,
            on_error=on_error,
            reload=reload,
            reload_strategy=reload_strategy,
            wait_timeout_seconds=wait_timeout,
            build_timeout_seconds=build_timeout,
            watch_files=watch_file,
            static_dirs=static_dir,
            unwatch_files=unwatch_file,
            interface=interface,
            env_files=asked.env_files,
            verbose=verbose,
        )
        command(options=options, **others)

    return _application_options(with_options)


def _is_any_given() -> bool:
    """Whether APP or an option of the session was on the command line."""
    context = click.get_current_context()
    own = {"pid_file", "log_file", "timeout"}
    return any(is_given(context, name) for name in context.params if name not in own)


def _optional_development_options(command: _Command) -> _Command:
    """The same, without looking for an application where none of them is given."""
    return _development_options(command, _is_any_given)


_pid_file_option = click.option(
    "--pid-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    required=True,
    help="Names the session. Holds its pid while it runs.",
)
_log_file_option = click.option(
    "--log-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Gets the session's output.  [default: the PID file with .log]",
)


def _timeout_option(default_s: float, text: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--timeout",
        type=click.FloatRange(0, 86400),
        metavar="SECONDS",
        default=default_s,
        show_default=True,
        help=text,
    )


@run.command(cls=ConfiguredCommand)
@_development_options
def dev(options: "DevelopmentOptions") -> None:
    """Serve APP while you write it; each save is in the next answer.

    APP is module:attribute, as in myapp.main:app, or a factory, myapp:create_app("dev").
    Without APP it is that of [tool.wiverno] in pyproject.toml, or looked for in the files here.
    """
    from wiverno.cli.development import serve

    serve(options)


@run.command(cls=ServerCommand)
@_application_options
def prod(
    asked: Asked,
    host: str,
    port: int,
    interface: str,
    **settings: Any,
) -> None:
    """Serve APP to the world; Ctrl+C or SIGTERM finishes what has begun.

    APP is module:attribute, as in myapp.main:app, or a factory, myapp:create_app("dev").
    Without APP it is that of [tool.wiverno] in pyproject.toml, or looked for in the files here.
    """
    from wiverno.cli.production import serve

    refuse_two_places(click.get_current_context())
    server_settings = settings_from_words(settings)
    target = asked.find_target(for_production=True)
    asked.set_environment()
    serve(target, server_settings, host=host, port=port, interface=interface)


@wiverno.command(cls=ConfiguredCommand)
@_development_options
@_pid_file_option
@_log_file_option
def start(options: "DevelopmentOptions", pid_file: Path, log_file: Path | None) -> None:
    """Start `run dev` in the background and return when it listens.

    Exit codes: 0 started, 2 could not start, 4 running already.
    """
    _background().start(options.words(), pid_file, log_file)


@wiverno.command()
@_pid_file_option
@_timeout_option(_DEFAULT_STOP_TIMEOUT_S, "Time to end by itself, before it is killed.")
def stop(pid_file: Path, timeout: float) -> None:
    """Stop the session in the background.

    Exit codes: 0 stopped, 3 none was running.
    """
    _background().stop(pid_file, timeout)


@wiverno.command(cls=ConfiguredCommand)
@_optional_development_options
@_pid_file_option
@_log_file_option
@_timeout_option(_DEFAULT_RESTART_TIMEOUT_S, "Time for the new code to serve, or its page.")
def restart(
    options: "DevelopmentOptions | None", pid_file: Path, log_file: Path | None, timeout: float
) -> None:
    """Restart the application; start a session where none runs.

    Changed or not. Without APP and options, as the last session was started, if it did not end
    by stop.

    Exit codes: 0 the new code serves, 1 it fails and its page is served, 2 could not start,
    3 no session runs and none is known, 5 not within the timeout.
    """
    words = None if options is None else options.words()
    _background().restart(words, pid_file, log_file, timeout)


@wiverno.command()
@_pid_file_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a line.")
def status(pid_file: Path, as_json: bool) -> None:
    """Tell whether a background session runs, and what it serves.

    Exit codes: 0 running, 3 not running.
    """
    _background().status(pid_file, as_json)


@wiverno.command(cls=ConfiguredCommand)
@target_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with every module.")
@click.option(
    "--min-ms",
    type=click.FloatRange(0),
    metavar="MS",
    help="Leave out what took less in all.  [default: 3 % of the whole]",
)
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Levels of the tree to show.")
def imports(
    asked: Asked,
    as_json: bool,
    min_ms: float | None,
    depth: int | None,
) -> None:
    """Show where the time goes when APP is imported, the slowest first.

    The application is imported once, in a process like one of `run dev`.

    Exit codes: 0 imported, 1 it cannot be imported; the tree ends there.
    """
    from wiverno.cli.imports import show

    target = asked.find_target()
    asked.set_environment()
    show(target, as_json=as_json, least_ms=min_ms, depth=depth)


@wiverno.command(cls=ConfiguredCommand)
@target_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def routes(asked: Asked, as_json: bool) -> None:
    """List what the Wiverno application APP answers.

    Exit codes: 0 listed, 1 its import failed, 2 APP is no Wiverno application.
    """
    from wiverno.cli.routes import show

    target = asked.find_target()
    asked.set_environment()
    show(target, as_json=as_json)


@wiverno.command()
@click.argument("name")
def new(name: str) -> None:
    """Make a project in the new folder NAME, with template and tests.

    Exit codes: 0 made, 2 the name cannot be a folder's, or something is there already.
    """
    from wiverno.cli.new_project import make

    make(name)


@wiverno.command(cls=ConfiguredCommand, hidden=True)
@_development_options
@click.option("--pid-file", required=True)
@click.option("--log-file", required=True)
@click.option("--ready-fd", type=int, required=True)
@click.option("--program", required=True)
def background_session(
    options: "DevelopmentOptions", pid_file: str, log_file: str, ready_fd: int, program: str
) -> None:
    """Be the session that `start` has started."""
    from wiverno.cli.background_session import serve

    serve(options, pid_file=pid_file, log_file=log_file, ready_fd=ready_fd, program=program)


def _background() -> ModuleType:
    """The module, which cannot even be imported where there is no background session."""
    from wiverno.cli.development import check_platform

    check_platform()
    from wiverno.cli import background

    return background
