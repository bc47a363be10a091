"""`wiverno run prod`: loads the application and hands it to RunServer, or to uvicorn."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wiverno.cli import source_folder
from wiverno.cli.failures import FailedImport, UserError, user_error_from
from wiverno.core.app_target import AppTarget, load
from wiverno.core.exceptions import AppTargetError, WivernoError
from wiverno.core.interfaces import Interface, as_asgi3, choose_interface
from wiverno.core.wsgi_types import WSGIApplication

if TYPE_CHECKING:
    from wiverno.core.server.settings import LogLevel, ServerSettings


def serve(
    target: AppTarget,
    settings: "ServerSettings",
    *,
    host: str,
    port: int,
    interface: str = "auto",
) -> None:
    """Serve the application of `target` until SIGINT or SIGTERM."""
    application: Any = load_application(
        target, source_folder.import_dirs(target, for_production=True)
    )
    show_server_log(settings.log_level)
    if getattr(application, "debug", False) is True:
        logging.getLogger(__name__).warning(
            "Debug Mode is ON: error pages show tracebacks to everyone. "
            "Turn it off in production, as in Wiverno(debug_mode=False)."
        )
    if (kind := choose_interface(interface, application)) is not Interface.WSGI:
        from wiverno.cli import asgi_production

        asgi_production.serve(as_asgi3(application, kind), settings, host=host, port=port)
        return
    from wiverno.core.server import RunServer

    try:
        RunServer(application, host, port, settings.backlog, settings=settings).start()
    except (WivernoError, OSError) as error:
        raise (user_error_from(error) or error) from None


def show_server_log(level: "LogLevel") -> None:
    """Show wiverno's lines on stderr, from `level` up, and nobody else's.

    Only the logger `wiverno` gets a handler: how the application logs is its own affair.
    What it attached to that logger itself is left as it is.
    """
    logger = logging.getLogger("wiverno")
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    # A root handler of the application would print each line a second time.
    logger.propagate = False


def load_application(target: AppTarget, import_dirs: Sequence[str] = ()) -> WSGIApplication:
    """Import it into this process. Raises UserError, or FailedImport with the user's traceback."""
    put_current_folder_first(import_dirs)
    try:
        return load(target)
    except AppTargetError as error:
        raise UserError(error) from error
    except Exception as error:
        raise FailedImport(error) from error


def put_current_folder_first(import_dirs: Sequence[str] = ()) -> None:
    """Make `import` find what `python -m` would find in the same place, then in `import_dirs`."""
    folder = str(Path.cwd())
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    sys.path[1:1] = import_dirs
