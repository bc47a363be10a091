"""The cases as a page of the documentation: `python -m tests.abuse.table` writes it."""

import importlib
from collections.abc import Iterable
from pathlib import Path

from tests.abuse.case import SCENARIOS, Case, Expected, Level, Outcome, Refused, Scenario
from tests.abuse.cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "abuse-cases.md"
_SCENARIO_MODULES = ("dos", "process")


def scenarios() -> list[Scenario]:
    """Those of all modules that have some."""
    for name in _SCENARIO_MODULES:
        importlib.import_module(f"tests.abuse.test_{name}")
    # Pytest may have imported them in another order.
    return [each for name in _SCENARIO_MODULES for each in SCENARIOS if each.category == name]


def page() -> str:
    """What the page says."""
    every: dict[str, list[Case | Scenario]] = {name: [*cases] for name, cases in CASES.items()}
    for each in scenarios():
        every.setdefault(each.category, []).append(each)
    counts = [_count_row(category, cases) for category, cases in every.items()]
    total = [each for cases in every.values() for each in cases]
    parts = [
        "# Every case of abuse",
        "Made from the cases themselves by `python -m tests.abuse.table`; a test compares. "
        "What the categories are about stands in [abuse.md](abuse.md).",
        _table(("category", *(each.value for each in Level)), [*counts, _count_row("all", total)]),
    ]
    for category, cases in every.items():
        rows = [
            (f"`{each.name}`", each.level.value, _expected(each), each.source) for each in cases
        ]
        parts += [f"## {category}", _table(("case", "level", "answer", "source"), rows)]
    return "\n\n".join(parts) + "\n"


def _count_row(category: str, cases: Iterable[Case | Scenario]) -> tuple[str, ...]:
    levels = [each.level for each in cases]
    return category, *(str(levels.count(level)) for level in Level)


def _expected(case: Case | Scenario) -> str:
    return _outcome(case.outcome) if isinstance(case, Case) else case.title


def _outcome(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"{outcome.status}, closed" if outcome.status else "closed without a word"
    answers = ", ".join(_answer(each) for each in outcome.answers)
    interim = "100, " * outcome.interim
    return f"{interim}{answers}{', closed' if outcome.then_closed else ''}"


def _answer(expected: Expected) -> str:
    return f"{expected.status}{'' if expected.is_whole else ' cut short'}"


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


if __name__ == "__main__":
    PAGE.write_text(page())
