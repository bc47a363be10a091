"""How a failed command ends: one line and exit code 2, or the user's traceback and 1."""

import errno
import socket
import traceback
from pathlib import Path
from types import TracebackType

import click

from wiverno.core.exceptions import WivernoError

_WIVERNO_FOLDER = str(Path(__file__).resolve().parent.parent)


_BIND_ERRORS = frozenset(
    {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT}
)


class UserError(click.ClickException):
    """Something the user can put right. Shown as `Error: ...`, in one line."""

    exit_code = 2

    def __init__(self, message: object) -> None:
        super().__init__(" ".join(str(message).split()))


class FailedImport(click.ClickException):
    """The user's own module raised while it was imported: shown with the user's frames."""

    exit_code = 1

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self._error = error

    def show(self, file: object = None) -> None:
        """Print the traceback from the first frame that is neither ours nor importlib's."""
        _print_user_frames(self._error)


class FailedStartup(click.ClickException):
    """The lifespan start-up of an ASGI application failed, so that nothing is served."""

    exit_code = 1

    def __init__(self, error: BaseException | None, refusal: str | None) -> None:
        """`error` is what it raised, else `refusal` what it said."""
        if error is not None:
            what = "raised this in its lifespan start-up"
        elif refusal:
            what = f"cannot start (lifespan.startup.failed): {refusal.strip()}"
        else:
            what = "cannot start (lifespan.startup.failed), and did not say why"
        super().__init__(f"The application {what}. Nothing is served.".replace("..", "."))
        self._error = error

    def show(self, file: object = None) -> None:
        """The traceback, where there is one, and behind it what that was."""
        if self._error is not None:
            _print_user_frames(self._error)
        click.echo(f"Error: {self.message}", err=True)


def user_error_from(error: Exception) -> UserError | None:
    """What a server raised, as one line; None for a bug, which deserves its traceback."""
    if isinstance(error, OSError) and (_is_about_address(error) or isinstance(error, WivernoError)):
        return UserError(error.strerror or error)  # Without the number that str() puts first.
    return UserError(error) if isinstance(error, WivernoError) else None


def _print_user_frames(error: BaseException) -> None:
    traceback.print_exception(error.with_traceback(_user_frames(error.__traceback__)))


def _is_about_address(error: OSError) -> bool:
    return isinstance(error, socket.gaierror) or error.errno in _BIND_ERRORS


def _user_frames(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and _is_machinery(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def _is_machinery(file_name: str) -> bool:
    import importlib

    return (
        file_name.startswith(("<frozen importlib", _WIVERNO_FOLDER))
        or file_name == importlib.__file__
    )
