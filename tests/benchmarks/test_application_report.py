"""Figures and tables of the application benchmark from a small sample."""

from pathlib import Path

import pytest

from benchmarks.application.__main__ import parser
from benchmarks.application.installation import why_absent
from benchmarks.application.peers import PEERS
from benchmarks.application.report import BEGIN, END, markdown, write_report
from benchmarks.application.results import Reading, Results, read_results
from benchmarks.application.run import chosen_scenarios, take
from benchmarks.application.summary import ratio, summarize
from benchmarks.page import between_markers
from benchmarks.records import Absence
from tests.benchmarks.test_reload_report import rows_of


def readings(peer: str, *us: float, scenario: str = "text") -> list[Reading]:
    return [Reading(scenario, peer, number, each, 1000) for number, each in enumerate(us, 1)]


def sample() -> Results:
    about = {
        "command": "python -m benchmarks.application run",
        "commit": "0123abc",
        "date": "2026-01-01 00:00 UTC",
        "machine": "Linux 6, 2 cores",
        "processor": "a processor",
        "rounds": 3,
        "turns": 5,
        "seconds of each turn": 0.02,
        "load before": "0.1",
        "load after": "0.9",
        "compiled": ["falcon"],
        "is complete": True,
        "versions": {"python": "3.13.0", "wiverno": "0.1.0", "falcon": "4.4.0", "pip": "26"},
    }
    return Results(
        about,
        # In the third round the machine had half its speed, for all.
        [
            *readings("raw", 0.5, 0.5, 1.0),
            *readings("wiverno", 2.0, 2.5, 4.0),
            *readings("falcon", 6.0, 5.0, 12.0),
            *readings("falcon", 7.0, scenario="int"),
        ],
        [Absence("flask", "all", "Not installed: no\nnetwork")],
    )


def test_summary_has_median_range_and_ratio() -> None:
    falcon = summarize(sample().readings)["text", "falcon"]

    assert (falcon.us, falcon.lowest_us, falcon.highest_us) == (6.0, 5.0, 12.0)
    assert falcon.beside_wiverno == 3.0


def test_ratio_of_rounds_that_only_one_has_is_none() -> None:
    assert ratio(readings("falcon", 1.0), []) is None
    assert summarize(sample().readings)["int", "falcon"].beside_wiverno is None


def test_tables_have_a_row_for_each_scenario_and_a_column_for_each_peer() -> None:
    text = markdown(sample())
    times, ratios, ranges = rows_of(text, "text: one static route, text/plain")

    assert text.count("|  | raw | wiverno | falcon |") == 2
    assert "|  | raw | falcon |" in text
    assert times[1:] == ["0.50", "2.50", "6.00"]
    assert ratios[1:] == ["0.25", "3.00"]
    assert ranges[3] == "5.00 to 12.00"
    assert rows_of(text, "int: `/users/{id:int}`")[0][1:] == ["", "", "7.00"]


def test_conditions_tell_versions_what_is_compiled_and_interruption() -> None:
    results = sample()
    assert "Python 3.13.0: wiverno 0.1.0, falcon 4.4.0." in markdown(results)
    assert "Compiled to machine code: falcon." in markdown(results)
    assert "Interrupted" not in markdown(results)

    results.about |= {"is complete": False, "compiled": []}
    assert "**Interrupted.**" in markdown(results)
    assert "Compiled" not in markdown(results)


def test_absences_are_told() -> None:
    assert "- flask (all): Not installed: no network" in markdown(sample())


def test_report_replaces_only_what_is_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nformerly\n{END}\nafter\n")

    write_report(sample(), page)
    once = page.read_text()
    write_report(sample(), page)

    assert once.startswith(f"before\n{BEGIN}\n")
    assert once.endswith(f"{END}\nafter\n")
    assert "formerly" not in once
    assert page.read_text() == once


def test_page_in_the_docs_has_the_markers() -> None:
    page = Path(__file__).parents[2] / "docs" / "benchmarks.md"

    assert "tables" in between_markers(page.read_text(), "tables", BEGIN, END)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results" / "application.json"
    sample().write(path)

    assert read_results(path) == sample()


def test_absence_in_every_round_is_kept_once() -> None:
    results = Results({})
    told: dict[str, list[dict[str, object]]] = {
        "readings": [],
        "absent": [{"peer": "flask", "scenario": "json", "reason": "200 OK"}],
        "compiled": [],
    }
    take(told, results)
    take(told, results)

    assert results.absent == [Absence("flask", "json", "200 OK")]


def test_peer_that_is_not_installed_is_told_with_the_reason(tmp_path: Path) -> None:
    falcon = next(peer for peer in PEERS if peer.name == "falcon")
    (tmp_path / "not-installed.json").write_text('{"falcon": "no wheel"}')

    assert why_absent(falcon, {"falcon": "4.4.0"}, tmp_path) is None
    assert why_absent(falcon, {}, tmp_path) == "Not installed: no wheel"
    assert why_absent(PEERS[0], {}, tmp_path) is None


def test_scenarios_are_chosen_by_name_and_keep_their_order() -> None:
    assert chosen_scenarios(["int", "text"]) == ["text", "int"]
    with pytest.raises(SystemExit, match="'other' is not a scenario"):
        chosen_scenarios(["other"])


def test_command_line_takes_what_the_makefile_gives() -> None:
    assert parser().parse_args(["run"]).output.name == "application.json"
    assert parser().parse_args(["report"]).page.name == "benchmarks.md"
    assert parser().parse_args(["install", "--python", "python3"]).python == "python3"
