"""The table of docs/frameworks.md, made of a result that `tests/record_run.sh` has kept.

`python -m tests.frameworks.table` (or `make test-frameworks`) writes it; with a file as its
argument, of that one: the thorough run has the same tests.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.frameworks.cells import CELLS
from tests.frameworks.inventory import FRAMEWORKS, Framework

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "frameworks.md"
RESULT = ROOT / "tests" / "results" / "frameworks.txt"
BEGIN = "<!-- table: begin, written by `make test-frameworks` -->"
END = "<!-- table: end -->"
PASSED, NOT_PASSED = "yes", "**no**"


def said_by(framework: Framework, column: str) -> str:
    """What the test of a cell prints behind its last assertion."""
    return f"passed: {framework.name} | {column}"


def with_table(page: str, result: str, link: str) -> str:
    """The page with the table between the markers; `link` leads from it to the result."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page needs the lines {BEGIN!r} and {END!r}.")
    section = "\n".join(markdown(result, link))
    return f"{before}{BEGIN}\n\n{section}\n\n{END}{after}"


def markdown(result: str, link: str) -> Iterator[str]:
    """A row for each framework, and which run it is."""
    lines = set(result.splitlines())
    if not any(line.startswith("passed: ") for line in lines):
        raise ValueError("The result has no passed test of a framework: make test-frameworks.")
    versions = _versions(result)
    yield f"| framework | version | {' | '.join(CELLS)} |"
    yield "|---" * (2 + len(CELLS)) + "|"
    for framework in FRAMEWORKS:
        cells = [PASSED if said_by(framework, each) in lines else NOT_PASSED for each in CELLS]
        version = versions.get(framework.distribution.lower(), "?")
        yield f"| {framework.name} | {version} | {' | '.join(cells)} |"
    yield ""
    yield f"[The run]({link}): {_header(result, 'date')}, commit {_header(result, 'commit')},"
    yield f"{_header(result, 'machine')}."


def _versions(result: str) -> Mapping[str, str]:
    """By the name of the distribution, in small letters."""
    pairs = (each.partition("==") for each in _header(result, "packages").split())
    return {name.lower(): version for name, _, version in pairs}


def _header(result: str, name: str) -> str:
    match = re.search(rf"^{name}: (.*)$", result, re.M)
    return match[1] if match else "?"


if __name__ == "__main__":
    chosen = Path(sys.argv[1]).resolve() if sys.argv[1:] else RESULT
    PAGE.write_text(
        with_table(PAGE.read_text(), chosen.read_text(), f"../{chosen.relative_to(ROOT)}")
    )
