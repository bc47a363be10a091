"""A descriptor to write to that never waits, and changes nothing for those who share it.

O_NONBLOCK belongs to the open file description, which the shell and the workers have too;
so this opens a description of its own where the system allows it.
"""

import errno
import fcntl
import os
import select
import stat

# Below are stdin, stdout and stderr: what is started later would take it for one of them.
_LOWEST_FD = 3
# A master of pseudo-terminals: each open() makes another terminal.
_PTMX = os.makedev(5, 2)


class WriteEnd:
    """Where `fd` leads to; `fd` itself stays as it is and is the caller's."""

    def __init__(self, fd: int, descriptors: str = "/proc/self/fd") -> None:
        """Raises OSError when `fd` is not open for writing.

        `descriptors` is where the system shows descriptors as files that can be opened anew.
        """
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            # Opened anew, even the read end of a pipe could be written to.
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        own = _open_anew(fd, descriptors)
        self._fd = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FD) if own is None else own
        # A file takes everything at once; a description of its own never waits.
        self._must_ask = own is None and not stat.S_ISREG(os.fstat(fd).st_mode)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLOUT)

    def fileno(self) -> int:
        return self._fd

    def write(self, data: bytes) -> int:
        """How many bytes were taken; 0 when there is no room now.

        Raises OSError when nobody can read it any more.
        """
        if self._must_ask:
            if not self._poll.poll(0):
                return 0
            # What surely fits where poll() says that there is room; on a terminal almost surely.
            data = data[: select.PIPE_BUF]
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Twice is harmless."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _open_anew(fd: int, descriptors: str) -> int | None:
    """A non-blocking description of the same pipe or terminal.

    None for what has none: a file, whose offset belongs to the description; a socket; the
    terminal of another user; a pipe whose reader has gone; a system without /proc.
    """
    status = os.fstat(fd)
    is_stream = stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)
    if not is_stream or status.st_rdev == _PTMX:
        return None
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        opened = os.open(f"{descriptors}/{fd}", flags)
    except OSError:
        return None
    try:
        return fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, _LOWEST_FD)
    finally:
        os.close(opened)
