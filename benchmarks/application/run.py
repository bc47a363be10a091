"""One run: a process for each round, in which all applications take turns."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.application.installation import ROOT, why_absent
from benchmarks.application.one_round import Task
from benchmarks.application.peers import PEERS
from benchmarks.application.results import Reading, Results
from benchmarks.application.scenarios import SCENARIOS
from benchmarks.conditions import commit, load, machine, now, processor
from benchmarks.environment import installed_versions
from benchmarks.records import Absence

TURN_S = 0.02
"""Long beside the clock's steps, short beside the machine's moods."""

_ROUND_TIMEOUT_S = 600.0


class RoundFailedError(Exception):
    """The process of a round ended without an answer."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    environment: Path
    output: Path
    rounds: int
    turns: int
    peers: Sequence[str] = ()
    scenarios: Sequence[str] = ()


def run(settings: RunSettings) -> Results:
    """Measure, and write what there is after each round."""
    versions = installed_versions(settings.environment)
    results = Results(about(settings, versions))
    scenarios = chosen_scenarios(settings.scenarios)
    peers = chosen_peers(settings, versions, results)
    python = settings.environment / "bin" / "python"
    for number in range(1, settings.rounds + 1):
        told = ask_round(python, Task(number, peers, scenarios, settings.turns, TURN_S))
        take(told, results)
        print(f"  round {number} of {settings.rounds}, load {load()}", flush=True)
        results.about["load after"] = load()
        results.write(settings.output)
    results.about["is complete"] = True
    results.write(settings.output)
    return results


def about(settings: RunSettings, versions: Mapping[str, str]) -> dict[str, object]:
    return {
        "date": now(),
        "command": f"python -m benchmarks.application {' '.join(sys.argv[1:])}",
        "commit": commit(),
        "machine": machine(),
        "processor": processor(),
        "rounds": settings.rounds,
        "turns": settings.turns,
        "seconds of each turn": TURN_S,
        "load before": load(),
        "versions": dict(versions),
        "compiled": [],
        "is complete": False,
    }


def chosen_scenarios(names: Sequence[str]) -> list[str]:
    known = [scenario.name for scenario in SCENARIOS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"{unknown[0]!r} is not a scenario. There are: {', '.join(known)}")
    return [name for name in known if name in (names or known)]


def chosen_peers(settings: RunSettings, versions: Mapping[str, str], results: Results) -> list[str]:
    """The installed ones among those asked for."""
    known = [peer.name for peer in PEERS]
    unknown = [name for name in settings.peers if name not in known]
    if unknown:
        raise SystemExit(f"{unknown[0]!r} is not a peer. There are: {', '.join(known)}")
    installed = []
    for peer in PEERS:
        if settings.peers and peer.name not in settings.peers:
            continue
        reason = why_absent(peer, versions, settings.environment)
        if reason is None:
            installed.append(peer.name)
        else:
            tell_absence(results, Absence(peer.name, "all", reason))
    return installed


def ask_round(python: Path, task: Task) -> dict[str, list[dict[str, object]]]:
    """What the process of a round tells. Raises RoundFailedError."""
    done = subprocess.run(
        [python, "-m", "benchmarks.application.one_round"],
        cwd=ROOT,
        # The source of this checkout, whatever the environment was installed from.
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        input=json.dumps(asdict(task)),
        capture_output=True,
        text=True,
        timeout=_ROUND_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RoundFailedError(f"round {task.number} failed: {done.stderr.strip()[-2000:]}")
    told: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return told


def take(told: Mapping[str, list[dict[str, object]]], results: Results) -> None:
    for record in told["readings"]:
        reading = Reading(**record)  # type: ignore[arg-type]  # Written by `asdict`.
        results.readings.append(reading)
        print(f"    {reading.scenario:13} {reading.peer:8} {reading.us:9.2f} us", flush=True)
    for record in told["absent"]:
        absence = Absence(**record)  # type: ignore[arg-type]  # Written by `asdict`.
        # Every round meets it again.
        if (absence.peer, absence.scenario) not in _pairs(results.absent):
            tell_absence(results, absence)
    results.about["compiled"] = told["compiled"]


def tell_absence(results: Results, absence: Absence) -> None:
    print(f"  absent: {absence.peer} ({absence.scenario}): {absence.reason}", flush=True)
    results.absent.append(absence)


def _pairs(absent: Sequence[Absence]) -> set[tuple[str, str]]:
    return {(absence.peer, absence.scenario) for absence in absent}
