"""One run: all servers alive at once, measured in turn, round by round."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.conditions import commit, load, machine, now, processor
from benchmarks.environment import installed_versions
from benchmarks.processes import pause
from benchmarks.prod.installation import all_peers, why_absent
from benchmarks.prod.memory import memory_of
from benchmarks.prod.peers import Peer
from benchmarks.prod.results import AtRest, Results, Round
from benchmarks.prod.scenarios import CONNECTIONS, SCENARIOS, Scenario
from benchmarks.prod.server import DidNotStartError, Server, WrongAnswerError
from benchmarks.prod.wrk import WrkError, run_wrk
from benchmarks.records import Absence

SERVER_PROCESSOR = 0
CLIENT_PROCESSOR = 1

WARM_UP_S = 1.0
BETWEEN_RUNS_S = 0.3
"""Until a server has seen that the connections of the last run are closed."""

REST_S = 2.0
"""Of quiet before memory is read."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    environment: Path
    output: Path
    rounds: int
    seconds: float
    peers: Sequence[str] = ()
    scenarios: Sequence[str] = ()


def run(settings: RunSettings) -> Results:
    """Measure, and write what there is after each round."""
    require_processors()
    versions = installed_versions(settings.environment)
    results = Results(about(settings, versions))
    scenarios = chosen_scenarios(settings.scenarios)
    peers = chosen_peers(settings, versions, results)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prod-")))
        servers = list(started(peers, folder, settings.environment / "bin", stack, results))
        measure(servers, scenarios, settings, results)
    results.about["is complete"] = True
    results.write(settings.output)
    return results


def require_processors() -> None:
    if not {SERVER_PROCESSOR, CLIENT_PROCESSOR} <= os.sched_getaffinity(0):
        raise SystemExit(
            f"The processors {SERVER_PROCESSOR} and {CLIENT_PROCESSOR} are needed, one for the "
            "server and one for wrk. On a single one wrk would take what it measures."
        )


def about(settings: RunSettings, versions: Mapping[str, str]) -> dict[str, object]:
    return {
        "date": now(),
        "command": f"python -m benchmarks.prod {' '.join(sys.argv[1:])}",
        "commit": commit(),
        "machine": machine(),
        "processor": processor(),
        "rounds": settings.rounds,
        "seconds of each": settings.seconds,
        "connections": CONNECTIONS,
        "load before": load(),
        "versions": dict(versions),
        "is complete": False,
    }


def chosen_scenarios(names: Sequence[str]) -> list[Scenario]:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"{unknown[0]!r} is not a scenario. There are: {', '.join(known)}")
    return [known[name] for name in names or known]


def chosen_peers(
    settings: RunSettings, versions: Mapping[str, str], results: Results
) -> list[Peer]:
    """The installed ones among those asked for. A name may stand for all that begin with it."""
    everybody = all_peers(settings.environment)
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
    print(f"  absent: {absence.peer} ({absence.scenario}): {absence.reason}", flush=True)
    results.absent.append(absence)


def started(
    peers: Sequence[Peer], folder: Path, programs: Path, stack: ExitStack, results: Results
) -> Iterator[Server]:
    for peer in peers:
        server = Server(peer, folder / f"{peer.name}.log", programs, SERVER_PROCESSOR)
        try:
            yield stack.enter_context(server)
        except DidNotStartError as problem:
            tell_absence(results, Absence(peer.name, "all", str(problem)))


def measure(
    servers: list[Server], scenarios: Sequence[Scenario], settings: RunSettings, results: Results
) -> None:
    pairs = list(answering(servers, scenarios, results))
    measure_memory(servers, "start", results)
    # Caches are filled. Not kept.
    for server in servers:
        run_wrk(server.port, SCENARIOS[0], WARM_UP_S, CLIENT_PROCESSOR)
    for round_ in range(1, settings.rounds + 1):
        for scenario in scenarios:
            own = [server for server, wanted in pairs if wanted is scenario]
            first = round_ % len(own) if own else 0
            for server in [*own[first:], *own[:first]]:
                try:
                    results.rounds.append(measure_round(server, scenario, round_, settings))
                except (WrkError, WrongAnswerError) as problem:
                    pairs.remove((server, scenario))
                    tell_absence(results, Absence(server.peer.name, scenario.name, str(problem)))
        print(f"  round {round_} of {settings.rounds}, load {load()}", flush=True)
        results.about["load after"] = load()
        results.write(settings.output)
    measure_memory(servers, "load", results)


def answering(
    servers: Sequence[Server], scenarios: Sequence[Scenario], results: Results
) -> Iterator[tuple[Server, Scenario]]:
    """What gives the right answer."""
    for server in servers:
        for scenario in scenarios:
            try:
                server.check(scenario)
            except WrongAnswerError as problem:
                tell_absence(results, Absence(server.peer.name, scenario.name, str(problem)))
            else:
                yield server, scenario


def measure_round(server: Server, scenario: Scenario, round_: int, settings: RunSettings) -> Round:
    """Raises WrkError and WrongAnswerError."""
    reading = run_wrk(server.port, scenario, settings.seconds, CLIENT_PROCESSOR)
    pause(BETWEEN_RUNS_S)
    # A server that answers something else under load would be measured for that.
    server.check(scenario)
    measured = Round(scenario.name, server.peer.name, round_, **asdict(reading))
    errors = f", {measured.errors} errors" if measured.errors else ""
    print(
        f"    {scenario.name:8} {server.peer.name:17} {measured.per_s:9.0f}/s, "
        f"p99 {measured.p99_ms:.2f} ms{errors}",
        flush=True,
    )
    return measured


def measure_memory(servers: Sequence[Server], when: str, results: Results) -> None:
    pause(REST_S)
    for server in servers:
        memory = memory_of(server.pids)
        results.memory.append(AtRest(server.peer.name, when, memory.rss_kb, memory.pss_kb))
