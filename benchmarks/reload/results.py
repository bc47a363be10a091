"""What is measured and kept: one record for each save, and the file that holds them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.records import write_records


@dataclass(frozen=True, slots=True)
class Save:
    """One save and the request sent right after it, on a connection of its own."""

    project: str
    peer: str
    round: int
    first: str
    """What the first request got: a `Kind`."""
    first_ms: float
    fresh_ms: float | None
    """From the end of the save to the first byte of the first fresh answer. None: not in time."""
    until_fresh: Mapping[str, int]
    """All requests up to the first fresh answer, by what they got."""
    was_restarted: bool = False
    """The server had ended before this save and was started again."""


@dataclass(frozen=True, slots=True)
class PolledSave:
    """A save while clients ask all the time. Only requests sent after it are counted."""

    project: str
    peer: str
    round: int
    requests: Mapping[str, int]
    fresh_ms: float | None


@dataclass(frozen=True, slots=True)
class BrokenSave:
    """A save that does not compile, what requests got, and the save that repairs it."""

    project: str
    peer: str
    round: int
    answers: list[str]
    names_error: bool
    """An answer named the error."""
    has_ended: bool
    fixed_ms: float | None


@dataclass(frozen=True, slots=True)
class SameSecond:
    """Two saves of the same size within one second, the second after the first was served."""

    project: str
    peer: str
    round: int
    is_same_second: bool
    """The clock says so. A slow answer to the first save can make the second come too late."""
    first_was_served: bool
    second_ms: float | None
    """None: stale for good."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A peer without measurements, and why."""

    peer: str
    project: str
    reason: str


@dataclass
class Results:
    about: dict[str, Any]
    saves: list[Save] = field(default_factory=list)
    polled: list[PolledSave] = field(default_factory=list)
    broken: list[BrokenSave] = field(default_factory=list)
    same_second: list[SameSecond] = field(default_factory=list)
    absent: list[Absence] = field(default_factory=list)

    def write(self, path: Path) -> None:
        lists: dict[str, Sequence[Any]] = {
            "saves": self.saves,
            "polled": self.polled,
            "broken": self.broken,
            "same_second": self.same_second,
            "absent": self.absent,
        }
        write_records(path, self.about, lists)


def read_results(path: Path) -> Results:
    raw = json.loads(path.read_text())
    return Results(
        raw["about"],
        [Save(**record) for record in raw["saves"]],
        [PolledSave(**record) for record in raw["polled"]],
        [BrokenSave(**record) for record in raw["broken"]],
        [SameSecond(**record) for record in raw["same_second"]],
        [Absence(**record) for record in raw["absent"]],
    )
