"""Figures, verdicts and tables from a small sample."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.page import between_markers
from benchmarks.prod.report import BEGIN, END, markdown, write_report
from benchmarks.prod.results import Results, read_results
from benchmarks.prod.stacks import parse_stacks
from benchmarks.prod.summary import ratio, summarize, verdicts
from tests.benchmarks.prod_sample import round_, sample
from tests.benchmarks.test_reload_report import rows_of


def held(results: Results) -> dict[str, bool]:
    return {verdict.promise: verdict.holds for verdict in verdicts(results)}


def test_summary_has_medians_and_the_range() -> None:
    (wiverno,) = (
        each
        for each in summarize(sample().rounds)
        if (each.peer, each.scenario) == ("wiverno", "hello")
    )

    assert (wiverno.per_s, wiverno.lowest_per_s, wiverno.highest_per_s) == (60_000, 32_000, 64_000)
    assert (wiverno.rounds, wiverno.requests, wiverno.errors) == (3, 312_000, 0)


def test_ratio_is_the_median_of_those_within_a_round() -> None:
    ours = [round_("wiverno", rate, number=number) for number, rate in enumerate((30, 60, 20), 1)]
    theirs = [round_("waitress", rate, number=number) for number, rate in enumerate((10, 15, 5), 1)]

    assert ratio(ours, theirs) == 4.0


def test_ratio_of_rounds_that_only_one_has_is_none() -> None:
    assert ratio([round_("wiverno", 1, number=1)], [round_("waitress", 1, number=2)]) is None
    assert ratio([round_("wiverno", 1)], [round_("waitress", 0, bad_statuses=5)]) is None


def test_bad_statuses_are_no_answers() -> None:
    assert round_("wiverno", 10, bad_statuses=90).per_s == 10


def test_verdicts_tell_what_holds_and_what_is_missed() -> None:
    assert held(sample()) == {
        "hello: at least 3x waitress": True,
        "hello: at least 5x gunicorn-gthread": True,
        "close: at least 3x waitress": False,
        "hello: p99 not above waitress's": True,
        "close: p99 not above waitress's": False,
        "wait: 95% of the ideal 800/s": True,
        "resident at rest after the start: within 10 MB of waitress's": True,
        "resident at rest after the load: within 10 MB of waitress's": False,
        "no error": True,
    }


@pytest.mark.parametrize(("bad_statuses", "socket_errors"), [(1, 0), (0, 1)])
def test_one_error_of_wiverno_is_a_miss(bad_statuses: int, socket_errors: int) -> None:
    results = sample()
    results.rounds[0] = replace(
        results.rounds[0], bad_statuses=bad_statuses, socket_errors=socket_errors
    )

    assert not held(results)["no error"]


def test_wait_below_the_ideal_is_a_miss() -> None:
    results = Results({}, rounds=[round_("wiverno", 759, scenario="wait")])

    assert not held(results)["wait: 95% of the ideal 800/s"]


def test_tables_show_errors_and_ratio() -> None:
    (gunicorn,) = rows_of(markdown(sample(), ""), "gunicorn-gthread")

    assert gunicorn[1:] == ["10000", "10000", "10000", "0.50", "1.00", "2.00", "9 of 20007"]


def test_ratio_just_below_is_not_shown_as_what_was_wanted() -> None:
    (row,) = rows_of(markdown(sample(), ""), "close: at least 3x waitress")

    assert row[1:] == ["2.97x", "**missed**"]


def test_profile_stands_beside_a_miss_only() -> None:
    results = sample()
    assert "where it goes" in markdown(results, "where it goes")

    results.rounds = [each for each in results.rounds if each.scenario == "hello"]
    results.memory = []
    assert "where it goes" not in markdown(results, "where it goes")


def test_conditions_show_versions_of_servers_and_interruption() -> None:
    results = sample()
    assert "Python 3.13.0: wiverno 0.1.0, waitress 3.0.2." in markdown(results, "")
    assert "Interrupted" not in markdown(results, "")

    results.about["is complete"] = False
    assert "Interrupted" in markdown(results, "")


def test_remarks_and_absences_are_told() -> None:
    text = markdown(sample(), "")

    assert "- uwsgi: HTTP in C" in text
    assert "- bjoern: HTTP in C" not in text
    assert "- bjoern (all): Not installed: no compiler" in text


def test_memory_is_shown_in_megabytes() -> None:
    rows = rows_of(markdown(sample(), ""), "waitress")

    assert rows[-1][1:] == ["16.0", "12.0", "16.0", "12.0"]


def test_report_replaces_only_what_is_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nformerly\n{END}\nafter\n")

    write_report(sample(), "", page)
    once = page.read_text()
    write_report(sample(), "", page)

    assert once.startswith(f"before\n{BEGIN}\n")
    assert once.endswith(f"{END}\nafter\n")
    assert "formerly" not in once
    assert page.read_text() == once


def test_page_in_the_docs_has_the_markers() -> None:
    page = Path(__file__).parents[2] / "docs" / "benchmarks.md"

    assert "tables" in between_markers(page.read_text(), "tables", BEGIN, END)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results" / "prod.json"
    sample().write(path)

    assert read_results(path) == sample()


def test_stacks_count_the_innermost_function() -> None:
    stacks = parse_stacks(
        "thread;run (/lib/wiverno/core/server/pool.py:5);<listcomp> (a b.py:1) 3\n"
        "run (/lib/wiverno/core/server/pool.py:5) 1\n"
        "run (/lib/wiverno/core/server/pool.py:5);native 4\n"
        "\n"
    )

    assert stacks.by_function() == [
        ("native (?)", 0.5),
        ("<listcomp> (a b.py)", 0.375),
        ("run (wiverno/core/server/pool.py)", 0.125),
    ]
    assert dict(stacks.by_module())["wiverno/core/server/pool.py"] == 0.125
    assert stacks.samples == 8


def test_no_stacks_have_no_shares() -> None:
    assert parse_stacks("").by_module() == []
