"""What is measured and kept: one record for each round, and the file that holds them."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Absence:
    """A peer without measurements, or without those of one scenario, and why."""

    peer: str
    scenario: str
    reason: str


@dataclass
class Results:
    about: dict[str, Any]
    rounds: list[Round] = field(default_factory=list)
    memory: list[AtRest] = field(default_factory=list)
    absent: list[Absence] = field(default_factory=list)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lists = {name: value for name, value in asdict(self).items() if name != "about"}
        # One record per line: the file is read by people and compared by git.
        parts = [f'"about": {json.dumps(self.about, indent=1)}']
        for name, records in lists.items():
            lines = ",\n".join(json.dumps(record) for record in records)
            parts.append(f'"{name}": [\n{lines}\n]')
        path.write_text("{" + ",\n".join(parts) + "}\n")


def read_results(path: Path) -> Results:
    raw = json.loads(path.read_text())
    return Results(
        raw["about"],
        [Round(**record) for record in raw["rounds"]],
        [AtRest(**record) for record in raw["memory"]],
        [Absence(**record) for record in raw["absent"]],
    )
