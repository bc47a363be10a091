"""Each rule of the soak holds for a server that holds, and fails for the one it is there for."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.soak.abuse import KINDS, Abuse
from benchmarks.soak.client import outcome_of
from benchmarks.soak.samples import Sample, read_sample
from benchmarks.soak.verdict import GROWTH_DESCRIPTORS, Observed, verdicts

SECONDS = 100.0


def samples(
    rss_kb: Callable[[float], float] = lambda at_s: 50_000,
    descriptors: Callable[[float], float] = lambda at_s: 400,
    threads: Callable[[float], float] = lambda at_s: 9,
) -> list[Sample]:
    """One per second, from functions of the time."""
    return [
        Sample(at_s, int(rss_kb(at_s)), int(descriptors(at_s)), int(threads(at_s)))
        for at_s in range(1, 101)
    ]


def observed() -> Observed:
    """A server that holds."""
    return Observed(
        seconds=SECONDS,
        samples=samples(),
        at_rest_before=Sample(0, 20_000, 8, 1),
        at_rest_after=Sample(101, 50_000, 8, 9),
        asked=2_000,
        worst_normal_s=0.4,
        longest_pause_s=0.1,
        failures=[],
        begun={kind.name: 5 for kind in KINDS},
        outcomes={kind.name: dict.fromkeys(kind.right, 1) for kind in KINDS},
        load={"keep-alive": {"requests": 9, "bad statuses": 0, "socket errors": 0}},
        log="ERROR: The application failed at GET '/fail'\n",
        exit_code=0,
    )


def failed(what: Observed) -> list[str]:
    """The beginnings of the rules that fail."""
    return [verdict.rule.split(":")[0] for verdict in verdicts(what) if not verdict.holds]


def test_server_that_holds_passes_every_rule() -> None:
    assert failed(observed()) == []
    assert len({verdict.rule for verdict in verdicts(observed())}) == len(verdicts(observed()))


def test_growth_in_the_warm_up_is_no_leak() -> None:
    grown = samples(rss_kb=lambda at_s: min(at_s, 20) * 5_000)

    assert failed(replace(observed(), samples=grown)) == []


def test_waves_are_no_leak() -> None:
    waves = samples(rss_kb=lambda at_s: 50_000 + at_s % 10 * 3_000)

    assert failed(replace(observed(), samples=waves)) == []


@pytest.mark.parametrize(
    ("leaking", "rule"),
    [
        (samples(rss_kb=lambda at_s: 50_000 + at_s * 300), "memory in KB flat"),
        (samples(descriptors=lambda at_s: 400 + at_s), "descriptors flat"),
        (samples(threads=lambda at_s: 9 + at_s // 50), "threads flat"),
    ],
    ids=["memory", "descriptors", "threads"],
)
def test_slow_leak_is_found(leaking: list[Sample], rule: str) -> None:
    assert failed(replace(observed(), samples=leaking)) == [rule]


def test_few_descriptors_more_are_abusers_out_of_step() -> None:
    few = samples(descriptors=lambda at_s: 50 + at_s / 100 * GROWTH_DESCRIPTORS)

    assert failed(replace(observed(), samples=few)) == []


def test_too_few_samples_prove_nothing() -> None:
    assert failed(replace(observed(), samples=samples()[:2])) == [
        *("memory in KB flat", "descriptors flat", "threads flat")
    ]


def test_descriptor_that_outlives_its_client_is_found() -> None:
    kept = Sample(101, 50_000, 11, 9)

    assert failed(replace(observed(), at_rest_after=kept)) == [
        "descriptors at rest after the last client as before the first"
    ]


def test_normal_client_that_waited_a_second_is_found() -> None:
    assert failed(replace(observed(), worst_normal_s=1.0)) == ["normal client"]


def test_normal_client_that_was_held_up_or_never_asked_proves_nothing() -> None:
    assert failed(replace(observed(), longest_pause_s=2.0)) == ["normal client"]
    assert failed(replace(observed(), asked=0)) == ["normal client"]


def test_wrong_answer_to_the_normal_client_is_found() -> None:
    assert failed(replace(observed(), failures=["3.0 s: 503 b''"])) == ["normal client"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_abuse_that_ends_otherwise_or_never_began_is_found(kind: Abuse) -> None:
    name = kind.name
    hung = {**observed().outcomes, name: {"hung": 1}}
    begun = {**observed().begun, name: 0}

    assert failed(replace(observed(), outcomes=hung)) == ["abuse"]
    assert failed(replace(observed(), begun=begun)) == ["abuse"]


@pytest.mark.parametrize("counts", [(9, 1, 0), (9, 0, 1), (0, 0, 0)])
def test_load_with_errors_or_without_answers_is_found(counts: tuple[int, int, int]) -> None:
    named = dict(zip(("requests", "bad statuses", "socket errors"), counts, strict=True))

    assert failed(replace(observed(), load={"close": named})) == ["load with close"]


def test_no_load_at_all_is_found() -> None:
    assert failed(replace(observed(), load={})) == ["load"]


def test_error_of_the_server_itself_is_found() -> None:
    log = "ERROR: Error of the server itself; ('127.0.0.1', 50000) is cut\n"

    assert failed(replace(observed(), log=log)) == ["no error of the server itself in its log"]


@pytest.mark.parametrize("code", [None, 1, -15])
def test_end_other_than_zero_is_found(code: int | None) -> None:
    assert failed(replace(observed(), exit_code=code)) == ["SIGTERM ends it with 0"]


def test_server_that_ended_on_the_way_fails_many_rules() -> None:
    ended = replace(
        observed(), samples=[], at_rest_after=None, begun={}, outcomes={}, load={}, exit_code=1
    )

    assert len(failed(ended)) >= 6


def test_sample_counts_what_the_kernel_counts() -> None:
    before = read_sample(os.getpid(), 1.25)
    reader, writer = os.pipe()
    try:
        with_pipe = read_sample(os.getpid(), 1.25)
    finally:
        os.close(reader)
        os.close(writer)

    assert with_pipe.descriptors == before.descriptors + 2
    assert (before.at_s, before.threads >= 1, before.rss_kb > 1024) == (1.2, True, True)


@pytest.mark.parametrize(
    ("received", "outcome"),
    [
        (b"", "closed"),
        (b"HTTP/1.1 408 Request Timeout\r\n", "408"),
        (b"220 smtp", "no HTTP: b'220 smtp'"),
    ],
)
def test_outcome_is_the_status_or_what_came_instead(received: bytes, outcome: str) -> None:
    assert outcome_of(received) == outcome
