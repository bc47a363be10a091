from collections.abc import Sequence

import pytest

from wiverno.dev.decisions.placement import Place
from wiverno.dev.terminal.screen import (
    ASCII,
    Line,
    RestartSummary,
    began_again_lines,
    failed_lines,
    milliseconds,
    panel_lines,
    place_in_import,
    plain_text,
    printable,
    relative_path,
    restarting_lines,
    root_refused_lines,
    snapshot_refused_lines,
    snapshot_taken_lines,
    summary_lines,
    template_ready_lines,
)

DOCUMENTED = """\
WARNING: File changed: /path/to/myapp/routes.py
>> Server restarting...
╭────────────────────────────────────────╮
│ Wiverno Development Server             │
│                                        │
│ Server: http://localhost:8000          │
│ Debug Mode: ON                         │
│ Restart: #2                            │
│ Press Ctrl+C to stop                   │
╰────────────────────────────────────────╯"""


def texts(lines: Sequence[Line]) -> list[str]:
    return [plain_text(line) for line in lines]


def test_restart_output_is_the_documented_one() -> None:
    lines = [
        *restarting_lines(["/path/to/myapp/routes.py"]),
        *panel_lines("http://localhost:8000", debug=True, restart=2),
    ]
    assert "\n".join(plain_text(line) for line in lines) == DOCUMENTED


@pytest.mark.parametrize(("debug", "word"), [(True, "ON"), (False, "OFF"), (None, "Unknown")])
def test_panel_lines_tell_the_debug_mode(debug: bool | None, word: str) -> None:
    text = [plain_text(line) for line in panel_lines("http://h:1", debug, 1)]
    assert text[4] == f"│ Debug Mode: {word}".ljust(41) + "│"


def test_panel_lines_when_the_url_is_long_are_wider_and_even() -> None:
    url = "http://" + "a" * 60
    lines = [plain_text(line) for line in panel_lines(url, True, 1)]
    assert {len(line) for line in lines} == {len(f"Server: {url}") + 4}


@pytest.mark.parametrize("width", range(1, 60))
def test_panel_lines_fit_or_have_no_box(width: int) -> None:
    lines = [plain_text(line) for line in panel_lines("http://localhost:8000", True, 1, width)]
    if lines[0].startswith("╭"):
        assert len({len(line) for line in lines}) == 1
        assert len(lines[0]) == min(width, 42)
    else:
        assert width < len("Server: http://localhost:8000") + 4
        assert lines[0] == "Wiverno Development Server"


def test_panel_lines_in_ascii() -> None:
    text = "".join(plain_text(line) for line in panel_lines("http://h:1", True, 1, None, ASCII))
    assert text.isascii()


def test_restarting_lines_when_many_files_changed_names_three() -> None:
    lines = [plain_text(line) for line in restarting_lines(["/a", "/b", "/c", "/d", "/e"])]
    assert lines[2:] == [
        "WARNING: File changed: /c",
        "… and 2 more",
        ">> Server restarting...",
    ]


PHASES = {"waited": 2.2, "fork": 4.44, "import": 170, "verify": 0.31, "go": 8}


@pytest.mark.parametrize(
    ("level", "words", "verbose_words"),
    [
        ("snapshot", " from a snapshot", " from a snapshot"),
        ("template", " from the template", " from the template"),
        ("bare template", "", " from a bare template"),
        ("interpreter", "", " in a new interpreter"),
        ("", "", ""),
    ],
)
def test_summary_lines_of_a_restart_name_its_level(
    level: str, words: str, verbose_words: str
) -> None:
    summary = RestartSummary(("/p/routes.py",), PHASES, 184.9, level)

    assert texts(summary_lines(summary, 2)) == [f"restarted in 185 ms{words} · routes.py"]
    assert texts(summary_lines(summary, 2, is_verbose=True)) == [
        f"restarted in 185 ms{verbose_words} · routes.py",
        "  waited 2.2, fork 4.4, import 170, verify 0.3, go 8.0 ms",
    ]


def test_summary_lines_of_the_first_start_and_of_many_files() -> None:
    first = summary_lines(RestartSummary((), {"import": 5}, 7), 1)
    assert texts(first) == ["started in 7.0 ms"]
    names = ("/p/api/__init__.py", "/p/b.py", "/p/c.py", "/p/d.py")
    many = summary_lines(RestartSummary(names, {}, 1234), 3)
    assert texts(many) == ["restarted in 1.2 s · api/__init__.py, b.py, c.py and 1 more"]


def test_summary_lines_of_a_restart_that_nobody_asked_for_tell_its_quiet_time_apart() -> None:
    phases = {**PHASES, "waited": 1002.2}
    summary = RestartSummary(("/p/routes.py",), phases, 1184.9, "snapshot")

    assert texts(summary_lines(summary, 2)) == [
        "restarted in 183 ms from a snapshot, 1.0 s after the save · routes.py"
    ]
    assert texts(summary_lines(summary, 2, is_verbose=True))[1].startswith("  waited 1002, ")


def test_details_of_forks_say_what_they_save() -> None:
    assert texts(template_ready_lines(["numpy"])) == ["  template ready with 1 module: numpy"]
    assert texts(template_ready_lines(["a", "b", "c", "d"])) == [
        "  template ready with 4 modules: a, b, c and 1 more"
    ]
    assert texts(snapshot_taken_lines("shop/model.py", Place.BEFORE, 0.2404)) == [
        "  snapshot before shop/model.py is imported, saves 240 ms of import"
    ]
    assert texts(snapshot_taken_lines("app.py", Place.BEHIND_IMPORTS, 1.25)) == [
        "  snapshot after the imports of app.py, saves 1.2 s of import"
    ]
    assert texts(snapshot_taken_lines("page.html", Place.AT_END, 0.31)) == [
        "  snapshot at the end of the import (page.html is read later), saves 310 ms of import"
    ]
    assert texts(began_again_lines("it was killed by SIGSEGV")) == [
        "  build begun again: it was killed by SIGSEGV"
    ]


def test_refusals_say_what_and_where_and_what_it_costs_in_one_line() -> None:
    place = place_in_import("shop/model.py", Place.BEHIND_IMPORTS)
    openmp = "scikit-learn started OpenMP threads"
    assert texts(snapshot_refused_lines(openmp, place, 1090, 21)) == [
        "scikit-learn started OpenMP threads after the imports of shop/model.py: "
        "restarts take 1.1 s instead of about 20 ms."
    ]
    assert texts(root_refused_lines("polars", "it prints when it is imported", 0.38)) == [
        "polars is imported at each restart (380 ms): it prints when it is imported."
    ]
    assert texts(root_refused_lines("broken", "it ends the process", 0)) == [
        "broken is imported at each restart: it ends the process."
    ]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/p/shop/model.py", "shop/model.py"),
        ("/p/.venv/lib/python3.11/site-packages/sklearn/base.py", "sklearn/base.py"),
        ("/usr/lib/python3/dist-packages/yaml.py", "yaml.py"),
        ("/pp/model.py", "/pp/model.py"),
    ],
)
def test_relative_path_is_as_people_name_it(path: str, shown: str) -> None:
    assert relative_path(path, "/p") == shown


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0.04, "0.0 ms"), (9.94, "9.9 ms"), (9.96, "10 ms"), (999.4, "999 ms"), (999.6, "1.0 s")],
)
def test_milliseconds_are_two_or_three_digits(ms: float, text: str) -> None:
    assert milliseconds(ms) == text


def test_failed_lines_keep_the_end_of_a_long_traceback() -> None:
    details = [f"line {number}" for number in range(30)]
    lines = [plain_text(line) for line in failed_lines("E: x", "/p/a.py:3", details)]
    assert lines[:3] == ["ERROR: E: x", "  at /p/a.py:3", "  … 10 lines, see the page"]
    assert lines[-2] == "  line 29"
    assert "next good save heals" in lines[-1]


def test_printable_spells_control_characters_out() -> None:
    assert printable("a\x1b[2J\nb\x9bö\x7f") == r"a\x1b[2J\nb\x9b" "ö" r"\x7f"
    assert printable("\tö") == "    ö"
