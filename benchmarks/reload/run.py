"""One run: all servers of a project alive at once, saved in turn, round by round."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.conditions import load, machine, now, processor
from benchmarks.environment import installed_versions
from benchmarks.processes import pause
from benchmarks.reload.forms import entry_of
from benchmarks.reload.installation import all_peers, why_absent
from benchmarks.reload.measure import (
    measure_broken_save,
    measure_polled_save,
    measure_same_second,
    measure_save,
)
from benchmarks.reload.peers import Peer
from benchmarks.reload.project import Project
from benchmarks.reload.results import Absence, Results
from benchmarks.reload.server import DidNotStartError, Server
from benchmarks.reload.suites import Suite

T = TypeVar("T")

SCENARIO_PROJECT = "light"
"""The project of polling clients, broken saves and two saves within a second: they ask how a
server behaves, not how long an import takes."""

ROUNDS_OF_SCENARIOS = 5
BETWEEN_SERVERS_S = 0.2
"""Until the processes that the last save replaced are gone."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    suite: Suite
    environment: Path
    output: Path
    rounds: int
    peers: Sequence[str] = ()
    projects: Sequence[str] = ()


def run(settings: RunSettings) -> Results:
    """Measure, and write what there is after each project."""
    versions = installed_versions(settings.environment)
    results = Results(about(settings, versions))
    results.about["is complete"] = False
    peers = chosen_peers(settings, versions, results)
    for project in settings.suite.chosen(settings.projects):
        print(f"{project.name}: {project.edit}", flush=True)
        try:
            measure_project(project, peers, settings, results)
        finally:
            results.about["load after"] = load()
            results.write(settings.output)
    results.about["is complete"] = True
    results.write(settings.output)
    return results


def about(settings: RunSettings, versions: Mapping[str, str]) -> dict[str, object]:
    return {
        "date": now(),
        "command": f"python -m benchmarks.reload {' '.join(sys.argv[1:])}",
        "machine": machine(),
        "processor": processor(),
        "rounds": settings.rounds,
        "load before": load(),
        "versions": dict(versions),
    }


def chosen_peers(
    settings: RunSettings, versions: Mapping[str, str], results: Results
) -> list[Peer]:
    """The installed ones among those asked for. A name may stand for all that begin with it."""
    everybody = [
        peer
        for peer in all_peers(settings.environment)
        if peer.name not in settings.suite.left_out
        and any(entry_of(peer.form, project.application) for project in settings.suite.projects)
    ]
    wanted = [
        peer
        for peer in everybody
        if not settings.peers or any(peer.name.startswith(name) for name in settings.peers)
    ]
    if not wanted:
        raise SystemExit(f"No such peer. There are: {', '.join(peer.name for peer in everybody)}")
    installed = []
    for peer in wanted:
        reason = why_absent(peer, versions, settings.environment)
        if reason is None:
            installed.append(peer)
        else:
            tell_absence(results, Absence(peer.name, "all", reason))
    return installed


def tell_absence(results: Results, absence: Absence) -> None:
    print(f"  absent: {absence.peer} ({absence.project}): {absence.reason}", flush=True)
    results.absent.append(absence)


def measure_project(
    project: Project, peers: Sequence[Peer], settings: RunSettings, results: Results
) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reload-")))
        servers = []
        for peer in peers:
            if entry_of(peer.form, project.application) is None:
                continue
            place = folder / peer.name
            place.mkdir()
            server = Server(peer, project, place, settings.environment / "bin")
            try:
                servers.append(stack.enter_context(server))
            except DidNotStartError as problem:
                tell_absence(results, Absence(peer.name, project.name, str(problem)))
        # Caches are filled and the file is known as one that is edited. Not kept.
        for _ in in_turn(servers, 1, measure_save, results):
            pass
        results.saves.extend(in_turn(servers, settings.rounds, measure_save, results))
        if project.name == SCENARIO_PROJECT:
            rounds = min(settings.rounds, ROUNDS_OF_SCENARIOS)
            results.polled.extend(in_turn(servers, rounds, measure_polled_save, results))
            results.same_second.extend(in_turn(servers, rounds, measure_same_second, results))
            results.broken.extend(in_turn(servers, rounds, measure_broken_save, results))


def in_turn(
    servers: list[Server], rounds: int, measure: Callable[[Server, int], T], results: Results
) -> Iterator[T]:
    """Measure every server once in each round, each round begun by another one.

    A server that cannot be started again after it ended leaves `servers`.
    """
    for round_ in range(1, rounds + 1):
        first = round_ % len(servers) if servers else 0
        for server in [*servers[first:], *servers[:first]]:
            try:
                yield measure(server, round_)
            except DidNotStartError as problem:
                servers.remove(server)
                tell_absence(results, Absence(server.peer.name, server.project.name, str(problem)))
            pause(BETWEEN_SERVERS_S)
        print(f"  {measure.__name__} {round_} of {rounds}, load {load()}", flush=True)
