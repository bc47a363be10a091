import pytest

from wiverno.dev.terminal.screen import (
    ASCII,
    RestartSummary,
    failed_lines,
    panel_lines,
    plain_text,
    printable,
    restarting_lines,
    summary_lines,
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


def test_summary_lines_of_a_restart() -> None:
    phases = {"noticed": 2.2, "interpreter": 48.4, "import": 170, "verify": 3, "go": 8}
    summary = RestartSummary(("/p/routes.py",), phases, 231.4)
    assert [plain_text(line) for line in summary_lines(summary, 2)] == [
        "restarted in 231 ms: noticed 2, interpreter 48, import 170, verify 3, go 8 · routes.py"
    ]


def test_summary_lines_of_the_first_start_and_of_many_files() -> None:
    first = summary_lines(RestartSummary((), {"import": 5}, 7), 1)
    assert plain_text(first[0]) == "started in 7 ms: import 5"
    names = ("/p/api/__init__.py", "/p/b.py", "/p/c.py", "/p/d.py")
    many = summary_lines(RestartSummary(names, {}, 7), 3)
    assert plain_text(many[0]) == "restarted in 7 ms · api/__init__.py, b.py, c.py and 1 more"


def test_failed_lines_keep_the_end_of_a_long_traceback() -> None:
    details = [f"line {number}" for number in range(30)]
    lines = [plain_text(line) for line in failed_lines("E: x", "/p/a.py:3", details)]
    assert lines[:3] == ["ERROR: E: x", "  at /p/a.py:3", "  … 10 lines, see the page"]
    assert lines[-2] == "  line 29"
    assert "next good save heals" in lines[-1]


def test_printable_spells_control_characters_out() -> None:
    assert printable("a\x1b[2J\nb\x9bö\x7f") == r"a\x1b[2J\nb\x9b" "ö" r"\x7f"
    assert printable("\tö") == "    ö"
