"""One soak: the server, its abusers, the normal client and what is sampled meanwhile."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.conditions import commit, load, machine, now, processor
from benchmarks.environment import installed_versions
from benchmarks.processes import free_port, pause, start_marked, stop_marked
from benchmarks.prod.wrk import pinned
from benchmarks.soak.normal import NormalClient
from benchmarks.soak.samples import Sample, read_sample
from benchmarks.soak.verdict import Observed, Verdict, verdicts

ROOT = Path(__file__).parents[2]
APPLICATION = Path(__file__).with_name("served")

START_TIMEOUT_S = 30.0
SAMPLE_EVERY_S = 2.0
BETWEEN_REQUESTS_S = 0.02
REST_TIMEOUT_S = 20.0
"""After the last client: longer than the server lingers for one that is gone."""

TRAFFIC_TIMEOUT_S = 30.0
"""Beyond its time, for the last run of wrk."""

EXIT_TIMEOUT_S = 35.0
"""Longer than requests in flight may take after SIGTERM."""

SERVER_PROCESSOR = 0
CLIENT_PROCESSOR = 1


@dataclass(frozen=True, slots=True)
class SoakSettings:
    seconds: float
    output: Path
    sabotage: str = ""


class SoakError(Exception):
    """The soak itself could not be carried out."""


def run(settings: SoakSettings) -> list[Verdict]:
    """Soak, write what was seen, and judge it."""
    about = conditions(settings)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        served(Path(folder) / "server.log", settings.sabotage) as (process, port),
    ):
        observed, normal = observe(process, port, settings.seconds, Path(folder) / "server.log")
    judged = verdicts(observed)
    about["load after"] = load()
    write(settings.output, about, judged, observed, normal)
    return judged


def conditions(settings: SoakSettings) -> dict[str, Any]:
    return {
        "date": now(),
        "command": f"python -m benchmarks.soak {' '.join(sys.argv[1:])}".strip(),
        "commit": commit(),
        "machine": machine(),
        "processor": processor(),
        "versions": {
            name: version
            for name, version in installed_versions(Path(sys.prefix)).items()
            if name in ("python", "wiverno")
        },
        "seconds": settings.seconds,
        "sabotage": settings.sabotage,
        "load before": load(),
    }


@contextmanager
def served(log: Path, sabotage: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server and its port; nothing of it is left after."""
    port, mark = free_port(), uuid.uuid4().hex
    command = (sys.executable, "-m", "wiverno", "run", "prod", "application:application")
    with environment_variable("SOAK_SABOTAGE", sabotage):
        process = start_marked(
            [*on_processor(SERVER_PROCESSOR), *command, "--host", "127.0.0.1", "--port", str(port)],
            APPLICATION,
            log,
            Path(sys.prefix) / "bin",
            mark,
        )
    try:
        wait_until_answering(process, port, log)
        yield process, port
    finally:
        stop_marked(process, mark)


@contextmanager
def environment_variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def on_processor(number: int) -> list[str]:
    """Server and clients each have a processor, if there are two."""
    return pinned(number) if os.sched_getaffinity(0) >= {0, 1} else []


def wait_until_answering(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        client = NormalClient(port)
        client.ask()
        if not client.failures:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise SoakError(f"The server does not answer: {log.read_text(errors='replace')}")
        pause(0.05)


def observe(
    process: subprocess.Popen[bytes], port: int, seconds: float, log: Path
) -> tuple[Observed, NormalClient]:
    before = read_sample(process.pid, 0.0)
    normal = NormalClient(port)
    with traffic(port, seconds) as abusers:
        samples = list(sampled(process, abusers, normal, seconds))
        told = outcome_of_traffic(abusers)
    normal.close()
    after = at_rest(process, before, seconds)
    observed = Observed(
        seconds=seconds,
        samples=samples,
        at_rest_before=before,
        at_rest_after=after,
        asked=len(normal.times_s),
        worst_normal_s=normal.worst_s,
        longest_pause_s=normal.longest_pause_s,
        failures=normal.failures,
        begun=told["begun"],
        outcomes=told["outcomes"],
        load=told["load"],
        exit_code=stop(process),
        log=log.read_text(errors="replace"),
    )
    return observed, normal


@contextmanager
def traffic(port: int, seconds: float) -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, "-m", "benchmarks.soak.traffic", str(port), str(seconds))
    process = subprocess.Popen(
        [*on_processor(CLIENT_PROCESSOR), *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # With the runs of wrk, which are in its session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def sampled(
    server: subprocess.Popen[bytes],
    abusers: subprocess.Popen[str],
    normal: NormalClient,
    seconds: float,
) -> Iterator[Sample]:
    """Asks all the time, and looks at the server every few seconds, until abuse has ended."""
    begun = time.monotonic()
    next_sample = begun + SAMPLE_EVERY_S
    while abusers.poll() is None and server.poll() is None:
        normal.ask()
        elapsed_s = time.monotonic() - begun
        if elapsed_s > seconds + TRAFFIC_TIMEOUT_S:
            raise SoakError("Abuse and load did not end in time.")
        if begun + elapsed_s >= next_sample:
            next_sample = begun + elapsed_s + SAMPLE_EVERY_S
            with contextlib.suppress(OSError):  # The server has ended, which is judged later.
                sample = read_sample(server.pid, elapsed_s)
                tell(sample, normal)
                yield sample
        pause(BETWEEN_REQUESTS_S)


def tell(sample: Sample, normal: NormalClient) -> None:
    print(
        f"{sample.at_s:6.1f} s: {sample.rss_kb / 1024:6.1f} MB, "
        f"{sample.descriptors:4} descriptors, "
        f"{sample.threads:3} threads; normal client: {len(normal.times_s)} answers, "
        f"worst {normal.worst_s:.3f} s, {len(normal.failures)} failures",
        flush=True,
    )


def outcome_of_traffic(abusers: subprocess.Popen[str]) -> Mapping[str, Any]:
    if abusers.poll() is None:  # The server has ended before.
        return {"begun": {}, "outcomes": {}, "load": {}}
    text, _ = abusers.communicate()
    if abusers.returncode:
        raise SoakError(f"Abuse and load ended with {abusers.returncode}.")
    told: Mapping[str, Any] = json.loads(text)
    return told


def at_rest(process: subprocess.Popen[bytes], before: Sample, seconds: float) -> Sample | None:
    """As soon as nothing is left of the clients, or what is left at the deadline."""
    begun = time.monotonic()
    while process.poll() is None:
        waited_s = time.monotonic() - begun
        sample = read_sample(process.pid, seconds + waited_s)
        if sample.descriptors <= before.descriptors or waited_s > REST_TIMEOUT_S:
            return sample
        pause(0.1)
    return None


def stop(process: subprocess.Popen[bytes]) -> int | None:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(EXIT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None


def write(
    path: Path,
    about: Mapping[str, Any],
    judged: list[Verdict],
    observed: Observed,
    normal: NormalClient,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "about": about,
        "holds": all(verdict.holds for verdict in judged),
        "verdicts": [asdict(verdict) for verdict in judged],
        "normal client": {
            "asked": observed.asked,
            "median ms": round(normal.median_s * 1000, 2),
            "p99 ms": round(normal.percentile_s(99) * 1000, 2),
            "worst ms": round(normal.worst_s * 1000, 2),
            "worst at s": round(normal.worst_at_s, 1),
            "longest pause s": round(normal.longest_pause_s, 2),
            "failures": normal.failures[:20],
        },
        "load": observed.load,
        "episodes begun": observed.begun,
        "episodes ended": observed.outcomes,
        "at rest": [
            asdict(sample) for sample in (observed.at_rest_before, observed.at_rest_after) if sample
        ],
    }
    # One sample per line: the file is read by people and compared by git.
    lines = ",\n".join(json.dumps(asdict(sample)) for sample in observed.samples)
    text = json.dumps(kept, indent=1).removesuffix("\n}")
    path.write_text(f'{text},\n "samples": [\n{lines}\n]}}\n')
