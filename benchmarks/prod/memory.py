"""What processes hold in memory and have used of a processor, as the kernel counts it."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """Of all processes of a server together, in KB."""

    rss_kb: int
    """Pages that several processes share are counted for each of them."""
    pss_kb: int
    """Such pages are divided among them."""


def memory_of(pids: Iterable[int]) -> Memory:
    rollups = [_read(pid, "smaps_rollup") for pid in pids]
    return Memory(
        sum(_kilobytes(rollup, "Rss") for rollup in rollups),
        sum(_kilobytes(rollup, "Pss") for rollup in rollups),
    )


def processor_seconds(pids: Iterable[int]) -> tuple[float, float]:
    """In user code and in the kernel."""
    ticks = os.sysconf("SC_CLK_TCK")
    user = system = 0
    for pid in pids:
        # The name before the last parenthesis may hold anything; utime and stime follow it.
        values = _read(pid, "stat").rpartition(")")[2].split()
        if len(values) > 12:
            user += int(values[11])
            system += int(values[12])
    return user / ticks, system / ticks


def _kilobytes(rollup: str, name: str) -> int:
    found = re.search(rf"^{name}: +(\d+) kB", rollup, re.M)
    return int(found[1]) if found else 0


def _read(pid: int, name: str) -> str:
    # Gone meanwhile, as the child that a server starts for a moment.
    try:
        return (Path("/proc") / str(pid) / name).read_text()
    except OSError:
        return ""
