"""From rounds to figures. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.application.peers import WIVERNO
from benchmarks.application.results import Reading


@dataclass(frozen=True, slots=True)
class Summary:
    """One application in one scenario, over its rounds."""

    us: float
    """Median microseconds for a call."""
    lowest_us: float
    highest_us: float
    beside_wiverno: float | None
    """How many times as long as wiverno, as the median of the ratios within a round; None:
    wiverno was not measured."""


def summarize(readings: Sequence[Reading]) -> dict[tuple[str, str], Summary]:
    """(scenario, peer) → figures."""
    pairs = dict.fromkeys((each.scenario, each.peer) for each in readings)
    return {
        (scenario, peer): _summarize(
            _of(readings, scenario, peer), _of(readings, scenario, WIVERNO)
        )
        for scenario, peer in pairs
    }


def ratio(theirs: Sequence[Reading], ours: Sequence[Reading]) -> float | None:
    """Within a round both were measured in turn: what else the machine did fell on both."""
    by_round = {each.round: each.us for each in ours}
    ratios = [each.us / by_round[each.round] for each in theirs if each.round in by_round]
    return statistics.median(ratios) if ratios else None


def _summarize(readings: Sequence[Reading], of_wiverno: Sequence[Reading]) -> Summary:
    us = [each.us for each in readings]
    return Summary(statistics.median(us), min(us), max(us), ratio(readings, of_wiverno))


def _of(readings: Sequence[Reading], scenario: str, peer: str) -> list[Reading]:
    return [each for each in readings if (each.scenario, each.peer) == (scenario, peer)]
