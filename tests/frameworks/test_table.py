"""The table of the documents says what the result says, and of every framework there is."""

import re

import pytest

from tests.frameworks.cells import CELLS
from tests.frameworks.inventory import FRAMEWORKS, SAMPLES
from tests.frameworks.table import (
    BEGIN,
    END,
    NOT_PASSED,
    PAGE,
    PASSED,
    markdown,
    said_by,
    with_table,
)

FLASK = FRAMEWORKS[0]
HEADER = "date: today\ncommit: abc\nmachine: one\npackages: attrs==1 Flask==3.1 \n"


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_page_has_a_row_for_each_framework_and_a_column_for_each_test() -> None:
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    head, _, *rows = [cells_of(line) for line in table.splitlines() if line.startswith("|")]

    assert head == ["framework", "version", *CELLS]
    assert [row[0] for row in rows] == [each.name for each in FRAMEWORKS]
    assert {cell for row in rows for cell in row[2:]} == {PASSED}


def test_page_has_what_the_run_says_that_it_names() -> None:
    page = PAGE.read_text()
    (link,) = re.findall(r"\[The run\]\((.+?)\)", page)

    assert page == with_table(page, (PAGE.parent / link).read_text(), link)


def test_page_tells_what_each_column_is() -> None:
    told = re.findall(r"^- \*\*(.+?)\*\*:", PAGE.read_text(), re.M)

    assert told == list(CELLS)


def test_each_sample_is_of_a_framework() -> None:
    folders = {path.name for path in SAMPLES.iterdir()} - {"shared"}

    assert folders == {each.folder for each in FRAMEWORKS}


def test_table_when_a_test_has_not_passed_says_no() -> None:
    missing = next(iter(CELLS))
    passed = [said_by(FLASK, column) for column in CELLS if column != missing]

    rows = list(markdown(HEADER + "\n".join(passed), "result.txt"))

    assert cells_of(rows[2]) == ["Flask", "3.1", NOT_PASSED, *[PASSED] * (len(CELLS) - 1)]
    assert cells_of(rows[3])[1:] == ["?", *[NOT_PASSED] * len(CELLS)]
    assert "[The run](result.txt): today, commit abc,\none." in "\n".join(rows)


def test_table_when_the_result_has_none_of_these_tests_is_refused() -> None:
    with pytest.raises(ValueError, match="make test-frameworks"):
        with_table(PAGE.read_text(), HEADER, "result.txt")


def test_table_when_the_page_has_no_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        with_table("# A page\n", HEADER + said_by(FLASK, "prod"), "result.txt")
