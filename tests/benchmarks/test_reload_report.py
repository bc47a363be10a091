"""Tables and plot from a small sample."""

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.page import PageWithoutMarkersError, between_markers
from benchmarks.reload.plot import Panel, draw
from benchmarks.reload.report import markdown, write_report
from benchmarks.reload.results import Results, read_results
from benchmarks.reload.suites import FRAMEWORKS, RELOAD, SUITES, Suite
from benchmarks.reload.summary import shown_ms, summarize
from tests.benchmarks.reload_sample import sample, sample_of_frameworks, save

BEGIN = RELOAD.begin
END = RELOAD.end


def reload_section(results: Results) -> str:
    return markdown(RELOAD, results)


def rows_of(text: str, name: str) -> list[list[str]]:
    """The cells of the table rows that begin with `name`."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_comparison_names_best_restart_and_best_patching_apart() -> None:
    (row,) = rows_of(reload_section(sample()), "light: one file without imports")

    assert row[1:] == [
        *("5.00 (wiverno-fork)", "100 (granian)", "20.0x"),
        *("50.0 (jurigged-werkzeug)", "10.0x"),
    ]


def test_missed_saves_count_as_infinitely_late() -> None:
    row = rows_of(reload_section(sample()), "hupper-waitress")[0]

    assert row[1:] == [
        "never",
        "1040 to never",
        "never",
        "never",
        "3",
        "2",
        "",
        "",
        "",
        "67 %",
        "33 %",
        "",
    ]


def test_framework_is_compared_as_it_comes_with_the_faster_of_its_own_servers() -> None:
    text = markdown(FRAMEWORKS, sample_of_frameworks())

    (row,) = rows_of(text, "fastapi: one file, a view")
    assert row[1:] == ["15 ms", "10.0 (9.00 to 14.0)", "400 (400 to 400) fastapi-dev", "40.0x"]


def test_own_server_that_misses_saves_has_no_ratio() -> None:
    text = markdown(FRAMEWORKS, sample_of_frameworks())

    (row,) = rows_of(text, "django30-settings: the same, the settings")
    assert row[1:] == ["a full rebuild", "30.0 (30.0 to 30.0)", "never (never to never) django", ""]


def test_section_has_only_the_projects_and_scenarios_that_were_measured() -> None:
    text = markdown(FRAMEWORKS, sample_of_frameworks())

    titles = [line for line in text.splitlines() if line.startswith("####")]
    assert titles == [
        "#### Fastapi: one file, a view",
        "#### Django30-settings: the same, the settings",
    ]
    assert "Clients that ask all the time" not in text
    assert "Clients that ask all the time" in reload_section(sample())


def test_tables_of_scenarios_show_what_requests_got() -> None:
    text = reload_section(sample())

    _, polled, broken, same_second = rows_of(text, "granian")
    assert polled[1:] == ["1", "54", "30", "20", "", "4", "", ""]
    assert broken[1:] == ["stale, refused", "", "yes", "never"]
    # The pair that the clock tore apart is left out.
    assert same_second[1:] == ["1", "1", "1"]


def test_absent_peers_are_listed_with_the_reason() -> None:
    assert "- uvicorn-hmr (all): Not installed: needs Python 3.12" in reload_section(sample())


def test_conditions_show_versions_of_servers_only() -> None:
    assert "Python 3.13.0: wiverno 0.1.0, granian 2.8.7." in reload_section(sample())


def test_conditions_of_an_interrupted_run_say_so() -> None:
    results = sample()
    results.about["is complete"] = False

    assert "Interrupted" in reload_section(results)
    assert "Interrupted" not in reload_section(sample())


def test_report_replaces_only_what_is_between_the_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_report(RELOAD, sample(), "light: 1 ms\n", page)
    once = page.read_text()
    write_report(RELOAD, sample(), "light: 1 ms\n", page)

    assert once.startswith(f"before\n{BEGIN}\n")
    assert once.endswith(f"{END}\nafter\n")
    assert "old" not in once
    assert "### Where the time of a restart goes\n\n```\nlight: 1 ms\n```" in once
    assert page.read_text() == once
    assert (tmp_path / RELOAD.plot_name).exists()


def test_page_without_markers_is_refused() -> None:
    with pytest.raises(PageWithoutMarkersError):
        between_markers("nothing here", "tables", BEGIN, END)


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_page_in_the_docs_has_the_markers(suite: Suite) -> None:
    page = Path(__file__).parents[2] / "docs" / "benchmarks.md"

    assert "tables" in between_markers(page.read_text(), "tables", suite.begin, suite.end)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results" / "reload.json"
    sample().write(path)

    assert read_results(path) == sample()


def test_results_without_a_record_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = sample()
    results.absent = []
    results.write(tmp_path / "reload.json")

    assert read_results(tmp_path / "reload.json") == results


def test_p95_of_few_saves_is_the_maximum() -> None:
    (few,) = summarize(save("granian", float(time_ms)) for time_ms in range(1, 20))
    (many,) = summarize(save("granian", float(time_ms)) for time_ms in range(1, 41))

    assert (few.p95_ms, many.p95_ms) == (19.0, 38.0)


def test_quartiles_are_times_that_were_measured() -> None:
    (summary,) = summarize(save("granian", float(time_ms)) for time_ms in range(1, 9))
    (missed,) = summarize(save("granian", time_ms) for time_ms in (1.0, None, None))

    assert summary.quartiles_ms == (2.0, 6.0)
    assert missed.quartiles_ms == (1.0, math.inf)


@pytest.mark.parametrize(
    ("time_ms", "shown"),
    [(3.214, "3.21"), (32.14, "32.1"), (321.4, "321"), (3214.0, "3214"), (math.inf, "never")],
)
def test_times_are_shown_with_the_digits_that_count(time_ms: float, shown: str) -> None:
    assert shown_ms(time_ms) == shown


def test_plot_shows_every_save_and_every_server() -> None:
    plot = draw([Panel("a <b>", [("wiverno-fork", [4.0, 5.0]), ("hupper", [1040.0, math.inf])])])

    root = ElementTree.fromstring(plot)
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    dots = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert {"a <b>", "wiverno-fork", "hupper", "4.5 ms", "missed", "10 s"} <= set(texts)
    assert len(dots) == 4


def test_plot_places_later_answers_further_right() -> None:
    plot = draw([Panel("one", [("granian", [0.1, 1.0, 5.0, 50.0, 9999.0, 20_000.0])])])

    root = ElementTree.fromstring(plot)
    dots = root.iter("{http://www.w3.org/2000/svg}circle")
    places = [float(dot.attrib["cx"]) for dot in dots]
    assert places == sorted(places)
    assert places[0] == places[1]
