"""Whether the server held, and by which rule. Pure."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.soak.abuse import KINDS
from benchmarks.soak.samples import Sample

WARM_UP_PART = 0.25
"""Of the whole time. Pools, caches and the allocator reach their size, and the first idle
connections their deadline."""

GROWTH_PART = 0.1
GROWTH_KB = 8 * 1024
GROWTH_DESCRIPTORS = 20
"""What the middle of the last third may lie above that of the first: the abusers are not in
step, so that a few connections more or less are open at any moment."""

REST_DESCRIPTORS = 2
"""After the last client has gone: the server may keep a file that it opened on demand."""

WORST_NORMAL_S = 1.0
LONGEST_PAUSE_S = 2.0
"""Of the normal client. One that was not running for longer, on a machine that was too busy,
could not have noticed what happened to others."""

OWN_ERRORS = ("Error of the server itself", "A pool thread met an error")
"""What the server's log says when it was not the application that failed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    rule: str
    measured: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """All that a soak has seen."""

    seconds: float
    samples: Sequence[Sample]
    at_rest_before: Sample
    at_rest_after: Sample | None
    """None: the server had ended."""
    asked: int
    worst_normal_s: float
    longest_pause_s: float
    """Of the normal client between an answer and its next request."""
    failures: Sequence[str]
    begun: Mapping[str, int]
    """Kind of abuse → episodes, also those that had not ended when the time was over."""
    outcomes: Mapping[str, Mapping[str, int]]
    load: Mapping[str, Mapping[str, int]]
    log: str
    exit_code: int | None
    """None: not within the time after SIGTERM."""


def verdicts(observed: Observed) -> list[Verdict]:
    return [
        *_flat_verdicts(observed),
        _rest_verdict(observed),
        *_normal_verdicts(observed),
        *_traffic_verdicts(observed),
        _log_verdict(observed.log),
        Verdict("SIGTERM ends it with 0", str(observed.exit_code), observed.exit_code == 0),
    ]


def _flat_verdicts(observed: Observed) -> Iterator[Verdict]:
    warm = [each for each in observed.samples if each.at_s >= observed.seconds * WARM_UP_PART]
    third = len(warm) // 3
    first, last = warm[:third], warm[-third:] if third else []
    yield _flat("memory in KB", lambda each: each.rss_kb, first, last, GROWTH_KB)
    yield _flat("descriptors", lambda each: each.descriptors, first, last, GROWTH_DESCRIPTORS)
    yield _flat("threads", lambda each: each.threads, first, last, 0)


def _flat(
    name: str,
    value: Callable[[Sample], int],
    first: Sequence[Sample],
    last: Sequence[Sample],
    growth: int,
) -> Verdict:
    """Of threads none more, and of the others a part, or a number that is noise for few."""
    rule = f"{name} flat: after {WARM_UP_PART:.0%} of the time the median of the last third "
    if not growth:
        rule += "not above that of the first"
    else:
        rule += f"within {GROWTH_PART:.0%} or {growth} of that of the first"
    if not first or not last:
        return Verdict(rule, "too few samples", holds=False)
    begin = statistics.median(value(each) for each in first)
    end = statistics.median(value(each) for each in last)
    allowed = max(begin * GROWTH_PART, growth) if growth else 0
    return Verdict(rule, f"{begin:.0f}, then {end:.0f}", end - begin <= allowed)


def _rest_verdict(observed: Observed) -> Verdict:
    rule = "descriptors at rest after the last client as before the first"
    before, after = observed.at_rest_before, observed.at_rest_after
    if after is None:
        return Verdict(rule, "the server had ended", holds=False)
    return Verdict(
        rule,
        f"{before.descriptors}, then {after.descriptors}",
        after.descriptors <= before.descriptors + REST_DESCRIPTORS,
    )


def _normal_verdicts(observed: Observed) -> Iterator[Verdict]:
    yield Verdict(
        f"normal client: every answer within {WORST_NORMAL_S:.0f} s",
        f"worst {observed.worst_normal_s:.3f} s",
        observed.worst_normal_s < WORST_NORMAL_S,
    )
    yield Verdict(
        "normal client: every answer right",
        f"{len(observed.failures)} wrong of {observed.asked}",
        not observed.failures and observed.asked > 0,
    )
    yield Verdict(
        f"normal client: asked all the time, without a pause of {LONGEST_PAUSE_S:.0f} s",
        f"longest {observed.longest_pause_s:.2f} s",
        observed.longest_pause_s < LONGEST_PAUSE_S,
    )


def _traffic_verdicts(observed: Observed) -> Iterator[Verdict]:
    wrong = {
        kind.name: unexpected
        for kind in KINDS
        if (
            unexpected := {
                outcome: count
                for outcome, count in observed.outcomes.get(kind.name, {}).items()
                if outcome not in kind.right
            }
        )
    }
    yield Verdict("abuse: every episode ends as it has to", str(wrong or "all"), not wrong)
    absent = [kind.name for kind in KINDS if not observed.begun.get(kind.name)]
    yield Verdict(
        "abuse: every kind took place", f"absent: {absent}" if absent else "all", not absent
    )
    if not observed.load:
        yield Verdict("load: took place", "none", holds=False)
    for name, counts in observed.load.items():
        errors = counts["bad statuses"] + counts["socket errors"]
        yield Verdict(
            f"load with {name}: no error",
            f"{errors} of {counts['requests']}",
            not errors and counts["requests"] > 0,
        )


def _log_verdict(log: str) -> Verdict:
    found = sum(log.count(text) for text in OWN_ERRORS)
    return Verdict("no error of the server itself in its log", str(found), not found)
