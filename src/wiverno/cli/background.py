"""`wiverno start`, `stop`, `restart` and `status`: a development session in the background.

Every command ends in one line and an exit code that scripts can tell apart; see
docs/reference.md. No wait is without a deadline.
"""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from wiverno.cli.failures import UserError
from wiverno.core.exceptions import WivernoError
from wiverno.dev.control.launch import START_TIMEOUT_S, Launch, launch
from wiverno.dev.control.process_identity import KnownProcess
from wiverno.dev.control.session_file import (
    Finding,
    Look,
    Serving,
    SessionDetails,
    SessionFile,
    SessionFileBusyError,
)

# Another command may be in the middle of a start.
_LOCK_TIMEOUT_S = START_TIMEOUT_S + 5.0
# How often the session's details are read while a restart is waited for.
_DETAILS_POLL_S = 0.025
# What a restart may end in.
_SETTLED = (Serving.APPLICATION, Serving.PAGE, Serving.KEPT)
# After SIGKILL; longer only if the process hangs in the kernel.
_KILL_TIMEOUT_S = 5.0


class BrokenApplicationError(UserError):
    """The session runs, and serves the page with the reason."""

    exit_code = 1


class NotRunningError(UserError):
    exit_code = 3


class AlreadyRunningError(UserError):
    exit_code = 4


class TooLateError(UserError):
    """What was asked for has not happened within its deadline."""

    exit_code = 5


def start(words: Sequence[str], pid_file: Path, log_file: Path | None) -> None:
    """Start a session and return when it listens."""
    file = SessionFile(pid_file)
    with _one_line_errors(pid_file), file.locked(_LOCK_TIMEOUT_S):
        look = file.look()
        if look.finding is Finding.RUNNING:
            raise AlreadyRunningError(
                f"A session is running already: {_place(_known(look))}. "
                "Use wiverno restart or wiverno stop."
            )
        _say_if_stale(look, pid_file, "replaced")
        _start(file, words, Path.cwd(), log_file)


def stop(pid_file: Path, timeout_s: float) -> None:
    """End the session and everything that belongs to it."""
    file = SessionFile(pid_file)
    with _one_line_errors(pid_file), file.locked(_LOCK_TIMEOUT_S):
        look = file.look()
        if look.finding is not Finding.RUNNING:
            file.clear()
            raise NotRunningError(_not_running(look, pid_file, "removed"))
        how = _end(_known(look), timeout_s)
        file.clear()
    click.echo(f"{how}: pid {look.pid}.")


def restart(
    words: Sequence[str] | None, pid_file: Path, log_file: Path | None, timeout_s: float
) -> None:
    """Restart the application of a running session, or start a session.

    `words` are None when none were given: then those of the last session hold.
    """
    file = SessionFile(pid_file)
    with _one_line_errors(pid_file):
        with file.locked(_LOCK_TIMEOUT_S):
            look = file.look()
            asked_at = time.monotonic()
            if look.finding is Finding.RUNNING:
                _check_same(_known(look), words, pid_file)
                with _not_running_if_gone(pid_file), _process(_known(look)) as process:
                    process.send(signal.SIGHUP)
            else:
                _start_anew(file, look, words, log_file)
        # Unlocked: a stop must not wait for an import that hangs.
        before = 0 if look.details is None else look.details.generation
        details = _wait_for_generation(file, before, asked_at, timeout_s)
    if details.serving is Serving.KEPT:
        raise BrokenApplicationError(
            f"The application does not start: {details.headline}; "
            f"restart #{details.restart} goes on at {_place(details)}."
        )
    if details.serving is Serving.PAGE:
        raise BrokenApplicationError(
            f"The application does not start: {details.headline}; "
            f"the page with the reason is at {_place(details)}."
        )
    click.echo(f"Restart #{details.restart} serves: {_place(details)}.")


def status(pid_file: Path, as_json: bool) -> None:
    """Say whether a session runs, and what it serves."""
    with _one_line_errors(pid_file):
        look = SessionFile(pid_file).look()
    is_running = look.finding is Finding.RUNNING
    if as_json:
        click.echo(json.dumps(_status_values(look)))
    elif is_running:
        click.echo(_status_line(_known(look)))
    else:
        click.echo(_not_running(look, pid_file, "stale"))
    if not is_running:
        raise click.exceptions.Exit(NotRunningError.exit_code)


# Starting.


def _start(file: SessionFile, words: Sequence[str], directory: Path, log: Path | None) -> None:
    log = (log or _default_log(file.path)).absolute()
    command = [
        *("background-session", *words),
        *("--pid-file", str(file.path), "--log-file", str(log), "--program", sys.argv[0]),
    ]
    # The one that is gone; a failed start leaves no PID file.
    file.clear()
    launch(Launch(command, directory, log))
    look = file.look()
    if look.finding is not Finding.RUNNING:
        raise UserError(f"The session ended as soon as it had started. The log is {str(log)!r}.")
    click.echo(f"Started: {_place(_known(look))}, log {_short(log)}.")


def _start_anew(
    file: SessionFile, look: Look, words: Sequence[str] | None, log_file: Path | None
) -> None:
    directory = Path.cwd()
    if words is None:
        if look.details is None:
            raise NotRunningError(
                f"{_not_running(look, file.path, 'stale')} "
                "Name the application, or use wiverno start."
            )
        words, directory = look.details.words, Path(look.details.directory)
        log_file = log_file or Path(look.details.log)
    _say_if_stale(look, file.path, "replaced")
    _start(file, words, directory, log_file)


def _check_same(details: SessionDetails, words: Sequence[str] | None, pid_file: Path) -> None:
    """SIGHUP cannot change what a session was started with."""
    if words is None or (tuple(words), str(Path.cwd())) == (details.words, details.directory):
        return
    raise UserError(
        f"The session of {str(pid_file)!r} was started in {details.directory!r} with "
        f"{' '.join(details.words)!r}, not with {' '.join(words)!r} here. "
        "Use wiverno stop first, or restart without options."
    )


def _default_log(pid_file: Path) -> Path:
    log = pid_file.with_suffix(".log")
    return log if log != pid_file else pid_file.with_name(f"{pid_file.name}.log")


# Ending and waiting.


def _end(details: SessionDetails, timeout_s: float) -> str:
    """How it ended, in one word."""
    try:
        with _process(details) as process:
            process.send(signal.SIGTERM)
            if process.has_ended(timeout_s):
                return "Stopped"
            process.kill_group()
            if process.has_ended(_KILL_TIMEOUT_S):
                return f"Killed after {timeout_s:g} s"
    except ProcessLookupError:
        return "Stopped"
    raise TooLateError(f"Process {details.pid} has not ended {_KILL_TIMEOUT_S:g} s after SIGKILL.")


def _wait_for_generation(
    file: SessionFile, before: int, asked_at: float, timeout_s: float
) -> SessionDetails:
    """What the session serves, once that is from a build that began after `asked_at`.

    `before` is the generation that served when the restart was asked for.
    """
    deadline = time.monotonic() + timeout_s
    with _not_running_if_gone(file.path):
        process = _process(_known(file.look()))
    with process:
        while True:
            details = file.look().details
            if details is not None and details.serving in _SETTLED:
                if details.build_began_at_s > asked_at:
                    return details
                if details.generation != before:
                    # It was about to serve, when no other build could take its place.
                    before = details.generation
                    process.send(signal.SIGHUP)
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TooLateError(
                    f"After {timeout_s:g} s neither the new code nor a page serves; the import "
                    "goes on. See the log, or use wiverno stop."
                )
            if process.has_ended(min(left_s, _DETAILS_POLL_S)):
                raise NotRunningError("The session ended before it had restarted. See the log.")


def _process(details: SessionDetails) -> KnownProcess:
    return KnownProcess(details.pid, details.start_mark)


# What is said.


def _known(look: Look) -> SessionDetails:
    if look.details is None:
        raise ProcessLookupError("The session has ended.")
    return look.details


def _place(details: SessionDetails) -> str:
    return f"{details.url} (pid {details.pid})"


def _say_if_stale(look: Look, pid_file: Path, what_follows: str) -> None:
    if look.finding is not Finding.ABSENT:
        click.echo(_not_running(look, pid_file, what_follows), err=True)


def _not_running(look: Look, pid_file: Path, what_follows: str) -> str:
    match look.finding:
        case Finding.GONE:
            why = f"process {look.pid} is gone"
        case Finding.REUSED:
            why = f"pid {look.pid} belongs to another process now"
        case _:
            return f"No session is running: there is no {str(pid_file)!r}."
    return f"No session is running: {why}. {str(pid_file)!r} is {what_follows}."


def _status_line(details: SessionDetails) -> str:
    return (
        f"Running: {_place(details)}, for {_duration(_uptime_s(details))}, "
        f"{_what_serves(details)}, log {_short(Path(details.log))}."
    )


def _what_serves(details: SessionDetails) -> str:
    match details.serving:
        case Serving.APPLICATION:
            return f"restart #{details.restart}"
        case Serving.PAGE:
            return f"page for {details.headline!r}"
        case Serving.KEPT:
            return f"restart #{details.restart} in spite of {details.headline!r}"
        case Serving.WAITING_PAGE:
            return "the import takes long"
        case Serving.NOTHING_YET:
            return "first import"


def _status_values(look: Look) -> dict[str, object]:
    if look.finding is not Finding.RUNNING:
        return {"running": False, "reason": look.finding, "pid": look.pid or None}
    details = _known(look)
    return {
        "running": True,
        "pid": details.pid,
        "url": details.url,
        "uptime_s": round(_uptime_s(details), 1),
        "log": details.log,
        "serving": details.serving,
        "restart": details.restart,
        "generation": details.generation,
        "headline": details.headline,
        "directory": details.directory,
        "words": details.words,
        "session": details.session_id,
    }


def _uptime_s(details: SessionDetails) -> float:
    return time.monotonic() - details.began_at_s


def _duration(seconds: float) -> str:
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"


def _short(path: Path) -> str:
    """Relative where that says it, since the line is read in this folder."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@contextlib.contextmanager
def _not_running_if_gone(pid_file: Path) -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        raise NotRunningError(f"The session of {str(pid_file)!r} has just ended.") from None


@contextlib.contextmanager
def _one_line_errors(pid_file: Path) -> Iterator[None]:
    try:
        yield
    except SessionFileBusyError as error:
        raise TooLateError(error) from None
    except WivernoError as error:
        raise UserError(error) from None
    except OSError as error:
        where = error.filename or str(pid_file)
        raise UserError(f"{where!r}: {error.strerror or error}.") from None
