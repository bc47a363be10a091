"""How many descriptors this process may have open: its soft limit."""

import contextlib
import resource


def raise_limit() -> int:
    """Hand-over holds the connections of several workers at once. Returns the limit before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    set_limit(hard)
    return soft


def set_limit(soft: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports no limit but does not take it for one.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
