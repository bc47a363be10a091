"""From rounds to figures, and whether they are what was promised. Pure."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.prod.peers import GUNICORN, WAITRESS, WIVERNO
from benchmarks.prod.results import AtRest, Results, Round
from benchmarks.prod.scenarios import SCENARIOS, THREADS, WAIT_S

IDEAL_PER_S = THREADS / WAIT_S
SHARE_OF_IDEAL = 0.95
MEMORY_KB = 10 * 1024

RATIOS = (
    ("hello", WAITRESS, 3.0),
    ("hello", GUNICORN, 5.0),
    ("close", WAITRESS, 3.0),
    ("large", WAITRESS, 3.0),
    ("post", WAITRESS, 3.0),
)
"""Scenario, beside whom, at least how many times as many answers."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One server in one scenario: medians of its rounds."""

    peer: str
    scenario: str
    rounds: int
    per_s: float
    lowest_per_s: float
    highest_per_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    errors: int
    """Of all rounds together."""
    beside_waitress: float | None
    """Median of the ratios within a round; None: waitress was not measured."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise and what was measured."""

    promise: str
    measured: str
    holds: bool


def summarize(rounds: Sequence[Round]) -> list[Summary]:
    """In the order of the scenarios, the fastest server first."""
    order = {scenario.name: place for place, scenario in enumerate(SCENARIOS)}
    pairs = {(each.scenario, each.peer) for each in rounds}
    summaries = [
        _summarize(_of(rounds, scenario, peer), _of(rounds, scenario, WAITRESS))
        for scenario, peer in pairs
    ]
    return sorted(summaries, key=lambda each: (order[each.scenario], -each.per_s))


def ratio(ours: Sequence[Round], theirs: Sequence[Round]) -> float | None:
    """How many times as many answers, as the median over the rounds that both have.

    Within a round both were measured one after the other: what else the machine did, and how
    fast it was at that hour, fell on both.
    """
    by_round = {each.round: each.per_s for each in theirs}
    ratios = [
        each.per_s / by_round[each.round]
        for each in ours
        # Without a good answer there is nothing to be compared with.
        if by_round.get(each.round)
    ]
    return statistics.median(ratios) if ratios else None


def verdicts(results: Results) -> list[Verdict]:
    """The promises of which something was measured."""
    return [
        *_ratio_verdicts(results.rounds),
        *_latency_verdicts(summarize(results.rounds)),
        *_ideal_verdict(summarize(results.rounds)),
        *_memory_verdicts(results.memory),
        *_error_verdict(results.rounds),
    ]


def _summarize(rounds: Sequence[Round], of_waitress: Sequence[Round]) -> Summary:
    rates = [each.per_s for each in rounds]
    return Summary(
        peer=rounds[0].peer,
        scenario=rounds[0].scenario,
        rounds=len(rounds),
        per_s=statistics.median(rates),
        lowest_per_s=min(rates),
        highest_per_s=max(rates),
        p50_ms=statistics.median(each.p50_ms for each in rounds),
        p99_ms=statistics.median(each.p99_ms for each in rounds),
        requests=sum(each.requests for each in rounds),
        errors=sum(each.errors for each in rounds),
        beside_waitress=ratio(rounds, of_waitress),
    )


def _of(rounds: Sequence[Round], scenario: str, peer: str) -> list[Round]:
    return [each for each in rounds if (each.scenario, each.peer) == (scenario, peer)]


def _ratio_verdicts(rounds: Sequence[Round]) -> Iterator[Verdict]:
    for scenario, peer, wanted in RATIOS:
        found = ratio(_of(rounds, scenario, WIVERNO), _of(rounds, scenario, peer))
        if found is not None:
            # Two digits: 2.97 must not be shown as the 3.0 that it is not.
            yield Verdict(
                f"{scenario}: at least {wanted:.0f}x {peer}", f"{found:.2f}x", found >= wanted
            )


def _latency_verdicts(summaries: Sequence[Summary]) -> Iterator[Verdict]:
    by_pair = _by_pair(summaries)
    for scenario in SCENARIOS:
        ours = by_pair.get((scenario.name, WIVERNO))
        theirs = by_pair.get((scenario.name, WAITRESS))
        if ours and theirs:
            yield Verdict(
                f"{scenario.name}: p99 not above waitress's",
                f"{ours.p99_ms:.2f} ms, {theirs.p99_ms:.2f} ms",
                ours.p99_ms <= theirs.p99_ms,
            )


def _ideal_verdict(summaries: Sequence[Summary]) -> Iterator[Verdict]:
    ours = _by_pair(summaries).get(("wait", WIVERNO))
    if ours:
        share = ours.per_s / IDEAL_PER_S
        yield Verdict(
            f"wait: {SHARE_OF_IDEAL:.0%} of the ideal {IDEAL_PER_S:.0f}/s",
            f"{share:.1%}",
            share >= SHARE_OF_IDEAL,
        )


def _memory_verdicts(memory: Sequence[AtRest]) -> Iterator[Verdict]:
    rss = {(each.peer, each.when): each.rss_kb for each in memory}
    for when, told in (("start", "after the start"), ("load", "after the load")):
        ours, theirs = rss.get((WIVERNO, when)), rss.get((WAITRESS, when))
        if ours is not None and theirs is not None:
            yield Verdict(
                f"resident at rest {told}: within {MEMORY_KB // 1024} MB of waitress's",
                f"{ours / 1024:.1f} MB, {theirs / 1024:.1f} MB",
                ours - theirs <= MEMORY_KB,
            )


def _error_verdict(rounds: Sequence[Round]) -> Iterator[Verdict]:
    ours = [each for each in rounds if each.peer == WIVERNO]
    if ours:
        errors = sum(each.errors for each in ours)
        requests = sum(each.requests for each in ours)
        yield Verdict("no error", f"{errors} in {requests} requests", not errors)


def _by_pair(summaries: Sequence[Summary]) -> Mapping[tuple[str, str], Summary]:
    return {(each.scenario, each.peer): each for each in summaries}
