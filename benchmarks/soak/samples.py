"""What the server's process holds at one moment, as the kernel counts it."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    """Since the begin of the soak."""
    rss_kb: int
    descriptors: int
    threads: int


def read_sample(pid: int, at_s: float) -> Sample:
    """Raises OSError when the process is gone."""
    folder = Path("/proc") / str(pid)
    status = (folder / "status").read_text()
    return Sample(
        at_s=round(at_s, 1),
        rss_kb=_number(status, "VmRSS"),
        descriptors=len(list((folder / "fd").iterdir())),
        threads=_number(status, "Threads"),
    )


def _number(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.M)
    if found is None:
        raise ProcessLookupError(f"No {name} in the status: the process has ended.")
    return int(found[1])
