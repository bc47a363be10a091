"""Where RunServer's time goes: its parts alone, and the whole under load.

Under load py-spy looks into the process from outside. What it costs would be measured, too, so
rate and processor time come from a run without it, and only the shares from one with it.
"""

import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.conditions import commit, machine, now, processor
from benchmarks.environment import installed_versions
from benchmarks.prod.installation import PROFILER, all_peers
from benchmarks.prod.memory import processor_seconds
from benchmarks.prod.parts import parts_us
from benchmarks.prod.run import (
    CLIENT_PROCESSOR,
    SERVER_PROCESSOR,
    WARM_UP_S,
    chosen_scenarios,
    require_processors,
)
from benchmarks.prod.scenarios import SCENARIOS, Scenario
from benchmarks.prod.server import Server
from benchmarks.prod.stacks import Stacks, parse_stacks
from benchmarks.prod.wrk import Reading, run_wrk

SAMPLES_PER_S = 200
FUNCTIONS_SHOWN = 20


def profile(environment: Path, scenario_names: Sequence[str], seconds: float) -> str:
    """A text for people."""
    require_processors()
    versions = installed_versions(environment)
    scenarios = chosen_scenarios(scenario_names)
    lines = [
        f"{now()}, commit {commit()}, {processor()}, {machine()}, Python {versions['python']}",
        "",
        *parts_lines(scenarios),
        *load_lines(environment, scenarios, seconds, has_profiler=PROFILER in versions),
    ]
    return "\n".join(lines) + "\n"


def parts_lines(scenarios: Sequence[Scenario]) -> Iterator[str]:
    yield "Parts alone, in one process, without sockets: microseconds per request"
    yield ""
    measured = [parts_us(scenario) for scenario in scenarios]
    yield f"{'':50}" + "".join(f"{scenario.name:>9}" for scenario in scenarios)
    for part in measured[0]:
        yield f"  {part:48}" + "".join(f"{parts[part]:9.2f}" for parts in measured)
    yield ""


def load_lines(
    environment: Path, scenarios: Sequence[Scenario], seconds: float, *, has_profiler: bool
) -> Iterator[str]:
    wiverno = all_peers(environment)[0]
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        log = Path(folder) / "server.log"
        with Server(wiverno, log, environment / "bin", SERVER_PROCESSOR) as server:
            run_wrk(server.port, SCENARIOS[0], WARM_UP_S, CLIENT_PROCESSOR)
            for scenario in scenarios:
                reading, user_us, system_us = costs(server, scenario, seconds)
                yield f"{scenario.name} under load: {reading.requests / reading.seconds:.0f}/s"
                yield (
                    f"  processor per request: {user_us + system_us:.1f} us, "
                    f"{user_us:.1f} in user code and {system_us:.1f} in the kernel"
                )
                if has_profiler:
                    stacks = sampled(server, scenario, seconds, environment, Path(folder))
                    yield from stacks_lines(stacks, user_us)
                yield ""
    if not has_profiler:
        yield f"{PROFILER} is not installed, so that the functions under load are not known."


def costs(server: Server, scenario: Scenario, seconds: float) -> tuple[Reading, float, float]:
    """What wrk counted, and microseconds of the processor for each request."""
    before = processor_seconds(server.pids)
    reading = run_wrk(server.port, scenario, seconds, CLIENT_PROCESSOR)
    after = processor_seconds(server.pids)
    user_us, system_us = (
        (end - begin) / max(1, reading.requests) * 1e6
        for begin, end in zip(before, after, strict=True)
    )
    return reading, user_us, system_us


def sampled(
    server: Server, scenario: Scenario, seconds: float, environment: Path, folder: Path
) -> Stacks:
    """The stacks of a run of wrk."""
    output = folder / "stacks"
    # Longer than the samples, which begin when the profiler has found its way about.
    load = threading.Thread(
        target=run_wrk, args=(server.port, scenario, seconds + 2, CLIENT_PROCESSOR)
    )
    load.start()
    try:
        subprocess.run(
            [
                *(environment / "bin" / "py-spy", "record", "--format", "raw", "--function"),
                # A thread that waits for a job looks like one that runs. One thread at most
                # holds the interpreter lock, and none does in a system call.
                "--gil",
                *("--pid", str(server.pids[0]), "--duration", str(max(1, round(seconds)))),
                *("--rate", str(SAMPLES_PER_S), "--output", output),
            ],
            check=True,
            capture_output=True,
            timeout=seconds + 60,
        )
    finally:
        load.join()
    return parse_stacks(output.read_text())


def stacks_lines(stacks: Stacks, user_us: float) -> Iterator[str]:
    """Own time: the function itself and what it calls in C, not what it calls in Python.

    Seen is who holds the interpreter lock, so the shares divide the time in user code.
    """
    for title, shares in (
        ("by module", stacks.by_module()),
        ("by function", stacks.by_function()[:FUNCTIONS_SHOWN]),
    ):
        yield f"  own time in user code {title} ({stacks.samples} samples)"
        for name, share in shares:
            yield f"    {share:6.1%} {share * user_us:7.2f} us  {name}"
