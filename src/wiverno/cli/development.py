"""`wiverno run dev`: hands its settings to DevServer. Imports no application code."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wiverno.cli import flask_app, source_folder
from wiverno.cli.failures import UserError, user_error_from
from wiverno.cli.words import DevelopmentOptions
from wiverno.core.exceptions import WivernoError

if TYPE_CHECKING:
    from wiverno.dev.dev_server import DevServer


# Flask reads it when it makes an application, as `flask run --debug` has it.
_FLASK_ENVIRONMENT = {"FLASK_DEBUG": "1"}


def serve(options: DevelopmentOptions) -> None:
    """Run a development session until it is interrupted."""
    run(make_server(options))


def make_server(options: DevelopmentOptions, *, hangup_restarts: bool = False) -> "DevServer":
    check_platform()
    from wiverno.dev.dev_server import DevServer

    return DevServer(
        options.target.module,
        options.target.attribute,
        host=options.host,
        port=options.port,
        watch_dirs=options.watch_dirs,
        ignore_patterns=options.ignore_patterns,
        debounce_seconds=options.debounce_seconds,
        hangup_restarts=hangup_restarts,
        on_error=options.on_error,
        reload=options.reload,
        reload_strategy=options.reload_strategy,
        wait_timeout_seconds=options.wait_timeout_seconds,
        build_timeout_seconds=options.build_timeout_seconds,
        watch_files=options.watch_files,
        static_dirs=options.static_dirs,
        unwatch_files=options.unwatch_files,
        interface=options.interface,
        env_files=options.env_files,
        # Others get the environment of a cold start, and nothing else.
        environment=_FLASK_ENVIRONMENT if flask_app.is_imported_in(Path.cwd()) else {},
        import_dirs=source_folder.import_dirs(options.target),
        verbose=options.verbose,
    )


def run(server: "DevServer") -> None:
    """Serve; what the user can put right is one line."""
    from wiverno.dev.notices import end_after_session
    from wiverno.dev.processes.orphans import claim_all_children

    # Not in a program of the user's own, which calls DevServer itself.
    claim_all_children()
    end_after_session()
    try:
        server.start()
    except (WivernoError, OSError) as error:
        raise (user_error_from(error) or error) from None


def check_platform() -> None:
    """Raises UserError where a development session cannot run."""
    if sys.platform == "win32":
        raise UserError(
            "wiverno run dev needs fork and Unix sockets, which Windows does not have. "
            "Run it inside WSL; wiverno run prod works here."
        )
