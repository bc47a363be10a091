"""`wiverno run dev`: hands its settings to DevServer. Imports no application code."""

import sys

from wiverno.cli.failures import UserError, user_error_from
from wiverno.core.app_target import AppTarget
from wiverno.core.exceptions import WivernoError


def serve(
    target: AppTarget,
    *,
    host: str,
    port: int,
    watch_dirs: list[str] | None,
    ignore_patterns: list[str] | None,
    debounce_seconds: float,
) -> None:
    """Run a development session until it is interrupted."""
    if sys.platform == "win32":
        raise UserError(
            "wiverno run dev needs fork and Unix sockets, which Windows does not have. "
            "Run it inside WSL; wiverno run prod works here."
        )
    from wiverno.dev.dev_server import DevServer

    try:
        DevServer(
            target.module,
            target.attribute,
            host=host,
            port=port,
            watch_dirs=watch_dirs,
            ignore_patterns=ignore_patterns,
            debounce_seconds=debounce_seconds,
        ).start()
    except (WivernoError, OSError) as error:
        raise (user_error_from(error) or error) from None
