"""What is measured and kept: one record for each round, and the file that holds them."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """One application in one scenario and one round: the median of its turns."""

    scenario: str
    peer: str
    round: int
    us: float
    """Microseconds for a call."""
    calls: int


@dataclass(frozen=True, slots=True)
class Absence:
    """A peer without measurements, or without those of one scenario, and why."""

    peer: str
    scenario: str
    reason: str


@dataclass
class Results:
    about: dict[str, Any]
    readings: list[Reading] = field(default_factory=list)
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
        [Reading(**record) for record in raw["readings"]],
        [Absence(**record) for record in raw["absent"]],
    )
