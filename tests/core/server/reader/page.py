"""The tables of docs/request-reader.md, made of the rules.

`python -m tests.core.server.reader.page` (or `make docs`) writes them; a test fails when they
are stale.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.core.server.reader.differences import Side
from tests.core.server.reader.rules import RULES

PAGE = Path(__file__).parents[4] / "docs" / "request-reader.md"


def with_tables(page: str) -> str:
    """The page with the rules of each side between its markers."""
    for side in Side:
        begin = f"<!-- {side.value}: written by `make docs` -->\n"
        end = "<!-- end -->\n"
        before, found_begin, rest = page.partition(begin)
        _, found_end, after = rest.partition(end)
        if not found_begin or not found_end:
            raise ValueError(f"The page needs the lines {begin!r} and {end!r}.")
        page = before + begin + "\n".join(["", *_table(side), "", ""]) + end + after
    return page


def _table(side: Side) -> Iterator[str]:
    yield "| what | unlike | RFC | why |"
    yield "|---|---|---|---|"
    for rule in RULES:
        if rule.side is side:
            yield f"| {rule.name} | {', '.join(rule.peers)} | {rule.section} | {rule.why} |"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
