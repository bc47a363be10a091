"""The kernel's limits on inotify, and what the user is told when one is reached."""

import contextlib
import errno
import sys
from pathlib import Path

# A few directories may come and go between a walk and the count of its watches.
_TOLERANCE = 10

_REMEDY = (
    "Changed files that are loaded are still noticed at the next request; "
    "raise the limit or ignore large directories."
)


def describe_refusal(error: OSError) -> str:
    """Why the kernel refused a watch, or the observer as a whole."""
    match error.errno:
        case errno.ENOSPC:
            limit = "fs.inotify.max_user_watches"
        case errno.EMFILE:
            limit = "fs.inotify.max_user_instances"
        case _:
            return f"Some directories are not watched: {error}."
    return f"Not all directories are watched: the limit {limit} is reached. {_REMEDY}"


def describe_shortage(expected: int) -> str | None:
    """What is wrong if fewer than the expected number of directories are watched.

    watchdog 7 keeps silent about directories that a recursive watch could not add.
    """
    if not sys.platform.startswith("linux"):
        return None
    watched = count_inotify_watches()
    if watched >= expected - _TOLERANCE:
        return None
    return (
        f"Only {watched} of {expected} directories are watched: "
        f"the limit fs.inotify.max_user_watches is reached. {_REMEDY}"
    )


def count_inotify_watches() -> int:
    """How many inotify watches this process holds, of all its instances. Linux."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        # A descriptor may be closed by another thread between listing and reading.
        with contextlib.suppress(OSError):
            count += sum(line.startswith("inotify ") for line in info.read_text().splitlines())
    return count
