"""Files that live in memory and travel between processes as descriptors."""

import fcntl
import os


def create(name: str, content: bytes = b"", *, appends: bool = True) -> int:
    """A new descriptor, not inherited by default.

    With `appends`, writes to it go to its end, also from other processes. Where the system
    has no memfd_create (macOS), it is a deleted temporary file.
    """
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
    else:
        import tempfile

        fd, path = tempfile.mkstemp(prefix=name)
        os.unlink(path)
    if appends:
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
    if content:
        os.write(fd, content)
    return fd


def read(fd: int) -> bytes:
    """The whole content, whatever the file offset is."""
    return os.pread(fd, os.fstat(fd).st_size, 0)
