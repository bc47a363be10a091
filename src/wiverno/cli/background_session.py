"""What runs in the background between `wiverno start` and `wiverno stop`."""

import os
import sys
import time
from pathlib import Path

from wiverno.cli.development import make_server, run
from wiverno.cli.failures import UserError
from wiverno.cli.words import DevelopmentOptions
from wiverno.dev.control.process_identity import start_mark
from wiverno.dev.control.session_file import SessionDetails, SessionFile
from wiverno.dev.control.session_keeper import kept


def serve(
    options: DevelopmentOptions, *, pid_file: str, log_file: str, ready_fd: int, program: str
) -> None:
    """Run a session that restarts on SIGHUP and keeps its files; say on `ready_fd` when it does."""
    # What the application sees of the command is what it sees in the foreground.
    sys.argv = [program, "run", "dev", *options.words()]
    server = make_server(options, hangup_restarts=True)
    failures: list[OSError] = []

    def fail(error: OSError) -> None:
        failures.append(error)
        server.stop()

    def tell_ready() -> None:
        os.write(ready_fd, b"\n")
        os.close(ready_fd)

    with kept(SessionFile(Path(pid_file)), _details(options, log_file), tell_ready, fail):
        run(server)
    if failures:
        raise UserError(f"Cannot write {pid_file!r}: {failures[0].strerror}.")


def _details(options: DevelopmentOptions, log_file: str) -> SessionDetails:
    pid = os.getpid()
    return SessionDetails(
        pid=pid,
        start_mark=start_mark(pid) or "",
        directory=str(Path.cwd()),
        words=options.words(),
        log=log_file,
        began_at_s=time.monotonic(),
    )
