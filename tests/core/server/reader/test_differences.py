"""Against h11 and httptools: where wiverno reads otherwise, a rule says why."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.server.reader.differences import Side, differences_of
from tests.core.server.reader.examples import ACCEPTED, REFUSED
from tests.core.server.reader.grammar import Sent, damaged_requests, valid_requests
from tests.core.server.reader.mutation import mutated
from tests.core.server.reader.page import PAGE, with_tables
from tests.core.server.reader.peers import PEERS, read_with_wiverno
from tests.core.server.reader.rules import NEXT, RULES, Rule, rule_of, unexplained

EXAMPLES = {name: data for name, (data, _) in (ACCEPTED | REFUSED).items()}

sample = settings(
    max_examples=200, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize("data", EXAMPLES.values(), ids=EXAMPLES)
def test_example_that_is_read_otherwise_has_a_rule(data: bytes) -> None:
    assert unexplained(data) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.name))
def test_rule_applies_to_its_examples_for_each_of_its_peers(rule: Rule) -> None:
    shown = set()
    for data in rule.examples:
        peers = {each.peer for each in differences_of(data + NEXT) if rule_of(each) is rule}
        assert peers, data
        assert unexplained(data) == []
        shown |= peers

    assert shown == set(rule.peers)


@pytest.mark.parametrize("peer", PEERS)
def test_plain_requests_are_read_alike(peer: str) -> None:
    body = b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    data = body + EXAMPLES["chunks"] + EXAMPLES["trailers"] + NEXT

    assert PEERS[peer](data).requests == read_with_wiverno(data).requests
    assert len(PEERS[peer](data).requests) == 4


@sample
@given(st.lists(valid_requests(), min_size=1, max_size=3))
def test_valid_requests_that_are_read_otherwise_have_a_rule(requests: list[Sent]) -> None:
    assert unexplained(b"".join(sent.data for sent in requests)) == []


@sample
@given(damaged_requests())
def test_damaged_requests_that_are_read_otherwise_have_a_rule(data: bytes) -> None:
    assert unexplained(data) == []


def judge_mutations(seed: int, count: int) -> None:
    chance = random.Random(seed)
    short = [data for data in EXAMPLES.values() if len(data) < 1000]
    for _ in range(count):
        data = mutated(chance.choice(short), chance)
        assert unexplained(data) == [], data


def test_ten_thousand_mutations_that_are_read_otherwise_have_a_rule() -> None:
    judge_mutations(1, 10_000)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_mutations_that_are_read_otherwise_have_a_rule() -> None:
    judge_mutations(2, 100_000)


def test_nothing_is_lenient_but_what_the_rules_allow() -> None:
    """Lenient beside both parsers is one thing only, and the RFC demands it."""
    lenient = [
        rule for rule in RULES if rule.side is Side.LENIENT and set(rule.peers) == set(PEERS)
    ]

    assert [rule.section for rule in lenient] == ["9112 7.1.1"]


def test_page_has_the_tables_of_the_rules() -> None:
    page = PAGE.read_text()

    assert with_tables(page) == page, "Run `make docs`."
