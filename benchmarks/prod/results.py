"""What is measured and kept: one record for each round, and the file that holds them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.records import Absence, write_records


@dataclass(frozen=True, slots=True)
class Round:
    """One run of wrk against one server."""

    scenario: str
    peer: str
    round: int
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad_statuses: int
    socket_errors: int

    @property
    def per_s(self) -> float:
        """Good answers per second: an error is quickly made."""
        return (self.requests - self.bad_statuses) / self.seconds

    @property
    def errors(self) -> int:
        return self.bad_statuses + self.socket_errors


@dataclass(frozen=True, slots=True)
class AtRest:
    """What all processes of a server hold while nobody asks."""

    peer: str
    when: str
    """`start`: each scenario was asked for once. `load`: after all rounds."""
    rss_kb: int
    pss_kb: int


@dataclass
class Results:
    about: dict[str, Any]
    rounds: list[Round] = field(default_factory=list)
    memory: list[AtRest] = field(default_factory=list)
    absent: list[Absence] = field(default_factory=list)

    def write(self, path: Path) -> None:
        lists: dict[str, Sequence[Any]] = {
            "rounds": self.rounds,
            "memory": self.memory,
            "absent": self.absent,
        }
        write_records(path, self.about, lists)


def read_results(path: Path) -> Results:
    raw = json.loads(path.read_text())
    return Results(
        raw["about"],
        [Round(**record) for record in raw["rounds"]],
        [AtRest(**record) for record in raw["memory"]],
        [Absence(**record) for record in raw["absent"]],
    )
