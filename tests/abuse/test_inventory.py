"""No row of the survey without a case, no case without a source, no page that is stale."""

import re
from pathlib import Path

from tests.abuse.case import Case, Scenario
from tests.abuse.cases import CASES
from tests.abuse.table import PAGE, page, scenarios

# A section of a standard, a weakness or a report with a number, or that the rule is our own.
_SOURCE = re.compile(
    r"RFC \d{4} (section|appendix) |PEP 3333|CVE-\d{4}-\d+|CWE-\d+|\bown\b"
    r"|(issue|pull request) \d+"
)


def _every() -> list[Case | Scenario]:
    return [*(case for cases in CASES.values() for case in cases), *scenarios()]


def _inventory() -> dict[str, str]:
    lines = (Path(__file__).parent / "inventory.txt").read_text().splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    listed = dict(pairs)
    assert len(listed) == len(pairs) == 157
    return listed


def test_inventory_when_compared_with_the_cases_finds_each_with_its_weight() -> None:
    weights = {each.name: each.level.value for each in _every()}

    assert {name: weights.get(name) for name in _inventory()} == _inventory()


def test_names_when_counted_are_different() -> None:
    names = [each.name for each in _every()]

    assert len(names) == len(set(names))


def test_every_case_when_asked_names_its_source() -> None:
    assert [each.name for each in _every() if not _SOURCE.search(each.source)] == []


def test_page_of_cases_when_made_again_is_the_one_in_the_documentation() -> None:
    assert PAGE.read_text() == page(), "Write it anew: python -m tests.abuse.table"
