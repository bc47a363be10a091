"""A listening UNIX socket and the file that stands for it, which outlives its process."""

import errno
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from wiverno.core.exceptions import WivernoError
from wiverno.core.server.limits import ServerSettingsError

# sun_path of sockaddr_un with its final NUL: 108 on Linux, 104 on macOS and the BSDs.
_MAX_PATH_BYTES = 103
# Whoever may enter the folder may connect: a proxy runs as another user.
_MODE = 0o666


class UnixSocketError(WivernoError, OSError):
    """A path cannot be listened on. Text and number are the system's, with what to do."""


@dataclass(frozen=True, slots=True)
class UnixListener:
    """The socket, which its owner closes, and its file."""

    sock: socket.socket
    path: Path
    # What tells the file from one that another server has put in its place since.
    _identity: tuple[int, int, int]

    def remove_file(self) -> None:
        """Unless it is no longer ours, or gone."""
        try:
            if _identity(self.path) == self._identity:
                self.path.unlink()
        except OSError:
            return  # A file that stays is replaced by the next start.


def bind_unix(text: str, backlog: int) -> UnixListener:
    """Listen on a path; a socket file on which nobody answers is replaced.

    Raises UnixSocketError with the system's words and what to do.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ServerSettingsError("uds", text, "needs a system with UNIX sockets.")
    # The application may change the current directory before the file is removed.
    path = Path(text).absolute()
    if len(os.fsencode(path)) > _MAX_PATH_BYTES:
        raise _explain(OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)), path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale_file(path)
        sock.bind(str(path))
        # Next, so that a server that starts at the same time finds somebody who answers.
        sock.listen(backlog)
        sock.setblocking(False)
        path.chmod(_MODE)
        return UnixListener(sock, path, _identity(path))
    except OSError as error:
        sock.close()
        raise _explain(error, path) from None


def _remove_stale_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        # EEXIST: there is something, and it is not for us to remove.
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    if _is_answered(path):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    path.unlink(missing_ok=True)


def _is_answered(path: Path) -> bool:
    """Does a process listen? Raises OSError where that cannot be found out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # Never blocks: a listener whose backlog is full is alive as well.
        probe.setblocking(False)
        number = probe.connect_ex(str(path))
    if number in (errno.ECONNREFUSED, errno.ENOENT):
        return False
    if number in (0, errno.EAGAIN, errno.EINPROGRESS, errno.EPROTOTYPE):
        return True
    raise OSError(number, os.strerror(number))


def _identity(path: Path) -> tuple[int, int, int]:
    """Inode numbers are used again; the time of writing never changes on a socket's file."""
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _explain(error: OSError, path: Path) -> UnixSocketError:
    words = error.strerror or str(error)
    return UnixSocketError(error.errno, f"{words}: unix:{path}. {_remedy(error.errno, path)}")


def _remedy(number: int | None, path: Path) -> str:
    match number:
        case errno.EADDRINUSE:
            return f"Choose another path, or stop the server that answers there: lsof {path}"
        case errno.EEXIST:
            return "It is no socket, so it is left alone. Choose another path, or remove it."
        case errno.ENOENT | errno.ENOTDIR:
            return f"Create the folder first: mkdir -p {path.parent}"
        case errno.ENAMETOOLONG:
            return f"UNIX sockets have {_MAX_PATH_BYTES} bytes for the path. Choose a shorter one."
        case _:
            return (
                f"Choose a path in a folder that this user may write to, instead of {path.parent}"
            )
