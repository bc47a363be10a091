"""A descriptor of ours in a process whose application may close any descriptor.

After `os.closerange` the number may be the application's. What the kernel tells of a
descriptor must then not be taken for an answer about ours, and its bytes must not be read.
"""

import contextlib
import ctypes
import fcntl
import os

# A signal number that nobody asks for. It lives in the open file itself, so that it tells
# ours from another one of the same type, as the inode of an inotify instance does not.
# No signal is ever sent: that would take O_ASYNC.
_MARK = 61
_F_SETSIG, _F_GETSIG = 10, 11


class OwnDescriptor:
    """Marks the open file behind `fd`, to know it again."""

    def __init__(self, fd: int) -> None:
        """Raises OSError where the kernel keeps no mark; `fd` is closed then."""
        self.fd = fd
        try:
            fcntl.fcntl(fd, _F_SETSIG, _MARK)
        except OSError:
            os.close(fd)
            raise
        # Called with the GIL held: `fcntl.fcntl` lets go of it, and beside a thread that
        # computes may wait 5 ms to get it back.
        self._fcntl = ctypes.PyDLL(None).fcntl
        self._arguments = (ctypes.c_int(fd), ctypes.c_int(_F_GETSIG), ctypes.c_int(0))

    def is_ours(self) -> bool:
        """Whether the number still means our open file. Ask *after* what it should vouch for:
        once it means another one it never means ours again.
        """
        return bool(self._fcntl(*self._arguments) == _MARK)

    def close(self) -> None:
        if self.is_ours():
            # Of another thread: it may close it in between.
            with contextlib.suppress(OSError):
                os.close(self.fd)
