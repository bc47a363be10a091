"""What is measured and kept: one record for each round, and the file that holds them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.records import Absence, write_records


@dataclass(frozen=True, slots=True)
class Reading:
    """One application in one scenario and one round: the median of its turns."""

    scenario: str
    peer: str
    round: int
    us: float
    """Microseconds for a call."""
    calls: int


@dataclass
class Results:
    about: dict[str, Any]
    readings: list[Reading] = field(default_factory=list)
    absent: list[Absence] = field(default_factory=list)

    def write(self, path: Path) -> None:
        lists: dict[str, Sequence[Any]] = {
            "readings": self.readings,
            "absent": self.absent,
        }
        write_records(path, self.about, lists)


def read_results(path: Path) -> Results:
    raw = json.loads(path.read_text())
    return Results(
        raw["about"],
        [Reading(**record) for record in raw["readings"]],
        [Absence(**record) for record in raw["absent"]],
    )
