"""What the descriptors of this process are, and which of them two processes may share.

After a fork both sides have the same open file description: one offset, one set of polled
descriptors, one stream of bytes. Linux only.
"""

import contextlib
import fcntl
import os
import re
import socket
import stat

from wiverno.dev.processes.refusal import Obstacle, Refusal

_DIRECTORY = "/proc/self/fd"
# Devices without a state that processes would share, and terminals: those belong to the whole
# session. The other end of a pseudo-terminal (ptmx) and serial lines (ttyUSB0) are neither.
_HARMLESS_DEVICES = re.compile(
    r"/dev/(null|zero|full|random|urandom|console|tty|tty[0-9]+|pts/[0-9]+)"
)
_EVENT_SOURCES = {
    "anon_inode:[eventpoll]": "an event poll is open",
    "anon_inode:[eventfd]": "an event counter is open (eventfd)",
    "anon_inode:[timerfd]": "a timer is open (timerfd)",
    "anon_inode:inotify": "a file watch is open (inotify)",
}
_NEEDS = {os.O_RDONLY: os.R_OK, os.O_WRONLY: os.W_OK, os.O_RDWR: os.R_OK | os.W_OK}


def open_descriptors() -> dict[int, str]:
    """Every open descriptor and what the kernel calls it: a path, or `socket:[12345]`."""
    found: dict[int, str] = {}
    for name in os.listdir(_DIRECTORY):
        # The listing itself was one of them.
        with contextlib.suppress(OSError):
            found[int(name)] = os.readlink(f"{_DIRECTORY}/{name}")
    return found


def find_obstacle(fd: int, target: str) -> Refusal | None:
    """Why a second process must not have this descriptor too, in words; None when it may."""
    if target.startswith("socket:"):
        return Refusal(Obstacle.SOCKET, f"a socket is open ({_socket_in_words(fd)})")
    if target.startswith("pipe:"):
        return Refusal(Obstacle.PIPE, "a pipe is open")
    if not target.startswith("/"):
        return Refusal(
            Obstacle.EVENT_SOURCE,
            _EVENT_SOURCES.get(
                target, f"an event source is open ({target.removeprefix('anon_inode:')})"
            ),
        )
    mode = os.fstat(fd).st_mode
    if stat.S_ISREG(mode):
        return _file_obstacle(fd, target)
    if stat.S_ISFIFO(mode):
        return Refusal(Obstacle.PIPE, f"a named pipe is open: {target}")
    if stat.S_ISDIR(mode) or (stat.S_ISCHR(mode) and _HARMLESS_DEVICES.fullmatch(target)):
        return None
    return Refusal(Obstacle.DEVICE, f"a device is open: {target}")


def has_offset(fd: int) -> bool:
    """Whether reading from it moves an offset that a forked process would share."""
    return stat.S_ISREG(os.fstat(fd).st_mode) and not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_PATH


def take_own_offset(fd: int) -> None:
    """Open the file of `fd` once more in its place: what we read moves no offset but our own.

    Raises OSError where the file cannot be opened again; `find_obstacle` has asked that before.
    """
    flags = fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_CLOEXEC
    own = os.open(f"{_DIRECTORY}/{fd}", flags)
    try:
        os.lseek(own, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
        os.dup2(own, fd, inheritable=os.get_inheritable(fd))
    finally:
        os.close(own)


def _file_obstacle(fd: int, path: str) -> Refusal | None:
    if path.startswith("/memfd:"):
        return Refusal(
            Obstacle.MEMORY_FILE, f"a memory file is open: {path.removeprefix('/memfd:')}"
        )
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    if flags & os.O_PATH:
        return None
    # Appending needs no offset: several processes may write to one log.
    if flags & os.O_ACCMODE != os.O_RDONLY and not flags & os.O_APPEND:
        return Refusal(Obstacle.FILE, f"a file is open for writing: {path}")
    # A lock belongs to the description, which both would hold, or to the process, which only
    # one of them is.
    if _is_locked(fd):
        return Refusal(Obstacle.FILE, f"a file is locked: {path}")
    if not os.access(f"{_DIRECTORY}/{fd}", _NEEDS[flags & os.O_ACCMODE]):
        return Refusal(Obstacle.FILE, f"an open file cannot be opened again: {path}")
    return None


def _is_locked(fd: int) -> bool:
    # Three times as fast as a file object, once for each file at each question.
    info = os.open(f"/proc/self/fdinfo/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"\nlock:" in os.read(info, 4096)
    finally:
        os.close(info)


def _socket_in_words(fd: int) -> str:
    # The class below socket.socket, which applications replace.
    duplicate = socket.SocketType(fileno=os.dup(fd))
    try:
        return _address_in_words(duplicate)
    except OSError:
        return "unknown"
    finally:
        duplicate.close()


def _address_in_words(sock: socket.SocketType) -> str:
    if sock.family == socket.AF_UNIX:
        kind = "unix"
    elif sock.family in (socket.AF_INET, socket.AF_INET6):
        kind = "TCP" if sock.type == socket.SOCK_STREAM else "UDP"
    else:
        return f"address family {int(sock.family)}"
    with contextlib.suppress(OSError):
        return f"{kind} to {_join(sock.getpeername())}"
    return f"{kind} at {_join(sock.getsockname())}"


def _join(address: object) -> str:
    if isinstance(address, tuple):
        return f"{address[0]}:{address[1]}"
    return str(address) or "an unnamed one"
