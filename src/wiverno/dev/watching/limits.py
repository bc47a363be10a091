"""The kernel's limits on inotify, and what the user is told when one is reached."""

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

WATCHES = "max_user_watches"
INSTANCES = "max_user_instances"

# The same limits once more, for a container with a user namespace; the smaller one holds.
_IN_USER_NAMESPACE = {WATCHES: "max_inotify_watches", INSTANCES: "max_inotify_instances"}
MANY_DIRECTORIES = 5_000
"""More than a project has whose ignore patterns are right: said, with their number."""

# What editors recommend, since they run into the same limit. A watch costs about 1 KB.
_RECOMMENDED = {WATCHES: 524_288, INSTANCES: 1_024}


def describe_refusal(error: OSError) -> str:
    """Why the kernel refused a watch, or the observer as a whole."""
    match error.errno:
        case errno.ENOSPC:
            return f"Not all directories are watched: {describe_limit(WATCHES)}"
        case errno.EMFILE if _is_out_of_descriptors():
            return "No directory is watched: too many open files (ulimit -n 4096 raises the limit)."
        case errno.EMFILE:
            return f"No directory is watched: {describe_limit(INSTANCES)}"
        case _:
            return f"Some directories are not watched: {error}."


def describe_shortage(watched: int, expected: int) -> str:
    """What is wrong when the limit left directories out. watchdog 7 keeps silent about them."""
    return f"Only {watched:,} of {expected:,} directories are watched: {describe_limit(WATCHES)}"


def describe_many(watched: int, directories: Sequence[str]) -> str | None:
    """What is said of a tree so large that some of it may not be meant; None of others."""
    if watched <= MANY_DIRECTORIES:
        return None
    names = ", ".join(map(repr, directories))
    return (
        f"Watching {watched:,} directories in {names}. "
        "If some hold no source code, leave them out with --ignore."
    )


def describe_limit(name: str) -> str:
    """Which limit is reached, how high it is, and the command that raises it."""
    sysctl, value = find_limit(name)
    raised = max(_RECOMMENDED[name], 2 * value)
    return (
        f"the limit {sysctl} = {value:,} is reached, by all your programs together "
        f"(sudo sysctl {sysctl}={raised} raises it)."
    )


def find_limit(name: str) -> tuple[str, int]:
    """The sysctl that holds here, and its value; 0 if it cannot be read."""
    candidates = [
        (sysctl, value)
        for sysctl in (f"fs.inotify.{name}", f"user.{_IN_USER_NAMESPACE[name]}")
        if (value := _read_sysctl(sysctl)) is not None
    ]
    # The first one among equals: it is the one that everybody knows.
    return min(candidates, key=lambda candidate: candidate[1], default=(f"fs.inotify.{name}", 0))


def count_inotify_watches() -> int:
    """How many inotify watches this process holds, of all its instances. Linux, else 0."""
    if not sys.platform.startswith("linux"):
        return 0
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        # A descriptor may be closed by another thread between listing and reading.
        with contextlib.suppress(OSError):
            count += sum(line.startswith("inotify ") for line in info.read_text().splitlines())
    return count


def _read_sysctl(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", *name.split(".")).read_text())
    except (OSError, ValueError):
        return None


def _is_out_of_descriptors() -> bool:
    # inotify_init gives the same error for both limits.
    try:
        os.close(os.open("/", os.O_RDONLY))
    except OSError:
        return True
    return False
