"""One round: a process of the peers' environment that measures all of them, in turn.

Told by one JSON object on stdin, tells by one on stdout.
"""

import dataclasses
import gc
import importlib
import json
import random
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.application.calls import (
    Application,
    WrongAnswerError,
    calls_for,
    check,
    environs_for,
    time_calls,
)
from benchmarks.application.results import Reading
from benchmarks.application.scenarios import SCENARIOS, Scenario
from benchmarks.records import Absence


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be measured, in the words of JSON."""

    number: int
    """Of the round; it also seeds the order."""
    peers: Sequence[str]
    scenarios: Sequence[str]
    turns: int
    """Of each application in each scenario."""
    turn_s: float


def main() -> None:
    task = Task(**json.load(sys.stdin))
    readings: list[Reading] = []
    absent: list[Absence] = []
    for scenario in SCENARIOS:
        if scenario.name in task.scenarios:
            readings += measure(scenario, task, absent)
    json.dump(
        {
            "readings": [dataclasses.asdict(each) for each in readings],
            "absent": [dataclasses.asdict(each) for each in absent],
            "compiled": [peer for peer in task.peers if _is_compiled(peer)],
        },
        sys.stdout,
    )


def measure(scenario: Scenario, task: Task, absent: list[Absence]) -> Iterator[Reading]:
    """The applications take turns, each time in another order."""
    applications = dict(_applications(scenario, task.peers, absent))
    environs = environs_for(scenario)
    calls = {
        peer: calls_for(application, environs, task.turn_s)
        for peer, application in applications.items()
    }
    took: dict[str, list[float]] = {peer: [] for peer in applications}
    # What the garbage collector goes through is what each application makes in its own turn,
    # not the thousand routes of the four others.
    gc.collect()
    gc.freeze()
    for peer in _order(list(applications), task):
        took[peer].append(time_calls(applications[peer], environs, calls[peer]) / calls[peer])
    gc.unfreeze()
    for peer, seconds in took.items():
        us = statistics.median(seconds) * 1e6
        yield Reading(scenario.name, peer, task.number, round(us, 4), calls[peer] * task.turns)


def _applications(
    scenario: Scenario, peers: Sequence[str], absent: list[Absence]
) -> Iterator[tuple[str, Application]]:
    for peer in peers:
        try:
            yield peer, _application(peer, scenario)
        except WrongAnswerError as problem:
            absent.append(Absence(peer, scenario.name, str(problem)))


def _application(peer: str, scenario: Scenario) -> Application:
    """Raises WrongAnswerError."""
    module: Any = importlib.import_module(f"benchmarks.application.served.with_{peer}")
    application: Application = module.make(scenario)
    check(application, scenario)
    return application


def _order(peers: list[str], task: Task) -> Iterator[str]:
    shuffled = random.Random(task.number)
    for _ in range(task.turns):
        shuffled.shuffle(peers)
        yield from peers


def _is_compiled(peer: str, modules: Mapping[str, Any] = sys.modules) -> bool:
    """Whether the wheel holds machine code instead of Python, as Falcon's does."""
    return any(
        str(getattr(module, "__file__", "")).endswith((".so", ".pyd"))
        for name, module in list(modules.items())
        if name.partition(".")[0] == peer
    )


if __name__ == "__main__":
    main()
