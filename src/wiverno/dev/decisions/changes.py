"""Does a change that was noticed still call for a restart?

File events come late and more than once: a save that a request has already brought
into a new generation must not restart it again a second later.
"""

from dataclasses import dataclass

# File times come from the kernel's last tick, up to 4 ms (HZ=250) or 10 ms (HZ=100) ago.
_TICK_NS = 10_000_000
# watchdog holds a lone "moved away" back for 0.5 s, so that it can join it with its other half.
_LATE_EVENT_S = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """One difference on disk, as the watcher told it."""

    kind: str
    path: str
    noticed_at: float
    """Monotonic, in seconds."""


@dataclass(frozen=True, slots=True)
class BuildStart:
    """When a generation's process was started, on both clocks."""

    monotonic_s: float
    wall_ns: int


def is_news(change: Change, ctime_ns: int | None, start: BuildStart) -> bool:
    """Did a file that the generation has not recorded change after its build began?

    `ctime_ns` is the file's now, None when it is gone. In doubt the answer is yes: one
    restart too many is seen and harmless.
    """
    if ctime_ns is None:
        return change.noticed_at > start.monotonic_s + _LATE_EVENT_S
    return ctime_ns >= start.wall_ns - _TICK_NS
