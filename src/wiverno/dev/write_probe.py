"""Is somebody still writing a file that a build has read?

Verifying a build shows a file that changed while it was read, but not one that rests half
written, or truncated, for longer than the build took. A read lease is refused by the kernel
while anybody has the file open for writing (fcntl(2), F_SETLEASE).
"""

import errno
import fcntl
import os
import signal
import time

from wiverno.dev.loading.record import EntryKind
from wiverno.dev.processes.handles import WorkerHandle

# A file that was written longer ago than this is not being written.
_RECENT_NS = 1_000_000_000
# Between the truncation and the first write of a save there are microseconds, or an editor.
_EMPTY_GRACE_NS = 100_000_000


def unsettled_file(candidate: WorkerHandle, before: WorkerHandle | None) -> str | None:
    """A file of the candidate's record that is being written, or was emptied just now.

    `before` is the generation that the candidate replaces: a file that was empty in it,
    too, is meant to be.
    """
    now_ns = time.time_ns()
    for kind, path, (mtime_ns, size, _, _) in candidate.recorded():
        if kind is not EntryKind.MODULE or now_ns - mtime_ns > _RECENT_NS:
            continue
        if has_writer(path):
            return path
        if size == 0 and now_ns - mtime_ns < _EMPTY_GRACE_NS and _had_content(before, path):
            return path
    return None


def has_writer(path: str) -> bool:
    """Does anybody have the file open for writing? False where that cannot be told."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A writer that comes while we hold the lease has us told by SIGIO, which would end
        # this process; SIGURG is ignored.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        # EACCES: not our file. EINVAL: a file system without leases.
        return error.errno == errno.EAGAIN
    finally:
        os.close(fd)
    return False


def _had_content(before: WorkerHandle | None, path: str) -> bool:
    signature = None if before is None else before.recorded_signature(path)
    return signature is not None and signature[1] > 0
