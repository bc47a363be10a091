"""From single measurements to figures. Pure."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.reload.freshness import Kind
from benchmarks.reload.results import Save


@dataclass(frozen=True, slots=True)
class Summary:
    """One server on one project. A save that was missed counts as infinitely late."""

    peer: str
    times_ms: Sequence[float]
    first: Counter[str]

    @property
    def median_ms(self) -> float:
        return statistics.median(self.times_ms)

    @property
    def quartiles_ms(self) -> tuple[float, float]:
        """The first and the third, both of them times that were measured."""
        return self._at(0.25), self._at(0.75)

    @property
    def p95_ms(self) -> float:
        """Of fewer than 20 saves the maximum."""
        return self._at(0.95)

    @property
    def max_ms(self) -> float:
        return max(self.times_ms)

    @property
    def missed(self) -> int:
        return sum(math.isinf(time_ms) for time_ms in self.times_ms)

    @property
    def answered_fresh(self) -> bool:
        """The first request after each save, without exception."""
        return set(self.first) <= {Kind.FRESH.value}

    def _at(self, share: float) -> float:
        ordered = sorted(self.times_ms)
        return ordered[math.ceil(share * len(ordered)) - 1]


def summarize(saves: Iterable[Save]) -> list[Summary]:
    """The saves of one project, the fastest server first."""
    by_peer: dict[str, list[Save]] = {}
    for save in saves:
        by_peer.setdefault(save.peer, []).append(save)
    summaries = [
        Summary(
            peer,
            [math.inf if save.fresh_ms is None else save.fresh_ms for save in saves_of_peer],
            Counter(save.first for save in saves_of_peer),
        )
        for peer, saves_of_peer in by_peer.items()
    ]
    return sorted(summaries, key=lambda summary: summary.median_ms)


def best(summaries: Iterable[Summary], peers: Iterable[str]) -> Summary | None:
    """The one with the lowest median among `peers`."""
    names = set(peers)
    among = [summary for summary in summaries if summary.peer in names]
    return min(among, key=lambda summary: summary.median_ms, default=None)


def shown_ms(time_ms: float) -> str:
    """Three digits that count: 3.21, 32.1, 321, 3210."""
    if math.isinf(time_ms):
        return "never"
    return f"{time_ms:.{max(0, 2 - math.floor(math.log10(max(time_ms, 0.01))))}f}"


def shown_share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if part else ""
