"""One run of wrk and what it says. What it writes is read here and nowhere else."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.prod.scenarios import CONNECTIONS, Scenario

SPARE_S = 30.0
"""Beyond its time wrk waits for answers; a server that hangs must not hold the whole run."""

_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_TIME = r"([\d.]+)(us|ms|s|m|h)"


class WrkError(Exception):
    """wrk did not run, or wrote something else than expected. The text says what it wrote."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run of wrk counted."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad_statuses: int
    """Answers that are neither 2xx nor 3xx."""
    socket_errors: int
    """Refused, reset, and without an answer for two seconds."""


def run_wrk(port: int, scenario: Scenario, seconds: float, processor: int) -> Reading:
    """Raises WrkError."""
    with tempfile.TemporaryDirectory(prefix="wrk-") as folder:
        command = [*pinned(processor), *wrk_command(port, scenario, seconds, Path(folder))]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=seconds + SPARE_S
            )
        except subprocess.TimeoutExpired as error:
            raise WrkError(f"wrk did not end {SPARE_S:.0f} s after its time.") from error
    if done.returncode:
        raise WrkError(f"wrk ended with {done.returncode}: {done.stdout}{done.stderr}".strip())
    return parse(done.stdout)


def wrk_command(port: int, scenario: Scenario, seconds: float, folder: Path) -> list[str]:
    """`folder` keeps the script while wrk runs."""
    if shutil.which("wrk") is None:
        raise WrkError("wrk is not installed. `apt-get install wrk` does it.")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency"]
    for name, value in scenario.headers.items():
        command += ["-H", f"{name}: {value}"]
    if scenario.script:
        script = folder / "request.lua"
        script.write_text(scenario.script)
        command += ["-s", str(script)]
    return [*command, f"http://127.0.0.1:{port}{scenario.path}"]


def pinned(processor: int) -> list[str]:
    """The words before a command that keep it on one processor."""
    return ["taskset", "--cpu-list", str(processor)]


def parse(text: str) -> Reading:
    """Raises WrkError."""
    total = re.search(rf"^ *(\d+) requests in {_TIME},", text, re.M)
    if total is None:
        raise WrkError(f"This is not what wrk writes: {text!r}")
    bad = re.search(r"^ *Non-2xx or 3xx responses: (\d+)", text, re.M)
    errors = re.search(
        r"^ *Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text, re.M
    )
    return Reading(
        requests=int(total[1]),
        seconds=_ms(total[2], total[3]) / 1000,
        p50_ms=_percentile(text, 50),
        p99_ms=_percentile(text, 99),
        bad_statuses=int(bad[1]) if bad else 0,
        socket_errors=sum(map(int, errors.groups())) if errors else 0,
    )


def _percentile(text: str, percent: int) -> float:
    # Seconds are filled up to the width of the other units.
    found = re.search(rf"^ *{percent}% +{_TIME} *$", text, re.M)
    if found is None:
        raise WrkError(f"No {percent} % in what wrk wrote: {text!r}")
    return _ms(found[1], found[2])


def _ms(number: str, unit: str) -> float:
    # Rounded: 0.95 ms, not 0.9500000000000001.
    return round(float(number) * _UNITS_MS[unit], 6)
