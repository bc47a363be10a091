"""Under which conditions something was measured: machine, source, load."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def machine() -> str:
    return f"{platform.system()} {platform.release()}, {os.cpu_count()} cores"


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if "model name" in line), "unknown")


def load() -> str:
    """Above the number of cores other programs took their part of what was measured."""
    return f"{os.getloadavg()[0]:.1f}"


def commit() -> str:
    """Of the source that runs here, and whether it was changed since."""
    # Without git, or outside of a checkout, there is none to tell.
    try:
        name = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--", "src")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name} and uncommitted changes" if changed else name


def _git(*words: str) -> str:
    folder = Path(__file__).parent
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
